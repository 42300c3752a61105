package functions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/scrip-go/scrip/engine"
)

// OptimizeInput asks for an article to be made better, for its readers and for those who look for it.
type OptimizeInput struct {
	Title           string   `json:"title"`
	HTML            string   `json:"html"`
	MetaTitle       string   `json:"meta_title,omitempty"`
	MetaDescription string   `json:"meta_description,omitempty"`
	Primary         string   `json:"primary_keyword"`
	Secondary       []string `json:"secondary_keywords,omitempty"`
}

// OptimizeOutput is the article as it is better. Its HTML is the model's: sanitise it before a browser sees it.
type OptimizeOutput struct {
	Title           string   `json:"title"`
	HTML            string   `json:"html"`
	MetaTitle       string   `json:"meta_title"`
	MetaDescription string   `json:"meta_description"`
	Changes         []string `json:"changes"` // what was changed, and why
}

var optimizeDefinition = engine.Definition[OptimizeInput, OptimizeOutput]{
	Name: OptimizeContent, Operation: "content_optimization",
	Validate: func(in OptimizeInput) error {
		switch {
		case strings.TrimSpace(in.Title) == "":
			return errors.New("the article has no title")
		case measure(in.HTML).words == 0:
			return errors.New("the article is empty")
		case strings.TrimSpace(in.Primary) == "":
			return errors.New("there is no primary keyword")
		}
		return nil
	},
	Text: &engine.Text[OptimizeInput, OptimizeOutput]{
		Messages: ask[OptimizeInput](OptimizeContent),
		// As much again as there is, a word of HTML in JSON taking up to about three tokens, and room for what is added. A
		// script without spaces has hardly any words, and up to about a token for each two bytes.
		MaxOutput: func(in OptimizeInput) int64 { return 1500 + int64(max(4*measure(in.HTML).words, len(in.HTML)/2)) },
		Check:     checkOptimized,
	},
}

// checkOptimized refuses an article that lost something on the way.
func checkOptimized(in OptimizeInput, out OptimizeOutput) error {
	var errs []error
	before, after := measure(in.HTML), measure(out.HTML)
	if strings.TrimSpace(out.Title) == "" {
		errs = append(errs, errors.New("the title is empty"))
	}
	// By characters, because not every script has spaces between its words.
	if is, was := utf8.RuneCountInString(after.text), utf8.RuneCountInString(before.text); is < was*4/5 {
		errs = append(errs, fmt.Errorf("the article has %d characters and had %d: shorten it by a fifth at most", is, was))
	}
	for _, link := range before.links {
		if !slices.Contains(after.links, link) {
			errs = append(errs, errors.New("a link of the article is missing"))
			break
		}
	}
	for _, picture := range before.pictures {
		if !slices.Contains(after.pictures, picture) {
			errs = append(errs, errors.New("a picture of the article is missing"))
			break
		}
	}
	return few(errs)
}

// OptimizeReport compares an article with what became of it, by rules and not by a model's opinion.
type OptimizeReport struct {
	Before, After Assessment
}

// Assessment is what an article is measured at.
type Assessment struct {
	Words         int
	Headings      int
	Paragraphs    int
	Links         int
	Pictures      int
	KeywordUses   int // of the primary keyword in the running text, whatever its case
	LongParagraph int // words of the longest paragraph
	Checks        []Check
	Score         int // percent of the checks that it passes
}

// Check is a rule that an article keeps or not.
type Check struct {
	Rule   string
	Passed bool
}

// Report compares the input with an output of the function.
func (in OptimizeInput) Report(out OptimizeOutput) OptimizeReport {
	return OptimizeReport{
		Before: assess(in.Title, in.HTML, in.MetaTitle, in.MetaDescription, in.Primary),
		After:  assess(out.Title, out.HTML, out.MetaTitle, out.MetaDescription, in.Primary),
	}
}

// assess measures an article. The lengths are what search engines show of a page: about 60 characters of its title and
// 155 of its description; a paragraph of more than 100 words is hard to read on a phone.
func assess(title, html, metaTitle, metaDescription, keyword string) Assessment {
	m := measure(html)
	key := strings.ToLower(strings.Join(strings.Fields(keyword), " "))
	a := Assessment{Words: m.words, Headings: m.headings, Paragraphs: m.paragraphs, Links: len(m.links), Pictures: len(m.pictures),
		LongParagraph: m.longest, KeywordUses: strings.Count(m.text, key)}
	opening, _, _ := strings.Cut(m.text, "\n")
	rule := func(name string, passed bool) { a.Checks = append(a.Checks, Check{name, passed}) }
	rule("the title has the keyword", strings.Contains(strings.ToLower(title), key))
	rule("the opening has the keyword", strings.Contains(opening, key))
	rule("the keyword is at most 3 % of the words", a.KeywordUses*len(strings.Fields(key))*100 <= 3*a.Words)
	rule("the meta title has 1 to 60 characters", within(metaTitle, 60))
	rule("the meta description has 1 to 155 characters", within(metaDescription, 155))
	rule("no stretch of 300 words is without a heading, on average", (a.Headings+1)*300 >= a.Words)
	rule("no paragraph has more than 100 words", a.LongParagraph <= 100)
	rule("every picture has a text for those who do not see it", m.unnamed == 0)
	passed := 0
	for _, c := range a.Checks {
		if c.Passed {
			passed++
		}
	}
	a.Score = 100 * passed / len(a.Checks)
	return a
}

func within(s string, most int) bool {
	n := len([]rune(strings.TrimSpace(s)))
	return n > 0 && n <= most
}
