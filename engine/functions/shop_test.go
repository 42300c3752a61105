package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// script says the same whatever it is asked, and remembers what that was.
type script struct {
	answer string

	mu    sync.Mutex
	asked []providertest.TextCall
}

func (s *script) Text(c providertest.TextCall) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, c)
	return s.answer, nil
}

func (s *script) Image(c providertest.ImageCall) (providertest.Picture, error) {
	return providertest.Echo{}.Image(c)
}

const account = credits.Account("reader")

// open returns an engine whose upstream answers with a responder, by the catalogue of January 2026 as change left it.
func open(t testing.TB, responder providertest.Responder, change func(*registry.Configuration)) (*engine.Engine, *functions.Set) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db := memory.New(nil)
	catalogue, err := registry.Catalogue(registry.Seed)
	must(err)
	if change != nil {
		change(&catalogue)
	}
	_, err = db.Models().Save(ctx, registry.Change{Who: "test", Why: "seed", Next: catalogue})
	must(err)
	reg, err := registry.Open(ctx, db.Models(), nil)
	must(err)
	t.Cleanup(reg.Close)
	up := providertest.Start(t, providertest.Config{Responder: responder})
	text, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	must(err)
	pictures, err := runware.New(runware.Config{BaseURL: up.BaseURL})
	must(err)
	kept, err := blobs.Open(t.TempDir())
	must(err)
	key := secret.Key{ID: "test", Secret: secret.New("sk-test")}
	e, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: reg, Providers: []providers.Provider{text, pictures},
		Keys: secret.Static{"openai": key, "runware": key}, Blobs: kept, Downloads: http.DefaultClient})
	must(err)
	set, err := functions.New()
	must(err)
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1_000_000})
	must(err)
	return e, set
}

func queries(texts ...string) (out []functions.Query) {
	for i, text := range texts {
		out = append(out, functions.Query{N: i + 1, Text: text})
	}
	return out
}

func TestAPageThatLacksSomethingIsRefused(t *testing.T) {
	product := func(change func(*functions.ProductOutput)) any {
		return with(functions.ProductOutput{Title: "T", Summary: "S", HTML: "<p>d</p>", Features: []functions.Feature{{Name: "f", Benefit: "b"}},
			Specification: []functions.Property{{Name: "Weight", Value: "2 KG"}}, Questions: []functions.Question{{Question: "q", Answer: "a"}}, Tags: []string{}}, change)
	}
	service := func(change func(*functions.ServiceOutput)) any {
		return with(functions.ServiceOutput{Title: "T", Summary: "S", HTML: "<p>d</p>", Included: []functions.Feature{{Name: "f", Benefit: "b"}},
			Steps: []functions.Step{{Name: "a", Details: "b"}, {Name: "c", Details: "d"}}, Questions: []functions.Question{}, CallToAction: "C", Tags: []string{}}, change)
	}
	for _, c := range []struct {
		rule string
		out  any
		want string // in the error; empty if the page is good
	}{
		{"a product", product(func(*functions.ProductOutput) {}), ""},
		{"no title", product(func(o *functions.ProductOutput) { o.Title = " " }), "the title is empty"},
		{"no summary", product(func(o *functions.ProductOutput) { o.Summary = "" }), "the summary is empty"},
		{"no description", product(func(o *functions.ProductOutput) { o.HTML = "<p></p>" }), "the description has no paragraphs"},
		{"no features", product(func(o *functions.ProductOutput) { o.Features = []functions.Feature{} }), "there are no features"},
		{"a feature of nothing", product(func(o *functions.ProductOutput) { o.Features[0].Name = "" }), "feature 1 lacks"},
		{"a fact that nobody gave", product(func(o *functions.ProductOutput) { o.Specification[0].Value = "3 kg" }), "row 1 of the specification"},
		{"a question without an answer", product(func(o *functions.ProductOutput) { o.Questions[0].Answer = "\n" }), "question 1 lacks"},

		{"a service", service(func(*functions.ServiceOutput) {}), ""},
		{"too many entries", service(func(o *functions.ServiceOutput) { o.Included = append(o.Included, o.Included[0]) }), "2 entries in included, want 1"},
		{"an entry of nothing", service(func(o *functions.ServiceOutput) { o.Included[0].Benefit = " " }), "included entry 1 lacks"},
		{"one step", service(func(o *functions.ServiceOutput) { o.Steps = o.Steps[:1] }), "1 steps, want at least 2"},
		{"a step of nothing", service(func(o *functions.ServiceOutput) { o.Steps[1] = functions.Step{} }), "step 2 lacks"},
		{"no call to action", service(func(o *functions.ServiceOutput) { o.CallToAction = "" }), "the call to action is empty"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			answer, err := json.Marshal(c.out)
			if err != nil {
				t.Fatal(err)
			}
			e, set := open(t, &script{answer: string(answer)}, nil)
			call := engine.Call{Account: account, Key: "call"}
			if _, is := c.out.(functions.ProductOutput); is {
				_, err = engine.Run(t.Context(), e, set.Product, call, functions.ProductInput{Name: "n", Primary: "k", Attributes: []functions.Property{{Name: "Weight", Value: "2 kg"}}})
			} else {
				_, err = engine.Run(t.Context(), e, set.Service, call, functions.ServiceInput{Name: "n", Provider: "p", Primary: "k", Includes: []string{"i"}})
			}
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
