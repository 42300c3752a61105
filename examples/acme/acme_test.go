package acme_test

import (
	"net/http"
	"testing"

	"github.com/scrip-go/scrip/examples/acme"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

func TestKeepsTheContract(t *testing.T) {
	answer := func(status int, body string) providertest.Recorded {
		return providertest.Recorded{Status: status, Header: http.Header{"X-Request-Id": {"req-{{attempt}}"}}, Body: body}
	}
	providertest.Run(t, providertest.Suite{
		New: func(baseURL string) (providers.Provider, error) { return acme.New(baseURL), nil },
		Text: &providertest.TextWire{
			Success: answer(200, `{"model":"a-1.3","text":"Hello, {{attempt}}.","finish":"stop","usage":{"input":12,"cached":8,"output":3,"total":15}}`),
			Want: providers.TextResult{Text: "Hello, {{attempt}}.", Metering: providers.Metering{RequestID: "req-{{attempt}}", Model: "a-1.3",
				Usage: usage.Usage{Input: usage.Exactly(4), CachedInput: usage.Exactly(8), Output: usage.Exactly(3)}}},
			Total:          15,
			Structured:     answer(200, `{"model":"a-1.3","text":"{\"hello\":\"{{attempt}}\"}","finish":"stop","usage":{"input":12,"cached":8,"output":3,"total":15}}`),
			WantStructured: `{"hello":"{{attempt}}"}`,

			Refusal:    answer(200, `{"model":"a-1.3","text":"","finish":"refused","usage":{"input":12,"cached":8,"output":3,"total":15}}`),
			Length:     answer(200, `{"model":"a-1.3","text":"Hel","finish":"length","usage":{"input":12,"cached":8,"output":3,"total":15}}`),
			NoUsage:    answer(200, `{"model":"a-1.3","text":"Hello.","finish":"stop"}`),
			BadUsage:   answer(200, `{"model":"a-1.3","text":"Hello.","finish":"stop","usage":{"input":12,"cached":8,"output":3,"total":23}}`),
			NoText:     answer(200, `{"model":"a-1.3","text":"","finish":"stop","usage":{"input":12,"cached":8,"output":3,"total":15}}`),
			ErrorIn200: answer(200, `{"error":{"code":"worker_lost"}}`),
			Failures: []providertest.Failure{
				{Name: "NoCredit", Recorded: answer(400, `{"error":{"code":"out_of_credit"}}`),
					Kind: providers.Quota, Fate: providers.Rejected, Code: "out_of_credit"},
				{Name: "WrongKey", Recorded: answer(401, `{"error":{"code":"bad_key"}}`),
					Kind: providers.Auth, Fate: providers.Rejected, Code: "bad_key"},
			},
		},
	})
}
