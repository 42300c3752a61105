package dalle_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

func TestKeepsTheContractOfAnAdapter(t *testing.T) {
	answer := func(status int, body string, header ...string) providertest.Recorded {
		r := providertest.Recorded{Status: status, Header: http.Header{"X-Request-Id": {"req_{{attempt}}"}}, Body: body}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r
	}
	problem := func(status int, code string, header ...string) providertest.Recorded {
		return answer(status, `{"error":{"message":"It says why.","type":"image_generation_user_error","param":null,"code":"`+code+`"}}`, header...)
	}
	failures := []providertest.Failure{
		{Name: "WrongKey", Recorded: problem(401, "invalid_api_key"), Kind: providers.Auth, Fate: providers.Rejected, Code: "invalid_api_key"},
		{Name: "BlockedPrompt", Recorded: problem(400, "moderation_blocked"), Kind: providers.Blocked, Fate: providers.Rejected, Code: "moderation_blocked"},
		{Name: "NoMoney", Recorded: problem(400, "billing_hard_limit_reached"), Kind: providers.Quota, Fate: providers.Rejected},
		{Name: "RateLimit", Recorded: problem(429, "rate_limit_exceeded", "Retry-After", "12"), Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: 12 * time.Second},
		{Name: "ServerError", Recorded: problem(500, "server_error"), Kind: providers.Upstream, Fate: providers.Unknown},
	}
	run := func(t *testing.T, w providertest.ImageWire) {
		w.NoPicture, w.ErrorIn200 = answer(200, `{"created":1,"data":[]}`), problem(200, "server_error")
		w.Want.RequestID, w.Want.Model = "req_{{attempt}}", "suite-model"
		w.Failures = append(w.Failures, failures...)
		providertest.Run(t, providertest.Suite{
			New: func(base string) (providers.Provider, error) {
				return dalle.New(dalle.Config{BaseURL: base, MaxResponseBytes: 8 << 20})
			},
			Images: &w,
		})
	}
	t.Run("AddressesByThePicture", func(t *testing.T) {
		run(t, providertest.ImageWire{
			Success: answer(200, `{"created":1,"data":[{"url":"https://files.example/1.png?for={{attempt}}"},{"url":"https://files.example/2.png"}]}`),
			Want: providers.ImageResult{Images: []providers.Image{{URL: "https://files.example/1.png?for={{attempt}}"}, {URL: "https://files.example/2.png"}},
				Metering: providers.Metering{Usage: usage.Images(2)}},
			Fewer: answer(200, `{"created":1,"data":[{"url":"https://files.example/1.png"}]}`),
		})
	})
	t.Run("PicturesByTheToken", func(t *testing.T) {
		const counted = `,"usage":{"total_tokens":4210,"input_tokens":50,"output_tokens":4160,"input_tokens_details":{"text_tokens":10,"image_tokens":40},
			"output_tokens_details":{"text_tokens":160,"image_tokens":4000}}}`
		const drawn = `{"created":1,"data":[{"b64_json":"cGljdHVyZSBvbmU="},{"b64_json":"cGljdHVyZSB0d28="}]`
		run(t, providertest.ImageWire{
			Success: answer(200, drawn+counted),
			Want: providers.ImageResult{Images: []providers.Image{{Data: []byte("picture one")}, {Data: []byte("picture two")}},
				Metering: providers.Metering{Usage: usage.Usage{Input: usage.Exactly(10), ImageInput: usage.Exactly(40),
					Output: usage.Exactly(160), ImageOutput: usage.Exactly(4000), Images: usage.Exactly(2)}}},
			Fewer: answer(200, `{"created":1,"data":[{"b64_json":"cGljdHVyZSBvbmU="}]`+counted),
			Failures: []providertest.Failure{{Name: "UsageThatDoesNotAddUp", Recorded: answer(200, drawn+strings.Replace(counted, "4210", "4211", 1)),
				Kind: providers.Malformed, Fate: providers.Executed}},
		})
	})
}
