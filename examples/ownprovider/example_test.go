package ownprovider_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/examples/ownprovider"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// An engine with a provider of one's own: the provider is handed over, its model and prices are data in the registry.
func Example() {
	ctx := context.Background()

	// In place of Anthropic: one recorded answer. The engine asks for a schema, so it comes as the input of a tool.
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "req_01")
		io.WriteString(w, `{"id":"msg_01","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001",
			"content":[{"type":"tool_use","id":"toolu_01","name":"answer","input":{"text":"Paris."}}],"stop_reason":"tool_use",
			"usage":{"input_tokens":480,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":40}}`)
	}))
	defer upstream.Close()

	// The registry: the provider by the name that Describe returns, the model with its prices, and what an answer costs.
	db := memory.New(nil)
	usd := func(price string) *decimal.Decimal { d := decimal.RequireFromString(price); return &d }
	next := registry.Configuration{
		Providers: []registry.Provider{{ID: "anthropic", Active: true}},
		Models: []registry.Model{{Name: "claude-haiku-4-5", Kind: registry.Text, Provider: "anthropic", Active: true, Default: true,
			Prices:        registry.Prices{Input: usd("1"), CachedInput: usd("0.10"), CacheWrite: usd("1.25"), Output: usd("5")}, // USD per million tokens
			ContextWindow: 200_000, MaxOutputTokens: 64_000, Capabilities: []string{registry.StrictSchema}}},
		Operations: []registry.OperationCost{{Operation: "answering", TokensPerCredit: 1000, MinCredits: 1,
			PricePerCreditUSD: decimal.RequireFromString("0.01"), Active: true}},
	}
	if _, err := db.Models().Save(ctx, registry.Change{Who: "example", Why: "Anthropic", Next: next}); err != nil {
		log.Fatal(err)
	}
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer models.Close()

	eng, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models,
		Providers: []providers.Provider{ownprovider.NewAnthropic(upstream.URL)},
		Keys:      secret.Static{"anthropic": {ID: "main", Secret: secret.New("sk-anything")}}})
	if err != nil {
		log.Fatal(err)
	}

	// A function: what is asked, and the shape of the answer.
	type question struct {
		Text string `json:"text"`
	}
	type answer struct {
		Text string `json:"text"`
	}
	ask, err := engine.Define(engine.Definition[question, answer]{Name: "answer", Operation: "answering",
		Text: &engine.Text[question, answer]{
			Messages: func(_ engine.Env, q question) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.System, Text: "Answer in one word."}, {Role: providers.User, Text: q.Text}}, nil
			},
			MaxOutput: func(question) int64 { return 1000 },
		}})
	if err != nil {
		log.Fatal(err)
	}

	// Who pays has been granted some credits.
	account := credits.Account("ada")
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "welcome", Kind: credits.Bonus, Amount: 100}); err != nil {
		log.Fatal(err)
	}
	result, err := engine.Run(ctx, eng, ask, engine.Call{Account: account, Key: "question-1"}, question{Text: "What is the capital of France?"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Out.Text)
	fmt.Printf("charged: %d credit, for a cost of %s USD\n", result.Charged, result.Record.Cost)
	// Output:
	// Paris.
	// charged: 1 credit, for a cost of 0.00068 USD
}
