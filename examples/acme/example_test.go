package acme_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/examples/acme"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// The adapter, its model and its prices in an engine: a question is answered and paid for.
func Example() {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"model":"a-1.3","text":"{\"text\":\"Rayleigh scattering.\"}","finish":"stop",
			"usage":{"input":60,"cached":40,"output":300,"total":360}}`)
	}))
	defer upstream.Close()
	ctx := context.Background()
	db := memory.New(nil) // or a store on a database: they all have these faces

	// The registry knows the provider by the name that Describe returns, and the model with a price for each class of usage
	// that the adapter reports.
	usd := func(price string) *decimal.Decimal { d := decimal.RequireFromString(price); return &d }
	next, err := registry.Catalogue(registry.Current)
	if err != nil {
		log.Fatal(err)
	}
	next.Providers = append(next.Providers, registry.Provider{ID: "acme", Active: true})
	next.Models = append(next.Models, registry.Model{Name: "a-1", Kind: registry.Text, Provider: "acme", Active: true,
		Prices:        registry.Prices{Input: usd("0.50"), CachedInput: usd("0.05"), Output: usd("2")}, // USD per million tokens
		ContextWindow: 128_000, MaxOutputTokens: 8_000, Capabilities: []string{registry.StrictSchema}})
	next.Operations = append(next.Operations, registry.OperationCost{Operation: "answering", TokensPerCredit: 1000, MinCredits: 1,
		PricePerCreditUSD: decimal.RequireFromString("0.01"), Active: true})
	next.Settings.Functions = map[string]registry.FunctionSettings{"answer": {Model: "a-1"}}
	if _, err := db.Models().Save(ctx, registry.Change{Who: "example", Why: "Acme", Next: next}); err != nil {
		log.Fatal(err)
	}
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer models.Close()

	eng, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models,
		Providers: []providers.Provider{acme.New(upstream.URL)},
		Keys:      secret.Static{"acme": {ID: "main", Secret: secret.New("sk-anything")}}})
	if err != nil {
		log.Fatal(err)
	}

	// A function: what is asked, and the shape of the answer, which is sent as the schema.
	type question struct{ Text string }
	type reply struct {
		Text string `json:"text"`
	}
	answer, err := engine.Define(engine.Definition[question, reply]{Name: "answer", Operation: "answering",
		Text: &engine.Text[question, reply]{
			Messages: func(_ engine.Env, q question) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.User, Text: q.Text}}, nil
			},
			MaxOutput: func(question) int64 { return 500 },
		}})
	if err != nil {
		log.Fatal(err)
	}

	// Who pays has been granted credits before.
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 100})
	if err != nil {
		log.Fatal(err)
	}
	// The key names the call for ever: the same again is answered from the ledger.
	r, err := engine.Run(ctx, eng, answer, engine.Call{Account: "alice", Key: "question-1"}, question{"Why is the sky blue?"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Out.Text, r.Charged, "credit, cost", r.Record.Cost, "USD")
	// Output:
	// Rayleigh scattering. 1 credit, cost 0.000612 USD
}
