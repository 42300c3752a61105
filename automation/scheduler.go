package automation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// SchedulerConfig is what a Scheduler is made of.
type SchedulerConfig struct {
	Store ScheduleStore // required
	Runs  Store         // of the runs that Start creates; required
	// Start starts what a schedule asks for: a run with the id of Firing.Run. It is required. It is called at least once,
	// from several goroutines, and may be called in several processes at once: the id tells them apart from one another.
	// How an error is taken:
	//
	//   - [ErrExists], or any other if there is a run of that id: it was started before.
	//   - [ErrRunExists]: this time is skipped.
	//   - [ErrInvalid], [Permanent] or credits.ErrInsufficient, which the next try would meet again: this time is skipped.
	//   - Any other: it is tried again at every look, until the schedule's CatchUp is over; then this time is skipped.
	Start func(ctx context.Context, f Firing) error
	// Poll is how often it looks for what is due; 10 s if zero, at most 30 s, which is half of the shortest CatchUp.
	Poll    time.Duration
	Timeout time.Duration // of a call of Start, by its context; 30 s if zero
	Workers int           // calls of Start at a time; 4 if zero
	Logger  *slog.Logger  // hears what became of each time and of failures; nothing is logged if nil
}

// Firing is a time of a schedule at which a run is to be started.
type Firing struct {
	Schedule Schedule
	Due      time.Time // the time; if several have come, the latest
	Run      string    // the id that the run must have; see [ScheduledRun]
}

// ScheduledRun returns the id of the run that a schedule starts for one of its times: the same whoever starts it, so that it
// is started once.
func ScheduledRun(schedule string, due time.Time) string {
	return schedule + "@" + due.UTC().Format("20060102T150405Z")
}

// Scheduler starts what schedules ask for. It is safe for concurrent use, and any number of them, in any number of
// processes, may work on one store: who starts a time first has started it, and nobody need be the leader.
type Scheduler struct {
	cfg SchedulerConfig

	mu       sync.Mutex
	failures map[string]failure // by schedule; of those that are tried again. Guarded by mu
}

// failure is why a time could not be started so far.
type failure struct {
	due time.Time
	why string
}

// NewScheduler returns a Scheduler. Mistakes in the configuration are joined; each matches [ErrInvalid].
func NewScheduler(cfg SchedulerConfig) (*Scheduler, error) {
	var errs []error
	bad := func(why string) {
		errs = append(errs, fmt.Errorf("automation: configuration of a scheduler: %w: %s", ErrInvalid, why))
	}
	if cfg.Store == nil || cfg.Runs == nil || cfg.Start == nil {
		bad("Store, Runs and Start must be set")
	}
	if cfg.Poll < 0 || cfg.Timeout < 0 || cfg.Workers < 0 {
		bad("a limit is negative")
	}
	if cfg.Poll > minCatchUp/2 {
		bad(fmt.Sprintf("Poll is %s, want %s at most", cfg.Poll, minCatchUp/2))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Scheduler{cfg: cfg.withDefaults(), failures: map[string]failure{}}, nil
}

func (c SchedulerConfig) withDefaults() SchedulerConfig {
	if c.Poll == 0 {
		c.Poll = 10 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Serve starts what is due until its context ends, and returns nil once nothing of its own is under way. A call of Start
// under way is cancelled with the context: whether it has started a run is found out by whoever serves next.
func (s *Scheduler) Serve(ctx context.Context) error {
	for {
		s.look(ctx)
		if sleep(ctx, s.cfg.Poll) != nil {
			return nil
		}
	}
}

// look deals once with all that is due. One that fails is passed over, and stands in nobody's way.
func (s *Scheduler) look(ctx context.Context) {
	slots := make(chan struct{}, s.cfg.Workers)
	var starts sync.WaitGroup
	defer starts.Wait()
	seen := map[string]bool{}
	for due, err := range s.cfg.Store.Due(ctx) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.cfg.Logger.Error("automation: look for schedules that are due", "error", err)
			return
		}
		seen[due.ID] = true
		slots <- struct{}{}
		starts.Go(func() {
			defer func() { <-slots }()
			s.fire(ctx, due)
		})
	}
	s.forgetOthers(seen)
}

// fire starts a run first and advances its schedule then. Who dies in between is followed by somebody who finds the run; who
// advanced first and died would have lost it.
func (s *Scheduler) fire(ctx context.Context, d DueSchedule) {
	latest, n, err := d.come(d.At)
	if err != nil { // no store takes such a schedule, but one of another process may have known its zone
		s.failed(d.ID, d.NextRun, err)
		return
	}
	if n == 0 {
		return
	}
	f := Firing{Schedule: d.Schedule.own(), Due: latest, Run: ScheduledRun(d.ID, latest)}
	fired, err := s.outcome(ctx, f, d.At.Sub(latest))
	if err == nil {
		if n > 1 {
			fired.Detail = strings.TrimPrefix(fired.Detail+fmt.Sprintf("; %d times had come, from %s on", n, d.NextRun.Format(time.RFC3339)), "; ")
		}
		err = s.advance(ctx, d, fired)
	}
	if err != nil && ctx.Err() == nil {
		s.failed(d.ID, latest, err)
	}
}

// outcome starts a run and says what became of it; an error if that is open, and to be tried again.
func (s *Scheduler) outcome(ctx context.Context, f Firing, late time.Duration) (Fired, error) {
	missed := late > f.Schedule.window()
	var err error
	if !missed {
		if err = s.start(ctx, f); err == nil || errors.Is(err, ErrExists) {
			return Fired{Due: f.Due, Result: Started}, nil
		}
	}
	// An earlier try, or another process, may have started it: then it is not what this one met that counts.
	switch _, _, lost := s.cfg.Runs.Run(ctx, f.Run); {
	case lost == nil:
		return Fired{Due: f.Due, Result: Started}, nil
	case !errors.Is(lost, ErrNotFound):
		return Fired{}, errors.Join(err, lost)
	case missed:
		return Fired{Due: f.Due, Result: Skipped, Detail: s.missed(f, late)}, nil
	case lasts(err):
		return Fired{Due: f.Due, Result: Skipped, Detail: err.Error()}, nil
	}
	return Fired{}, err
}

// start calls Start, whose panics are errors that last.
func (s *Scheduler) start(ctx context.Context, f Firing) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = Permanent(fmt.Errorf("automation: start schedule %q: Start panicked: %v", f.Schedule.ID, p))
		}
	}()
	return s.cfg.Start(ctx, f)
}

// lasts reports whether a further try would meet the same error.
func lasts(err error) bool {
	return errors.Is(err, ErrRunExists) || errors.Is(err, ErrInvalid) || errors.Is(err, credits.ErrInsufficient) || isPermanent(err)
}

// missed says why a time was not started that is too late now.
func (s *Scheduler) missed(f Firing, late time.Duration) string {
	why := fmt.Sprintf("missed by %s, which is more than the %s within which it may be caught up", late.Round(time.Second), f.Schedule.window())
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.failures[f.Schedule.ID]; ok && last.due.Equal(f.Due) {
		why += "; the last try: " + last.why
	}
	return why
}

// advance records what became of a time. It is not ended by asking Serve to stop, because it is known now.
func (s *Scheduler) advance(ctx context.Context, d DueSchedule, f Fired) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	err := s.cfg.Store.Advance(ctx, d.ID, d.NextRun, f)
	switch {
	case errors.Is(err, ErrStale), errors.Is(err, ErrNotFound): // another one was first, or it was changed or deleted
		return nil
	case err != nil:
		return err
	}
	level := slog.LevelInfo
	if f.Result == Skipped {
		level = slog.LevelWarn
	}
	s.cfg.Logger.Log(ctx, level, "automation: schedule", "schedule", d.ID, "due", f.Due, "result", string(f.Result), "detail", f.Detail)
	return nil
}

// failed remembers why a time is still open, and logs it unless it is what was logged before.
func (s *Scheduler) failed(id string, due time.Time, err error) {
	now := failure{due.UTC(), err.Error()}
	s.mu.Lock()
	last := s.failures[id]
	s.failures[id] = now
	s.mu.Unlock()
	if last != now {
		s.cfg.Logger.Error("automation: start what a schedule asks for", "schedule", id, "due", due, "error", err)
	}
}

// forgetOthers forgets the failures of what is not due any more.
func (s *Scheduler) forgetOthers(due map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.failures, func(id string, _ failure) bool { return !due[id] })
}
