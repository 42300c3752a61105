package functions_test

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// Keywords are grouped by a model that answers on loopback, and the account pays for it.
func ExampleNew() {
	ctx := context.Background()
	upstream, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: functionstest.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer upstream.Close()

	db := memory.New(nil)
	catalogue, err := registry.Catalogue(registry.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.Models().Save(ctx, registry.Change{Who: "me", Why: "first version", Next: catalogue}); err != nil {
		fmt.Println(err)
		return
	}
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer models.Close()
	text, err := openai.New(openai.Config{BaseURL: upstream.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Providers: []providers.Provider{text},
		Keys: secret.Static{"openai": {ID: "demo", Secret: secret.New("any-key")}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: "ada", Key: "welcome", Kind: credits.Purchase, Amount: 100}); err != nil {
		fmt.Println(err)
		return
	}

	set, err := functions.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	in := functions.ClusterInput{}
	for i, keyword := range []string{"sourdough starter recipe", "best running shoes", "feed a sourdough starter",
		"running shoes for flat feet", "sourdough starter smell", "clean running shoes"} {
		in.Keywords = append(in.Keywords, functions.Query{N: i + 1, Text: keyword})
	}
	result, err := engine.Run(ctx, e, set.Cluster, engine.Call{Account: "ada", Key: "first batch"}, in)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range result.Out.Clusters {
		fmt.Println(c.Name, c.Keywords)
	}
	fmt.Println("charged:", result.Charged, "credits")
	// Output:
	// Sourdough Starter [1 3 5]
	// Running Shoes [2 4 6]
	// charged: 2 credits
}
