package engine_test

import (
	"context"
	"errors"
	"math"
	"testing"

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
