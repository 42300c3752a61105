package openai_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

// completion is an answer of the wire; the texts are its message, its finish reason and its usage.
func completion(message, finish, usage string) providertest.Recorded {
	return providertest.Recorded{Header: http.Header{"X-Request-Id": {"req_{{attempt}}"}}, Body: `{"id":"chatcmpl-1","object":"chat.completion","model":"m-1-2026",
		"service_tier":"default","choices":[{"index":0,"message":{"role":"assistant",` + message + `},"finish_reason":"` + finish + `"}]` + usage + `}`}
}

func TestKeepsTheContractOfAnAdapter(t *testing.T) {
	const (
		hello   = `"content":"Hello, {{attempt}}.","refusal":null`
		counted = `,"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":20},
			"completion_tokens_details":{"reasoning_tokens":15,"rejected_prediction_tokens":4}}`
	)
	problem := func(status int, code string, header ...string) providertest.Recorded {
		r := providertest.Recorded{Status: status, Header: http.Header{}, Body: `{"error":{"message":"It says why.","type":"some_error","param":null,"code":"` + code + `"}}`}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r
	}
	providertest.Run(t, providertest.Suite{
		New: func(base string) (providers.Provider, error) { return openai.New(openai.Config{BaseURL: base}) },
		Text: &providertest.TextWire{
			Success: completion(hello, "stop", counted),
			Want: providers.TextResult{Text: "Hello, {{attempt}}.", Metering: providers.Metering{
				Usage: usage.Usage{Input: usage.Exactly(50), CachedInput: usage.Exactly(30), CacheWrite: usage.Exactly(20),
					Output: usage.Exactly(35), Reasoning: usage.Exactly(15)},
				RequestID: "req_{{attempt}}", Model: "m-1-2026", ServiceTier: "default"}},
			Total:          150,
			Structured:     completion(`"content":"{\"hello\":\"{{attempt}}\"}","refusal":null`, "stop", counted),
			WantStructured: `{"hello":"{{attempt}}"}`,

			Refusal:    completion(`"content":null,"refusal":"I can't help with that."`, "stop", counted),
			Length:     completion(hello, "length", counted),
			NoUsage:    completion(hello, "stop", ""),
			BadUsage:   completion(hello, "stop", strings.Replace(counted, "150", "151", 1)),
			NoText:     completion(`"content":null,"refusal":null`, "stop", counted),
			ErrorIn200: problem(200, "server_error"),
			Failures: []providertest.Failure{
				{Name: "ContentFilter", Recorded: completion(hello, "content_filter", counted), Kind: providers.Blocked, Fate: providers.Executed},
				{Name: "NoFinishReason", Recorded: completion(hello, "", counted), Kind: providers.Incomplete, Fate: providers.Executed},
				{Name: "NoChoices", Recorded: providertest.Recorded{Body: `{"choices":[]` + counted + `}`}, Kind: providers.Malformed, Fate: providers.Executed},
				{Name: "RateLimitIn200", Recorded: problem(200, "rate_limit_exceeded"), Kind: providers.RateLimited, Fate: providers.Rejected},
				{Name: "WrongKey", Recorded: problem(401, "invalid_api_key"), Kind: providers.Auth, Fate: providers.Rejected, Code: "invalid_api_key"},
				{Name: "RateLimit", Recorded: problem(429, "rate_limit_exceeded", "Retry-After", "20", "Retry-After-Ms", "19500"),
					Kind: providers.RateLimited, Fate: providers.Rejected, Code: "rate_limit_exceeded", RetryAfter: 19500 * time.Millisecond},
				{Name: "NoMoney", Recorded: problem(429, "insufficient_quota"), Kind: providers.Quota, Fate: providers.Rejected, Code: "insufficient_quota"},
				{Name: "TooLong", Recorded: problem(400, "context_length_exceeded"), Kind: providers.ContextTooLong, Fate: providers.Rejected},
				{Name: "Prompt", Recorded: problem(400, "content_policy_violation"), Kind: providers.Blocked, Fate: providers.Rejected},
				{Name: "NoSuchModel", Recorded: problem(404, "model_not_found"), Kind: providers.NotFound, Fate: providers.Rejected},
				{Name: "ServerError", Recorded: problem(500, "server_error"), Kind: providers.Upstream, Fate: providers.Unknown},
				{Name: "Busy", Recorded: problem(503, "server_is_overloaded"), Kind: providers.Overloaded, Fate: providers.Rejected},
			},
		},
	})
}
