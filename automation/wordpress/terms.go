package wordpress

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
)

// existsError is the answer for a category or a tag that is there already.
type existsError struct{ id int64 }

func (e *existsError) Error() string { return fmt.Sprintf("it exists as %d", e.id) }

// terms returns the ids of categories or tags, and makes those that there are not.
func (s *Site) terms(ctx context.Context, root *url.URL, kind string, names []string) ([]int64, error) {
	ids := []int64{} // a list also if it is empty, which takes away what there was
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			continue
		}
		id, err := s.term(ctx, root, kind, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// term makes a term, because the refusal to make it twice names the one that there is. Who may make none may still use it.
func (s *Site) term(ctx context.Context, root *url.URL, kind, name string) (int64, error) {
	type term struct {
		ID   int64  `json:"id"`
		Name string `json:"name"` // as HTML
	}
	var made term
	err := s.call(ctx, root, request{method: http.MethodPost, route: "/wp/v2/" + kind, body: map[string]string{"name": escape(name)}}, &made)
	var exists *existsError
	if errors.As(err, &exists) {
		return exists.id, nil
	}
	if !errors.Is(err, content.ErrSiteRefuses) {
		return made.ID, err
	}
	var found []term
	q := url.Values{"search": {name}, "per_page": {"100"}, "_fields": {"id,name"}}
	if err := s.call(ctx, root, request{method: http.MethodGet, route: "/wp/v2/" + kind, query: q}, &found); err != nil {
		return 0, err
	}
	for _, t := range found {
		if strings.EqualFold(html.UnescapeString(t.Name), name) {
			return t.ID, nil
		}
	}
	return 0, fmt.Errorf("there is no %q among the site's %s, and user %q may not make it: %w", name, kind, s.cfg.User, err)
}
