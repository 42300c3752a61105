package functionstest_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

func TestEveryFunctionRunsThroughTheEngine(t *testing.T) {
	s := open(t)
	clusters := buy(t, s, s.set.Cluster, functions.ClusterInput{Keywords: queries(plainKeywords...)})
	first := clusters.Clusters[0]
	in := functions.IdeasInput{Cluster: first.Name, Description: first.Description, Count: 1}
	for i, n := range first.Keywords {
		in.Keywords = append(in.Keywords, functions.Query{N: i + 1, Text: plainKeywords[n-1]})
	}
	idea := buy(t, s, s.set.Ideas, in).Ideas[0]
	article := buy(t, s, s.set.Content, functions.ContentInput{Title: idea.Title, Type: idea.Type, Structure: idea.Structure,
		Primary: in.Keywords[idea.Primary-1].Text, Outline: idea.Outline, WordCount: idea.WordCount})
	var headings []string
	for _, section := range idea.Outline {
		headings = append(headings, section.Heading)
	}
	prompts := buy(t, s, s.set.ImagePrompts, functions.ImagePromptsInput{Title: article.Title, Headings: headings, Count: 3})
	if len(prompts.InArticle) != 3 {
		t.Fatalf("%d prompts, want 3", len(prompts.InArticle))
	}
	picture := buy(t, s, s.set.Images, functions.ImageInput{Prompt: prompts.Featured.Prompt, Shape: engine.Landscape}).Picture
	data, err := s.blobs.Get(t.Context(), picture.Blob)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil || picture.Width != 640 {
		t.Errorf("picture of width %d: %v, want a PNG of 640", picture.Width, err)
	}
}

func TestTheFunctionsOfASiteRunThroughTheEngine(t *testing.T) {
	s := open(t)
	product := buy(t, s, s.set.Product, functions.ProductInput{Name: "Rye Sourdough Starter", Primary: "sourdough starter",
		Attributes: []functions.Property{{Name: "Weight", Value: "120 g"}, {Name: "Flour", Value: "whole rye"}}})
	if len(product.Specification) != 2 || len(product.Features) == 0 {
		t.Errorf("product %+v", product)
	}
	service := buy(t, s, s.set.Service, functions.ServiceInput{Name: "Oven Repair", Provider: "Hearth & Co", Primary: "oven repair",
		Includes: []string{"a look at it", "spare parts"}})
	if len(service.Included) != 2 || len(service.Steps) < 2 {
		t.Errorf("service %+v", service)
	}
	article := functions.OptimizeInput{Title: "Loaves", Primary: "rye bread",
		HTML: "<p>A loaf of rye keeps for a week, see <a href=\"/flour\">flour</a>.</p><img src=\"a.png\" alt=\"a loaf\">"}
	better := buy(t, s, s.set.Optimize, article)
	if r := article.Report(better); r.After.Score <= r.Before.Score {
		t.Errorf("the report is %+v, want a better score", r)
	}
	linking := functions.LinksInput{Title: better.Title, HTML: better.HTML, Max: 2, Targets: []functions.Target{
		{N: 1, Title: "Flour", URL: "/flour-guide", Keyword: "loaf"}, {N: 2, Title: "Ovens", URL: "https://example.com/ovens"}}}
	found := buy(t, s, s.set.Links, linking)
	if linked, err := linking.Insert(found); err != nil || len(found.Links) != 2 || strings.Count(linked, "<a ") != 3 {
		t.Errorf("%d links in %q, %v; want two more", len(found.Links), linked, err)
	}
	site := buy(t, s, s.set.Structure, functions.StructureInput{Name: "Bread", About: "How to bake at home.", Topics: []string{"rye", "spelt"}, Max: 5})
	if home, err := site.Tree(); err != nil || len(site.Pages) != 5 || len(home.Children) != 2 {
		t.Errorf("site %+v, %v", site, err)
	}
}

// call is a request of a function as the engine sends it.
func call(t testing.TB, function string, in any, maxOutput int64) providertest.TextCall {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return providertest.TextCall{Model: "m", SchemaName: function, Schema: json.RawMessage(`{}`), MaxOutput: maxOutput,
		Messages: []providers.Message{{Role: providers.System, Text: "do it"}, {Role: providers.User, Text: string(b)}}}
}

func ask[Out any](t testing.TB, c providertest.TextCall) (out Out) {
	t.Helper()
	text, err := functionstest.New().Text(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v in %q", c.SchemaName, err, text)
	}
	return out
}

func TestUnknownSchemaIsAnErrorThatNamesIt(t *testing.T) {
	_, err := functionstest.New().Text(call(t, "write_poem", map[string]string{}, 0))
	if err == nil || !strings.Contains(err.Error(), `"write_poem"`) {
		t.Errorf("Text = %v, want an error that names the schema", err)
	}
}

func TestConversationWithoutInputIsAnError(t *testing.T) {
	for _, said := range []string{"", "hello", `{"keywords": 5}`, `{"title":"of another function"}`} {
		c := call(t, functions.AutoCluster, nil, 0)
		c.Messages = []providers.Message{{Role: providers.User, Text: said}}
		if got, err := functionstest.New().Text(c); err == nil {
			t.Errorf("Text after %q = %q, want an error", said, got)
		}
	}
}

func TestRepairConversationGetsTheSameAnswer(t *testing.T) {
	c := call(t, functions.AutoCluster, functions.ClusterInput{Keywords: queries(plainKeywords...)}, 0)
	first, err := functionstest.New().Text(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Messages = append(c.Messages, providers.Message{Role: providers.Assistant, Text: "{}"},
		providers.Message{Role: providers.User, Text: "This answer cannot be used: /clusters is missing. Answer again."})
	again, err := functionstest.New().Text(c)
	if err != nil || again != first {
		t.Errorf("the repair got %q, %v, want the first answer again", again, err)
	}
}

func TestSameCallGetsTheSameAnswer(t *testing.T) {
	keywords := append(append([]string{}, plainKeywords...), odd...)
	outline := []functions.Section{{Heading: "One", Points: []string{"A", "B"}}, {Heading: "Two"}, {Heading: "Three"}}
	for _, c := range []providertest.TextCall{
		call(t, functions.AutoCluster, functions.ClusterInput{Keywords: queries(keywords...)}, 0),
		call(t, functions.GenerateIdeas, functions.IdeasInput{Cluster: "Sourdough", Keywords: queries(keywords...), Count: 7}, 0),
		call(t, functions.GenerateContent, functions.ContentInput{Title: "Bread", Primary: "bread", Outline: outline, WordCount: 900}, 4000),
		call(t, functions.GenerateImagePrompts, functions.ImagePromptsInput{Title: "Bread", Count: 8}, 0),
	} {
		a, errA := functionstest.New().Text(c)
		for range 5 {
			if b, errB := functionstest.New().Text(c); a != b || errA != nil || errB != nil {
				t.Errorf("%s: two answers differ, or %v, %v", c.SchemaName, errA, errB)
			}
		}
	}
}

func TestImagePromptsDescribeWhatIsDrawn(t *testing.T) {
	out := ask[functions.ImagePromptsOutput](t, call(t, functions.GenerateImagePrompts,
		functions.ImagePromptsInput{Title: "A Day in the Dunes", Headings: []string{"First light", "Noon"}, Count: functions.MaxPictures}, 0))
	if len(out.InArticle) != functions.MaxPictures {
		t.Fatalf("%d prompts, want %d", len(out.InArticle), functions.MaxPictures)
	}
	seen := map[string]bool{}
	for i, p := range append([]functions.ImagePrompt{out.Featured}, out.InArticle...) {
		if n := len([]rune(p.Alt)); n < 10 || n > 120 {
			t.Errorf("the alternative text %q has %d characters, want 10 to 120", p.Alt, n)
		}
		if seen[p.Alt] {
			t.Errorf("%q is shown twice in one article", p.Alt)
		}
		seen[p.Alt] = true
		about := []string{"A Day in the Dunes", "First light", "Noon"}
		if i > 0 && !strings.Contains(p.Prompt, about[1]) && !strings.Contains(p.Prompt, about[2]) {
			t.Errorf("the prompt %q is about no heading", p.Prompt)
		}
	}
}
