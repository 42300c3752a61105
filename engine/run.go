package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// Call says for whom and under which name a function is run.
type Call struct {
	Account credits.Account // who pays; required
	Key     credits.Key     // names the call for ever, see the package's comment; required
	Scope   string          // what the charge is counted under, such as a run; may be empty
	Model   string          // overrides the settings; a part of the call's fingerprint
	// Holder is who works on the call: an automation passes its task's generation as the fence. A holder of its own is
	// made if the ID is empty. The lease is always the engine's.
	Holder credits.Holder
}

// Result is what a call brought.
type Result[Out any] struct {
	Out      Out
	Charged  credits.Amount // credits
	Record   credits.UsageRecord
	Replayed bool // the key was settled before; nothing was called now
}

// Run runs a function for a call: see the package's comment for the way it goes and the errors it returns. Cancelling
// the context ends the call and releases the hold; what was answered by then is settled all the same.
//
// A charge never exceeds the hold, and the hold is sized by what the request itself can cost: as many tokens of input as its
// messages have bytes (and its schema, for a model that takes one), a few for the wrapping, and the bound on the output; or
// the pictures asked for. What an upstream counts beyond that, such as a prompt of its own that it adds to the input for a
// forced tool, is not charged: it is written off, which [credits.UsageRecord] and an event of the ledger say.
func Run[In, Out any](ctx context.Context, e *Engine, f *Function[In, Out], c Call, in In) (Result[Out], error) {
	if err := f.Validate(in); err != nil {
		return Result[Out]{}, err
	}
	j, err := f.job(c, in)
	if err != nil {
		return Result[Out]{}, err
	}
	receipt, replayed, err := e.run(ctx, j)
	if err != nil {
		return Result[Out]{}, fmt.Errorf("engine: function %q: key %q: %w", f.def.Name, c.Key, err)
	}
	return f.result(c, receipt, replayed)
}

// job is a call with its types erased: what the gate needs to know of a function.
type job struct {
	call        Call
	function    string
	operation   string
	kind        registry.Kind
	fingerprint [32]byte
	schema      *schema

	messages  func(Env) ([]providers.Message, error)
	maxOutput int64
	accept    func(answer string) (result []byte, err error) // the error is told to the model by the repair call

	draw     func(Env) (Drawing, error)
	pictures func([]Picture) (result []byte, err error)
}

func (f *Function[In, Out]) job(c Call, in In) (*job, error) {
	input, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("engine: function %q: %w: %w", f.def.Name, ErrInput, err)
	}
	j := &job{call: c, function: f.def.Name, operation: f.def.Operation, kind: f.kind(), schema: f.schema}
	if j.fingerprint, err = fingerprint(f.def.Operation, f.def.Name, c.Model, input); err != nil {
		return nil, err
	}
	if f.def.Text != nil {
		j.messages = func(env Env) ([]providers.Message, error) { return f.def.Text.Messages(env, in) }
		j.maxOutput = f.def.Text.MaxOutput(in)
		j.accept = func(answer string) ([]byte, error) { return f.accept(in, answer) }
		return j, nil
	}
	j.draw = func(env Env) (Drawing, error) { return f.def.Image.Draw(env, in) }
	j.pictures = func(p []Picture) ([]byte, error) { return json.Marshal(f.def.Image.Result(in, p)) }
	return j, nil
}

// fingerprint digests what must not differ under one key: the caller's request, and nothing that was resolved for it.
func fingerprint(operation, function, model string, input json.RawMessage) ([32]byte, error) {
	b, err := json.Marshal(struct {
		Operation, Function, Model string
		Input                      json.RawMessage
	}{operation, function, model, input})
	return sha256.Sum256(b), err
}

// accept turns an answer into the result that is kept, in the canonical form of Out.
func (f *Function[In, Out]) accept(in In, answer string) ([]byte, error) {
	raw, err := f.schema.read(answer)
	if err != nil {
		return nil, err
	}
	var out Out
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("the answer does not fit the schema: a number is out of range")
	}
	if f.def.Text.Check != nil {
		if err := f.def.Text.Check(in, out); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// Estimate says what a call of the function would be charged for the given usage, by the settings as they are now for the
// call's account; the call needs no key. Nothing is held and nothing is called. Errors: those of [registry.Registry.Effective]
// and of [registry.Configuration.Quote].
func Estimate[In, Out any](ctx context.Context, e *Engine, f *Function[In, Out], c Call, u usage.Usage) (credits.Amount, error) {
	effective, err := e.Settings(ctx, f, c)
	if err != nil {
		return 0, fmt.Errorf("engine: function %q: %w", f.def.Name, err)
	}
	price, err := effective.Snapshot.Configuration.Quote(f.def.Operation, effective.Model.Name, u)
	if err != nil {
		return 0, err
	}
	return price.Credits()
}
