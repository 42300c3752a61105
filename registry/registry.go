package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the options of [Open]; nil means all defaults.
type Options struct {
	Poll   time.Duration    // how often the store is asked for changes of other processes; 500 ms if zero
	Now    func() time.Time // decides what is past its shutdown; time.Now if nil
	Logger *slog.Logger     // hears when the store cannot be asked; nothing is logged if nil
}

// Registry answers from a snapshot of the version in force and follows changes: those of other processes, and pending ones
// when their time comes. Which version is in force is the store's clock to say, so that processes agree whatever their own
// clocks show. It is safe for concurrent use.
type Registry struct {
	store ModelStore
	now   func() time.Time
	log   *slog.Logger

	snapshot atomic.Pointer[Snapshot]
	refresh  sync.Mutex // one refresh at a time
	accounts accounts

	stop context.CancelFunc
	done chan struct{}
}

// Open loads the version in force and follows the store until [Registry.Close]. The context governs the first load only.
// Errors: ErrNotFound if no version is in force yet, and the store's own.
func Open(ctx context.Context, store ModelStore, o *Options) (*Registry, error) {
	if o == nil {
		o = &Options{}
	}
	r := &Registry{store: store, now: o.Now, log: o.Logger, done: make(chan struct{})}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	poll := o.Poll
	if poll <= 0 {
		poll = 500 * time.Millisecond
	}
	follow, stop := context.WithCancel(context.Background())
	r.stop = stop
	go r.follow(follow, poll)
	return r, nil
}

// Close stops following the store and waits for it. Look-ups go on to answer from the last snapshot.
func (r *Registry) Close() {
	r.stop()
	<-r.done
}

// lookPatience is how long one look at the store may take: behind a connection that is gone it would wait for a quarter of an
// hour, and prices would stay what they were.
const lookPatience = 10 * time.Second

func (r *Registry) follow(ctx context.Context, poll time.Duration) {
	defer close(r.done)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, lookPatience)
		err := r.look(within)
		cancel()
		if err != nil && ctx.Err() == nil {
			r.log.Warn("registry: the store cannot be asked for changes", "error", err)
		}
	}
}

// look asks the store for changes, of versions and of accounts' settings.
func (r *Registry) look(ctx context.Context) error {
	behind, err := r.behind(ctx)
	if behind && err == nil {
		err = r.Refresh(ctx)
	}
	latest, err2 := r.store.LatestAccount(ctx)
	if err2 == nil {
		r.accounts.seen(latest)
	}
	return errors.Join(err, err2)
}

// Refresh loads the version in force now, and its candidate. The snapshot never goes back to a lower number, even if the
// store's clock does.
func (r *Registry) Refresh(ctx context.Context) error {
	r.refresh.Lock()
	defer r.refresh.Unlock()
	// Asked first, so that what is in force by then is not taken for pending; what is saved after it is found by the next poll.
	latest, err := r.store.Latest(ctx)
	if err != nil {
		return fmt.Errorf("registry: the latest version: %w", err)
	}
	v, err := r.store.Load(ctx, 0)
	if err != nil {
		return fmt.Errorf("registry: load the version in force: %w", err)
	}
	s := r.snapshot.Load()
	switch {
	case s == nil || v.Number > s.Version:
		s = newSnapshot(v, r.now)
		r.snapshot.Store(s) // also if its candidate cannot be loaded yet
	case latest <= s.latest:
		return nil
	}
	candidate, err := r.candidate(ctx, s.Version, latest)
	if err != nil {
		return err
	}
	next := *s
	next.candidate, next.latest = candidate, latest
	r.snapshot.Store(&next)
	return nil
}

// Save writes a change and, if it takes effect now, answers from it at once. Errors: those of [ModelStore.Save]. A version
// that is returned beside an error was written, but could not be loaded yet.
func (r *Registry) Save(ctx context.Context, c Change) (Version, error) {
	v, err := r.store.Save(ctx, c)
	if err != nil {
		return Version{}, err
	}
	return v, r.Refresh(ctx)
}

// Rollback makes the configuration of an earlier version the newest one, in force at once: a new version with who and why,
// which cancels what is pending. It is checked as any change is, so what has become wrong since (a default that was shut
// down) is refused. Errors: ErrNotFound, ErrInvalid with every rule that the earlier version breaks today, ErrConflict
// if somebody else saves at the same time, and the store's own.
func (r *Registry) Rollback(ctx context.Context, version int64, who, why string) (Version, error) {
	v, err := r.rollback(ctx, version, who, why)
	if err != nil {
		err = fmt.Errorf("registry: roll back to version %d: %w", version, err)
	}
	return v, err
}

func (r *Registry) rollback(ctx context.Context, version int64, who, why string) (Version, error) {
	if version < 1 { // 0 would be the one in force
		return Version{}, ErrNotFound
	}
	latest, err := r.store.Latest(ctx)
	if err != nil {
		return Version{}, err
	}
	old, err := r.store.Load(ctx, version)
	if err != nil {
		return Version{}, err
	}
	return r.Save(ctx, Change{Base: latest, Who: who, Why: why, Next: old.Configuration})
}

// Snapshot returns the version in force, as the registry last saw it. An operation takes one snapshot and uses it
// throughout, so that it never mixes two versions.
func (r *Registry) Snapshot() *Snapshot { return r.snapshot.Load() }

// Snapshot is one version with its indexes. It is immutable: do not write to what it returns.
type Snapshot struct {
	Version       int64
	Configuration *Configuration

	candidate *Snapshot // nil if none is pending
	latest    int64     // the newest version when the candidate was looked for

	now        func() time.Time
	models     map[string]*Model
	defaults   map[Kind]*Model
	providers  map[string]*Provider
	operations map[string]*OperationCost
}

func newSnapshot(v Version, now func() time.Time) *Snapshot {
	c := &v.Configuration
	s := &Snapshot{Version: v.Number, Configuration: c, now: now, models: map[string]*Model{}, defaults: map[Kind]*Model{},
		providers: map[string]*Provider{}, operations: map[string]*OperationCost{}}
	for i := range c.Models {
		m := &c.Models[i]
		s.models[m.Name] = m
		if m.Active && m.Default {
			s.defaults[m.Kind] = m
		}
	}
	for i := range c.Providers {
		s.providers[c.Providers[i].ID] = &c.Providers[i]
	}
	for i := range c.Operations {
		s.operations[c.Operations[i].Operation] = &c.Operations[i]
	}
	return s
}

// Model returns an active model by name. Errors: ErrNotFound, ErrInactive.
func (s *Snapshot) Model(name string) (*Model, error) {
	m, ok := s.models[name]
	if !ok {
		return nil, fmt.Errorf("registry: model %q: %w", name, ErrNotFound)
	}
	return m, s.active(m)
}

func (s *Snapshot) active(m *Model) error {
	if !m.Active {
		return fmt.Errorf("registry: model %q: %w", m.Name, ErrInactive)
	}
	if m.Shutdown != nil && !m.Shutdown.After(s.now()) {
		return fmt.Errorf("registry: model %q: %w: its provider shut it down on %s", m.Name, ErrInactive, m.Shutdown.UTC().Format(time.DateOnly))
	}
	return nil
}

// Default returns the default model of a kind. Errors: ErrNotFound, ErrInactive.
func (s *Snapshot) Default(kind Kind) (*Model, error) {
	m, ok := s.defaults[kind]
	if !ok {
		return nil, fmt.Errorf("registry: default %s model: %w: mark an active model as the default", kind, ErrNotFound)
	}
	return m, s.active(m)
}

// Provider returns an active provider by id. Errors: ErrNotFound, ErrInactive.
func (s *Snapshot) Provider(id string) (*Provider, error) {
	p, ok := s.providers[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("registry: provider %q: %w", id, ErrNotFound)
	case !p.Active:
		return nil, fmt.Errorf("registry: provider %q: %w", id, ErrInactive)
	}
	return p, nil
}

// Operation returns the cost of an active operation by name. Errors: ErrNotFound, ErrInactive.
func (s *Snapshot) Operation(name string) (*OperationCost, error) {
	o, ok := s.operations[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("registry: operation %q: %w", name, ErrNotFound)
	case !o.Active:
		return nil, fmt.Errorf("registry: operation %q: %w", name, ErrInactive)
	}
	return o, nil
}
