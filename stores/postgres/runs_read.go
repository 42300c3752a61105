package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

type runRow struct {
	seq int64
	automation.Run
}

const runColumns = `r.seq, r.id, r.site, r.account, r.state, r.reason, r.detail, r.stage, r.estimate, r.created_at, r.ended_at,
	ARRAY(SELECT s.stage FROM scrip.stages s WHERE s.run = r.id ORDER BY s.position),
	ARRAY(SELECT s.stage FROM scrip.stages s WHERE s.run = r.id AND s.finisher ORDER BY s.position),
	(SELECT json_object_agg(s.stage, s.max_items) FROM scrip.stages s WHERE s.run = r.id AND s.max_items IS NOT NULL), r.items`

func (r *runRow) fields() []any {
	return []any{&r.seq, &r.ID, &r.Site, &r.Account, &r.State, &r.Reason, &r.Detail, &r.Stage, &r.Estimate,
		instant{&r.CreatedAt}, instant{&r.EndedAt}, &r.Stages, &r.Finishers, &r.MaxItems, &r.Items}
}

// selectRun joins a run with its stages, so that both are of one moment.
const selectRun = `SELECT ` + runColumns + `, c.stage, c.state, c.total, c.done, c.failed,
	(SELECT count(*) FROM scrip.tasks t WHERE t.run = c.run AND t.stage = c.stage AND t.state = 'leased'), c.created, c.credits
FROM scrip.runs r JOIN scrip.stages c ON c.run = r.id
WHERE r.id = $1 ORDER BY c.position`

type stageOfRun struct {
	runRow
	count automation.StageCount
}

func (s *stageOfRun) fields() []any {
	c := &s.count
	return append(s.runRow.fields(), &c.Stage, &c.State, &c.Total, &c.Done, &c.Failed, &c.Leased, &c.Created, &c.Credits)
}

// Run implements [automation.Store].
func (s *Runs) Run(ctx context.Context, id string) (automation.Run, []automation.StageCount, error) {
	if err := s.db.readable(ctx); err != nil {
		return automation.Run{}, nil, err
	}
	found, err := rows(ctx, s.db.pool, (*stageOfRun).fields, s.db.sql(selectRun), name(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("postgres: read run %q: %w", id, automation.ErrNotFound)
	}
	if err != nil {
		return automation.Run{}, nil, translate(ctx, "read run", err)
	}
	var counts []automation.StageCount
	for _, st := range found {
		counts = append(counts, st.count)
	}
	return found[0].Run, counts, nil
}

const selectRuns = `SELECT ` + runColumns + ` FROM scrip.runs r WHERE seq < $1 ORDER BY seq DESC LIMIT $2`

const selectSiteRuns = `SELECT ` + runColumns + ` FROM scrip.runs r WHERE site = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2`

const selectUnfinished = `SELECT ` + runColumns + ` FROM scrip.runs r
WHERE state NOT IN ('cancelled', 'failed', 'done') AND seq > $1 ORDER BY seq LIMIT $2`

// Runs implements [automation.Store].
func (s *Runs) Runs(ctx context.Context, site string) iter.Seq2[automation.Run, error] {
	if site == "" {
		return s.runs(ctx, math.MaxInt64, selectRuns)
	}
	return s.runs(ctx, math.MaxInt64, selectSiteRuns, name(site))
}

// Unfinished implements [automation.Store].
func (s *Runs) Unfinished(ctx context.Context) iter.Seq2[automation.Run, error] {
	return s.runs(ctx, 0, selectUnfinished)
}

func (s *Runs) runs(ctx context.Context, start int64, query string, args ...any) iter.Seq2[automation.Run, error] {
	found := dbstore.Pages(0, func(last *runRow, limit int) ([]runRow, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		from := start
		if last != nil {
			from = last.seq
		}
		found, err := rows(ctx, s.db.pool, (*runRow).fields, s.db.sql(query), append([]any{from, limit}, args...)...)
		return found, translate(ctx, "read runs", err)
	})
	return func(yield func(automation.Run, error) bool) {
		for row, err := range found {
			if !yield(row.Run, err) {
				return
			}
		}
	}
}

type failedRow struct {
	seq int64
	automation.FailedTask
}

func (f *failedRow) fields() []any { return []any{&f.seq, &f.Stage, &f.Item, &f.Attempts, &f.Cause} }

const selectFailed = `SELECT seq, stage, item, attempts, cause FROM scrip.tasks WHERE run = $1 AND state = 'failed' AND seq > $2
ORDER BY seq LIMIT $3`

// Failed implements [automation.Store].
func (s *Runs) Failed(ctx context.Context, run string) iter.Seq2[automation.FailedTask, error] {
	found := dbstore.Pages(0, func(last *failedRow, limit int) ([]failedRow, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		var after int64
		if last != nil {
			after = last.seq
		}
		found, err := rows(ctx, s.db.pool, (*failedRow).fields, s.db.sql(selectFailed), name(run), after, limit)
		return found, translate(ctx, "failed tasks", err)
	})
	return func(yield func(automation.FailedTask, error) bool) {
		for row, err := range found {
			if !yield(row.FailedTask, err) {
				return
			}
		}
	}
}
