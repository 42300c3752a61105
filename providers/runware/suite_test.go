package runware_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/usage"
)

func TestKeepsTheContractOfAnAdapter(t *testing.T) {
	const (
		first  = `{"taskType":"imageInference","taskUUID":"{{attempt}}","imageURL":"https://im.example/{{attempt}}/1.png","cost":0.0013`
		second = `{"taskType":"imageInference","taskUUID":"{{attempt}}","imageURL":"https://im.example/2.png","cost":0.0007`
	)
	answer := func(status int, body string) providertest.Recorded {
		return providertest.Recorded{Status: status, Body: body}
	}
	problem := func(status int, code, more string) providertest.Recorded {
		return answer(status, `{"errors":[{"code":"`+code+`","message":"It says why.","taskType":"imageInference","taskUUID":"{{attempt}}"`+more+`}]}`)
	}
	drawn := providers.ImageResult{Images: []providers.Image{{URL: "https://im.example/{{attempt}}/1.png"}, {URL: "https://im.example/2.png"}},
		Metering: providers.Metering{Usage: usage.Images(2), Cost: decimal.NewNullDecimal(decimal.New(2, -3)), RequestID: "{{attempt}}", Model: "suite-model"}}
	limited := problem(429, "rateLimitExceeded", "")
	limited.Header = http.Header{"Retry-After": {"3"}}
	providertest.Run(t, providertest.Suite{
		New: func(base string) (providers.Provider, error) {
			return runware.New(runware.Config{BaseURL: base, MaxResponseBytes: 8 << 20})
		},
		// Everything is a POST, also the question about a task.
		Billable: func(_ *http.Request, body []byte) bool { return bytes.Contains(body, []byte(`"imageInference"`)) },
		Images: &providertest.ImageWire{
			Success:    answer(200, `{"data":[`+first+`},`+second+`}]}`),
			Want:       drawn,
			Fewer:      answer(200, `{"data":[`+first+`}],"errors":[{"code":"inferenceError","taskUUID":"{{attempt}}"}]}`),
			NoPicture:  answer(200, `{"data":[]}`),
			ErrorIn200: problem(200, "inferenceError", ""),
			Failures: []providertest.Failure{
				{Name: "WrongKey", Recorded: problem(401, "invalidApiKey", ""), Kind: providers.Auth, Fate: providers.Rejected, Code: "invalidApiKey"},
				{Name: "NoMoney", Recorded: problem(402, "insufficientCredits", ""), Kind: providers.Quota, Fate: providers.Rejected},
				{Name: "NoMoneyIn200", Recorded: problem(200, "insufficientCredits", ""), Kind: providers.Quota, Fate: providers.Rejected},
				{Name: "RateLimit", Recorded: limited, Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: 3 * time.Second},
				{Name: "BlockedPrompt", Recorded: problem(400, "contentPolicyViolation", ""), Kind: providers.Blocked, Fate: providers.Rejected},
				{Name: "BlockedPicture", Recorded: problem(200, "nsfwContentDetected", ""), Kind: providers.Blocked, Fate: providers.Executed},
				{Name: "SubmittedBefore", Recorded: problem(400, "conflictTaskUUID", ""), Kind: providers.Upstream, Fate: providers.Unknown},
				{Name: "AnotherTasksPictures", Recorded: answer(200, `{"data":[{"taskUUID":"another","imageURL":"https://im.example/1.png"}]}`),
					Kind: providers.Malformed, Fate: providers.Unknown},
			},
		},
		Reconcile: &providertest.ReconcileWire{
			Done:    answer(200, `{"data":[`+first+`,"status":"success"},`+second+`,"status":"success"}]}`),
			Want:    providers.Reconciled{Image: &drawn},
			Working: answer(200, `{"data":[`+first+`,"status":"success"},{"taskType":"imageInference","taskUUID":"{{attempt}}","status":"processing"}]}`),
			Missing: problem(400, "taskNotFound", ""),
			Lost:    problem(200, "inferenceError", `,"status":"error"`),
			Refused: problem(200, "contentPolicyViolation", `,"status":"error"`),
		},
	})
}
