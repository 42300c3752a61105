package automation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
)

// plan is a bench for schedulers: a store in memory and a Start that makes runs and writes down what it was asked for.
type plan struct {
	t     *testing.T
	db    *memory.DB
	store automation.ScheduleStore                                                  // db's, or one that a test put before it
	start func(f automation.Firing, create func() error) error                      // nil only creates the run
	look  func(ctx context.Context, f automation.Firing, create func() error) error // start with its context

	mu    sync.Mutex
	tries []automation.Firing // guarded by mu
}

func newPlan(t *testing.T) *plan {
	p := &plan{t: t, db: memory.New(nil)}
	p.store = p.db.Schedules()
	return p
}

// daily saves a schedule that fires every day at a time of UTC.
func (p *plan) daily(id string, hour, minute int) automation.Schedule {
	p.t.Helper()
	s := automation.Schedule{ID: id, Site: "site of " + id, Account: "alice", Every: automation.Daily, Hour: hour, Minute: minute, Active: true,
		Request: json.RawMessage(`{"do": "all"}`)}
	saved, err := p.store.SaveSchedule(context.Background(), s)
	if err != nil {
		p.t.Fatal(err)
	}
	return saved
}

func (p *plan) config() automation.SchedulerConfig {
	cfg := automation.SchedulerConfig{Store: p.store, Runs: p.db.Runs(), Start: func(ctx context.Context, f automation.Firing) error {
		p.mu.Lock()
		p.tries = append(p.tries, f)
		p.mu.Unlock()
		create := func() error {
			return p.db.Runs().CreateRun(context.WithoutCancel(ctx), automation.Run{ID: f.Run, Site: f.Schedule.Site, Account: f.Schedule.Account,
				Stages: []string{"a"}, State: automation.Running})
		}
		switch {
		case p.look != nil:
			return p.look(ctx, f, create)
		case p.start != nil:
			return p.start(f, create)
		}
		return create()
	}}
	return cfg
}

// serve serves the plan for a while.
func (p *plan) serve(d time.Duration) {
	p.t.Helper()
	s, err := automation.NewScheduler(p.config())
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := s.Serve(ctx); err != nil {
		p.t.Errorf("Serve = %v", err)
	}
}

// end ends every run, so that the sites are free.
func (p *plan) end() {
	p.t.Helper()
	for r, err := range p.db.Runs().Unfinished(context.Background()) {
		if err == nil {
			err = p.db.Runs().SetState(context.Background(), r.ID, r.State, automation.Failed, automation.ByUser, "")
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// wantTries checks for which times Start was called.
func (p *plan) wantTries(want ...time.Time) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var got []time.Time
	for _, f := range p.tries {
		got = append(got, f.Due)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		p.t.Errorf("Start was called for %v, want %v", got, want)
	}
}

// wantRuns checks which runs there are of a schedule, newest first.
func (p *plan) wantRuns(s automation.Schedule, want ...time.Time) {
	p.t.Helper()
	got, ids := []string{}, []string{}
	for r, err := range p.db.Runs().Runs(context.Background(), s.Site) {
		if err != nil {
			p.t.Fatal(err)
		}
		got = append(got, r.ID)
	}
	for _, due := range want {
		ids = append(ids, automation.ScheduledRun(s.ID, due))
	}
	if !slices.Equal(got, ids) {
		p.t.Errorf("the runs of %q are %q, want %q", s.ID, got, ids)
	}
}

// wantLast checks what became of a schedule's last time, and that the next one is a day after it.
func (p *plan) wantLast(id string, due time.Time, result automation.FiringResult, says ...string) {
	p.t.Helper()
	s, err := p.db.Schedules().Schedule(context.Background(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	if !s.LastRun.Equal(due) || s.LastResult != result || !s.NextRun.Equal(due.Add(24*time.Hour)) {
		p.t.Errorf("schedule %q was %q for %v (%s), and its next run is at %v: want %q for %v", id, s.LastResult, s.LastRun, s.LastDetail, s.NextRun, result, due)
	}
	if len(says) == 0 && s.LastDetail != "" {
		p.t.Errorf("schedule %q says %q, want nothing to say", id, s.LastDetail)
	}
	for _, text := range says {
		if !strings.Contains(s.LastDetail, text) {
			p.t.Errorf("schedule %q says %q, want it to say %q", id, s.LastDetail, text)
		}
	}
}

func (p *plan) wantUntouched(s automation.Schedule) {
	p.t.Helper()
	got, err := p.db.Schedules().Schedule(context.Background(), s.ID)
	if err != nil || !got.NextRun.Equal(s.NextRun) || !got.LastRun.Equal(s.LastRun) {
		p.t.Errorf("schedule %q is %+v, %v, want it as it was: %+v", s.ID, got, err, s)
	}
}

// Bubbles begin at midnight of the 1st of January 2000.

func TestSchedulerStartsEachTimeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		s := p.daily("a", 9, 0)
		p.start = func(f automation.Firing, create func() error) error {
			p.end()
			if f.Schedule.ID != "a" || f.Run != "a@"+f.Due.Format("20060102T150405Z") || string(f.Schedule.Request) != `{"do": "all"}` {
				t.Errorf("the firing is %+v", f)
			}
			return create()
		}
		due := s.NextRun
		p.serve(72 * time.Hour)
		p.wantTries(due, due.AddDate(0, 0, 1), due.AddDate(0, 0, 2))
		p.wantRuns(s, due.AddDate(0, 0, 2), due.AddDate(0, 0, 1), due)
		p.wantLast("a", due.AddDate(0, 0, 2), automation.Started)
	})
}

func TestSchedulerSkipsATimeAndSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		says []string
	}{
		{"ARunIsInTheWay", nil, []string{`finish or cancel run "by hand" first`}},
		{"CreditsAreShort", fmt.Errorf("pipeline: start: %w", credits.ErrInsufficient), []string{"insufficient"}},
		{"ItIsNoRequest", fmt.Errorf("start: %w", automation.ErrInvalid), []string{"invalid request"}},
		{"ItWillNeverDo", fmt.Errorf("start: %w", automation.Permanent(errors.New("the site is closed"))), []string{"the site is closed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlan(t)
				s := p.daily("a", 9, 0)
				if c.err == nil {
					err := p.db.Runs().CreateRun(t.Context(), automation.Run{ID: "by hand", Site: s.Site, Account: "bob", Stages: []string{"a"}, State: automation.Running})
					if err != nil {
						t.Fatal(err)
					}
				}
				p.start = func(_ automation.Firing, create func() error) error {
					if c.err != nil {
						return c.err
					}
					return create()
				}
				p.serve(12 * time.Hour)
				p.wantTries(s.NextRun)
				p.wantLast("a", s.NextRun, automation.Skipped, c.says...)
			})
		})
	}
}

func TestSchedulerTriesAgainWhatMayPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		s := p.daily("a", 9, 0)
		p.start = func(f automation.Firing, create func() error) error {
			if time.Since(f.Due) < 30*time.Minute {
				return errors.New("the database is away")
			}
			return create()
		}
		p.serve(12 * time.Hour)
		p.wantRuns(s, s.NextRun)
		p.wantLast("a", s.NextRun, automation.Started)
		if n := len(p.tries); n != 181 {
			t.Errorf("Start was called %d times in half an hour, want every 10 s", n)
		}
	})
}

func TestSchedulerGivesUpAfterTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		s := p.daily("a", 9, 0)
		p.start = func(automation.Firing, func() error) error { return errors.New("the database is away") }
		p.serve(9*time.Hour + 59*time.Minute)
		p.wantUntouched(s)
		p.start = nil
		p.serve(30 * time.Second) // the last moment
		p.wantLast("a", s.NextRun, automation.Started)

		p.end()
		p.start = func(automation.Firing, func() error) error { return errors.New("the database is away again") }
		p.serve(26 * time.Hour)
		p.wantLast("a", s.NextRun.AddDate(0, 0, 1), automation.Skipped, "missed by 1h0m", "1h0m0s within which", "the last try: the database is away again")
		p.wantRuns(s, s.NextRun)
	})
}

func TestSchedulerCatchesUpOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		window time.Duration
		away   time.Duration // after the first time
		result automation.FiringResult
		days   int // which of the times is dealt with
		says   []string
	}{
		{"WithinTheWindow", 0, 59 * time.Minute, automation.Started, 0, nil},
		{"TooLate", 0, 61 * time.Minute, automation.Skipped, 0, []string{"missed by 1h1m0s"}},
		{"WithinAWindowOfItsOwn", 3 * time.Hour, 2 * time.Hour, automation.Started, 0, nil},
		{"TooLateForAShortWindow", time.Minute, 2 * time.Minute, automation.Skipped, 0, []string{"missed by 2m0s"}},
		{"SeveralTimes", 0, 72*time.Hour + time.Minute, automation.Started, 3, []string{"4 times had come, from 2000-01-01T09:00:00Z on"}},
		{"SeveralTimesTooLate", 0, 78 * time.Hour, automation.Skipped, 3, []string{"missed by 6h0m0s", "4 times had come"}},
		{"SeveralTimesWithinAWindow", 100 * time.Hour, 78 * time.Hour, automation.Started, 3, []string{"4 times had come"}},
		{"YearsOfTimes", 0, 3653 * 24 * time.Hour, automation.Started, 3653, []string{"3654 times had come"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlan(t)
				s := p.daily("a", 9, 0)
				s.CatchUp = c.window
				if _, err := p.store.SaveSchedule(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(9*time.Hour + c.away)
				p.serve(time.Minute)
				due := s.NextRun.AddDate(0, 0, c.days)
				p.wantLast("a", due, c.result, c.says...)
				if c.result == automation.Started {
					p.wantTries(due)
					p.wantRuns(s, due)
				} else {
					p.wantTries()
					p.wantRuns(s)
				}
			})
		})
	}
}

// dying is a store of schedules that its process does not live to advance.
type dying struct {
	automation.ScheduleStore
	die func() error // nil advances
}

func (s *dying) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	if s.die != nil {
		return s.die()
	}
	return s.ScheduleStore.Advance(ctx, id, from, f)
}

func TestSchedulerStartsOnceWhereverItDies(t *testing.T) {
	gone := errors.New("the connection is gone")
	for _, c := range []struct {
		name    string
		start   func(create func() error) error // how the first process starts; it dies then
		advance func() error                    // how it advances
		then    func(create func() error) error // what the next one meets
		later   time.Duration                   // when the next one comes
		want    automation.FiringResult
		tries   int
	}{
		{"BeforeItStarts", func(func() error) error { return context.Canceled }, nil, nil, 0, automation.Started, 2},
		{"AfterItStarted", nil, func() error { return gone }, nil, 0, automation.Started, 2},
		{"WhenTheAnswerIsLost", func(create func() error) error { _ = create(); return context.Canceled }, nil, nil, 0, automation.Started, 2},
		{"AndTheRunTakesAllCredits", nil, func() error { return gone }, func(func() error) error { return credits.ErrInsufficient }, 0, automation.Started, 2},
		{"AndStartFails", nil, func() error { return gone }, func(func() error) error { return gone }, 0, automation.Started, 2},
		{"AndStartPanics", nil, func() error { return gone }, func(func() error) error { panic("nil") }, 0, automation.Started, 2},
		{"AndTheWindowIsOver", nil, func() error { return gone }, nil, 5 * time.Hour, automation.Started, 1},
		{"BeforeItStartsAndTheWindowIsOver", func(func() error) error { return context.Canceled }, nil, nil, 5 * time.Hour, automation.Skipped, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlan(t)
				s := p.daily("a", 9, 0)
				time.Sleep(9 * time.Hour)
				store := &dying{ScheduleStore: p.store, die: c.advance}
				p.store = store
				ctx, die := context.WithCancel(context.Background())
				p.start = func(_ automation.Firing, create func() error) error {
					die()
					if c.start != nil {
						return c.start(create)
					}
					return create()
				}
				first, err := automation.NewScheduler(p.config())
				if err == nil {
					err = first.Serve(ctx)
				}
				if err != nil {
					t.Fatal(err)
				}
				p.wantUntouched(s)

				time.Sleep(c.later)
				store.die, p.start = nil, nil
				if c.then != nil {
					p.start = func(_ automation.Firing, create func() error) error { return c.then(create) }
				}
				p.serve(time.Minute)
				if c.want == automation.Started {
					p.wantLast("a", s.NextRun, c.want)
					p.wantRuns(s, s.NextRun)
				} else {
					p.wantLast("a", s.NextRun, c.want, "missed by 5h")
					p.wantRuns(s)
				}
				if len(p.tries) != c.tries {
					t.Errorf("Start was called %d times, want %d", len(p.tries), c.tries)
				}
			})
		})
	}
}

func TestSchedulerRecordsWhatItStartedAsItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		s := p.daily("a", 9, 0)
		ctx, stop := context.WithCancel(context.Background())
		p.start = func(_ automation.Firing, create func() error) error { stop(); return create() }
		serving, err := automation.NewScheduler(p.config())
		if err == nil {
			err = serving.Serve(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.wantLast("a", s.NextRun, automation.Started)
	})
}

func TestSchedulersDoNotWaitForABadOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		kinds := []string{"fails", "hangs", "panics", "sound"}
		var all []automation.Schedule
		for i := range 10 {
			for _, kind := range kinds {
				all = append(all, p.daily(fmt.Sprint(kind, " ", i), 9, 0))
			}
		}
		p.look = func(ctx context.Context, f automation.Firing, create func() error) error {
			kind, _, _ := strings.Cut(f.Schedule.ID, " ")
			switch kind {
			case "fails":
				return errors.New("not now")
			case "hangs":
				<-ctx.Done()
				return ctx.Err()
			case "panics":
				panic("at the disco")
			}
			return create()
		}
		p.serve(9*time.Hour + 10*time.Minute)
		for _, s := range all {
			switch kind, _, _ := strings.Cut(s.ID, " "); kind {
			case "sound":
				p.wantLast(s.ID, s.NextRun, automation.Started)
			case "panics":
				p.wantLast(s.ID, s.NextRun, automation.Skipped, "panicked: at the disco")
			default:
				p.wantUntouched(s)
			}
		}
	})
}

// strange is a store whose schedules come from a process that knows more zones, and whose lists fail now and then.
type strange struct {
	automation.ScheduleStore
	mu    sync.Mutex
	looks int // guarded by mu
}

func (s *strange) Due(ctx context.Context) iter.Seq2[automation.DueSchedule, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	failing := s.looks%2 == 0
	return func(yield func(automation.DueSchedule, error) bool) {
		if failing {
			yield(automation.DueSchedule{}, errors.New("the connection is gone"))
			return
		}
		for d, err := range s.ScheduleStore.Due(ctx) {
			if d.ID == "strange" {
				d.Zone = "Mars/Olympus"
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func TestSchedulerServesOnOverAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		odd, s := p.daily("strange", 8, 59), p.daily("usual", 9, 0)
		p.store = &strange{ScheduleStore: p.store}
		p.serve(10 * time.Hour)
		p.wantUntouched(odd)
		p.wantLast("usual", s.NextRun, automation.Started)
	})
}

func TestSchedulersOnOneStoreStartEachTimeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		var all []automation.Schedule
		for i := range 20 {
			all = append(all, p.daily(fmt.Sprint("s", i), 9, i%3))
		}
		created := map[string]int{}
		p.start = func(f automation.Firing, create func() error) error {
			time.Sleep(time.Duration(len(f.Run)%5) * time.Second)
			err := create()
			p.mu.Lock()
			defer p.mu.Unlock()
			if err == nil {
				created[f.Run]++
			}
			return err
		}
		var serving sync.WaitGroup
		for range 3 {
			serving.Go(func() { p.serve(10 * time.Hour) })
		}
		serving.Wait()
		for _, s := range all {
			p.wantLast(s.ID, s.NextRun, automation.Started)
			p.wantRuns(s, s.NextRun)
			if n := created[automation.ScheduledRun(s.ID, s.NextRun)]; n != 1 {
				t.Errorf("the run of %q was created %d times", s.ID, n)
			}
		}
	})
}

func TestSchedulerLeavesWhatWasChangedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t)
		moved, deleted := p.daily("moved", 9, 0), p.daily("deleted", 9, 0)
		p.start = func(f automation.Firing, create func() error) error {
			var err error
			if f.Schedule.ID == "moved" {
				f.Schedule.Hour = 11
				_, err = p.store.SaveSchedule(context.Background(), f.Schedule)
			} else {
				err = p.store.DeleteSchedule(context.Background(), f.Schedule.ID)
			}
			if err != nil {
				t.Error(err)
			}
			return create()
		}
		p.serve(9*time.Hour + time.Minute)
		p.wantTries(moved.NextRun, deleted.NextRun)
		s, err := p.store.Schedule(t.Context(), "moved")
		if want := moved.NextRun.Add(2 * time.Hour); err != nil || !s.NextRun.Equal(want) || !s.LastRun.IsZero() {
			t.Errorf("the schedule that was moved is %+v, %v, want its next run at %v", s, err, want)
		}
	})
}

func TestNewSchedulerRefusesAWrongConfiguration(t *testing.T) {
	sound := newPlan(t).config()
	for name, change := range map[string]func(*automation.SchedulerConfig){
		"Store":    func(c *automation.SchedulerConfig) { c.Store = nil },
		"Runs":     func(c *automation.SchedulerConfig) { c.Runs = nil },
		"Start":    func(c *automation.SchedulerConfig) { c.Start = nil },
		"Poll":     func(c *automation.SchedulerConfig) { c.Poll = 31 * time.Second },
		"negative": func(c *automation.SchedulerConfig) { c.Workers = -1 },
	} {
		cfg := sound
		change(&cfg)
		if _, err := automation.NewScheduler(cfg); !errors.Is(err, automation.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("NewScheduler with a wrong %s = %v, want ErrInvalid that says so", name, err)
		}
	}
}
