package functions

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// MaxLinks is the most links that are looked for in one call; the original system asked for five.
const MaxLinks = 20

// LinksInput asks for places in an article from which to link to other pages of the site.
type LinksInput struct {
	Title   string   `json:"title"`
	HTML    string   `json:"html"`
	Targets []Target `json:"targets"` // at least one, numbered from 1
	Max     int      `json:"max"`     // how many links at most: 1 to MaxLinks
}

// Target is a page that may be linked to.
type Target struct {
	N       int    `json:"n"` // 1, 2, 3 …
	Title   string `json:"title"`
	URL     string `json:"url"`               // http, https, or a path that begins with one slash
	Keyword string `json:"keyword,omitempty"` // what the page is about
}

// LinksOutput is links that can all be inserted; there may be none.
type LinksOutput struct {
	Links []Link `json:"links"`
}

// Link is a place to link from.
type Link struct {
	Target int    `json:"target"` // number of the input's target
	Anchor string `json:"anchor"` // words of the article, as they are there
	Reason string `json:"reason"`
}

var linksDefinition = engine.Definition[LinksInput, LinksOutput]{
	Name: GenerateInternalLinks, Operation: "internal_linking",
	Validate: func(in LinksInput) error {
		switch {
		case strings.TrimSpace(in.HTML) == "":
			return errors.New("the article is empty")
		case len(in.Targets) == 0:
			return errors.New("there are no pages to link to")
		case in.Max < 1 || in.Max > MaxLinks:
			return fmt.Errorf("%d links: ask for 1 to %d", in.Max, MaxLinks)
		}
		seen := map[string]bool{}
		for i, t := range in.Targets {
			switch {
			case t.N != i+1:
				return fmt.Errorf("target %d has the number %d: number them from 1", i+1, t.N)
			case strings.TrimSpace(t.Title) == "":
				return fmt.Errorf("target %d has no title", t.N)
			case !linkable(t.URL):
				return fmt.Errorf("target %d: its URL is neither http nor https nor a path from the site's root", t.N)
			case seen[t.URL]:
				return fmt.Errorf("target %d has the URL of another", t.N)
			}
			seen[t.URL] = true
		}
		return nil
	},
	Text: &engine.Text[LinksInput, LinksOutput]{
		Messages:  ask[LinksInput](GenerateInternalLinks),
		MaxOutput: func(in LinksInput) int64 { return 200 + 100*int64(in.Max) },
		Check: func(in LinksInput, out LinksOutput) error {
			_, err := in.Insert(out)
			return err
		},
	},
}

// Insert returns the article with the links of an output. Not a byte of it is changed but for the links. Errors name
// the links that cannot be inserted: no such target, one that was linked to already, or an anchor that is not in the
// article's running text.
func (in LinksInput) Insert(out LinksOutput) (string, error) {
	var errs []error
	if len(out.Links) > in.Max {
		errs = append(errs, fmt.Errorf("%d links, want at most %d", len(out.Links), in.Max))
	}
	linked, markup := map[int]bool{}, in.HTML
	for _, l := range out.Links {
		switch {
		case l.Target < 1 || l.Target > len(in.Targets):
			errs = append(errs, fmt.Errorf("there is no target %d", l.Target))
			continue
		case linked[l.Target]:
			errs = append(errs, fmt.Errorf("target %d is linked to twice", l.Target))
			continue
		}
		linked[l.Target] = true
		with, done := insertLink(markup, l.Anchor, in.Targets[l.Target-1].URL)
		if !done {
			errs = append(errs, fmt.Errorf("the anchor of target %d is not in the running text of the article, outside headings and links", l.Target))
			continue
		}
		markup = with
	}
	return markup, few(errs)
}
