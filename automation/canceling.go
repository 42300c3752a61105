package automation

import (
	"context"
	"errors"
)

// salvage deals with a task of a run that is being cancelled: what was paid for is saved, anything else is dropped.
func (r *Runner) salvage(ctx context.Context, t Task, stage Stage, c Call) {
	paid, err := r.saved(ctx, stage, c)
	failed := t.Attempts + 1
	switch {
	case errors.Is(err, ErrStale):
	case err == nil && paid:
	case err == nil:
		r.write(ctx, t, func(ctx context.Context) error { return r.cfg.Store.Drop(ctx, r.cfg.Owner, t.Ref) })
	case ctx.Err() != nil: // stopped: the next runner goes on
		r.giveBack(ctx, t, err, 0, false)
	case isPermanent(err) || failed >= stage.Policy().attempts(): // the receipt stays in the ledger, for a person to see to
		r.cfg.Logger.Error("automation: a cancelled task's result cannot be saved", "run", t.Ref.Run, "stage", t.Ref.Stage, "item", t.Ref.Item, "error", err)
		r.write(ctx, t, func(ctx context.Context) error { return r.cfg.Store.Fail(ctx, r.cfg.Owner, t.Ref, err.Error()) })
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
