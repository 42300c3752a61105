package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
)

func request(t *testing.T, address string) wire.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Request{URL: u, Body: []byte(`{"prompt":"` + wiretest.Prompt + `"}`), Key: wiretest.APIKey, Limit: 1000,
		Header: http.Header{"Authorization": {"Bearer " + wiretest.APIKey}}}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// failed posts and checks what came of it; fate Executed is what the client was told to say of a lost success.
func failed(t *testing.T, ctx context.Context, c *http.Client, r wire.Request, kind providers.Kind, fate providers.Fate) *providers.Error {
	t.Helper()
	_, e := wire.NewClient("up", c, providers.Executed).Post(ctx, r)
	if e == nil {
		t.Fatal("Post succeeded")
	}
	return wiretest.Failed(t, e, kind, fate)
}

func TestPostTellsTheFateOfAFailure(t *testing.T) {
	ctx := t.Context()

	t.Run("ARefusedConnectionIsNotSent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		failed(t, ctx, nil, request(t, "http://"+l.Addr().String()+"/?q=secret"), providers.Network, providers.NotSent)
	})
	t.Run("AFailedHandshakeIsNotSent", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
		failed(t, ctx, nil, request(t, strings.Replace(s.URL, "http:", "https:", 1)), providers.Network, providers.NotSent)
	})
	t.Run("ADropAfterTheRequestIsUnknown", func(t *testing.T) {
		s := serve(t, drop)
		e := failed(t, ctx, nil, request(t, s.URL), providers.Network, providers.Unknown)
		if !errors.Is(e, io.EOF) {
			t.Errorf("cause %v, want io.EOF", e.Cause)
		}
	})
	t.Run("ACanceledContextBeforeTheCallIsNotSent", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		e := failed(t, ctx, nil, request(t, s.URL), providers.Canceled, providers.NotSent)
		if !errors.Is(e, context.Canceled) {
			t.Errorf("cause %v, want context.Canceled", e.Cause)
		}
	})
	t.Run("ACanceledCallUnderWayIsUnknownAndEndsAtOnce", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		s := serve(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
		defer close(release)
		ctx, cancel := context.WithCancel(ctx)
		go func() { <-arrived; cancel() }()
		start := time.Now()
		failed(t, ctx, nil, request(t, s.URL), providers.Canceled, providers.Unknown)
		if took := time.Since(start); took > time.Second {
			t.Errorf("a canceled call took %v", took)
		}
	})
	t.Run("ADeadlineUnderWayIsATimeoutOfUnknownFate", func(t *testing.T) {
		release := make(chan struct{})
		s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
		defer close(release)
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		e := failed(t, ctx, nil, request(t, s.URL), providers.Timeout, providers.Unknown)
		if !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("cause %v, want context.DeadlineExceeded", e.Cause)
		}
	})
	t.Run("TheHostsOwnTimeLimitIsATimeoutOfUnknownFate", func(t *testing.T) {
		release := make(chan struct{})
		s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
		defer close(release)
		failed(t, ctx, &http.Client{Timeout: 50 * time.Millisecond}, request(t, s.URL), providers.Timeout, providers.Unknown)
	})
	t.Run("ADeadlineWhileDialingIsNotSent", func(t *testing.T) {
		c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		failed(t, ctx, c, request(t, "http://upstream.invalid"), providers.Timeout, providers.NotSent)
	})
	t.Run("ATransportThatReportsNothingIsUnknown", func(t *testing.T) {
		c := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("with the key %s in its text", wiretest.APIKey)
		})}
		failed(t, ctx, c, request(t, "http://upstream.invalid"), providers.Network, providers.Unknown)
	})
	t.Run("ATransportThatRetriesAfterAnAnswerIsUnknown", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) {})
		c := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if resp, err := http.DefaultTransport.RoundTrip(r); err != nil {
				return nil, err
			} else {
				resp.Body.Close()
			}
			s.Close() // the second try finds nobody
			again := r.Clone(r.Context())
			again.Body, _ = r.GetBody()
			return http.DefaultTransport.RoundTrip(again)
		})}
		failed(t, ctx, c, request(t, s.URL), providers.Network, providers.Unknown)
	})
	t.Run("ACutSuccessHasTheFateOfALostSuccess", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Header().Set("X-Request-Id", "req_1")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		e := failed(t, ctx, nil, request(t, s.URL), providers.Incomplete, providers.Executed)
		if e.Status != 200 || e.RequestID != "req_1" || !errors.Is(e, io.ErrUnexpectedEOF) {
			t.Errorf("error %+v, want status 200, the request id and io.ErrUnexpectedEOF", e)
		}
	})
	t.Run("ACancelWhileTheAnswerIsReadHasTheFateOfALostSuccess", func(t *testing.T) {
		release := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			<-release
		})
		defer close(release)
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		failed(t, ctx, nil, request(t, s.URL), providers.Timeout, providers.Executed)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestPostIsOneRequest(t *testing.T) {
	t.Run("ARedirectIsNotFollowed", func(t *testing.T) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
			s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
			for _, host := range []*http.Client{{}, {Timeout: time.Minute}, {Transport: transport(http.DefaultTransport.RoundTrip)}} {
				e := failed(t, t.Context(), host, request(t, s.URL), providers.Upstream, providers.Rejected)
				if e.Status != status {
					t.Errorf("status %d, want %d", e.Status, status)
				}
				if host.CheckRedirect != nil {
					t.Error("the host's client was changed")
				}
			}
		}
	})
	t.Run("TheCookiesOfTheHostsClientGoAlong", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Cookie")) })
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(request(t, s.URL).URL, []*http.Cookie{{Name: "route", Value: "7"}})
		a, e := wire.NewClient("up", &http.Client{Jar: jar}, providers.Executed).Post(t.Context(), request(t, s.URL))
		if e != nil || string(a.Body) != "route=7" {
			t.Errorf("the cookies were %q, error %v", a.Body, e)
		}
	})
	t.Run("ADeadReusedConnectionIsNotUsedTwice", func(t *testing.T) {
		var n atomic.Int64
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "" {
				t.Error("an idempotency key was sent")
			}
			if n.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, "{}")
		})
		c := wire.NewClient("up", nil, providers.Executed)
		if _, e := c.Post(t.Context(), request(t, s.URL)); e != nil {
			t.Fatal(e)
		}
		_, e := c.Post(t.Context(), request(t, s.URL))
		wiretest.Failed(t, e, providers.Network, providers.Unknown)
		if n.Load() != 2 {
			t.Errorf("%d requests for two calls", n.Load())
		}
	})
	t.Run("AConnectionThatDiedIdleIsReplacedBeforeAnythingIsWritten", func(t *testing.T) {
		var n atomic.Int64
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { n.Add(1); _, _ = io.WriteString(w, "{}") })
		c := wire.NewClient("up", nil, providers.Executed)
		for range 3 {
			if _, e := c.Post(t.Context(), request(t, s.URL)); e != nil {
				t.Fatal(e)
			}
			s.CloseClientConnections()
			time.Sleep(20 * time.Millisecond) // let the client see it, or it cannot know
		}
		if n.Load() != 3 {
			t.Errorf("%d requests for three calls", n.Load())
		}
	})
}

func TestPostReadsABoundedAnswer(t *testing.T) {
	for _, size := range []int{0, 1, 999, 1000} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%dBytesAnnounced%tAreRead", size, announced), func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) { send(w, size, announced) })
				a, e := wire.NewClient("up", nil, providers.Executed).Post(t.Context(), request(t, s.URL))
				if e != nil || len(a.Body) != size || !a.OK() {
					t.Errorf("read %d bytes with status %d and error %v, want %d", len(a.Body), a.Status, e, size)
				}
			})
		}
	}
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprintf("OneByteTooManyAnnounced%tIsMalformedAndExecuted", announced), func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 1001, announced) })
			failed(t, t.Context(), nil, request(t, s.URL), providers.Malformed, providers.Executed)
		})
	}
	t.Run("AnErrorKeepsItsStatusWhenItsBodyIsTooLong", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		})
		a, e := wire.NewClient("up", nil, providers.Executed).Post(t.Context(), request(t, s.URL))
		if e != nil || a.Status != 500 || a.Body != nil {
			t.Errorf("status %d, %d bytes, error %v; want status 500 and no body", a.Status, len(a.Body), e)
		}
	})
	t.Run("ARequestIDThatHoldsTheKeyIsDropped", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Request-Id", "for-"+wiretest.APIKey) })
		a, e := wire.NewClient("up", nil, providers.Executed).Post(t.Context(), request(t, s.URL))
		if e != nil || a.RequestID != "" {
			t.Errorf("request id %q, error %v; want none", a.RequestID, e)
		}
	})
}

func send(w http.ResponseWriter, size int, announced bool) {
	if announced {
		w.Header().Set("Content-Length", fmt.Sprint(size))
	} else {
		_ = http.NewResponseController(w).Flush()
	}
	_, _ = w.Write(bytes.Repeat([]byte("x"), size))
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		rule   string
		header map[string]string
		want   time.Duration
	}{
		{"AbsentIsZero", nil, 0},
		{"SecondsAreRead", map[string]string{"Retry-After": "20"}, 20 * time.Second},
		{"FractionsAreRead", map[string]string{"Retry-After": "1.5"}, 1500 * time.Millisecond},
		{"MillisecondsWin", map[string]string{"Retry-After": "20", "Retry-After-Ms": "250"}, 250 * time.Millisecond},
		{"ADateIsMeasuredByTheUpstreamsClock", map[string]string{"Date": now.Format(http.TimeFormat),
			"Retry-After": now.Add(time.Minute).Format(http.TimeFormat)}, time.Minute},
		{"ADateInThePastIsZero", map[string]string{"Date": now.Format(http.TimeFormat),
			"Retry-After": now.Add(-time.Minute).Format(http.TimeFormat)}, 0},
		{"AHugeNumberIsADay", map[string]string{"Retry-After": "99999999999999999999"}, 24 * time.Hour},
		{"ANegativeNumberIsZero", map[string]string{"Retry-After": "-5"}, 0},
		{"ALonePointIsZero", map[string]string{"Retry-After": "."}, 0},
		{"NonsenseIsZero", map[string]string{"Retry-After": "1h2"}, 0},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(429)
			})
			a, e := wire.NewClient("up", nil, providers.Executed).Post(t.Context(), request(t, s.URL))
			if e != nil || a.RetryAfter != tt.want {
				t.Errorf("RetryAfter %v, error %v; want %v", a.RetryAfter, e, tt.want)
			}
		})
	}
}
