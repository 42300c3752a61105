//go:build linux || darwin

package runproof_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
)

const latency = 20 * time.Millisecond // of the upstream and of the site

// site is what articles are published on. It outlives the processes.
type site struct {
	*httptest.Server

	mu    sync.Mutex
	posts map[string]post // by key; guarded by mu
	puts  int             // guarded by mu
}

// post is an article on the site.
type post struct {
	Slug   string `json:"slug"`
	Title  string `json:"title"`
	Digest string `json:"digest"` // of the text and the pictures
}

func startSite(t *testing.T) *site {
	s := &site{posts: map[string]post{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP puts a post, in place of the one with the same key if there is one.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p post
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.posts[r.URL.Path[1:]] = p
	s.puts++
	s.mu.Unlock()
	time.Sleep(latency) // for a process to die before it knows
	_ = json.NewEncoder(w).Encode(content.Publication{ExternalID: r.URL.Path[1:], ExternalURL: s.URL + r.URL.Path})
}

// seen returns how many posts were put so far.
func (s *site) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// poster is a process's way to the site.
type poster struct {
	base   string
	client *http.Client
}

func (p *poster) Publish(ctx context.Context, from content.Post) (out content.Publication, err error) {
	sum := sha256.New()
	fmt.Fprintln(sum, from.Article.HTML, from.Article.Excerpt, from.Cluster.Name)
	for _, image := range from.Images {
		data, err := image.Read(ctx)
		if err != nil {
			return out, err
		}
		if digest := sha256.Sum256(data); hex.EncodeToString(digest[:]) != image.Blob.SHA256 {
			return out, fmt.Errorf("picture %q is not what its row says", image.Blob.Name)
		}
		fmt.Fprintln(sum, image.Type, image.Ordinal, image.Alt, image.Blob.SHA256)
	}
	body, err := json.Marshal(post{Slug: from.Article.Slug, Title: from.Article.Title, Digest: hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return out, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, p.base+"/"+from.Key, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the site says %s: %s", answer.Status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}
