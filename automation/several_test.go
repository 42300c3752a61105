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
