package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/postgres"
)

// follow opens a registry on a handle of its own, as another process would, with the default poll.
func follow(t *testing.T, d *pgtest.Database) (*registry.Registry, *postgres.Models) {
	t.Helper()
	models := handle(t, d, d.NewPool(t, nil), nil).Models()
	r, err := registry.Open(t.Context(), models, &registry.Options{Now: func() time.Time { return time.Now().Add(-24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, models
}

func styled(t *testing.T, base int64, style string) registry.Change {
	t.Helper()
	next, err := registry.Catalogue(registry.Seed)
	if err != nil {
		t.Fatal(err)
	}
	next.Settings.Images.Style = style
	return registry.Change{Base: base, Who: "ada", Why: style, Next: next}
}

// reaches waits until a registry has a version, and returns when that was first seen.
func reaches(t *testing.T, r *registry.Registry, version int64, within time.Duration) time.Time {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(time.Millisecond) {
		now := time.Now()
		if s := r.Snapshot(); s.Version == version {
			if want := fmt.Sprint("style ", version); s.Configuration.Settings.Images.Style != want {
				t.Errorf("version %d has the style %q, want %q", version, s.Configuration.Settings.Images.Style, want)
			}
			return now
		}
		if now.After(end) {
			t.Fatalf("after %v the registry has version %d, want %d", within, r.Snapshot().Version, version)
		}
	}
}

func TestAChangeIsSeenByAnotherProcess(t *testing.T) {
	d := pgtest.Open(t)
	writer := handle(t, d, nil, nil).Models()
	save := func(base int64) {
		t.Helper()
		if _, err := writer.Save(t.Context(), styled(t, base, fmt.Sprint("style ", base+1))); err != nil {
			t.Fatal(err)
		}
	}
	save(0)
	r, models := follow(t, d)
	for base := int64(1); base < 5; base++ {
		save(base)
		saved := time.Now()
		t.Logf("version %d is seen after %v", base+1, reaches(t, r, base+1, time.Second).Sub(saved))
		time.Sleep(time.Duration(base) * 70 * time.Millisecond) // elsewhere between two polls
	}
	// And back: what the other process writes conflicts with what this one has not seen.
	if _, err := models.Save(t.Context(), styled(t, 4, "late")); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("Save on the version before the last = %v, want ErrConflict", err)
	}
}

// TestAPendingVersionTakesForceInEveryProcess by the database's own clock, whatever the processes' clocks show.
func TestAPendingVersionTakesForceInEveryProcess(t *testing.T) {
	d := pgtest.Open(t)
	writer := handle(t, d, nil, nil).Models()
	if _, err := writer.Save(t.Context(), styled(t, 0, "style 1")); err != nil {
		t.Fatal(err)
	}
	one, _ := follow(t, d)
	two, _ := follow(t, d)
	var now time.Time
	if err := d.Pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	ahead := time.Until(now) // of the database's clock
	c := styled(t, 1, "style 2")
	c.EffectiveAt = now.Add(1200 * time.Millisecond)
	v, err := writer.Save(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*registry.Registry{"one": one, "two": two} {
		late := reaches(t, r, 2, 5*time.Second).Add(ahead).Sub(v.EffectiveAt)
		t.Logf("process %s has it %v after its time", name, late)
		if late < -50*time.Millisecond || late > time.Second { // as well as two clocks are compared
			t.Errorf("process %s has the pending version %v after its time, want at most a second and not before", name, late)
		}
	}
}

// TestSettingsOfAnAccountAreSeenByAnotherProcess that has asked for them before, within a second.
func TestSettingsOfAnAccountAreSeenByAnotherProcess(t *testing.T) {
	d := pgtest.Open(t)
	writer := handle(t, d, nil, nil).Models()
	if _, err := writer.Save(t.Context(), styled(t, 0, "style 1")); err != nil {
		t.Fatal(err)
	}
	r, _ := follow(t, d)
	style := func() string {
		t.Helper()
		e, err := r.Effective(t.Context(), registry.Ask{Account: "acme", Function: "write", Kind: registry.Text})
		if err != nil {
			t.Fatal(err)
		}
		return e.Style
	}
	if got := style(); got != "style 1" {
		t.Errorf("the style is %q", got)
	}
	base := int64(0)
	for n := range 3 {
		want := fmt.Sprint("own ", n)
		s, err := writer.SaveAccount(t.Context(), registry.AccountChange{Account: "acme", Base: base, Who: "ada", Why: "test",
			Next: registry.Settings{Images: registry.ImageSettings{Style: want}}})
		if err != nil {
			t.Fatal(err)
		}
		base = s.Number
		saved := time.Now()
		for style() != want {
			if time.Since(saved) > time.Second {
				t.Fatalf("after a second the style is %q, want %q", style(), want)
			}
			time.Sleep(time.Millisecond)
		}
		t.Logf("settings %d are seen after %v", s.Number, time.Since(saved))
		time.Sleep(time.Duration(n+1) * 90 * time.Millisecond) // elsewhere between two polls
	}
}
