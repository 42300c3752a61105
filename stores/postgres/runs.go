package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/automation"
)

var _ automation.Store = (*Runs)(nil)

// Runs is the [automation.Store] of a [DB]. It is safe for concurrent use, by any number of processes.
//
// # Locks
//
// Everything that changes a run's state or moves it to another stage, and planning, locks the run's row. Who completes a
// task locks the task, then the stage's row, and then, if it was the last task, the run's row. Claiming locks runs in a
// shared mode and waits for nothing: what is locked it leaves out. Who has a run's row never waits for a task or a stage
// that somebody completes. So nobody waits in a circle.
//
// Rows are claimed last and in their order, and one that is another's is not locked: who claims waits for transactions that are just
// taking a row up or giving it back, and those wait for no claim of his.
type Runs struct{ db *DB }

const selectSame = `SELECT (SELECT count(*) FROM scrip.runs WHERE id = $1),
	(SELECT id FROM scrip.runs WHERE site = $2 AND state NOT IN ('cancelled', 'failed', 'done') AND items IS NULL)`

const insertRun = `INSERT INTO scrip.runs (id, site, account, state, reason, detail, stage, estimate, created_at, items)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, clock_timestamp()), $10) ON CONFLICT DO NOTHING`

const insertStages = `INSERT INTO scrip.stages (run, position, stage, finisher, max_items, state)
SELECT $1, n - 1, stage, stage = ANY($3), max_items, CASE n WHEN 1 THEN 'planning' ELSE 'pending' END
FROM unnest($2::text[], $4::bigint[]) WITH ORDINALITY AS s (stage, max_items, n)`

// CreateRun implements [automation.Store].
func (s *Runs) CreateRun(ctx context.Context, r automation.Run) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if !storable(slices.Concat([]string{r.ID, r.Site, string(r.Account)}, r.Stages, r.Items)...) {
		return invalidRun(r.ID, "id, site, account, stages and items must be UTF-8 without NUL")
	}
	for range tries {
		created := false
		err := s.db.write(ctx, func(ctx context.Context, t *txn) (err error) {
			created, err = s.create(ctx, t, r)
			return err
		})
		if err != nil || created {
			return translate(ctx, "create run", err)
		} // else another one came in between, and is there at the next look
	}
	return fmt.Errorf("postgres: create run %q: %w", r.ID, ErrBusy)
}

func (s *Runs) create(ctx context.Context, t *txn, r automation.Run) (created bool, err error) {
	var same int
	var live *string
	if _, err := one(ctx, t, []any{&same, &live}, s.db.sql(selectSame), r.ID, r.Site); err != nil {
		return false, err
	}
	switch {
	case same > 0:
		return false, existingRun(r.ID)
	case live != nil && !r.Errand():
		return false, &automation.RunExistsError{Site: r.Site, Run: *live}
	}
	n, err := exec(ctx, t, s.db.sql(insertRun), r.ID, r.Site, string(r.Account), string(r.State), string(r.Reason), clean(r.Detail),
		r.Stages[0], int64(r.Estimate), s.db.at(), r.Items)
	if err != nil || n == 0 {
		return false, err
	}
	most := make([]*int64, len(r.Stages))
	for i, stage := range r.Stages {
		if n, ok := r.MaxItems[stage]; ok {
			most[i] = &n
		}
	}
	_, err = t.Exec(ctx, s.db.sql(insertStages), r.ID, r.Stages, append([]string{}, r.Finishers...), most) // not nil, which would be NULL
	if err != nil {
		return false, err
	}
	return true, s.claimErrand(ctx, t, r)
}

func existingRun(id string) error {
	return fmt.Errorf("postgres: create run %q: %w: %w", id, automation.ErrInvalid, automation.ErrExists)
}

func invalidRun(id, why string) error {
	return fmt.Errorf("postgres: create run %q: %w: %s", id, automation.ErrInvalid, why)
}

// lockRun does not keep out a row that refers to the run, which a stronger lock would.
const lockRun = `SELECT state FROM scrip.runs WHERE id = $1 FOR NO KEY UPDATE`

// giveBackTasks makes the tasks ready that dead workers left leased. One that somebody has locked is left out: it is being
// completed, or its lease renewed.
const giveBackTasks = `UPDATE scrip.tasks SET state = 'ready', owner = '', due_at = '-infinity' WHERE seq IN (
	SELECT seq FROM scrip.tasks WHERE run = $1 AND state = 'leased' AND due_at <= coalesce($2, clock_timestamp())
	FOR NO KEY UPDATE SKIP LOCKED)`

const countOpen = `SELECT (SELECT count(*) FROM scrip.tasks WHERE run = $1 AND state = 'leased'),
	(SELECT count(*) FROM scrip.tasks WHERE run = $1 AND state IN ('ready', 'leased') AND generation > 0)`

// SetState implements [automation.Store].
func (s *Runs) SetState(ctx context.Context, id string, from, to automation.State, reason automation.Reason, detail string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		refuse := func(cause error, why string) error {
			return fmt.Errorf("postgres: set the state of run %q from %s to %s: %w: %s", id, from, to, cause, why)
		}
		state, known, err := s.lock(ctx, t, id)
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
		if to.Idle() {
			if _, err := t.Exec(ctx, s.db.sql(giveBackTasks), id, s.db.at()); err != nil {
				return err
			}
			var underway, unsaved int
			if _, err := one(ctx, t, []any{&underway, &unsaved}, s.db.sql(countOpen), id); err != nil {
				return err
			}
			if underway > 0 {
				return refuse(automation.ErrState, fmt.Sprintf("%d tasks are under way", underway))
			}
			if unsaved > 0 && to == automation.Cancelled {
				return refuse(automation.ErrState, fmt.Sprintf("%d tasks were claimed and have come to no end", unsaved))
			}
		}
		return s.setRun(ctx, t, id, to, reason, detail)
	})
	return translate(ctx, "set the state of a run", err)
}

// lock locks a run's row and returns its state.
func (s *Runs) lock(ctx context.Context, t *txn, id string) (state automation.State, known bool, err error) {
	if !storable(id) {
		return "", false, nil
	}
	known, err = one(ctx, t, []any{&state}, s.db.sql(lockRun), id)
	return state, known, err
}

const updateRun = `UPDATE scrip.runs SET state = $2, reason = $3, detail = $4,
	ended_at = CASE WHEN $5 THEN coalesce($6, clock_timestamp()) END WHERE id = $1`

// setRun changes a run's state; what is legal was checked.
func (s *Runs) setRun(ctx context.Context, t *txn, id string, to automation.State, reason automation.Reason, detail string) error {
	_, err := t.Exec(ctx, s.db.sql(updateRun), id, string(to), string(reason), clean(detail), to.Terminal(), s.db.at())
	if err != nil || !to.Terminal() {
		return err
	}
	_, err = t.Exec(ctx, s.db.sql(releaseRun), id)
	return err
}
