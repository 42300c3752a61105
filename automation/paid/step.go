package paid

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/engine"
)

// Step is the part of a stage that pays: Do, Policy and [automation.Salvager]. It is safe for concurrent use, and its fields
// are not to be changed any more once it works.
type Step[In, Out any] struct {
	Engine   *engine.Engine                    // required
	Function *engine.Function[In, Out]         // required: the one call that an item makes
	Tries    automation.Policy                 // how failures are taken
	Input    func(json.RawMessage) (In, error) // reads the call's input out of the item's, which is its JSON if nil
}

// Policy is part of [automation.Stage].
func (s Step[In, Out]) Policy() automation.Policy { return s.Tries }

// call names the one call of an item.
func (s Step[In, Out]) call(c automation.Call) engine.Call {
	return engine.Call{Account: c.Account, Key: c.Key("call"), Scope: c.Ref.Run, Holder: c.Holder}
}

func (s Step[In, Out]) input(c automation.Call) (in In, err error) {
	if s.Input != nil {
		return s.Input(c.Item.Input)
	}
	if err := json.Unmarshal(c.Item.Input, &in); err != nil {
		return in, automation.Permanent(fmt.Errorf("paid: read %T: %w", in, err))
	}
	return in, nil
}

// Do makes the call, under the key c.Key("call") and the run's id as its scope, and hands the JSON of its answer on to Save.
func (s Step[In, Out]) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	in, err := s.input(c)
	if err != nil {
		return automation.Outcome{}, err
	}
	r, err := engine.Run(ctx, s.Engine, s.Function, s.call(c), in)
	if err != nil {
		return automation.Outcome{}, Classify(err, c)
	}
	return outcome(r)
}

// Salvage implements [automation.Salvager].
func (s Step[In, Out]) Salvage(ctx context.Context, c automation.Call) (automation.Outcome, bool, error) {
	in, err := s.input(c)
	if err != nil {
		return automation.Outcome{}, false, err
	}
	r, paid, err := engine.Recall(ctx, s.Engine, s.Function, s.call(c), in)
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
