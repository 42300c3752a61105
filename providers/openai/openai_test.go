package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/usage"
)

func provider(t testing.TB, cfg openai.Config) *openai.Provider {
	t.Helper()
	p, err := openai.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upstream returns a provider whose upstream is one handler.
func upstream(t testing.TB, h http.HandlerFunc) *openai.Provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return provider(t, openai.Config{BaseURL: s.URL})
}

func textRequest() providers.TextRequest {
	return providers.TextRequest{Attempt: wiretest.Attempt(""), Model: "m-1", MaxOutput: 100,
		Messages: []providers.Message{{Role: providers.System, Text: "Be brief."}, {Role: providers.User, Text: wiretest.Prompt}}}
}

const good = `{"id":"c","model":"m-1-2026","service_tier":"default","error":null,
	"choices":[{"index":0,"message":{"role":"assistant","content":"Hello.","refusal":null},"finish_reason":"stop"}],
	"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
	"prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":20,"audio_tokens":0},
	"completion_tokens_details":{"reasoning_tokens":15,"rejected_prediction_tokens":4}}}`

func TestNewListsEveryMistake(t *testing.T) {
	_, err := openai.New(openai.Config{BaseURL: "https://u:" + wiretest.APIKey + "@x", Organization: "a\nb", Project: "ü", MaxResponseBytes: -1})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, part := range []string{"base URL", "Organization", "Project", "MaxResponseBytes"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
	wiretest.Silent(t, err)
}

func TestDescribeAgreesWithTheMethods(t *testing.T) {
	b, err := providers.Bind(provider(t, openai.Config{}))
	if err != nil || b.Name != "openai" || b.GenerateText == nil || b.GenerateImages != nil || b.Reconcile != nil {
		t.Errorf("Bind = %+v, %v; want text only, named openai", b, err)
	}
}

// sent returns the one request that a call made.
func sent(t *testing.T, cfg openai.Config, r providers.TextRequest) (http.Header, map[string]any) {
	t.Helper()
	var header http.Header
	var body map[string]any
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		header = r.Header.Clone()
		if r.Method != "POST" || r.URL.Path != "/v1/chat/completions" {
			t.Errorf("%s %s, want POST /v1/chat/completions", r.Method, r.URL)
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, good)
	}))
	defer s.Close()
	cfg.BaseURL = "http://unused.invalid/v1"
	r.Attempt.BaseURL = s.URL + "/v1"
	if _, err := provider(t, cfg).GenerateText(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d requests for one call", n)
	}
	return header, body
}

func TestTheRequest(t *testing.T) {
	full := textRequest()
	full.Temperature = decimal.NewNullDecimal(decimal.RequireFromString("0.70"))
	full.Schema = &providers.Schema{Name: "answer", JSON: json.RawMessage(`{"type":"object"}`)}

	t.Run("CarriesWhatWasAskedFor", func(t *testing.T) {
		header, body := sent(t, openai.Config{Organization: "org-1", Project: "proj-1"}, full)
		want := map[string]any{"model": "m-1", "max_completion_tokens": 100.0, "temperature": 0.7,
			"messages": []any{map[string]any{"role": "system", "content": "Be brief."}, map[string]any{"role": "user", "content": wiretest.Prompt}},
			"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{
				"name": "answer", "strict": true, "schema": map[string]any{"type": "object"}}}}
		if !reflect.DeepEqual(body, want) {
			t.Errorf("body %v, want %v", body, want)
		}
		for name, want := range map[string]string{"Authorization": "Bearer " + wiretest.APIKey, "Content-Type": "application/json",
			"X-Client-Request-Id": full.Attempt.ID, "OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1", "Idempotency-Key": ""} {
			if got := header.Get(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
	})
	t.Run("LeavesOutWhatWasNotAskedFor", func(t *testing.T) {
		header, body := sent(t, openai.Config{}, textRequest())
		if len(body) != 3 || header.Get("OpenAI-Organization") != "" || header.Get("OpenAI-Project") != "" {
			t.Errorf("body %v and header %v have more than they should", body, header)
		}
	})
	t.Run("GivesTheBoundItsOldNameIfTheNewOneIsOmitted", func(t *testing.T) {
		r := textRequest()
		r.Omit = []string{"max_completion_tokens"}
		_, body := sent(t, openai.Config{}, r)
		if body["max_tokens"] != 100.0 || body["max_completion_tokens"] != nil {
			t.Errorf("body %v, want max_tokens instead of max_completion_tokens", body)
		}
		if len(r.Omit) != 1 {
			t.Errorf("the caller's Omit was changed to %v", r.Omit)
		}
	})
	t.Run("OmitsAndAddsWhatTheProfileSays", func(t *testing.T) {
		r := full
		r.Omit = []string{"temperature"}
		r.Parameters = map[string]json.RawMessage{"reasoning_effort": json.RawMessage(`"low"`), "response_format": json.RawMessage(`{"type":"json_object"}`)}
		_, body := sent(t, openai.Config{}, r)
		if _, ok := body["temperature"]; ok || body["reasoning_effort"] != "low" || !reflect.DeepEqual(body["response_format"], map[string]any{"type": "json_object"}) {
			t.Errorf("body %v, want no temperature, the reasoning effort and the other format", body)
		}
	})
}

func TestARequestThatCannotBeSentIsRefusedBeforeItIs(t *testing.T) {
	parameter := func(name string) func(*providers.TextRequest) {
		return func(r *providers.TextRequest) {
			r.Parameters = map[string]json.RawMessage{name: json.RawMessage(`1`)}
		}
	}
	for rule, change := range map[string]func(*providers.TextRequest){
		"WithoutAModel":                 func(r *providers.TextRequest) { r.Model = "" },
		"WithoutABound":                 func(r *providers.TextRequest) { r.MaxOutput = 0 },
		"WithoutMessages":               func(r *providers.TextRequest) { r.Messages = nil },
		"WithAnUnknownRole":             func(r *providers.TextRequest) { r.Messages = []providers.Message{{Role: "tool", Text: "x"}} },
		"WithoutAnAttemptID":            func(r *providers.TextRequest) { r.Attempt.ID = "" },
		"WithALineEndInTheAttemptID":    func(r *providers.TextRequest) { r.Attempt.ID = "a\r\nX: y" },
		"WithABadBaseURL":               func(r *providers.TextRequest) { r.Attempt.BaseURL = "localhost:1" },
		"WithBothBoundsOmitted":         func(r *providers.TextRequest) { r.Omit = []string{"max_completion_tokens", "max_tokens"} },
		"WithAModelParameter":           parameter("model"),
		"WithAMessagesParameter":        parameter("messages"),
		"WithABoundParameter":           parameter("max_completion_tokens"),
		"WithABoundOfTheOldName":        parameter("max_tokens"),
		"WithSeveralChoices":            parameter("n"),
		"WithAStream":                   parameter("stream"),
		"WithASchemaThatIsNotJSON":      func(r *providers.TextRequest) { r.Schema = &providers.Schema{Name: "x", JSON: json.RawMessage("{")} },
		"WithTheModelOmitted":           func(r *providers.TextRequest) { r.Omit = []string{"model"} },
		"WithAParameterThatIsNotJSON":   func(r *providers.TextRequest) { r.Parameters = map[string]json.RawMessage{"x": json.RawMessage("{")} },
		"WithAParameterOfAStrangeName":  parameter("a\"b"),
		"WithAParameterOfAnEmptyString": parameter(""),
	} {
		t.Run(rule, func(t *testing.T) {
			p := upstream(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
			r := textRequest()
			change(&r)
			_, err := p.GenerateText(t.Context(), r)
			wiretest.Failed(t, err, providers.Invalid, providers.NotSent)
		})
	}
	t.Run("WithoutAUsableKeyItIsAnAuthError", func(t *testing.T) {
		p := upstream(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
		for _, key := range []string{"", wiretest.APIKey + "\n", wiretest.APIKey + " x"} {
			r := textRequest()
			r.Attempt.Key = attemptKey(key)
			_, err := p.GenerateText(t.Context(), r)
			wiretest.Failed(t, err, providers.Auth, providers.NotSent)
		}
	})
}

func TestTheAnswer(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req_1")
		_, _ = io.WriteString(w, good)
	})
	got, err := p.GenerateText(t.Context(), textRequest())
	if err != nil {
		t.Fatal(err)
	}
	want := providers.TextResult{Text: "Hello.", Metering: providers.Metering{RequestID: "req_1", Model: "m-1-2026", ServiceTier: "default",
		Usage: usage.Usage{Input: usage.Exactly(50), CachedInput: usage.Exactly(30), CacheWrite: usage.Exactly(20),
			Output: usage.Exactly(35), Reasoning: usage.Exactly(15)}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("GenerateText = %+v, want %+v", got, want)
	}
	if in, out, err := got.Usage.TokenSums(); in != 100 || out != 50 || err != nil {
		t.Errorf("the classes add up to %d and %d (%v), want the provider's 100 and 50", in, out, err)
	}
}

func TestAnAnswerWithoutDetailsKnowsOnlyItsTotals(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`)
	})
	got, err := p.GenerateText(t.Context(), textRequest())
	if err != nil || got.Usage != usage.Tokens(10, 5) || got.Model != "m-1" {
		t.Errorf("GenerateText = %+v, %v; want 10 and 5 tokens of the model asked for", got, err)
	}
}

func TestWhatArrivesWithASuccessWasExecuted(t *testing.T) {
	choice := func(message, finish string) string {
		return `{"choices":[{"message":` + message + `,"finish_reason":` + finish + `}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`
	}
	withUsage := func(u string) string {
		return `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":` + u + `}`
	}
	known := usage.Tokens(10, 5)
	for _, tt := range []struct {
		rule  string
		body  string
		kind  providers.Kind
		usage usage.Usage
	}{
		{"ARefusalIsBlocked", choice(`{"content":null,"refusal":"No."}`, `"stop"`), providers.Blocked, known},
		{"AContentFilterIsBlocked", choice(`{"content":"x"}`, `"content_filter"`), providers.Blocked, known},
		{"TheTokenLimitIsIncomplete", choice(`{"content":"x"}`, `"length"`), providers.Incomplete, known},
		{"ANullFinishIsIncomplete", choice(`{"content":"x"}`, `null`), providers.Incomplete, known},
		{"AnotherFinishIsMalformed", choice(`{"content":"x"}`, `"tool_calls"`), providers.Malformed, known},
		{"NoTextIsMalformed", choice(`{"content":null}`, `"stop"`), providers.Malformed, known},
		{"ATextInPartsIsMalformed", choice(`{"content":[{"type":"text","text":"x"}]}`, `"stop"`), providers.Malformed, known},
		{"NoChoicesIsMalformed", `{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`, providers.Malformed, known},
		{"NoUsageIsMalformed", withUsage(`null`), providers.Malformed, usage.Usage{}},
		{"HalfAUsageIsMalformed", withUsage(`{"prompt_tokens":10}`), providers.Malformed, usage.Usage{Input: usage.Exactly(10)}},
		{"ANegativeCountIsMalformed", withUsage(`{"prompt_tokens":-1,"completion_tokens":5,"total_tokens":4}`), providers.Malformed, usage.Usage{Output: usage.Exactly(5)}},
		{"ATotalThatIsAnotherIsMalformed", withUsage(`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":16}`), providers.Malformed, known},
		{"MoreCachedThanReadIsMalformed", withUsage(`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":3}}`), providers.Malformed, known},
		{"MoreReasoningThanOutputIsMalformed", withUsage(`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"completion_tokens_details":{"reasoning_tokens":6}}`), providers.Malformed, known},
		{"ASumBeyondAnInt64IsMalformed", withUsage(`{"prompt_tokens":9223372036854775807,"completion_tokens":5,"total_tokens":15}`), providers.Malformed, usage.Usage{}},
		{"ACountBeyondAnInt64IsMalformed", withUsage(`{"prompt_tokens":92233720368547758070,"completion_tokens":5,"total_tokens":15}`), providers.Malformed, usage.Usage{}},
		{"HTMLIsMalformed", `<html>`, providers.Malformed, usage.Usage{}},
		{"NothingIsMalformed", ``, providers.Malformed, usage.Usage{}},
		{"TrailingTextIsMalformed", good + `x`, providers.Malformed, usage.Usage{}},
		{"AnArrayIsMalformed", `[]`, providers.Malformed, usage.Usage{}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			e := fails(t, 200, tt.body, tt.kind, providers.Executed)
			if e.Usage != tt.usage {
				t.Errorf("usage %+v, want %+v", e.Usage, tt.usage)
			}
		})
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	p := upstream(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := p.GenerateText(ctx, textRequest())
	wiretest.Failed(t, err, providers.Timeout, providers.Unknown)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("the call ended after %v with %v", time.Since(start), err)
	}
}

func TestAnAnswerLongerThanItsLimitIsMalformed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) }))
	defer s.Close()
	_, err := provider(t, openai.Config{BaseURL: s.URL, MaxResponseBytes: 100}).GenerateText(t.Context(), textRequest())
	wiretest.Failed(t, err, providers.Malformed, providers.Executed)
}

// FuzzAnswer: whatever the upstream says, a success has text and a usage that adds up, and an error is typed.
func FuzzAnswer(f *testing.F) {
	f.Add(200, good)
	f.Add(200, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"},{"message":{}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
	f.Add(200, `{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":9223372036854775807,"total_tokens":null}}`)
	f.Add(200, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1e2,"completion_tokens":"1","prompt_tokens_details":[]}}`)
	f.Add(200, `{"error":{"code":429}}`)
	f.Add(400, `{"error":{"code":"content_filter","param":["a"],"innererror":{"code":7}}}`)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		p := provider(t, openai.Config{HTTPClient: &http.Client{Transport: fixed(status, body)}})
		got, err := p.GenerateText(t.Context(), textRequest())
		if err != nil {
			if got != (providers.TextResult{}) {
				t.Errorf("a result beside an error: %+v", got)
			}
			if !strings.Contains(body, wiretest.Prompt) && !strings.Contains(body, wiretest.APIKey) && !strings.Contains(body, "Bearer") {
				wiretest.Silent(t, err)
			}
			e := providers.AsError("", err)
			if e.Kind == "" || e.Fate == "" || e.Fate == providers.NotSent || e.Provider != "openai" || e.Usage.Validate() != nil {
				t.Errorf("error %+v has no kind, no fate of what was sent, or no possible usage", e)
			}
			if status/100 == 2 && e.Fate != providers.Executed && e.Fate != providers.Rejected {
				t.Errorf("an answer of status %d has the fate %q", status, e.Fate)
			}
			return
		}
		if in, out, err := got.Usage.TokenSums(); status/100 != 2 || got.Text == "" || got.Model == "" || err != nil || in < 0 || out < 0 {
			t.Errorf("a success of status %d: %+v, %v", status, got, err)
		}
	})
}

// fixed is a transport that gives every request the same answer.
func fixed(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1, Request: r,
			Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }
