package functionstest

import (
	"strings"

	"github.com/scrip-go/scrip/engine/functions"
)

// layout is how a section shows its points.
type layout int

const (
	plain    layout = iota // paragraphs only
	runIn                  // each paragraph begins with a point
	listed                 // the points are a list
	tabled                 // the points are a table
	headings               // the points are h3 headings
)

// layouts gives each section a layout, so that an article has at least one list, and two articles are not built alike.
func (w *writer) layouts(in functions.ContentInput) []layout {
	out := make([]layout, len(in.Outline))
	if len(out) == 0 {
		return out
	}
	for i := range out {
		if len(in.Outline[i].Points) > 0 && w.rng.IntN(2) == 0 {
			out[i] = runIn
		}
	}
	pick := func(l layout) {
		at := w.rng.IntN(len(out))
		for range out { // the next section that has points and nothing special yet
			if out[at] <= runIn && len(in.Outline[at].Points) > 1 {
				out[at] = l
				return
			}
			at = (at + 1) % len(out)
		}
	}
	pick(listed)
	if in.Structure == "comparison" || w.rng.IntN(2) == 0 {
		pick(tabled)
	}
	if in.Structure == "listicle" || len(out) > 6 {
		pick(listed)
	}
	if len(out) > 4 && w.rng.IntN(3) == 0 {
		pick(headings)
	}
	return out
}

// section writes a section of about so many words.
func (w *writer) section(b *strings.Builder, s functions.Section, l layout, words int) {
	heading := clean(s.Heading)
	theme := themeOf(heading, len(w.used))
	b.WriteString("<h2>" + escape(upperFirst(heading)) + "</h2>\n")
	var points []string
	for _, p := range s.Points {
		if p = strings.TrimRight(clean(p), ".:;,"); p != "" {
			points = append(points, escape(upperFirst(p)))
		}
	}
	if l == listed || l == tabled {
		words -= 14 * len(points)
	}
	// A section has at least one paragraph, and paragraphs have about 54 words.
	n := max(1, (words+20)/54)
	for i := range n {
		p := w.paragraph(theme)
		if p == "" {
			break
		}
		switch {
		case l == headings && i < len(points):
			b.WriteString("<h3>" + points[i] + "</h3>\n")
		case l == runIn && i < len(points):
			p = "<strong>" + points[i] + ".</strong> " + p
		}
		b.WriteString("<p>" + p + "</p>\n")
		if i == 0 && l == listed {
			w.list(b, points)
		}
	}
	if l == tabled {
		w.table(b, points)
	}
}

func (w *writer) list(b *strings.Builder, points []string) {
	if lead := w.line("listlead", '-'); lead != "" {
		b.WriteString("<p>" + lead + "</p>\n")
	}
	b.WriteString("<ul>\n")
	for _, p := range points {
		b.WriteString("<li>" + strings.TrimSpace("<strong>"+p+".</strong> "+w.line("item", '-')) + "</li>\n")
	}
	b.WriteString("</ul>\n")
}

func (w *writer) table(b *strings.Builder, points []string) {
	b.WriteString("<p>" + w.line("tablelead", '-') + "</p>\n<table>\n<thead><tr><th>What to look at</th><th>Why it matters</th></tr></thead>\n<tbody>\n")
	for _, p := range points {
		b.WriteString("<tr><td>" + p + "</td><td>" + w.line("item", '-') + "</td></tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
}

// The bounds of a paragraph, in words.
const (
	minParagraph = 42
	maxParagraph = 78
)

// paragraph returns a paragraph on a theme, and on whatever is left when the theme has been used up; "" in the end.
func (w *writer) paragraph(theme string) string {
	var said []string
	words := 0
	add := func(mark byte) bool {
		for _, t := range []string{theme, "general", "context", "sources", "meaning", "confusion", "history", "next", "steps"} {
			if s, ok := w.say(t, mark); ok {
				said = append(said, s)
				words += len(strings.Fields(s))
				return true
			}
		}
		return false
	}
	if !add('>') {
		add('-')
	}
	for words < minParagraph && add('-') {
	}
	if words < maxParagraph-18 && w.rng.IntN(2) == 0 {
		add('<')
	}
	if words < 25 { // the sentences have run out
		return ""
	}
	return strings.Join(said, " ")
}
