package automation

import (
	"context"
	"errors"
)

// salvage deals with a task that is not to be done any more: what was paid for is saved and what is held is given back.
// If nothing was paid for, the task is dropped, or given up because of cause if its run is not being cancelled.
func (r *Runner) salvage(ctx context.Context, t Task, stage Stage, c Call, cause error) {
	paid, err := r.saved(ctx, stage, c)
	failed := t.Attempts + 1
	fail := func(cause error) {
		r.write(ctx, t, func(ctx context.Context) error { return r.cfg.Store.Fail(ctx, r.cfg.Owner, t.Ref, cause.Error()) })
	}
	switch {
	case errors.Is(err, ErrStale):
	case err == nil && paid:
	case err == nil && cause != nil:
		fail(cause)
	case err == nil:
		r.write(ctx, t, func(ctx context.Context) error { return r.cfg.Store.Drop(ctx, r.cfg.Owner, t.Ref) })
	case ctx.Err() != nil: // stopped: the next runner goes on
		r.giveBack(ctx, t, err, 0, false)
	case isPermanent(err) || failed >= stage.Policy().attempts(): // the receipt stays in the ledger, for a person to see to
		r.cfg.Logger.Error("automation: what a task may have paid for cannot be saved", "run", t.Ref.Run, "stage", t.Ref.Stage, "item", t.Ref.Item, "error", err)
		if cause == nil {
			cause = err
		}
		fail(cause)
	default:
		r.giveBack(ctx, t, err, stage.Policy().backoff(failed), true)
	}
}

// saved saves what the item paid for, if it did.
func (r *Runner) saved(ctx context.Context, stage Stage, c Call) (paid bool, err error) {
	defer recovered(stage, &err)
	s, ok := stage.(Salvager)
	if _, last := finisher(stage, c); !ok || last {
		return false, nil
	}
	out, paid, err := s.Salvage(ctx, c)
	if err != nil || !paid {
		return false, err
	}
	return true, r.save(ctx, stage, c, out)
}
