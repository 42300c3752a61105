package ownprovider_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/examples/ownprovider"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/secret"
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
			Total:          15,
			Structured:     completion(`{\"hello\":\"{{attempt}}\"}`, "stop", used),
			WantStructured: `{"hello":"{{attempt}}"}`,
			// No Refusal: the service has no finish reason for one.
			Length:     completion("Hel", "length", used),
			NoUsage:    completion("Hello.", "stop", ""),
			BadUsage:   completion("Hello.", "stop", `,"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":23}`),
			NoText:     completion("", "stop", used),
			ErrorIn200: answer(200, `{"object":"error","message":"Service unavailable.","type":"internal_server_error","param":null,"code":"3000"}`),
			Failures: []providertest.Failure{
				{Name: "WrongKey", Recorded: answer(401, `{"object":"error","message":"Unauthorized","type":"unauthorized","param":null,"code":null}`),
					Kind: providers.Auth, Fate: providers.Rejected},
				{Name: "UnknownModel", Recorded: answer(400, `{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}`),
					Kind: providers.Invalid, Fate: providers.Rejected, Code: "1500"},
				{Name: "CodeAsNumber", Recorded: answer(400, `{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":1500}`),
					Kind: providers.Invalid, Fate: providers.Rejected, Code: "1500"},
				{Name: "InvalidRequest", Recorded: answer(422, `{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}`),
					Kind: providers.Invalid, Fate: providers.Rejected},
				{Name: "RateLimit", Recorded: answer(429, `{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}`),
					Kind: providers.RateLimited, Fate: providers.Rejected, Code: "1300"},
				{Name: "ErrorIn200", Recorded: answer(200, `{"object":"error","message":"Service unavailable.","type":"internal_server_error","param":null,"code":"3000"}`),
					Kind: providers.Upstream, Fate: providers.Executed, Code: "3000"},
				{Name: "ModelLength", Recorded: completion("Hel", "model_length", used), Kind: providers.Incomplete, Fate: providers.Executed},
				{Name: "FinishError", Recorded: completion("Hel", "error", used), Kind: providers.Upstream, Fate: providers.Executed},
			},
		},
	})
}

// What the suite cannot know: the service refuses a field that it does not know, and its only bound is max_tokens.
func TestMistralSpeaksTheWire(t *testing.T) {
	var asked string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(body)
		io.WriteString(w, `{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":3}}`)
	}))
	defer upstream.Close()
	p, err := ownprovider.NewMistral(upstream.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.GenerateText(t.Context(), providers.TextRequest{Attempt: providers.Attempt{ID: "a", Key: secret.Key{Secret: secret.New("sk")}}, Model: "m",
		MaxOutput: 9, Messages: []providers.Message{{Role: providers.User, Text: "Hi"}}})
	if want := `/v1/chat/completions Bearer sk {"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":9}`; err != nil || strings.ReplaceAll(asked, "\n", "") != want {
		t.Errorf("asked\n%s (%v), want\n%s", asked, err, want)
	}
}
