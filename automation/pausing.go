package automation

import (
	"context"
	"maps"
	"time"
)

// tally is what a runner remembers of a run that may run out of credits. A worst case is held before each call, so a
// call can be refused although the account has enough for what calls really cost: those under way will give back what
// they do not use. Whether to wait for them cannot be told from what the account holds, which may be for other runs.
// So a run that is short claims nothing more, lets what is under way end, and goes on if any of it was completed
// since; if nothing was, there is nothing to wait for, and it is paused.
type tally struct {
	completed int64 // tasks that this runner has paid for, and completed or is about to
	underWay  int   // tasks that this runner is at
	short     int64 // what completed was when the last task began that found too few credits
}

// tally returns the tally of a run. The caller holds r.mu.
func (r *Runner) tally(run string) *tally {
	t := r.tallies[run]
	if t == nil {
		t = &tally{}
		r.tallies[run] = t
	}
	return t
}

// begin notes that a task is under way, and returns how many were completed before it.
func (r *Runner) begin(run string) (completed int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(run)
	t.underWay++
	return t.completed
}

// end notes that a task is under way no more, whatever became of it.
func (r *Runner) end(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tallies[run]; t != nil { // the run may be over, and forgotten
		t.underWay = max(t.underWay-1, 0)
	}
}

func (r *Runner) busy(run string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally(run).underWay > 0
}

func (r *Runner) countCompletion(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally(run).completed++
}

func (r *Runner) noteShort(run string, before int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(run)
	t.short = max(t.short, before)
}

func (r *Runner) progressed(run string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(run)
	return t.completed > t.short
}

// forgetOthers drops what is remembered of runs that are over.
func (r *Runner) forgetOthers(alive map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.tallies {
		if !alive[run] {
			delete(r.tallies, run)
		}
	}
	maps.DeleteFunc(r.left, func(run string, _ time.Time) bool { return !alive[run] })
}

// endPausing pauses a run that is pausing, or lets it go on if what it was short of may have come back. While a task is
// under way neither happens; the end of that task brings the runner here again. Errors: ErrState, and the store's own.
func (r *Runner) endPausing(ctx context.Context, run Run) error {
	if run.Reason == ByCredits && r.busy(run.ID) {
		return nil // what it gives back is not known yet
	}
	if run.Reason != ByCredits || !r.progressed(run.ID) {
		return r.cfg.Store.SetState(ctx, run.ID, Pausing, Paused, run.Reason, run.Detail)
	}
	_, stages, err := r.cfg.Store.Run(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, s := range stages {
		if s.Leased > 0 {
			return nil
		}
	}
	if err := r.cfg.Store.SetState(ctx, run.ID, Pausing, Running, "", ""); err != nil {
		return err
	}
	r.notify()
	return nil
}
