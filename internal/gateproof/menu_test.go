package gateproof_test

import (
	"encoding/json"
	"fmt"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers/providertest"
)

const (
	textModel     = "gpt-5.1"
	spareModel    = "gpt-4o-mini" // what some functions fall back to in the campaign
	dalleModel    = "dall-e-3"
	gptImageModel = "gpt-image-1" // reports tokens, and is paid for by them
	runwareModel  = "runware:97@1"
)

// canary is a word of every input: it must show up upstream and in what was bought, and nowhere else.
const canary = "lighthouse"

// dish is a function as it is called here.
type dish struct {
	name  string // of the function
	model string // empty for that of the settings
	route string // of its requests
	order func(n int) any
}

// label is how pages and failures name the dish.
func (d dish) label() string {
	if d.model != "" {
		return d.name + " on " + d.model
	}
	return d.name
}

// input is the n-th order, as Engine.Execute takes it.
func (d dish) input(n int) json.RawMessage {
	b, err := json.Marshal(d.order(n))
	if err != nil {
		panic(err)
	}
	return b
}

// call is how the dish is ordered under a key.
func (d dish) call(a credits.Account, k credits.Key) engine.Call {
	return engine.Call{Account: a, Key: k, Model: d.model}
}

func words(n int, of ...string) string { return fmt.Sprintf("%s %s %d", of[n%len(of)], canary, n) }

func queries(n, count int) (out []functions.Query) {
	for i := range count {
		out = append(out, functions.Query{N: i + 1, Text: words(n+i, "oldest", "how to paint a", "keeper of the", "tallest")})
	}
	return out
}

func article(n int) string {
	return fmt.Sprintf("<h2>Light</h2>\n<p>The %s has a keeper and a lamp that is lit at dusk, number %d on the coast.</p>", canary, n)
}

// menu is every function; the one that makes pictures is there for each way in which adapters can.
var menu = []dish{
	{functions.AutoCluster, "", providertest.RouteText, func(n int) any { return functions.ClusterInput{Keywords: queries(n, 6)} }},
	{functions.GenerateIdeas, "", providertest.RouteText, func(n int) any {
		return functions.IdeasInput{Cluster: words(n, "visiting a"), Keywords: queries(n, 3), Count: 2}
	}},
	{functions.GenerateContent, "", providertest.RouteText, func(n int) any {
		return functions.ContentInput{Title: words(n, "The oldest", "The last"), Type: "post", Structure: "article", Primary: words(n, "old"), WordCount: 200,
			Outline: []functions.Section{{Heading: "What it is", Points: []string{"Stone", "Lamp"}}, {Heading: "How to get there", Points: []string{"By boat"}}}}
	}},
	{functions.GenerateImagePrompts, "", providertest.RouteText, func(n int) any {
		return functions.ImagePromptsInput{Title: words(n, "The oldest"), Headings: []string{"What it is"}, Count: 1}
	}},
	{functions.GenerateProduct, "", providertest.RouteText, func(n int) any {
		return functions.ProductInput{Name: words(n, "Lamp for a"), Attributes: []functions.Property{{Name: "Colour", Value: "red"}}, Primary: words(n, "lamp of a")}
	}},
	{functions.GenerateService, "", providertest.RouteText, func(n int) any {
		return functions.ServiceInput{Name: words(n, "Painting a"), Provider: "Keepers", Primary: words(n, "paint a"), Includes: []string{"paint", "a ladder"}}
	}},
	{functions.OptimizeContent, "", providertest.RouteText, func(n int) any {
		return functions.OptimizeInput{Title: words(n, "The"), HTML: article(n), Primary: canary}
	}},
	{functions.GenerateInternalLinks, "", providertest.RouteText, func(n int) any {
		return functions.LinksInput{Title: words(n, "The"), HTML: article(n), Max: 2,
			Targets: []functions.Target{{N: 1, Title: "Keepers", URL: "/keepers", Keyword: "keeper"}, {N: 2, Title: "Lamps", URL: "/lamps", Keyword: "lamp"}}}
	}},
	{functions.GenerateSiteStructure, "", providertest.RouteText, func(n int) any {
		return functions.StructureInput{Name: words(n, "All about the"), About: "What there is to see.", Topics: []string{"lamps", "keepers"}, Max: 6}
	}},
	{functions.GenerateImages, dalleModel, providertest.RouteImage, picture},
	{functions.GenerateImages, gptImageModel, providertest.RouteImage, picture},
	{functions.GenerateImages, runwareModel, providertest.RouteRunware, picture},
}

func picture(n int) any {
	return functions.ImageInput{Prompt: words(n, "a", "the oldest", "a drawing of a"), Shape: engine.Square}
}
