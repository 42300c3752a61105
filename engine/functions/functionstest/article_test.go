package functionstest_test

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
)

// A rule of what an article must be; broken says how it is not, or "".
var articleRules = []struct {
	name   string
	broken func(in functions.ContentInput, out functions.ContentOutput, visible string) string
}{
	{"TheTitleIsTheBriefs", func(in functions.ContentInput, out functions.ContentOutput, _ string) string {
		if strings.Join(strings.Fields(in.Title), " ") != out.Title && !slices.Contains(odd, in.Primary) {
			return "it is " + out.Title
		}
		return ""
	}},
	{"ItHasNearlyTheWordsThatWereAskedFor", func(in functions.ContentInput, _ functions.ContentOutput, visible string) string {
		if n := int64(len(strings.Fields(visible))); n*10 < in.WordCount*7 || n*10 > in.WordCount*15 {
			return fmt.Sprintf("%d words, asked for %d", n, in.WordCount)
		}
		return ""
	}},
	{"NothingIsLeftOfTheWorkshop", func(in functions.ContentInput, out functions.ContentOutput, visible string) string {
		if strings.ContainsAny(in.Primary+in.Title, "{[|") {
			return ""
		}
		return find(`(?i)lorem|ipsum|placeholder|todo\b|example text|[{}|\[\]]|  |(?-i:\b(The|A|An|the|a|an) (the|a|an) )|\.\.|,,| [,.;:!?]|%!|undefined|<nil>`,
			out.Excerpt+"\n"+out.MetaTitle+"\n"+out.MetaDescription+"\n"+unquoted(visible))
	}},
	{"NoSentenceIsRepeated", func(_ functions.ContentInput, _ functions.ContentOutput, visible string) string {
		seen := map[string]bool{}
		for _, s := range regexp.MustCompile(`[.!?:]\s+|\n`).Split(visible, -1) {
			if s = strings.TrimSpace(s); len(strings.Fields(s)) > 4 && seen[s] {
				return s
			}
			seen[s] = true
		}
		return ""
	}},
	{"SentencesBeginWithACapital", func(_ functions.ContentInput, out functions.ContentOutput, _ string) string {
		return find(`<p>[a-z]|<h[23]>[a-z]|<li><strong>[a-z]|[a-z][.] [a-z]`, unquoted(out.HTML))
	}},
	{"TheOpeningUsesTheQuery", func(in functions.ContentInput, out functions.ContentOutput, _ string) string {
		opening, _, _ := strings.Cut(out.HTML, "</p>")
		query := strings.Join(strings.Fields(strings.ReplaceAll(in.Primary, "\u200b", "")), " ")
		if len(query) < 90 && !slices.Contains(odd, in.Primary) && !strings.Contains(html.UnescapeString(opening), query) {
			return opening
		}
		return ""
	}},
	{"ItHasAList", func(_ functions.ContentInput, out functions.ContentOutput, _ string) string {
		if !strings.Contains(out.HTML, "<li>") {
			return "it has none"
		}
		return ""
	}},
	{"HeadingsAreTheOutlinesInOrder", func(in functions.ContentInput, out functions.ContentOutput, _ string) string {
		found := regexp.MustCompile(`<h2>(.*?)</h2>`).FindAllStringSubmatch(out.HTML, -1)
		if len(found) != len(in.Outline) {
			return fmt.Sprintf("%d of %d", len(found), len(in.Outline))
		}
		for i, h := range found {
			if html.UnescapeString(h[1]) != in.Outline[i].Heading && !slices.Contains(odd, in.Primary) {
				return h[1]
			}
		}
		return ""
	}},
	{"H3StandsBelowH2", func(_ functions.ContentInput, out functions.ContentOutput, _ string) string {
		if h3 := strings.Index(out.HTML, "<h3>"); h3 >= 0 && h3 < strings.Index(out.HTML, "<h2>") {
			return "the first h3 is above every h2"
		}
		return ""
	}},
	{"TheHTMLIsWellFormed", func(_ functions.ContentInput, out functions.ContentOutput, _ string) string {
		return malformed(out.HTML)
	}},
	{"WhatStandsBesideItKeepsItsBounds", func(_ functions.ContentInput, out functions.ContentOutput, _ string) string {
		switch {
		case utf8.RuneCountInString(out.MetaTitle) > 60 || out.MetaTitle == "":
			return "meta title " + out.MetaTitle
		case utf8.RuneCountInString(out.MetaDescription) > 155 || out.MetaDescription == "":
			return "meta description " + out.MetaDescription
		case len(out.Categories) < 1 || len(out.Categories) > 2:
			return fmt.Sprint("categories ", out.Categories)
		case len(out.Tags) < 3 || len(out.Tags) > 6:
			return fmt.Sprint("tags ", out.Tags)
		case !strings.HasSuffix(out.Excerpt, "."):
			return "excerpt " + out.Excerpt
		}
		return ""
	}},
}

func checkArticle(t *testing.T, in functions.ContentInput, out functions.ContentOutput) {
	t.Helper()
	for _, rule := range articleRules {
		if why := rule.broken(in, out, visible(out.HTML)); why != "" {
			t.Errorf("%s: %q: %s", rule.name, in.Primary, why)
		}
	}
}

// plan buys ideas for a cluster and returns the brief of each.
func plan(t *testing.T, s *shop, cluster string, keywords []string, count int) (briefs []functions.ContentInput) {
	t.Helper()
	in := functions.IdeasInput{Cluster: cluster, Keywords: queries(keywords...), Count: count}
	titles, covered := map[string]bool{}, map[int]bool{}
	out := buy(t, s, s.set.Ideas, in)
	for _, idea := range out.Ideas {
		if titles[strings.ToLower(idea.Title)] {
			t.Errorf("two ideas have the title %q", idea.Title)
		}
		titles[strings.ToLower(idea.Title)] = true
		if n := len(idea.Outline); n < 6 || n > 8 {
			t.Errorf("%q has %d sections, want 6 to 8", idea.Title, n)
		}
		if idea.WordCount < 700 || idea.WordCount > 1100 {
			t.Errorf("%q has a word count of %d, want 700 to 1100", idea.Title, idea.WordCount)
		}
		for _, n := range append(idea.Secondary, idea.Primary) {
			if covered[n] {
				t.Errorf("keyword %d is covered twice", n)
			}
			covered[n] = true
		}
		headings := map[string]bool{}
		for _, section := range idea.Outline {
			if len(section.Points) < 1 || headings[section.Heading] || strings.Contains(section.Heading, "  ") || strings.ContainsAny(unquoted(section.Heading), "[|") && !slices.Contains(odd, keywords[idea.Primary-1]) {
				t.Errorf("%q: the section %+v has no points, or is there twice", idea.Title, section)
			}
			headings[section.Heading] = true
		}
		briefs = append(briefs, functions.ContentInput{Title: idea.Title, Description: idea.Description, Cluster: cluster, Type: idea.Type,
			Structure: idea.Structure, Primary: keywords[idea.Primary-1], Outline: idea.Outline, WordCount: idea.WordCount})
	}
	if len(covered) != len(keywords) {
		t.Errorf("%d of %d keywords are covered", len(covered), len(keywords))
	}
	return briefs
}

func TestArticlesKeepTheRules(t *testing.T) {
	s := open(t)
	pages := map[string]string{}
	sample := append([]string{}, plainKeywords...)
	for _, keywords := range realKeywords(t) {
		for i := 0; i < len(keywords); i += 41 {
			sample = append(sample, keywords[i])
		}
	}
	for at := 0; at < len(sample); at += 7 {
		batch := sample[at:min(len(sample), at+7)]
		for _, brief := range plan(t, s, "Sample Cluster", batch, min(len(batch), functions.MaxIdeas)) {
			out := buy(t, s, s.set.Content, brief)
			checkArticle(t, brief, out)
			if other, ok := pages[out.HTML]; ok && other != brief.Title {
				t.Errorf("%q and %q read the same", brief.Title, other)
			}
			pages[out.HTML] = brief.Title
		}
	}
	t.Logf("%d articles", len(pages))
}

func TestOddKeywordsMakeArticles(t *testing.T) {
	s := open(t)
	for at := 0; at < len(odd); at += 7 {
		batch := odd[at:min(len(odd), at+7)]
		for _, brief := range plan(t, s, "Odds and Ends", batch, len(batch)) {
			checkArticle(t, brief, buy(t, s, s.set.Content, brief))
		}
	}
	same := []string{"bread", "bread", "bread", "bread", "bread", "bread", "bread"}
	plan(t, s, "Bread", same, 7)
}

func TestStructureFollowsTheQuery(t *testing.T) {
	for query, want := range map[string]string{
		"how to make a sourdough starter": "guide", "best espresso beans": "listicle", "espresso vs moka pot": "comparison",
		"who sings she's like the wind": "article", "film soundtracks": "article",
	} {
		out := ask[functions.IdeasOutput](t, call(t, functions.GenerateIdeas, functions.IdeasInput{Cluster: "C", Keywords: queries(query), Count: 1}, 0))
		if got := out.Ideas[0].Structure; got != want {
			t.Errorf("%q becomes a %s, want a %s", query, got, want)
		}
	}
}

func TestTheMostSearchedForLead(t *testing.T) {
	in := functions.IdeasInput{Cluster: "Bread", Keywords: queries("rye bread", "white bread", "flat bread"), Count: 2}
	for i, volume := range []int64{10, 500, 200} {
		in.Keywords[i].Volume = &volume
	}
	out := ask[functions.IdeasOutput](t, call(t, functions.GenerateIdeas, in, 0))
	if out.Ideas[0].Primary != 2 || out.Ideas[1].Primary != 3 {
		t.Errorf("keywords %d and %d lead, want 2 and 3", out.Ideas[0].Primary, out.Ideas[1].Primary)
	}
}

func TestTheBoundOfARequestIsKept(t *testing.T) {
	for _, primary := range append([]string{"sourdough starter"}, odd...) {
		outline := ask[functions.IdeasOutput](t, call(t, functions.GenerateIdeas,
			functions.IdeasInput{Cluster: "Bread", Keywords: queries(primary), Count: 1}, 1400)).Ideas[0].Outline
		for words := int64(600); words <= 1500; words += 900 {
			in := functions.ContentInput{Title: "A Title", Primary: primary, Outline: outline, WordCount: words}
			bound := 1000 + 3*words
			text, err := functionstest.New().Text(call(t, functions.GenerateContent, in, bound))
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(text)) > 4*bound {
				t.Errorf("%q with %d words: %d bytes, the bound is %d", primary, words, len(text), 4*bound)
			}
			var out functions.ContentOutput
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(err)
			}
			checkArticle(t, in, out)
		}
	}
}

func TestASmallerBoundMakesAShorterArticle(t *testing.T) {
	outline := ask[functions.IdeasOutput](t, call(t, functions.GenerateIdeas,
		functions.IdeasInput{Cluster: "Bread", Keywords: queries("rye bread"), Count: 1}, 0)).Ideas[0].Outline
	in := functions.ContentInput{Title: "Rye", Primary: "rye bread", Outline: outline, WordCount: 1500}
	text, err := functionstest.New().Text(call(t, functions.GenerateContent, in, 1800))
	if err != nil || len(text) > 4*1800 || !json.Valid([]byte(text)) {
		t.Errorf("%d bytes, %v, want at most %d", len(text), err, 4*1800)
	}
}

func TestWhatComesFromTheInputIsEscaped(t *testing.T) {
	evil := `<script>alert("x")</script> & more`
	in := functions.ContentInput{Title: evil, Primary: evil, Cluster: evil, WordCount: 600,
		Outline: []functions.Section{{Heading: evil, Points: []string{evil, evil}}, {Heading: "Two", Points: []string{evil, "b"}}, {Heading: "Three"}}}
	out := ask[functions.ContentOutput](t, call(t, functions.GenerateContent, in, 0))
	if strings.Contains(out.HTML, "<script") || !strings.Contains(out.HTML, "&lt;script&gt;") {
		t.Errorf("the input is not escaped in %s", out.HTML)
	}
	if why := malformed(out.HTML); why != "" {
		t.Error(why)
	}
}
