package functions_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
)

var (
	five    = functions.ClusterInput{Keywords: queries("a", "b", "c", "d", "e")}
	plan    = functions.IdeasInput{Cluster: "Bread", Keywords: queries("rye bread", "flat bread", "stale bread"), Count: 2}
	brief   = functions.ContentInput{Title: "Rye Bread", Type: "post", Structure: "article", Primary: "rye bread", WordCount: 900, Outline: []functions.Section{{Heading: "Rye", Points: []string{"Flour"}}}}
	artwork = functions.ImagePromptsInput{Title: "Rye Bread", Headings: []string{"Rye"}, Count: 1}
)

func TestNamesAndOperations(t *testing.T) {
	set, err := functions.New()
	if err != nil {
		t.Fatal(err)
	}
	got := [][2]string{{set.Cluster.Name(), set.Cluster.Operation()}, {set.Ideas.Name(), set.Ideas.Operation()},
		{set.Content.Name(), set.Content.Operation()}, {set.ImagePrompts.Name(), set.ImagePrompts.Operation()},
		{set.Images.Name(), set.Images.Operation()}, {set.Product.Name(), set.Product.Operation()}, {set.Service.Name(), set.Service.Operation()},
		{set.Optimize.Name(), set.Optimize.Operation()}, {set.Links.Name(), set.Links.Operation()}, {set.Structure.Name(), set.Structure.Operation()}}
	want := [][2]string{{functions.AutoCluster, registry.Clustering}, {functions.GenerateIdeas, registry.IdeaGeneration},
		{functions.GenerateContent, registry.ContentGeneration}, {functions.GenerateImagePrompts, registry.ImagePromptExtraction},
		{functions.GenerateImages, registry.ImageGeneration}, {functions.GenerateProduct, registry.ContentGeneration},
		{functions.GenerateService, registry.ContentGeneration}, {functions.OptimizeContent, registry.ContentOptimization},
		{functions.GenerateInternalLinks, registry.InternalLinking}, {functions.GenerateSiteStructure, registry.SiteStructureGeneration}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("names and operations (-want +got):\n%s", d)
	}
	var all [][2]string
	for _, f := range set.All() {
		all = append(all, [2]string{f.Name(), f.Operation()})
	}
	if d := cmp.Diff(want, all); d != "" {
		t.Errorf("All (-want +got):\n%s", d)
	}
}

// with returns a changed copy.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func TestValidateRefuses(t *testing.T) {
	set, err := functions.New()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, functions.MaxKeywords+1)
	for i := range many {
		many[i] = "k"
	}
	cluster := func(k []functions.Query) error { return set.Cluster.Validate(functions.ClusterInput{Keywords: k}) }
	ideas := func(change func(*functions.IdeasInput)) error { return set.Ideas.Validate(with(plan, change)) }
	content := func(change func(*functions.ContentInput)) error { return set.Content.Validate(with(brief, change)) }
	prompts := func(change func(*functions.ImagePromptsInput)) error {
		return set.ImagePrompts.Validate(with(artwork, change))
	}
	product := func(change func(*functions.ProductInput)) error {
		return set.Product.Validate(with(functions.ProductInput{Name: "n", Primary: "k", Attributes: []functions.Property{{Name: "a", Value: "v"}}}, change))
	}
	service := func(change func(*functions.ServiceInput)) error {
		return set.Service.Validate(with(functions.ServiceInput{Name: "n", Provider: "p", Primary: "k", Includes: []string{"i"}}, change))
	}
	optimize := func(change func(*functions.OptimizeInput)) error {
		return set.Optimize.Validate(with(functions.OptimizeInput{Title: "t", HTML: "<p>words</p>", Primary: "k"}, change))
	}
	links := func(change func(*functions.LinksInput)) error {
		return set.Links.Validate(with(functions.LinksInput{Title: "t", HTML: "<p>words</p>", Max: 1, Targets: []functions.Target{{N: 1, Title: "t", URL: "/"}}}, change))
	}
	structure := func(change func(*functions.StructureInput)) error {
		return set.Structure.Validate(with(functions.StructureInput{Name: "n", About: "a", Max: 5}, change))
	}
	for _, c := range []struct {
		rule string
		err  error
		want string // in the error's text; empty if the input is fine
	}{
		{"five keywords are enough", cluster(five.Keywords), ""},
		{"a hundred keywords are not too many", cluster(queries(many[1:]...)), ""},
		{"four keywords are too few", cluster(queries("a", "b", "c", "d")), "4 keywords: give 5 to 100"},
		{"a hundred and one are too many", cluster(queries(many...)), "101 keywords"},
		{"a keyword has a text", cluster(queries("a", "b", " ", "d", "e")), "keyword 3 is empty"},
		{"numbers count from 1", cluster(append([]functions.Query{{N: 0, Text: "a"}}, five.Keywords[1:]...)), "keyword 1 has the number 0"},
		{"no number comes twice", cluster(append(five.Keywords[:4:4], functions.Query{N: 4, Text: "e"})), "keyword 5 has the number 4"},

		{"a plan is fine", ideas(func(*functions.IdeasInput) {}), ""},
		{"a cluster has a name", ideas(func(in *functions.IdeasInput) { in.Cluster = " " }), "no name"},
		{"a cluster has keywords", ideas(func(in *functions.IdeasInput) { in.Keywords = nil }), "no keywords"},
		{"no articles are none to plan", ideas(func(in *functions.IdeasInput) { in.Count = 0 }), "0 articles"},
		{"every article has a keyword of its own", ideas(func(in *functions.IdeasInput) { in.Count = 4 }), "4 articles for 3 keywords"},
		{"seven articles are the most", ideas(func(in *functions.IdeasInput) { in.Count, in.Keywords = 8, queries(many[:9]...) }), "1 to 7"},
		{"a plan's keywords are numbered", ideas(func(in *functions.IdeasInput) { in.Keywords = []functions.Query{{N: 2, Text: "a"}, {N: 3, Text: "b"}} }), "number them from 1"},

		{"a brief is fine", content(func(*functions.ContentInput) {}), ""},
		{"a brief has a title", content(func(in *functions.ContentInput) { in.Title = "\t" }), "no title"},
		{"a brief has a primary keyword", content(func(in *functions.ContentInput) { in.Primary = "" }), "no primary keyword"},
		{"a brief has an outline", content(func(in *functions.ContentInput) { in.Outline = nil }), "no outline"},

		{"pictures are fine", prompts(func(*functions.ImagePromptsInput) {}), ""},
		{"a picture at the head is enough", prompts(func(in *functions.ImagePromptsInput) { in.Count = 0 }), ""},
		{"an article has a title", prompts(func(in *functions.ImagePromptsInput) { in.Title = "" }), "no title"},
		{"pictures are not negative", prompts(func(in *functions.ImagePromptsInput) { in.Count = -1 }), "-1 pictures"},
		{"eight pictures are the most", prompts(func(in *functions.ImagePromptsInput) { in.Count = 9 }), "0 to 8"},

		{"a product is fine", product(func(*functions.ProductInput) {}), ""},
		{"a product has a name", product(func(in *functions.ProductInput) { in.Name = " " }), "no name"},
		{"a product has attributes", product(func(in *functions.ProductInput) { in.Attributes = nil }), "no attributes"},
		{"an attribute has a value", product(func(in *functions.ProductInput) { in.Attributes = []functions.Property{{Name: "a"}} }), "attribute 1"},
		{"a product has a keyword", product(func(in *functions.ProductInput) { in.Primary = "" }), "no primary keyword"},

		{"a service is fine", service(func(*functions.ServiceInput) {}), ""},
		{"a service has a name", service(func(in *functions.ServiceInput) { in.Name = "" }), "no name"},
		{"a service is somebody's", service(func(in *functions.ServiceInput) { in.Provider = "" }), "who offers"},
		{"a service includes something", service(func(in *functions.ServiceInput) { in.Includes = nil }), "what the service includes"},
		{"a service has a keyword", service(func(in *functions.ServiceInput) { in.Primary = "" }), "no primary keyword"},

		{"an article is fine", optimize(func(*functions.OptimizeInput) {}), ""},
		{"an article to optimise has a title", optimize(func(in *functions.OptimizeInput) { in.Title = "" }), "no title"},
		{"an article to optimise has words", optimize(func(in *functions.OptimizeInput) { in.HTML = "<p> </p><script>x</script>" }), "is empty"},
		{"an article to optimise has a keyword", optimize(func(in *functions.OptimizeInput) { in.Primary = "" }), "no primary keyword"},

		{"pages to link to are fine", links(func(*functions.LinksInput) {}), ""},
		{"an article to link from has words", links(func(in *functions.LinksInput) { in.HTML = " " }), "is empty"},
		{"there are pages to link to", links(func(in *functions.LinksInput) { in.Targets = nil }), "no pages"},
		{"no links are none to look for", links(func(in *functions.LinksInput) { in.Max = 0 }), "0 links"},
		{"pages are numbered", links(func(in *functions.LinksInput) { in.Targets = []functions.Target{{N: 2, Title: "t", URL: "/"}} }), "number them from 1"},
		{"a page has a title", links(func(in *functions.LinksInput) { in.Targets = []functions.Target{{N: 1, URL: "/"}} }), "no title"},
		{"a page is no script", links(func(in *functions.LinksInput) {
			in.Targets = []functions.Target{{N: 1, Title: "t", URL: "javascript:alert(1)"}}
		}), "target 1: its URL"},
		{"a page is of a host that is named", links(func(in *functions.LinksInput) { in.Targets = []functions.Target{{N: 1, Title: "t", URL: "//evil"}} }), "target 1: its URL"},
		{"however many slashes there are", links(func(in *functions.LinksInput) { in.Targets = []functions.Target{{N: 1, Title: "t", URL: "///evil"}} }), "target 1: its URL"},
		{"whichever slashes there are", links(func(in *functions.LinksInput) {
			in.Targets = []functions.Target{{N: 1, Title: "t", URL: `/\evil`}}
		}), "target 1: its URL"},
		{"a page is there once", links(func(in *functions.LinksInput) {
			in.Targets = []functions.Target{{N: 1, Title: "t", URL: "/a"}, {N: 2, Title: "u", URL: "/a"}}
		}), "the URL of another"},

		{"a site is fine", structure(func(*functions.StructureInput) {}), ""},
		{"a site has a name", structure(func(in *functions.StructureInput) { in.Name = "" }), "no name"},
		{"a site is about something", structure(func(in *functions.StructureInput) { in.About = "" }), "what the site is about"},
		{"a site has pages", structure(func(in *functions.StructureInput) { in.Max = 0 }), "0 pages"},

		{"a square is fine", set.Images.Validate(functions.ImageInput{Prompt: "p", Shape: engine.Square}), ""},
		{"a picture has a prompt", set.Images.Validate(functions.ImageInput{Prompt: " ", Shape: engine.Square}), "prompt is empty"},
		{"a picture has a shape", set.Images.Validate(functions.ImageInput{Prompt: "p"}), `unknown shape ""`},
	} {
		switch {
		case c.want == "" && c.err != nil:
			t.Errorf("%s: %v", c.rule, c.err)
		case c.want != "" && (!errors.Is(c.err, engine.ErrInput) || !strings.Contains(c.err.Error(), c.want)):
			t.Errorf("%s: %v, want an ErrInput with %q", c.rule, c.err, c.want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	section := functions.Section{Heading: "H", Points: []string{"p"}}
	idea := func(primary int) functions.Idea {
		return functions.Idea{Title: "T", Description: "D", Type: "post", Structure: "guide", Primary: primary, Secondary: []int{},
			Outline: []functions.Section{section, section, section}, WordCount: 800}
	}
	ideas := func(change func(*functions.Idea)) functions.IdeasOutput {
		return functions.IdeasOutput{Ideas: []functions.Idea{idea(1), with(idea(2), change)}}
	}
	article := functions.ContentOutput{Title: "T", HTML: "<p>a</p><h2>b</h2><p>c</p>", Excerpt: "E", Categories: []string{}, Tags: []string{}}
	content := func(change func(*functions.ContentOutput)) functions.ContentOutput { return with(article, change) }
	picture := functions.ImagePrompt{Prompt: "p", Alt: "a"}
	clusters := func(groups ...[]int) (out functions.ClusterOutput) {
		for _, g := range groups {
			out.Clusters = append(out.Clusters, functions.ClusterGroup{Name: "N", Description: "D", Keywords: g})
		}
		return out
	}
	for _, c := range []struct {
		rule string
		out  any    // the answer of a function; its type says which
		want string // what the repair call is told; empty if the answer is good
	}{
		{"every keyword is in one cluster", clusters([]int{1, 2, 3}, []int{5, 4}), ""},
		{"a number that nobody gave", clusters([]int{1, 2, 3, 4, 5, 6}), "there is no keyword 6"},
		{"a number below one", clusters([]int{0, 1, 2, 3, 4, 5}), "there is no keyword 0"},
		{"a number that is missing", clusters([]int{1, 2, 3, 5}), "keyword 4 is in 0 clusters"},
		{"a number that comes twice", clusters([]int{1, 2, 3}, []int{3, 4, 5}), "keyword 3 is in 2 clusters"},
		{"a number that comes twice in one cluster", clusters([]int{1, 2, 2, 3, 4, 5}), "keyword 2 is in 2 clusters"},
		{"no clusters at all", functions.ClusterOutput{Clusters: []functions.ClusterGroup{}}, "keyword 1 is in 0 clusters"},
		{"an empty cluster", clusters([]int{1, 2, 3, 4, 5}, []int{}), "a cluster has no keywords"},
		{"a cluster without a name", functions.ClusterOutput{Clusters: []functions.ClusterGroup{{Name: " ", Keywords: []int{1, 2, 3, 4, 5}}}}, "a cluster has no name"},

		{"as many ideas as were asked for", ideas(func(*functions.Idea) {}), ""},
		{"an idea too few", functions.IdeasOutput{Ideas: []functions.Idea{idea(1)}}, "1 ideas, want exactly 2"},
		{"an idea too many", functions.IdeasOutput{Ideas: []functions.Idea{idea(1), idea(2), idea(3)}}, "3 ideas, want exactly 2"},
		{"an empty title", ideas(func(i *functions.Idea) { i.Title = " " }), "idea 2: the title is empty"},
		{"a first query that another idea has", ideas(func(i *functions.Idea) { i.Primary = 1 }), "keyword 1 is the first query of another idea"},
		{"an unknown first query", ideas(func(i *functions.Idea) { i.Primary = 4 }), "there is no keyword 4"},
		{"an unknown other query", ideas(func(i *functions.Idea) { i.Secondary = []int{0} }), "there is no keyword 0"},
		{"an outline that is too short", ideas(func(i *functions.Idea) { i.Outline = i.Outline[:2] }), "2 sections"},
		{"an outline that is too long", ideas(func(i *functions.Idea) { i.Outline = make13(section) }), "13 sections"},
		{"a section without a heading", ideas(func(i *functions.Idea) { i.Outline[1].Heading = "" }), "a section has no heading"},
		{"far too few words", ideas(func(i *functions.Idea) { i.WordCount = 99 }), "word_count is 99"},
		{"far too many words", ideas(func(i *functions.Idea) { i.WordCount = 5001 }), "word_count is 5001"},
		{"a structure that does not exist", ideas(func(i *functions.Idea) { i.Structure = "poem" }), "/ideas/1/content_structure does not fit enum"},

		{"an article", content(func(*functions.ContentOutput) {}), ""},
		{"an article without a title", content(func(o *functions.ContentOutput) { o.Title = "" }), "the title is empty"},
		{"an article without sections", content(func(o *functions.ContentOutput) { o.HTML = "<p>only</p>" }), "h2 headings"},
		{"an article without paragraphs", content(func(o *functions.ContentOutput) { o.HTML = "<h2>only</h2>" }), "p paragraphs"},
		{"an article of nothing", content(func(o *functions.ContentOutput) { o.HTML = "<h2></h2><p> &nbsp;</p>" }), "p paragraphs"},
		{"an article that is a script", content(func(o *functions.ContentOutput) { o.HTML = "<script>x = '<h2>b</h2><p>c</p>'</script>" }), "h2 headings"},
		{"an article that is a comment", content(func(o *functions.ContentOutput) { o.HTML = "<!-- <h2>b</h2><p>c</p> -->" }), "h2 headings"},
		{"an article of preformatted lines", content(func(o *functions.ContentOutput) { o.HTML = "<h2>b</h2><pre>c</pre>" }), "p paragraphs"},
		{"an article in capitals", content(func(o *functions.ContentOutput) { o.HTML = "<P>a</P><H2>b</H2><P>c</P>" }), ""},
		{"an article without an excerpt", content(func(o *functions.ContentOutput) { o.Excerpt = "\n" }), "the excerpt is empty"},

		{"as many pictures as were asked for", functions.ImagePromptsOutput{Featured: picture, InArticle: []functions.ImagePrompt{picture}}, ""},
		{"a picture too few", functions.ImagePromptsOutput{Featured: picture, InArticle: []functions.ImagePrompt{}}, "0 prompts in in_article, want exactly 1"},
		{"a picture without a prompt", functions.ImagePromptsOutput{Featured: functions.ImagePrompt{Alt: "a"}, InArticle: []functions.ImagePrompt{picture}}, "empty"},
		{"a picture that no model takes", functions.ImagePromptsOutput{Featured: functions.ImagePrompt{Prompt: strings.Repeat("x", 2001), Alt: "a"}, InArticle: []functions.ImagePrompt{picture}}, "2001 characters"},
		{"a picture without a text for the blind", functions.ImagePromptsOutput{Featured: picture, InArticle: []functions.ImagePrompt{{Prompt: "p"}}}, "empty"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			answer, err := json.Marshal(c.out)
			if err != nil {
				t.Fatal(err)
			}
			model := &script{answer: string(answer)}
			e, set := open(t, model, nil)
			call := engine.Call{Account: account, Key: "call"}
			switch c.out.(type) {
			case functions.ClusterOutput:
				_, err = engine.Run(t.Context(), e, set.Cluster, call, five)
			case functions.IdeasOutput:
				_, err = engine.Run(t.Context(), e, set.Ideas, call, plan)
			case functions.ContentOutput:
				_, err = engine.Run(t.Context(), e, set.Content, call, brief)
			case functions.ImagePromptsOutput:
				_, err = engine.Run(t.Context(), e, set.ImagePrompts, call, artwork)
			}
			if c.want == "" {
				if err != nil || len(model.asked) != 1 {
					t.Errorf("%v after %d calls, want none after 1", err, len(model.asked))
				}
				return
			}
			if !errors.Is(err, engine.ErrAnswer) || len(model.asked) != 2 {
				t.Fatalf("%v after %d calls, want ErrAnswer after 2", err, len(model.asked))
			}
			told := model.asked[1].Messages
			if last := told[len(told)-1].Text; !strings.Contains(last, c.want) {
				t.Errorf("the repair call is told %q, want %q in it", last, c.want)
			}
		})
	}
}

func make13(s functions.Section) (out []functions.Section) {
	for range 13 {
		out = append(out, s)
	}
	return out
}

func TestARefusalDoesNotGrowWithTheAnswer(t *testing.T) {
	model := &script{answer: `{"clusters":[]}`}
	e, set := open(t, model, nil)
	words := strings.Fields(strings.Repeat("k ", functions.MaxKeywords))
	_, err := engine.Run(t.Context(), e, set.Cluster, engine.Call{Account: account, Key: "call"}, functions.ClusterInput{Keywords: queries(words...)})
	if n := strings.Count(err.Error(), "is in 0 clusters"); n != 8 {
		t.Errorf("%d mistakes are told, want 8", n)
	}
}

// requests runs each text function once and returns the messages that it sent.
func requests(t *testing.T, change func(*registry.Configuration)) map[string][]providers.Message {
	t.Helper()
	model := &script{answer: "{}"}
	e, set := open(t, model, change)
	_, _ = engine.Run(t.Context(), e, set.Cluster, engine.Call{Account: account, Key: "1"}, five)
	_, _ = engine.Run(t.Context(), e, set.Ideas, engine.Call{Account: account, Key: "2"}, plan)
	_, _ = engine.Run(t.Context(), e, set.Content, engine.Call{Account: account, Key: "3"}, brief)
	_, _ = engine.Run(t.Context(), e, set.ImagePrompts, engine.Call{Account: account, Key: "4"}, artwork)
	out := map[string][]providers.Message{}
	for _, c := range model.asked {
		if out[c.SchemaName] == nil { // the repair call repeats it
			out[c.SchemaName] = c.Messages
		}
	}
	return out
}

var inputs = map[string]any{functions.AutoCluster: five, functions.GenerateIdeas: plan,
	functions.GenerateContent: brief, functions.GenerateImagePrompts: artwork}

func TestTheInputIsSentBeneathTheBuiltInPrompt(t *testing.T) {
	sent := requests(t, nil)
	for name, in := range inputs {
		prompt, err := os.ReadFile("prompts/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		want := []providers.Message{{Role: providers.System, Text: string(prompt)}, {Role: providers.User, Text: string(body)}}
		if d := cmp.Diff(want, sent[name]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestTheSettingsPromptReplacesTheBuiltInOne(t *testing.T) {
	sent := requests(t, func(c *registry.Configuration) {
		c.Settings.Functions = map[string]registry.FunctionSettings{functions.GenerateIdeas: {Prompt: "Plan in rhyme."}}
	})
	if got := sent[functions.GenerateIdeas][0].Text; got != "Plan in rhyme." {
		t.Errorf("the prompt of ideas is %q, want the one of the settings", got)
	}
	if got := sent[functions.AutoCluster][0].Text; !strings.HasPrefix(got, "You group search queries") {
		t.Errorf("the prompt of clusters is %q, want the built-in one", got)
	}
}
