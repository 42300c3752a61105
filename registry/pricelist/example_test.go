package pricelist_test

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
	"github.com/scrip-go/scrip/stores/memory"
)

// What an operator does with a list: propose, look, save.
func Example() {
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
	now, err := store.Load(ctx, 0)
	if err != nil {
		fmt.Println(err)
		return
	}

	list, err := pricelist.ParseLiteLLM([]byte(`{
		"gpt-5.1": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1.2e-05,
			"cache_read_input_token_cost": 1.25e-07},
		"gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
			"input_cost_per_token_above_200k_tokens": 5e-06}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := list.Propose(now.Configuration, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range p.Differences {
		fmt.Println(d)
	}
	for _, r := range p.Refused {
		fmt.Println("refused:", r)
	}
	v, err := store.Save(ctx, registry.Change{Base: now.Number, Who: "ada", Why: "prices of today", Next: p.Next})
	fmt.Println(v.Number, err)
	// Output:
	// model "gpt-5.1": prices.cached_input: not set → 0.125
	// model "gpt-5.1": prices.output: 10 → 12
	// refused: "gpt-4o": the price depends on the length of the prompt, and a model has one price for a class (input_cost_per_token_above_200k_tokens)
	// 2 <nil>
}

func ExampleParseLiteLLM() {
	list, err := pricelist.ParseLiteLLM([]byte(`{
		"sample_spec": {"litellm_provider": "one of many", "mode": "chat"},
		"acme/writer": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05},
		"acme/fine/512-x-512/painter": {"litellm_provider": "acme", "mode": "image_generation", "output_cost_per_pixel": 6.86e-08}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range list.Offers {
		if o.Kind == registry.Image {
			fmt.Println(o.Provider, o.Name, o.ImagePrices[0].Size, o.ImagePrices[0].USD)
		} else {
			fmt.Println(o.Provider, o.Name, o.Prices.Input, o.Prices.Output)
		}
	}
	fmt.Println(list.Read, list.Taken(), list.Refused)
	// Output:
	// acme painter 512x512 0.018
	// acme writer 1.25 10
	// 3 2 ["sample_spec": it is no model, but a sample or a rule of the list's own software]
}

func ExampleParseModelsDev() {
	list, err := pricelist.ParseModelsDev([]byte(`{"acme": {"models": {
		"writer": {"name": "Writer", "modalities": {"output": ["text"]}, "cost": {"input": 1.25, "output": 10}},
		"painter": {"modalities": {"output": ["image"]}, "cost": {"input": 5, "output": 30}}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range list.Offers {
		fmt.Println(o.Provider, o.Name, o.DisplayName, o.Prices.Input, o.Prices.Output)
	}
	fmt.Println(list.RefusedBy())
	_, err = pricelist.ParseModelsDev([]byte(`[]`))
	fmt.Println(err)
	// Output:
	// acme writer Writer 1.25 10
	// map[text_or_picture:1]
	// pricelist: models.dev: not a price list: it is not an object
}

func ExampleList_Propose() {
	list, err := pricelist.ParseModelsDev([]byte(`{"acme-ai": {"models": {
		"writer": {"modalities": {"output": ["text"]}, "cost": {"input": 1.25, "output": 10}, "limit": {"context": 8000, "output": 1000}}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := registry.Configuration{Providers: []registry.Provider{{ID: "acme", Active: true}}}
	p, err := list.Propose(c, &pricelist.Options{Add: []string{"writer", "editor"}, Providers: map[string]string{"acme-ai": "acme"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Differences[0])
	fmt.Println(p.Taken, p.Refused)
	// Output:
	// model "writer": added: {context_window: 8000, kind: "text", max_output_tokens: 1000, name: "writer", prices.input: 1.25, prices.output: 10, provider: "acme", sort_order: 1}
	// [writer] ["editor": the list does not have it]
}

func ExampleReason_Words() {
	for _, r := range pricelist.Reasons()[:3] {
		fmt.Println(r, "-", r.Words())
	}
	// Output:
	// not_a_model - it is no model, but a sample or a rule of the list's own software
	// malformed - it is not written as the list's entries are
	// other_kind - it is of a kind that has no prices here: neither text nor new pictures
}
