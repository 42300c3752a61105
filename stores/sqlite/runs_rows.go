package sqlite

import (
	"context"
	"fmt"
	"iter"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// claimRow takes a row up for an item: one that nobody has, or that an errand has claimed for itself.
const claimRow = `INSERT INTO scrip_claims (site, stage, row_id, run, item) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (site, stage, row_id) DO UPDATE SET item = excluded.item WHERE run = excluded.run AND item = ''`

const selectClaim = `SELECT run FROM scrip_claims WHERE site = ? AND stage = ? AND row_id = ?`

// claimRows takes rows up for an item of a run. Errors: *automation.ClaimedError; ErrInvalid if another item of the run has one.
func claimRows(ctx context.Context, t *txn, site, stage, run, item string, rows []string) error {
	for _, row := range rows {
		if row == "" {
			return fmt.Errorf("sqlite: plan run %q: stage %q: item %q: %w: a row has no id", run, stage, item, automation.ErrInvalid)
		}
		result, err := t.ExecContext(ctx, claimRow, site, stage, row, run, item)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			if err != nil {
				return err
			}
			continue
		}
		var other string
		if _, err := one(ctx, t, []any{&other}, selectClaim, site, stage, row); err != nil {
			return err
		}
		if other == run {
			return fmt.Errorf("sqlite: plan run %q: stage %q: item %q: %w: row %q is taken up twice", run, stage, item, automation.ErrInvalid, row)
		}
		return &automation.ClaimedError{Site: site, Stage: stage, Row: row, Run: other}
	}
	return nil
}

// claimErrand claims the rows that an errand is about, for no item yet.
func claimErrand(ctx context.Context, t *txn, r automation.Run) error {
	return claimRows(ctx, t, r.Site, r.Stages[0], r.ID, "", r.Items)
}

const releaseRun = `DELETE FROM scrip_claims WHERE run = ?`

const releaseItem = `DELETE FROM scrip_claims WHERE run = ? AND stage = ? AND item = ?`

const selectPlanned = `SELECT site, coalesce(items, 'null') FROM scrip_runs WHERE id = ?`

// replan ends the claims of a run's earlier planning, but for those that an errand has by itself. A run in planning has no others.
func replan(ctx context.Context, t *txn, r automation.Run) error {
	if _, err := t.ExecContext(ctx, releaseRun, r.ID); err != nil {
		return err
	}
	return claimErrand(ctx, t, r)
}

type claimedRow struct{ id string }

func (c *claimedRow) fields() []any { return []any{&c.id} }

const selectClaimed = `SELECT row_id FROM scrip_claims WHERE site = ? AND stage = ? AND run <> ? AND row_id > ? ORDER BY row_id LIMIT ?`

// Claimed implements [automation.Store].
func (s *Runs) Claimed(ctx context.Context, site, stage, run string) iter.Seq2[string, error] {
	found := dbstore.Pages(0, func(last *claimedRow, limit int) ([]claimedRow, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		after := ""
		if last != nil {
			after = last.id
		}
		found, err := rows(ctx, s.db.reader, (*claimedRow).fields, selectClaimed, site, stage, run, after, limit)
		return found, translate("claimed rows", err)
	})
	return func(yield func(string, error) bool) {
		for row, err := range found {
			if !yield(row.id, err) {
				return
			}
		}
	}
}
