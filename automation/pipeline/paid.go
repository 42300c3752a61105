package pipeline

import (
	"context"
	"encoding/json"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/engine"
)

// paid is what the stages that pay have in common: the one call that an item makes.
type paid[In, Out any] struct {
	*Pipeline
	function *engine.Function[In, Out]
	request  func(input json.RawMessage) (In, error) // reads the call's input out of the item's
}

func newPaid[In, Out any](p *Pipeline, f *engine.Function[In, Out], request func(json.RawMessage) (In, error)) paid[In, Out] {
	return paid[In, Out]{p, f, request}
}

func (s paid[In, Out]) Policy() automation.Policy { return policy }

// call names the one call of an item.
func (s paid[In, Out]) call(c automation.Call) engine.Call {
	return engine.Call{Account: c.Account, Key: c.Key("call"), Scope: c.Ref.Run, Holder: c.Holder}
}

// Do makes the call and hands its answer on to Save.
func (s paid[In, Out]) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	in, err := s.request(c.Item.Input)
	if err != nil {
		return automation.Outcome{}, err
	}
	r, err := engine.Run(ctx, s.cfg.Engine, s.function, s.call(c), in)
	if err != nil {
		return automation.Outcome{}, classify(err, c)
	}
	return outcome(r)
}

// Salvage implements [automation.Salvager].
func (s paid[In, Out]) Salvage(ctx context.Context, c automation.Call) (automation.Outcome, bool, error) {
	in, err := s.request(c.Item.Input)
	if err != nil {
		return automation.Outcome{}, false, err
	}
	r, paid, err := engine.Recall(ctx, s.cfg.Engine, s.function, s.call(c), in)
	if err != nil || !paid {
		return automation.Outcome{}, false, err
	}
	out, err := outcome(r)
	return out, err == nil, err
}

func outcome[Out any](r engine.Result[Out]) (automation.Outcome, error) {
	out, err := json.Marshal(r.Out)
	return automation.Outcome{Out: out, Charged: r.Charged}, err
}
