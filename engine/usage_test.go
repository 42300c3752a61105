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

// TestHalfAUsageIsNotThePriceOfAnAttempt: of an answer that says what it read and not what it wrote, the operator knows no
// more than what it can have cost.
func TestHalfAUsageIsNotThePriceOfAnAttempt(t *testing.T) {
	cost := func(u usage.Usage) decimal.Decimal {
		h := newHost(t, setup{engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			return providers.TextResult{}, &providers.Error{Provider: "openai", Kind: providers.Malformed, Fate: providers.Executed, Usage: u}
		}))})
		if _, err := h.echo("k"); !errors.Is(err, providers.Malformed) {
			t.Errorf("Run: %v", err)
		}
		h.sound()
		return h.attempts("k")[0].Cost.Decimal
	}
	worst := cost(usage.Usage{})
	for name, u := range map[string]usage.Usage{"Read": {Input: usage.Exactly(10)}, "Written": {Output: usage.Exactly(5)}} {
		if got := cost(u); !got.Equal(worst) {
			t.Errorf("%s: the attempt cost %s USD, want %s, the worst case", name, got, worst)
		}
	}
	if got := cost(usage.Tokens(10, 5)); !got.IsPositive() || !got.LessThan(worst) {
		t.Errorf("all of it: the attempt cost %s USD, want less than the worst case of %s", got, worst)
	}
}

// TestAPictureThatCouldNotBeReadWasMade: the adapter's answer without a picture has a usage of none.
func TestAPictureThatCouldNotBeReadWasMade(t *testing.T) {
	h := newHost(t, setup{engine: with(images(func(context.Context, providers.ImageRequest) (providers.ImageResult, error) {
		return providers.ImageResult{}, &providers.Error{Provider: "openai", Kind: providers.Malformed, Fate: providers.Executed, Usage: usage.Images(0)}
	}))})
	if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, providers.Malformed) || h.attempts("k")[0].Cost.Decimal.String() != "0.04" {
		t.Errorf("%v, the attempt cost %s USD, want the price of a picture", err, h.attempts("k")[0].Cost.Decimal)
	}
	h.sound()
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
