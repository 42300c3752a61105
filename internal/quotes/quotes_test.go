package quotes_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tiktoken-go/tokenizer"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/usage"
)

// keywords are the bundled ones, searches that people made.
const keywords = "../../examples/quickstart/keywords.txt"

// counted answers as the offline model does, and counts the tokens of what it reads and writes as the models of the
// o200k family do, with what a chat adds to each message and to each request by the vendor's own cookbook (three tokens
// each, and one for a name). The schema is counted as its text, which is more than the model is shown of it.
type counted struct {
	providertest.Responder
	codec tokenizer.Codec
}

var (
	_ providers.Provider      = counted{}
	_ providers.TextGenerator = counted{}
)

func (counted) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "openai", Text: true}
}

func (c counted) GenerateText(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
	call := providertest.TextCall{Model: r.Model, Messages: r.Messages, MaxOutput: r.MaxOutput}
	input := 3
	if r.Schema != nil {
		call.SchemaName, call.Schema = r.Schema.Name, r.Schema.JSON
		input += c.tokens(string(r.Schema.JSON))
	}
	for _, m := range r.Messages {
		input += 3 + c.tokens(string(m.Role)) + c.tokens(m.Text)
	}
	text, err := c.Text(call)
	if err != nil {
		return providers.TextResult{}, err
	}
	output := int64(c.tokens(text))
	if output > r.MaxOutput {
		return providers.TextResult{}, &providers.Error{Provider: "openai", Kind: providers.Incomplete, Fate: providers.Executed,
			Usage: usage.Tokens(int64(input), r.MaxOutput)}
	}
	return providers.TextResult{Text: text, Metering: providers.Metering{Usage: usage.Tokens(int64(input), output)}}, nil
}

func (c counted) tokens(s string) int {
	n, err := c.codec.Count(s)
	if err != nil {
		panic(err)
	}
	return n
}

// ratio is what was held for a call over what it was charged.
type ratio struct{ credits, exact float64 }

// shop is an account that buys, and what came of it by function.
type shop struct {
	*engine.Engine
	set    *functions.Set
	ledger credits.Ledger
	calls  int
	ratios map[string][]ratio
}

func newShop(t *testing.T) *shop {
	t.Helper()
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{ratios: map[string][]ratio{}}
	if s.set, err = functions.New(); err != nil {
		t.Fatal(err)
	}
	db := memory.New(nil)
	s.ledger = db.Ledger()
	catalogue, err := registry.Catalogue(registry.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Models().Save(t.Context(), registry.Change{Who: "test", Why: "test", Next: catalogue}); err != nil {
		t.Fatal(err)
	}
	models, err := registry.Open(t.Context(), db.Models(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(models.Close)
	if _, err := s.ledger.Grant(t.Context(), credits.Grant{Account: "acme", Key: "g", Kind: credits.Purchase, Amount: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	s.Engine, err = engine.New(engine.Config{Ledger: s.ledger, Registry: models, Keys: secret.Static{"openai": {ID: "k", Secret: secret.New("k")}},
		Providers: []providers.Provider{counted{functionstest.New(), codec}}, Functions: s.set.All()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// buy asks for a quote, runs the function, and compares. What is charged was held, and nothing is written off.
func buy[In, Out any](t *testing.T, s *shop, f *engine.Function[In, Out], in In) Out {
	t.Helper()
	s.calls++
	call := engine.Call{Account: "acme", Key: credits.Key(fmt.Sprintf("call-%d", s.calls))}
	quoted, err := engine.Quote(t.Context(), s.Engine, f, call, in)
	if err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	r, err := engine.Run(t.Context(), s.Engine, f, call, in)
	if err != nil {
		text, _ := json.Marshal(in)
		t.Fatalf("%s: %v, asked %.300s", f.Name(), err, text)
	}
	held, err := s.ledger.Lookup(t.Context(), call.Account, call.Key)
	if err != nil {
		t.Fatal(err)
	}
	record := held.Receipt.Record
	if record.Charged > quoted.Hold || record.WrittenOff != 0 {
		t.Errorf("%s: %d credits charged of %d held, %d written off", f.Name(), record.Charged, quoted.Hold, record.WrittenOff)
	}
	exact, _ := record.Exact.Float64()
	s.ratios[f.Name()] = append(s.ratios[f.Name()], ratio{float64(quoted.Hold) / float64(record.Charged), float64(quoted.Hold) / exact})
	return r.Out
}

// TestWhatIsHeldCoversWhatIsCharged walks the bundled keywords through every function that asks a text model, with the
// sizes that the original system asked for: batches of 5 to 50 keywords, 3 to 7 ideas for a cluster, articles of 1,000 to
// 1,200 words.
func TestWhatIsHeldCoversWhatIsCharged(t *testing.T) {
	text, err := os.ReadFile(keywords)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" || strings.HasPrefix(l, "#") })
	s := newShop(t)
	for _, batch := range []int{5, 10, 20, 50} {
		for chunk := range slices.Chunk(lines, batch) {
			if len(chunk) >= functions.MinKeywords {
				s.walk(t, chunk, batch == 10)
			}
		}
	}
	report(t, s.ratios)
}

// walk buys what a batch of keywords leads to; whole says whether articles are written too.
func (s *shop) walk(t *testing.T, lines []string, whole bool) {
	t.Helper()
	clusters := buy(t, s, s.set.Cluster, functions.ClusterInput{Keywords: queries(lines)}).Clusters
	var topics []string
	for i, cluster := range clusters {
		topics = append(topics, cluster.Name)
		var of []string
		for _, n := range cluster.Keywords {
			of = append(of, lines[n-1])
		}
		if !whole {
			continue
		}
		ideas := buy(t, s, s.set.Ideas, functions.IdeasInput{Cluster: cluster.Name, Description: cluster.Description,
			Keywords: queries(of), Count: min(3+i%5, len(of))}).Ideas
		for n, idea := range ideas {
			s.article(t, of, idea, int64(1000+100*(n%3)))
		}
		s.pages(t, cluster, of)
	}
	buy(t, s, s.set.Structure, functions.StructureInput{Name: "The site", About: "Answers to what people look for.", Topics: topics, Max: max(8, len(topics))})
}

func (s *shop) article(t *testing.T, of []string, idea functions.Idea, words int64) {
	t.Helper()
	primary := of[idea.Primary-1]
	article := buy(t, s, s.set.Content, functions.ContentInput{Title: idea.Title, Description: idea.Description, Type: idea.Type,
		Structure: idea.Structure, Primary: primary, Outline: idea.Outline, WordCount: words})
	var headings []string
	for _, section := range idea.Outline {
		headings = append(headings, section.Heading)
	}
	buy(t, s, s.set.ImagePrompts, functions.ImagePromptsInput{Title: article.Title, Headings: headings, Count: 3})
	buy(t, s, s.set.Optimize, functions.OptimizeInput{Title: article.Title, HTML: article.HTML, Primary: primary})
	var targets []functions.Target
	for i, k := range of {
		targets = append(targets, functions.Target{N: i + 1, Title: k, URL: fmt.Sprintf("/page-%d", i), Keyword: k})
	}
	buy(t, s, s.set.Links, functions.LinksInput{Title: article.Title, HTML: article.HTML, Targets: targets, Max: 5})
}

func (s *shop) pages(t *testing.T, cluster functions.ClusterGroup, of []string) {
	t.Helper()
	var facts []functions.Property
	for i, k := range of {
		facts = append(facts, functions.Property{Name: fmt.Sprintf("Fact %d", i+1), Value: k})
	}
	buy(t, s, s.set.Product, functions.ProductInput{Name: cluster.Name, About: cluster.Description, Attributes: facts, Primary: of[0]})
	buy(t, s, s.set.Service, functions.ServiceInput{Name: cluster.Name, Provider: "Acme", About: cluster.Description, Includes: of, Primary: of[0]})
}

func queries(lines []string) (out []functions.Query) {
	for i, l := range lines {
		out = append(out, functions.Query{N: i + 1, Text: l})
	}
	return out
}

// maxMedian is what is held at most, in the median, over what is charged.
const maxMedian = 3

func report(t *testing.T, by map[string][]ratio) {
	t.Helper()
	var all []ratio
	for _, name := range slices.Sorted(maps.Keys(by)) {
		all = append(all, by[name]...)
		c, e := sorted(by[name], func(r ratio) float64 { return r.credits }), sorted(by[name], func(r ratio) float64 { return r.exact })
		t.Logf("%-26s %5d calls, held over charged: median %.2f (%.2f to %.2f), before rounding %.2f", name, len(c), c[len(c)/2], c[0], c[len(c)-1], e[len(e)/2])
	}
	c := sorted(all, func(r ratio) float64 { return r.credits })
	t.Logf("%-26s %5d calls, held over charged: median %.2f (%.2f to %.2f)", "all", len(c), c[len(c)/2], c[0], c[len(c)-1])
	if len(by) != 9 || len(c) < 100 {
		t.Errorf("%d functions and %d calls were compared, want all 9 that ask a text model, and 100", len(by), len(c))
	}
	if median := c[len(c)/2]; median > maxMedian {
		t.Errorf("in the median %.2f times what is charged is held, want at most %d", median, maxMedian)
	}
}

func sorted(all []ratio, of func(ratio) float64) (out []float64) {
	for _, r := range all {
		out = append(out, of(r))
	}
	slices.SortFunc(out, cmp.Compare[float64])
	return out
}
