package ownprovider

import (
	"bytes"
	"cmp"
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

// AnthropicURL is Anthropic's own service.
const AnthropicURL = "https://api.anthropic.com/v1"

const answerLimit = 8 << 20 // bytes that are read of an answer

// Anthropic generates text with Anthropic's Messages API. It is immutable and safe for concurrent use.
type Anthropic struct {
	base string
	http *http.Client
}

var _ providers.TextGenerator = (*Anthropic)(nil)

// NewAnthropic returns a provider for the service at a base URL, [AnthropicURL] if it is empty. It does no I/O, takes no
// proxy from the environment and follows no redirect.
func NewAnthropic(baseURL string) *Anthropic {
	return &Anthropic{base: cmp.Or(baseURL, AnthropicURL), http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Describe implements [providers.Provider].
func (*Anthropic) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "anthropic", Text: true}
}

func anthropicError(kind providers.Kind, fate providers.Fate, detail string) *providers.Error {
	return &providers.Error{Provider: "anthropic", Kind: kind, Fate: fate, Detail: detail}
}

// GenerateText implements [providers.TextGenerator].
func (p *Anthropic) GenerateText(ctx context.Context, r providers.TextRequest) (result providers.TextResult, _ error) {
	body, e := anthropicBody(r)
	if e != nil {
		return result, e
	}
	key, base := r.Attempt.Key.Secret.Reveal(), strings.TrimRight(cmp.Or(r.Attempt.BaseURL, p.base), "/")
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return result, anthropicError(providers.Auth, providers.NotSent, "no key that a header can carry")
	}
	var written atomic.Bool // by the transport, which may still be at it when the call has returned
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, base+"/messages", bytes.NewReader(body))
	if err != nil {
		return result, anthropicError(providers.Invalid, providers.NotSent, "the base URL cannot be used")
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Client-Request-Id", r.Attempt.ID) // the service ignores it; logs on the way need not
	resp, err := p.http.Do(req)
	if err != nil && !written.Load() {
		return result, anthropicBroken(ctx, err, providers.Network, providers.NotSent)
	} else if err != nil {
		return result, anthropicBroken(ctx, err, providers.Network, providers.Unknown)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case resp.StatusCode/100 != 2:
		e = anthropicRefused(resp, said, key) // as far as it could be read: the status is enough
	case err != nil:
		e = anthropicBroken(ctx, err, providers.Incomplete, providers.Executed)
	case len(said) > answerLimit:
		e = anthropicError(providers.Malformed, providers.Executed, "the answer is longer than its limit")
	default:
		result, e = anthropicAnswer(said, r.Schema, key)
	}
	id := providers.Identifier(resp.Header.Get("Request-Id"), key)
	if e != nil {
		e.Status, e.RequestID = resp.StatusCode, id
		return providers.TextResult{}, e
	}
	result.RequestID = id
	return result, nil // not e: a nil *Error in an error is not nil
}

// anthropicBody writes the request.
func anthropicBody(r providers.TextRequest) ([]byte, *providers.Error) {
	if r.MaxOutput < 1 {
		return nil, anthropicError(providers.Invalid, providers.NotSent, "the request has no bound")
	}
	// What the call depends on, and what would change the shape of the answer, is not the profile's.
	for _, name := range []string{"model", "messages", "system", "max_tokens", "tools", "tool_choice", "stream"} {
		if _, set := r.Parameters[name]; set || slices.Contains(r.Omit, name) {
			return nil, anthropicError(providers.Invalid, providers.NotSent, "the profile touches a field that is fixed: "+name)
		}
	}
	turns, system := []map[string]string{}, []string(nil)
	for _, m := range r.Messages {
		switch {
		case m.Role == providers.User || m.Role == providers.Assistant:
			turns = append(turns, map[string]string{"role": string(m.Role), "content": m.Text})
		case m.Role == providers.System && len(turns) == 0:
			system = append(system, m.Text)
		default: // a system text has its place before the turns, and is not moved there in silence
			return nil, anthropicError(providers.Unsupported, providers.NotSent, "a message that is no turn, after one that is")
		}
	}
	fields := map[string]any{"model": r.Model, "messages": turns, "max_tokens": r.MaxOutput}
	if len(system) > 0 {
		fields["system"] = strings.Join(system, "\n\n")
	}
	if r.Temperature.Valid {
		fields["temperature"] = json.Number(r.Temperature.Decimal.String())
	}
	if r.Schema != nil { // the service's strict format is a tool that the model has to use
		fields["tools"] = []map[string]any{{"name": r.Schema.Name, "description": "Takes the answer.", "input_schema": r.Schema.JSON}}
		fields["tool_choice"] = map[string]string{"type": "tool", "name": r.Schema.Name}
	}
	for name, value := range r.Parameters {
		fields[name] = value
	}
	for _, name := range r.Omit {
		delete(fields, name)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, anthropicError(providers.Invalid, providers.NotSent, "a parameter or the schema is not JSON")
	}
	return body, nil
}

// anthropicBroken types an error of the transport. The error itself stays here: it holds the request.
func anthropicBroken(ctx context.Context, err error, kind providers.Kind, fate providers.Fate) *providers.Error {
	var slow interface{ Timeout() bool }
	if errors.Is(ctx.Err(), context.Canceled) {
		kind = providers.Canceled
	} else if ctx.Err() != nil || errors.As(err, &slow) && slow.Timeout() {
		kind = providers.Timeout
	}
	return anthropicError(kind, fate, "the connection ended before the answer did")
}

var anthropicTypes = map[string]providers.Kind{"invalid_request_error": providers.Invalid, "authentication_error": providers.Auth,
	"billing_error": providers.Quota, "permission_error": providers.Permission, "not_found_error": providers.NotFound,
	"request_too_large": providers.ContextTooLong, "rate_limit_error": providers.RateLimited, "api_error": providers.Upstream,
	"timeout_error": providers.Timeout, "overloaded_error": providers.Overloaded}

var anthropicStatuses = map[int]providers.Kind{401: providers.Auth, 402: providers.Quota, 403: providers.Permission,
	404: providers.NotFound, 408: providers.Timeout, 413: providers.ContextTooLong, 429: providers.RateLimited,
	503: providers.Overloaded, 529: providers.Overloaded}

// anthropicFailure is the service's own error. Its message quotes the request: it is looked at and not passed on.
type anthropicFailure struct{ Type, Message string }

// typed returns the failure as an error, of another kind if its type says nothing.
func (f anthropicFailure) typed(other providers.Kind, fate providers.Fate, key string) *providers.Error {
	e := anthropicError(cmp.Or(anthropicTypes[f.Type], other), fate, "")
	if e.Kind == providers.Invalid && strings.HasPrefix(f.Message, "prompt is too long") {
		e.Kind = providers.ContextTooLong
	}
	e.Code = providers.Identifier(f.Type, key)
	return e
}

// anthropicRefused types an answer that is no success. Its type says what went wrong, but only its status whether it ran:
// the service bills no 4xx and no 529, and does not say so of others.
func anthropicRefused(resp *http.Response, said []byte, key string) *providers.Error {
	var body struct{ Error anthropicFailure }
	_ = json.Unmarshal(said, &body) // a gateway answers in HTML: then there is only the status
	kind, fate := providers.Upstream, providers.Unknown
	switch status := resp.StatusCode; {
	case status/100 == 4 && status != 408: // a 408 is a gateway's, and may come when the request runs already
		kind, fate = providers.Invalid, providers.Rejected
	case status/100 == 3, status == 503, status == 529:
		fate = providers.Rejected
	}
	e := body.Error.typed(cmp.Or(anthropicStatuses[resp.StatusCode], kind), fate, key)
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(min(max(n, 0), 24*60*60)) * time.Second
	} else if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = min(max(time.Until(at), 0), 24*time.Hour)
	}
	return e
}

// anthropicAnswer judges a success. What is not a whole and metered answer was executed all the same.
func anthropicAnswer(said []byte, schema *providers.Schema, key string) (result providers.TextResult, e *providers.Error) {
	var body struct {
		Type, Model string
		Error       anthropicFailure
		StopReason  string `json:"stop_reason"`
		Content     []struct {
			Type, Text string
			Input      json.RawMessage
		}
		Usage struct {
			Input   usage.Count `json:"input_tokens"` // disjoint from the next two, as usage.Usage is
			Written usage.Count `json:"cache_creation_input_tokens"`
			Cached  usage.Count `json:"cache_read_input_tokens"`
			Output  usage.Count `json:"output_tokens"` // thinking included, and not told apart
			Tier    string      `json:"service_tier"`
		}
	}
	e = anthropicError(providers.Malformed, providers.Executed, "the answer is no whole message with a text and its usage")
	if json.Unmarshal(said, &body) != nil {
		return result, e
	}
	for _, part := range body.Content {
		if schema == nil && part.Type == "text" {
			result.Text += part.Text
		} else if schema != nil && part.Type == "tool_use" {
			result.Text += string(part.Input) // one part; more would not be JSON together, and so no answer
		}
	}
	u := body.Usage
	result.Usage = usage.Usage{Input: u.Input, CacheWrite: u.Written, CachedInput: u.Cached, Output: u.Output}
	result.Model, result.ServiceTier = body.Model, providers.Identifier(u.Tier, key)
	possible := result.Usage.Validate() == nil
	switch complete := []string{"end_turn", "stop_sequence", "tool_use"}; {
	case body.Type == "error":
		e = body.Error.typed(providers.Upstream, providers.Executed, key)
	case body.StopReason == "refusal":
		e.Kind, e.Detail = providers.Blocked, "the model refused"
	case body.StopReason == "max_tokens", body.StopReason == "model_context_window_exceeded":
		e.Kind, e.Detail = providers.Incomplete, "the answer stopped at a limit"
	case slices.Contains(complete, body.StopReason) && result.Text != "" && u.Input.Known && u.Output.Known && possible:
		return result, nil
	}
	if possible {
		e.Usage = result.Usage // it is billed, of use or not
	}
	return result, e
}
