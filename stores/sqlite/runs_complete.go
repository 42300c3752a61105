package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

// taskTx is the transaction that completes a task.
type taskTx struct{ t *txn }

// Unwrap implements [automation.Tx].
func (x taskTx) Unwrap() any { return x.t.tx }

// end ends a task as leave does, and what it claims.
func end(ctx context.Context, t *txn, owner string, ref automation.TaskRef, update string, args ...any) error {
	if err := leave(ctx, t, owner, ref, update, args...); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, releaseItem, ref.Run, ref.Stage, ref.Item)
	return err
}

// leave ends a task's lease with an update that selects by [mine]. Errors: ErrStale.
func leave(ctx context.Context, t *txn, owner string, ref automation.TaskRef, update string, args ...any) error {
	result, err := t.ExecContext(ctx, update, append(args, ref.Run, ref.Stage, ref.Item, owner, ref.Generation)...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("sqlite: run %q: stage %q: item %q: generation %d of %q: %w",
			ref.Run, ref.Stage, ref.Item, ref.Generation, owner, automation.ErrStale)
	}
	return err
}

const completeTask = `UPDATE scrip_tasks SET state = 'done', owner = '', due_at = 0, cause = ''` + mine

const selectCredits = `SELECT credits FROM scrip_stages WHERE run = ? AND stage = ?`

// countCompleted leaves the Finish task out of what is done, as it is left out of the total.
const countCompleted = `UPDATE scrip_stages SET leased = leased - 1, done = done + iif(finisher AND ? = 'finish', 0, 1),
	created = created + ?, credits = ? WHERE run = ? AND stage = ? RETURNING ` + stageColumns

// Complete implements [automation.Store]. A save that is nil saves nothing. What Unwrap of the transaction returns is a
// *sql.Tx, for stages that keep rows of their own in the same database: they may use it until save returns, and must
// neither commit it nor roll it back. While save runs, no other write of the handle can: a write in it that forgets the
// transaction returns [ErrBusy] after some seconds.
func (s *Runs) Complete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	var saveErr error
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := end(ctx, t, owner, ref, completeTask); err != nil {
			return err
		}
		created := 0
		if save != nil {
			if created, saveErr = save(taskTx{t}); saveErr != nil {
				return saveErr
			}
		}
		var charged credits.Amount
		if _, err := one(ctx, t, []any{&charged}, selectCredits, ref.Run, ref.Stage); err != nil {
			return err
		}
		charged, err := charged.Add(out.Charged)
		if err != nil {
			return err
		}
		var st stageRow
		if _, err := one(ctx, t, st.fields(), countCompleted, ref.Item, created, charged, ref.Run, ref.Stage); err != nil {
			return err
		}
		return advance(ctx, t, st, s.db.now())
	})
	if saveErr != nil {
		return saveErr // as it is, whatever it wraps
	}
	return translate("complete", err)
}

const retryTask = `UPDATE scrip_tasks SET state = 'ready', owner = '', due_at = ?, cause = ?, attempts = attempts + ?` + mine

const countRetried = `UPDATE scrip_stages SET leased = leased - 1 WHERE run = ? AND stage = ?`

// Retry implements [automation.Store].
func (s *Runs) Retry(ctx context.Context, owner string, ref automation.TaskRef, cause string, after time.Duration, attempt bool) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := leave(ctx, t, owner, ref, retryTask, s.db.now().Add(after).UnixMicro(), cause, attempt); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, countRetried, ref.Run, ref.Stage)
		return err
	})
	return translate("retry", err)
}

const failTask = `UPDATE scrip_tasks SET state = 'failed', owner = '', due_at = 0, cause = ?, attempts = attempts + 1` + mine

const countFailed = `UPDATE scrip_stages SET leased = leased - 1, failed = failed + iif(finisher AND ? = 'finish', 0, 1)
WHERE run = ? AND stage = ? RETURNING ` + stageColumns

// Fail implements [automation.Store].
func (s *Runs) Fail(ctx context.Context, owner string, ref automation.TaskRef, cause string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := end(ctx, t, owner, ref, failTask, cause); err != nil {
			return err
		}
		var st stageRow
		if _, err := one(ctx, t, st.fields(), countFailed, ref.Item, ref.Run, ref.Stage); err != nil {
			return err
		}
		return advance(ctx, t, st, s.db.now())
	})
	return translate("fail", err)
}

const dropTask = `UPDATE scrip_tasks SET state = 'dropped', owner = '', due_at = 0, cause = ''` + mine

// Drop implements [automation.Store].
func (s *Runs) Drop(ctx context.Context, owner string, ref automation.TaskRef) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := end(ctx, t, owner, ref, dropTask); err != nil {
			return err
		}
		var state automation.State
		if _, err := one(ctx, t, []any{&state}, selectState, ref.Run); err != nil {
			return err
		}
		if state != automation.Canceling {
			return fmt.Errorf("sqlite: drop a task of run %q: %w: it is %s", ref.Run, automation.ErrState, state)
		}
		_, err := t.ExecContext(ctx, countRetried, ref.Run, ref.Stage)
		return err
	})
	return translate("drop", err)
}
