// First is a host's first program, the one of the README: a question is answered and paid for, once. It needs
// OPENAI_API_KEY.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

type Question struct{ Text string }
type Answer struct{ Text string }

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	db, err := sqlite.Open(ctx, "shop.db", nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil { // explicit: nothing else alters the schema
		return err
	}
	ledger := db.Ledger()

	prices, err := registry.Catalogue(registry.Current)
	if err != nil {
		return err
	}
	prices.Operations = append(prices.Operations, registry.OperationCost{Operation: "answering", TokensPerCredit: 1000,
		MinCredits: 1, PricePerCreditUSD: prices.Operations[0].PricePerCreditUSD, Active: true})
	if latest, err := db.Models().Latest(ctx); err != nil {
		return err
	} else if latest == 0 {
		_, err := db.Models().Save(ctx, registry.Change{Who: "setup", Why: "first prices", Next: prices})
		if err != nil {
			return err
		}
	}
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		return err
	}
	defer models.Close()

	chat, err := openai.New(openai.Config{})
	if err != nil {
		return err
	}
	eng, err := engine.New(engine.Config{Ledger: ledger, Registry: models, Providers: []providers.Provider{chat},
		Keys: secret.Static{"openai": {ID: "env", Secret: secret.New(os.Getenv("OPENAI_API_KEY"))}}})
	if err != nil {
		return err
	}

	answer, err := engine.Define(engine.Definition[Question, Answer]{
		Name: "answer", Operation: "answering",
		Text: &engine.Text[Question, Answer]{
			Messages: func(_ engine.Env, q Question) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.User, Text: "Answer in one sentence: " + q.Text}}, nil
			},
			MaxOutput: func(Question) int64 { return 300 },
		},
	})
	if err != nil {
		return err
	}

	// Keys make this safe to run again: alice is granted once, and charged once for her question.
	if _, err := ledger.Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 100}); err != nil {
		return err
	}
	r, err := engine.Run(ctx, eng, answer, engine.Call{Account: "alice", Key: "question-1"}, Question{"Why is the sky blue?"})
	if err != nil {
		return err
	}
	fmt.Println(r.Out.Text, "for", r.Charged, "credits")
	return nil
}
