package functions

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	markup "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// linkable reports whether a URL may be linked to from the site's pages. To a browser a path that begins with two slashes,
// or with a backslash for the second, is one of another host.
func linkable(s string) bool {
	u, err := url.Parse(s)
	switch {
	case err != nil || s != strings.TrimSpace(s):
		return false
	case u.Scheme == "":
		return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, `/\`)
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// apart are elements whose text is not running text: a link in it would be wrong, or be no link.
var apart = map[atom.Atom]bool{atom.A: true, atom.Button: true, atom.Code: true, atom.Pre: true, atom.Script: true, atom.Style: true,
	atom.Title: true, atom.Textarea: true, atom.Select: true, atom.Figcaption: true, atom.Svg: true, atom.Noscript: true, atom.Iframe: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Th: true, atom.Label: true, atom.Template: true,
	atom.Plaintext: true, atom.Xmp: true, atom.Noembed: true, atom.Noframes: true, atom.Listing: true}

// insertLink makes the first occurrence of an anchor in running text a link, and leaves every other byte as it is. The
// anchor is words of a single text: white space counts as one space, and it begins and ends where words do.
func insertLink(source, anchor, url string) (string, bool) {
	wanted := strings.Join(strings.Fields(anchor), " ")
	if wanted == "" {
		return source, false
	}
	depth := 0 // of elements that are apart
	z := markup.NewTokenizer(strings.NewReader(source))
	for at := 0; ; {
		kind := z.Next()
		raw := source[at : at+len(z.Raw())]
		at += len(raw)
		switch kind {
		case markup.ErrorToken:
			return source, false
		case markup.StartTagToken, markup.EndTagToken:
			name, _ := z.TagName()
			switch {
			case !apart[atom.Lookup(name)]:
			case kind == markup.StartTagToken:
				depth++
			default:
				depth = max(depth-1, 0)
			}
		case markup.TextToken:
			if from, to, found := find(raw, wanted); found && depth == 0 {
				begin, end := at-len(raw)+from, at-len(raw)+to
				return source[:begin] + `<a href="` + html.EscapeString(url) + `">` + source[begin:end] + `</a>` + source[end:], true
			}
		}
	}
}

// find returns where in a raw text of HTML, with its character references, a text of words is.
func find(raw, wanted string) (from, to int, found bool) {
	text, at := readable(raw)
	for start := 0; ; {
		i := strings.Index(text[start:], wanted)
		if i < 0 {
			return 0, 0, false
		}
		i += start
		j := i + len(wanted)
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[j:])
		if (i == 0 || !inWord(before)) && (j == len(text) || !inWord(after)) {
			return at[i], at[j], true
		}
		_, width := utf8.DecodeRuneInString(text[i:])
		start = i + width
	}
}

// inWord tells what words are made of: also the marks that are written as characters of their own, such as accents and vowels.
func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

// readable returns a raw text as it is read, white space as single spaces, and for each of its bytes, and its end, where
// that begins in the raw one.
func readable(raw string) (text string, at []int) {
	var b strings.Builder
	add := func(s string, from int) {
		for range len(s) {
			at = append(at, from)
		}
		b.WriteString(s)
	}
	for i := 0; i < len(raw); {
		piece, width := raw[i:i+1], 1
		if raw[i] == '&' {
			if end := strings.IndexByte(raw[i:min(len(raw), i+40)], ';'); end > 0 {
				// No reference stands for more than two characters: what has more is text between a "&copy" and a ";".
				if s := html.UnescapeString(raw[i : i+end+1]); s != raw[i:i+end+1] && utf8.RuneCountInString(s) <= 2 {
					piece, width = s, end+1
				}
			}
		} else if raw[i] >= utf8.RuneSelf {
			_, width = utf8.DecodeRuneInString(raw[i:])
			piece = raw[i : i+width]
		}
		if strings.TrimSpace(piece) == "" {
			if !strings.HasSuffix(b.String(), " ") {
				add(" ", i)
			}
		} else {
			add(piece, i)
		}
		i += width
	}
	return b.String(), append(at, len(raw))
}

// measures is what there is in an article.
type measures struct {
	words, headings, paragraphs int
	sections                    int      // headings that are h2
	longest                     int      // words of a paragraph
	links, pictures             []string // where they point to
	unnamed                     int      // pictures without an alternative text
	text                        string   // lower case, a line for each block
}

// blocks end a line of text.
var blocks = map[atom.Atom]bool{atom.P: true, atom.Li: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
	atom.Td: true, atom.Th: true, atom.Blockquote: true, atom.Div: true, atom.Section: true, atom.Br: true, atom.Figcaption: true, atom.Dt: true, atom.Dd: true}

// silent are elements whose text nobody reads.
var silent = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true}

func measure(source string) (m measures) {
	var lines []string
	var line strings.Builder
	end := func(block atom.Atom) {
		words := strings.Fields(line.String())
		line.Reset()
		if block == atom.P {
			m.longest = max(m.longest, len(words))
		}
		if len(words) > 0 {
			m.words += len(words)
			lines = append(lines, strings.ToLower(strings.Join(words, " ")))
		}
	}
	hidden := 0
	z := markup.NewTokenizer(strings.NewReader(source))
	for {
		kind := z.Next()
		if kind == markup.ErrorToken {
			end(0)
			m.text = strings.Join(lines, "\n")
			return m
		}
		t := z.Token()
		if blocks[t.DataAtom] {
			end(t.DataAtom)
		}
		switch kind {
		case markup.TextToken:
			if hidden == 0 {
				line.WriteString(t.Data)
			}
		case markup.StartTagToken, markup.SelfClosingTagToken:
			m.open(t)
			if kind == markup.StartTagToken && silent[t.DataAtom] {
				hidden++
			}
		case markup.EndTagToken:
			if silent[t.DataAtom] {
				hidden = max(hidden-1, 0)
			}
		}
	}
}

func (m *measures) open(t markup.Token) {
	attribute := func(name string) string {
		for _, a := range t.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	switch t.DataAtom {
	case atom.P:
		m.paragraphs++
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		m.headings++
		if t.DataAtom == atom.H2 {
			m.sections++
		}
	case atom.A:
		if href := attribute("href"); href != "" {
			m.links = append(m.links, href)
		}
	case atom.Img:
		m.pictures = append(m.pictures, attribute("src"))
		if strings.TrimSpace(attribute("alt")) == "" {
			m.unnamed++
		}
	}
}
