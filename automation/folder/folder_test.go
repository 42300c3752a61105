package folder_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/folder"
)

func post(key, slug string, pictures int) content.Post {
	p := content.Post{Key: key, Cluster: content.Cluster{Name: "Tea"}, Article: content.Article{Title: "About <" + slug + ">", Slug: slug,
		HTML: "<p>Hello.</p><h2>One</h2><p>Text.</p>", Excerpt: "In short & sweet.", MetaTitle: "Meta " + slug, Tags: []string{"tea"}, WordCount: 500}}
	for i := range pictures {
		kind := content.InArticle
		if i == 0 {
			kind = content.Featured
		}
		p.Images = append(p.Images, content.PostImage{Type: kind, Ordinal: i, Alt: "a cup", Blob: content.Blob{Type: "image/png", Width: 4, Height: 3},
			Read: func(context.Context) ([]byte, error) { return fmt.Appendf(nil, "%s-%d", slug, i), nil }})
	}
	return p
}

func open(t *testing.T, dir string) *folder.Site {
	t.Helper()
	s, err := folder.Open(folder.Config{Dir: dir, Title: "Tea & Co"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, s *folder.Site, posts ...content.Post) {
	t.Helper()
	for _, p := range posts {
		if _, err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

func index(t *testing.T, s *folder.Site, posts ...content.Post) {
	t.Helper()
	if err := s.Index(t.Context(), sequence(posts, nil)); err != nil {
		t.Fatal(err)
	}
}

func sequence(posts []content.Post, fail error) iter.Seq2[content.Post, error] {
	return func(yield func(content.Post, error) bool) {
		for _, p := range posts {
			if !yield(p, nil) {
				return
			}
		}
		if fail != nil {
			yield(content.Post{}, fail)
		}
	}
}

// files lists what a visitor can get, without the site's own records.
func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == ".scrip-site" {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	want = append(want, "style.css")
	slices.Sort(want)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files = %q, want %q", got, want)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPublishesAPageWithItsPictures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "site")
	s := open(t, dir)
	got, err := s.Publish(t.Context(), post("k1", "green-tea", 2))
	if err != nil || got.ExternalID != "k1" || got.ExternalURL != "articles/green-tea.html" {
		t.Errorf("Publish = %+v, %v", got, err)
	}
	wantFiles(t, dir, "articles/green-tea.html", "pictures/green-tea-0.png", "pictures/green-tea-1.png")
	page := read(t, dir, "articles", "green-tea.html")
	for _, want := range []string{"About &lt;green-tea&gt;", "Meta green-tea · Tea &amp; Co", `src="../pictures/green-tea-0.png"`, `src="../pictures/green-tea-1.png"`, "<h2>One</h2>", "In short &amp; sweet."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := read(t, dir, "pictures", "green-tea-1.png"); got != "green-tea-1" {
		t.Errorf("picture = %q", got)
	}
}

func TestPublishingAgainUpdatesAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	publish(t, s, post("k1", "green-tea", 3), post("k1", "green-tea", 3), post("k1", "black-tea", 1))
	wantFiles(t, dir, "articles/black-tea.html", "pictures/black-tea-0.png")
	publish(t, open(t, dir), post("k1", "black-tea", 0)) // by another process
	wantFiles(t, dir, "articles/black-tea.html")
}

func TestIndexListsArticlesByTopicInPages(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var posts []content.Post
	for i := range 100 {
		p := post(fmt.Sprint("k", i), fmt.Sprintf("tea-%03d", i), 0)
		p.Cluster.Name = fmt.Sprint("Topic ", i/10)
		posts = append(posts, p)
	}
	index(t, s, posts...)
	wantFiles(t, dir, "index.html", "page-2.html", "page-3.html")
	first, last := read(t, dir, "index.html"), read(t, dir, "page-3.html")
	if n := strings.Count(first, "<li>"); n != 48 || !strings.Contains(first, `href="page-2.html"`) {
		t.Errorf("the first page lists %d articles, or has no way on", n)
	}
	if n := strings.Count(last, "<li>"); n != 4 || !strings.Contains(last, `href="page-2.html"`) || !strings.Contains(last, "Topic 9") {
		t.Errorf("the last page lists %d articles, or has no way back", n)
	}
	index(t, s, posts[:10]...)
	wantFiles(t, dir, "index.html")
	index(t, s)
	if empty := read(t, dir, "index.html"); !strings.Contains(empty, "Nothing is published yet") {
		t.Errorf("the empty index says:\n%s", empty)
	}
}

func TestIndexRemovesWhatItDoesNotList(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	old := []content.Post{post("old1", "green-tea", 2), post("old2", "shared", 3)}
	publish(t, s, old...)
	index(t, s, old...)
	// Another site takes the directory over; one of its articles has the address of an old one.
	now := []content.Post{post("new1", "coffee", 1), post("new2", "shared", 1)}
	publish(t, s, now...)
	if got := files(t, dir); !slices.Contains(got, "articles/green-tea.html") {
		t.Errorf("the old site is gone before the new one is complete: %q", got)
	}
	index(t, s, now...)
	wantFiles(t, dir, "index.html", "articles/coffee.html", "pictures/coffee-0.png", "articles/shared.html", "pictures/shared-0.png")
	if got := read(t, dir, "pictures", "shared-0.png"); got != "shared-0" {
		t.Errorf("the shared picture is %q", got)
	}
}

func TestIndexThatFailsRemovesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	publish(t, s, post("k1", "green-tea", 1))
	fail := errors.New("the content cannot be read")
	if err := s.Index(t.Context(), sequence(nil, fail)); !errors.Is(err, fail) {
		t.Errorf("Index = %v, want the cause", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Index(ctx, sequence([]content.Post{post("k2", "x", 0)}, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("Index with a cancelled context = %v", err)
	}
	wantFiles(t, dir, "articles/green-tea.html", "pictures/green-tea-0.png")
}

func TestRefusesWhatItCannotWorkWith(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Open(folder.Config{Dir: filepath.Join(plain, "site")}); err == nil || !strings.Contains(err.Error(), plain) {
		t.Errorf("Open below a regular file = %v", err)
	}
	if _, err := folder.Open(folder.Config{Dir: filepath.Dir(plain)}); !errors.Is(err, folder.ErrForeign) {
		t.Errorf("Open of a directory with foreign files = %v, want ErrForeign", err)
	}
	if _, err := folder.Open(folder.Config{}); err == nil {
		t.Error("Open without a directory succeeds")
	}
	dir := t.TempDir()
	s := open(t, dir)
	for _, p := range []content.Post{post("../k", "slug", 0), post("k", "a/b", 0), post("", "slug", 0), post("k", ".hidden", 0), post("k", "", 0)} {
		if _, err := s.Publish(t.Context(), p); err == nil {
			t.Errorf("Publish of key %q, slug %q succeeds", p.Key, p.Article.Slug)
		}
	}
	broken := post("k", "slug", 1)
	broken.Images[0].Read = func(context.Context) ([]byte, error) { return nil, os.ErrNotExist }
	if _, err := s.Publish(t.Context(), broken); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Publish with a picture that is lost = %v", err)
	}
	wantFiles(t, dir)
}

func Example() {
	dir, err := os.MkdirTemp("", "site")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	site, err := folder.Open(folder.Config{Dir: dir, Title: "Tea"})
	if err != nil {
		log.Fatal(err)
	}
	article := content.Post{Key: "1", Cluster: content.Cluster{Name: "Basics"},
		Article: content.Article{Title: "Green Tea", Slug: "green-tea", HTML: "<p>Not too hot.</p>"}}
	published, err := site.Publish(context.Background(), article)
	if err != nil {
		log.Fatal(err)
	}
	if err := site.Index(context.Background(), func(yield func(content.Post, error) bool) { yield(article, nil) }); err != nil {
		log.Fatal(err)
	}
	fmt.Println(published.ExternalURL)
	// Output: articles/green-tea.html
}

func TestAPageThatIsAnotherPostsByNowStays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	publish(t, s, post("one", "tea", 1), post("two", "coffee", 1))
	one, two := post("one", "coffee", 1), post("two", "tea", 1) // their slugs change places
	publish(t, s, one, two)
	index(t, s, one, two)
	wantFiles(t, dir, "index.html", "articles/tea.html", "articles/coffee.html", "pictures/tea-0.png", "pictures/coffee-0.png")
	publish(t, s, post("one", "cocoa", 0), post("three", "coffee", 0), post("two", "tea", 0))
	wantFiles(t, dir, "index.html", "articles/tea.html", "articles/coffee.html", "articles/cocoa.html")
}
