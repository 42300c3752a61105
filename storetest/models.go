package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// RunModelStore checks a [registry.ModelStore] against its contract. open returns an empty store that takes the time
// from now; it is called once for each case.
func RunModelStore(t *testing.T, open func(t *testing.T, now func() time.Time) registry.ModelStore) {
	for _, c := range modelCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&modelTest{tb: t, ModelStore: open(t, clk.now), clock: clk}, nil)
		})
	}
}

func modelCases() []testCase[*modelTest] {
	return slices.Concat(versionCases, effectiveCases, historyCases, snapshotCases, ruleCases(), accountCases, accountRuleCases())
}

type modelTest struct {
	tb
	registry.ModelStore
	clock *clock
}

// small is a configuration that every rule holds for, with a row in every state that rules tell apart.
func small() registry.Configuration {
	usd := func(s string) *decimal.Decimal { d := decimal.RequireFromString(s); return &d }
	cent := decimal.New(1, -2)
	return registry.Configuration{
		Models: []registry.Model{
			{Name: "painter", Kind: registry.Image, Provider: "house", Active: true, Default: true, CostPerImage: usd("0.04"), CreditsPerImage: 5,
				QualityTier: "fine", Sizes: []string{"640x640", "800x640"}, LandscapeSize: "800x640", SquareSize: "640x640",
				Profile: registry.Profile{Parameters: map[string]json.RawMessage{"steps": json.RawMessage("20")}, Quality: "best"}},
			{Name: "writer", Kind: registry.Text, Provider: "house", Active: true, Default: true, TokensPerCredit: 1000,
				Prices: registry.Prices{Input: usd("1.25"), Output: usd("0.123456789012345678901")}, ContextWindow: 8000, MaxOutputTokens: 1000},
			{Name: "editor", Kind: registry.Text, Provider: "house", Active: true, SortOrder: 2,
				Prices: registry.Prices{Input: usd("0.1"), Output: usd("0.2")}, MaxOutputTokens: 500},
			{Name: "retired", Kind: registry.Text, Provider: "closed", SortOrder: 3},
		},
		Providers: []registry.Provider{{ID: "closed"}, {ID: "house", Active: true, BaseURL: "https://house.test/v1"}},
		Operations: []registry.OperationCost{
			{Operation: registry.Clustering, TokensPerCredit: 100, MinCredits: 1, PricePerCreditUSD: cent, Active: true},
			{Operation: registry.ImageGeneration, TokensPerCredit: 100, MinCredits: 5, PricePerCreditUSD: cent, Active: true},
		},
		Settings: registry.Settings{Functions: map[string]registry.FunctionSettings{"write": {Model: "writer", Fallbacks: []string{"editor"}}},
			Images: registry.ImageSettings{Format: registry.JPEG, PerArticle: new(2)}},
	}
}

// model returns a row of small, to be broken.
func model(c *registry.Configuration, name string) *registry.Model {
	for i := range c.Models {
		if c.Models[i].Name == name {
			return &c.Models[i]
		}
	}
	panic("there is no model " + name)
}

func changeOf(base int64, style string) registry.Change {
	c := registry.Change{Base: base, Who: "ada", Why: "style " + style, Next: small()}
	c.Next.Settings.Images.Style = style
	return c
}

func (t *modelTest) change(base int64, style string) registry.Change { return changeOf(base, style) }

func (t *modelTest) save(base int64, style string) registry.Version {
	t.Helper()
	v, err := t.Save(t.Context(), t.change(base, style))
	must(t, err, fmt.Sprintf("Save(base %d)", base))
	return v
}

// saveAt saves a change that takes effect at a time.
func (t *modelTest) saveAt(base int64, style string, at time.Time) registry.Version {
	t.Helper()
	c := t.change(base, style)
	c.EffectiveAt = at
	v, err := t.Save(t.Context(), c)
	must(t, err, fmt.Sprintf("Save(base %d, effective at %v)", base, at))
	return v
}

func (t *modelTest) wantLatest(want int64) {
	t.Helper()
	got, err := t.Latest(t.Context())
	if err != nil || got != want {
		t.Errorf("Latest = %d, %v, want %d", got, err, want)
	}
}

// wantInForce looks at both ways to ask.
func (t *modelTest) wantInForce(want int64) {
	t.Helper()
	got, err := t.InForce(t.Context())
	if err != nil || got != want {
		t.Errorf("InForce = %d, %v, want %d", got, err, want)
	}
	v, err := t.Load(t.Context(), 0)
	if want == 0 {
		wantErr(t, err, registry.ErrNotFound, "Load(0)")
	} else if err != nil || v.Number != want {
		t.Errorf("Load(0) = version %d, %v, want %d", v.Number, err, want)
	}
}

// wantVersion looks at every part of a version that was saved to take effect at once.
func (t *modelTest) wantVersion(got registry.Version, number int64, style string, at time.Time) {
	t.Helper()
	t.wantPending(got, number, style, at, at)
}

func (t *modelTest) wantPending(got registry.Version, number int64, style string, at, effective time.Time) {
	t.Helper()
	want := t.change(number-1, style)
	if got.Number != number || got.Who != want.Who || got.Why != want.Why || !got.At.Equal(at) || !got.EffectiveAt.Equal(effective) {
		t.Errorf("version = %d by %q, %q, at %v, effective at %v, want %d by %q, %q, at %v, effective at %v",
			got.Number, got.Who, got.Why, got.At, got.EffectiveAt, number, want.Who, want.Why, at, effective)
	}
	for _, d := range registry.Diff(want.Next, got.Configuration) {
		t.Errorf("version %d is not what was saved: %v", number, d)
	}
}

var versionCases = []testCase[*modelTest]{
	{"BeginsEmpty", "a new store has no version: Latest and InForce are 0, Load is ErrNotFound, the history is empty",
		func(t *modelTest) {
			t.wantLatest(0)
			t.wantInForce(0)
			for v, err := range t.History(t.Context(), 0) {
				t.Errorf("History yields version %d, %v, want nothing", v.Number, err)
			}
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
			for _, number := range []int64{4, -1} {
				_, err = t.Load(t.Context(), number)
				wantErr(t, err, registry.ErrNotFound, fmt.Sprintf("Load(%d)", number))
			}
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
	{"RefusesEverythingThatIsWrongAtOnce", "all rules that a change breaks are told together, each is ErrInvalid, and nothing is appended",
		func(t *modelTest) {
			t.save(0, "a")
			c := t.change(1, "b")
			c.Who = ""
			model(&c.Next, "writer").Provider = "nobody"
			c.Next.Operations[0].TokensPerCredit = 0
			_, err := t.Save(t.Context(), c)
			wantErr(t, err, registry.ErrInvalid, "Save")
			for _, says := range []string{"who must be set", `provider "nobody"`, "tokens_per_credit"} {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("Save = %v, which does not say %s", err, says)
				}
			}
			t.wantLatest(1)
		}},
	{"KeepsDecimalsExactly", "a price comes back with every digit that it was saved with: money is never a float",
		func(t *modelTest) {
			c := t.change(0, "a")
			exact := decimal.RequireFromString("12345678901234.000000000000000001")
			model(&c.Next, "writer").Prices.Input = &exact
			_, err := t.Save(t.Context(), c)
			must(t, err, "Save")
			v, err := t.Load(t.Context(), 1)
			must(t, err, "Load")
			for _, d := range registry.Diff(c.Next, v.Configuration) {
				t.Errorf("what is loaded is not what was saved: %v", d)
			}
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
			_, err = t.InForce(ctx)
			wantErr(t, err, context.Canceled, "InForce")
			_, err = t.Load(ctx, 0)
			wantErr(t, err, context.Canceled, "Load")
			t.wantLatest(0)
		}},
}
