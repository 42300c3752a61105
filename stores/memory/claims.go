package memory

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

// Plan implements [automation.Store].
func (s *Runs) Plan(ctx context.Context, run, stage string, page []automation.Item, planning int64, last bool) (int64, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	r, err := s.runs.get("plan run", run)
	if err != nil {
		return 0, err
	}
	st := r.stage(stage)
	switch {
	case st == nil:
		return 0, fmt.Errorf("memory: plan run %q: stage %q: %w", run, stage, automation.ErrNotFound)
	case st.count.State != automation.StagePlanning:
		return 0, fmt.Errorf("memory: plan run %q: stage %q: %w: the stage is %s", run, stage, automation.ErrState, st.count.State)
	case r.row.State.Terminal():
		return 0, fmt.Errorf("memory: plan run %q: stage %q: %w: the run is %s", run, stage, automation.ErrState, r.row.State)
	case planning != 0 && planning != st.planning:
		return 0, fmt.Errorf("memory: plan run %q: stage %q: %w: another planning has begun", run, stage, automation.ErrStale)
	}
	first := planning == 0
	if err := st.checkPage(page, first); err != nil {
		return 0, err
	}
	if err := s.runs.checkRows(st, page, first); err != nil {
		return 0, err
	}
	if first {
		s.runs.release(r)
		s.runs.claimErrand(r)
		st.clear()
		st.planning++
	}
	for _, item := range page {
		t := st.add(item, s.runs.place())
		st.tasks[item.ID] = t
		s.runs.claimRows(t)
	}
	st.count.Total += int64(len(page))
	if last {
		st.count.State = automation.StageRunning
		s.runs.advance(st, s.now())
	}
	return st.planning, nil
}

func (st *stage) checkPage(page []automation.Item, first bool) error {
	seen := make(map[string]bool, len(page))
	for _, item := range page {
		why := ""
		switch {
		case item.ID == "":
			why = "an item has no id"
		case item.ID == automation.FinishItem && st.finisher:
			why = "this id is the stage's Finish task's"
		case seen[item.ID] || !first && st.tasks[item.ID] != nil:
			why = "the item is listed twice"
		}
		if why != "" {
			return fmt.Errorf("memory: plan run %q: stage %q: item %q: %w: %s", st.run.row.ID, st.count.Stage, item.ID, automation.ErrInvalid, why)
		}
		seen[item.ID] = true
	}
	return nil
}

// Claim implements [automation.Store].
func (s *Runs) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]automation.Task, error) {
	if err := automation.ValidateLease(owner, lease); err != nil {
		return nil, err
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	var claimed []automation.Task
	salvage, busy := s.runs.salvageable(now), s.runs.busy(now)
	for len(claimed) < limit {
		t := s.runs.next(now, busy)
		for _, c := range salvage {
			if !c.until.After(now) && c.before(t, busy) { // not claimed just now
				t = c
			}
		}
		if t == nil {
			break
		}
		busy[t.stage.run.row.Account]++
		claimed = append(claimed, t.claim(owner, now.Add(lease), now))
	}
	return claimed, nil
}

// busy counts the tasks of each account that are under way.
func (t *runTable) busy(now time.Time) map[credits.Account]int {
	busy := map[credits.Account]int{}
	for _, r := range t.live {
		busy[r.row.Account] += r.current.underway(now)
	}
	return busy
}

// before reports whether the task's turn comes before that of another, which may be nil.
func (t *task) before(other *task, busy map[credits.Account]int) bool {
	if other == nil {
		return true
	}
	return cmp.Or(cmp.Compare(busy[t.stage.run.row.Account], busy[other.stage.run.row.Account]), cmp.Compare(t.place, other.place)) < 0
}

// salvageable returns the tasks of canceling runs that can be claimed. Those runs are few, and they are over soon, so their
// tasks are walked.
func (t *runTable) salvageable(now time.Time) (found []*task) {
	for _, r := range t.live {
		if r.row.State == automation.Canceling {
			found = append(found, r.current.salvageable(now)...)
		}
	}
	return found
}

// next returns the task of a running run whose turn it is, among those that can be claimed.
func (t *runTable) next(now time.Time, busy map[credits.Account]int) *task {
	var first *task
	for _, r := range t.live {
		if r.row.State != automation.Running || r.current.count.State != automation.StageRunning {
			continue
		}
		if c := r.current.queue.next(now); c != nil && c.before(first, busy) {
			first = c
		}
	}
	return first
}

// claimed returns the task if the owner still has it in this generation.
func (t *runTable) claimed(owner string, ref automation.TaskRef) (*task, error) {
	if r := t.byID[ref.Run]; r != nil && !r.row.State.Terminal() {
		if st := r.stage(ref.Stage); st != nil {
			c := st.tasks[ref.Item]
			if c == nil && ref.Item == automation.FinishItem {
				c = st.finish
			}
			if c != nil && c.state == automation.TaskLeased && c.owner == owner && c.generation == ref.Generation {
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("memory: run %q: stage %q: item %q: generation %d of %q: %w",
		ref.Run, ref.Stage, ref.Item, ref.Generation, owner, automation.ErrStale)
}

// Extend implements [automation.Store].
func (s *Runs) Extend(ctx context.Context, owner string, refs []automation.TaskRef, lease time.Duration) ([]automation.TaskRef, error) {
	if err := automation.ValidateLease(owner, lease); err != nil {
		return nil, err
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	var kept []automation.TaskRef
	for _, ref := range refs {
		if t, err := s.runs.claimed(owner, ref); err == nil {
			t.until = now.Add(lease)
			t.changed(now)
			kept = append(kept, ref)
		}
	}
	return kept, nil
}

// Retry implements [automation.Store].
func (s *Runs) Retry(ctx context.Context, owner string, ref automation.TaskRef, cause string, after time.Duration, attempt bool) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t, err := s.runs.claimed(owner, ref)
	if err != nil {
		return err
	}
	if attempt {
		t.attempts++
	}
	now := s.now()
	t.leave(automation.TaskReady, now.Add(after))
	t.changed(now)
	return nil
}

// Fail implements [automation.Store].
func (s *Runs) Fail(ctx context.Context, owner string, ref automation.TaskRef, cause string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t, err := s.runs.claimed(owner, ref)
	if err != nil {
		return err
	}
	st := t.stage
	t.attempts++
	t.leave(automation.TaskFailed, time.Time{})
	s.runs.releaseTask(t)
	st.failed = append(st.failed, automation.FailedTask{Stage: ref.Stage, Item: ref.Item, Attempts: t.attempts, Cause: cause})
	if t != st.finish {
		st.count.Failed++
	}
	s.runs.advance(st, s.now())
	return nil
}

// Drop implements [automation.Store].
func (s *Runs) Drop(ctx context.Context, owner string, ref automation.TaskRef) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t, err := s.runs.claimed(owner, ref)
	if err != nil {
		return err
	}
	if state := t.stage.run.row.State; state != automation.Canceling {
		return fmt.Errorf("memory: drop a task of run %q: %w: it is %s", ref.Run, automation.ErrState, state)
	}
	t.leave(automation.TaskDropped, time.Time{})
	s.runs.releaseTask(t)
	return nil
}

// Complete implements [automation.Store]. A save that is nil saves nothing.
func (s *Runs) Complete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t, err := s.runs.claimed(owner, ref)
	if err != nil {
		return err
	}
	st := t.stage
	charged, err := st.count.Credits.Add(out.Charged)
	if err != nil {
		return err
	}
	created := 0
	if save != nil {
		// From here on nothing can fail but save itself, so its transaction ends with it.
		err = s.transact(ctx, func(tx automation.Tx) (err error) {
			created, err = save(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	t.leave(automation.TaskDone, time.Time{})
	s.runs.releaseTask(t)
	if t != st.finish {
		st.count.Done++
	}
	st.count.Credits = charged
	st.count.Created += int64(created)
	s.runs.advance(st, s.now())
	return nil
}
