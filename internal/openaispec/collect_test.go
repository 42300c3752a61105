package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// request is one that was sent.
type request struct {
	from   string // which test case
	path   string
	header http.Header
	body   []byte
}

// collector stands before an upstream and keeps what is sent to it. It is safe for concurrent use.
type collector struct {
	url  string // the base URL for adapters
	next http.Handler

	mu   sync.Mutex
	from string
	kept []request
}

// collect starts a collector before next. If that is nil, everybody gets the answers that the description shows, with a
// picture in place of its dots.
func collect(t testing.TB, next http.Handler) *collector {
	c := &collector{next: next}
	if next == nil {
		d := read(t)
		c.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown := d.at("paths", r.URL.Path, "post", "responses", "200", "content", "application/json")["example"]
			_, _ = w.Write(bytes.ReplaceAll(encode(t, shown), []byte(`"..."`), []byte(`"cGljdHVyZQ=="`)))
		})
	}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL + "/v1"
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.mu.Lock()
		c.kept = append(c.kept, request{c.from, r.URL.Path, r.Header.Clone(), body})
		c.mu.Unlock()
	}
	c.next.ServeHTTP(w, r)
}

// begin names what is sent from now on.
func (c *collector) begin(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = name
}

func (c *collector) requests() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

// fields are those of a request, each as it was written.
func (r request) fields(t testing.TB) map[string]json.RawMessage {
	var f map[string]json.RawMessage
	if err := json.Unmarshal(r.body, &f); err != nil {
		t.Fatalf("%s: %v", r.from, err)
	}
	return f
}
