// Package wire is what the adapters share: one POST of JSON, at most once, with an answer of bounded size, and the
// fate of a request that failed.
//
// It never retries, never follows a redirect and never sends an Idempotency-Key: net/http replays a POST that has one
// on a reused connection, also after the server has read it. Without it net/http sends a request a second time only
// when nothing of it had been written.
package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// errorLimit bounds the body of an answer that is not a success, in bytes. A longer one is classified by its status.
const errorLimit = 64 << 10

// Client posts to one upstream. It is safe for concurrent use.
type Client struct {
	provider string
	send     func(*http.Request) (*http.Response, error)
	traced   bool           // the transport is known to report every connection to httptrace
	lost     providers.Fate // of a request whose success was announced and whose answer was then lost
}

// NewClient returns a client that speaks through c, or through a transport of its own if c is nil. That one takes no
// proxy from the environment, and has no overall time limit: the context of a call governs.
//
// The fate of a request that got a 2xx status and whose body was then lost is lost: Executed, or Unknown if the
// upstream announces failures behind a 2xx too.
func NewClient(provider string, c *http.Client, lost providers.Fate) *Client {
	if c == nil {
		c = &http.Client{Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          100,
			MaxIdleConnsPerHost:   100, // all calls go to one host
			IdleConnTimeout:       60 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
		}}
	}
	transport, traced := c.Transport.(*http.Transport)
	if c.Transport == nil {
		transport, traced = http.DefaultTransport.(*http.Transport)
	}
	if traced && c.Timeout == 0 && c.Jar == nil {
		// All that such a client adds to its transport are redirects, which are not followed here, and copies for them.
		return &Client{provider: provider, send: transport.RoundTrip, traced: true, lost: lost}
	}
	own := *c // the host's client keeps its own redirect policy
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{provider: provider, send: own.Do, traced: traced, lost: lost}
}

// Request is one POST. The client keeps none of it.
type Request struct {
	URL    *url.URL
	Header http.Header
	Body   []byte
	Key    string // the API key, which must not show up in an identifier that the upstream sends back
	Limit  int64  // bytes of the answer to a success
}

// Answer is what came back, whatever its status. Body is nil if the status is not a success and the body could not be
// read.
type Answer struct {
	Status     int
	RequestID  string
	RetryAfter time.Duration
	Body       []byte
}

// OK reports whether the status is a success.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// Post sends the request and reads the answer. The error is nil whenever there is a status and a body to judge.
func (c *Client) Post(ctx context.Context, r Request) (Answer, *providers.Error) {
	if ctx.Err() != nil {
		return Answer{}, c.failed(ctx, ctx.Err(), providers.NotSent)
	}
	way := newJourney(r.Body)
	req := post.WithContext(httptrace.WithClientTrace(ctx, &way.trace))
	req.URL, req.Host, req.Header, req.ContentLength = r.URL, r.URL.Host, r.Header, int64(len(r.Body))
	req.Body, req.GetBody = io.NopCloser(&way.first), way.again // a transport writes such a body together with the headers
	resp, err := c.send(req)
	if err != nil {
		return Answer{}, c.failed(ctx, err, way.fate(c.traced))
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, RequestID: providers.Identifier(resp.Header.Get("X-Request-Id"), r.Key)}
	if a.OK() {
		a.Body, err = read(resp.Body, resp.ContentLength, r.Limit)
		return a, c.unread(ctx, a, err)
	}
	a.RetryAfter = retryAfter(resp.Header)
	if a.Status/100 == 3 {
		return a, &providers.Error{Provider: c.provider, Kind: providers.Upstream, Fate: providers.Rejected, Status: a.Status,
			RequestID: a.RequestID, Detail: "a redirect, which is not followed because it would carry the key along"}
	}
	if a.Body, err = read(resp.Body, resp.ContentLength, errorLimit); err != nil {
		a.Body = nil
	}
	return a, nil
}

// post is what all requests have in common.
var post = &http.Request{Method: http.MethodPost}

var errTooLong = errors.New("answer too long")

// unread types the failure to read the body of a success.
func (c *Client) unread(ctx context.Context, a Answer, err error) *providers.Error {
	if err == nil {
		return nil
	}
	var e *providers.Error
	switch {
	case errors.Is(err, errTooLong):
		e = &providers.Error{Provider: c.provider, Kind: providers.Malformed, Fate: providers.Executed, Detail: "the answer is longer than its limit"}
	case ctx.Err() != nil || isTimeout(err):
		e = c.failed(ctx, err, c.lost)
	default:
		e = &providers.Error{Provider: c.provider, Kind: providers.Incomplete, Fate: c.lost, Detail: "the answer was cut", Cause: sentinel(err)}
	}
	e.Status, e.RequestID = a.Status, a.RequestID
	return e
}

// failed types an error of the transport. The error itself goes no further: it holds the request's URL.
func (c *Client) failed(ctx context.Context, err error, fate providers.Fate) *providers.Error {
	e := &providers.Error{Provider: c.provider, Kind: providers.Network, Fate: fate, Detail: "the connection failed", Cause: sentinel(err)}
	deadline, has := ctx.Deadline()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Detail, e.Cause = providers.Canceled, "the call was canceled", context.Canceled
	case ctx.Err() != nil, has && isTimeout(err) && !time.Now().Before(deadline): // a dialer may notice the deadline first
		e.Kind, e.Detail, e.Cause = providers.Timeout, "no answer before the call's deadline", context.DeadlineExceeded
	case isTimeout(err):
		e.Kind, e.Detail = providers.Timeout, "no answer in the time the HTTP client allows"
	}
	if fate == providers.NotSent {
		e.Detail += " before the request was sent"
	}
	return e
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// sentinel returns the well-known value in err's chain that may leave the package, or nil.
func sentinel(err error) error {
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// read returns a whole body of at most limit bytes. size is what the header announced, or -1.
func read(body io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, errTooLong
	}
	if size >= 0 && size <= 1<<20 { // a header may lie: a buffer for more is grown as it is filled
		b := make([]byte, size)
		_, err := io.ReadFull(body, b)
		if errors.Is(err, io.EOF) && size > 0 {
			err = io.ErrUnexpectedEOF
		}
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLong
	}
	return b, err
}
