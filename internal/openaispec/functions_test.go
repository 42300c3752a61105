package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

const html = "<p>A loaf of rye keeps for a week, see <a href=\"/flour\">flour</a>.</p><img src=\"a.png\" alt=\"a loaf\">"

// inputs has one of every function.
var inputs = map[string]any{
	functions.AutoCluster: functions.ClusterInput{Keywords: numbered("rye bread", "rye flour", "sourdough starter", "oven stone", "bread knife")},
	functions.GenerateIdeas: functions.IdeasInput{Cluster: "Bread", Description: "Baking at home", Count: 2,
		Keywords: numbered("rye bread", "flat bread", "stale bread")},
	functions.GenerateContent: functions.ContentInput{Title: "Rye Bread", Type: "post", Structure: "article", Primary: "rye bread",
		Secondary: []string{"rye"}, WordCount: 900, Outline: []functions.Section{{Heading: "Rye", Points: []string{"Flour", "Water"}}}},
	functions.GenerateImagePrompts: functions.ImagePromptsInput{Title: "Rye Bread", Headings: []string{"Rye"}, Count: 2},
	functions.GenerateImages:       functions.ImageInput{Prompt: "a loaf of rye", Shape: engine.Landscape},
	functions.GenerateProduct: functions.ProductInput{Name: "Rye Starter", Primary: "sourdough starter", Price: "9 EUR",
		Attributes: []functions.Property{{Name: "Weight", Value: "120 g"}}},
	functions.GenerateService: functions.ServiceInput{Name: "Oven Repair", Provider: "Hearth & Co", Primary: "oven repair", Includes: []string{"a look at it"}},
	functions.OptimizeContent: functions.OptimizeInput{Title: "Loaves", HTML: html, Primary: "rye bread"},
	functions.GenerateInternalLinks: functions.LinksInput{Title: "Loaves", HTML: html, Max: 1,
		Targets: []functions.Target{{N: 1, Title: "Flour", URL: "/flour-guide", Keyword: "loaf"}}},
	functions.GenerateSiteStructure: functions.StructureInput{Name: "Bread", About: "How to bake at home.", Topics: []string{"rye", "spelt"}, Max: 5},
}

func numbered(texts ...string) (out []functions.Query) {
	for i, text := range texts {
		out = append(out, functions.Query{N: i + 1, Text: text})
	}
	return out
}

// ways are what changes how a function asks.
var ways = []struct {
	name   string
	change func(*registry.Configuration)
	faults []providertest.Fault
}{
	{"as in the catalogue", func(*registry.Configuration) {}, nil},
	{"with settings of its own", func(c *registry.Configuration) {
		temperature := decimal.RequireFromString("0.7")
		c.Settings.Functions = map[string]registry.FunctionSettings{}
		for name := range inputs {
			if name != functions.GenerateImages {
				c.Settings.Functions[name] = registry.FunctionSettings{Temperature: &temperature, MaxTokens: 5000, Prompt: "Do it."}
			}
		}
	}, nil},
	{"without strict formats", func(c *registry.Configuration) {
		for i := range c.Models {
			c.Models[i].Capabilities = nil
		}
	}, nil},
	{"with a repair", func(*registry.Configuration) {}, []providertest.Fault{{Kind: providertest.WrongShape, Route: providertest.RouteText, Count: 1}}},
}

// told answers for the function that it was told of, because a request without a strict format does not name it.
type told struct {
	functionstest.Responder
	name string
}

func (r *told) Text(c providertest.TextCall) (string, error) {
	c.SchemaName = r.name
	return r.Responder.Text(c)
}

// functionCalls runs every function with every active model of every catalogue in every way, through the engine.
func functionCalls(t *testing.T) *collector {
	upstream := &told{}
	up := providertest.New(providertest.Config{Responder: upstream})
	c := collect(t, up)
	set, err := functions.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range set.All() {
		if inputs[f.Name()] == nil {
			t.Errorf("the function %s has no input here", f.Name())
		}
	}
	for _, catalogue := range []string{registry.Seed, registry.Current} {
		for _, way := range ways {
			conf, err := registry.Catalogue(catalogue)
			if err != nil {
				t.Fatal(err)
			}
			way.change(&conf)
			e := host(t, c, set, conf)
			for _, m := range conf.Models {
				for name, in := range inputs {
					draws := name == functions.GenerateImages
					if !m.Active || m.Provider != "openai" || draws != (m.Kind == registry.Image) || draws && way.faults != nil {
						continue
					}
					c.begin(fmt.Sprintf("function: %s with %s of %s, %s", name, m.Name, catalogue, way.name))
					if err := up.SetFaults(way.faults...); err != nil {
						t.Fatal(err)
					}
					upstream.name = name
					before := len(c.requests())
					_, err := e.Execute(t.Context(), name, engine.Call{Account: "a", Key: credits.Key(c.from), Model: m.Name}, encode(t, in))
					if sent := len(c.requests()) - before; err != nil || sent != 1+len(way.faults) {
						t.Errorf("%s: %d requests, %v", c.from, sent, err)
					}
				}
			}
		}
	}
	return c
}

// host is an engine with a configuration, whose upstream is behind the collector.
func host(t testing.TB, c *collector, set *functions.Set, conf registry.Configuration) *engine.Engine {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db := memory.New(nil)
	_, err := db.Models().Save(t.Context(), registry.Change{Who: "test", Why: "test", Next: conf})
	must(err)
	reg, err := registry.Open(t.Context(), db.Models(), nil)
	must(err)
	t.Cleanup(reg.Close)
	text, err := openai.New(openai.Config{BaseURL: c.url})
	must(err)
	drawing, err := dalle.New(dalle.Config{BaseURL: c.url})
	must(err)
	files, err := blobs.Open(t.TempDir())
	must(err)
	e, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: reg, Providers: []providers.Provider{text, drawing},
		Keys: secret.Static{"openai": attempt.Key}, Blobs: files, Downloads: http.DefaultClient, Functions: slices.Clone(set.All())})
	must(err)
	_, err = db.Ledger().Grant(t.Context(), credits.Grant{Account: "a", Key: "grant", Kind: credits.Purchase, Amount: 1_000_000})
	must(err)
	return e
}
