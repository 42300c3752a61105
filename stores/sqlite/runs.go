package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ automation.Store = (*Runs)(nil)

// Runs is the [automation.Store] of a [DB]. It is safe for concurrent use.
type Runs struct{ db *DB }

const selectRunExists = `SELECT count(*) FROM scrip_runs WHERE id = ?`

const selectLiveRun = `SELECT id FROM scrip_runs WHERE site = ? AND state NOT IN ('cancelled', 'failed', 'done') AND items IS NULL`

const insertRun = `INSERT INTO scrip_runs (id, site, account, state, reason, detail, stage, estimate, created_at, items)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertStage = `INSERT INTO scrip_stages (run, position, stage, finisher, max_items, state) VALUES (?, ?, ?, ?, ?, ?)`

// CreateRun implements [automation.Store].
func (s *Runs) CreateRun(ctx context.Context, r automation.Run) error {
	if err := r.Validate(); err != nil {
		return err
	}
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		var same int
		if _, err := one(ctx, t, []any{&same}, selectRunExists, r.ID); err != nil {
			return err
		}
		if same > 0 {
			return existingRun(r.ID)
		}
		if err := onlyRun(ctx, t, r); err != nil {
			return err
		}
		var items any // NULL if it is no errand
		if r.Errand() {
			items = dbstore.List{V: r.Items}
		}
		_, err := t.ExecContext(ctx, insertRun, r.ID, r.Site, r.Account, r.State, r.Reason, r.Detail, r.Stages[0], r.Estimate,
			s.db.now().UnixMicro(), items)
		if err != nil {
			return err
		}
		for i, stage := range r.Stages {
			state := automation.StagePending
			if i == 0 {
				state = automation.StagePlanning
			}
			most := sql.NullInt64{Int64: r.MaxItems[stage], Valid: r.MaxItems[stage] > 0}
			if _, err := t.ExecContext(ctx, insertStage, r.ID, i, stage, slices.Contains(r.Finishers, stage), most, state); err != nil {
				return err
			}
		}
		return claimErrand(ctx, t, r)
	})
	return translate("create run", err)
}

// onlyRun refuses a run that is no errand if its site has another one. Errors: *automation.RunExistsError.
func onlyRun(ctx context.Context, t *txn, r automation.Run) error {
	if r.Errand() {
		return nil
	}
	var live string
	known, err := one(ctx, t, []any{&live}, selectLiveRun, r.Site)
	if err == nil && known {
		err = &automation.RunExistsError{Site: r.Site, Run: live}
	}
	return err
}

func existingRun(id string) error {
	return fmt.Errorf("sqlite: create run %q: %w: %w", id, automation.ErrInvalid, automation.ErrExists)
}

const selectState = `SELECT state FROM scrip_runs WHERE id = ?`

const countUnderway = `SELECT count(*) FROM scrip_tasks WHERE run = ? AND state = 'leased' AND due_at > ?`

const countTouched = `SELECT count(*) FROM scrip_tasks WHERE run = ? AND state IN ('ready', 'leased') AND generation > 0`

// SetState implements [automation.Store].
func (s *Runs) SetState(ctx context.Context, id string, from, to automation.State, reason automation.Reason, detail string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		refuse := func(cause error, why string) error {
			return fmt.Errorf("sqlite: set the state of run %q from %s to %s: %w: %s", id, from, to, cause, why)
		}
		var state automation.State
		known, err := one(ctx, t, []any{&state}, selectState, id)
		switch {
		case err != nil:
			return err
		case !known:
			return refuse(automation.ErrNotFound, "there is no such run")
		case state != from:
			return refuse(automation.ErrState, fmt.Sprintf("it is %s", state))
		case !from.CanBecome(to):
			return refuse(automation.ErrState, "no run goes this way")
		}
		now := s.db.now()
		if to.Idle() {
			var underway int
			if _, err := one(ctx, t, []any{&underway}, countUnderway, id, now.UnixMicro()); err != nil {
				return err
			}
			if underway > 0 {
				return refuse(automation.ErrState, fmt.Sprintf("%d tasks are under way", underway))
			}
			if err := giveBack(ctx, t, id); err != nil {
				return err
			}
			var unsaved int
			if _, err := one(ctx, t, []any{&unsaved}, countTouched, id); err != nil {
				return err
			}
			if unsaved > 0 && to == automation.Cancelled {
				return refuse(automation.ErrState, fmt.Sprintf("%d tasks were claimed and have come to no end", unsaved))
			}
		}
		return setRun(ctx, t, id, to, reason, detail, now)
	})
	return translate("set the state of a run", err)
}

const giveBackTasks = `UPDATE scrip_tasks SET state = 'ready', owner = '', due_at = 0 WHERE run = ? AND state = 'leased'`

const giveBackCounts = `UPDATE scrip_stages SET leased = 0 WHERE run = ? AND leased > 0`

// giveBack makes the tasks ready that dead workers left leased; none is under way.
func giveBack(ctx context.Context, t *txn, run string) error {
	if _, err := t.ExecContext(ctx, giveBackTasks, run); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, giveBackCounts, run)
	return err
}

const updateRun = `UPDATE scrip_runs SET state = ?, reason = ?, detail = ?, ended_at = ? WHERE id = ?`

// setRun changes a run's state; what is legal was checked.
func setRun(ctx context.Context, t *txn, id string, to automation.State, reason automation.Reason, detail string, now time.Time) error {
	var ended time.Time
	if to.Terminal() {
		ended = now
	}
	if _, err := t.ExecContext(ctx, updateRun, to, reason, detail, instant{&ended}, id); err != nil || !to.Terminal() {
		return err
	}
	_, err := t.ExecContext(ctx, releaseRun, id)
	return err
}
