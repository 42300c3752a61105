package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

var attempt = providers.Attempt{ID: "8b1f9c8e-6a56-4a3c-9c1e-0d6f0f4d2a11", Key: secret.Key{ID: "test", Secret: secret.New("sk-test")}}

// catalogued returns the models of a kind that the catalogues have of OpenAI, whether active or not.
func catalogued(t testing.TB, kind registry.Kind) (out []registry.Model) {
	t.Helper()
	for _, name := range []string{registry.Seed, registry.Current} {
		c, err := registry.Catalogue(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Models {
			if m.Kind == kind && m.Provider == "openai" {
				out = append(out, m)
			}
		}
	}
	return out
}

// textOptions are the further fields of a completion that a model's profile may bring. Every value that the description
// lists is here, which TestEveryRequestFitsTheDescription checks.
var textOptions = map[string][]string{
	"service_tier":           {`"auto"`, `"default"`, `"flex"`, `"scale"`, `"priority"`, `"fast"`},
	"reasoning_effort":       {`"none"`, `"minimal"`, `"low"`, `"medium"`, `"high"`, `"xhigh"`, `"max"`},
	"verbosity":              {`"low"`, `"medium"`, `"high"`},
	"store":                  {`true`, `false`},
	"metadata":               {`{"site":"12","run":"r-1"}`},
	"safety_identifier":      {`"a3f1"`},
	"user":                   {`"a3f1"`},
	"prompt_cache_key":       {`"articles"`},
	"prompt_cache_options":   {`{"mode":"implicit","ttl":"30m"}`},
	"prompt_cache_retention": {`"in_memory"`, `"24h"`},
	"top_p":                  {`0.9`, `1`},
	"frequency_penalty":      {`-2`, `0.5`},
	"presence_penalty":       {`-2`, `0.5`},
	"seed":                   {`7`, `9223372036854770000`},
	"stop":                   {`"END"`, `["END","STOP"]`},
	"logit_bias":             {`{"50256":-100}`},
	"logprobs":               {`true`},
	"top_logprobs":           {`5`},
	"prediction":             {`{"type":"content","content":"<p>"}`},
	"moderation":             {`{"model":"omni-moderation-latest","policy":{"input":{"mode":"score"},"output":{"mode":"block"}}}`},
	"web_search_options":     {`{"search_context_size":"low"}`},
	"response_format":        {`{"type":"json_object"}`, `{"type":"text"}`},
}

// notText are fields that change what an answer is. The adapter refuses some, and cannot read the answers to the others.
var notText = []string{"n", "stream", "stream_options", "audio", "modalities", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}

func texts(t *testing.T) *collector {
	c := collect(t, nil)
	p, err := openai.New(openai.Config{BaseURL: c.url, Organization: "org-1", Project: "proj-1"})
	if err != nil {
		t.Fatal(err)
	}
	send := func(r providers.TextRequest, name string, args ...any) {
		t.Helper()
		r.Attempt = attempt
		c.begin("text: " + r.Model + ": " + fmt.Sprintf(name, args...))
		if _, err := p.GenerateText(t.Context(), r); err != nil {
			t.Errorf("%s: %v", c.from, err)
		}
	}
	said := func(role providers.Role, text string) providers.Message {
		return providers.Message{Role: role, Text: text}
	}
	system, user := said(providers.System, "Be brief."), said(providers.User, "Zwölf \"Sätze\" <b>&\u2028\n")
	conversations := [][]providers.Message{
		{user}, {system, user}, {system, system, user}, {system, user, said(providers.Assistant, "{}"), user}, {user, said(providers.Assistant, "")},
	}
	schemas := []*providers.Schema{nil,
		{Name: "a", JSON: json.RawMessage(`{"type":"object","properties":{},"required":[],"additionalProperties":false}`)},
		{Name: strings.Repeat("n", 64), JSON: json.RawMessage(`{"type":"object","required":["a"],"additionalProperties":false,
			"properties":{"a":{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}]}}}`)},
	}
	for _, m := range catalogued(t, registry.Text) {
		r := providers.TextRequest{Model: m.Name, Parameters: m.Profile.Parameters, Omit: m.Profile.Omit}
		for i, messages := range conversations {
			for j, schema := range schemas {
				for _, temperature := range []string{"", "0", "0.70", "1e-7", "2"} {
					for _, bound := range []int64{1, m.MaxOutputTokens} {
						r := r
						r.Messages, r.Schema, r.MaxOutput = messages, schema, bound
						if temperature != "" {
							r.Temperature = decimal.NewNullDecimal(decimal.RequireFromString(temperature))
						}
						send(r, "conversation %d, schema %d, temperature %s, %d tokens", i, j, temperature, bound)
					}
				}
			}
		}
		r.Messages, r.MaxOutput = conversations[1], 100
		for name, values := range textOptions {
			for _, v := range values {
				r := r
				r.Parameters = map[string]json.RawMessage{name: json.RawMessage(v)}
				send(r, "%s %s", name, v)
			}
		}
		r.Temperature, r.Schema = decimal.NewNullDecimal(decimal.NewFromInt(1)), schemas[1]
		for _, omitted := range []string{"temperature", "response_format", "max_completion_tokens", "nothing"} {
			r := r
			r.Omit = []string{omitted}
			send(r, "without %s", omitted)
		}
	}
	return c
}

// family are image models that are called alike.
type family struct {
	models, sizes, qualities []string
	numbers                  []int
	options                  map[string][]string // of which every value is sent with every size
	refuses                  []string            // fields of which the description says so in words
}

// families are those that the description names.
var families = []family{
	{[]string{"dall-e-2"}, []string{"256x256", "512x512", "1024x1024"}, []string{"", "standard"}, []int{1, 2, 10}, map[string][]string{
		"response_format": {`"url"`, `"b64_json"`}, "user": {`"a3f1"`}}, []string{"output_format"}},
	{[]string{"dall-e-3"}, []string{"1024x1024", "1792x1024", "1024x1792"}, []string{"", "standard", "hd"}, []int{1}, map[string][]string{
		"response_format": {`"url"`, `"b64_json"`}, "style": {`"vivid"`, `"natural"`}, "user": {`"a3f1"`}}, []string{"output_format"}},
	{[]string{"gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5"}, []string{"1024x1024", "1536x1024", "1024x1536"}, gptQualities, []int{1, 2, 10}, gptOptions, nil},
	{[]string{"gpt-image-2", "gpt-image-2-2026-04-21"}, []string{"1024x1024", "1536x864", "3840x2160", "1024x3072"}, gptQualities, []int{1, 2, 10}, gptOptions, nil},
}

var (
	gptQualities = []string{"", "low", "medium", "high", "auto"}
	gptOptions   = map[string][]string{
		"output_format": {`"png"`, `"jpeg"`, `"webp"`}, "output_compression": {`0`, `80`, `100`}, "moderation": {`"low"`, `"auto"`},
		"background": {`"transparent"`, `"opaque"`, `"auto"`}, "user": {`"a3f1"`}, "size": {`"auto"`},
	}
)

// notImages are fields that change what an answer is. The adapter refuses them.
var notImages = []string{"stream", "partial_images"}

func pictures(t *testing.T) *collector {
	c := collect(t, nil)
	p, err := dalle.New(dalle.Config{BaseURL: c.url, Organization: "org-1", Project: "proj-1"})
	if err != nil {
		t.Fatal(err)
	}
	send := func(r providers.ImageRequest, size, name string, args ...any) {
		t.Helper()
		if _, err := fmt.Sscanf(size, "%dx%d", &r.Width, &r.Height); err != nil {
			t.Fatal(err)
		}
		r.Attempt, r.Prompt = attempt, "a lighthouse, \"old\" & grey"
		c.begin("image: " + r.Model + ": " + size + ", " + fmt.Sprintf(name, args...))
		if _, err := p.GenerateImages(t.Context(), r); err != nil {
			t.Errorf("%s: %v", c.from, err)
		}
	}
	formats := []providers.Format{"", providers.PNG, providers.JPEG, providers.WebP}
	for _, m := range catalogued(t, registry.Image) {
		qualities := map[string]bool{m.Profile.Quality: true}
		for _, price := range m.ImagePrices {
			qualities[price.Quality] = true
		}
		for _, size := range append([]string{m.LandscapeSize, m.SquareSize}, m.Sizes...) {
			for quality := range qualities {
				for _, format := range formats {
					send(providers.ImageRequest{Model: m.Name, N: 1, Quality: quality, Format: format, NegativePrompt: "fog",
						Parameters: m.Profile.Parameters, Omit: m.Profile.Omit}, size, "quality %q and format %q as in the catalogue", quality, format)
				}
			}
		}
	}
	for _, f := range families {
		for _, model := range f.models {
			for _, size := range f.sizes {
				for _, quality := range f.qualities {
					for _, n := range f.numbers {
						send(providers.ImageRequest{Model: model, N: n, Quality: quality}, size, "quality %q, %d of them", quality, n)
					}
				}
				for name, values := range f.options {
					for _, v := range values {
						send(providers.ImageRequest{Model: model, N: 1, Parameters: map[string]json.RawMessage{name: json.RawMessage(v)}}, size, "%s %s", name, v)
					}
				}
				for _, format := range formats {
					send(providers.ImageRequest{Model: model, N: 1, Format: format, Omit: f.refuses}, size, "format %q", format)
				}
				send(providers.ImageRequest{Model: model, N: 1, Quality: "auto", Omit: []string{"n", "size", "quality"}}, size, "with nothing but a prompt")
			}
		}
	}
	return c
}
