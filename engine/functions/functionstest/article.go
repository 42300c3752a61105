package functionstest

import (
	"strings"

	"github.com/scrip-go/scrip/engine/functions"
)

// article writes an article: an opening, and a section for each entry of the outline.
func article(in functions.ContentInput, tight int) functions.ContentOutput {
	q := understand(in.Primary, in.Cluster, in.Title, strings.Join(in.Secondary, " "))
	w := newWriter(q, seeded("content", in.Title, in.Primary), escape)
	title := clean(in.Title)

	var b strings.Builder
	b.WriteString("<p>" + w.opening() + "</p>\n")
	want := in.WordCount
	if want <= 0 {
		want = 800
	}
	// Each attempt that was too long makes the next one a tenth shorter.
	want -= want * int64(min(tight, 7)) / 10
	layouts := w.layouts(in)
	for i, s := range in.Outline {
		done := len(strings.Fields(text(b.String())))
		w.section(&b, s, layouts[i], (int(want)-done)/(len(in.Outline)-i))
	}
	plain := newWriter(q, seeded("summary", in.Title), func(s string) string { return s })
	return functions.ContentOutput{
		Title:           title,
		HTML:            strings.TrimSpace(b.String()),
		Excerpt:         plain.line("excerpt", '-'),
		MetaTitle:       short(title, 60),
		MetaDescription: clip(plain.line("meta", '-'), 155),
		Categories:      []string{q.field.label},
		Tags:            labels(q, in),
	}
}

// escape makes a text safe inside an element. An apostrophe needs no escape there, and would be five bytes.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace

// opening is the first paragraph: it repeats the query, as the reader typed it.
func (w *writer) opening() string {
	return strings.Join([]string{w.line("opening", '>'), w.line("opening", '-'), w.line("opening", '<')}, " ")
}

// labels returns three to six tags.
func labels(q query, in functions.ContentInput) []string {
	candidates := []string{q.kind.label}
	if name := clean(in.Cluster); name != "" && len(name) <= 40 {
		candidates = append([]string{titled(name)}, candidates...)
	}
	if len(q.name) <= 40 && !strings.HasPrefix(q.name, "the ") {
		candidates = append(candidates, titled(strings.Trim(q.name, "“”")))
	}
	candidates = append(candidates, q.field.label, "Short Guides", "How to Check", "Background Reading")
	var out []string
	seen := map[string]bool{}
	for _, c := range candidates {
		if key := strings.ToLower(c); !seen[key] && len(out) < 5 {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

// text returns HTML of our own without its tags.
func text(markup string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(markup, "<")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteByte(' ')
		_, markup, _ = strings.Cut(rest, ">")
	}
}

// cues say which theme a heading has; the first that it contains decides.
var cues = []struct{ word, theme string }{
	{"mistake", "confusion"}, {"mix-up", "confusion"}, {"mixed up", "confusion"}, {"confus", "confusion"}, {"misunderst", "confusion"},
	{"both be right", "confusion"}, {"both right", "confusion"}, {"wrong", "confusion"}, {"myth", "confusion"}, {"avoid", "confusion"},
	{"step", "steps"}, {"get started", "steps"}, {"half-remembered", "steps"}, {"prepar", "steps"}, {"how to make", "steps"},
	{"short answer", "answer"}, {"in short", "answer"}, {"in brief", "answer"}, {"summary", "answer"},
	{"where to", "sources"}, {"source", "sources"}, {"evidence", "sources"}, {"check", "sources"},
	{"over time", "history"}, {"original", "history"}, {"version", "history"}, {"older", "history"}, {"earlier", "history"},
	{"history", "history"}, {"came after", "history"}, {"first record", "history"}, {"origin", "history"}, {"circulation", "history"},
	{"side by side", "compare"}, {"compar", "compare"}, {"choos", "compare"}, {"choice", "compare"}, {"differ", "compare"}, {"in common", "compare"},
	{"mean", "meaning"}, {"asking", "meaning"}, {"question is", "meaning"}, {"behind", "meaning"}, {"covers in", "meaning"}, {"being counted", "meaning"},
	{"context", "context"}, {"background", "context"}, {"around", "context"}, {"why", "context"},
	{"next", "next"}, {"also ask", "next"}, {"remember", "next"}, {"come next", "next"}, {"faq", "next"},
}

// themeOf returns the theme of a heading, or that of a heading's place when it gives no cue.
func themeOf(heading string, at int) string {
	heading = strings.ToLower(heading)
	for _, c := range cues {
		if strings.Contains(heading, c.word) {
			return c.theme
		}
	}
	return []string{"meaning", "context", "general", "sources", "history", "steps"}[at%6]
}
