package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
)

// Recall returns what a call has bought, without buying anything: paid is false if the key was never settled. What is
// held under the key is taken over from its holder and released, so that no earlier holder can go on with it; an answer
// that is on its way to one is then settled late, or lost with it. It is how a host ends work that it will not finish.
//
// Errors: credits.ErrKeyReused, credits.ErrInProgress if the holder's lease runs and the fence of c.Holder is not higher,
// and the ledger's own.
func Recall[In, Out any](ctx context.Context, e *Engine, f *Function[In, Out], c Call, in In) (r Result[Out], paid bool, err error) {
	j, err := f.job(c, in)
	if err != nil {
		return Result[Out]{}, false, err
	}
	receipt, err := e.recall(ctx, j)
	if err != nil {
		return Result[Out]{}, false, fmt.Errorf("engine: recall %q: key %q: %w", f.def.Name, c.Key, err)
	}
	if receipt == nil {
		return Result[Out]{}, false, nil
	}
	r, err = f.result(c, *receipt, true)
	return r, err == nil, err
}

// result reads the result of a receipt.
func (f *Function[In, Out]) result(c Call, receipt credits.Receipt, replayed bool) (Result[Out], error) {
	var out Out
	if err := json.Unmarshal(receipt.Result, &out); err != nil {
		return Result[Out]{}, fmt.Errorf("engine: function %q: key %q: the receipt's result does not fit %T: %w", f.def.Name, c.Key, out, err)
	}
	return Result[Out]{Out: out, Charged: receipt.Charged, Record: receipt.Record, Replayed: replayed}, nil
}

func (e *Engine) recall(ctx context.Context, j *job) (*credits.Receipt, error) {
	known, err := e.cfg.Ledger.Lookup(ctx, j.call.Account, j.call.Key)
	switch {
	case errors.Is(err, credits.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case known.Hold != nil && known.Hold.State != credits.Open:
		return nil, nil
	}
	op := e.operation(j)
	ask := op.asking()
	if ask.Amount = 1; known.Hold != nil {
		ask.Amount, ask.Pinned = known.Hold.Amount, known.Hold.Pinned
	}
	held, err := e.cfg.Ledger.Hold(ctx, ask) // the receipt of a settled key, if it is the same call's
	if err != nil {
		return nil, err
	}
	if held.Receipt != nil {
		return held.Receipt, nil
	}
	op.req, _ = decodeRequest(held.Hold.Pinned) // if it cannot be read, the attempts' worst cost is not known; no reason to hold on
	if err := op.abandon(ctx, held.Hold.OpenAttempts); err != nil {
		return nil, err
	}
	out, err := op.release(ctx, credits.Attempt{}, nil)
	if err != nil || out.receipt.Key == "" {
		return nil, err
	}
	return &out.receipt, nil // it was settled just now, by the earlier holder
}

// abandon closes attempts that an earlier holder left open and that nobody will ask about: they may have run.
func (op *operation) abandon(ctx context.Context, open []credits.Attempt) error {
	gone := &providers.Error{Kind: providers.Canceled, Fate: providers.Unknown, Detail: "the call was given up"}
	for _, a := range open {
		if err := op.finish(ctx, op.failed(a, gone, op.req.Messages)); err != nil {
			return err
		}
	}
	return nil
}
