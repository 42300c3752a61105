package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
)

func firing(request string) automation.Firing {
	return automation.Firing{Run: "r", Due: time.Unix(0, 0),
		Schedule: automation.Schedule{ID: "nightly", Site: "site", Account: "alice", Request: json.RawMessage(request)}}
}

func TestStartScheduledStartsWhatWasAskedFor(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 5)
	s.addKeywords("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
	start := func(request string) error { return s.pipeline.StartScheduled(t.Context(), s.runner, firing(request)) }
	if err := start(""); !errors.Is(err, credits.ErrInsufficient) {
		t.Errorf("StartScheduled for an account that is short = %v, want ErrInsufficient", err)
	}
	if err := start(`{"allow_short": true, "id": "x", "site": "another", "account": "bob"}`); err != nil {
		t.Fatalf("StartScheduled that allows it to be short = %v", err)
	}
	run, _, err := s.runs.Run(t.Context(), "r")
	if err != nil || run.Site != "site" || run.Account != "alice" || len(run.Stages) != 7 {
		t.Errorf("the run is %+v, %v, want one of all stages with the firing's names", run, err)
	}
	if err := start(`{"allow_short": true}`); !errors.Is(err, automation.ErrExists) {
		t.Errorf("StartScheduled again = %v, want ErrExists", err)
	}
}

func TestASchedulerSkipsWhatIsNoRequest(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 5)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	store := memory.New(&memory.Options{Now: func() time.Time { return now }}).Schedules()
	_, err := store.SaveSchedule(t.Context(), automation.Schedule{ID: "nightly", Site: "site", Account: "alice", Every: automation.Daily, Active: true,
		Request: json.RawMessage(`{"Everything": "please"}`)})
	must(t, err)
	now = now.Add(12 * time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	scheduler, err := automation.NewScheduler(automation.SchedulerConfig{Store: untilAdvanced{store, stop}, Runs: s.runs,
		Start: func(ctx context.Context, f automation.Firing) error {
			return s.pipeline.StartScheduled(ctx, s.runner, f)
		}})
	must(t, err)
	must(t, scheduler.Serve(ctx))
	row, err := store.Schedule(t.Context(), "nightly")
	if err != nil || row.LastResult != automation.Skipped || !strings.Contains(row.LastDetail, `schedule "nightly": invalid: its request is no pipeline.Request`) {
		t.Errorf("the schedule is %+v, %v, want this time skipped, because of its request", row, err)
	}
}

// untilAdvanced is a store that stops a test once a time is dealt with.
type untilAdvanced struct {
	automation.ScheduleStore
	stop func()
}

func (s untilAdvanced) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	defer s.stop()
	return s.ScheduleStore.Advance(ctx, id, from, f)
}

// FuzzScheduled reads what a database may hold as a request.
func FuzzScheduled(f *testing.F) {
	for _, request := range []string{"", `{}`, `null`, `{"allow_short": true}`, `{"id": "x", "site": "y", "account": "z"}`, `[]`, `{} {}`, `{"x": 1}`, `"`} {
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, request string) {
		q, err := pipeline.Scheduled(firing(request))
		if err != nil {
			if !errors.Is(err, pipeline.ErrInvalid) {
				t.Errorf("%q = %v, want ErrInvalid", request, err)
			}
			return
		}
		if q.ID != "r" || q.Site != "site" || q.Account != "alice" {
			t.Errorf("%q = %+v, want the firing's id, site and account", request, q)
		}
		again, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := pipeline.Scheduled(firing(string(again))); err != nil || !reflect.DeepEqual(back, q) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", request, q, back, err)
		}
	})
}
