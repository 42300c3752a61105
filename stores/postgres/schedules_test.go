package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// TestSchedulersRace has three of them work on one store, each with a pool of its own, as in three processes, and lose a third of what they would record.
func TestSchedulersRace(t *testing.T) {
	const sites, days = 6, 3
	c := &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d := pgtest.Open(t)
	var handles []*postgres.DB
	for range 3 {
		handles = append(handles, handle(t, d, d.NewPool(t, nil), &postgres.Options{Now: c.now}))
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var mu sync.Mutex
	created := map[string]int{}
	var serving sync.WaitGroup
	for i := range 3 {
		db := handles[i%len(handles)]
		scheduler, err := automation.NewScheduler(automation.SchedulerConfig{Store: &forgetful{ScheduleStore: db.Schedules()}, Runs: db.Runs(), Poll: 5 * time.Millisecond,
			Start: func(ctx context.Context, f automation.Firing) error {
				err := db.Runs().CreateRun(ctx, automation.Run{ID: f.Run, Site: f.Run, Account: "acme", Stages: []string{"a"}, State: automation.Running})
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					created[f.Run]++
				}
				return err
			}})
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() {
			if err := scheduler.Serve(ctx); err != nil {
				t.Errorf("Serve = %v", err)
			}
		})
	}

	store := handles[0].Schedules()
	first := map[string]time.Time{}
	for i := range sites {
		s, err := store.SaveSchedule(t.Context(), automation.Schedule{ID: fmt.Sprint("s", i), Site: "site", Account: "acme", Every: automation.Daily, Hour: 13,
			CatchUp: 24 * time.Hour, Active: true})
		if err != nil {
			t.Fatal(err)
		}
		first[s.ID] = s.NextRun
	}
	for n := range days {
		c.advance(24 * time.Hour)
		for id, due := range first {
			due = due.AddDate(0, 0, n)
			for s := (automation.Schedule{}); !s.LastRun.Equal(due); time.Sleep(time.Millisecond) {
				var err error
				if s, err = store.Schedule(ctx, id); err != nil {
					t.Fatalf("schedule %q for %v: %v", id, due, err)
				}
				if s.LastRun.Equal(due) && s.LastResult != automation.Started {
					t.Errorf("schedule %q was %s for %v: %s", id, s.LastResult, due, s.LastDetail)
				}
			}
		}
	}
	stop()
	serving.Wait()
	for id, due := range first {
		for n := range days {
			if run := automation.ScheduledRun(id, due.AddDate(0, 0, n)); created[run] != 1 {
				t.Errorf("run %q was created %d times, want once", run, created[run])
			}
			delete(created, automation.ScheduledRun(id, due.AddDate(0, 0, n)))
		}
	}
	if len(created) > 0 {
		t.Errorf("there are runs that nobody asked for: %v", created)
	}
}

// forgetful is a store of schedules of a process that dies, every third time, before it has recorded what it started.
type forgetful struct {
	automation.ScheduleStore
	mu sync.Mutex
	n  int // guarded by mu
}

func (s *forgetful) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	s.mu.Lock()
	s.n++
	dies := s.n%3 == 0
	s.mu.Unlock()
	if dies {
		return context.Canceled
	}
	return s.ScheduleStore.Advance(ctx, id, from, f)
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// TestSchedulesGoByTheDatabasesClock saves and advances without a clock of the test's own.
func TestSchedulesGoByTheDatabasesClock(t *testing.T) {
	d := pgtest.Open(t)
	store := handle(t, d, nil, nil).Schedules()
	now := func() (now time.Time) {
		t.Helper()
		if err := d.Pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
			t.Fatal(err)
		}
		return now
	}
	s := automation.Schedule{ID: "a", Site: "site", Account: "acme", Every: automation.Daily, Hour: 13, Active: true}
	before := now()
	saved, err := store.SaveSchedule(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if earliest, _ := s.Next(before); saved.NextRun.Before(earliest) || saved.NextRun.Sub(before) > 25*time.Hour {
		t.Errorf("the next run is at %v, want the first time after %v", saved.NextRun, before)
	}
	for row, err := range store.Due(t.Context()) {
		t.Errorf("Due = %+v, %v, want nothing", row, err)
	}
	execute(t, d, `UPDATE schedules SET next_run = next_run - interval '2 days'`)
	from := saved.NextRun.AddDate(0, 0, -2)
	found := 0
	for row, err := range store.Due(t.Context()) {
		if found++; err != nil || !row.NextRun.Equal(from) || row.At.Before(before) || row.At.After(now()) {
			t.Errorf("Due = %+v, %v, want it found by the database's time", row, err)
		}
	}
	if found != 1 {
		t.Errorf("%d schedules are due, want 1", found)
	}
	if err := store.Advance(t.Context(), "a", from, automation.Fired{Due: saved.NextRun, Result: automation.Started}); err == nil {
		t.Error("a time that has not come by the database's clock was dealt with")
	}
	if err := store.Advance(t.Context(), "a", from, automation.Fired{Due: from, Result: automation.Started}); err != nil {
		t.Error(err)
	}
}
