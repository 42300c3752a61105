package postgres

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/automation"
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

const selectStage = `SELECT ` + stageColumns + ` FROM scrip.stages WHERE run = $1 AND stage = $2`

// insertTasks numbers the tasks in the order of the page.
const insertTasks = `INSERT INTO scrip.tasks (run, stage, item, input, state, due_at)
SELECT $1, $2, item, input, 'ready', '-infinity' FROM unnest($3::text[], $4::bytea[]) WITH ORDINALITY AS p (item, input, n)
ORDER BY n ON CONFLICT DO NOTHING`

const deleteTasks = `DELETE FROM scrip.tasks WHERE run = $1 AND stage = $2`

const updatePlanned = `UPDATE scrip.stages SET state = $3, total = CASE WHEN $4 THEN 0 ELSE total END + $5
WHERE run = $1 AND stage = $2 RETURNING ` + stageColumns

// selectPlanning names a planning by the place of its first task. No place is given twice.
const selectPlanning = `SELECT coalesce(min(seq), 0) FROM scrip.tasks WHERE run = $1 AND stage = $2 AND state IN ('ready', 'leased')`

// Plan implements [automation.Store]. Whoever plans has the run's row, and a stage enters and leaves planning in no other
// hand: what it reads of the stage holds.
func (s *Runs) Plan(ctx context.Context, run, stage string, page []automation.Item, planning int64, last bool) (int64, error) {
	first, began := planning == 0, int64(0)
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		refuse := func(cause error, why string, args ...any) error {
			return fmt.Errorf("postgres: plan run %q: stage %q: %w: %s", run, stage, cause, fmt.Sprintf(why, args...))
		}
		state, known, err := s.lock(ctx, t, run)
		if err != nil || !known {
			if err == nil {
				err = refuse(automation.ErrNotFound, "there is no such run")
			}
			return err
		}
		var st stageRow
		known, err = one(ctx, t, st.fields(), s.db.sql(selectStage), run, name(stage))
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
		if _, err := one(ctx, t, []any{&r.Site, &r.Items}, s.db.sql(selectPlanned), run); err != nil {
			return err
		}
		if first {
			if err := s.replan(ctx, t, r); err != nil {
				return err
			}
			if _, err := t.Exec(ctx, s.db.sql(deleteTasks), run, stage); err != nil {
				return err
			}
		} else {
			if _, err := one(ctx, t, []any{&began}, s.db.sql(selectPlanning), run, stage); err != nil {
				return err
			}
			if began != planning {
				return refuse(automation.ErrStale, "another planning has begun")
			}
		}
		ids, inputs := make([]string, len(page)), make([][]byte, len(page))
		listed := make(map[string]bool, len(page))
		for i, item := range page {
			switch {
			case item.ID == "":
				return refuse(automation.ErrInvalid, "an item has no id")
			case item.ID == automation.FinishItem && st.finisher:
				return refuse(automation.ErrInvalid, "item %q: this id is the stage's Finish task's", item.ID)
			case !storable(item.ID):
				return refuse(automation.ErrInvalid, "item %q: an id is UTF-8 without NUL", item.ID)
			case listed[item.ID]:
				return refuse(automation.ErrInvalid, "item %q is listed twice", item.ID)
			}
			ids[i], inputs[i], listed[item.ID] = item.ID, item.Input, true
		}
		n, err := exec(ctx, t, s.db.sql(insertTasks), run, stage, ids, inputs)
		if err != nil {
			return err
		}
		if n < int64(len(page)) {
			return refuse(automation.ErrInvalid, "%d items of this page were listed on an earlier one", int64(len(page))-n)
		}
		if err := s.take(ctx, t, r, stage, takings(page)); err != nil {
			return err
		}
		if first {
			if _, err := one(ctx, t, []any{&began}, s.db.sql(selectPlanning), run, stage); err != nil {
				return err
			}
		}
		if last {
			st.state = automation.StageRunning
		}
		if _, err := one(ctx, t, st.fields(), s.db.sql(updatePlanned), run, stage, string(st.state), first, len(page)); err != nil || !last {
			return err
		}
		return s.advance(ctx, t, st)
	})
	if err != nil {
		return 0, translate(ctx, "plan", err)
	}
	return began, nil
}

const selectTaskState = `SELECT state FROM scrip.tasks WHERE run = $1 AND stage = $2 AND item = $3`

const endStage = `UPDATE scrip.stages SET state = 'done' WHERE run = $1 AND position = $2`

const beginStage = `UPDATE scrip.stages SET state = 'planning' WHERE run = $1 AND position = $2 RETURNING stage`

const enterStage = `UPDATE scrip.runs SET stage = $2 WHERE id = $1`

// advance moves a run on if its stage, whose row is locked, has nothing left to do: to the stage's Finish task, to the
// next stage, or to its end. It asks the counters, so that no completion counts tasks.
func (s *Runs) advance(ctx context.Context, t *txn, st stageRow) error {
	if st.done+st.failed < st.total {
		return nil
	}
	if st.finisher {
		var finish automation.TaskState
		known, err := one(ctx, t, []any{&finish}, s.db.sql(selectTaskState), st.run, st.stage, automation.FinishItem)
		if err != nil {
			return err
		}
		if !known {
			_, err := t.Exec(ctx, s.db.sql(insertTasks), st.run, st.stage, []string{automation.FinishItem}, [][]byte{nil})
			return err
		}
		if finish != automation.TaskDone && finish != automation.TaskFailed {
			return nil
		}
	}
	// The run's row before the next stage's, as in Plan.
	if _, _, err := s.lock(ctx, t, st.run); err != nil {
		return err
	}
	if _, err := t.Exec(ctx, s.db.sql(endStage), st.run, st.position); err != nil {
		return err
	}
	if st.total > 0 && st.failed == st.total {
		detail := fmt.Sprintf("stage %q: every item was given up (%d of %d)", st.stage, st.failed, st.total)
		return s.setRun(ctx, t, st.run, automation.Failed, automation.ByItems, detail)
	}
	var next string
	more, err := one(ctx, t, []any{&next}, s.db.sql(beginStage), st.run, st.position+1)
	switch {
	case err != nil:
		return err
	case !more:
		return s.setRun(ctx, t, st.run, automation.Done, "", "")
	}
	_, err = t.Exec(ctx, s.db.sql(enterStage), st.run, next)
	return err
}
