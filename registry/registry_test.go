package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/memory"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
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

// stored returns a store with the seed catalogue as its first version.
func stored(t testing.TB, c *clock) *memory.Models {
	t.Helper()
	store := memory.New(&memory.Options{Now: c.now}).Models()
	save(t, store, registry.Change{Who: "ada", Why: "first", Next: seed(t)})
	return store
}

func save(t testing.TB, to interface {
	Save(context.Context, registry.Change) (registry.Version, error)
}, change registry.Change) registry.Version {
	t.Helper()
	v, err := to.Save(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// opened returns a registry that does not poll of its own accord, as long as the test lasts.
func opened(t testing.TB, store registry.ModelStore, c *clock) *registry.Registry {
	t.Helper()
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Hour, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// restyled is the seed with a style, by which versions are told apart.
func restyled(t testing.TB, base int64, style string) registry.Change {
	c := registry.Change{Base: base, Who: "ada", Why: style, Next: seed(t)}
	c.Next.Settings.Images.Style = style
	return c
}

func TestLookUps(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	change := registry.Change{Base: 1, Who: "ada", Why: "rows in every state", Next: seed(t)}
	soon := seedTime.Add(time.Hour)
	next := &change.Next
	next.Models = append(next.Models, registry.Model{Name: "ending", Kind: registry.Text, Provider: "openai", Active: true, Prices: next.Models[3].Prices,
		MaxOutputTokens: 10, Shutdown: &soon})
	next.Providers = append(next.Providers, registry.Provider{ID: "off"})
	next.Operations = append(next.Operations, registry.OperationCost{Operation: "off", TokensPerCredit: 1, PricePerCreditUSD: *usd("1")})
	next.Settings.Functions = map[string]registry.FunctionSettings{"write": {MaxTokens: 7}}
	save(t, store, change)
	s := opened(t, store, c).Snapshot()

	t.Run("FindWhatIsActive", func(t *testing.T) {
		if m, err := s.Model("gpt-5.1"); err != nil || m.DisplayName != "GPT-5.1" {
			t.Errorf("Model = %+v, %v", m, err)
		}
		if m, err := s.Default(registry.Image); err != nil || m.Name != "dall-e-3" {
			t.Errorf("Default = %+v, %v", m, err)
		}
		if p, err := s.Provider("runware"); err != nil || p.DisplayName != "Runware" {
			t.Errorf("Provider = %+v, %v", p, err)
		}
		if o, err := s.Operation("clustering"); err != nil || o.MinCredits != 2 {
			t.Errorf("Operation = %+v, %v", o, err)
		}
	})
	t.Run("NameWhatIsMissingOrSwitchedOff", func(t *testing.T) {
		for _, q := range []struct {
			find func() error
			want error
			says string
		}{
			{func() error { _, err := s.Model("poet"); return err }, registry.ErrNotFound, `model "poet"`},
			{func() error { _, err := s.Model("gpt-4o"); return err }, registry.ErrInactive, `model "gpt-4o"`},
			{func() error { _, err := s.Default("video"); return err }, registry.ErrNotFound, "default video model"},
			{func() error { _, err := s.Provider("nobody"); return err }, registry.ErrNotFound, `provider "nobody"`},
			{func() error { _, err := s.Provider("off"); return err }, registry.ErrInactive, `provider "off"`},
			{func() error { _, err := s.Operation("sing"); return err }, registry.ErrNotFound, `operation "sing"`},
			{func() error { _, err := s.Operation("off"); return err }, registry.ErrInactive, `operation "off"`},
		} {
			err := q.find()
			wantError(t, err, q.want)
			wantText(t, err, q.says)
		}
	})
	t.Run("AModelEndsAtItsShutdownByTheClock", func(t *testing.T) {
		if _, err := s.Model("ending"); err != nil {
			t.Error(err)
		}
		c.advance(time.Hour - time.Nanosecond)
		if _, err := s.Model("ending"); err != nil {
			t.Error(err)
		}
		c.advance(time.Nanosecond)
		_, err := s.Model("ending")
		wantError(t, err, registry.ErrInactive)
		wantText(t, err, "its provider shut it down on 2026-01-15")
	})
	t.Run("ADefaultThatEndsIsNoDefault", func(t *testing.T) {
		c := &clock{at: seedTime}
		store := stored(t, c)
		change := registry.Change{Base: 1, Who: "ada", Why: "its end was announced", Next: seed(t)}
		end := seedTime.Add(time.Hour)
		the(&change.Next, registry.Text).Shutdown = &end
		save(t, store, change)
		s := opened(t, store, c).Snapshot()
		if _, err := s.Default(registry.Text); err != nil {
			t.Error(err)
		}
		c.advance(time.Hour)
		_, err := s.Default(registry.Text)
		wantError(t, err, registry.ErrInactive)
	})
}

func TestASnapshotDoesNotChange(t *testing.T) {
	c := &clock{at: seedTime}
	r := opened(t, stored(t, c), c)
	old := r.Snapshot()
	v := save(t, r, restyled(t, 1, "linocut"))
	if v.Number != 2 || v.Who != "ada" || v.Why != "linocut" || !v.At.Equal(seedTime) {
		t.Errorf("version is %d by %q, %q, at %v", v.Number, v.Who, v.Why, v.At)
	}
	if s := r.Snapshot(); s.Version != 2 || s.Configuration.Settings.Images.Style != "linocut" {
		t.Errorf("snapshot is of version %d with style %q, want what was saved", s.Version, s.Configuration.Settings.Images.Style)
	}
	if old.Version != 1 || old.Configuration.Settings.Images.Style != "photorealistic" {
		t.Errorf("the earlier snapshot changed to version %d", old.Version)
	}
	latest := r.Snapshot()
	if err := r.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if r.Snapshot() != latest {
		t.Error("a refresh without news made another snapshot")
	}
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	c := &clock{at: seedTime}
	r := opened(t, stored(t, c), c)
	before := r.Snapshot()
	_, err := r.Save(t.Context(), restyled(t, 0, "linocut"))
	wantError(t, err, registry.ErrConflict)
	broken := restyled(t, 1, "linocut")
	broken.Next.Models[0].Provider = "nobody"
	_, err = r.Save(t.Context(), broken)
	wantError(t, err, registry.ErrInvalid)
	if r.Snapshot() != before {
		t.Error("the snapshot is another one")
	}
}

func TestOpen(t *testing.T) {
	t.Run("OfAStoreWithoutAVersionIsErrNotFound", func(t *testing.T) {
		_, err := registry.Open(t.Context(), memory.New(nil).Models(), nil)
		wantError(t, err, registry.ErrNotFound)
		wantText(t, err, "registry: load the version in force")
	})
	t.Run("WithoutOptionsUsesTheRealClock", func(t *testing.T) {
		r, err := registry.Open(t.Context(), stored(t, &clock{at: seedTime}), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	})
	t.Run("EndsWithItsContext", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := registry.Open(ctx, stored(t, &clock{at: seedTime}), nil)
		wantError(t, err, context.Canceled)
	})
	t.Run("ItsContextDoesNotGovernTheFollowing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := stored(t, &clock{at: seedTime})
		r, err := registry.Open(ctx, store, &registry.Options{Poll: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cancel()
		save(t, store, restyled(t, 1, "linocut"))
		eventually(t, "version 2", func() bool { return r.Snapshot().Version == 2 })
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("no %s in 5 seconds", what)
}

func TestARegistryFollowsItsStore(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(3) { // by another process
		save(t, store, restyled(t, n+1, fmt.Sprint("style ", n)))
		eventually(t, "new version", func() bool { return r.Snapshot().Configuration.Settings.Images.Style == fmt.Sprint("style ", n) })
	}
	r.Close()
	r.Close() // again is no error
	save(t, store, restyled(t, 4, "too late"))
	time.Sleep(10 * time.Millisecond)
	if s := r.Snapshot(); s.Version != 4 {
		t.Errorf("version is %d after Close, want the last one seen, 4", s.Version)
	}
	if _, err := r.Snapshot().Model("gpt-5.1"); err != nil {
		t.Errorf("a closed registry answers %v", err)
	}
}

// flaky is a store that is away for a while.
type flaky struct {
	registry.ModelStore
	mu   sync.Mutex
	away error
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = err
}

func (f *flaky) InForce(ctx context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return 0, f.away
	}
	return f.ModelStore.InForce(ctx)
}

// lines is a writer that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes(), []byte(s))
}

func TestAStoreThatIsAwayIsLoggedAndAskedAgain(t *testing.T) {
	store := &flaky{ModelStore: stored(t, &clock{at: seedTime})}
	log := &lines{}
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	store.set(errors.New("the disk is gone"))
	eventually(t, "line in the log", func() bool { return log.contains("the disk is gone") })
	if _, err := r.Snapshot().Provider("openai"); err != nil {
		t.Errorf("while its store is away the registry answers %v", err)
	}
	store.set(nil)
	save(t, store, restyled(t, 1, "linocut"))
	eventually(t, "version 2", func() bool { return r.Snapshot().Version == 2 })
}

// stuck is a store that answers its next question only when nobody waits any more, as behind a connection that is gone.
type stuck struct {
	registry.ModelStore
	sticks atomic.Bool
}

func (s *stuck) InForce(ctx context.Context) (int64, error) {
	if s.sticks.CompareAndSwap(true, false) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.ModelStore.InForce(ctx)
}

func TestAQuestionThatIsNeverAnsweredDoesNotEndTheFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &stuck{ModelStore: stored(t, &clock{at: seedTime})}
		r, err := registry.Open(t.Context(), store, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		store.sticks.Store(true)
		save(t, store, restyled(t, 1, "linocut"))
		time.Sleep(15 * time.Second)
		if v := r.Snapshot().Version; v != 2 {
			t.Errorf("15 seconds later the version is %d, want 2", v)
		}
	})
}

func TestOneRegistryForManyGoroutines(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := int64(0)
			for range 500 {
				s := r.Snapshot()
				if s.Version < last {
					t.Errorf("version went back from %d to %d", last, s.Version)
				}
				last = s.Version
				if want := fmt.Sprint("style ", s.Version); s.Version > 1 && s.Configuration.Settings.Images.Style != want {
					t.Errorf("version %d has style %q", s.Version, s.Configuration.Settings.Images.Style)
				}
				if err := r.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := int64(1); n < 20; n++ {
		save(t, r, restyled(t, n, fmt.Sprint("style ", n+1)))
	}
	wg.Wait()
}

func TestALookUpAllocatesNothing(t *testing.T) {
	c := &clock{at: seedTime}
	r := opened(t, stored(t, c), c)
	n := testing.AllocsPerRun(1000, func() {
		if err := lookUp(r); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("the look-ups of an operation allocate %v times, want 0", n)
	}
}

// lookUp is what an operation asks for.
func lookUp(r *registry.Registry) error {
	s := r.Snapshot()
	if _, err := s.Model("gpt-5.1"); err != nil {
		return err
	}
	if _, err := s.Default(registry.Image); err != nil {
		return err
	}
	if _, err := s.Provider("openai"); err != nil {
		return err
	}
	if _, err := s.Operation("content_generation"); err != nil {
		return err
	}
	return nil
}

// BenchmarkEffective is what an operation asks for besides, for an account whose settings were asked for before.
func BenchmarkEffective(b *testing.B) {
	c := &clock{at: seedTime}
	r := opened(b, stored(b, c), c)
	saveOwn(b, r, "acme", 0, registry.FunctionSettings{Model: "gpt-4o-mini"})
	ask := registry.Ask{Account: "acme", Function: "write", Kind: registry.Text}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Effective(b.Context(), ask); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkModel(b *testing.B) {
	c := &clock{at: seedTime}
	r := opened(b, stored(b, c), c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Snapshot().Model("gpt-5.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookUpsOfAnOperation(b *testing.B) {
	c := &clock{at: seedTime}
	r := opened(b, stored(b, c), c)
	b.ReportAllocs()
	for b.Loop() {
		if err := lookUp(r); err != nil {
			b.Fatal(err)
		}
	}
}
