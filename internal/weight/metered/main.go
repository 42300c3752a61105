// Command metered is the least program that calls a model through the gate.
package main

import (
	"context"
	"log"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

type (
	question struct{ Text string }
	answer   struct {
		Text string `json:"text"`
	}
)

func main() {
	ctx := context.Background()
	db := memory.New(nil)
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := openai.New(openai.Config{})
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Keys: secret.Static{}, Providers: []providers.Provider{text}})
	if err != nil {
		log.Fatal(err)
	}
	ask, err := engine.Define(engine.Definition[question, answer]{Name: "answer", Operation: "idea_generation",
		Text: &engine.Text[question, answer]{
			Messages: func(_ engine.Env, q question) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.User, Text: q.Text}}, nil
			},
			MaxOutput: func(question) int64 { return 100 },
		}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Run(ctx, e, ask, engine.Call{Account: "a", Key: "k"}, question{"Why?"}); err != nil {
		log.Fatal(err)
	}
}
