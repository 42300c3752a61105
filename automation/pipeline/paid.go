package pipeline

import (
	"context"
	"encoding/json"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/paid"
	"github.com/scrip-go/scrip/engine"
)

// paying is what the stages that pay have in common.
type paying[In, Out any] struct {
	*Pipeline
	paid.Step[In, Out]
	// waits reports whether the item's rows still wait for the stage.
	waits func(context.Context, automation.Call) (bool, error)
}

// Do pays for nothing if the item's rows do not wait any more, and brings nothing: between the look at a row and the claim on it an
// errand may have begun and ended. From the claim on nobody else changes them.
func (s paying[In, Out]) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	if waits, err := s.waits(ctx, c); err != nil || !waits {
		return automation.Outcome{}, err
	}
	return s.Step.Do(ctx, c)
}

// newPaying returns what a stage embeds; request reads the call's input out of the item's, which is its JSON if nil.
func newPaying[In, Out any](p *Pipeline, f *engine.Function[In, Out], request func(json.RawMessage) (In, error), waits func(context.Context, automation.Call) (bool, error)) paying[In, Out] {
	return paying[In, Out]{p, paid.Step[In, Out]{Engine: p.cfg.Engine, Function: f, Tries: policy, Input: request}, waits}
}
