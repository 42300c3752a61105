package ownprovider_test

import (
	"testing"

	"github.com/scrip-go/scrip/examples/ownprovider"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

func TestMistralKeepsTheContract(t *testing.T) {
	answer := func(status int, body string) providertest.Recorded {
		return providertest.Recorded{Status: status, Body: body}
	}
	completion := func(text, finish, usage string) providertest.Recorded {
		return answer(200, `{"id":"cmpl-1","object":"chat.completion","created":1764498000,"model":"mistral-small-2506",`+
			`"choices":[{"index":0,"message":{"role":"assistant","content":"`+text+`"},"finish_reason":"`+finish+`"}]`+usage+`}`)
	}
	const used = `,"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}`
	providertest.Run(t, providertest.Suite{
		New: func(baseURL string) (providers.Provider, error) { return ownprovider.NewMistral(baseURL) },
		Text: &providertest.TextWire{
			Model:   "mistral-small-latest",
			Success: completion("Hello, {{attempt}}.", "stop", used),
			Want: providers.TextResult{Text: "Hello, {{attempt}}.", Metering: providers.Metering{Model: "mistral-small-2506",
				Usage: usage.Tokens(12, 3)}},
			Total: 15,
			// No Refusal: the service has no finish reason for one.
			Length:     completion("Hel", "length", used),
			NoUsage:    completion("Hello.", "stop", ""),
			BadUsage:   completion("Hello.", "stop", `,"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":23}`),
			NoText:     completion("", "stop", used),
			ErrorIn200: answer(200, `{"object":"error","message":"Service unavailable.","type":"internal_server_error","param":null,"code":"3000"}`),
			// No codes: Mistral's errors have theirs at the top, where the wire of OpenAI has none. The status types them.
			Failures: []providertest.Failure{
				{Name: "WrongKey", Recorded: answer(401, `{"object":"error","message":"Unauthorized","type":"unauthorized","param":null,"code":null}`),
					Kind: providers.Auth, Fate: providers.Rejected},
				{Name: "UnknownModel", Recorded: answer(400, `{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}`),
					Kind: providers.Invalid, Fate: providers.Rejected},
				{Name: "CodeAsNumber", Recorded: answer(400, `{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":1500}`),
					Kind: providers.Invalid, Fate: providers.Rejected},
				{Name: "InvalidRequest", Recorded: answer(422, `{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}`),
					Kind: providers.Invalid, Fate: providers.Rejected},
				{Name: "RateLimit", Recorded: answer(429, `{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}`),
					Kind: providers.RateLimited, Fate: providers.Rejected},
				// The wire of OpenAI does not know these, so they are no better than malformed. They are billed all the same.
				{Name: "ModelLength", Recorded: completion("Hel", "model_length", used), Kind: providers.Malformed, Fate: providers.Executed},
				{Name: "FinishError", Recorded: completion("Hel", "error", used), Kind: providers.Malformed, Fate: providers.Executed},
			},
		},
	})
}
