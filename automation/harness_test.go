package automation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// stage is a stage that a test says the behaviour of. What it does and saves is counted by item.
type stage struct {
	name      string
	items     []string
	do        func(ctx context.Context, c automation.Call) error
	save      func(c automation.Call) error
	policy    automation.Policy
	planFails atomic.Bool // the plan ends with an error

	mu    sync.Mutex // guards what is below, and whatever a test's functions share
	done  map[string]int
	saved map[string]int
}

func newStage(name string, n int) *stage {
	s := &stage{name: name, done: map[string]int{}, saved: map[string]int{}}
	for i := range n {
		s.items = append(s.items, fmt.Sprintf("%s-%d", name, i+1))
	}
	return s
}

func (s *stage) Name() string              { return s.name }
func (s *stage) Policy() automation.Policy { return s.policy }

func (s *stage) Plan(context.Context, automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		for _, id := range s.items {
			if !yield(automation.Item{ID: id, Input: json.RawMessage(`"` + id + `"`)}, nil) {
				return
			}
		}
		if s.planFails.Load() {
			yield(automation.Item{}, errItem)
		}
	}
}

func (s *stage) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	s.count(s.done, c)
	if s.do != nil {
		if err := s.do(ctx, c); err != nil {
			return automation.Outcome{}, err
		}
	}
	return automation.Outcome{Out: c.Item.Input, Charged: 1}, nil
}

func (s *stage) Save(_ context.Context, _ automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	if string(out) != string(c.Item.Input) {
		return 0, fmt.Errorf("Save got %s, want %s", out, c.Item.Input)
	}
	if s.save != nil {
		if err := s.save(c); err != nil {
			return 0, err
		}
	}
	s.count(s.saved, c)
	return 2, nil
}

func (s *stage) count(in map[string]int, c automation.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in[c.Item.ID]++
}

func (s *stage) did(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[id]
}

// wantSaved checks that every item was saved once.
func (s *stage) wantSaved(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.items {
		if s.saved[id] != 1 {
			t.Errorf("item %s was saved %d times, want once", id, s.saved[id])
		}
	}
}

// finishing is a stage with a Finish task.
type finishing struct {
	*stage
	finish func(context.Context, automation.Call) error
}

func (f finishing) Finish(ctx context.Context, c automation.Call) error { return f.finish(ctx, c) }

// bench is a runner on a store in memory, inside a bubble whose time stands still while anybody works.
type bench struct {
	t      testing.TB
	store  automation.Store
	stages []automation.Stage
	stop   func()
	*automation.Runner
}

// inBubble runs f in a bubble of fake time.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// start serves a run "r" of the stages and returns while it is under way.
func start(t testing.TB, cfg automation.Config, stages ...automation.Stage) *bench {
	t.Helper()
	b := serve(t, cfg, stages...)
	b.startRun("r", "site")
	return b
}

func (b *bench) startRun(id, site string) {
	b.t.Helper()
	var names []string
	for _, s := range b.stages {
		names = append(names, s.Name())
	}
	if err := b.Start(b.t.Context(), automation.Run{ID: id, Site: site, Account: "alice", Stages: names}); err != nil {
		b.t.Fatal(err)
	}
}

// serve serves the store until the test ends.
func serve(t testing.TB, cfg automation.Config, stages ...automation.Stage) *bench {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = memory.New(nil).Runs()
	}
	cfg.Stages = stages
	r, err := automation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	b := &bench{t: t, store: cfg.Store, stages: stages, Runner: r}
	go func() { served <- r.Serve(ctx) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			stop()
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
	}
	t.Cleanup(b.stop)
	return b
}

// wait waits until run "r" is paused or over and checks its state.
func (b *bench) wait(want automation.State) (automation.Run, []automation.StageCount) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	run, stages, err := b.Wait(ctx, "r")
	if err != nil {
		b.t.Fatalf("Wait: %v (%s in %s)", err, run.State, run.Stage)
	}
	if run.State != want {
		b.t.Errorf("the run is %s because of %q (%s), want %s", run.State, run.Reason, run.Detail, want)
	}
	return run, stages
}

var errItem = errors.New("this item is no good")
