package postgres

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// taking is a row, and the item that takes it up; none if an errand claims it by itself.
type taking struct{ row, item string }

// takings are what the items of a page take up.
func takings(page []automation.Item) (out []taking) {
	for _, item := range page {
		for _, row := range item.Takes() {
			out = append(out, taking{row, item.ID})
		}
	}
	return out
}

// takeOwn gives the rows that an errand has claimed by itself to its items.
const takeOwn = `UPDATE scrip.claims c SET item = p.item FROM unnest($4::text[], $5::text[]) AS p (row_id, item)
WHERE c.site = $1 AND c.stage = $2 AND c.run = $3 AND c.item = '' AND c.row_id = p.row_id`

const takeFree = `INSERT INTO scrip.claims (site, stage, run, row_id, item)
SELECT $1, $2, $3, row_id, item FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS p (row_id, item, n) ORDER BY n ON CONFLICT DO NOTHING`

// selectTaken finds the first of the rows that another has.
const selectTaken = `SELECT row_id, run FROM scrip.claims WHERE site = $1 AND stage = $2 AND run <> $3 AND row_id = ANY($4) ORDER BY row_id LIMIT 1`

// take claims rows for a run. Errors: *automation.ClaimedError; ErrInvalid if two items take the same row; ErrBusy.
func (s *Runs) take(ctx context.Context, t *txn, r automation.Run, stage string, what []taking) error {
	if len(what) == 0 {
		return nil
	}
	slices.SortFunc(what, func(a, b taking) int { return cmp.Compare(a.row, b.row) })
	ids, items := make([]string, len(what)), make([]string, len(what))
	for i, w := range what {
		if w.row == "" || !storable(w.row) || i > 0 && w.row == ids[i-1] {
			return fmt.Errorf("postgres: plan run %q: stage %q: item %q: %w: row %q is no UTF-8 without NUL, or taken up twice", r.ID, stage, w.item, automation.ErrInvalid, w.row)
		}
		ids[i], items[i] = w.row, w.item
	}
	var own int64
	if r.Errand() && what[0].item != "" {
		var err error
		if own, err = exec(ctx, t, s.db.sql(takeOwn), r.Site, stage, r.ID, ids, items); err != nil {
			return err
		}
	}
	free, err := exec(ctx, t, s.db.sql(takeFree), r.Site, stage, r.ID, ids, items)
	if err != nil || own+free == int64(len(what)) {
		return err
	}
	taken := automation.ClaimedError{Site: r.Site, Stage: stage}
	known, err := one(ctx, t, []any{&taken.Row, &taken.Run}, s.db.sql(selectTaken), r.Site, stage, r.ID, ids)
	switch {
	case err != nil:
		return err
	case known:
		return &taken
	}
	return s.givenBack(ctx, t, r, stage, ids)
}

// countOwn counts the rows that the run has of some.
const countOwn = `SELECT count(*) FROM scrip.claims WHERE site = $1 AND stage = $2 AND run = $3 AND row_id = ANY($4)`

// givenBack tells why a row was not to be had that nobody else has: an item of an earlier page has it, or it was given back just now.
func (s *Runs) givenBack(ctx context.Context, t *txn, r automation.Run, stage string, ids []string) error {
	var own int
	if _, err := one(ctx, t, []any{&own}, s.db.sql(countOwn), r.Site, stage, r.ID, ids); err != nil {
		return err
	}
	if own < len(ids) {
		return busy("a row was given back meanwhile")
	}
	return fmt.Errorf("postgres: plan run %q: stage %q: %w: a row of this page is taken up by an item of an earlier one", r.ID, stage, automation.ErrInvalid)
}

// claimErrand claims the rows that an errand is about, for no item yet.
func (s *Runs) claimErrand(ctx context.Context, t *txn, r automation.Run) error {
	own := make([]taking, len(r.Items))
	for i, row := range r.Items {
		own[i].row = row
	}
	return s.take(ctx, t, r, r.Stages[0], own)
}

const releaseRun = `DELETE FROM scrip.claims WHERE run = $1`

const releaseItem = `DELETE FROM scrip.claims WHERE run = $1 AND stage = $2 AND item = $3`

const selectPlanned = `SELECT site, items FROM scrip.runs WHERE id = $1`

// replan ends the claims of a run's earlier planning, but for those that an errand has by itself. A run in planning has no others.
func (s *Runs) replan(ctx context.Context, t *txn, r automation.Run) error {
	if _, err := t.Exec(ctx, s.db.sql(releaseRun), r.ID); err != nil {
		return err
	}
	return s.claimErrand(ctx, t, r)
}

type claimedRow struct{ id string }

func (c *claimedRow) fields() []any { return []any{&c.id} }

const selectClaimed = `SELECT row_id FROM scrip.claims WHERE site = $1 AND stage = $2 AND run <> $3 AND row_id > $4 ORDER BY row_id LIMIT $5`

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
		found, err := rows(ctx, s.db.pool, (*claimedRow).fields, s.db.sql(selectClaimed), name(site), name(stage), name(run), after, limit)
		return found, translate(ctx, "claimed rows", err)
	})
	return func(yield func(string, error) bool) {
		for row, err := range found {
			if !yield(row.id, err) {
				return
			}
		}
	}
}
