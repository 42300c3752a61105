package automation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Config is what a Runner is made of.
type Config struct {
	Store  Store   // required
	Stages []Stage // of every pipeline it works on; required
	// Owner names this runner in leases; it must be unique among all that share the store. Random if empty.
	Owner   string
	Workers int           // tasks at a time; 4 if zero
	Lease   time.Duration // how long a dead runner's tasks stay with it; renewed in time while it lives; 2 min if zero
	Poll    time.Duration // how often it looks for work that nobody told it of; 200 ms if zero
	// Drain is how long Serve lets tasks under way end after its context did. What is paid for by then is saved; the
	// others' contexts are cancelled. 30 s if zero.
	Drain  time.Duration
	Logger *slog.Logger // hears of failures; nothing is logged if nil
}

// Runner works on runs. It is safe for concurrent use.
type Runner struct {
	cfg    Config
	stages map[string]Stage
	wake   chan struct{} // capacity 1: there may be something to do

	mu       sync.Mutex
	inFlight map[TaskRef]struct{}
	planning map[string]bool      // by run
	left     map[string]time.Time // by run: until when another runner is left to plan it
	tallies  map[string]*tally    // by run; of runs that are not over
}

// New returns a Runner. Mistakes in the configuration are joined; each matches [ErrInvalid].
func New(cfg Config) (*Runner, error) {
	r := &Runner{cfg: cfg, stages: map[string]Stage{}, wake: make(chan struct{}, 1),
		inFlight: map[TaskRef]struct{}{}, planning: map[string]bool{}, left: map[string]time.Time{}, tallies: map[string]*tally{}}
	var errs []error
	bad := func(why string) {
		errs = append(errs, fmt.Errorf("automation: configuration: %w: %s", ErrInvalid, why))
	}
	if cfg.Store == nil {
		bad("Store must be set")
	}
	if len(cfg.Stages) == 0 {
		bad("Stages must name at least one")
	}
	for _, s := range cfg.Stages {
		if s.Name() == "" || r.stages[s.Name()] != nil {
			bad(fmt.Sprintf("stage name %q is empty or there twice", s.Name()))
		}
		r.stages[s.Name()] = s
	}
	if cfg.Workers < 0 || cfg.Lease < 0 || cfg.Poll < 0 || cfg.Drain < 0 {
		bad("a limit is negative")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	r.cfg = cfg.withDefaults()
	return r, nil
}

func (c Config) withDefaults() Config {
	if c.Owner == "" {
		c.Owner = rand.Text()
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Lease, 2*time.Minute)
	def(&c.Poll, 200*time.Millisecond)
	def(&c.Drain, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Start creates a run, which Serve then works on; State, Stage and the finishers are set here. Stages must be among the
// runner's. Errors: ErrExists, *RunExistsError, *ClaimedError, ErrInvalid.
func (r *Runner) Start(ctx context.Context, run Run) error {
	run.State, run.Reason, run.Detail, run.Finishers = Running, "", "", nil
	for _, name := range run.Stages {
		stage, ok := r.stages[name]
		if !ok {
			return fmt.Errorf("automation: start run %q: %w: there is no stage %q", run.ID, ErrInvalid, name)
		}
		if _, ok := stage.(Finisher); ok {
			run.Finishers = append(run.Finishers, name)
		}
	}
	if len(run.Stages) > 0 {
		run.Stage = run.Stages[0]
	}
	if err := r.cfg.Store.CreateRun(ctx, run); err != nil {
		return err
	}
	r.notify()
	return nil
}

// Run returns a run and its stages in order, as they are now. Errors: ErrNotFound.
func (r *Runner) Run(ctx context.Context, id string) (Run, []StageCount, error) {
	return r.cfg.Store.Run(ctx, id)
}

// Pause stops a run from claiming further tasks; what is under way is ended and saved. Errors: ErrState, ErrNotFound.
func (r *Runner) Pause(ctx context.Context, id string) error {
	// It may be pausing for a reason that can pass, and this one does not.
	return r.move(ctx, id, Pausing, ByUser, Running, Pausing)
}

// Resume lets a run go on that is paused or about to be. Errors: ErrState, ErrNotFound.
func (r *Runner) Resume(ctx context.Context, id string) error {
	return r.move(ctx, id, Running, "", Paused, Pausing)
}

// Cancel ends a run for good: what is under way is ended, what was paid for is saved and what is held is given back,
// and nothing more is paid for. The run is Cancelled once that is so. Errors: ErrState, ErrNotFound.
func (r *Runner) Cancel(ctx context.Context, id string) error {
	return r.move(ctx, id, Canceling, ByUser, Running, Pausing, Paused)
}

// move sets a run's state, whichever of some it is in. It looks at each of them twice: a run that is pausing may go from
// one that comes later to one that was looked at.
func (r *Runner) move(ctx context.Context, id string, to State, reason Reason, from ...State) (err error) {
	for _, state := range slices.Concat(from, from) {
		if err = r.setState(ctx, id, state, to, reason, ""); !errors.Is(err, ErrState) {
			return err
		}
	}
	return err
}

func (r *Runner) setState(ctx context.Context, id string, from, to State, reason Reason, detail string) error {
	if err := r.cfg.Store.SetState(ctx, id, from, to, reason, detail); err != nil {
		return err
	}
	r.notify()
	return nil
}

// Wait returns once the run is paused or over, while Serve works on it. Errors: ErrNotFound, the context's.
func (r *Runner) Wait(ctx context.Context, id string) (Run, []StageCount, error) {
	tick := time.NewTicker(r.cfg.Poll)
	defer tick.Stop()
	for {
		run, stages, err := r.cfg.Store.Run(ctx, id)
		if err != nil || run.State.Terminal() || run.State == Paused {
			return run, stages, err
		}
		select {
		case <-ctx.Done():
			return run, stages, ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *Runner) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
