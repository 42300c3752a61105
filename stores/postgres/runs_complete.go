package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// taskTx is the transaction that completes a task.
type taskTx struct{ t *txn }

// Unwrap implements [automation.Tx].
func (x taskTx) Unwrap() any { return x.t.Tx }

func stale(owner string, ref automation.TaskRef) error {
	return fmt.Errorf("postgres: run %q: stage %q: item %q: generation %d of %q: %w",
		ref.Run, ref.Stage, ref.Item, ref.Generation, owner, automation.ErrStale)
}

// end ends a task as leave does, and what it claims.
func (s *Runs) end(ctx context.Context, t *txn, owner string, ref automation.TaskRef, update string, args ...any) error {
	if err := s.leave(ctx, t, owner, ref, update, args...); err != nil {
		return err
	}
	_, err := t.Exec(ctx, s.db.sql(releaseItem), ref.Run, ref.Stage, ref.Item)
	return err
}

// leave ends a task's lease with an update that selects by [mine]; its own arguments begin at $6. Errors: ErrStale.
func (s *Runs) leave(ctx context.Context, q querier, owner string, ref automation.TaskRef, update string, args ...any) error {
	if owner == "" || !storable(ref.Run, ref.Stage, ref.Item, owner) {
		return stale(owner, ref)
	}
	n, err := exec(ctx, q, s.db.sql(update), append([]any{ref.Run, ref.Stage, ref.Item, owner, ref.Generation}, args...)...)
	if err == nil && n == 0 {
		err = stale(owner, ref)
	}
	return err
}

const completeTask = `UPDATE scrip.tasks SET state = 'done', owner = '', due_at = '-infinity', cause = '' WHERE` + mine

// countCompleted leaves the Finish task out of what is done, as it is left out of the total.
const countCompleted = `UPDATE scrip.stages SET done = done + CASE WHEN finisher AND $3 = 'finish' THEN 0 ELSE 1 END,
	created = created + $4, credits = credits + $5 WHERE run = $1 AND stage = $2 RETURNING ` + stageColumns

// Complete implements [automation.Store]. A save that is nil saves nothing; otherwise it is called once, and not again if
// the server undoes the transaction: the error then is [ErrBusy]. What Unwrap of the transaction returns is a pgx.Tx, for
// stages that keep rows of their own in the same database: they may use it until save returns, and must neither commit it
// nor roll it back.
func (s *Runs) Complete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	if err := s.db.readable(ctx); err != nil {
		return err
	}
	var saveErr error
	err := s.db.transact(ctx, func(ctx context.Context, t *txn) error {
		if err := s.end(ctx, t, owner, ref, completeTask); err != nil {
			return err
		}
		created := 0
		if save != nil {
			if created, saveErr = save(taskTx{t}); saveErr != nil {
				return saveErr
			}
		}
		var st stageRow
		if _, err := one(ctx, t, st.fields(), s.db.sql(countCompleted), ref.Run, ref.Stage, ref.Item, created, int64(out.Charged)); err != nil {
			return err
		}
		return s.advance(ctx, t, st)
	})
	if saveErr != nil {
		return saveErr // as it is, whatever it wraps
	}
	return translate(ctx, "complete", err)
}

const retryTask = `UPDATE scrip.tasks SET state = 'ready', owner = '', cause = $7, attempts = attempts + CASE WHEN $8 THEN 1 ELSE 0 END,
	due_at = coalesce($9, clock_timestamp()) + $6 * interval '1 microsecond' WHERE` + mine

// Retry implements [automation.Store].
func (s *Runs) Retry(ctx context.Context, owner string, ref automation.TaskRef, cause string, after time.Duration, attempt bool) error {
	if err := s.db.readable(ctx); err != nil {
		return err
	}
	err := s.leave(ctx, s.db.pool, owner, ref, retryTask, dbstore.Micros(after), clean(cause), attempt, s.db.at())
	return translate(ctx, "retry", err)
}

const failTask = `UPDATE scrip.tasks SET state = 'failed', owner = '', due_at = '-infinity', cause = $6, attempts = attempts + 1 WHERE` + mine

const countFailed = `UPDATE scrip.stages SET failed = failed + CASE WHEN finisher AND $3 = 'finish' THEN 0 ELSE 1 END
WHERE run = $1 AND stage = $2 RETURNING ` + stageColumns

// Fail implements [automation.Store].
func (s *Runs) Fail(ctx context.Context, owner string, ref automation.TaskRef, cause string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := s.end(ctx, t, owner, ref, failTask, clean(cause)); err != nil {
			return err
		}
		var st stageRow
		if _, err := one(ctx, t, st.fields(), s.db.sql(countFailed), ref.Run, ref.Stage, ref.Item); err != nil {
			return err
		}
		return s.advance(ctx, t, st)
	})
	return translate(ctx, "fail", err)
}

const dropTask = `UPDATE scrip.tasks SET state = 'dropped', owner = '', due_at = '-infinity', cause = '' WHERE` + mine

const selectState = `SELECT state FROM scrip.runs WHERE id = $1`

// Drop implements [automation.Store]. It need not lock the run: as long as the task is leased, a canceling run stays one.
func (s *Runs) Drop(ctx context.Context, owner string, ref automation.TaskRef) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := s.end(ctx, t, owner, ref, dropTask); err != nil {
			return err
		}
		var state automation.State
		if _, err := one(ctx, t, []any{&state}, s.db.sql(selectState), ref.Run); err != nil {
			return err
		}
		if state != automation.Canceling {
			return fmt.Errorf("postgres: drop a task of run %q: %w: it is %s", ref.Run, automation.ErrState, state)
		}
		return nil
	})
	return translate(ctx, "drop", err)
}
