package content_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/automation/content"
)

var statuses = []content.Status{"", content.New, content.Mapped, content.Queued, content.Completed, content.Draft, content.Review,
	content.Approved, content.Pending, content.Generated, content.Failed, "unheard of"}

// walk checks every step between two statuses against those that are legal; from "" means a new row.
func walk[T content.Row[T]](t *testing.T, row func(content.Status) T, legal ...string) {
	t.Helper()
	allowed := map[string]bool{}
	for _, l := range legal {
		allowed[l] = true
	}
	for _, from := range statuses {
		for _, to := range statuses {
			var old *T
			if from != "" {
				r := row(from)
				old = &r
			}
			err := row(to).Check(old)
			step := fmt.Sprintf("%s→%s", from, to)
			want := allowed[step] || from == to && from != ""
			if (err == nil) != want || err != nil && !errors.Is(err, content.ErrTransition) {
				t.Errorf("%T %s: %v, want it legal: %v", row(to), step, err, want)
			}
			var refused *content.TransitionError
			if errors.As(err, &refused) && (refused.From != from || refused.To != to || refused.ID != "1") {
				t.Errorf("%s: the error says %+v", step, refused)
			}
		}
	}
}

func base(s content.Status) content.Base { return content.Base{ID: "1", Site: "s", Status: s} }

func TestRowsTakeLegalStepsOnly(t *testing.T) {
	brief := content.Brief{Title: "A title"}
	walk(t, func(s content.Status) content.Keyword {
		return content.Keyword{Base: base(s), Text: "tea", Cluster: "c"}
	}, "→new", "new→mapped")
	walk(t, func(s content.Status) content.Cluster { return content.Cluster{Base: base(s), Name: "Tea"} }, "→new", "new→mapped")
	walk(t, func(s content.Status) content.Idea { return content.Idea{Base: base(s), Cluster: "c", Brief: brief} },
		"→new", "new→queued", "queued→completed")
	walk(t, func(s content.Status) content.Task { return content.Task{Base: base(s), Cluster: "c", Brief: brief} },
		"→queued", "queued→completed")
	walk(t, func(s content.Status) content.Article {
		return content.Article{Base: base(s), Title: "A", Slug: "a", HTML: "<p>a</p>", SiteStatus: content.SiteNotPublished}
	}, "→draft", "draft→review", "draft→approved", "review→approved", "review→draft")
	walk(t, func(s content.Status) content.Image {
		return content.Image{Base: base(s), Article: "a", Prompt: "p", Type: content.Featured, Blob: content.Blob{Name: "b"}}
	}, "→pending", "pending→generated", "pending→failed", "failed→pending", "failed→generated")
}

func TestRowsThatBreakARuleByThemselves(t *testing.T) {
	keyword := content.Keyword{Base: base(content.New), Text: "tea"}
	article := content.Article{Base: base(content.Draft), Title: "A", Slug: "a", HTML: "<p>a</p>", SiteStatus: content.SiteNotPublished}
	image := content.Image{Base: base(content.Pending), Article: "a", Prompt: "p", Type: content.InArticle, Ordinal: 1}
	moved := keyword
	moved.Site = "another"
	for name, err := range map[string]error{
		"keyword without text":            content.Keyword{Base: base(content.New)}.Check(nil),
		"keyword mapped to nothing":       content.Keyword{Base: base(content.Mapped), Text: "tea"}.Check(&keyword),
		"row without id":                  content.Cluster{Base: content.Base{Site: "s", Status: content.New}, Name: "n"}.Check(nil),
		"row without site":                content.Cluster{Base: content.Base{ID: "1", Status: content.New}, Name: "n"}.Check(nil),
		"row that moves to another site":  moved.Check(&keyword),
		"cluster without name":            content.Cluster{Base: base(content.New)}.Check(nil),
		"idea without title":              content.Idea{Base: base(content.New), Cluster: "c"}.Check(nil),
		"task without cluster":            content.Task{Base: base(content.Queued), Brief: content.Brief{Title: "t"}}.Check(nil),
		"article without body":            func() error { a := article; a.HTML = ""; return a.Check(nil) }(),
		"article with a strange site":     func() error { a := article; a.SiteStatus = "somewhere"; return a.Check(nil) }(),
		"image without article":           func() error { i := image; i.Article = ""; return i.Check(nil) }(),
		"image of a strange type":         func() error { i := image; i.Type = "banner"; return i.Check(nil) }(),
		"image generated without picture": func() error { i := image; i.Status = content.Generated; return i.Check(&image) }(),
	} {
		if !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	published := article
	published.SiteStatus = content.SitePublished
	if err := article.Check(&published); !errors.Is(err, content.ErrTransition) {
		t.Errorf("an article that was never published after it was: %v, want ErrTransition", err)
	}
}

func TestIDsTellPartsApart(t *testing.T) {
	if content.NewID("ab", "c") == content.NewID("a", "bc") || content.NewID("a") == content.NewID("a", "") {
		t.Error("different parts make one id")
	}
	parts := []string{"a", "b"}
	if got, want := content.NewID(parts...), "8fb20ef63ced4145fc2e983f"; got != want {
		t.Errorf("NewID(%q) = %q, want %q: an id must be the same in every release", parts, got, want)
	}
}

func TestSlug(t *testing.T) {
	for text, want := range map[string]string{
		"How to Dry Herbs at Home":     "how-to-dry-herbs-at-home",
		"  What's new — in 2026?  ":    "whats-new-in-2026",
		"Größe & Gewicht":              "größe-gewicht",
		"日本語 の 見出し":                    "日本語-の-見出し",
		"../../etc/passwd":             "etc-passwd",
		"!!!":                          "",
		"":                             "",
		strings.Repeat("a", 200):       strings.Repeat("a", 80),
		strings.Repeat("ö", 100):       strings.Repeat("ö", 40),
		"x" + strings.Repeat("-", 100): "x",
	} {
		if got := content.Slug(text); got != want {
			t.Errorf("Slug(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	if got := content.Fold("  Green\t TEA \n"); got != "green tea" {
		t.Errorf("Fold = %q", got)
	}
}

func TestRenderSpreadsPicturesBetweenSections(t *testing.T) {
	picture := func(n int) content.PostImage {
		return content.PostImage{Type: content.InArticle, Ordinal: n, Alt: `a "quoted" alt`, Blob: content.Blob{Width: 4, Height: 3}}
	}
	body := "<p>intro</p><h2>1</h2><p>a</p><h2>2</h2><p>b</p><h2>3</h2><p>c</p>"
	for _, c := range []struct {
		name, html string
		images     []content.PostImage
		want       string // F for a figure among the headings
	}{
		{"None", body, nil, "123"},
		{"FeaturedIsLeftOut", body, []content.PostImage{{Type: content.Featured}}, "123"},
		{"One", body, []content.PostImage{picture(1)}, "1F23"},
		{"Two", body, []content.PostImage{picture(1), picture(2)}, "1F2F3"},
		{"MoreThanSections", body, []content.PostImage{picture(1), picture(2), picture(3), picture(4), picture(5)}, "1FFF2F3F"},
		{"NoSections", "<p>only a paragraph</p>", []content.PostImage{picture(1)}, "F"},
	} {
		post := content.Post{Article: content.Article{HTML: c.html}, Images: c.images}
		got := post.Render(func(i content.PostImage) string { return fmt.Sprintf("p%d.png?a&b", i.Ordinal) })
		order := ""
		for _, token := range strings.SplitAfter(got, ">") {
			switch {
			case strings.HasPrefix(token, "<figure>"), strings.HasPrefix(strings.TrimSpace(token), "<figure>"):
				order += "F"
			case strings.HasSuffix(token, "</h2>"):
				order += token[:1]
			}
		}
		if order != c.want {
			t.Errorf("%s: order %q, want %q:\n%s", c.name, order, c.want, got)
		}
		if strings.Contains(got, `a "quoted" alt`) || strings.Contains(got, "?a&b") {
			t.Errorf("%s: texts are not escaped:\n%s", c.name, got)
		}
	}
}

func ExampleNewID() {
	fmt.Println(content.NewID("garden", "keyword", content.Fold("Growing  Tomatoes")) == content.NewID("garden", "keyword", "growing tomatoes"))
	// Output: true
}

func ExampleSlug() {
	fmt.Println(content.Slug("Why Are My Tomato Leaves Curling?"))
	// Output: why-are-my-tomato-leaves-curling
}

func ExamplePost_Render() {
	post := content.Post{
		Article: content.Article{HTML: "<p>Tea is simple.</p><h2>Water</h2><p>Hot.</p><h2>Leaves</h2><p>Dry.</p>"},
		Images:  []content.PostImage{{Type: content.InArticle, Ordinal: 1, Alt: "a cup", Blob: content.Blob{Width: 640, Height: 480}}},
	}
	fmt.Println(post.Render(func(content.PostImage) string { return "cup.png" }))
	// Output:
	// <p>Tea is simple.</p><h2>Water</h2><p>Hot.</p><figure><img src="cup.png" alt="a cup" width="640" height="480" loading="lazy"></figure>
	// <h2>Leaves</h2><p>Dry.</p>
}

func TestAnArticleStaysItsTasks(t *testing.T) {
	a := content.Article{Base: base(content.Draft), Task: "one", Title: "A", Slug: "a", HTML: "<p>a</p>", SiteStatus: content.SiteNotPublished}
	other := a
	other.Task = "two"
	if err := other.Check(&a); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("Check of another task's article = %v, want ErrInvalid", err)
	}
}
