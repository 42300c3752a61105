package wordpress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/wordpress"
	"github.com/scrip-go/scrip/internal/wptest"
	"github.com/scrip-go/scrip/secret"
)

// host is a WordPress, and what is needed to look at it.
type host struct {
	t              *testing.T
	real           bool
	url            string
	user, password string
	api            string // the root of its API with what begins a route
}

// hosts runs a test on the fake with both kinds of permalinks, and on the real sites that there are.
func hosts(t *testing.T, do func(h *host)) {
	t.Helper()
	for _, plain := range []bool{false, true} {
		name := map[bool]string{false: "pretty", true: "plain"}[plain]
		on := func(h *host) {
			h.api = h.url + "/wp-json"
			if plain {
				h.api = h.url + "/?rest_route="
			}
			do(h)
		}
		t.Run("fake/"+name, func(t *testing.T) {
			f := wptest.Start(t)
			f.Plain = plain
			f.Meta = map[string]bool{"_yoast_wpseo_title": true, "_yoast_wpseo_metadesc": true, "_yoast_wpseo_focuskw": true}
			on(&host{t: t, url: f.URL, user: wptest.User, password: wptest.Password})
		})
		if address, password := wptest.Real(plain); address != "" {
			t.Run("real/"+name, func(t *testing.T) {
				on(&host{t: t, real: true, url: address, user: "editor", password: password})
			})
		}
	}
}

func (h *host) site(change func(*wordpress.Config)) *wordpress.Site {
	h.t.Helper()
	return open(h.t, h.url, h.user, h.password, change)
}

func open(t *testing.T, address, user, password string, change func(*wordpress.Config)) *wordpress.Site {
	t.Helper()
	cfg := wordpress.Config{URL: address, User: user, Password: secret.New(password)}
	if change != nil {
		change(&cfg)
	}
	s, err := wordpress.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask makes a request of the API's and reads the answer into out.
func (h *host) ask(method, route string, q url.Values, body, out any) {
	h.t.Helper()
	address := h.api + route
	if len(q) > 0 {
		address += map[bool]string{true: "&", false: "?"}[strings.Contains(h.api, "?")] + q.Encode()
	}
	text, _ := json.Marshal(body)
	req, err := http.NewRequest(method, address, bytes.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
	req.SetBasicAuth(h.user, h.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 || json.Unmarshal(answer, out) != nil {
		h.t.Fatalf("%s %s = %d, %v: %.500s", method, route, resp.StatusCode, err, answer)
	}
}

// shown is a post as the site has it.
type shown struct {
	ID                      int64
	Link, Slug, Status      string
	Date                    string `json:"date_gmt"`
	Title, Excerpt, Content struct{ Raw string }
	Featured                int64 `json:"featured_media"`
	Categories, Tags        []int64
	Meta                    any
}

// posts returns those whose text has the words, whatever their status.
func (h *host) posts(words string) (out []shown) {
	h.t.Helper()
	h.ask(http.MethodGet, "/wp/v2/posts", url.Values{"search": {words}, "status": {"publish,future,draft,pending,private,trash"}, "context": {"edit"}, "orderby": {"id"}, "order": {"asc"}}, nil, &out)
	return out
}

// only returns the only post whose text has the words.
func (h *host) only(words string) shown {
	h.t.Helper()
	posts := h.posts(words)
	if len(posts) != 1 {
		h.t.Fatalf("there are %d posts of %q, want one: %+v", len(posts), words, posts)
	}
	return posts[0]
}

var articles atomic.Int64

// article is a post like no other. What it is found by is the word in its title.
func article(pictures int) (p content.Post, word string) {
	word = fmt.Sprintf("n%dx%d", time.Now().UnixNano(), articles.Add(1))
	p = content.Post{Key: "key/" + word, Article: content.Article{Title: "Tea & <cake> " + word, Slug: "tea-" + word, Excerpt: "In short & sweet.",
		HTML: "<p>Hello.</p><h2>One</h2><p>Text.</p><h2>Two</h2><p>More.</p>", MetaTitle: "Meta " + word, MetaDescription: "About tea", Primary: "tea",
		Categories: []string{"Tea " + word, "Tea & Cake"}, Tags: []string{"green " + word, "Green " + word}}}
	for i := range pictures {
		kind := content.InArticle
		if i == 0 {
			kind = content.Featured
		}
		data := drawing(i)
		p.Images = append(p.Images, content.PostImage{Type: kind, Ordinal: i, Alt: fmt.Sprintf(`a "cup" & %d`, i),
			Blob: content.Blob{Type: "image/png", Width: 4, Height: 3, SHA256: fmt.Sprintf("%064d", i)},
			Read: func(context.Context) ([]byte, error) { return data, nil }})
	}
	return p, word
}

func drawing(n int) []byte {
	var b bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 4, 3))
	m.Pix[0] = byte(n)
	_ = png.Encode(&b, m)
	return b.Bytes()
}

func TestPublish(t *testing.T) {
	ctx := t.Context()
	must := func(h *host, s *wordpress.Site, p content.Post) content.Publication {
		h.t.Helper()
		pub, err := s.Publish(ctx, p)
		if err != nil {
			h.t.Fatal(err)
		}
		return pub
	}

	t.Run("PutsAllThatBelongsToAnArticle", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(3)
			pub := must(h, h.site(func(c *wordpress.Config) { c.Meta = wordpress.Yoast }), p)
			is := h.only(word)
			if pub.ExternalID != strconv.FormatInt(is.ID, 10) || pub.ExternalURL != is.Link {
				h.t.Errorf("Publish = %+v, and the post is %d at %s", pub, is.ID, is.Link)
			}
			if is.Status != "publish" || is.Slug != p.Article.Slug || is.Title.Raw != "Tea &amp; &lt;cake&gt; "+word || is.Excerpt.Raw != "In short &amp; sweet." {
				h.t.Errorf("the post is %+v", is)
			}
			if len(is.Categories) != 2 || len(is.Tags) != 1 {
				h.t.Errorf("categories %d, tags %d; want two, and one whose name is there twice", is.Categories, is.Tags)
			}
			meta, _ := is.Meta.(map[string]any)
			if meta["_yoast_wpseo_title"] != "Meta "+word || meta["_yoast_wpseo_metadesc"] != "About tea" || meta["_yoast_wpseo_focuskw"] != "tea" {
				h.t.Errorf("meta = %v", is.Meta)
			}
			var featured struct {
				Alt string `json:"alt_text"`
				URL string `json:"source_url"`
			}
			if h.real {
				h.ask(http.MethodGet, fmt.Sprintf("/wp/v2/media/%d", is.Featured), nil, nil, &featured)
				resp, err := http.Get(featured.URL)
				if err != nil {
					h.t.Fatal(err)
				}
				data, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if featured.Alt != p.Images[0].Alt || !bytes.Equal(data, drawing(0)) {
					h.t.Errorf("the featured picture is %+v, of %d bytes", featured, len(data))
				}
			} else if is.Featured == 0 {
				h.t.Error("there is no featured picture")
			}
			for _, want := range []string{`<h2>One</h2>`, "/" + p.Article.Slug + `-1.png" alt="a &#34;cup&#34; &amp; 1" width="4"`, "/" + p.Article.Slug + `-2.png"`} {
				if !strings.Contains(is.Content.Raw, want) {
					h.t.Errorf("the text lacks %s: %s", want, is.Content.Raw)
				}
			}
			if strings.Contains(is.Content.Raw, p.Key) || strings.Contains(is.Content.Raw, "-0.png") {
				h.t.Errorf("the text has the key, or the featured picture: %s", is.Content.Raw)
			}
		})
	})
	t.Run("AgainChangesThePostThatIsThere", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(2)
			first := must(h, h.site(nil), p)
			is := h.only(word)
			var moved any
			h.ask(http.MethodPost, fmt.Sprintf("/wp/v2/posts/%d", is.ID), nil, map[string]string{"status": "private", "slug": "by-hand-" + word}, &moved)
			p.Article.HTML, p.Article.Tags = "<p>Other.</p><h2>Three</h2>", nil
			again := must(h, h.site(nil), p) // of another process
			now := h.only(word)
			if again.ExternalID != first.ExternalID || now.ID != is.ID || now.Featured != is.Featured {
				h.t.Errorf("the post was %+v and is %+v", is, now)
			}
			if now.Status != "private" || now.Slug != "by-hand-"+word {
				h.t.Errorf("status and slug are %q, %q: what somebody did by hand stays", now.Status, now.Slug)
			}
			if !strings.Contains(now.Content.Raw, "Three") || strings.Contains(now.Content.Raw, "Two") || len(now.Tags) != 0 || !slices.Equal(now.Categories, is.Categories) {
				h.t.Errorf("the post is %+v, want it as the article is now", now)
			}
		})
	})
	t.Run("LeavesWhatIsInTheTrash", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(0)
			must(h, h.site(nil), p)
			is := h.only(word)
			if h.real {
				var gone any
				h.ask(http.MethodDelete, fmt.Sprintf("/wp/v2/posts/%d", is.ID), nil, nil, &gone)
			} else {
				var gone any
				h.ask(http.MethodPost, fmt.Sprintf("/wp/v2/posts/%d", is.ID), nil, map[string]string{"status": "trash"}, &gone)
			}
			must(h, h.site(nil), p)
			if now := h.only(word); now.ID != is.ID || now.Status != "trash" {
				h.t.Errorf("the post is %d, %s", now.ID, now.Status)
			}
		})
	})
	t.Run("NeverTwiceWhereAnAnswerWasLost", func(t *testing.T) {
		hosts(t, func(h *host) {
			for _, loses := range []string{"POST /wp/v2/posts", "POST /wp/v2/media"} {
				for _, status := range []int{0, 500, 504} {
					p, word := article(1)
					through := h.through(loses, status)
					_, err := open(h.t, through, h.user, h.password, nil).Publish(ctx, p)
					if !errors.Is(err, content.ErrSiteUnavailable) || strings.Contains(err.Error(), h.password) {
						h.t.Errorf("Publish without an answer to %s = %v, want ErrSiteUnavailable", loses, err)
					}
					must(h, h.site(nil), p)
					is := h.only(word)
					if n := h.pictures(p); n != 1 || is.Featured == 0 {
						h.t.Errorf("after the answer to %s was lost there are %d pictures, and the featured one is %d", loses, n, is.Featured)
					}
				}
			}
		})
	})
	t.Run("OnceWhereSeveralPublishAtOnce", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(0)
			ids := make([]string, 4)
			var wg sync.WaitGroup
			for i := range ids {
				wg.Go(func() {
					pub, err := h.site(nil).Publish(ctx, p)
					if err != nil {
						h.t.Error(err)
					}
					ids[i] = pub.ExternalID
				})
			}
			wg.Wait()
			is := h.only(word)
			for _, id := range ids {
				if id != strconv.FormatInt(is.ID, 10) {
					h.t.Errorf("Publish = ids %q, want all of them %d", ids, is.ID)
				}
			}
		})
	})
	t.Run("AsADraftOrAtItsTime", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(0)
			must(h, h.site(func(c *wordpress.Config) { c.Draft = true }), p)
			if is := h.only(word); is.Status != "draft" || is.Slug != p.Article.Slug {
				h.t.Errorf("the post is %+v, want a draft with its slug", is)
			}
			p, word = article(0)
			at := time.Now().UTC().Add(48 * time.Hour).Truncate(time.Second)
			must(h, h.site(func(c *wordpress.Config) { c.Date = func(content.Post) time.Time { return at } }), p)
			if is := h.only(word); is.Status != "future" || is.Date != at.Format("2006-01-02T15:04:05") {
				h.t.Errorf("the post is %s of %s, want it scheduled for %s", is.Status, is.Date, at)
			}
		})
	})
	t.Run("SaysWhatTheSiteDoesNotKeep", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(0)
			s := h.site(func(c *wordpress.Config) { c.Meta = wordpress.SEOPress })
			if _, err := s.Publish(ctx, p); !errors.Is(err, content.ErrSiteRefuses) || !strings.Contains(err.Error(), `_seopress_`) || !strings.Contains(err.Error(), "register_post_meta") {
				h.t.Errorf("Publish with a field that is not registered = %v", err)
			}
			must(h, h.site(nil), p)
			h.only(word)
		})
	})
	t.Run("RefusesAFileThatIsNoPicture", func(t *testing.T) {
		hosts(t, func(h *host) {
			p, word := article(1)
			p.Images[0].Blob.Type = "application/x-msdownload"
			if _, err := h.site(nil).Publish(ctx, p); !errors.Is(err, content.ErrPostRefused) {
				h.t.Errorf("Publish = %v, want ErrPostRefused", err)
			}
			if posts := h.posts(word); len(posts) != 0 {
				h.t.Errorf("there is a post without its picture: %+v", posts)
			}
		})
	})
	t.Run("Check", func(t *testing.T) {
		hosts(t, func(h *host) {
			if err := h.site(nil).Check(ctx); err != nil {
				h.t.Error(err)
			}
			err := open(h.t, h.url, h.user, "wrong word", nil).Check(ctx)
			if !errors.Is(err, content.ErrSiteRefuses) || strings.Contains(err.Error(), "wrong word") {
				h.t.Errorf("Check with a wrong password = %v, want ErrSiteRefuses without it", err)
			}
		})
	})
}

// pictures counts those in the library that a post has.
func (h *host) pictures(p content.Post) (n int) {
	h.t.Helper()
	for _, img := range p.Images {
		var found []any
		h.ask(http.MethodGet, "/wp/v2/media", url.Values{"slug": {wordpress.PictureMarker(p.Key, img)}}, nil, &found)
		n += len(found)
	}
	return n
}

// through returns the address of a way to the site that lets every request through, and loses the first answer to one kind
// of them: it says a status instead, or nothing.
func (h *host) through(loses string, status int) string {
	var lost atomic.Bool
	var base string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, h.url+r.URL.RequestURI(), r.Body)
		req.Header, req.ContentLength = r.Header, r.ContentLength
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		if method, route, _ := strings.Cut(loses, " "); r.Method == method && strings.Contains(r.URL.Path+r.URL.Query().Get("rest_route"), route) && !lost.Swap(true) {
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
			return
		}
		for name, values := range resp.Header {
			for _, v := range values {
				w.Header().Add(name, strings.ReplaceAll(v, h.url, base))
			}
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(text)
	}))
	h.t.Cleanup(s.Close)
	base = s.URL
	return base
}
