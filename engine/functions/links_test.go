package functions_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/engine/functions"
	markup "golang.org/x/net/html"
)

// linking is an article with one page to link to.
func linking(article string) functions.LinksInput {
	return functions.LinksInput{Title: "t", HTML: article, Max: 2, Targets: []functions.Target{
		{N: 1, Title: "Rye", URL: "/rye?a=1&b=\"2\""}, {N: 2, Title: "Spelt", URL: "https://example.com/spelt"}}}
}

func TestALinkIsInsertedAndNothingElseIsChanged(t *testing.T) {
	const open, end = `<a href="/rye?a=1&amp;b=&#34;2&#34;">`, `</a>`
	for _, c := range []struct{ rule, article, anchor, want string }{
		{"the first time it is there", `<p>rye bread and rye bread</p>`, "rye bread", `<p>[rye bread] and rye bread</p>`},
		{"whole words only", `<p>rye breads, prerye bread, rye bread</p>`, "rye bread", `<p>rye breads, prerye bread, [rye bread]</p>`},
		{"not in a heading", `<h2>rye bread</h2><p>rye bread</p>`, "rye bread", `<h2>rye bread</h2><p>[rye bread]</p>`},
		{"not in a link", `<p><a href="/x">rye bread</a> rye bread</p>`, "rye bread", `<p><a href="/x">rye bread</a> [rye bread]</p>`},
		{"not in a link's bold word", `<p><a href="/x"><b>rye bread</b></a></p><li>rye bread</li>`, "rye bread", `<p><a href="/x"><b>rye bread</b></a></p><li>[rye bread]</li>`},
		{"not in code or a caption", `<pre>rye bread</pre><code>rye bread</code><figcaption>rye bread</figcaption><p>rye bread`, "rye bread",
			`<pre>rye bread</pre><code>rye bread</code><figcaption>rye bread</figcaption><p>[rye bread]`},
		{"not in a script or a comment", `<script>rye bread</script><!-- rye bread --><p title="rye bread">rye bread</p>`, "rye bread",
			`<script>rye bread</script><!-- rye bread --><p title="rye bread">[rye bread]</p>`},
		{"in a bold word", `<p>good <strong>rye bread</strong></p>`, "rye bread", `<p>good <strong>[rye bread]</strong></p>`},
		{"over white space", "<p>rye\n\t bread&nbsp;rolls</p>", "rye bread rolls", "<p>[rye\n\t bread&nbsp;rolls]</p>"},
		{"over character references", `<p>Q&amp;A: &quot;salt &amp; rye&quot;</p>`, `salt & rye`, `<p>Q&amp;A: &quot;[salt &amp; rye]&quot;</p>`},
		{"with an apostrophe", `<p>the baker&#39;s dozen</p>`, `the baker's dozen`, `<p>[the baker&#39;s dozen]</p>`},
		{"of another script", `<p>面包 怎么 做。как испечь хлеб?</p>`, `как испечь хлеб`, `<p>面包 怎么 做。[как испечь хлеб]?</p>`},
		{"in markup that nobody closed", `<p>one<p>two rye bread<br/><img src=x>`, "rye bread", `<p>one<p>two [rye bread]<br/><img src=x>`},
		{"behind a link that nobody opened", `</a><p>rye bread</p>`, "rye bread", `</a><p>[rye bread]</p>`},
		{"in a text alone", `rye bread`, "rye bread", `[rye bread]`},
		{"whole words with their accents only", "<p>cafe\u0301 cafe</p>", "cafe", "<p>cafe\u0301 [cafe]</p>"},
		{"whole words with their vowels only", `<p>हिन्दी हिन</p>`, "हिन", `<p>हिन्दी [हिन]</p>`},
		{"behind a reference that nobody ended", `<p>&copy 2024 rye bread; salt</p>`, "rye bread", `<p>&copy 2024 [rye bread]; salt</p>`},
		{"over a reference of two characters", `<p>a &nvlt; b</p>`, "a <\u20d2 b", `<p>[a &nvlt; b]</p>`},
		{"beside what looks like a reference", `<p>AT&T &copy rye bread & co</p>`, "rye bread", `<p>AT&T &copy [rye bread] & co</p>`},
	} {
		in := linking(c.article)
		got, err := in.Insert(functions.LinksOutput{Links: []functions.Link{{Target: 1, Anchor: c.anchor}}})
		want := strings.NewReplacer("[", open, "]", end).Replace(c.want)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", c.rule, got, err, want)
		}
	}
}

func TestALinkThatCannotBeIsRefused(t *testing.T) {
	in := linking(`<h2>rye bread</h2><p>spelt bread and oat <b>bread</b></p>`)
	for _, c := range []struct {
		rule  string
		links []functions.Link
		want  string
	}{
		{"an anchor that is not there", []functions.Link{{Target: 1, Anchor: "wheat"}}, "anchor of target 1 is not in the running text"},
		{"an anchor in a heading", []functions.Link{{Target: 1, Anchor: "rye bread"}}, "anchor of target 1"},
		{"an anchor over two texts", []functions.Link{{Target: 1, Anchor: "oat bread"}}, "anchor of target 1"},
		{"an anchor in another case", []functions.Link{{Target: 1, Anchor: "Spelt"}}, "anchor of target 1"},
		{"an anchor of nothing", []functions.Link{{Target: 1, Anchor: " "}}, "anchor of target 1"},
		{"a link in a link", []functions.Link{{Target: 1, Anchor: "spelt bread"}, {Target: 2, Anchor: "spelt"}}, "anchor of target 2"},
		{"a page twice", []functions.Link{{Target: 1, Anchor: "spelt"}, {Target: 1, Anchor: "oat"}}, "target 1 is linked to twice"},
		{"a page that is not there", []functions.Link{{Target: 3, Anchor: "spelt"}}, "there is no target 3"},
		{"too many", []functions.Link{{Target: 1, Anchor: "spelt"}, {Target: 2, Anchor: "oat"}, {Target: 3, Anchor: "and"}}, "3 links, want at most 2"},
	} {
		if _, err := in.Insert(functions.LinksOutput{Links: c.links}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.rule, err, c.want)
		}
	}
	if got, err := in.Insert(functions.LinksOutput{}); err != nil || got != in.HTML {
		t.Errorf("no links: %q, %v", got, err)
	}
}

// FuzzInsert links a word of whatever article, and looks at it as a browser would.
func FuzzInsert(f *testing.F) {
	for _, s := range []string{`<p>rye bread`, `<h2>rye</h2><p>rye</p>`, `a&amp;rye`, `<a>rye</a>rye`, `<!--rye--><svg>rye</svg>rye`, "rye\x00", `<textarea>rye`,
		`<table>rye<tr><td>rye`, `<p>rye &#114;ye`, `<title>rye</title>rye`, `<plaintext>rye`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, article string) {
		in := linking(article)
		got, err := in.Insert(functions.LinksOutput{Links: []functions.Link{{Target: 2, Anchor: "rye"}}})
		if err != nil {
			if got != article {
				t.Fatalf("%q was changed to %q, and then refused: %v", article, got, err)
			}
			return
		}
		if without := strings.Replace(strings.Replace(got, `<a href="https://example.com/spelt">`, "", 1), "</a>", "", 1); len(without) != len(article) {
			t.Fatalf("%q became %q: more than a link is new", article, got)
		}
		if before, after := words(t, article), words(t, got); before != after {
			t.Fatalf("the text %q became %q", before, after)
		}
	})
}

// words is the text of a page as a browser has it.
func words(t *testing.T, article string) string {
	t.Helper()
	z := markup.NewTokenizer(strings.NewReader(article))
	var b strings.Builder
	for {
		switch z.Next() {
		case markup.ErrorToken:
			return b.String()
		case markup.TextToken:
			b.WriteString(html.UnescapeString(string(z.Raw())))
		}
	}
}

func ExampleLinksInput_Insert() {
	in := functions.LinksInput{HTML: "<p>A sourdough starter takes a week &amp; a jar.</p>", Max: 3,
		Targets: []functions.Target{{N: 1, Title: "Starters", URL: "/guides/starter"}}}
	article, err := in.Insert(functions.LinksOutput{Links: []functions.Link{{Target: 1, Anchor: "sourdough starter"}}})
	fmt.Println(article, err)
	// Output:
	// <p>A <a href="/guides/starter">sourdough starter</a> takes a week &amp; a jar.</p> <nil>
}
