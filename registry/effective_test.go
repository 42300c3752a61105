package registry_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// snapshotOf returns the snapshot of a configuration.
func snapshotOf(t testing.TB, change func(*registry.Configuration)) *registry.Snapshot {
	t.Helper()
	c := &clock{at: seedTime}
	r := opened(t, stored(t, c), c)
	next := seed(t)
	if change != nil {
		change(&next)
	}
	save(t, r, registry.Change{Base: 1, Who: "ada", Why: "test", Next: next})
	return r.Snapshot()
}

func own(function string, f registry.FunctionSettings, images registry.ImageSettings) registry.AccountSettings {
	return registry.AccountSettings{Number: 7, Account: "acme", Settings: registry.Settings{
		Functions: map[string]registry.FunctionSettings{function: f}, Images: images}}
}

// explained prints what is effective, and what it hides, of one setting.
func explained(e *registry.Effective, setting string) string {
	for _, x := range e.Explain() {
		if x.Setting != setting {
			continue
		}
		var out []string
		for _, v := range x.Values {
			out = append(out, strings.TrimSuffix(string(v.Level)+" "+v.Value, " "))
		}
		return strings.Join(out, " > ")
	}
	return "no such setting"
}

func TestTheModelIsTheFirstThatIsNamed(t *testing.T) {
	system := func(f registry.FunctionSettings, images registry.ImageSettings) func(*registry.Configuration) {
		return func(c *registry.Configuration) {
			c.Settings.Functions = map[string]registry.FunctionSettings{"draw": f}
			c.Settings.Images = images
		}
	}
	named := func(m string) registry.FunctionSettings { return registry.FunctionSettings{Model: m} }
	tier := func(s string) registry.ImageSettings { return registry.ImageSettings{QualityTier: s} }
	none := registry.FunctionSettings{}
	for _, tt := range []struct {
		name        string
		call        string
		own         registry.AccountSettings
		system      func(*registry.Configuration)
		model, tier string // as explained
	}{
		{"TheDefault", "", registry.AccountSettings{}, nil, "model dall-e-3", "model quality"},
		{"TheSystemsModel", "", registry.AccountSettings{}, system(named("runware:97@1"), tier("")), "system runware:97@1 > model dall-e-3", "model basic"},
		{"TheSystemsTier", "", registry.AccountSettings{}, system(none, tier("premium")), "system google:4@2 > model dall-e-3", "system premium"},
		{"AModelBeforeATierOfOneLevel", "", registry.AccountSettings{}, system(named("runware:97@1"), tier("premium")),
			"system runware:97@1 > model dall-e-3", "model basic > system premium"},
		{"TheAccountsTierBeforeTheSystemsModel", "", own("draw", none, tier("basic")), system(named("google:4@2"), tier("quality")),
			"account runware:97@1 > system google:4@2 > model dall-e-3", "account basic > system quality"},
		{"TheAccountsModelBeforeTheSystemsTier", "", own("draw", named("dall-e-3"), tier("")), system(none, tier("premium")),
			"account dall-e-3 > system google:4@2 > model dall-e-3", "model quality > system premium"},
		{"TheCallBeforeAll", "google:4@2", own("draw", none, tier("basic")), nil, "call google:4@2 > account runware:97@1 > model dall-e-3", "model premium > account basic"},
		{"AnotherFunctionsModel", "", own("paint", named("google:4@2"), tier("")), nil, "model dall-e-3", "model quality"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := snapshotOf(t, tt.system).Effective(tt.own, registry.Ask{Account: "acme", Function: "draw", Kind: registry.Image, Model: tt.call})
			if err != nil {
				t.Fatal(err)
			}
			if got := explained(e, "model"); got != tt.model || !strings.HasSuffix(strings.Split(got, " > ")[0], " "+e.Model.Name) {
				t.Errorf("the model is %s: %s, want %s", e.Model.Name, got, tt.model)
			}
			if got := explained(e, "quality_tier"); got != tt.tier || e.QualityTier != e.Model.QualityTier {
				t.Errorf("the tier is %s: %s, want %s", e.QualityTier, got, tt.tier)
			}
			if e.Account != tt.own.Number {
				t.Errorf("the account's settings have the number %d, want %d", e.Account, tt.own.Number)
			}
		})
	}
}

func TestATierHasOneModel(t *testing.T) {
	s := snapshotOf(t, func(c *registry.Configuration) {
		for i := range c.Models { // two that are neither default nor switched off, the last listed first in order
			if m := &c.Models[i]; m.Kind == registry.Image && !m.Default {
				m.QualityTier = "same"
				m.SortOrder = -i
			}
		}
	})
	for tier, want := range map[string]string{"same": "google:4@2", "quality": "dall-e-3"} {
		if m, err := s.OfTier(registry.Image, tier); err != nil || m.Name != want {
			t.Errorf("the model of %q is %v, %v, want %s", tier, m, err, want)
		}
	}
	for _, tier := range []string{"premium", ""} {
		_, err := s.OfTier(registry.Image, tier)
		wantError(t, err, registry.ErrNotFound)
	}
	_, err := s.OfTier(registry.Text, "same")
	wantError(t, err, registry.ErrNotFound)
}

func TestFallbacksGoWithTheModel(t *testing.T) {
	system := registry.FunctionSettings{Model: "gpt-5.1", Fallbacks: []string{"gpt-4o-mini"}}
	for _, tt := range []struct {
		name string
		call string
		own  registry.FunctionSettings
		want string
		says string
	}{
		{"TheSystems", "", registry.FunctionSettings{}, "gpt-4o-mini", "system gpt-4o-mini"},
		{"OfAModelThatTheAccountNames", "", registry.FunctionSettings{Model: "gpt-4o-mini"}, "", "account > system gpt-4o-mini"},
		{"OfTheAccountForTheSystemsModel", "", registry.FunctionSettings{Fallbacks: []string{"gpt-5.1", "gpt-4o-mini"}}, "gpt-4o-mini",
			"account gpt-5.1 (left out), gpt-4o-mini > system gpt-4o-mini"},
		{"OfAModelThatTheCallNames", "gpt-4o-mini", registry.FunctionSettings{Fallbacks: []string{"gpt-5.1"}}, "", "call > account gpt-5.1 > system gpt-4o-mini"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := snapshotOf(t, func(c *registry.Configuration) {
				c.Settings.Functions = map[string]registry.FunctionSettings{"write": system}
			})
			e, err := s.Effective(own("write", tt.own, registry.ImageSettings{}), registry.Ask{Account: "acme", Function: "write", Kind: registry.Text, Model: tt.call})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, m := range e.Fallbacks {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, ", "); got != tt.want || explained(e, "fallbacks") != tt.says {
				t.Errorf("the fallbacks are %q: %s, want %q: %s", got, explained(e, "fallbacks"), tt.want, tt.says)
			}
		})
	}
	e, err := snapshotOf(t, nil).Effective(registry.AccountSettings{}, registry.Ask{Function: "write", Kind: registry.Text})
	if err != nil || e.Fallbacks != nil || explained(e, "fallbacks") != "model" {
		t.Errorf("without any, the fallbacks are %v: %s, %v", e.Fallbacks, explained(e, "fallbacks"), err)
	}
}

func TestEachSettingIsOfTheFirstLevelThatSaysIt(t *testing.T) {
	s := snapshotOf(t, func(c *registry.Configuration) {
		c.Settings.Functions = map[string]registry.FunctionSettings{"write": {Temperature: usd("0.7"), MaxTokens: 99_999, Prompt: "Be kind."}}
	})
	e, err := s.Effective(own("write", registry.FunctionSettings{Temperature: usd("0"), Prompt: "Be brief."}, registry.ImageSettings{Format: registry.PNG, PerArticle: new(0)}),
		registry.Ask{Account: "acme", Function: "write", Kind: registry.Text})
	if err != nil {
		t.Fatal(err)
	}
	if !e.Temperature.IsZero() || e.MaxTokens != 99_999 || e.Prompt != "Be brief." || e.Style != "photorealistic" || e.PerArticle != 0 {
		t.Errorf("%v, %d, %q, %q, %d", e.Temperature, e.MaxTokens, e.Prompt, e.Style, e.PerArticle)
	}
	want := []string{"model", "model gpt-5.1", "fallbacks", "model", "temperature", "account 0 > system 0.7",
		"max_tokens", "model 16384 > system 99999", "prompt", "account Be brief. > system Be kind.",
		"style", "system photorealistic", "per_article", "account 0 > system 2"}
	var got []string
	for _, x := range e.Explain() {
		got = append(got, x.Setting, explained(e, x.Setting))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("explained (-want +got):\n%s", d)
	}
	if e.Format != registry.PNG { // for a host that asks for it, though a text has none to explain
		t.Errorf("the format is %q", e.Format)
	}
	e, err = snapshotOf(t, nil).Effective(registry.AccountSettings{}, registry.Ask{Function: "write", Kind: registry.Text})
	if err != nil || e.Temperature != nil || e.MaxTokens != 0 || explained(e, "temperature") != "function" || explained(e, "max_tokens") != "function" {
		t.Errorf("what nobody sets: %v, %d, %s, %v", e.Temperature, e.MaxTokens, explained(e, "temperature"), err)
	}
}

func TestTheFormatOfPicturesIsTheFirstThatIsSet(t *testing.T) {
	for _, tt := range []struct {
		name        string
		own, system registry.Format
		want        registry.Format
		says        string
	}{
		{"NobodysForTheModelsOwn", "", "", "", "function"},
		{"TheSystems", "", registry.JPEG, registry.JPEG, "system jpeg"},
		{"TheAccountsBeforeTheSystems", registry.WebP, registry.JPEG, registry.WebP, "account webp > system jpeg"},
		{"TheAccounts", registry.PNG, "", registry.PNG, "account png"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := snapshotOf(t, func(c *registry.Configuration) { c.Settings.Images.Format = tt.system })
			e, err := s.Effective(own("draw", registry.FunctionSettings{}, registry.ImageSettings{Format: tt.own}),
				registry.Ask{Account: "acme", Function: "draw", Kind: registry.Image})
			if err != nil || e.Format != tt.want || explained(e, "format") != tt.says {
				t.Errorf("the format is %q: %s, %v, want %q: %s", e.Format, explained(e, "format"), err, tt.want, tt.says)
			}
		})
	}
}

// TestWhatIsNamedAndCannotBeHadIsAnErrorThatSaysWhere: the rules keep it from being written, and time and other
// processes may bring it about all the same.
func TestWhatIsNamedAndCannotBeHadIsAnErrorThatSaysWhere(t *testing.T) {
	s := snapshotOf(t, nil)
	for _, tt := range []struct {
		own  registry.AccountSettings
		ask  registry.Ask
		want error
		says string
	}{
		{registry.AccountSettings{}, registry.Ask{Function: "write", Kind: registry.Text, Model: "gpt-9"}, registry.ErrNotFound,
			`registry: model "gpt-9": not in the registry: it is named by the call: name another one there`},
		{own("write", registry.FunctionSettings{Model: "gpt-4o"}, registry.ImageSettings{}), registry.Ask{Account: "acme", Function: "write", Kind: registry.Text},
			registry.ErrInactive, `it is named by the settings of account "acme" for function "write"`},
		{own("write", registry.FunctionSettings{}, registry.ImageSettings{QualityTier: "royal"}), registry.Ask{Account: "acme", Function: "draw", Kind: registry.Image},
			registry.ErrNotFound, `active image model of quality tier "royal": not in the registry: it is named by the settings of account "acme"`},
		{registry.AccountSettings{}, registry.Ask{Function: "write", Kind: registry.Text, Model: "dall-e-3"}, registry.ErrInvalid,
			`it makes image, and the function needs text`},
		{registry.AccountSettings{}, registry.Ask{Function: "sing", Kind: "audio"}, registry.ErrNotFound, `default audio model`},
	} {
		_, err := s.Effective(tt.own, tt.ask)
		wantError(t, err, tt.want)
		wantText(t, err, tt.says)
	}
	// Of a text function the tier of pictures is no matter.
	if _, err := s.Effective(own("write", registry.FunctionSettings{}, registry.ImageSettings{QualityTier: "royal"}),
		registry.Ask{Account: "acme", Function: "write", Kind: registry.Text}); err != nil {
		t.Error(err)
	}
	// What is hidden is told even if it cannot be had.
	e, err := s.Effective(own("write", registry.FunctionSettings{Model: "gpt-4o"}, registry.ImageSettings{}),
		registry.Ask{Account: "acme", Function: "write", Kind: registry.Text, Model: "gpt-5.1"})
	if err != nil || explained(e, "model") != "call gpt-5.1 > account gpt-4o (cannot be had) > model gpt-5.1" {
		t.Errorf("%v, %v", explained(e, "model"), err)
	}
}

// TestExplainSaysWhatIsEffective, whatever the levels say: its first values are those of the fields.
func TestExplainSaysWhatIsEffective(t *testing.T) {
	s := snapshotOf(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		models := rapid.SampledFrom([]string{"", "", "dall-e-3", "runware:97@1", "google:4@2"})
		a := own("draw", registry.FunctionSettings{Model: models.Draw(t, "model"), MaxTokens: rapid.Int64Range(0, 3).Draw(t, "max"),
			Prompt: rapid.SampledFrom([]string{"", "p"}).Draw(t, "prompt")},
			registry.ImageSettings{QualityTier: rapid.SampledFrom([]string{"", "basic", "premium"}).Draw(t, "tier"), Style: rapid.SampledFrom([]string{"", "oil"}).Draw(t, "style"),
				Format:     rapid.SampledFrom([]registry.Format{"", registry.PNG, registry.WebP}).Draw(t, "format"),
				PerArticle: rapid.SampledFrom([]*int{nil, new(0), new(5)}).Draw(t, "per article")})
		if rapid.Bool().Draw(t, "warm") {
			d := decimal.New(rapid.Int64Range(0, 20).Draw(t, "temperature"), -1)
			f := a.Settings.Functions["draw"]
			f.Temperature = &d
			a.Settings.Functions["draw"] = f
		}
		e, err := s.Effective(a, registry.Ask{Account: "acme", Function: "draw", Kind: registry.Image, Model: models.Draw(t, "call")})
		if err != nil {
			t.Fatal(err)
		}
		text := func(d *decimal.Decimal) string {
			if d == nil {
				return ""
			}
			return d.String()
		}
		count := func(n int64) string { return strings.TrimPrefix(fmt.Sprint(n), "0") }
		for setting, want := range map[string]string{"model": e.Model.Name, "quality_tier": e.QualityTier, "max_tokens": count(e.MaxTokens),
			"prompt": e.Prompt, "style": e.Style, "format": string(e.Format), "temperature": text(e.Temperature), "per_article": fmt.Sprint(e.PerArticle)} {
			_, value, _ := strings.Cut(strings.Split(explained(e, setting), " > ")[0], " ")
			if value != want {
				t.Errorf("%s is %q and explained as %q", setting, want, explained(e, setting))
			}
		}
	})
}

// TestEachSettingOfPicturesIsTheAccountsOrElseTheSystems, also one that is new some day.
func TestEachSettingOfPicturesIsTheAccountsOrElseTheSystems(t *testing.T) {
	system := registry.ImageSettings{Style: "photorealistic", QualityTier: "basic", Format: registry.PNG, PerArticle: new(2)}
	all := registry.ImageSettings{Style: "oil", QualityTier: "premium", Format: registry.WebP, PerArticle: new(0)}
	s := registry.NewSnapshot(registry.Version{Configuration: registry.Configuration{Settings: registry.Settings{Images: system}}})
	for i := range reflect.TypeFor[registry.ImageSettings]().NumField() {
		if reflect.ValueOf(system).Field(i).IsZero() || reflect.ValueOf(all).Field(i).IsZero() {
			t.Fatalf("this test does not set %s", reflect.TypeFor[registry.ImageSettings]().Field(i).Name)
		}
		var one registry.ImageSettings
		want := system
		for _, v := range []*registry.ImageSettings{&one, &want} {
			reflect.ValueOf(v).Elem().Field(i).Set(reflect.ValueOf(all).Field(i))
		}
		if d := cmp.Diff(want, s.Images(own("", registry.FunctionSettings{}, one))); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

var errAway = errors.New("the store is away")

// counting counts what a store is asked for accounts' settings.
type counting struct {
	registry.ModelStore
	asked atomic.Int64
	fails atomic.Bool
	hold  chan struct{} // closed when a load may go on, if not nil
	in    chan struct{}
}

func (s *counting) Account(ctx context.Context, account credits.Account) (registry.AccountSettings, error) {
	s.asked.Add(1)
	if s.fails.Load() {
		return registry.AccountSettings{}, errAway
	}
	a, err := s.ModelStore.Account(ctx, account)
	if s.hold != nil {
		s.in <- struct{}{}
		<-s.hold
	}
	return a, err
}

func saveOwn(t testing.TB, to interface {
	SaveAccount(context.Context, registry.AccountChange) (registry.AccountSettings, error)
}, account credits.Account, base int64, f registry.FunctionSettings) registry.AccountSettings {
	t.Helper()
	s, err := to.SaveAccount(t.Context(), registry.AccountChange{Account: account, Base: base, Who: "ada", Why: "test",
		Next: registry.Settings{Functions: map[string]registry.FunctionSettings{"write": f}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func modelOf(t testing.TB, r *registry.Registry, account credits.Account) string {
	t.Helper()
	e, err := r.Effective(t.Context(), registry.Ask{Account: account, Function: "write", Kind: registry.Text})
	if err != nil {
		t.Fatal(err)
	}
	return e.Model.Name
}

func TestSettingsOfAnAccountAreAskedForOnceUntilSomebodyChangesAny(t *testing.T) {
	c := &clock{at: seedTime}
	store := &counting{ModelStore: stored(t, c)}
	r := opened(t, store, c)
	for range 3 {
		if got := modelOf(t, r, "acme"); got != "gpt-5.1" {
			t.Errorf("the model is %q", got)
		}
		modelOf(t, r, "")
	}
	if n := store.asked.Load(); n != 1 {
		t.Errorf("the store was asked %d times, want once, and never for nobody", n)
	}
	saveOwn(t, r, "acme", 0, registry.FunctionSettings{Model: "gpt-4o-mini"})
	if got := modelOf(t, r, "acme"); got != "gpt-4o-mini" {
		t.Errorf("after the change the model is %q", got)
	}
	if n := store.asked.Load(); n != 2 {
		t.Errorf("the store was asked %d times, want twice", n)
	}
}

func TestSettingsAreAnsweredFromMemoryWhileTheStoreIsAway(t *testing.T) {
	c := &clock{at: seedTime}
	store := &counting{ModelStore: stored(t, c)}
	r := opened(t, store, c)
	modelOf(t, r, "acme")
	store.fails.Store(true)
	modelOf(t, r, "acme")
	_, err := r.Effective(t.Context(), registry.Ask{Account: "other", Function: "write", Kind: registry.Text})
	wantError(t, err, errAway)
	wantText(t, err, `settings of account "other"`)
}

// TestWhatWasLoadedBeforeAChangeIsNotKept: the load returns what was before, and comes after the change.
func TestWhatWasLoadedBeforeAChangeIsNotKept(t *testing.T) {
	c := &clock{at: seedTime}
	store := &counting{ModelStore: stored(t, c), hold: make(chan struct{}), in: make(chan struct{}, 9)}
	r := opened(t, store, c)
	loaded := make(chan string)
	go func() { loaded <- modelOf(t, r, "acme") }()
	<-store.in
	saveOwn(t, r, "acme", 0, registry.FunctionSettings{Model: "gpt-4o-mini"})
	close(store.hold)
	if got := <-loaded; got != "gpt-5.1" {
		t.Errorf("the load before the change brought %q", got)
	}
	if got := modelOf(t, r, "acme"); got != "gpt-4o-mini" {
		t.Errorf("after the change the model is %q", got)
	}
}

func TestManyAccountsAreNotRememberedForEver(t *testing.T) {
	c := &clock{at: seedTime}
	store := &counting{ModelStore: stored(t, c)}
	r := opened(t, store, c)
	for i := range 10_001 {
		if _, err := r.Account(t.Context(), credits.Account(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	before := store.asked.Load()
	modelOf(t, r, "10000")
	modelOf(t, r, "0")
	if n := store.asked.Load() - before; n != 1 {
		t.Errorf("the last and the first are asked for %d times, want the first alone", n)
	}
}

// withNewModel is the seed and a text model more, "brand-new".
func withNewModel(t testing.TB) registry.Configuration {
	next := seed(t)
	m := next.Models[4] // a small text model
	m.Name, m.Default = "brand-new", false
	next.Models = append(next.Models, m)
	return next
}

// TestAnAccountMayNameAModelOfAVersionThatIsNotKnownYet: both were written by another process a moment ago.
func TestAnAccountMayNameAModelOfAVersionThatIsNotKnownYet(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r := opened(t, store, c)
	next := withNewModel(t)
	save(t, store, registry.Change{Base: 1, Who: "ada", Why: "a new model", Next: next})
	saveOwn(t, store, "acme", 0, registry.FunctionSettings{Model: "brand-new"})
	if got := modelOf(t, r, "acme"); got != "brand-new" {
		t.Errorf("the model is %q", got)
	}
	_, err := r.Effective(t.Context(), registry.Ask{Account: "acme", Function: "write", Kind: registry.Text, Model: "nobody"})
	wantError(t, err, registry.ErrNotFound)
}

// TestAVersionMayBeWithoutWhatAnAccountNamedBefore: another process changed the account's settings a moment ago, and this
// one then saved a version without the model.
func TestAVersionMayBeWithoutWhatAnAccountNamedBefore(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r := opened(t, store, c)
	next := withNewModel(t)
	save(t, r, registry.Change{Base: 1, Who: "ada", Why: "a new model", Next: next})
	first := saveOwn(t, store, "acme", 0, registry.FunctionSettings{Model: "brand-new"})
	if got := modelOf(t, r, "acme"); got != "brand-new" {
		t.Errorf("the model is %q", got)
	}
	saveOwn(t, store, "acme", first.Number, registry.FunctionSettings{Model: "gpt-4o-mini"})
	save(t, r, registry.Change{Base: 2, Who: "ada", Why: "without it", Next: seed(t)})
	if got := modelOf(t, r, "acme"); got != "gpt-4o-mini" {
		t.Errorf("the model is %q", got)
	}
}

func TestARefusedChangeOfSettingsChangesNothing(t *testing.T) {
	c := &clock{at: seedTime}
	r := opened(t, stored(t, c), c)
	_, err := r.SaveAccount(t.Context(), registry.AccountChange{Account: "acme", Who: "ada", Why: "test",
		Next: registry.Settings{Functions: map[string]registry.FunctionSettings{"write": {Model: "bria:10@1"}}}})
	wantError(t, err, registry.ErrInvalid)
	if got := modelOf(t, r, "acme"); got != "gpt-5.1" {
		t.Errorf("the model is %q", got)
	}
}

// TestAnAccountsModelMayBeShutDownByTheClock: then the call is refused with the name of whose settings they are.
// TestAnAccountsGigabyteOfDigitsIsNotWrittenOut: it would take minutes to find out how many bytes they are.
func TestAnAccountsGigabyteOfDigitsIsNotWrittenOut(t *testing.T) {
	endless := decimal.New(1, 999_999_999)
	c := registry.AccountChange{Account: "a", Who: "b", Why: "c", Next: registry.Settings{
		Functions: map[string]registry.FunctionSettings{"write": {Temperature: &endless}}}}
	err := c.Validate(seedTime, func(yield func(registry.Version, error) bool) {
		yield(registry.Version{Number: 1, Configuration: seed(t)}, nil)
	})
	wantError(t, err, registry.ErrInvalid)
	wantText(t, err, "temperature has the exponent 999999999")
}

func TestAnAccountsModelMayBeShutDownByTheClock(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	next := seed(t)
	for i := range next.Models {
		if next.Models[i].Name == "gpt-4o-mini" {
			next.Models[i].Shutdown = new(seedTime.Add(time.Hour))
		}
	}
	save(t, store, registry.Change{Base: 1, Who: "ada", Why: "an end is announced", Next: next})
	r := opened(t, store, c)
	saveOwn(t, r, "acme", 0, registry.FunctionSettings{Model: "gpt-4o-mini"})
	modelOf(t, r, "acme")
	c.advance(time.Hour)
	_, err := r.Effective(t.Context(), registry.Ask{Account: "acme", Function: "write", Kind: registry.Text})
	wantError(t, err, registry.ErrInactive)
	wantText(t, err, "its provider shut it down on 2026-01-15", `settings of account "acme" for function "write"`)
	if modelOf(t, r, "other") != "gpt-5.1" {
		t.Error("another account is not served")
	}

	// It holds up no change of prices, which could not mend it. One that takes the model away by itself is refused as ever.
	next.Operations[0].MinCredits++
	save(t, r, registry.Change{Base: 2, Who: "ada", Why: "other prices", Next: next})
	next.Models = slices.DeleteFunc(slices.Clone(next.Models), func(m registry.Model) bool { return m.Name == "gpt-4o-mini" })
	_, err = r.Save(t.Context(), registry.Change{Base: 3, Who: "ada", Why: "without it", Next: next})
	wantError(t, err, registry.ErrInvalid)
	wantText(t, err, `account "acme": settings of function "write"`)
	// Who changes the account's settings has to name another one.
	_, err = r.SaveAccount(t.Context(), registry.AccountChange{Account: "acme", Base: 1, Who: "ada", Why: "test", Next: registry.Settings{
		Functions: map[string]registry.FunctionSettings{"write": {Model: "gpt-4o-mini", MaxTokens: 9}}}})
	wantError(t, err, registry.ErrInvalid)
}

func TestBrokenHistoriesAndAccountsAreTold(t *testing.T) {
	broken := errors.New("broken")
	versions := func(yield func(registry.Version, error) bool) { yield(registry.Version{}, broken) }
	wantError(t, registry.AccountChange{Account: "a", Who: "b", Why: "c"}.Validate(seedTime, versions), broken)
	accounts := func(yield func(registry.AccountSettings, error) bool) { yield(registry.AccountSettings{}, broken) }
	wantError(t, registry.Change{Who: "b", Why: "c", Next: seed(t)}.Validate(seedTime, accounts), broken)
}
