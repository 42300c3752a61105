package automation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// shout is a stage of a host's own: it is about nothing but its items.
type shout struct{}

func (shout) Name() string              { return "shout" }
func (shout) Policy() automation.Policy { return automation.Policy{} }

func (shout) Plan(context.Context, automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		for _, word := range []string{"tea", "coffee"} {
			if !yield(automation.Item{ID: word}, nil) {
				return
			}
		}
	}
}

func (shout) Do(_ context.Context, c automation.Call) (automation.Outcome, error) {
	out, err := json.Marshal(strings.ToUpper(c.Item.ID))
	return automation.Outcome{Out: out}, err
}

// Save would write to the host's tables in the transaction that completes the item.
func (shout) Save(_ context.Context, _ automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	fmt.Println(c.Item.ID, "→", string(out))
	return 1, nil
}

func Example() {
	runner, err := automation.New(automation.Config{Store: memory.New(nil).Runs(), Stages: []automation.Stage{shout{}}, Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- runner.Serve(ctx) }()

	err = runner.Start(ctx, automation.Run{ID: "run-1", Site: "kitchen", Account: "alice", Stages: []string{"shout"}})
	if err != nil {
		log.Fatal(err)
	}
	run, stages, err := runner.Wait(ctx, "run-1")
	if err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.State, stages[0].Done, "of", stages[0].Total)
	// Output:
	// tea → "TEA"
	// coffee → "COFFEE"
	// done 2 of 2
}

func ExampleSchedule_Next() {
	s := automation.Schedule{Every: automation.Daily, Hour: 2, Minute: 30, Zone: "Europe/Berlin"}
	berlin, err := time.LoadLocation(s.Zone)
	if err != nil {
		log.Fatal(err)
	}
	next := time.Date(2026, 3, 28, 0, 0, 0, 0, berlin)
	for range 3 {
		if next, err = s.Next(next); err != nil {
			log.Fatal(err)
		}
		fmt.Println(next.In(berlin))
	}
	// On the 29th the clocks go from 2:00 to 3:00.
	// Output:
	// 2026-03-28 02:30:00 +0100 CET
	// 2026-03-29 03:00:00 +0200 CEST
	// 2026-03-30 02:30:00 +0200 CEST
}

func ExampleScheduler() {
	ctx, stop := context.WithCancel(context.Background())
	now := time.Date(2026, 3, 1, 8, 59, 0, 0, time.UTC) // the store's clock
	db := memory.New(&memory.Options{Now: func() time.Time { return now }})
	runner, err := automation.New(automation.Config{Store: db.Runs(), Stages: []automation.Stage{shout{}}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.Schedules().SaveSchedule(ctx, automation.Schedule{ID: "breakfast", Site: "kitchen", Account: "alice",
		Every: automation.Daily, Hour: 9, Active: true, Request: json.RawMessage(`{"stages": ["shout"]}`)})
	if err != nil {
		log.Fatal(err)
	}

	now = now.Add(time.Minute)
	scheduler, err := automation.NewScheduler(automation.SchedulerConfig{Store: db.Schedules(), Runs: db.Runs(),
		Start: func(ctx context.Context, f automation.Firing) error {
			defer stop() // a host serves for as long as it lives
			var request struct{ Stages []string }
			if err := json.Unmarshal(f.Schedule.Request, &request); err != nil {
				return automation.Permanent(err)
			}
			return runner.Start(ctx, automation.Run{ID: f.Run, Site: f.Schedule.Site, Account: f.Schedule.Account, Stages: request.Stages})
		}})
	if err == nil {
		err = scheduler.Serve(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}

	s, err := db.Schedules().Schedule(context.Background(), "breakfast")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.LastRun.Format(time.DateTime), s.LastResult, "as", automation.ScheduledRun(s.ID, s.LastRun))
	fmt.Println("next", s.NextRun.Format(time.DateTime))
	// Output:
	// 2026-03-01 09:00:00 started as breakfast@20260301T090000Z
	// next 2026-03-02 09:00:00
}
