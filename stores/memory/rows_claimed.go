package memory

import (
	"context"
	"fmt"
	"iter"

	"github.com/scrip-go/scrip/automation"
)

// place is a row at a stage of a site, which one unfinished run may claim.
type place struct{ site, stage, row string }

// claim is who has a row: a run, and its task once that was planned.
type claim struct {
	run  string
	task *task
}

// claimable refuses rows of which another run than the given one has one.
func (t *runTable) claimable(site, stage, run string, rows []string) error {
	for _, row := range rows {
		if c, ok := t.claims[place{site, stage, row}]; ok && c.run != run {
			return &automation.ClaimedError{Site: site, Stage: stage, Row: row, Run: c.run}
		}
	}
	return nil
}

// claimErrand claims an errand's own rows; none of them is claimed by another.
func (t *runTable) claimErrand(r *run) {
	for _, row := range r.row.Items {
		t.claims[place{r.row.Site, r.row.Stages[0], row}] = claim{run: r.row.ID}
	}
}

// claimRows claims what a task takes up. That nobody else has it was checked.
func (t *runTable) claimRows(task *task) {
	st := task.stage
	for _, row := range task.rows {
		t.claims[place{st.run.row.Site, st.count.Stage, row}] = claim{st.run.row.ID, task}
	}
}

// releaseTask ends the claims of a task that has come to its end.
func (t *runTable) releaseTask(task *task) {
	st := task.stage
	for _, row := range task.rows {
		delete(t.claims, place{st.run.row.Site, st.count.Stage, row})
	}
	task.rows = nil
}

// release ends all claims of a run. Those of stages before the present one ended with their tasks.
func (t *runTable) release(r *run) {
	r.current.each(t.releaseTask)
	for _, row := range r.row.Items {
		at := place{r.row.Site, r.row.Stages[0], row}
		if t.claims[at].run == r.row.ID { // it may be another's since its task ended
			delete(t.claims, at)
		}
	}
}

// checkRows refuses a page with a row that is another run's, or another item's of the same planning.
func (t *runTable) checkRows(st *stage, page []automation.Item, first bool) error {
	r := st.run.row
	taken := map[string]bool{}
	for _, item := range page {
		for _, row := range item.Takes() {
			c := t.claims[place{r.Site, st.count.Stage, row}]
			if row == "" || taken[row] || !first && c.run == r.ID && c.task != nil {
				return fmt.Errorf("memory: plan run %q: stage %q: item %q: %w: row %q is empty or taken up twice",
					r.ID, st.count.Stage, item.ID, automation.ErrInvalid, row)
			}
			taken[row] = true
		}
	}
	for _, item := range page {
		if err := t.claimable(r.Site, st.count.Stage, r.ID, item.Takes()); err != nil {
			return err
		}
	}
	return nil
}

// Claimed implements [automation.Store].
func (s *Runs) Claimed(ctx context.Context, site, stage, run string) iter.Seq2[string, error] {
	return sequence(ctx, func() []string {
		s.mu.Lock()
		defer s.mu.Unlock()
		var out []string
		for at, c := range s.runs.claims {
			if at.site == site && at.stage == stage && c.run != run {
				out = append(out, at.row)
			}
		}
		return out
	}, func(row string) string { return row })
}
