// Package wptest is a Fake WordPress for tests: it speaks the part of the REST API that publishing takes. The same tests run on a
// real WordPress where `make wordpress` has brought one up.
package wptest

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fake is a WordPress with what is odd about the real one: no post is like another, what it does not know is dropped in
// silence, an empty object is a list. What is exported is set before the first request, or between requests.
type Fake struct {
	URL    string
	Plain  bool            // permalinks: the route is a parameter
	Off    bool            // application passwords
	Strips bool            // a plugin takes comments out of HTML
	Blind  bool            // another search finds nothing
	Rights map[string]bool // of the only user
	Meta   map[string]bool // the fields that are registered
	// Before is asked before each request of the API's; may be nil. It returns a status to answer in place of the work, -1 for
	// no such route, 0 to work.
	Before func(r *http.Request, route string) int

	mu    sync.Mutex
	last  int64
	Posts map[int64]*Post
	Media map[int64]map[string]any
	Terms map[string]map[int64]string // by kind, "categories" and "tags"
}

// Post is what the fake keeps of a post.
type Post struct {
	ID         int64
	Title      string         `json:"title"`
	Content    string         `json:"content"`
	Excerpt    string         `json:"excerpt"`
	Slug       string         `json:"slug"`
	Status     string         `json:"status"`
	Date       string         `json:"date_gmt"`
	Featured   int64          `json:"featured_media"`
	Categories []int64        `json:"categories"`
	Tags       []int64        `json:"tags"`
	Meta       map[string]any `json:"meta"`
}

// The only user and its application password.
const (
	User     = "ann"
	Password = "abcd efgh ijkl"
)

// New returns a site that nobody serves yet.
func New() *Fake {
	return &Fake{Posts: map[int64]*Post{}, Media: map[int64]map[string]any{}, Meta: map[string]bool{},
		Terms:  map[string]map[int64]string{"categories": {1: "Uncategorized"}, "tags": {}},
		Rights: map[string]bool{"edit_posts": true, "publish_posts": true, "upload_files": true, "manage_categories": true}}
}

// Serve serves the site on loopback, at URL, until end is called.
func (f *Fake) Serve() (end func()) {
	s := httptest.NewUnstartedServer(f)
	f.URL = "http://" + s.Listener.Addr().String()
	s.Start()
	return s.Close
}

// Start serves a site on loopback until the test ends.
func Start(t testing.TB) *Fake {
	f := New()
	t.Cleanup(f.Serve())
	return f
}

func (f *Fake) root() string {
	if f.Plain {
		return f.URL + "/?rest_route=/"
	}
	return f.URL + "/wp-json/"
}

// ServeHTTP implements [http.Handler].
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, api := strings.CutPrefix(r.URL.Path, "/wp-json")
	if f.Plain {
		if api {
			http.Redirect(w, r, "/", http.StatusMovedPermanently)
			return
		}
		route, api = r.URL.Query().Get("rest_route"), r.URL.Query().Has("rest_route")
	}
	if !api {
		w.Header().Add("Link", `<https://example.org/feed>; rel="alternate", <`+f.root()+`>; rel="https://api.w.org/"`)
		return
	}
	if f.Before != nil {
		switch status := f.Before(r, route); {
		case status < 0:
			refuse(w, 404, "rest_no_route", "No route was found matching the URL and request method.")
			return
		case status != 0:
			refuse(w, status, "injected_fault", "injected")
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, password, _ := r.BasicAuth()
	in := user == User && password == Password && !f.Off
	kind, id := "", int64(0)
	if parts := strings.Split(strings.TrimPrefix(route, "/wp/v2/"), "/"); len(parts) <= 2 {
		kind = parts[0]
		if len(parts) == 2 {
			id, _ = strconv.ParseInt(parts[1], 10, 64)
		}
	}
	switch {
	case route == "/" && f.Off:
		answer(w, 200, map[string]any{"authentication": []any{}})
	case route == "/":
		answer(w, 200, map[string]any{"authentication": map[string]any{"application-passwords": map[string]any{}}})
	case route == "/wp/v2/users/me":
		if !in {
			refuse(w, 401, "rest_not_logged_in", "You are not currently logged in.")
			return
		}
		answer(w, 200, map[string]any{"id": 1, "capabilities": f.Rights})
	case r.Method != http.MethodGet && !in:
		refuse(w, 401, "rest_cannot_create", "Sorry, you are not allowed to do this as this user.")
	case kind == "posts":
		f.servePosts(w, r, id)
	case kind == "media":
		f.serveMedia(w, r, id)
	case f.Terms[kind] != nil:
		f.serveTerms(w, r, kind)
	default:
		refuse(w, 404, "rest_no_route", "No route was found matching the URL and request method.")
	}
}

func (f *Fake) servePosts(w http.ResponseWriter, r *http.Request, id int64) {
	switch {
	case r.Method == http.MethodGet:
		statuses := strings.Split(r.URL.Query().Get("status"), ",")
		found := []any{}
		for _, id := range slices.Sorted(maps.Keys(f.Posts)) {
			if p := f.Posts[id]; !f.Blind && slices.Contains(statuses, p.Status) && strings.Contains(p.Title+p.Excerpt+p.Content, r.URL.Query().Get("search")) {
				found = append(found, f.view(p))
			}
		}
		answer(w, 200, found)
	case id == 0:
		f.last++
		p := &Post{ID: f.last, Status: "draft"}
		f.Posts[f.last] = p
		f.change(p, r.Body)
		answer(w, 201, f.view(p))
	case f.Posts[id] == nil:
		refuse(w, 404, "rest_post_invalid_id", "Invalid post ID.")
	case r.Method == http.MethodDelete:
		delete(f.Posts, id)
		answer(w, 200, map[string]any{"deleted": true})
	default:
		f.change(f.Posts[id], r.Body)
		answer(w, 200, f.view(f.Posts[id]))
	}
}

// change keeps what there is of what it is sent.
func (f *Fake) change(p *Post, body io.Reader) {
	_ = json.NewDecoder(body).Decode(p)
	if f.Strips {
		before, _, _ := strings.Cut(p.Content, "<!--")
		p.Content = before
	}
	if f.Media[p.Featured] == nil {
		p.Featured = 0
	}
	p.Categories = slices.DeleteFunc(p.Categories, func(id int64) bool { return f.Terms["categories"][id] == "" })
	p.Tags = slices.DeleteFunc(p.Tags, func(id int64) bool { return f.Terms["tags"][id] == "" })
	maps.DeleteFunc(p.Meta, func(name string, _ any) bool { return !f.Meta[name] })
	for _, other := range f.Posts {
		if other.ID != p.ID && other.Slug == p.Slug && p.Slug != "" {
			p.Slug += "-2"
		}
	}
	if at, err := time.Parse("2006-01-02T15:04:05", p.Date); err == nil && at.After(time.Now()) && p.Status == "publish" {
		p.Status = "future"
	}
}

func (f *Fake) view(p *Post) map[string]any {
	link := f.URL + "/" + p.Slug + "/"
	if p.Status != "publish" {
		link = fmt.Sprintf("%s/?p=%d", f.URL, p.ID)
	}
	var meta any = []any{}
	if len(p.Meta) > 0 {
		meta = p.Meta
	}
	return map[string]any{"id": p.ID, "link": link, "slug": p.Slug, "status": p.Status, "date_gmt": p.Date, "title": map[string]any{"raw": p.Title},
		"excerpt": map[string]any{"raw": p.Excerpt}, "content": map[string]any{"raw": p.Content}, "featured_media": p.Featured,
		"categories": append([]int64{}, p.Categories...), "tags": append([]int64{}, p.Tags...), "meta": meta}
}

func (f *Fake) serveMedia(w http.ResponseWriter, r *http.Request, id int64) {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodGet:
		found := []any{}
		for _, id := range slices.Sorted(maps.Keys(f.Media)) {
			if f.Media[id]["slug"] == q.Get("slug") {
				found = append(found, f.Media[id])
			}
		}
		answer(w, 200, found)
	case id == 0:
		_, name, _ := strings.Cut(r.Header.Get("Content-Disposition"), `filename="`)
		name = strings.TrimSuffix(name, `"`)
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "image/") || !strings.Contains(name, ".") {
			refuse(w, 500, "rest_upload_sideload_error", "Sorry, you are not allowed to upload this file type.")
			return
		}
		data, _ := io.ReadAll(r.Body)
		f.last++
		m := map[string]any{"id": f.last, "slug": q.Get("slug"), "alt_text": q.Get("alt_text"), "title": map[string]any{"raw": q.Get("title")},
			"source_url": f.URL + "/uploads/" + name, "size": len(data)}
		f.Media[f.last] = m
		answer(w, 201, m)
	default:
		_ = json.NewDecoder(r.Body).Decode(ptr(f.Media[id]))
		answer(w, 200, f.Media[id])
	}
}

func ptr[T any](v T) *T { return &v }

func (f *Fake) serveTerms(w http.ResponseWriter, r *http.Request, kind string) {
	terms := f.Terms[kind]
	if r.Method == http.MethodGet {
		found := []any{}
		for id, name := range terms {
			if strings.Contains(strings.ToLower(html.UnescapeString(name)), strings.ToLower(r.URL.Query().Get("search"))) {
				found = append(found, map[string]any{"id": id, "name": name})
			}
		}
		answer(w, 200, found)
		return
	}
	if !f.Rights["manage_categories"] {
		refuse(w, 403, "rest_cannot_create", "Sorry, you are not allowed to create terms in this taxonomy.")
		return
	}
	var asked struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&asked)
	for id, name := range terms {
		if strings.EqualFold(name, asked.Name) {
			answer(w, 400, map[string]any{"code": "term_exists", "message": "A term with the name provided already exists with this parent.",
				"data": map[string]any{"status": 400, "term_id": id}})
			return
		}
	}
	f.last++
	terms[f.last] = asked.Name
	answer(w, 201, map[string]any{"id": f.last, "name": asked.Name})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "data": map[string]any{"status": status}})
}

// Vanish removes all pictures, or all terms of a kind, from within Before.
func (f *Fake) Vanish(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if what == "media" {
		clear(f.Media)
		return
	}
	clear(f.Terms[what])
}

// Real returns the address of the real site that `make wordpress` has brought up, and the application password of its user
// "editor"; empty if there is none.
func Real(plain bool) (address, password string) {
	name := "SCRIP_WORDPRESS"
	if plain {
		name = "SCRIP_WORDPRESS_PLAIN"
	}
	return os.Getenv(name), os.Getenv("SCRIP_WORDPRESS_EDITOR")
}
