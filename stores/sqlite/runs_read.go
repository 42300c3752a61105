package sqlite

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

const runColumns = `seq, id, site, account, state, reason, detail, stage, estimate, created_at, ended_at,
	(SELECT json_group_array(s.stage ORDER BY s.position) FROM scrip_stages s WHERE s.run = scrip_runs.id),
	(SELECT json_group_array(s.stage ORDER BY s.position) FROM scrip_stages s WHERE s.run = scrip_runs.id AND s.finisher),
	(SELECT iif(count(*), json_group_object(s.stage, s.max_items), 'null') FROM scrip_stages s WHERE s.run = scrip_runs.id AND s.max_items IS NOT NULL), coalesce(items, 'null')`

func (r *runRow) fields() []any {
	return []any{&r.seq, &r.ID, &r.Site, &r.Account, &r.State, &r.Reason, &r.Detail, &r.Stage, &r.Estimate,
		instant{&r.CreatedAt}, instant{&r.EndedAt}, dbstore.List{V: &r.Stages}, dbstore.List{V: &r.Finishers}, dbstore.List{V: &r.MaxItems}, dbstore.List{V: &r.Items}}
}

const selectRun = `SELECT ` + runColumns + ` FROM scrip_runs WHERE id = ?`

const selectCounts = `SELECT stage, state, total, done, failed, leased, created, credits FROM scrip_stages WHERE run = ? ORDER BY position`

func countFields(c *automation.StageCount) []any {
	return []any{&c.Stage, &c.State, &c.Total, &c.Done, &c.Failed, &c.Leased, &c.Created, &c.Credits}
}

// Run implements [automation.Store].
func (s *Runs) Run(ctx context.Context, id string) (automation.Run, []automation.StageCount, error) {
	var run runRow
	var counts []automation.StageCount
	err := s.db.read(ctx, func(r reader) error {
		known, err := one(ctx, r, run.fields(), selectRun, id)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("sqlite: read run %q: %w", id, automation.ErrNotFound)
		}
		counts, err = rows(ctx, r, countFields, selectCounts, id)
		return err
	})
	if err != nil {
		return automation.Run{}, nil, translate("read run", err)
	}
	return run.Run, counts, nil
}

const selectRuns = `SELECT ` + runColumns + ` FROM scrip_runs WHERE seq < ? ORDER BY seq DESC LIMIT ?`

const selectSiteRuns = `SELECT ` + runColumns + ` FROM scrip_runs WHERE site = ? AND seq < ? ORDER BY seq DESC LIMIT ?`

// selectUnfinished names its index, or SQLite would walk all runs that ever were, because they are in the right order.
const selectUnfinished = `SELECT ` + runColumns + ` FROM scrip_runs INDEXED BY scrip_runs_live
WHERE state NOT IN ('cancelled', 'failed', 'done') AND seq > ? ORDER BY seq LIMIT ?`

// Runs implements [automation.Store].
func (s *Runs) Runs(ctx context.Context, site string) iter.Seq2[automation.Run, error] {
	return s.runs(ctx, math.MaxInt64, func(last int64, limit int) (string, []any) {
		if site == "" {
			return selectRuns, []any{last, limit}
		}
		return selectSiteRuns, []any{site, last, limit}
	})
}

// Unfinished implements [automation.Store].
func (s *Runs) Unfinished(ctx context.Context) iter.Seq2[automation.Run, error] {
	return s.runs(ctx, 0, func(last int64, limit int) (string, []any) { return selectUnfinished, []any{last, limit} })
}

func (s *Runs) runs(ctx context.Context, start int64, query func(last int64, limit int) (string, []any)) iter.Seq2[automation.Run, error] {
	found := dbstore.Pages(0, func(last *runRow, limit int) ([]runRow, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		from := start
		if last != nil {
			from = last.seq
		}
		text, args := query(from, limit)
		found, err := rows(ctx, s.db.reader, (*runRow).fields, text, args...)
		return found, translate("read runs", err)
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

const selectFailed = `SELECT seq, stage, item, attempts, cause FROM scrip_tasks WHERE run = ? AND state = 'failed' AND seq > ?
ORDER BY seq LIMIT ?`

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
		found, err := rows(ctx, s.db.reader, (*failedRow).fields, selectFailed, run, after, limit)
		return found, translate("failed tasks", err)
	})
	return func(yield func(automation.FailedTask, error) bool) {
		for row, err := range found {
			if !yield(row.FailedTask, err) {
				return
			}
		}
	}
}
