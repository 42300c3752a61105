package wordpress_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/wordpress"
	"github.com/scrip-go/scrip/internal/wptest"
	"github.com/scrip-go/scrip/secret"
)

func TestNewNamesEachMistake(t *testing.T) {
	_, err := wordpress.New(wordpress.Config{})
	for _, says := range []string{"URL must be", "User must be set", "Password must be set"} {
		if !errors.Is(err, wordpress.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("New = %v, want %q in it", err, says)
		}
	}
	for _, address := range []string{"example.org", "ftp://example.org", "https://", "https://ann:word@example.org", "https://example.org/?p=1", "https://example.org/#a", "http://[::1"} {
		_, err := wordpress.New(wordpress.Config{URL: address, User: "ann", Password: secret.New("x")})
		if !errors.Is(err, wordpress.ErrConfig) || strings.Contains(err.Error(), "word@") {
			t.Errorf("New with URL %q = %v, want ErrConfig", address, err)
		}
	}
}

func TestWhoseFaultItIs(t *testing.T) {
	marks := []error{content.ErrSiteRefuses, content.ErrSiteUnavailable, content.ErrPostRefused}
	for _, c := range []struct {
		name   string
		change func(f *wptest.Fake)
		mark   error
		says   string
	}{
		{"NoApplicationPasswords", func(f *wptest.Fake) { f.Off = true }, content.ErrSiteRefuses, "https"},
		{"NoRightToPublish", func(f *wptest.Fake) { delete(f.Rights, "publish_posts") }, content.ErrSiteRefuses, "publish_posts"},
		{"NoRightToUpload", func(f *wptest.Fake) { delete(f.Rights, "upload_files") }, content.ErrSiteRefuses, "upload_files"},
		{"NoRightToMakeACategory", func(f *wptest.Fake) { delete(f.Rights, "manage_categories") }, content.ErrSiteRefuses, "may not make it"},
		{"CommentsAreTakenOut", func(f *wptest.Fake) { f.Strips = true }, content.ErrSiteRefuses, "a plugin takes comments out"},
		{"AnotherSearch", func(f *wptest.Fake) { f.Blind = true }, content.ErrSiteRefuses, "another search"},
		{"Forbidden", fails(403, "/wp/v2/posts"), content.ErrSiteRefuses, "status 403: injected_fault: injected"},
		{"NoSuchRoute", func(f *wptest.Fake) { f.Before = nowhere }, content.ErrSiteRefuses, "rest_no_route"},
		{"Moved", fails(301, "/wp/v2/posts"), content.ErrSiteRefuses, "set URL"},
		{"TooMany", fails(429, "/wp/v2/posts"), content.ErrSiteUnavailable, "status 429"},
		{"Overloaded", fails(503, "/wp/v2/media"), content.ErrSiteUnavailable, "status 503"},
		{"DeletedMeanwhile", fails(404, "/wp/v2/posts"), content.ErrSiteUnavailable, "status 404"},
		{"TooLarge", fails(413, "/wp/v2/media"), content.ErrPostRefused, "status 413"},
		{"Invalid", fails(400, "/wp/v2/posts"), content.ErrPostRefused, "status 400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := wptest.Start(t)
			c.change(f)
			p, _ := article(1)
			_, err := open(t, f.URL, wptest.User, wptest.Password, nil).Publish(t.Context(), p)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), `wordpress: publish "`+p.Key+`": `) {
				t.Errorf("Publish = %v, want %q in it", err, c.says)
			}
			for _, mark := range marks {
				if errors.Is(err, mark) != (mark == c.mark) {
					t.Errorf("Publish = %v, is %v: %t", err, mark, errors.Is(err, mark))
				}
			}
			if len(f.Posts) != 0 && c.name != "DeletedMeanwhile" {
				t.Errorf("there is a post: %+v", f.Posts)
			}
		})
	}
}

func fails(status int, at string) func(f *wptest.Fake) {
	return func(f *wptest.Fake) {
		f.Before = func(r *http.Request, route string) int {
			if r.Method == http.MethodPost && strings.HasPrefix(route, at) {
				return status
			}
			return 0
		}
	}
}

// nowhere answers as a site whose posts have no REST API.
func nowhere(r *http.Request, route string) int {
	if strings.HasPrefix(route, "/wp/v2/posts") {
		return -1
	}
	return 0
}

// A category that is there may be used by who may make none.
func TestWhoMayMakeNoCategoryUsesThoseThatThereAre(t *testing.T) {
	f := wptest.Start(t)
	delete(f.Rights, "manage_categories")
	f.Terms["categories"][7], f.Terms["categories"][8] = "Tea &amp; Cake and more", "TEA &amp; cake"
	f.Terms["tags"][9] = "green"
	p, _ := article(0)
	p.Article.Categories, p.Article.Tags = []string{"Tea & Cake", " "}, []string{"green"}
	if _, err := open(t, f.URL, wptest.User, wptest.Password, nil).Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if is := f.Posts[1]; fmt.Sprint(is.Categories, is.Tags) != "[8] [9]" {
		t.Errorf("the post has categories %d and tags %d, want 8 and 9", is.Categories, is.Tags)
	}
}

// What is deleted between the request that names it and the one that uses it is gone in silence. It is made anew once, and a
// further time by the next try.
func TestWhatVanishesIsMissed(t *testing.T) {
	for name, vanish := range map[string]string{"featured picture": "media", "category": "categories", "tag": "tags"} {
		f := wptest.Start(t)
		times := 2
		f.Before = func(r *http.Request, route string) int {
			if r.Method == http.MethodPost && strings.HasPrefix(route, "/wp/v2/posts") && times > 0 {
				times--
				f.Vanish(vanish)
			}
			return 0
		}
		p, _ := article(1)
		s := open(t, f.URL, wptest.User, wptest.Password, nil)
		if _, err := s.Publish(t.Context(), p); !errors.Is(err, content.ErrSiteUnavailable) || !strings.Contains(err.Error(), name) {
			t.Errorf("Publish where the %s is deleted = %v, want it named", name, err)
		}
		if _, err := s.Publish(t.Context(), p); err != nil || len(f.Posts) != 1 {
			t.Errorf("the next try = %v, and there are %d posts", err, len(f.Posts))
		}
	}
}

func TestThePasswordGoesToTheSiteOnly(t *testing.T) {
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reached++; r.Header.Get("Authorization") != "" {
			t.Error("the password was sent elsewhere")
		}
	}))
	defer other.Close()
	for name, home := range map[string]http.HandlerFunc{
		"its API is elsewhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+other.URL+`/wp-json/>; rel="https://api.w.org/"`)
		},
		"its home page is elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusMovedPermanently)
		},
		"its API is moved": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusPermanentRedirect)
				return
			}
			w.Header().Set("Link", `</wp-json/>; rel="https://api.w.org/"`)
		},
	} {
		site := httptest.NewServer(home)
		err := open(t, site.URL, wptest.User, wptest.Password, nil).Check(t.Context())
		site.Close()
		if !errors.Is(err, content.ErrSiteRefuses) || !strings.Contains(err.Error(), "set URL") || reached != 0 {
			t.Errorf("Check of a site where %s = %v after %d requests there, want to be told to set URL", name, err, reached)
		}
	}
}

func TestASiteThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		site http.HandlerFunc
		mark error
	}{
		"no WordPress": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }, content.ErrSiteRefuses},
		"a broken one": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no database", 500) }, content.ErrSiteUnavailable},
		"no answer":    {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, content.ErrSiteUnavailable},
		"a slow one":   {func(w http.ResponseWriter, r *http.Request) { time.Sleep(300 * time.Millisecond) }, content.ErrSiteUnavailable},
		"something else": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `</wp-json/>; rel="https://api.w.org/"`)
			fmt.Fprint(w, "<html>please wait")
		}, content.ErrSiteUnavailable},
	} {
		site := httptest.NewServer(c.site)
		err := open(t, site.URL, wptest.User, wptest.Password, func(c *wordpress.Config) { c.Client = &http.Client{Timeout: 100 * time.Millisecond} }).Check(t.Context())
		site.Close()
		if !errors.Is(err, c.mark) || strings.Contains(err.Error(), wptest.Password) {
			t.Errorf("Check of %s = %v, want %v", name, err, c.mark)
		}
	}
}

// What is not the site's fault is nobody's but the caller's: it keeps its own error.
func TestAnErrorOfTheHostIsItsOwn(t *testing.T) {
	f := wptest.Start(t)
	s := open(t, f.URL, wptest.User, wptest.Password, nil)
	p, _ := article(1)
	lost := errors.New("the picture is not there")
	p.Images[0].Read = func(context.Context) ([]byte, error) { return nil, lost }
	if _, err := s.Publish(t.Context(), p); !errors.Is(err, lost) {
		t.Errorf("Publish = %v, want the picture's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Publish(ctx, p); !errors.Is(err, context.Canceled) || errors.Is(err, content.ErrSiteUnavailable) {
		t.Errorf("Publish under a cancelled context = %v", err)
	}
	if _, err := s.Publish(t.Context(), content.Post{}); !errors.Is(err, content.ErrPostRefused) {
		t.Errorf("Publish without a key = %v", err)
	}
}

func TestAPicturesFileHasANameThatEverySiteTakes(t *testing.T) {
	for slug, want := range map[string]string{"green-tea": "green-tea-1.jpg", "чай": "picture-1.jpg", `a"b/../c`: "abc-1.jpg", "été-2026-": "t-2026-1.jpg",
		strings.Repeat("a", 99) + "-bc": strings.Repeat("a", 99) + "-1.jpg"} {
		f := wptest.Start(t)
		p, _ := article(2)
		p.Article.Slug, p.Images[1].Blob.Type = slug, "image/jpeg"
		if _, err := open(t, f.URL, wptest.User, wptest.Password, nil).Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if got := f.Media[2]["source_url"]; got != f.URL+"/uploads/"+want {
			t.Errorf("the picture of %q is at %v, want %s", slug, got, want)
		}
	}
}
