package registry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/usage"
)

func Example() {
	ctx := context.Background()
	store := memory.New(nil).Models() // or sqlite.DB.Models
	first, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := store.Save(ctx, registry.Change{Who: "ada", Why: "the first prices", Next: first}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := registry.Open(ctx, store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	s := r.Snapshot() // one for an operation, so that it never mixes two versions
	m, err := s.Default(registry.Text)
	fmt.Println(s.Version, m.Name, m.TokensPerCredit, err)
	_, err = s.Model("gpt-4o")
	fmt.Println(errors.Is(err, registry.ErrInactive), err)

	next := first // a change is a new version, checked as a whole
	next.Settings.Images.PerArticle = new(9)
	_, err = r.Save(ctx, registry.Change{Base: s.Version, Who: "ada", Why: "more pictures", Next: next})
	fmt.Println(err)
	// Output:
	// 1 gpt-5.1 1000 <nil>
	// true registry: model "gpt-4o": not active
	// registry: settings of images: invalid configuration: per_article is 9, want 0 to 8
}

func ExampleOpen() {
	store := memory.New(nil).Models()
	_, err := registry.Open(context.Background(), store, &registry.Options{Poll: time.Second})
	fmt.Println(errors.Is(err, registry.ErrNotFound), err)
	// Output:
	// true registry: load the version in force: memory: load the version in force: not in the registry: none is
}

func ExampleRegistry_Rollback() {
	ctx := context.Background()
	store := memory.New(nil).Models()
	first, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := store.Save(ctx, registry.Change{Who: "ada", Why: "the first prices", Next: first}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := registry.Open(ctx, store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	v, err := store.Load(ctx, 1) // a copy that may be written to
	if err != nil {
		fmt.Println(err)
		return
	}
	next := v.Configuration
	next.Operations[0].MinCredits = 3
	next.Settings.Images.PerArticle = new(4)
	for _, d := range registry.Diff(first, next) { // what is reviewed
		fmt.Println(d)
	}
	friday := time.Now().Add(72 * time.Hour) // nothing has to run then
	if _, err := r.Save(ctx, registry.Change{Base: 1, EffectiveAt: friday, Who: "ada", Why: "dearer from Friday", Next: next}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := r.Rollback(ctx, 1, "eve", "not this week"); err != nil { // cancels what is pending, too
		fmt.Println(err)
		return
	}
	for v, err := range store.History(ctx, 0) {
		fmt.Println(v.Number, v.Who, v.Why, len(registry.Diff(first, v.Configuration)), err)
	}
	fmt.Println(r.Snapshot().Version)
	// Output:
	// operation "clustering": min_credits: 2 → 3
	// images: per_article: 2 → 4
	// 3 eve not this week 0 <nil>
	// 2 ada dearer from Friday 2 <nil>
	// 1 ada the first prices 0 <nil>
	// 3
}

// An account has settings of its own, and a page shows where each value comes from.
func ExampleEffective_Explain() {
	ctx := context.Background()
	store := memory.New(nil).Models()
	first, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := store.Save(ctx, registry.Change{Who: "ada", Why: "the first prices", Next: first}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := registry.Open(ctx, store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	premium := registry.Settings{Images: registry.ImageSettings{QualityTier: "premium", PerArticle: new(4)}}
	if _, err := r.SaveAccount(ctx, registry.AccountChange{Account: "acme", Who: "bob of acme", Why: "settings page", Next: premium}); err != nil {
		fmt.Println(err)
		return
	}
	settings, err := r.Effective(ctx, registry.Ask{Account: "acme", Function: "generate_images", Kind: registry.Image})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(settings.Model.Name, settings.PerArticle)
	for _, x := range settings.Explain() {
		fmt.Println(x.Setting, x.Values)
	}
	// What is not there cannot be set.
	royal := registry.Settings{Images: registry.ImageSettings{QualityTier: "royal"}}
	_, err = r.SaveAccount(ctx, registry.AccountChange{Account: "acme", Base: 1, Who: "bob of acme", Why: "settings page", Next: royal})
	fmt.Println(err)
	// Output:
	// google:4@2 4
	// model [{account google:4@2} {model dall-e-3}]
	// fallbacks [{account }]
	// temperature [{function }]
	// max_tokens [{function }]
	// prompt [{function }]
	// quality_tier [{account premium}]
	// format [{function }]
	// style [{system photorealistic}]
	// per_article [{account 4} {system 2}]
	// registry: account "acme": settings of images: invalid configuration: no active image model is of the quality_tier "royal": name one that a model is of
}

func ExampleConfiguration_Canonical() {
	a := registry.Configuration{Providers: []registry.Provider{{ID: "two"}, {ID: "one", Active: true}}}
	b := registry.Configuration{Providers: []registry.Provider{a.Providers[1], a.Providers[0]}}
	first, err := a.Canonical()
	second, _ := b.Canonical()
	fmt.Println(string(first) == string(second), err)
	fmt.Print(string(first))
	// Output:
	// true <nil>
	// {
	//   "models": [],
	//   "providers": [
	//     {
	//       "id": "one",
	//       "active": true
	//     },
	//     {
	//       "id": "two",
	//       "active": false
	//     }
	//   ],
	//   "operations": [],
	//   "settings": {}
	// }
}

func ExampleCatalogue() {
	c, err := registry.Catalogue(registry.Seed)
	for _, m := range c.Models {
		if m.Default {
			fmt.Println(m.Kind, m.Name)
		}
	}
	fmt.Println(err)
	_, err = registry.Catalogue("newest")
	fmt.Println(err)
	// Output:
	// image dall-e-3
	// text gpt-5.1
	// <nil>
	// registry: catalogue "newest": not in the registry: there are current, seed-2026-01
}

func ExampleConfiguration_Quote() {
	c, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	price, err := c.Quote("content_generation", "gpt-5.1", usage.Tokens(1200, 3000))
	if err != nil {
		fmt.Println(err)
		return
	}
	charge, err := price.Credits()
	fmt.Println(charge, price.Exact, price.USD, err)

	price, _ = c.Quote("image_generation", "dall-e-3", usage.Images(2))
	charge, err = price.Credits()
	fmt.Println(charge, price.USD, err)
	// Output:
	// 5 4.2 0.0315 <nil>
	// 10 0.08 <nil>
}

func ExampleRate_Worst() {
	c, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	rate := registry.Rate{Version: 1, Model: c.Models[3], Operation: c.Operations[1]} // as a hold pins them
	worst, err := rate.Worst(5000, 8192, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	hold, err := worst.Credits()
	fmt.Println(hold, worst.USD, err)
	// Output:
	// 14 0.08817 <nil>
}

func ExampleParseSize() {
	width, height, err := registry.ParseSize("1280x768")
	fmt.Println(width, height, err)
	// Output:
	// 1280 768 <nil>
}
