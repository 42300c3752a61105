package wordpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/secret"
)

// Config is what a Site is made of.
type Config struct {
	URL      string        // of the site's home page; required
	User     string        // who publishes; required
	Password secret.Secret // an application password of the user's, with or without its spaces; required
	Draft    bool          // new posts are drafts, for somebody to look at; else they are published
	// Date says when a new post is published: one in the future is scheduled by WordPress. At once if it is nil or returns
	// the zero time. It has no meaning for drafts.
	Date func(content.Post) time.Time
	// Meta returns further fields of a post, such as [Yoast] does; may be nil. WordPress keeps those that are registered for
	// its REST API, and a post of which one is not kept is an error.
	Meta func(content.Post) map[string]string
	// Client sends the requests; one with a timeout of a minute if nil. What it does about redirects is not used.
	Client *http.Client
}

// Site is a [content.Publisher]. It is safe for concurrent use for different posts.
type Site struct {
	cfg    Config
	home   *url.URL
	client *http.Client // follows nothing, because a redirect makes a GET of a POST

	mu   sync.Mutex
	root *url.URL // of the API; guarded by mu, nil until the site was asked for it
}

var _ content.Publisher = (*Site)(nil)

// ErrConfig is a Config that cannot be right.
var ErrConfig = errors.New("invalid configuration")

// New returns the site. It asks nobody; see [Site.Check]. Errors: ErrConfig, for each mistake.
func New(cfg Config) (*Site, error) {
	var errs []error
	bad := func(why string) { errs = append(errs, fmt.Errorf("wordpress: %w: %s", ErrConfig, why)) }
	home, err := url.Parse(cfg.URL)
	switch {
	case err != nil || home.Scheme != "http" && home.Scheme != "https" || home.Host == "":
		bad("URL must be the http or https address of the site's home page")
	case home.User != nil || home.RawQuery != "" || home.Fragment != "":
		bad("URL must be without user, password, query and fragment")
	}
	if cfg.User == "" {
		bad("User must be set")
	}
	if cfg.Password.IsZero() {
		bad("Password must be set: make an application password in the user's profile")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: time.Minute}
	if cfg.Client != nil {
		*client = *cfg.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Site{cfg: cfg, home: home, client: client}, nil
}

// Check asks the site whether the user may do what publishing takes. Errors: [content.ErrSiteRefuses] with what to mend,
// [content.ErrSiteUnavailable], and that of the context.
func (s *Site) Check(ctx context.Context) error {
	if _, err := s.connect(ctx); err != nil {
		return fmt.Errorf("wordpress: check: %w", err)
	}
	return nil
}

// connect returns the root of the API. It asks the site until that answered once.
func (s *Site) connect(ctx context.Context) (*url.URL, error) {
	s.mu.Lock()
	root := s.root
	s.mu.Unlock()
	if root != nil {
		return root, nil
	}
	root, err := s.discover(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.admitted(ctx, root); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.root = root
	s.mu.Unlock()
	return root, nil
}

// admitted checks the credentials with a request that needs them: one that anybody may make succeeds with a wrong password.
func (s *Site) admitted(ctx context.Context, root *url.URL) error {
	var user struct {
		Capabilities fields[bool] `json:"capabilities"`
	}
	err := s.call(ctx, root, request{method: http.MethodGet, route: "/wp/v2/users/me", query: url.Values{"context": {"edit"}}}, &user)
	if errors.Is(err, content.ErrSiteRefuses) {
		var index struct {
			Authentication fields[any] `json:"authentication"`
		}
		if s.call(ctx, root, request{method: http.MethodGet, route: "/"}, &index) == nil && len(index.Authentication) == 0 {
			return refused("the site takes no application passwords: it must be reached by https, and no plugin may have switched them off")
		}
	}
	if err != nil {
		return err
	}
	needed := []string{"edit_posts", "upload_files", "publish_posts"}
	if s.cfg.Draft {
		needed = needed[:2]
	}
	for _, right := range needed {
		if !user.Capabilities[right] {
			return refused("user %q lacks the right %s: give it the role of an editor", s.cfg.User, right)
		}
	}
	return nil
}
