package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/usage"
)

// TestAnAzureServer is reached by its base URL of the version 1 and by the header for its keys.
func TestAnAzureServer(t *testing.T) {
	var answer func(http.ResponseWriter)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/openai/v1/chat/completions" || r.Header.Get("Api-Key") != wiretest.APIKey || r.Header.Get("Authorization") != "" {
			t.Errorf("POST %s with %v, want the route of version 1, and the key in the api-key header alone", r.URL, r.Header)
		}
		answer(w)
	}))
	defer s.Close()
	p := provider(t, openai.Config{Name: "azure", BaseURL: s.URL + "/openai/v1/", KeyHeader: "api-key"})

	t.Run("Answers", func(t *testing.T) {
		answer = func(w http.ResponseWriter) {
			w.Header().Set("X-Request-Id", "req_az")
			_, _ = io.WriteString(w, `{"id":"c","model":"m-1-2026","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}],
				"choices":[{"index":0,"finish_reason":"stop","content_filter_results":{},"message":{"role":"assistant","content":"Hello.","annotations":[]}}],
				"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":2}}}`)
		}
		got, err := p.GenerateText(t.Context(), textRequest())
		want := providers.TextResult{Text: "Hello.", Metering: providers.Metering{RequestID: "req_az", Model: "m-1-2026",
			Usage: usage.Usage{Input: usage.Exactly(10), Output: usage.Exactly(3), Reasoning: usage.Exactly(2)}}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("GenerateText = %+v, %v; want %+v", got, err, want)
		}
	})
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		kind   providers.Kind
		fate   providers.Fate
		code   string
	}{
		{"AFilteredPromptIsBlocked", 400, `{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,
			"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}`, providers.Blocked, providers.Rejected, "content_filter"},
		{"AFilteredAnswerIsBlocked", 200, `{"choices":[{"finish_reason":"content_filter","message":{"content":"Hel"}}],
			"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`, providers.Blocked, providers.Executed, ""},
		{"ALimitIsARateLimit", 429, `{"error":{"code":"429","message":"exceeded call rate limit"}}`, providers.RateLimited, providers.Rejected, "429"},
		{"ALimitByItsNameIsARateLimit", 429, `{"error":{"code":"RateLimitReached","message":"m"}}`, providers.RateLimited, providers.Rejected, "RateLimitReached"},
		{"AKeyThatIsRefusedIsAuth", 401, `{"error":{"code":"401","message":"invalid subscription key"}}`, providers.Auth, providers.Rejected, "401"},
		{"AKeyThatIsRefusedByTheGatewayIsAuth", 401, `{"statusCode":401,"message":"Unauthorized"}`, providers.Auth, providers.Rejected, ""},
		{"AnUnknownDeploymentIsNotFound", 404, `{"error":{"code":"DeploymentNotFound","message":"m"}}`, providers.NotFound, providers.Rejected, "DeploymentNotFound"},
		{"ANumberIsACode", 400, `{"error":{"code":400,"message":"m"}}`, providers.Invalid, providers.Rejected, "400"},
		{"AnInternalErrorIsUpstream", 500, `{"error":{"code":"InternalServerError","message":"m"}}`, providers.Upstream, providers.Unknown, "InternalServerError"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			answer = func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "3")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}
			_, err := p.GenerateText(t.Context(), textRequest())
			e := wiretest.Failed(t, err, tt.kind, tt.fate)
			if e.Code != tt.code || e.Provider != "azure" || tt.status == 429 && e.RetryAfter != 3*time.Second {
				t.Errorf("error %+v, want code %q of azure, and after 3 s if it is a limit", e, tt.code)
			}
		})
	}
	t.Run("SendsTheKeyNowhereElse", func(t *testing.T) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a redirect was followed with %v", r.Header) }))
		defer elsewhere.Close()
		answer = func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		_, err := p.GenerateText(t.Context(), textRequest())
		wiretest.Failed(t, err, providers.Upstream, providers.Rejected)
	})
}

func TestAKeyHeaderThatCarriesSomethingElseIsRefused(t *testing.T) {
	for _, name := range []string{"content-type", "X-Client-Request-ID", "OpenAI-Organization", "OpenAI-Project", "host", "content-length",
		"Transfer-Encoding", "a b", "x:", "ü", "a\r\nb"} {
		if _, err := openai.New(openai.Config{KeyHeader: name}); err == nil || !strings.Contains(err.Error(), "KeyHeader") {
			t.Errorf("New took the key header %q: %v", name, err)
		}
	}
	if _, err := openai.New(openai.Config{KeyHeader: "Authorization"}); err != nil {
		t.Errorf("New refused a key without a scheme: %v", err)
	}
}

// TestACompatibleServer has what those of other vendors do otherwise.
func TestACompatibleServer(t *testing.T) {
	said := func(finish, rest string) string {
		return `{"choices":[{"message":{"content":"Hello."},"finish_reason":` + finish + `}]` + rest + `}`
	}
	const used = `,"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}`
	ask := func(t *testing.T, cfg openai.Config, body string) (providers.TextResult, error) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		t.Cleanup(s.Close)
		cfg.BaseURL = s.URL
		return provider(t, cfg).GenerateText(t.Context(), textRequest())
	}
	for _, tt := range []struct {
		rule     string
		finishes []string
		body     string
		kind     providers.Kind // empty if the answer is whole
	}{
		{"MaySendNullAsTheFinishReason", []string{""}, said(`null`, used), ""},
		{"MaySendNoFinishReason", []string{""}, `{"choices":[{"message":{"content":"Hello."}}]` + used + `}`, ""},
		{"MayHaveAFinishReasonOfItsOwn", []string{"eos", "end_turn"}, said(`"end_turn"`, used), ""},
		{"MayStillSayStop", []string{"eos"}, said(`"stop"`, used), ""},
		{"IsNotBelievedWithoutAWord", nil, said(`null`, used), providers.Incomplete},
		{"IsNotBelievedForAnotherReason", []string{"eos"}, said(`"tool_calls"`, used), providers.Malformed},
		{"CannotMakeACutAnswerWhole", []string{"length", ""}, said(`"length"`, used), providers.Incomplete},
		{"CannotMakeAnAnswerWholeThatFilledTheModel", []string{"model_length"}, said(`"model_length"`, used), providers.Incomplete},
		{"CannotMakeAFailedAnswerWhole", []string{"error"}, said(`"error"`, used), providers.Upstream},
		{"CannotMakeAFilteredAnswerWhole", []string{"content_filter"}, said(`"content_filter"`, used), providers.Blocked},
		{"CannotDoWithoutUsage", []string{""}, said(`null`, ``), providers.Malformed},
		{"CannotDoWithoutText", []string{""}, `{"choices":[{"message":{"content":null,"reasoning_content":"Hm."},"finish_reason":null}]` + used + `}`, providers.Malformed},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := ask(t, openai.Config{Finishes: tt.finishes}, tt.body)
			if tt.kind != "" {
				wiretest.Failed(t, err, tt.kind, providers.Executed)
				return
			}
			if err != nil || got.Text != "Hello." || got.Usage != usage.Tokens(10, 5) || got.ServiceTier != "" {
				t.Errorf("GenerateText = %+v, %v", got, err)
			}
		})
	}
	t.Run("KeepsTheFinishesOfItsConfig", func(t *testing.T) {
		finishes := []string{"eos"}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said(`"eos"`, used)) }))
		defer s.Close()
		p := provider(t, openai.Config{BaseURL: s.URL, Finishes: finishes})
		finishes[0] = "other"
		if _, err := p.GenerateText(t.Context(), textRequest()); err != nil {
			t.Error(err)
		}
	})
	t.Run("SaysWhichFieldHasTheBound", func(t *testing.T) {
		for _, field := range []string{"max_tokens", "max_new_tokens", "max_completion_tokens"} {
			r := textRequest()
			_, body := sent(t, openai.Config{BoundField: field}, r)
			if body[field] != 100.0 || len(body) != 3 {
				t.Errorf("body %v, want model, messages and the bound in %s", body, field)
			}
			p := provider(t, openai.Config{BaseURL: "http://unused.invalid", BoundField: field})
			for _, other := range []string{field, "max_tokens", "max_completion_tokens"} {
				r.Parameters = map[string]json.RawMessage{other: json.RawMessage(`9000`)}
				_, err := p.GenerateText(t.Context(), r)
				wiretest.Failed(t, err, providers.Invalid, providers.NotSent)
			}
		}
	})
	t.Run("KeepsItsBoundFromAModelThatOmitsIt", func(t *testing.T) {
		r := textRequest()
		r.Omit = []string{"max_completion_tokens"} // of a model that is also served elsewhere
		if _, body := sent(t, openai.Config{BoundField: "max_new_tokens"}, r); body["max_new_tokens"] != 100.0 || len(body) != 3 {
			t.Errorf("body %v", body)
		}
		r.Omit = []string{"max_tokens"}
		_, err := provider(t, openai.Config{BaseURL: "http://unused.invalid", BoundField: "max_tokens"}).GenerateText(t.Context(), r)
		wiretest.Failed(t, err, providers.Invalid, providers.NotSent)
	})
	t.Run("CannotHaveItsBoundInAFieldForSomethingElse", func(t *testing.T) {
		for _, field := range []string{"model", "messages", "temperature", "response_format", "n", "stream", "stream_options", "a b", "a\"b"} {
			if _, err := openai.New(openai.Config{BoundField: field}); err == nil || !strings.Contains(err.Error(), "BoundField") {
				t.Errorf("New took %q as the field of the bound: %v", field, err)
			}
		}
	})
	t.Run("TakesTheBoundByItsOldNameAndFieldsOfItsOwn", func(t *testing.T) {
		r := textRequest()
		r.Omit = []string{"max_completion_tokens"}
		r.Parameters = map[string]json.RawMessage{"top_k": json.RawMessage(`4`)}
		_, body := sent(t, openai.Config{}, r)
		if body["max_tokens"] != 100.0 || body["top_k"] != 4.0 {
			t.Errorf("body %v", body)
		}
	})
}
