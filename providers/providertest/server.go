package providertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is an Upstream that listens.
type Server struct {
	*Upstream
	URL     string // http://127.0.0.1:PORT
	BaseURL string // URL with /v1, which is the base URL of every adapter

	http   *http.Server
	cancel context.CancelFunc // ends the delays of requests that are under way
	done   chan struct{}      // closed when Serve has returned
	once   sync.Once
}

// Start returns an Upstream that listens on loopback until the test ends.
func Start(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	s, err := Listen("127.0.0.1:0", cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Listen returns an Upstream that listens on addr, a host and a port such as "127.0.0.1:0", until it is closed. It
// refuses any host but a loopback address and "localhost": what answers without a price must not be taken for real.
func Listen(addr string, cfg Config) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("providertest: listen: address %q: want host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("providertest: listen: address %q is not on loopback", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("providertest: listen: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{Upstream: New(cfg), URL: "http://" + l.Addr().String(), cancel: cancel, done: make(chan struct{})}
	s.BaseURL = s.URL + "/v1"
	s.http = &http.Server{Handler: s.Upstream, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l)
	}()
	return s, nil
}

// Close stops the server: requests under way are answered without their delay. It may be called more than once.
func (s *Server) Close() {
	s.once.Do(func() {
		s.cancel()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.http.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			_ = s.http.Close()
		}
		<-s.done
	})
}
