package registry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/usage"
)

// A price change runs in the dark for a week: it is saved with the time when it takes effect, and until then every charge
// says what it would have come to. An engine does by itself what the loop does here.
func ExampleSnapshot_Reprice() {
	ctx := context.Background()
	db := memory.New(nil)
	first, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.Models().Save(ctx, registry.Change{Who: "ada", Why: "the first prices", Next: first}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	v, err := db.Models().Load(ctx, 1) // a copy that may be written to
	if err != nil {
		fmt.Println(err)
		return
	}
	next := v.Configuration
	for i := range next.Models {
		if next.Models[i].Name == "gpt-5.1" {
			next.Models[i].TokensPerCredit = 400
		}
	}
	inAWeek := time.Now().Add(7 * 24 * time.Hour)
	if _, err := r.Save(ctx, registry.Change{Base: 1, EffectiveAt: inAWeek, Who: "ada", Why: "dearer", Next: next}); err != nil {
		fmt.Println(err)
		return
	}

	ledger := db.Ledger()
	if _, err := ledger.Grant(ctx, credits.Grant{Account: "acme", Key: "order-1", Kind: credits.Purchase, Amount: 100}); err != nil {
		fmt.Println(err)
		return
	}
	s := r.Snapshot()
	model, _ := s.Model("gpt-5.1")
	operation, _ := s.Operation(registry.IdeaGeneration)
	for i, u := range []usage.Usage{usage.Tokens(300, 50), usage.Tokens(1000, 3000), usage.Tokens(2000, 4500)} {
		call := registry.Priced{Rate: registry.Rate{Version: s.Version, Model: *model, Operation: *operation}, Usage: u}
		price, err := call.Rate.Quote(call.Usage)
		if err != nil {
			fmt.Println(err)
			return
		}
		charge, _ := price.Credits()
		shadow, err := s.Candidate().Reprice(call)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = ledger.Charge(ctx, credits.Charge{Account: "acme", Key: credits.Key(fmt.Sprint("call-", i)), Operation: registry.IdeaGeneration, Amount: charge,
			Record: credits.UsageRecord{Provider: model.Provider, Model: model.Name, Usage: u, Exact: price.Exact, Cost: price.USD, PriceVersion: s.Version, Shadow: shadow}})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	report, err := ledger.Shadow(ctx, credits.ShadowQuery{Version: s.Candidate().Version})
	for _, row := range report {
		fmt.Printf("%s %s %q: %d records, %d now, %d then, %+d\n", row.Operation, row.Model, row.Reason, row.Records, row.Current, row.Candidate, row.Difference)
	}
	fmt.Println(err)
	// Output:
	// idea_generation gpt-5.1 "": 1 records, 1 now, 1 then, +0
	// idea_generation gpt-5.1 "ratio": 2 records, 11 now, 27 then, +16
	// <nil>
}
