package registry_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/registry"
)

func TestEffectiveFrom(t *testing.T) {
	now := seedTime
	later := time.Date(2026, 2, 1, 9, 0, 0, 0, time.FixedZone("there", 3600))
	for _, c := range []struct {
		says     string
		at, want time.Time
	}{
		{"zero is now", time.Time{}, now},
		{"a time is that time in UTC", later, time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC)},
		{"a part of a microsecond is rounded up", later.Add(time.Nanosecond), later.Add(time.Microsecond).UTC()},
		{"a whole microsecond is not", later.Add(time.Microsecond), later.Add(time.Microsecond).UTC()},
	} {
		if got := (registry.Change{EffectiveAt: c.at}).EffectiveFrom(now); got != c.want {
			t.Errorf("%s: EffectiveFrom = %v, want %v", c.says, got, c.want)
		}
	}
}

func TestAPendingVersionTakesForceByItself(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pending := restyled(t, 1, "linocut")
	pending.EffectiveAt = seedTime.Add(time.Hour)
	if v := save(t, r, pending); v.Number != 2 || !v.EffectiveAt.Equal(pending.EffectiveAt) || !v.At.Equal(seedTime) {
		t.Errorf("version %d of %v takes effect at %v", v.Number, v.At, v.EffectiveAt)
	}
	c.advance(time.Hour - time.Microsecond)
	time.Sleep(20 * time.Millisecond)
	if s := r.Snapshot(); s.Version != 1 {
		t.Errorf("version %d is in force before its time", s.Version)
	}
	c.advance(time.Microsecond)
	eventually(t, "version 2", func() bool { return r.Snapshot().Configuration.Settings.Images.Style == "linocut" })
}

func TestOpenOfAStoreWithNothingInForceYet(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	c.advance(-time.Hour) // or the only version would have been refused as one of the past
	_, err := registry.Open(t.Context(), store, &registry.Options{Now: c.now})
	wantError(t, err, registry.ErrNotFound)
	wantText(t, err, "load the version in force")
}

// TestASnapshotNeverGoesBack when the store's clock is set back: what was in force stays.
func TestASnapshotNeverGoesBack(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	c.advance(time.Hour)
	save(t, store, restyled(t, 1, "linocut"))
	r := opened(t, store, c)
	c.advance(-time.Minute)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := r.Snapshot().Version; v != 2 {
		t.Errorf("version %d is in force, want 2", v)
	}
}

func TestRollback(t *testing.T) {
	t.Run("GoesBackWithoutADifferenceAndCancelsWhatIsPending", func(t *testing.T) {
		c := &clock{at: seedTime}
		r := opened(t, stored(t, c), c)
		first := *r.Snapshot().Configuration
		dearer := registry.Change{Base: 1, Who: "ada", Why: "dearer", Next: seed(t)}
		the(&dearer.Next, registry.Text).TokensPerCredit = 10
		save(t, r, dearer)
		if d := registry.Diff(first, *r.Snapshot().Configuration); len(d) != 1 {
			t.Errorf("the change makes the differences %v, want one", d)
		}
		pending := restyled(t, 2, "linocut")
		pending.EffectiveAt = seedTime.Add(time.Hour)
		save(t, r, pending)

		v, err := r.Rollback(t.Context(), 1, "eve", "too dear")
		if err != nil {
			t.Fatal(err)
		}
		if v.Number != 4 || v.Who != "eve" || v.Why != "too dear" || !v.At.Equal(seedTime) || !v.EffectiveAt.Equal(seedTime) {
			t.Errorf("the rollback is version %d by %q, %q, at %v, effective at %v", v.Number, v.Who, v.Why, v.At, v.EffectiveAt)
		}
		c.advance(2 * time.Hour)
		if err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := r.Snapshot()
		if s.Version != 4 {
			t.Errorf("version %d is in force, want the rollback", s.Version)
		}
		if d := registry.Diff(first, *s.Configuration); len(d) > 0 {
			t.Errorf("after the rollback there are the differences %v", d)
		}
		if a, b := canonical(t, first), canonical(t, *s.Configuration); string(a) != string(b) {
			t.Error("after the rollback the canonical form is another one")
		}
	})
	t.Run("OfWhatBreaksARuleTodayIsRefused", func(t *testing.T) {
		c := &clock{at: seedTime}
		store := stored(t, c)
		ending := registry.Change{Base: 1, Who: "ada", Why: "its end was announced", Next: seed(t)}
		end := seedTime.Add(time.Hour)
		the(&ending.Next, registry.Text).Shutdown = &end
		save(t, store, ending)
		save(t, store, restyled(t, 2, "linocut"))
		r := opened(t, store, c)
		c.advance(time.Hour)
		_, err := r.Rollback(t.Context(), 2, "", "as it was")
		wantError(t, err, registry.ErrInvalid)
		wantText(t, err, "registry: roll back to version 2", `model "gpt-5.1"`, "it is the default but was shut down on 2026-01-15", "who must be set")
		if v := r.Snapshot().Version; v != 3 {
			t.Errorf("version %d is in force, want 3", v)
		}
	})
	t.Run("OfAVersionThatThereIsNotIsErrNotFound", func(t *testing.T) {
		c := &clock{at: seedTime}
		r := opened(t, stored(t, c), c)
		for _, n := range []int64{0, 2, -1} { // 0 is the one in force elsewhere
			_, err := r.Rollback(t.Context(), n, "eve", "why not")
			wantError(t, err, registry.ErrNotFound)
			wantText(t, err, "registry: roll back to version")
		}
		if v := r.Snapshot().Version; v != 1 {
			t.Errorf("version %d is in force, want 1", v)
		}
	})
	t.Run("ToAPendingVersionPutsItInForce", func(t *testing.T) {
		c := &clock{at: seedTime}
		r := opened(t, stored(t, c), c)
		pending := restyled(t, 1, "linocut")
		pending.EffectiveAt = seedTime.Add(time.Hour)
		save(t, r, pending)
		if _, err := r.Rollback(t.Context(), 2, "eve", "at once"); err != nil {
			t.Fatal(err)
		}
		if s := r.Snapshot(); s.Version != 3 || s.Configuration.Settings.Images.Style != "linocut" {
			t.Errorf("version %d with style %q is in force", s.Version, s.Configuration.Settings.Images.Style)
		}
	})
}
