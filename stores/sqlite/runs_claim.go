package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

// active is the stage that a running or canceling run is in, while its tasks are worked on.
type active struct {
	run, site, stage string
	account          credits.Account
	state            automation.State
}

func (a *active) fields() []any { return []any{&a.run, &a.site, &a.stage, &a.account, &a.state} }

const selectActive = `SELECT r.id, r.site, r.stage, r.account, r.state FROM scrip_runs r INDEXED BY scrip_runs_claimable
JOIN scrip_stages s ON s.run = r.id AND s.stage = r.stage
WHERE r.state IN ('running', 'canceling') AND s.state = 'running'`

// candidate is a task that can be claimed.
type candidate struct {
	seq   int64
	state automation.TaskState
	of    *active
	turn  int // how many tasks its account has under way before it
}

func (c *candidate) fields() []any { return []any{&c.seq, &c.state} }

const selectCandidates = `SELECT seq, state FROM scrip_tasks
WHERE run = ? AND stage = ? AND state IN ('ready', 'leased') AND due_at <= ? ORDER BY seq LIMIT ?`

// selectTouched is selectCandidates for a canceling run.
const selectTouched = `SELECT seq, state FROM scrip_tasks
WHERE run = ? AND stage = ? AND state IN ('ready', 'leased') AND generation > 0 AND due_at <= ? ORDER BY seq LIMIT ?`

// selectBusy counts the tasks of each account that are under way.
const selectBusy = `SELECT r.account, count(*) FROM scrip_runs r INDEXED BY scrip_runs_claimable
CROSS JOIN scrip_tasks t ON t.run = r.id AND t.state = 'leased' AND t.due_at > ?
WHERE r.state IN ('running', 'canceling') GROUP BY r.account`

const claimTask = `UPDATE scrip_tasks SET state = 'leased', owner = ?, due_at = ?, generation = generation + 1
WHERE seq = ? RETURNING item, input, generation, attempts`

const countClaimed = `UPDATE scrip_stages SET leased = leased + ? WHERE run = ? AND stage = ?`

// Claim implements [automation.Store]. It reads as many tasks of each running run as it may return, and no others.
func (s *Runs) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]automation.Task, error) {
	if err := automation.ValidateLease(owner, lease); err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, nil
	}
	var claimed []automation.Task
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		now := s.db.now()
		found, err := candidates(ctx, t, now, limit)
		if err != nil {
			return err
		}
		until := now.Add(lease).UnixMicro()
		counts := map[*active]int{}
		for _, c := range found {
			task := automation.Task{Ref: automation.TaskRef{Run: c.of.run, Stage: c.of.stage}, Account: c.of.account, Site: c.of.site,
				Canceling: c.of.state == automation.Canceling}
			dest := []any{&task.Item.ID, (*[]byte)(&task.Item.Input), &task.Ref.Generation, &task.Attempts}
			if _, err := one(ctx, t, dest, claimTask, owner, until, c.seq); err != nil {
				return err
			}
			task.Ref.Item = task.Item.ID
			if c.state == automation.TaskReady {
				counts[c.of]++
			}
			claimed = append(claimed, task)
		}
		for of, n := range counts {
			if _, err := t.ExecContext(ctx, countClaimed, n, of.run, of.stage); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, translate("claim", err)
	}
	return claimed, nil
}

// candidates returns up to limit tasks that can be claimed, in the order of their turns.
func candidates(ctx context.Context, t *txn, now time.Time, limit int) ([]candidate, error) {
	stages, err := rows(ctx, t, (*active).fields, selectActive)
	if err != nil {
		return nil, err
	}
	var out []candidate
	for i := range stages {
		query := selectCandidates
		if stages[i].state == automation.Canceling {
			query = selectTouched
		}
		found, err := rows(ctx, t, (*candidate).fields, query, stages[i].run, stages[i].stage, now.UnixMicro(), limit)
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			c.of = &stages[i]
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b candidate) int { return cmp.Compare(a.seq, b.seq) })
	if err := takeTurns(ctx, t, now, out); err != nil {
		return nil, err
	}
	return out[:min(limit, len(out))], nil
}

// takeTurns sorts candidates, which are in the order of planning, by how many tasks their account has under way before them.
func takeTurns(ctx context.Context, t *txn, now time.Time, found []candidate) error {
	if !slices.ContainsFunc(found, func(c candidate) bool { return c.of.account != found[0].of.account }) {
		return nil // nobody has to wait for another
	}
	type load struct {
		account credits.Account
		tasks   int
	}
	loads, err := rows(ctx, t, func(l *load) []any { return []any{&l.account, &l.tasks} }, selectBusy, now.UnixMicro())
	if err != nil {
		return err
	}
	busy := map[credits.Account]int{}
	for _, l := range loads {
		busy[l.account] = l.tasks
	}
	for i := range found {
		found[i].turn = busy[found[i].of.account]
		busy[found[i].of.account]++
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.turn, b.turn) })
	return nil
}

// mine selects a task that is still leased to an owner in a generation. A run that is terminal has none.
const mine = ` WHERE run = ? AND stage = ? AND item = ? AND state = 'leased' AND owner = ? AND generation = ?`

const extendTask = `UPDATE scrip_tasks SET due_at = ?` + mine

// Extend implements [automation.Store].
func (s *Runs) Extend(ctx context.Context, owner string, refs []automation.TaskRef, lease time.Duration) ([]automation.TaskRef, error) {
	if err := automation.ValidateLease(owner, lease); err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		return nil, nil
	}
	var kept []automation.TaskRef
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		until := s.db.now().Add(lease).UnixMicro()
		for _, ref := range refs {
			result, err := t.ExecContext(ctx, extendTask, until, ref.Run, ref.Stage, ref.Item, owner, ref.Generation)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil {
				return err
			} else if n > 0 {
				kept = append(kept, ref)
			}
		}
		return nil
	})
	if err != nil {
		return nil, translate("extend", err)
	}
	return kept, nil
}
