package functionstest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

func find(pattern, in string) string {
	at := regexp.MustCompile(pattern).FindStringIndex(in)
	if at == nil {
		return ""
	}
	return fmt.Sprintf("%q in …%s…", in[at[0]:at[1]], in[max(0, at[0]-40):min(len(in), at[1]+40)])
}

// unquoted leaves out what the query itself says: it is quoted as it was typed.
func unquoted(s string) string {
	return regexp.MustCompile(`“[^”]*”`).ReplaceAllString(s, "“…”")
}

// visible returns what a reader sees, a block to a line.
func visible(markup string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.WriteString(strings.TrimRight(string(z.Text()), "\n"))
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) != "strong" {
				b.WriteByte('\n')
			}
		}
	}
}

// parents says where each element of an article may stand.
var parents = map[string]string{"p": "", "h2": "", "h3": "", "ul": "", "table": "", "li": "ul", "thead": "table", "tbody": "table",
	"tr": "thead tbody", "th": "tr", "td": "tr", "strong": "p li"}

func malformed(markup string) string {
	var open []string
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		kind := z.Next()
		name, attributes := z.TagName()
		switch kind {
		case html.ErrorToken:
			if len(open) > 0 {
				return "it ends inside " + open[len(open)-1]
			}
			return ""
		case html.StartTagToken:
			within, known := parents[string(name)]
			if top := append([]string{""}, open...)[len(open)]; !known || attributes || within == "" && top != "" || within != "" && !slices.Contains(strings.Fields(within), top) {
				return fmt.Sprintf("<%s> stands in <%s>", name, top)
			}
			open = append(open, string(name))
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != string(name) {
				return fmt.Sprintf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		case html.TextToken:
			if len(open) == 0 && strings.TrimSpace(string(z.Text())) != "" {
				return "a text stands outside of every element"
			}
		}
	}
}
