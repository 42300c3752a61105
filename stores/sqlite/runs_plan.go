package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// stageRow is a stage with what is asked when something about its tasks changes.
type stageRow struct {
	run, stage          string
	position            int64
	finisher            bool
	state               automation.StageState
	total, done, failed int64
}

const stageColumns = `run, stage, position, finisher, state, total, done, failed`

func (s *stageRow) fields() []any {
	return []any{&s.run, &s.stage, &s.position, &s.finisher, &s.state, &s.total, &s.done, &s.failed}
}

const selectStage = `SELECT ` + stageColumns + ` FROM scrip_stages WHERE run = ? AND stage = ?`

const insertTask = `INSERT INTO scrip_tasks (run, stage, item, input, state, due_at) VALUES (?, ?, ?, ?, 'ready', 0)`

const deleteTasks = `DELETE FROM scrip_tasks WHERE run = ? AND stage = ?`

const updatePlanned = `UPDATE scrip_stages SET state = ?, total = iif(?, 0, total) + ? WHERE run = ? AND stage = ? RETURNING ` + stageColumns

// selectPlanning names a planning by the place of its first task.
const selectPlanning = `SELECT coalesce(min(seq), 0) FROM scrip_tasks WHERE run = ? AND stage = ? AND state IN ('ready', 'leased')`

// insertFirst is insertTask for the first task of a planning, at a place that no task had before: SQLite would give that of
// a removed one again.
const insertFirst = `INSERT INTO scrip_tasks (seq, run, stage, item, input, state, due_at) VALUES (?, ?, ?, ?, ?, 'ready', 0)`

const selectNextPlace = `SELECT coalesce(max(seq), 0) + 1 FROM scrip_tasks`

// Plan implements [automation.Store].
func (s *Runs) Plan(ctx context.Context, run, stage string, page []automation.Item, planning int64, last bool) (int64, error) {
	first, began := planning == 0, planning
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		refuse := func(cause error, why string, args ...any) error {
			return fmt.Errorf("sqlite: plan run %q: stage %q: %w: %s", run, stage, cause, fmt.Sprintf(why, args...))
		}
		var state automation.State
		if known, err := one(ctx, t, []any{&state}, selectState, run); err != nil || !known {
			if err == nil {
				err = refuse(automation.ErrNotFound, "there is no such run")
			}
			return err
		}
		var st stageRow
		known, err := one(ctx, t, st.fields(), selectStage, run, stage)
		switch {
		case err != nil:
			return err
		case !known:
			return refuse(automation.ErrNotFound, "the run has no such stage")
		case st.state != automation.StagePlanning:
			return refuse(automation.ErrState, "the stage is %s", st.state)
		case state.Terminal():
			return refuse(automation.ErrState, "the run is %s", state)
		}
		r := automation.Run{ID: run, Stages: []string{stage}}
		if _, err := one(ctx, t, []any{&r.Site, dbstore.List{V: &r.Items}}, selectPlanned, run); err != nil {
			return err
		}
		if first {
			if err := replan(ctx, t, r); err != nil {
				return err
			}
			if _, err := one(ctx, t, []any{&began}, selectNextPlace); err != nil {
				return err
			}
			if _, err := t.ExecContext(ctx, deleteTasks, run, stage); err != nil {
				return err
			}
			if len(page) == 0 {
				began = 0 // the next page is the first again
			}
		} else {
			var latest int64
			if _, err := one(ctx, t, []any{&latest}, selectPlanning, run, stage); err != nil {
				return err
			}
			if latest != planning {
				return refuse(automation.ErrStale, "another planning has begun")
			}
		}
		for i, item := range page {
			if item.ID == "" {
				return refuse(automation.ErrInvalid, "an item has no id")
			}
			if item.ID == automation.FinishItem && st.finisher {
				return refuse(automation.ErrInvalid, "item %q: this id is the stage's Finish task's", item.ID)
			}
			insert, args := insertTask, []any{run, stage, item.ID, []byte(item.Input)}
			if first && i == 0 {
				insert, args = insertFirst, append([]any{began}, args...)
			}
			if _, err := t.ExecContext(ctx, insert, args...); err != nil {
				if isConstraint(err) {
					return refuse(automation.ErrInvalid, "item %q is listed twice", item.ID)
				}
				return err
			}
			if err := claimRows(ctx, t, r.Site, stage, run, item.ID, item.Takes()); err != nil {
				return err
			}
		}
		if last {
			st.state = automation.StageRunning
		}
		if _, err := one(ctx, t, st.fields(), updatePlanned, st.state, first, len(page), run, stage); err != nil || !last {
			return err
		}
		return advance(ctx, t, st, s.db.now())
	})
	if err != nil {
		return 0, translate("plan", err)
	}
	return began, nil
}

const selectTaskState = `SELECT state FROM scrip_tasks WHERE run = ? AND stage = ? AND item = ?`

const endStage = `UPDATE scrip_stages SET state = 'done' WHERE run = ? AND position = ?`

const beginStage = `UPDATE scrip_stages SET state = 'planning' WHERE run = ? AND position = ? RETURNING stage`

const enterStage = `UPDATE scrip_runs SET stage = ? WHERE id = ?`

// advance moves a run on if its stage has nothing left to do: to the stage's Finish task, to the next stage, or to its
// end. It asks the counters, so that no completion counts tasks.
func advance(ctx context.Context, t *txn, st stageRow, now time.Time) error {
	if st.done+st.failed < st.total {
		return nil
	}
	if st.finisher {
		var finish automation.TaskState
		known, err := one(ctx, t, []any{&finish}, selectTaskState, st.run, st.stage, automation.FinishItem)
		if err != nil {
			return err
		}
		if !known {
			_, err := t.ExecContext(ctx, insertTask, st.run, st.stage, automation.FinishItem, nil)
			return err
		}
		if finish != automation.TaskDone && finish != automation.TaskFailed {
			return nil
		}
	}
	if _, err := t.ExecContext(ctx, endStage, st.run, st.position); err != nil {
		return err
	}
	if st.total > 0 && st.failed == st.total {
		detail := fmt.Sprintf("stage %q: every item was given up (%d of %d)", st.stage, st.failed, st.total)
		return setRun(ctx, t, st.run, automation.Failed, automation.ByItems, detail, now)
	}
	var next string
	more, err := one(ctx, t, []any{&next}, beginStage, st.run, st.position+1)
	switch {
	case err != nil:
		return err
	case !more:
		return setRun(ctx, t, st.run, automation.Done, "", "", now)
	}
	_, err = t.ExecContext(ctx, enterStage, next, st.run)
	return err
}
