package functions

import (
	"errors"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// ContentInput is the brief of an article to be written.
type ContentInput struct {
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Cluster     string    `json:"cluster,omitempty"` // name
	Type        string    `json:"content_type"`
	Structure   string    `json:"content_structure"`
	Primary     string    `json:"primary_keyword"`
	Secondary   []string  `json:"secondary_keywords,omitempty"`
	Outline     []Section `json:"outline"`
	WordCount   int64     `json:"word_count"`
}

// ContentOutput is a written article. Its HTML is the model's: sanitise it before a browser sees it.
type ContentOutput struct {
	Title           string   `json:"title"`
	HTML            string   `json:"html"`
	Excerpt         string   `json:"excerpt"`
	MetaTitle       string   `json:"meta_title"`
	MetaDescription string   `json:"meta_description"`
	Categories      []string `json:"categories"`
	Tags            []string `json:"tags"`
}

var contentDefinition = engine.Definition[ContentInput, ContentOutput]{
	Name: GenerateContent, Operation: "content_generation",
	Validate: func(in ContentInput) error {
		switch {
		case strings.TrimSpace(in.Title) == "":
			return errors.New("the brief has no title")
		case strings.TrimSpace(in.Primary) == "":
			return errors.New("the brief has no primary keyword")
		case len(in.Outline) == 0:
			return errors.New("the brief has no outline")
		}
		return nil
	},
	Text: &engine.Text[ContentInput, ContentOutput]{
		Messages: ask[ContentInput](GenerateContent),
		// A word of HTML in JSON takes up to about three tokens; the rest is for the fields beside the body.
		MaxOutput: func(in ContentInput) int64 { return 1000 + 3*max(in.WordCount, 600) },
		Check: func(_ ContentInput, out ContentOutput) error {
			m := measure(out.HTML)
			switch {
			case strings.TrimSpace(out.Title) == "":
				return errors.New("the title is empty")
			case m.sections == 0, m.longest == 0:
				return errors.New("the html must have sections with h2 headings and p paragraphs")
			case strings.TrimSpace(out.Excerpt) == "":
				return errors.New("the excerpt is empty")
			}
			return nil
		},
	},
}
