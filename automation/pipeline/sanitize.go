package pipeline

import (
	"html"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// articlePolicy allows what an article is made of, and no way to run or load anything.
var articlePolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h2", "h3", "h4", "p", "br", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td",
		"strong", "em", "b", "i", "blockquote", "code", "pre", "hr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	return p
})

// Sanitize returns a model's HTML without anything but the elements of an article: no scripts, styles, frames, forms,
// images or event handlers, and links to web and mail addresses only.
func Sanitize(dirty string) string {
	return strings.TrimSpace(articlePolicy().Sanitize(dirty))
}

// text returns what a reader sees of sanitised HTML.
func text(clean string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(clean, '<')
		if open < 0 {
			b.WriteString(clean)
			return html.UnescapeString(b.String())
		}
		b.WriteString(clean[:open])
		b.WriteByte(' ') // a tag separates words
		end := strings.IndexByte(clean[open:], '>')
		if end < 0 {
			return html.UnescapeString(b.String())
		}
		clean = clean[open+end+1:]
	}
}

func countWords(clean string) int64 { return int64(len(strings.Fields(text(clean)))) }

// headings returns the texts of the h2 headings of sanitised HTML.
func headings(clean string) []string {
	var out []string
	for _, section := range strings.Split(clean, "<h2>")[1:] {
		heading, _, _ := strings.Cut(section, "</h2>")
		out = append(out, strings.Join(strings.Fields(text(heading)), " "))
	}
	return out
}
