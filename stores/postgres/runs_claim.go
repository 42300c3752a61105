package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// claimTasks is a whole claim. It reads as many open tasks of each active run as it may return, and no others. Locked
// rows are left out, so that nobody waits for another's claim and no task is claimed twice; a run that is just being
// changed comes with the next claim. The shared lock on the run keeps its state from changing before the claim is
// committed; a run without anything to claim is not locked, so that polling writes nothing. OFFSET 0 keeps that look
// from becoming a walk over the open tasks of all runs.
const claimTasks = `WITH active AS (
	SELECT r.id, r.site, r.account, r.stage, r.state FROM scrip.runs r JOIN scrip.stages s ON s.run = r.id AND s.stage = r.stage
	WHERE r.state IN ('running', 'canceling') AND s.state = 'running' AND EXISTS (
		SELECT 1 FROM scrip.tasks t WHERE t.run = r.id AND t.stage = r.stage AND t.state IN ('ready', 'leased')
			AND t.due_at <= coalesce($3, statement_timestamp()) OFFSET 0)
	FOR SHARE OF r SKIP LOCKED
), busy AS (
	SELECT r.account, count(*) AS tasks FROM scrip.runs r CROSS JOIN LATERAL (
		SELECT FROM scrip.tasks t WHERE t.run = r.id AND t.state = 'leased' AND t.due_at > coalesce($3, statement_timestamp()) OFFSET 0) t
	WHERE r.state IN ('running', 'canceling') AND EXISTS (SELECT FROM active)
	GROUP BY r.account
), candidates AS (
	SELECT c.seq, a.*, coalesce(b.tasks, 0) + row_number() OVER (PARTITION BY a.account ORDER BY c.seq) AS turn
	FROM active a LEFT JOIN busy b USING (account) CROSS JOIN LATERAL (
		SELECT t.seq FROM scrip.tasks t
		WHERE t.run = a.id AND t.stage = a.stage AND t.state IN ('ready', 'leased')
			AND t.due_at <= coalesce($3, statement_timestamp()) AND (a.state = 'running' OR t.generation > 0)
		ORDER BY t.seq LIMIT $4
		FOR NO KEY UPDATE SKIP LOCKED) c
	ORDER BY turn, c.seq LIMIT $4
)
UPDATE scrip.tasks t SET state = 'leased', owner = $1, generation = t.generation + 1,
	due_at = coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
FROM candidates c WHERE t.seq = c.seq
RETURNING t.seq, t.run, t.stage, t.item, t.input, t.generation, t.attempts, c.account, c.site, c.state = 'canceling', c.turn`

// claimed is a row of claimTasks.
type claimed struct {
	seq  int64
	turn int64 // how many tasks its account has under way up to it
	automation.Task
}

func (c *claimed) fields() []any {
	return []any{&c.seq, &c.Ref.Run, &c.Ref.Stage, &c.Ref.Item, (*[]byte)(&c.Item.Input), &c.Ref.Generation, &c.Attempts,
		&c.Account, &c.Site, &c.Canceling, &c.turn}
}

func validateLease(owner string, lease time.Duration) error {
	if !storable(owner) {
		return fmt.Errorf("postgres: lease tasks: %w: the owner %.80q must be UTF-8 without NUL", automation.ErrInvalid, owner)
	}
	return automation.ValidateLease(owner, lease)
}

// Claim implements [automation.Store].
func (s *Runs) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]automation.Task, error) {
	if err := validateLease(owner, lease); err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, nil
	}
	if err := s.db.readable(ctx); err != nil {
		return nil, err
	}
	found, err := rows(ctx, s.db.pool, (*claimed).fields, s.db.sql(claimTasks), owner, dbstore.Micros(lease), s.db.at(), limit)
	if err != nil {
		return nil, translate(ctx, "claim", err)
	}
	slices.SortFunc(found, func(a, b claimed) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.seq, b.seq)) })
	var tasks []automation.Task
	for _, c := range found {
		c.Item.ID = c.Ref.Item
		tasks = append(tasks, c.Task)
	}
	return tasks, nil
}

// mine selects a task that is still leased to an owner in a generation. A run that is terminal has none. It does not say
// that the task is leased, because no other has an owner: the planner might then take the index of the open tasks, and
// walk them all.
const mine = ` run = $1 AND stage = $2 AND item = $3 AND owner = $4 AND generation = $5`

// extendTasks locks in the order of the tasks, as everybody does who locks several.
const extendTasks = `WITH mine AS (
	SELECT t.seq, r.n FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS r (run, stage, item, generation, n)
	JOIN scrip.tasks t ON t.run = r.run AND t.stage = r.stage AND t.item = r.item AND t.generation = r.generation
	WHERE t.owner = $1
	ORDER BY t.seq FOR NO KEY UPDATE OF t
)
UPDATE scrip.tasks t SET due_at = coalesce($7, clock_timestamp()) + $6 * interval '1 microsecond'
FROM mine WHERE t.seq = mine.seq RETURNING mine.n`

// Extend implements [automation.Store].
func (s *Runs) Extend(ctx context.Context, owner string, refs []automation.TaskRef, lease time.Duration) ([]automation.TaskRef, error) {
	if err := validateLease(owner, lease); err != nil {
		return nil, err
	}
	if err := s.db.readable(ctx); err != nil || len(refs) == 0 {
		return nil, err
	}
	n := len(refs)
	run, stage, item, generation := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i, r := range refs {
		if storable(r.Run, r.Stage, r.Item) { // else it is none of ours, as the empty names are
			run[i], stage[i], item[i], generation[i] = r.Run, r.Stage, r.Item, r.Generation
		}
	}
	found, err := rows(ctx, s.db.pool, func(n *int) []any { return []any{n} }, s.db.sql(extendTasks),
		owner, run, stage, item, generation, dbstore.Micros(lease), s.db.at())
	if err != nil {
		return nil, translate(ctx, "extend", err)
	}
	slices.Sort(found)
	var kept []automation.TaskRef
	for _, n := range found {
		kept = append(kept, refs[n-1])
	}
	return kept, nil
}
