package wordpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation/content"
)

// asPost asks for a post's fields.
func asPost(q url.Values) url.Values {
	return asking(q, "id,link,content.raw,featured_media,categories,tags,meta")
}

// stored is a post as the site has it.
type stored struct {
	ID      int64  `json:"id"`
	Link    string `json:"link"`
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
	Featured   int64       `json:"featured_media"`
	Categories []int64     `json:"categories"`
	Tags       []int64     `json:"tags"`
	Meta       fields[any] `json:"meta"`
}

// text is what is sent of a post each time.
type text struct {
	Title      string            `json:"title"`
	Content    string            `json:"content"`
	Excerpt    string            `json:"excerpt"`
	Featured   int64             `json:"featured_media"`
	Categories []int64           `json:"categories"`
	Tags       []int64           `json:"tags"`
	Meta       map[string]string `json:"meta,omitempty"`
}

// fresh is what is sent of a post that is new. A draft without a slug would have none.
type fresh struct {
	text
	Slug   string `json:"slug"`
	Status string `json:"status"`
	Date   string `json:"date_gmt,omitempty"`
}

// Publish makes the post, or brings the one that there is up to date. The address of a draft is one that shows it to its
// editors. Errors: also those of the pictures' Read, and *[Error].
func (s *Site) Publish(ctx context.Context, p content.Post) (content.Publication, error) {
	pub, err := s.publish(ctx, p)
	if err != nil {
		return content.Publication{}, fmt.Errorf("wordpress: publish %q: %w", p.Key, err)
	}
	return pub, nil
}

func (s *Site) publish(ctx context.Context, p content.Post) (content.Publication, error) {
	if p.Key == "" {
		return content.Publication{}, fmt.Errorf("%w: it has no key", content.ErrPostRefused)
	}
	root, err := s.connect(ctx)
	if err != nil {
		return content.Publication{}, err
	}
	is, err := s.bring(ctx, root, p)
	if errors.Is(err, errVanished) { // WordPress lets two make one category at once, and takes one of them back
		is, err = s.bring(ctx, root, p)
	}
	if err != nil {
		return content.Publication{}, err
	}
	return content.Publication{ExternalID: strconv.FormatInt(is.ID, 10), ExternalURL: is.Link}, nil
}

// bring puts the post and all that belongs to it on the site, and looks at what became of it.
func (s *Site) bring(ctx context.Context, root *url.URL, p content.Post) (is stored, err error) {
	t, err := s.compose(ctx, root, p)
	if err != nil {
		return is, err
	}
	if is, err = s.put(ctx, root, p, t); err != nil {
		return is, err
	}
	return is, is.keeps(t)
}

// errVanished is something of a post that was deleted between the request that named it and the one that used it.
var errVanished = fmt.Errorf("%w: something was deleted meanwhile", content.ErrSiteUnavailable)

// compose puts what belongs to the post on the site, and returns the post's text.
func (s *Site) compose(ctx context.Context, root *url.URL, p content.Post) (t text, err error) {
	t = text{Title: escape(p.Article.Title), Excerpt: escape(p.Article.Excerpt)}
	addresses := map[int]string{}
	for _, img := range p.Images {
		m, err := s.picture(ctx, root, p, img)
		if err != nil {
			return t, err
		}
		if img.Type == content.Featured {
			t.Featured = m.ID
		} else {
			addresses[img.Ordinal] = m.URL
		}
	}
	if t.Categories, err = s.terms(ctx, root, "categories", p.Article.Categories); err != nil {
		return t, err
	}
	if t.Tags, err = s.terms(ctx, root, "tags", p.Article.Tags); err != nil {
		return t, err
	}
	if s.cfg.Meta != nil {
		t.Meta = s.cfg.Meta(p)
	}
	t.Content = p.Render(func(img content.PostImage) string { return addresses[img.Ordinal] }) + comment(p.Key)
	return t, nil
}

// escape is a plain text in a field that has HTML.
func escape(plain string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(plain)
}

// put makes the post or changes the one that there is.
func (s *Site) put(ctx context.Context, root *url.URL, p content.Post, t text) (is stored, err error) {
	there, found, err := s.find(ctx, root, p.Key)
	if err != nil {
		return is, err
	}
	if found {
		err = s.call(ctx, root, request{method: http.MethodPost, route: route("posts", there.ID), query: asPost(url.Values{}), body: t}, &is)
		return is, err
	}
	new := fresh{text: t, Slug: p.Article.Slug, Status: "publish"}
	if s.cfg.Draft {
		new.Status = "draft"
	} else if s.cfg.Date != nil {
		if at := s.cfg.Date(p); !at.IsZero() {
			new.Date = at.UTC().Format(time.DateOnly + "T" + time.TimeOnly)
		}
	}
	if err := s.call(ctx, root, request{method: http.MethodPost, route: "/wp/v2/posts", query: asPost(url.Values{}), body: new}, &is); err != nil {
		return is, err
	}
	// Two processes that did not find it may both have made it: the first one stays, and who made another takes it back.
	first, found, err := s.find(ctx, root, p.Key)
	switch {
	case err != nil:
		return is, err
	case !found: // nor would it be the next time
		why := "its search does not find an article by the comment that names it: a plugin has put another search in the place of WordPress's"
		if !strings.Contains(is.Content.Raw, comment(p.Key)) {
			why = "it does not keep the comment that names an article: a plugin takes comments out of its HTML"
		}
		return is, errors.Join(refused("%s", why), s.remove(ctx, root, is.ID))
	case first.ID != is.ID:
		return first, s.remove(ctx, root, is.ID)
	}
	return is, nil
}

// find returns the first post with the key's marker, whatever its status.
func (s *Site) find(ctx context.Context, root *url.URL, key string) (first stored, found bool, err error) {
	q := asPost(url.Values{"search": {marker(key)}, "status": {"publish,future,draft,pending,private,trash"}, "orderby": {"id"}, "order": {"asc"}, "per_page": {"100"}})
	var posts []stored
	if err := s.call(ctx, root, request{method: http.MethodGet, route: "/wp/v2/posts", query: q}, &posts); err != nil {
		return first, false, err
	}
	i := slices.IndexFunc(posts, func(is stored) bool { return strings.Contains(is.Content.Raw, comment(key)) })
	if i < 0 {
		return first, false, nil
	}
	return posts[i], true, nil
}

// remove deletes a post that this process has just made.
func (s *Site) remove(ctx context.Context, root *url.URL, id int64) error {
	var gone any
	return s.call(ctx, root, request{method: http.MethodDelete, route: route("posts", id), query: url.Values{"force": {"true"}}}, &gone)
}

func route(kind string, id int64) string { return "/wp/v2/" + kind + "/" + strconv.FormatInt(id, 10) }

// keeps compares what is stored with what was sent, because WordPress drops in silence what it does not know.
func (is stored) keeps(t text) error {
	if t.Featured != 0 && is.Featured != t.Featured {
		return fmt.Errorf("%w: its featured picture", errVanished)
	}
	for _, c := range []struct {
		kind       string
		sent, kept []int64
	}{{"category", t.Categories, is.Categories}, {"tag", t.Tags, is.Tags}} {
		for _, id := range c.sent {
			if !slices.Contains(c.kept, id) {
				return fmt.Errorf("%w: its %s %d", errVanished, c.kind, id)
			}
		}
	}
	for name := range t.Meta {
		if _, kept := is.Meta[name]; !kept {
			return refused("it does not keep the field %q of a post: register it for the REST API (register_post_meta with show_in_rest)", name)
		}
	}
	return nil
}
