package automation_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

func TestARunThatKeepsEveryWorkerBusyHoldsUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 300)
		s.do = func(context.Context, automation.Call) error { time.Sleep(time.Minute); return nil }
		b := start(t, automation.Config{Workers: 2}, s)
		time.Sleep(90 * time.Second)
		b.startRun("paused", "site 2")
		b.startRun("cancelled", "site 3")
		b.startRun("planned", "site 4")
		if err := b.Pause(t.Context(), "paused"); err != nil {
			t.Fatal(err)
		}
		if err := b.Cancel(t.Context(), "cancelled"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for id, want := range map[string]automation.State{"paused": automation.Paused, "cancelled": automation.Cancelled, "planned": automation.Running} {
			run, counts, err := b.store.Run(t.Context(), id)
			if err != nil || run.State != want || id == "planned" && counts[0].Total != 300 {
				t.Errorf("run %q is %s, with %d tasks planned, %v: want %s", id, run.State, counts[0].Total, err, want)
			}
		}
		if run, counts, _ := b.store.Run(t.Context(), "r"); run.State != automation.Running || counts[0].Leased != 2 {
			t.Fatalf("the busy run is %s with %d tasks under way, want both workers busy", run.State, counts[0].Leased)
		}
	})
}

// slow is a stage whose planning takes a break before one of its items.
type slow struct {
	*stage
	before int
}

func (s slow) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		n := 0
		for item, err := range s.stage.Plan(ctx, in) {
			if n++; n == s.before {
				time.Sleep(10 * time.Second)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func TestTwoRunnersThatPlanAStageAtOnceLoseNoItem(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newStage("a", 1500)                                                  // three pages
		b := start(t, automation.Config{Store: store, Workers: 8}, slow{s, 1002}) // two of them are in the store
		time.Sleep(5 * time.Second)
		serve(t, automation.Config{Store: store, Workers: 8}, slow{s, 502}) // one
		if _, counts := b.wait(automation.Done); counts[0].Total != 1500 {
			t.Errorf("%d items were planned, want 1500", counts[0].Total)
		}
		s.wantSaved(t)
	})
}

// turning is a store in which a run changes its state in between, once, when it was just found to be in another.
type turning struct {
	automation.Store
	turn func()
}

func (s *turning) SetState(ctx context.Context, id string, from, to automation.State, reason automation.Reason, detail string) error {
	err := s.Store.SetState(ctx, id, from, to, reason, detail)
	if turn := s.turn; err != nil && turn != nil {
		s.turn = nil
		turn()
	}
	return err
}

func TestAStateThatChangesInBetweenIsNoObstacle(t *testing.T) {
	for _, c := range []struct {
		name     string
		way      []automation.State // how the run got to where it is, after running
		turn     automation.State   // where it goes in between
		act      func(*automation.Runner) error
		want     automation.State
		reasonOf automation.Reason
	}{
		{"Resume", []automation.State{automation.Pausing}, automation.Paused,
			func(r *automation.Runner) error { return r.Resume(context.Background(), "r") }, automation.Running, ""},
		{"Pause", []automation.State{automation.Pausing}, automation.Running,
			func(r *automation.Runner) error { return r.Pause(context.Background(), "r") }, automation.Pausing, automation.ByUser},
		{"Cancel", []automation.State{automation.Pausing}, automation.Running,
			func(r *automation.Runner) error { return r.Cancel(context.Background(), "r") }, automation.Canceling, automation.ByUser},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &turning{Store: memory.New(nil).Runs()}
			r, err := automation.New(automation.Config{Store: store, Stages: []automation.Stage{newStage("a", 1)}})
			if err == nil {
				err = r.Start(t.Context(), automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{"a"}})
			}
			if err != nil {
				t.Fatal(err)
			}
			state := automation.Running
			set := func(to automation.State) {
				if err := store.Store.SetState(context.Background(), "r", state, to, automation.ByCredits, ""); err != nil {
					t.Fatal(err)
				}
				state = to
			}
			for _, to := range c.way {
				set(to)
			}
			store.turn = func() { set(c.turn) }
			if err := c.act(r); err != nil {
				t.Errorf("%s = %v, want nil", c.name, err)
			}
			if run, _, err := store.Run(t.Context(), "r"); err != nil || run.State != c.want || run.Reason != c.reasonOf {
				t.Errorf("the run is %s because of %q, %v, want %s because of %q", run.State, run.Reason, err, c.want, c.reasonOf)
			}
		})
	}
}
