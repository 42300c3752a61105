package wordpress

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
)

// media is a picture in the site's library.
type media struct {
	ID  int64  `json:"id"`
	URL string `json:"source_url"`
	Alt string `json:"alt_text"`
}

// asMedia asks for a picture's fields.
func asMedia(q url.Values) url.Values { return asking(q, "id,source_url,alt_text") }

// picture returns the picture's place in the library, to which it is uploaded once: its slug there is its marker.
func (s *Site) picture(ctx context.Context, root *url.URL, p content.Post, img content.PostImage) (m media, err error) {
	mark := pictureMarker(p.Key, img)
	var there []media
	if err := s.call(ctx, root, request{method: http.MethodGet, route: "/wp/v2/media", query: asMedia(url.Values{"slug": {mark}})}, &there); err != nil {
		return m, err
	}
	switch {
	case len(there) == 0:
		return s.upload(ctx, root, p, img, mark)
	case there[0].Alt == img.Alt:
		return there[0], nil
	}
	r := request{method: http.MethodPost, route: route("media", there[0].ID), query: asMedia(url.Values{}), body: map[string]string{"alt_text": img.Alt}}
	err = s.call(ctx, root, r, &m)
	return m, err
}

// upload sends the bytes as they are. What else there is to say goes into the query, so that no picture is without it.
func (s *Site) upload(ctx context.Context, root *url.URL, p content.Post, img content.PostImage, mark string) (m media, err error) {
	data, err := img.Read(ctx)
	if err != nil {
		return m, err
	}
	q := asMedia(url.Values{"slug": {mark}, "title": {escape(cmp.Or(img.Alt, p.Article.Title))}, "alt_text": {img.Alt}})
	header := http.Header{"Content-Type": {img.Blob.Type}, "Content-Disposition": {`attachment; filename="` + fileName(p, img) + `"`}}
	err = s.call(ctx, root, request{method: http.MethodPost, route: "/wp/v2/media", query: q, body: file(data), header: header}, &m)
	return m, err
}

// fileName is what visitors see in a picture's address. WordPress numbers files of the same name.
func fileName(p content.Post, img content.PostImage) string {
	plain := strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, p.Article.Slug)
	plain = cmp.Or(strings.Trim(plain[:min(len(plain), 100)], "-"), "picture")
	ending := strings.ReplaceAll(strings.TrimPrefix(img.Blob.Type, "image/"), "jpeg", "jpg")
	return fmt.Sprintf("%s-%d.%s", plain, img.Ordinal, ending)
}
