package paid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/paid"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

type word struct{ Text string }
type echo struct {
	Echo string `json:"echo"`
}

// repeat is a stage that pays: it asks a model about each word.
type repeat struct{ paid.Step[word, echo] }

func (repeat) Name() string { return "repeat" }

func (repeat) Plan(context.Context, automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		for _, text := range []string{"tea", "coffee"} {
			input, err := json.Marshal(word{text})
			if !yield(automation.Item{ID: text, Input: input}, err) {
				return
			}
		}
	}
}

// Save would write to the host's tables in the transaction that completes the item.
func (repeat) Save(_ context.Context, _ automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	fmt.Println(c.Item.ID, "→", string(out))
	return 1, nil
}

func newRepeat(e *engine.Engine) (repeat, error) {
	f, err := engine.Define(engine.Definition[word, echo]{Name: "repeat", Operation: "repeating", Text: &engine.Text[word, echo]{
		Messages: func(_ engine.Env, w word) ([]providers.Message, error) {
			return []providers.Message{{Role: providers.User, Text: strings.ToUpper(w.Text)}}, nil
		},
		MaxOutput: func(word) int64 { return 100 },
	}})
	return repeat{paid.Step[word, echo]{Engine: e, Function: f}}, err
}

// openRegistry opens a registry with what a call of the function costs.
func openRegistry(ctx context.Context, db *memory.DB) (*registry.Registry, error) {
	prices, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return nil, err
	}
	prices.Operations = append(prices.Operations, registry.OperationCost{Operation: "repeating", TokensPerCredit: 1000, MinCredits: 1,
		PricePerCreditUSD: decimal.RequireFromString("0.01"), Active: true})
	if _, err := db.Models().Save(ctx, registry.Change{Who: "example", Why: "first prices", Next: prices}); err != nil {
		return nil, err
	}
	return registry.Open(ctx, db.Models(), nil)
}

func newEngine(db *memory.DB, models *registry.Registry, baseURL string) (*engine.Engine, error) {
	chat, err := openai.New(openai.Config{BaseURL: baseURL})
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Providers: []providers.Provider{chat},
		Keys: secret.Static{"openai": {ID: "loopback", Secret: secret.New("anything")}}})
}

func Example() {
	upstream, err := providertest.Listen("127.0.0.1:0", providertest.Config{}) // it says again what it was told
	if err != nil {
		log.Fatal(err)
	}
	defer upstream.Close()
	ctx, stop := context.WithCancel(context.Background())
	db := memory.New(nil)
	models, err := openRegistry(ctx, db)
	if err != nil {
		log.Fatal(err)
	}
	defer models.Close()
	eng, err := newEngine(db, models, upstream.BaseURL)
	if err != nil {
		log.Fatal(err)
	}
	stage, err := newRepeat(eng)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 10}); err != nil {
		log.Fatal(err)
	}

	runner, err := automation.New(automation.Config{Store: db.Runs(), Stages: []automation.Stage{stage}, Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- runner.Serve(ctx) }()
	if err := runner.Start(ctx, automation.Run{ID: "run-1", Site: "kitchen", Account: "alice", Stages: []string{"repeat"}}); err != nil {
		log.Fatal(err)
	}
	run, stages, err := runner.Wait(ctx, "run-1")
	if err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.State, stages[0].Done, "of", stages[0].Total, "for", stages[0].Credits, "credits")
	// Output:
	// tea → {"echo":"TEA"}
	// coffee → {"echo":"COFFEE"}
	// done 2 of 2 for 2 credits
}
