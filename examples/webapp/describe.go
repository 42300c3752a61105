package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// Product is what the customer types.
type Product struct {
	Name  string `json:"name"`
	Facts string `json:"facts"`
}

// Description is what the function makes of it.
type Description struct {
	Headline string `json:"headline"`
	Text     string `json:"text"`
}

// operation is what descriptions are charged as.
const operation = "product_description"

const maxName, maxFacts = 100, 1000 // bytes: they bound what a description can cost

func defineDescribe() (*engine.Function[Product, Description], error) {
	return engine.Define(engine.Definition[Product, Description]{Name: "describe_product", Operation: operation,
		Validate: func(p Product) error {
			if p.Name == "" || p.Facts == "" || len(p.Name) > maxName || len(p.Facts) > maxFacts {
				return fmt.Errorf("a product has a name of at most %d bytes and facts of at most %d", maxName, maxFacts)
			}
			return nil
		},
		Text: &engine.Text[Product, Description]{
			Messages: func(env engine.Env, p Product) ([]providers.Message, error) {
				return []providers.Message{
					{Role: providers.System, Text: cmp.Or(env.Prompt, "Describe the product for a shop, in a headline and about sixty words. Use no fact that is not given.")},
					{Role: providers.User, Text: p.Name + "\n\n" + p.Facts}}, nil
			},
			MaxOutput: func(Product) int64 { return 400 },
			Check: func(_ Product, d Description) error {
				if d.Headline == "" || d.Text == "" {
					return errors.New("the headline or the text is empty")
				}
				return nil
			},
		}})
}

// madeUp answers in place of a model.
type madeUp struct{ providertest.Echo }

// Text implements [providertest.Responder].
func (madeUp) Text(c providertest.TextCall) (string, error) {
	name, facts, _ := strings.Cut(c.Messages[len(c.Messages)-1].Text, "\n\n")
	b, err := json.Marshal(Description{"Meet " + name, "(Made up.) " + name + " is just what it is: " + facts})
	return string(b), err
}
