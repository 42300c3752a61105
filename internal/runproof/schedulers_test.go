package runproof_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// TestSchedulersRace has three of them work on one store, and lose a third of what they would record: on SQLite in one process,
// on PostgreSQL each with a pool of its own, as in three processes.
func TestSchedulersRace(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := &clock{at: noon}
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "schedules.db"), &sqlite.Options{Now: c.now})
		must(t, err)
		defer db.Close()
		must(t, db.Migrate(t.Context()))
		scheduleInARace(t, c, faces{db.Schedules(), db.Runs()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c, d := &clock{at: noon}, pgtest.Open(t)
		var handles []faces
		for range 3 {
			db, err := postgres.New(t.Context(), d.NewPool(t, nil), &postgres.Options{Schema: d.Schema, Now: c.now})
			must(t, err)
			must(t, db.Migrate(t.Context()))
			handles = append(handles, faces{db.Schedules(), db.Runs()})
		}
		scheduleInARace(t, c, handles...)
	})
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// faces is a handle of a store.
type faces struct {
	schedules automation.ScheduleStore
	runs      automation.Store
}

func scheduleInARace(t *testing.T, c *clock, handles ...faces) {
	const sites, days = 6, 3
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var mu sync.Mutex
	created := map[string]int{}
	var serving sync.WaitGroup
	for i := range 3 {
		db := handles[i%len(handles)]
		scheduler, err := automation.NewScheduler(automation.SchedulerConfig{Store: &forgetful{ScheduleStore: db.schedules}, Runs: db.runs, Poll: 5 * time.Millisecond,
			Start: func(ctx context.Context, f automation.Firing) error {
				err := db.runs.CreateRun(ctx, automation.Run{ID: f.Run, Site: f.Run, Account: "acme", Stages: []string{"a"}, State: automation.Running})
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

	store := handles[0].schedules
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
