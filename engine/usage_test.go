package engine_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/usage"
)

// TestAUsageThatCannotBeTrueEndsNoHold: an adapter that passes on what its upstream made up must not keep the customer's
// credits held, nor leave the attempt open.
func TestAUsageThatCannotBeTrueEndsNoHold(t *testing.T) {
	for name, u := range map[string]usage.Usage{
		"ASumBeyondAnInt64": usage.Tokens(math.MaxInt64, 5), "ANegativeCount": usage.Tokens(-1, 5),
	} {
		for how, answer := range map[string]func() (providers.TextResult, error){
			"BesideAFailure": func() (providers.TextResult, error) {
				return providers.TextResult{}, &providers.Error{Provider: "openai", Kind: providers.Malformed, Fate: providers.Executed, Usage: u}
			},
			"BesideAnAnswer": func() (providers.TextResult, error) {
				return providers.TextResult{Text: `{"echo":"x"}`, Metering: providers.Metering{Usage: u}}, nil
			},
		} {
			t.Run(name+how, func(t *testing.T) {
				h := newHost(t, setup{engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) { return answer() }))})
				_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{prompt})
				if !errors.Is(err, providers.Malformed) && !errors.Is(err, usage.ErrInvalid) {
					t.Errorf("Run: %v", err)
				}
				h.sound() // nothing is held, and no attempt is open
			})
		}
	}
}

// TestACostThatCannotBeIsNotReported: written out, such a number fills the memory, and the answer is good.
func TestACostThatCannotBeIsNotReported(t *testing.T) {
	for _, cost := range []decimal.Decimal{decimal.New(1, 999_999_999), decimal.New(1, -999_999_999), decimal.RequireFromString(strings.Repeat("7", 201))} {
		p := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			r, err := says(`{"echo":"a"}`)
			r.Cost = decimal.NewNullDecimal(cost)
			return r, err
		})
		h := newHost(t, setup{engine: with(p)})
		got, err := h.echo("k")
		if err != nil || got.Charged != 5 || got.Record.ReportedCost.Valid || h.attempts("k")[0].ReportedCost.Valid {
			t.Errorf("charged %d, %v: want 5 and no cost of 10^%d", got.Charged, err, cost.Exponent())
		}
		h.sound()
	}
}
