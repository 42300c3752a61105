package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrip-go/scrip/registry"
)

// RunModelStore checks a [registry.ModelStore] against its contract. open returns an empty store that takes the time
// from now; it is called once for each case.
func RunModelStore(t *testing.T, open func(t *testing.T, now func() time.Time) registry.ModelStore) {
	for _, c := range modelCases {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&modelTest{tb: t, ModelStore: open(t, clk.now), clock: clk}, nil)
		})
	}
}

type modelTest struct {
	tb
	registry.ModelStore
	clock *clock
}

// configuration is one that every rule holds for.
func (t *modelTest) configuration() registry.Configuration {
	t.Helper()
	c, err := registry.Catalogue(registry.Seed)
	must(t, err, "Catalogue")
	return c
}

func (t *modelTest) change(base int64, style string) registry.Change {
	t.Helper()
	c := registry.Change{Base: base, Who: "ada", Why: "style " + style, Next: t.configuration()}
	c.Next.Settings.Images.Style = style
	return c
}

func (t *modelTest) save(base int64, style string) registry.Version {
	t.Helper()
	v, err := t.Save(t.Context(), t.change(base, style))
	must(t, err, fmt.Sprintf("Save(base %d)", base))
	return v
}

func (t *modelTest) wantLatest(want int64) {
	t.Helper()
	got, err := t.Latest(t.Context())
	if err != nil || got != want {
		t.Errorf("Latest = %d, %v, want %d", got, err, want)
	}
}

func (t *modelTest) wantVersion(got registry.Version, number int64, style string, at time.Time) {
	t.Helper()
	want := t.change(number-1, style)
	if got.Number != number || got.Who != want.Who || got.Why != want.Why || !got.At.Equal(at) {
		t.Errorf("version = %d by %q, %q, at %v, want %d by %q, %q, at %v", got.Number, got.Who, got.Why, got.At, number, want.Who, want.Why, at)
	}
	a, errA := json.Marshal(got.Configuration)
	b, errB := json.Marshal(want.Next)
	if err := errors.Join(errA, errB); err != nil || string(a) != string(b) {
		t.Errorf("configuration of version %d = %s, %v, want %s", number, a, err, b)
	}
}

var modelCases = []testCase[*modelTest]{
	{"BeginsEmpty", "a new store has no version: Latest is 0 and Load is ErrNotFound",
		func(t *modelTest) {
			t.wantLatest(0)
			for _, number := range []int64{0, 1, -1} {
				_, err := t.Load(t.Context(), number)
				wantErr(t, err, registry.ErrNotFound, fmt.Sprintf("Load(%d)", number))
			}
		}},
	{"AppendsVersions", "each change is the next version, with who, why and the store's time, and every version stays readable",
		func(t *modelTest) {
			times := []time.Time{t.clock.now()}
			for i := range int64(3) {
				v := t.save(i, fmt.Sprint(i))
				t.wantVersion(v, i+1, fmt.Sprint(i), t.clock.now())
				t.wantLatest(i + 1)
				t.clock.advance(time.Minute)
				times = append(times, t.clock.now())
			}
			for i := range int64(3) {
				v, err := t.Load(t.Context(), i+1)
				must(t, err, "Load")
				t.wantVersion(v, i+1, fmt.Sprint(i), times[i])
			}
			v, err := t.Load(t.Context(), 0)
			must(t, err, "Load(0)")
			t.wantVersion(v, 3, "2", times[2])
			_, err = t.Load(t.Context(), 4)
			wantErr(t, err, registry.ErrNotFound, "Load(4)")
		}},
	{"RefusesAChangeOfAnOlderVersion", "a change that was not made from the latest version is ErrConflict, and nothing is appended",
		func(t *modelTest) {
			t.save(0, "a")
			t.save(1, "b")
			for _, base := range []int64{0, 1, 3, -1} {
				_, err := t.Save(t.Context(), t.change(base, "c"))
				wantErr(t, err, registry.ErrConflict, fmt.Sprintf("Save(base %d)", base))
			}
			t.wantLatest(2)
		}},
	{"RefusesWhatBreaksARule", "a change that Validate refuses, by the store's clock, is ErrInvalid, and nothing is appended",
		func(t *modelTest) {
			t.save(0, "a")
			for name, breakIt := range map[string]func(*registry.Change){
				"nobody":        func(c *registry.Change) { c.Who = " " },
				"no reason":     func(c *registry.Change) { c.Why = "" },
				"no default":    func(c *registry.Change) { c.Next.Models[0].Default = false },
				"no provider":   func(c *registry.Change) { c.Next.Providers = nil },
				"a model twice": func(c *registry.Change) { c.Next.Models = append(c.Next.Models, c.Next.Models[0]) },
				"shut down now": func(c *registry.Change) { now := t.clock.now(); c.Next.Models[0].Shutdown = &now },
				"not JSON in it": func(c *registry.Change) {
					c.Next.Models[0].Profile.Parameters = map[string]json.RawMessage{"a": json.RawMessage("{")}
				},
			} {
				c := t.change(1, "b")
				breakIt(&c)
				_, err := t.Save(t.Context(), c)
				wantErr(t, err, registry.ErrInvalid, "Save with "+name)
			}
			t.wantLatest(1)
			c := t.change(1, "b")
			soon := t.clock.now().Add(time.Microsecond)
			c.Next.Models[0].Shutdown = &soon
			_, err := t.Save(t.Context(), c)
			wantErr(t, err, nil, "Save of a model that is shut down soon")
		}},
	{"KeepsConfigurationsApart", "what a call was given or returned is the caller's: writing to it changes no version",
		func(t *modelTest) {
			spoil := func(c registry.Configuration) {
				c.Models[0].Name = "spoiled"
				for k := range c.Models[0].Profile.Parameters {
					c.Models[0].Profile.Parameters[k][0] = 'x'
				}
				c.Settings.Images.Style = "spoiled"
			}
			given := t.change(0, "a")
			v, err := t.Save(t.Context(), given)
			must(t, err, "Save")
			spoil(given.Next)
			spoil(v.Configuration)
			for range 2 {
				v, err = t.Load(t.Context(), 1)
				must(t, err, "Load")
				t.wantVersion(v, 1, "a", t.clock.now())
				spoil(v.Configuration)
			}
		}},
	{"AppendsOneOfManyChanges", "of many changes of one version that race one is appended, the others are ErrConflict",
		func(t *modelTest) {
			t.save(0, "a")
			change := t.change(1, "b")
			errs := together(16, func(int) error {
				_, err := t.Save(t.Context(), change)
				return err
			})
			if won, lost := matching(errs, nil), matching(errs, registry.ErrConflict); won != 1 || lost != 15 {
				t.Errorf("16 changes of one version: %d are appended, %d conflict, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
			t.wantLatest(2)
		}},
	{"DoesNothingWithACancelledContext", "a call whose context is over before it begins returns the context's error and appends nothing",
		func(t *modelTest) {
			ctx := cancelled(t)
			_, err := t.Save(ctx, t.change(0, "a"))
			wantErr(t, err, context.Canceled, "Save")
			_, err = t.Latest(ctx)
			wantErr(t, err, context.Canceled, "Latest")
			_, err = t.Load(ctx, 0)
			wantErr(t, err, context.Canceled, "Load")
			t.wantLatest(0)
		}},
}
