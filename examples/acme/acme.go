// Package acme is a whole adapter, the smallest that keeps the contract of package providers, for a service that exists
// only here: POST /answers with a bearer key, one JSON object each way. docs/writing-a-provider.md explains it.
package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/usage"
)

// Provider generates text. It is immutable and safe for concurrent use.
type Provider struct {
	base string
	http *http.Client
}

var _ providers.TextGenerator = (*Provider)(nil)

// answerLimit bounds what is read of an answer, in bytes.
const answerLimit = 8 << 20

// New returns a provider for the service at a base URL. Its transport takes no proxy from the environment, and its client
// follows no redirect.
func New(baseURL string) *Provider {
	return &Provider{base: strings.TrimRight(baseURL, "/"), http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Describe implements [providers.Provider].
func (p *Provider) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "acme", Text: true}
}

func fail(kind providers.Kind, fate providers.Fate, detail string) *providers.Error {
	return &providers.Error{Provider: "acme", Kind: kind, Fate: fate, Detail: detail}
}

// GenerateText implements [providers.TextGenerator].
func (p *Provider) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	body, e := p.body(r)
	if e != nil {
		return providers.TextResult{}, e
	}
	resp, e := p.post(ctx, r.Attempt, body)
	if e != nil {
		return providers.TextResult{}, e
	}
	defer resp.Body.Close()
	key := r.Attempt.Key.Secret.Reveal()
	result, e := answer(ctx, resp, key)
	id := providers.Identifier(resp.Header.Get("X-Request-Id"), key)
	if e != nil {
		e.Status, e.RequestID = resp.StatusCode, id // of every error that came after an answer
		return providers.TextResult{}, e
	}
	result.RequestID = id
	return result, nil // not e: a nil *Error in an error is not nil
}

// body writes the request. The model's profile may add fields and leave some out, but not those that the call depends on.
func (p *Provider) body(r providers.TextRequest) ([]byte, *providers.Error) {
	if r.MaxOutput < 1 {
		return nil, fail(providers.Invalid, providers.NotSent, "the request has no bound")
	}
	fields := map[string]any{"model": r.Model, "messages": r.Messages, "max_tokens": r.MaxOutput, "request_id": r.Attempt.ID}
	for _, fixed := range []string{"model", "messages", "max_tokens", "request_id", "stream"} { // the last changes the answer's shape
		if _, set := r.Parameters[fixed]; set || slices.Contains(r.Omit, fixed) {
			return nil, fail(providers.Invalid, providers.NotSent, "the profile touches a field that is fixed: "+fixed)
		}
	}
	if r.Temperature.Valid {
		fields["temperature"] = json.Number(r.Temperature.Decimal.String())
	}
	if r.Schema != nil {
		fields["schema"] = r.Schema.JSON
	}
	for name, value := range r.Parameters {
		fields[name] = value
	}
	for _, name := range r.Omit {
		delete(fields, name)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fail(providers.Invalid, providers.NotSent, "a parameter or the schema is not JSON")
	}
	return body, nil
}

// post sends one request and returns its answer, whatever the status.
func (p *Provider) post(ctx context.Context, at providers.Attempt, body []byte) (*http.Response, *providers.Error) {
	key := at.Key.Secret.Reveal()
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fail(providers.Auth, providers.NotSent, "no key that a header can carry")
	}
	base := p.base
	if at.BaseURL != "" {
		base = strings.TrimRight(at.BaseURL, "/")
	}
	var written atomic.Bool // by the transport, which may still be at it when the call has returned
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, base+"/answers", bytes.NewReader(body))
	if err != nil {
		return nil, fail(providers.Invalid, providers.NotSent, "the base URL cannot be used")
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		if !written.Load() {
			return nil, broken(ctx, err, providers.NotSent)
		}
		return nil, broken(ctx, err, providers.Unknown)
	}
	return resp, nil
}

// answer reads and judges an answer.
func answer(ctx context.Context, resp *http.Response, key string) (providers.TextResult, *providers.Error) {
	if resp.StatusCode/100 != 2 {
		return providers.TextResult{}, refused(resp, key)
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return providers.TextResult{}, broken(ctx, err, providers.Executed)
	}
	if len(said) > answerLimit {
		return providers.TextResult{}, fail(providers.Malformed, providers.Executed, "the answer is longer than its limit")
	}
	return read(said)
}

// broken types an error of the transport. The error itself stays here: it holds the request.
func broken(ctx context.Context, err error, fate providers.Fate) *providers.Error {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fail(providers.Canceled, fate, "the call was canceled")
	case ctx.Err() != nil, errors.As(err, &slow) && slow.Timeout():
		return fail(providers.Timeout, fate, "no answer in time")
	case fate == providers.Executed:
		return fail(providers.Incomplete, fate, "the answer was cut")
	default:
		return fail(providers.Network, fate, "the connection failed")
	}
}

// refused types an answer that is no success: its kind by Acme's own code where it has one, and else by the status. Whether
// it ran is for the status alone, because none of the codes says that it may have.
func refused(resp *http.Response, key string) *providers.Error {
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = json.Unmarshal(said, &body) // a gateway answers in HTML: then there is only the status
	e := fail(providers.Upstream, providers.Unknown, "")
	switch status := resp.StatusCode; {
	case status == 408:
		e.Kind = providers.Timeout
	case status == 503, status == 529:
		e.Kind, e.Fate = providers.Overloaded, providers.Rejected
	case status/100 == 3:
		e.Fate, e.Detail = providers.Rejected, "a redirect, which is not followed"
	case status/100 == 4:
		kinds := map[int]providers.Kind{401: providers.Auth, 402: providers.Quota, 403: providers.Permission, 404: providers.NotFound,
			413: providers.ContextTooLong, 429: providers.RateLimited}
		e.Kind, e.Fate = providers.Invalid, providers.Rejected
		if kind, known := kinds[status]; known {
			e.Kind = kind
		}
	}
	if e.Code = providers.Identifier(body.Error.Code, key); e.Code == "out_of_credit" {
		e.Kind = providers.Quota
	}
	wait := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(wait); err == nil {
		e.RetryAfter = time.Duration(min(max(n, 0), 24*60*60)) * time.Second
	} else if at, err := http.ParseTime(wait); err == nil {
		e.RetryAfter = min(max(time.Until(at), 0), 24*time.Hour)
	}
	return e
}

// read judges a success. What is not a whole and metered answer was executed all the same.
func read(said []byte) (providers.TextResult, *providers.Error) {
	var body struct {
		Model  string          `json:"model"`
		Text   string          `json:"text"`
		Finish string          `json:"finish"`
		Error  json.RawMessage `json:"error"`
		Usage  *struct {
			Input  int64 `json:"input"` // cached tokens included
			Cached int64 `json:"cached"`
			Output int64 `json:"output"`
			Total  int64 `json:"total"`
		} `json:"usage"`
	}
	var used usage.Usage // what is known of it, also when the answer is of no use: it is billed all the same
	executed := func(kind providers.Kind, detail string) (providers.TextResult, *providers.Error) {
		e := fail(kind, providers.Executed, detail)
		e.Usage = used
		return providers.TextResult{}, e
	}
	if json.Unmarshal(said, &body) != nil {
		return executed(providers.Malformed, "the answer is not the JSON of Acme")
	}
	u := body.Usage
	sound := u != nil && u.Cached >= 0 && u.Output >= 0 && u.Cached <= u.Input && u.Total == u.Input+u.Output
	if sound {
		used = usage.Usage{Input: usage.Exactly(u.Input - u.Cached), CachedInput: usage.Exactly(u.Cached), Output: usage.Exactly(u.Output)}
	}
	switch {
	case body.Error != nil:
		return executed(providers.Upstream, "an error inside a success")
	case body.Finish == "refused":
		return executed(providers.Blocked, "the model refused")
	case body.Finish == "length":
		return executed(providers.Incomplete, "the answer stopped at the token limit")
	case body.Finish != "stop", body.Text == "":
		return executed(providers.Malformed, "the answer has no text, or did not finish")
	case !sound:
		return executed(providers.Malformed, "the answer has no usage, or one that does not add up")
	}
	return providers.TextResult{Text: body.Text, Metering: providers.Metering{Model: body.Model, Usage: used}}, nil
}
