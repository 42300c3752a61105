package automation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// do works on one claimed task until it is completed, given back or given up.
func (r *Runner) do(ctx context.Context, t Task) {
	stage, ok := r.stages[t.Ref.Stage]
	if !ok {
		r.giveBack(ctx, t, fmt.Errorf("there is no stage %q here", t.Ref.Stage), time.Minute, false)
		return
	}
	before := r.begin(t.Ref.Run)
	defer r.end(t.Ref.Run)
	call := Call{Ref: t.Ref, Account: t.Account, Site: t.Site, Item: t.Item, Attempt: t.Attempts,
		Last:   t.Attempts+1 >= stage.Policy().attempts(),
		Holder: credits.Holder{ID: fmt.Sprintf("%s/%d", r.cfg.Owner, t.Ref.Generation), Fence: t.Ref.Generation}}
	if t.Canceling {
		r.salvage(ctx, t, stage, call, nil)
		return
	}
	err := r.perform(ctx, stage, call)
	if err == nil || errors.Is(err, ErrStale) {
		return // done, or somebody else's
	}
	r.refuse(ctx, t, stage, call, err, before)
}

// perform does the item's work and saves it.
func (r *Runner) perform(ctx context.Context, stage Stage, c Call) (err error) {
	defer recovered(stage, &err)
	if f, ok := finisher(stage, c); ok {
		if err := f.Finish(ctx, c); err != nil {
			return err
		}
		return r.complete(ctx, c, Outcome{}, func(Tx) (int, error) { return 0, nil })
	}
	out, err := stage.Do(ctx, c)
	if err != nil {
		return err
	}
	return r.save(ctx, stage, c, out)
}

// finisher returns what does the item if that is the stage's Finish task. Without a Finisher a stage has none, and an item
// that is called so is like any other.
func finisher(stage Stage, c Call) (Finisher, bool) {
	f, ok := stage.(Finisher)
	return f, ok && c.Item.ID == FinishItem
}

// recovered turns a stage's panic into an error: it must not take down the host and every other task with it.
func recovered(stage Stage, err *error) {
	if p := recover(); p != nil {
		*err = Permanent(fmt.Errorf("stage %q panicked: %v", stage.Name(), p))
	}
}

func (r *Runner) save(ctx context.Context, stage Stage, c Call, out Outcome) error {
	return r.complete(ctx, c, out, func(tx Tx) (int, error) { return stage.Save(ctx, tx, c, out.Out) })
}

// complete saves what Do brought. It is paid for by now, so it does not depend on the caller's context.
func (r *Runner) complete(ctx context.Context, c Call, out Outcome, save func(Tx) (int, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Lease)
	defer cancel()
	r.countCompletion(c.Ref.Run) // before the task ends: whoever finds none under way must know what came back
	var saveErr error
	wait := 50 * time.Millisecond
	for {
		saveErr = nil
		err := r.cfg.Store.Complete(ctx, r.cfg.Owner, c.Ref, out, func(tx Tx) (int, error) {
			n, err := save(tx)
			saveErr = err
			return n, err
		})
		if err == nil || saveErr != nil || errors.Is(err, ErrStale) || wait > time.Second {
			return err
		}
		if sleep(ctx, wait) != nil {
			return err
		}
		wait *= 2
	}
}

// refuse takes a failure as its mark says, or else by the stage's policy. before is what the run's completions were when
// the task was begun.
func (r *Runner) refuse(ctx context.Context, t Task, stage Stage, c Call, cause error, before int64) {
	if ctx.Err() != nil { // stopped: no fault of the item
		r.giveBack(ctx, t, cause, 0, false)
		return
	}
	if after, ok := asRetry(cause); ok {
		r.giveBack(ctx, t, cause, after, false)
		return
	}
	if reason, ok := asPause(cause); ok {
		if reason == ByCredits {
			r.noteShort(t.Ref.Run, before)
		}
		r.pause(ctx, t.Ref.Run, reason, cause)
		r.giveBack(ctx, t, cause, 0, false)
		return
	}
	p, failed := stage.Policy(), t.Attempts+1
	r.cfg.Logger.Warn("automation: a task failed", "run", t.Ref.Run, "stage", t.Ref.Stage, "item", t.Ref.Item, "attempt", failed, "error", cause)
	if isPermanent(cause) || failed >= p.attempts() {
		r.salvage(ctx, t, stage, c, cause)
		return
	}
	r.giveBack(ctx, t, cause, p.backoff(failed), true)
}

// pause lets a run pause that is running.
func (r *Runner) pause(ctx context.Context, run string, reason Reason, cause error) {
	if err := r.cfg.Store.SetState(ctx, run, Running, Pausing, reason, cause.Error()); err != nil && !errors.Is(err, ErrState) {
		r.cfg.Logger.Error("automation: pause run", "run", run, "error", err)
	}
}

func (r *Runner) giveBack(ctx context.Context, t Task, cause error, after time.Duration, attempt bool) {
	r.write(ctx, t, func(ctx context.Context) error {
		return r.cfg.Store.Retry(ctx, r.cfg.Owner, t.Ref, cause.Error(), after, attempt)
	})
}

// write records how a task was refused. If that fails, the task's lease runs out and it is claimed again.
func (r *Runner) write(ctx context.Context, t Task, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := f(ctx); err != nil && !errors.Is(err, ErrStale) {
		r.cfg.Logger.Error("automation: record a failure", "run", t.Ref.Run, "stage", t.Ref.Stage, "item", t.Ref.Item, "error", err)
	}
}
