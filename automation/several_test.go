package automation_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
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
