package pricelist_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

func propose(t *testing.T, l pricelist.List, c registry.Configuration, o *pricelist.Options) pricelist.Proposal {
	t.Helper()
	p, err := l.Propose(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lines[T interface{ String() string }](list []T) (out []string) {
	for _, x := range list {
		out = append(out, x.String())
	}
	return out
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func model(c *registry.Configuration, name string) *registry.Model {
	for i := range c.Models {
		if c.Models[i].Name == name {
			return &c.Models[i]
		}
	}
	return nil
}

// studio is a host's configuration: acme's writer and painter, and a model of its own.
func studio() registry.Configuration {
	end := time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
	return registry.Configuration{
		Providers: []registry.Provider{{ID: "acme", Active: true}, {ID: "own", Active: true}},
		Models: []registry.Model{
			{Name: "painter", Kind: registry.Image, Provider: "acme", Active: true, Default: true, SortOrder: 3, QualityTier: "premium", CreditsPerImage: 5,
				CostPerImage: usd("0.05"), ImagePrices: []registry.ImagePrice{{Size: "8x8", Quality: "low", USD: *usd("0.011")}, {Size: "8x9", USD: *usd("0.02")}},
				Sizes: []string{"8x8", "8x9"}, LandscapeSize: "8x9", SquareSize: "8x8", Profile: registry.Profile{Quality: "low"}},
			{Name: "writer", Kind: registry.Text, Provider: "acme", DisplayName: "Our writer", Active: true, Default: true, SortOrder: 1, TokensPerCredit: 1000,
				Prices:          registry.Prices{Input: usd("1.00"), CachedInput: usd("0.5"), Output: usd("3"), Reasoning: usd("4")},
				MaxOutputTokens: 500, Capabilities: []string{registry.StrictSchema}, Profile: registry.Profile{Omit: []string{"temperature"}}, Shutdown: &end},
			{Name: "typist", Kind: registry.Text, Provider: "own", SortOrder: 7},
		},
		Operations: []registry.OperationCost{{Operation: "writing", TokensPerCredit: 1000, PricePerCreditUSD: *usd("0.01"), Active: true}},
		Settings:   registry.Settings{Functions: map[string]registry.FunctionSettings{"write": {Model: "writer"}}},
	}
}

const studioList = `"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06, "cache_read_input_token_cost": 1e-07, "max_output_tokens": 900,
	"deprecation_date": "2027-05-01", "supports_response_schema": false, "input_cost_per_token_flex": 5e-07`

func TestAProposalTakesPricesAndLeavesWhatIsTheHostsOwn(t *testing.T) {
	c := studio()
	l := liteLLMOf(t, entry("acme/writer", studioList),
		picture("painter", `"output_cost_per_image": 0.04`), picture("low/8-x-8/painter", `"output_cost_per_image": 0.01`),
		picture("vivid/8-x-8/painter", `"output_cost_per_image": 0.2`), picture("low/9-x-9/painter", `"output_cost_per_image": 0.01`),
		picture("8-x-8/painter", `"output_cost_per_image": 0.1`), entry("acme/stranger", ""))
	p := propose(t, l, c, nil)
	wantLines(t, "differences", lines(p.Differences), []string{
		`model "painter": cost_per_image: 0.05 → 0.04`,
		`model "painter": image_prices[8x8 low]: 0.011 → 0.01`,
		`model "painter": image_prices[8x8 vivid]: not set → 0.2`,
		`model "writer": prices.cached_input: 0.5 → 0.1`,
		`model "writer": prices.output: 3 → 2`,
	})
	wantLines(t, "notes", lines(p.Notes), []string{
		`model "painter": cost_per_image 0.04 is for pictures that no row fits, and some rows are dearer`,
		`model "painter": image_prices: the list has none for [8x9]: 0.02 stays`,
		`model "painter": image_prices: [9x9 low] is not one of its valid_sizes: not taken`,
		`model "painter": not taken: "8-x-8/painter": the list says two different prices for the same (8-x-8/painter and vivid/8-x-8/painter)`,
		`model "writer": other services of it (priority, flex, batches, regions, a longer cache) have other prices`,
		`model "writer": prices.reasoning: the list has none: 4 stays`,
		`model "writer": max_output_tokens: the list has 900: 500 stays`,
		`model "writer": shutdown: the list has 2027-05-01: 2027-06-01T00:00:00Z stays`,
	})
	wantLines(t, "taken", p.Taken, []string{"painter", "writer"})
	wantLines(t, "unlisted", p.Unlisted, []string{"typist"})
	if len(p.Refused)+len(p.Unchanged) != 0 {
		t.Errorf("refused %v, unchanged %v", p.Refused, p.Unchanged)
	}
	if !reflect.DeepEqual(c, studio()) {
		t.Error("the configuration was written to")
	}
	if err := p.Next.Validate(clock[registry.Current]); err != nil {
		t.Error(err)
	}
	if got := model(&p.Next, "writer").Prices.Input.StringFixed(2); got != "1.00" {
		t.Errorf("input is %s", got)
	}

	again := propose(t, l, p.Next, nil) // the same list has nothing to say any more
	wantLines(t, "differences of the second", lines(again.Differences), nil)
	wantLines(t, "unchanged of the second", again.Unchanged, []string{"painter", "writer"})
	wantLines(t, "taken of the second", again.Taken, nil)
}

// TestAProposalFillsInWhatIsNotSet: names, limits and shutdown, but no capability.
func TestAProposalFillsInWhatIsNotSet(t *testing.T) {
	l := modelsDevOf(t, `"writer": {"name": "Writer", "modalities": {"output": ["text"]}, "structured_output": true, "cost": {"input": 1, "output": 2},
		"limit": {"context": 4000, "output": 1000}}`)
	c := registry.Configuration{Providers: []registry.Provider{{ID: "acme"}}, Models: []registry.Model{{Name: "writer", Kind: registry.Text, Provider: "acme"}}}
	p := propose(t, l, c, nil)
	wantLines(t, "differences", lines(p.Differences), []string{
		`model "writer": context_window: not set → 4000`, `model "writer": display_name: not set → "Writer"`,
		`model "writer": max_output_tokens: not set → 1000`, `model "writer": prices.input: not set → 1`, `model "writer": prices.output: not set → 2`})
	p = propose(t, liteLLMOf(t, entry("writer", studioList)), c, nil)
	if m := p.Next.Models[0]; m.Shutdown == nil || m.Shutdown.Format(time.RFC3339) != "2027-05-01T00:00:00Z" {
		t.Errorf("shutdown %v", m.Shutdown)
	}
	c.Models[0].Active = true // a date of the list's switches nothing off
	p = propose(t, liteLLMOf(t, entry("writer", studioList)), c, nil)
	if m := p.Next.Models[0]; m.Shutdown != nil {
		t.Errorf("shutdown %v", m.Shutdown)
	}
	if want := `model "writer": shutdown: the list has 2027-05-01: none is set while it is active`; !slices.Contains(lines(p.Notes), want) {
		t.Errorf("notes %q, want %q", lines(p.Notes), want)
	}
}

// TestWhatAProposalReturnsIsItsOwn: writing to the prices of one changes neither the list nor another proposal.
func TestWhatAProposalReturnsIsItsOwn(t *testing.T) {
	l := liteLLMOf(t, entry("writer", studioList), picture("painter", `"output_cost_per_image": 0.04`))
	o := &pricelist.Options{Add: []string{"writer", "painter"}}
	c := registry.Configuration{Providers: []registry.Provider{{ID: "acme"}}}
	first := propose(t, l, c, o)
	*model(&first.Next, "writer").Prices.Input = *usd("99")
	*model(&first.Next, "writer").Shutdown = time.Time{}
	*model(&first.Next, "painter").CostPerImage = *usd("99")
	second := propose(t, l, c, o)
	w := model(&second.Next, "writer")
	if !w.Prices.Input.Equal(*usd("1")) || w.Shutdown.Year() != 2027 || !model(&second.Next, "painter").CostPerImage.Equal(*usd("0.04")) {
		t.Errorf("%+v", second.Next.Models)
	}
}

func TestModelsThatAreAskedForAreAddedInactiveAndLast(t *testing.T) {
	l := liteLLMOf(t, entry("acme/writer", ""), entry("acme/editor", `"supports_response_schema": true, "max_output_tokens": 900`),
		entry("acme/drafter", `"supports_response_schema": false`), picture("sketcher", `"output_cost_per_image": 0.04`),
		entry("acme/long", `"input_cost_per_token_above_200k_tokens": 2e-06`))
	c := studio()
	p := propose(t, l, c, &pricelist.Options{Add: []string{"acme/editor", "sketcher", "drafter", "editor", "writer", "long", "nobody"}})
	var names []string
	for _, m := range p.Next.Models {
		names = append(names, m.Name)
		if model(&c, m.Name) == nil && (m.Active || m.Default || m.TokensPerCredit != 0 || m.CreditsPerImage != 0 || m.Provider != "acme") {
			t.Errorf("%+v was added", m)
		}
	}
	wantLines(t, "models", names, []string{"painter", "sketcher", "writer", "typist", "editor", "drafter"})
	if e, d := model(&p.Next, "editor"), model(&p.Next, "drafter"); !slices.Equal(e.Capabilities, []string{registry.StrictSchema}) || d.Capabilities != nil || e.MaxOutputTokens != 900 {
		t.Errorf("%+v, %+v", e, d)
	}
	wantLines(t, "taken", p.Taken, []string{"drafter", "editor", "sketcher", "writer"})
	wantLines(t, "refused", lines(p.Refused), []string{
		`"acme/long": the price depends on the length of the prompt, and a model has one price for a class (input_cost_per_token_above_200k_tokens)`,
		`"nobody": the list does not have it`})
	if err := p.Next.Validate(clock[registry.Current]); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeTakenOverIsRefused(t *testing.T) {
	c := studio()
	c.Providers = append(c.Providers, registry.Provider{ID: "other"})
	*model(&c, "typist") = registry.Model{Name: "typist", Kind: registry.Text, Provider: "other"}
	l := liteLLMOf(t, entry("acme/writer", `"mode": "embedding"`), picture("painter", `"output_cost_per_image_token": 1e-05, "output_cost_per_image": 0.1`),
		entry("acme/typist", ""), entry("acme/twin", ""), entry("other/twin", `"litellm_provider": "other"`),
		entry("other/typist", `"litellm_provider": "other", "mode": "image_generation", "output_cost_per_image_token": 1e-05`), entry("far/away", `"litellm_provider": "far"`),
		entry("far/talk", `"litellm_provider": "far", "mode": "realtime"`), `"rules": {}`)
	p := propose(t, l, c, &pricelist.Options{Add: []string{"acme/typist", "twin", "away", "far/talk", "writer", "", "rules"}})
	wantLines(t, "differences", lines(p.Differences), nil)
	wantLines(t, "refused", lines(p.Refused), []string{
		`"": the list does not have it`,
		`"acme/typist": the configuration has a model of that name at another provider (other)`,
		`"acme/writer": it is of a kind that has no prices here: neither text nor new pictures ("embedding")`,
		`"away": the configuration has no provider of that id: add it, or map the list's id to yours (far)`,
		`"far/talk": the configuration has no provider of that id: add it, or map the list's id to yours (far)`,
		`"other/typist": the configuration and the list have it as different kinds (text here, image there)`,
		`"painter": it is active and could not be priced with these prices: set the missing ones first (image_output without input and output)`,
		`"rules": the list does not have it`,
		`"twin": several providers offer it: ask for it as provider/name (acme, other)`,
	})
	model(&c, "painter").Active, model(&c, "painter").Default = false, false // then it may be incomplete for a while
	p = propose(t, l, c, &pricelist.Options{Add: []string{"other/twin", "far/away"}})
	wantLines(t, "taken", p.Taken, []string{"painter", "twin"})
	if m := model(&p.Next, "twin"); m == nil || m.Provider != "other" {
		t.Errorf("%+v", m)
	}
}

// TestANameThatReadsLikeProviderAndNameIsThat: a reseller calls its model as others write provider/name.
func TestANameThatReadsLikeProviderAndNameIsThat(t *testing.T) {
	c := registry.Configuration{Providers: []registry.Provider{{ID: "acme"}, {ID: "other"}, {ID: "reseller"}}}
	l := liteLLMOf(t, entry("writer", ""), entry("other/writer", `"litellm_provider": "other"`), entry("reseller/acme/writer", `"litellm_provider": "reseller"`))
	for asked, want := range map[string]string{"acme/writer": "acme writer", "other/writer": "other writer", "reseller/acme/writer": "reseller acme/writer"} {
		p := propose(t, l, c, &pricelist.Options{Add: []string{asked}})
		if len(p.Next.Models) != 1 || p.Next.Models[0].Provider+" "+p.Next.Models[0].Name != want {
			t.Errorf("%s adds %+v (refused %v), want %s", asked, p.Next.Models, p.Refused, want)
		}
	}
}

// TestProvidersAreMapped: the list's deepmind is the host's gemini, and then the list's gemini is nobody.
func TestProvidersAreMapped(t *testing.T) {
	l, err := pricelist.ParseModelsDev([]byte(`{
		"deepmind": {"models": {"writer": {"modalities": {"output": ["text"]}, "cost": {"input": 1, "output": 2}}, "long": {}}},
		"gemini": {"models": {"writer": {"modalities": {"output": ["text"]}, "cost": {"input": 8, "output": 9}}}},
		"acme": {"models": {"typist": {"modalities": {"output": ["text"]}, "cost": {"input": 3, "output": 4}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := registry.Configuration{
		Providers: []registry.Provider{{ID: "gemini"}, {ID: "acme"}},
		Models:    []registry.Model{{Name: "writer", Kind: registry.Text, Provider: "gemini"}, {Name: "typist", Kind: registry.Text, Provider: "acme"}},
	}
	p := propose(t, l, c, &pricelist.Options{Providers: map[string]string{"deepmind": "gemini"}, Add: []string{"gemini/long"}})
	if w, y := model(&p.Next, "writer"), model(&p.Next, "typist"); !same(w.Prices.Input, usd("1")) || !same(y.Prices.Input, usd("3")) {
		t.Errorf("%v, %v: want 1 and 3", w.Prices.Input, y.Prices.Input)
	}
	wantLines(t, "refused", lines(p.Refused), []string{`"deepmind/long": it is of a kind that has no prices here: neither text nor new pictures (it does not say what it makes)`})
	p = propose(t, l, c, nil)
	if w := model(&p.Next, "writer"); !same(w.Prices.Input, usd("8")) {
		t.Errorf("without a mapping: %v, want 8", w.Prices.Input)
	}

	_, err = l.Propose(c, &pricelist.Options{Providers: map[string]string{"deepmind": "nobody"}})
	wantError(t, err, registry.ErrNotFound, `provider "nobody"`, `"deepmind"`)
	_, err = l.Propose(c, &pricelist.Options{Providers: map[string]string{"deepmind": "gemini", "acme": "gemini"}})
	wantError(t, err, registry.ErrInvalid, `provider "gemini" is mapped from "acme" and "deepmind"`)
}

// TestWhatIsEmptyIsAnEmptyListInJSON, and not null.
func TestWhatIsEmptyIsAnEmptyListInJSON(t *testing.T) {
	l := liteLLMOf(t, entry("writer", ""))
	p := propose(t, l, registry.Configuration{}, nil)
	text, err := json.Marshal([]any{l.Refused, liteLLMOf(t, entry("writer", `"mode": "realtime"`)).Offers, p.Differences, p.Taken, p.Unchanged, p.Unlisted, p.Refused, p.Notes})
	if want := "[[],[],[],[],[],[],[],[]]"; string(text) != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
}

// TestAModelOfAnUnknownProviderIsNotMixedUp: a model whose provider is no row of the configuration is in no list.
func TestAModelOfAnUnknownProviderIsNotMixedUp(t *testing.T) {
	c := registry.Configuration{Models: []registry.Model{{Name: "writer", Kind: registry.Text, Provider: "acme"}}}
	p := propose(t, liteLLMOf(t, entry("writer", "")), c, nil)
	wantLines(t, "unlisted", p.Unlisted, []string{"writer"})
	wantLines(t, "differences", lines(p.Differences), nil)
}

// TestTheWholeListsOverTheCatalogues: what is proposed keeps the rules, and each model is told of once.
func TestTheWholeListsOverTheCatalogues(t *testing.T) {
	for _, c := range []struct {
		list                       func() (pricelist.List, error)
		catalogue                  string
		taken, unchanged, unlisted []string
	}{
		{liteLLM, registry.Seed, []string{"dall-e-3", "gpt-4o", "gpt-4o-mini", "gpt-5.1"}, nil, []string{"google:4@2", "runware:97@1"}},
		{liteLLM, registry.Current, nil, []string{"gpt-5.4-mini"}, []string{"runware:97@1"}},
		{modelsDev, registry.Seed, []string{"gpt-4o", "gpt-4o-mini", "gpt-5.1"}, nil, []string{"dall-e-3", "google:4@2", "runware:97@1"}},
		{modelsDev, registry.Current, nil, []string{"gpt-5.4-mini"}, []string{"runware:97@1"}},
	} {
		l, before := whole(t, c.list), catalogue(t, c.catalogue)
		p := propose(t, l, before, nil)
		wantLines(t, l.Source+" over "+c.catalogue+": taken", p.Taken, c.taken)
		wantLines(t, l.Source+" over "+c.catalogue+": unchanged", p.Unchanged, c.unchanged)
		wantLines(t, l.Source+" over "+c.catalogue+": unlisted", p.Unlisted, c.unlisted)
		if len(p.Refused) != 0 || len(p.Taken)+len(p.Unchanged)+len(p.Unlisted) != len(before.Models) {
			t.Errorf("%s over %s: refused %v", l.Source, c.catalogue, p.Refused)
		}
		for _, d := range p.Differences { // the catalogues have no other prices than the lists, only fewer
			if d.Old != "" {
				t.Errorf("%s over %s: %s", l.Source, c.catalogue, d)
			}
		}
		if err := p.Next.Validate(clock[c.catalogue]); err != nil {
			t.Errorf("%s over %s: %v", l.Source, c.catalogue, err)
		}

		var all []string // of one provider
		for _, o := range l.Offers {
			if o.Provider == "openai" {
				all = append(all, o.Name)
			}
		}
		p = propose(t, l, before, &pricelist.Options{Add: all})
		if err := p.Next.Validate(clock[c.catalogue]); err != nil {
			t.Errorf("%s over %s, all added: %v", l.Source, c.catalogue, err)
		}
		if len(p.Refused) != 0 || len(p.Taken)+len(p.Unchanged) != len(all) {
			t.Errorf("%s over %s: %d offers, %d taken, %d unchanged, refused %v", l.Source, c.catalogue, len(all), len(p.Taken), len(p.Unchanged), p.Refused)
		}
	}
}
