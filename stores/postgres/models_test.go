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

// soon waits until something is so, and fails if that takes more than a second. Time in which this process was not let run
// does not count: on a busy machine nothing is seen then, by whoever.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun, idle, last := time.Now(), time.Duration(0), time.Now(); ; time.Sleep(time.Millisecond) {
		now := time.Now()
		if is() {
			t.Logf("%s is seen after %v", what, now.Sub(begun))
			return
		}
		idle += max(now.Sub(last)-20*time.Millisecond, 0)
		if last = now; now.Sub(begun)-idle > time.Second {
			t.Fatalf("%s is not seen after %v", what, now.Sub(begun))
		}
	}
}

// has reports whether a version is in force for a registry, whole.
func has(t *testing.T, r *registry.Registry, version int64) bool {
	t.Helper()
	s := r.Snapshot()
	if want := fmt.Sprint("style ", s.Version); s.Configuration.Settings.Images.Style != want {
		t.Errorf("version %d has the style %q, want %q", s.Version, s.Configuration.Settings.Images.Style, want)
	}
	return s.Version == version
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
		soon(t, fmt.Sprint("version ", base+1), func() bool { return has(t, r, base+1) })
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
	for left := time.Duration(1); left > 0; time.Sleep(time.Millisecond) {
		early := has(t, one, 2) || has(t, two, 2)
		if left = time.Until(v.EffectiveAt) - ahead; early && left > 50*time.Millisecond { // as well as two clocks are compared
			t.Fatalf("the pending version is in force %v before its time", left)
		}
	}
	for name, r := range map[string]*registry.Registry{"one": one, "two": two} {
		soon(t, "the pending version in process "+name, func() bool { return has(t, r, 2) })
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
		soon(t, fmt.Sprint("change ", s.Number), func() bool { return style() == want })
		time.Sleep(time.Duration(n+1) * 90 * time.Millisecond) // elsewhere between two polls
	}
}
