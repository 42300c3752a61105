package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/scrip-go/scrip/automation/pipeline"
)

func TestSanitizeLeavesAnArticleAndNothingThatRuns(t *testing.T) {
	for dirty, want := range map[string]string{
		`<h2>A</h2><p>b <strong>c</strong> <em>d</em></p>`:                                    `<h2>A</h2><p>b <strong>c</strong> <em>d</em></p>`,
		`<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>`: `<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>`,
		`<p>a</p><script>alert(1)</script>`:                                                   `<p>a</p>`,
		`<p onclick="alert(1)" style="color:red" class="x" id="y">a</p>`:                      `<p>a</p>`,
		`<a href="javascript:alert(1)">a</a>`:                                                 `a`,
		`<a href="JaVaScRiPt:alert(1)">a</a>`:                                                 `a`,
		`<a href="data:text/html;base64,xxxx">a</a>`:                                          `a`,
		`<a href="https://example.com/x">a</a>`:                                               `<a href="https://example.com/x" rel="nofollow">a</a>`,
		`<img src=x onerror=alert(1)>`:                                                        ``,
		`<iframe src="https://example.com"></iframe>a`:                                        `a`,
		`<svg><script>alert(1)</script></svg>`:                                                ``,
		`<h1>Title</h1><p>a</p>`:                                                              `Title<p>a</p>`,
		`<style>p{}</style><p>a</p>`:                                                          `<p>a</p>`,
		`<h2 data-x="1">A</h2>`:                                                               `<h2>A</h2>`,
		`a < b & c`:                                                                           `a &lt; b &amp; c`,
		"":                                                                                    "",
	} {
		if got := pipeline.Sanitize(dirty); got != want {
			t.Errorf("Sanitize(%q) = %q, want %q", dirty, got, want)
		}
	}
}

var allowed = map[atom.Atom]bool{atom.Html: true, atom.Head: true, atom.Body: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.P: true, atom.Br: true,
	atom.Ul: true, atom.Ol: true, atom.Li: true, atom.Table: true, atom.Thead: true, atom.Tbody: true, atom.Tr: true, atom.Th: true, atom.Td: true, atom.Strong: true,
	atom.Em: true, atom.B: true, atom.I: true, atom.Blockquote: true, atom.Code: true, atom.Pre: true, atom.Hr: true, atom.A: true}

// FuzzSanitize: whatever a model writes, a browser sees allowed elements only, with nothing but links on them.
func FuzzSanitize(f *testing.F) {
	for _, seed := range []string{`<p>a</p>`, `<a href="javascript:x">`, `<<script>alert(1)</script>`, `<p/onclick=x>`, "<h2>a<h2>b", `<a href=" &#106;avascript:x">`, `<math><mtext><img src=x onerror=y>`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dirty string) {
		clean := pipeline.Sanitize(dirty)
		doc, err := html.Parse(strings.NewReader(clean))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !allowed[n.DataAtom] {
				t.Errorf("Sanitize(%q) = %q has <%s>", dirty, clean, n.Data)
			}
			for _, a := range n.Attr {
				scheme, _, hasScheme := strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), ":")
				if a.Key != "href" && a.Key != "rel" || a.Key == "href" && hasScheme && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz") == "" && !slices.Contains([]string{"http", "https", "mailto"}, scheme) {
					t.Errorf("Sanitize(%q) = %q has %s=%q", dirty, clean, a.Key, a.Val)
				}
			}
		}
		_ = pipeline.CountWords(clean)
		_ = pipeline.Headings(clean)
	})
}

func TestCountsWhatAReaderSees(t *testing.T) {
	clean := `<h2>Two <em>words</em></h2><p>and&nbsp;one more: a&amp;b</p><ul><li>x</li><li>y</li></ul>`
	if got := pipeline.CountWords(clean); got != 8 {
		t.Errorf("CountWords = %d, want 8", got)
	}
	if got := pipeline.Headings(clean + "<h2> Second &amp; last </h2>"); !slices.Equal(got, []string{"Two words", "Second & last"}) {
		t.Errorf("Headings = %q", got)
	}
}
