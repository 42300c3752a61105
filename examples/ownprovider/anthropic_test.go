package ownprovider_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/examples/ownprovider"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

func TestAnthropicKeepsTheContract(t *testing.T) {
	answer := func(status int, body string) providertest.Recorded {
		return providertest.Recorded{Status: status, Header: http.Header{"Request-Id": {"req_{{attempt}}"}}, Body: body}
	}
	message := func(content, stop, usage string) providertest.Recorded {
		return answer(200, `{"id":"msg_01","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001","content":[`+content+
			`],"stop_reason":"`+stop+`","stop_sequence":null`+usage+`}`)
	}
	const (
		hello = `{"type":"text","text":"Hello, "},{"type":"text","text":"{{attempt}}."}` // an answer may come in parts
		used  = `,"usage":{"input_tokens":4,"cache_creation_input_tokens":2,"cache_read_input_tokens":6,"output_tokens":3,"service_tier":"standard"}`
	)
	failure := func(name string, status int, code, text string, kind providers.Kind, fate providers.Fate) providertest.Failure {
		return providertest.Failure{Name: name, Kind: kind, Fate: fate, Code: code, Recorded: answer(status,
			`{"type":"error","error":{"type":"`+code+`","message":"`+text+`"},"request_id":"req_{{attempt}}"}`)}
	}
	wait := func(f providertest.Failure) providertest.Failure {
		f.Recorded.Header = http.Header{"Request-Id": {"req_{{attempt}}"}, "Retry-After": {"7"}}
		f.RetryAfter = 7 * time.Second
		return f
	}
	stop := func(name, content, reason string, kind providers.Kind) providertest.Failure {
		return providertest.Failure{Name: name, Recorded: message(content, reason, used), Kind: kind, Fate: providers.Executed}
	}
	providertest.Run(t, providertest.Suite{
		New: func(baseURL string) (providers.Provider, error) { return ownprovider.NewAnthropic(baseURL), nil },
		Text: &providertest.TextWire{
			Model:   "claude-haiku-4-5",
			Success: message(hello, "end_turn", used),
			Want: providers.TextResult{Text: "Hello, {{attempt}}.", Metering: providers.Metering{
				RequestID: "req_{{attempt}}", Model: "claude-haiku-4-5-20251001", ServiceTier: "standard",
				Usage: usage.Usage{Input: usage.Exactly(4), CacheWrite: usage.Exactly(2), CachedInput: usage.Exactly(6), Output: usage.Exactly(3)}}},
			Total: 15, // the service tells none: the sum of its four disjoint counts
			// A request with a schema is answered by the input of a tool.
			Structured:     message(`{"type":"tool_use","id":"toolu_01","name":"x","input":{"hello":"{{attempt}}"}}`, "tool_use", used),
			WantStructured: `{"hello":"{{attempt}}"}`,

			Refusal: message("", "refusal", used),
			Length:  message(`{"type":"text","text":"Hel"}`, "max_tokens", used),
			NoUsage: message(hello, "end_turn", ""),
			// There is no total that could be wrong; a negative count is what cannot be true.
			BadUsage:   message(hello, "end_turn", `,"usage":{"input_tokens":4,"cache_read_input_tokens":-6,"output_tokens":3}`),
			NoText:     message("", "end_turn", used),
			ErrorIn200: answer(200, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_{{attempt}}"}`),
			Failures: []providertest.Failure{
				failure("InvalidRequest", 400, "invalid_request_error", "max_tokens: too large", providers.Invalid, providers.Rejected),
				failure("PromptTooLong", 400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", providers.ContextTooLong, providers.Rejected),
				failure("WrongKey", 401, "authentication_error", "invalid x-api-key", providers.Auth, providers.Rejected),
				failure("NoCredit", 402, "billing_error", "Your account is empty", providers.Quota, providers.Rejected),
				failure("NoPermission", 403, "permission_error", "Not allowed", providers.Permission, providers.Rejected),
				failure("NoModel", 404, "not_found_error", "model: x", providers.NotFound, providers.Rejected),
				failure("TooLarge", 413, "request_too_large", "Request exceeds the maximum size", providers.ContextTooLong, providers.Rejected),
				wait(failure("RateLimit", 429, "rate_limit_error", "Too many requests", providers.RateLimited, providers.Rejected)),
				failure("Broken", 500, "api_error", "Internal server error", providers.Upstream, providers.Unknown),
				failure("TookTooLong", 504, "timeout_error", "Request timed out", providers.Timeout, providers.Unknown),
				wait(failure("Overloaded", 529, "overloaded_error", "Overloaded", providers.Overloaded, providers.Rejected)),
				// The status says whether it ran, whatever the type.
				failure("OverloadedLate", 500, "overloaded_error", "Overloaded", providers.Overloaded, providers.Unknown),
				failure("UnknownType", 400, "new_error", "New", providers.Invalid, providers.Rejected),
				failure("UnknownTypeIn200", 200, "new_error", "New", providers.Upstream, providers.Executed),
				stop("ContextExceeded", `{"type":"text","text":"Hel"}`, "model_context_window_exceeded", providers.Incomplete),
				stop("Paused", hello, "pause_turn", providers.Malformed),
				stop("UnaskedTool", `{"type":"tool_use","id":"toolu_01","name":"x","input":{}}`, "tool_use", providers.Malformed),
			},
		},
	})
}

// What the suite cannot know: where the service wants the system texts, and that a schema is a tool whose input is the answer.
func TestAnthropicSpeaksTheWire(t *testing.T) {
	var asked string
	said := ""
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = strings.Join([]string{r.URL.Path, r.Header.Get("X-Api-Key"), r.Header.Get("Anthropic-Version"), string(body)}, " ")
		io.WriteString(w, `{"type":"message","model":"m","usage":{"input_tokens":4,"output_tokens":3},`+said+`}`)
	}))
	defer upstream.Close()
	p := ownprovider.NewAnthropic(upstream.URL + "/v1/")
	request := providers.TextRequest{Attempt: providers.Attempt{ID: "a", Key: secret.Key{Secret: secret.New("sk")}}, Model: "m", MaxOutput: 9,
		Messages: []providers.Message{{Role: providers.System, Text: "One."}, {Role: providers.System, Text: "Two."}, {Role: providers.User, Text: "Hi"}}}

	said = `"stop_reason":"stop_sequence","content":[{"type":"text","text":"Hello, "},{"type":"text","text":"you."}]`
	got, err := p.GenerateText(t.Context(), request)
	if err != nil || got.Text != "Hello, you." {
		t.Errorf("got %q, %v", got.Text, err)
	}
	if want := `/v1/messages sk 2023-06-01 {"max_tokens":9,"messages":[{"content":"Hi","role":"user"}],"model":"m","system":"One.\n\nTwo."}`; asked != want {
		t.Errorf("asked\n%s, want\n%s", asked, want)
	}

	request.Schema = &providers.Schema{Name: "reply", JSON: []byte(`{"type":"object"}`)}
	said = `"stop_reason":"tool_use","content":[{"type":"text","text":"Well:"},{"type":"tool_use","id":"t","name":"reply","input":{"a":1}}]`
	got, err = p.GenerateText(t.Context(), request)
	if err != nil || got.Text != `{"a":1}` {
		t.Errorf("got %q, %v", got.Text, err)
	}
	if want := `"tool_choice":{"name":"reply","type":"tool"},"tools":[{"description":"Takes the answer.","input_schema":{"type":"object"},"name":"reply"}]`; !strings.Contains(asked, want) {
		t.Errorf("asked\n%s, want in it\n%s", asked, want)
	}

	asked = ""
	request.Messages = append(request.Messages, providers.Message{Role: providers.System, Text: "Three."})
	if _, err = p.GenerateText(t.Context(), request); !errors.Is(err, providers.Unsupported) || asked != "" {
		t.Errorf("a system text after a turn: %v, asked %q", err, asked)
	}
}
