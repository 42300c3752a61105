package providertest_test

import (
	"net/http"
	"testing"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

// In the tests of an adapter of your own, record what its upstream says and say what that means.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestKeepsTheContract(t *testing.T)
		const usageOf = `"usage":{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":8}}`
		providertest.Run(t, providertest.Suite{
			New: func(baseURL string) (providers.Provider, error) { return openai.New(openai.Config{BaseURL: baseURL}) },
			Text: &providertest.TextWire{
				Success: providertest.Recorded{Header: http.Header{"X-Request-Id": {"req_{{attempt}}"}}, Body: `{"model":"m-1",
					"choices":[{"message":{"content":"Hello, {{attempt}}."},"finish_reason":"stop"}],` + usageOf + `}`},
				Want: providers.TextResult{Text: "Hello, {{attempt}}.", Metering: providers.Metering{RequestID: "req_{{attempt}}", Model: "m-1",
					Usage: usage.Usage{Input: usage.Exactly(12), CachedInput: usage.Exactly(8), Output: usage.Exactly(5)}}},
				Total: 25,
				Structured: providertest.Recorded{Body: `{"model":"m-1",
					"choices":[{"message":{"content":"{\"answer\":\"{{attempt}}\"}"},"finish_reason":"stop"}],` + usageOf + `}`},
				WantStructured: `{"answer":"{{attempt}}"}`,

				Refusal: providertest.Recorded{Body: `{"choices":[{"message":{"refusal":"No."},"finish_reason":"stop"}],` + usageOf + `}`},
				Length:  providertest.Recorded{Body: `{"choices":[{"message":{"content":"Hel"},"finish_reason":"length"}],` + usageOf + `}`},
				NoUsage: providertest.Recorded{Body: `{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}`},
				Failures: []providertest.Failure{{Name: "NoMoney", Kind: providers.Quota, Fate: providers.Rejected, Code: "insufficient_quota",
					Recorded: providertest.Recorded{Status: 429, Body: `{"error":{"code":"insufficient_quota"}}`}}},
			},
		})
	}
}
