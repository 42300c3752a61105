package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
)

var _ automation.Store = (*Runs)(nil)

// Runs is the [automation.Store] of a [DB].
type Runs struct {
	*work
	runs *runTable // guarded by work.mu
}

// runTable holds the runs. Those that are not terminal are found without a look at all that ever ran.
type runTable struct {
	byID    map[string]*run
	ordered []*run          // as they were created
	live    map[string]*run // not terminal, by id
	sites   map[string]*run // not terminal and no errand, by site
	claims  map[place]claim
	planned int64 // tasks planned so far, over all runs: the order in which they are claimed
}

func newRunTable() *runTable {
	return &runTable{byID: map[string]*run{}, live: map[string]*run{}, sites: map[string]*run{}, claims: map[place]claim{}}
}

// CreateRun implements [automation.Store].
func (s *Runs) CreateRun(ctx context.Context, r automation.Run) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.runs.byID[r.ID] != nil {
		return existingRun(r.ID)
	}
	if other := s.runs.sites[r.Site]; other != nil && !r.Errand() {
		return &automation.RunExistsError{Site: r.Site, Run: other.row.ID}
	}
	if err := s.runs.claimable(r.Site, r.Stages[0], r.ID, r.Items); err != nil {
		return err
	}
	created := newRun(r, len(s.runs.ordered), s.now())
	s.runs.byID[r.ID] = created
	s.runs.live[r.ID] = created
	if !r.Errand() {
		s.runs.sites[r.Site] = created
	}
	s.runs.claimErrand(created)
	s.runs.ordered = append(s.runs.ordered, created)
	return nil
}

func existingRun(id string) error {
	return fmt.Errorf("memory: create run %q: %w: %w", id, automation.ErrInvalid, automation.ErrExists)
}

// Run implements [automation.Store].
func (s *Runs) Run(ctx context.Context, id string) (automation.Run, []automation.StageCount, error) {
	if err := s.lock(ctx); err != nil {
		return automation.Run{}, nil, err
	}
	defer s.mu.Unlock()
	r, err := s.runs.get("read run", id)
	if err != nil {
		return automation.Run{}, nil, err
	}
	counts := make([]automation.StageCount, len(r.stages))
	for i, st := range r.stages {
		counts[i] = st.count
	}
	return ownRun(r.row), counts, nil
}

func (t *runTable) get(act, id string) (*run, error) {
	if r := t.byID[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("memory: %s %q: %w", act, id, automation.ErrNotFound)
}

func ownRun(r automation.Run) automation.Run {
	r.Stages, r.Finishers, r.MaxItems = slices.Clone(r.Stages), slices.Clone(r.Finishers), maps.Clone(r.MaxItems)
	r.Items = slices.Clone(r.Items)
	return r
}

// Runs implements [automation.Store].
func (s *Runs) Runs(ctx context.Context, site string) iter.Seq2[automation.Run, error] {
	return sequence(ctx, func() []automation.Run {
		s.mu.Lock()
		defer s.mu.Unlock()
		var out []automation.Run
		for _, r := range slices.Backward(s.runs.ordered) {
			if site == "" || r.row.Site == site {
				out = append(out, r.row)
			}
		}
		return out
	}, ownRun)
}

// Unfinished implements [automation.Store].
func (s *Runs) Unfinished(ctx context.Context) iter.Seq2[automation.Run, error] {
	return sequence(ctx, func() []automation.Run {
		s.mu.Lock()
		defer s.mu.Unlock()
		live := slices.SortedFunc(maps.Values(s.runs.live), func(a, b *run) int { return cmp.Compare(a.number, b.number) })
		out := make([]automation.Run, len(live))
		for i, r := range live {
			out[i] = r.row
		}
		return out
	}, ownRun)
}

// SetState implements [automation.Store].
func (s *Runs) SetState(ctx context.Context, id string, from, to automation.State, reason automation.Reason, detail string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, err := s.runs.get("set the state of run", id)
	if err != nil {
		return err
	}
	now := s.now()
	switch {
	case r.row.State != from:
		return wrongState(id, from, to, fmt.Sprintf("it is %s", r.row.State))
	case !from.CanBecome(to):
		return wrongState(id, from, to, "no run goes this way")
	case to.Idle():
		if n := r.current.underway(now); n > 0 {
			return wrongState(id, from, to, fmt.Sprintf("%d tasks are under way", n))
		}
		if n := r.current.unsaved(); n > 0 && to == automation.Cancelled {
			return wrongState(id, from, to, fmt.Sprintf("%d tasks were claimed and have come to no end", n))
		}
		r.current.giveBack()
	}
	s.runs.set(r, to, reason, detail, now)
	return nil
}

func wrongState(id string, from, to automation.State, why string) error {
	return fmt.Errorf("memory: set the state of run %q from %s to %s: %w: %s", id, from, to, automation.ErrState, why)
}

// set changes a run's state; what is legal was checked.
func (t *runTable) set(r *run, to automation.State, reason automation.Reason, detail string, now time.Time) {
	r.row.State, r.row.Reason, r.row.Detail = to, reason, detail
	if to.Terminal() {
		r.row.EndedAt = now
		r.current.queue = queue{}
		delete(t.live, r.row.ID)
		if !r.row.Errand() {
			delete(t.sites, r.row.Site)
		}
		t.release(r)
	}
}

// Failed implements [automation.Store].
func (s *Runs) Failed(ctx context.Context, run string) iter.Seq2[automation.FailedTask, error] {
	return sequence(ctx, func() []automation.FailedTask {
		s.mu.Lock()
		defer s.mu.Unlock()
		var out []automation.FailedTask
		if r := s.runs.byID[run]; r != nil {
			for _, st := range r.stages {
				out = append(out, st.failed...)
			}
		}
		return out
	}, func(f automation.FailedTask) automation.FailedTask { return f })
}
