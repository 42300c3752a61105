package automation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Serve works on all runs of the store until its context ends: it plans stages, claims tasks, does and saves them, and
// keeps their leases. It returns once nothing of its own is under way any more; see [Config.Drain]. Call it once.
func (r *Runner) Serve(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a paid call is not ended by asking Serve to stop
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { r.keepLeases(work) })

	var tasks sync.WaitGroup
	r.loop(ctx, work, &tasks)

	drain := time.AfterFunc(r.cfg.Drain, cancel)
	tasks.Wait()
	drain.Stop()
	cancel()
	running.Wait()
	return nil
}

func (r *Runner) loop(ctx, work context.Context, tasks *sync.WaitGroup) {
	slots := make(chan struct{}, r.cfg.Workers)
	tick := time.NewTicker(r.cfg.Poll)
	defer tick.Stop()
	var looked time.Time
	for ctx.Err() == nil {
		free := cap(slots) - len(slots)
		claimed := 0
		if free > 0 {
			claimed = r.claim(ctx, work, free, slots, tasks)
		}
		// Nothing ready: a stage may have ended, a run may be about to pause. That is looked for beside a run that keeps every
		// worker busy as well: others would wait for its end to be planned, or to pause.
		if claimed < free || time.Since(looked) >= r.cfg.Poll {
			r.advance(ctx, work, tasks)
			looked = time.Now()
		}
		if claimed == free && free > 0 {
			continue // there may be more, or a slot may be free again
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-tick.C:
		}
	}
}

// claim leases up to free tasks and starts them.
func (r *Runner) claim(ctx, work context.Context, free int, slots chan struct{}, tasks *sync.WaitGroup) int {
	claimed, err := r.cfg.Store.Claim(ctx, r.cfg.Owner, r.cfg.Lease, free)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Logger.Error("automation: claim tasks", "error", err)
		}
		return 0
	}
	for _, t := range claimed {
		slots <- struct{}{}
		r.mu.Lock()
		r.inFlight[t.Ref] = struct{}{}
		r.mu.Unlock()
		tasks.Go(func() {
			defer func() {
				r.mu.Lock()
				delete(r.inFlight, t.Ref)
				r.mu.Unlock()
				<-slots
				r.notify()
			}()
			r.do(work, t)
		})
	}
	return len(claimed)
}

// advance plans the stages that wait for it, and lets runs pause or end that have nothing under way.
func (r *Runner) advance(ctx, work context.Context, tasks *sync.WaitGroup) {
	alive := map[string]bool{}
	for run, err := range r.cfg.Store.Unfinished(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				r.cfg.Logger.Error("automation: list runs", "error", err)
			}
			return
		}
		alive[run.ID] = true
		switch run.State {
		case Running:
			r.startPlanning(work, run, tasks)
		case Pausing:
			if err := r.endPausing(ctx, run); err != nil && !errors.Is(err, ErrState) && ctx.Err() == nil {
				r.cfg.Logger.Error("automation: pause run", "run", run.ID, "error", err)
			}
		case Canceling:
			// Refused until the last task that was ever claimed is dealt with.
			err := r.cfg.Store.SetState(ctx, run.ID, Canceling, Cancelled, run.Reason, run.Detail)
			if err != nil && !errors.Is(err, ErrState) && ctx.Err() == nil {
				r.cfg.Logger.Error("automation: cancel run", "run", run.ID, "error", err)
			}
		}
	}
	r.forgetOthers(alive)
}

// startPlanning plans the run's stage in the background if it wants planning and nobody here is at it. Of two runners that
// plan one stage at once the one that began last goes on.
func (r *Runner) startPlanning(work context.Context, run Run, tasks *sync.WaitGroup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.planning[run.ID] || time.Now().Before(r.left[run.ID]) {
		return
	}
	_, stages, err := r.cfg.Store.Run(work, run.ID)
	if err != nil {
		r.cfg.Logger.Error("automation: read run", "run", run.ID, "error", err)
		return
	}
	for _, s := range stages {
		if s.State != StagePlanning {
			continue
		}
		r.planning[run.ID] = true
		tasks.Go(func() {
			err := r.plan(work, run, s.Stage)
			switch {
			case errors.Is(err, ErrStale): // to begin anew at once would end the other's in turn; it may die, though
				r.leavePlanning(run.ID, r.cfg.Lease)
			case errors.Is(err, ErrClaimed): // it was taken up since the planning began; the next one leaves it out
				_ = sleep(work, r.cfg.Poll)
			case endsPlanning(err) != "":
				r.pause(work, run.ID, endsPlanning(err), err)
			case err != nil && !errors.Is(err, ErrState) && work.Err() == nil: // in another state the run needs no plan of ours
				r.cfg.Logger.Error("automation: plan stage", "run", run.ID, "stage", s.Stage, "error", err)
				_ = sleep(work, r.cfg.Poll) // it is tried again; not in a tight loop
			}
			r.mu.Lock()
			delete(r.planning, run.ID)
			r.mu.Unlock()
			r.notify()
		})
		return
	}
}

// planPage is how many items are inserted in one transaction.
const planPage = 500

func (r *Runner) plan(ctx context.Context, run Run, name string) (err error) {
	stage, ok := r.stages[name]
	if !ok {
		return fmt.Errorf("there is no stage %q: serve the run with the pipeline it was started with", name)
	}
	defer recovered(stage, &err)
	page, planning := make([]Item, 0, planPage), int64(0)
	claimed, err := r.claimedByOthers(ctx, run, name)
	if err != nil {
		return err
	}
	in := Inputs{Run: run.ID, Site: run.Site, Account: run.Account, MaxItems: run.MaxItems[name], Items: run.Items, Claimed: claimed}
	for item, err := range stage.Plan(ctx, in) {
		if err != nil {
			return err
		}
		if len(page) == planPage {
			if planning, err = r.cfg.Store.Plan(ctx, run.ID, name, page, planning, false); err != nil {
				return err
			}
			page = page[:0]
		}
		page = append(page, item)
	}
	_, err = r.cfg.Store.Plan(ctx, run.ID, name, page, planning, true)
	return err
}

// claimedByOthers returns the rows that a run is to leave out at a stage. They are those of errands, which are few; nobody else
// has those of an errand.
func (r *Runner) claimedByOthers(ctx context.Context, run Run, stage string) (map[string]bool, error) {
	if run.Errand() {
		return nil, nil
	}
	claimed := map[string]bool{}
	for row, err := range r.cfg.Store.Claimed(ctx, run.Site, stage, run.ID) {
		if err != nil {
			return nil, err
		}
		claimed[row] = true
	}
	return claimed, nil
}

// endsPlanning returns for what reason a run is paused whose planning failed; none if it is to be tried again. Items that the
// store refuses would be refused again.
func endsPlanning(err error) Reason {
	reason, ok := asPause(err)
	if !ok && (isPermanent(err) || errors.Is(err, ErrInvalid)) {
		reason = ByConfiguration
	}
	return reason
}

// leavePlanning leaves the planning of a run to another runner for a while.
func (r *Runner) leavePlanning(run string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left[run] = time.Now().Add(d)
}

// keepLeases renews the leases of tasks under way. A task whose lease was lost goes on: completing it will tell.
func (r *Runner) keepLeases(ctx context.Context) {
	for sleep(ctx, r.cfg.Lease/3) == nil {
		r.mu.Lock()
		refs := make([]TaskRef, 0, len(r.inFlight))
		for ref := range r.inFlight {
			refs = append(refs, ref)
		}
		r.mu.Unlock()
		if len(refs) == 0 {
			continue
		}
		if _, err := r.cfg.Store.Extend(ctx, r.cfg.Owner, refs, r.cfg.Lease); err != nil && ctx.Err() == nil {
			r.cfg.Logger.Error("automation: renew leases", "error", err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
