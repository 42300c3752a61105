package runware_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

func question() providers.ReconcileRequest {
	return providers.ReconcileRequest{Attempt: wiretest.Attempt(""), Model: "m:1@1"}
}

func TestReconcileFindsWhatWasMade(t *testing.T) {
	const done = `{"taskUUID":"%s","status":"success","imageURL":"https://im.example/1.png","cost":0.002}`
	for rule, body := range map[string]string{
		"Alone":              `{"data":[` + done + `]}`,
		"BesideAnotherTasks": `{"data":[{"taskUUID":"other","status":"processing"},` + done + `]}`,
		"BesideAnError":      `{"data":[` + done + `],"errors":[{"code":"inferenceError","taskUUID":"%s","status":"error"}]}`,
		"WithoutAStatus":     `{"data":[` + one + `]}`,
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := answers(t, 200, body).Reconcile(t.Context(), question())
			if err != nil || got.Fate != providers.Executed || got.Text != nil || got.Image == nil {
				t.Fatalf("Reconcile = %+v, %v; want the picture", got, err)
			}
			want := providers.ImageResult{Images: []providers.Image{{URL: "https://im.example/1.png"}}, Metering: providers.Metering{
				Usage: usage.Images(1), RequestID: id, Model: "m:1@1", Cost: got.Image.Cost}}
			if !reflect.DeepEqual(*got.Image, want) || !got.Image.Cost.Decimal.Equal(decimal.RequireFromString("0.002")) {
				t.Errorf("Reconcile = %+v, want %+v", *got.Image, want)
			}
		})
	}
}

func TestReconcileSaysWhatBecameOfATask(t *testing.T) {
	ended := `,"status":"error"`
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		fate   providers.Fate
		kind   providers.Kind // of what went wrong; empty if that is not said
	}{
		{"ThatIsBeingMade", 200, `{"data":[{"taskUUID":"%s","status":"processing"}]}`, providers.Unknown, ""},
		{"OfWhichOnePictureIsBeingMade", 200, `{"data":[` + one + `,{"taskUUID":"%s","status":"processing"}]}`, providers.Unknown, ""},
		{"ThatNobodyKnows", 400, in("taskNotFound", ""), providers.NotSent, ""},
		{"ThatNobodyKnowsBehindA200", 200, in("taskNotFound", ""), providers.NotSent, ""},
		{"ThatIsNotKeptAnyMore", 400, in("taskExpired", ""), providers.Executed, ""},
		{"ThatFailedAtWork", 200, in("inferenceError", ended), providers.Executed, providers.Upstream},
		{"ThatFailedForAReasonNobodyKnows", 200, in("brandNewCode", ended), providers.Executed, providers.Upstream},
		{"WhosePictureWasBlocked", 200, in("nsfwContentDetected", ended), providers.Executed, providers.Blocked},
		{"WhosePromptWasBlocked", 200, in("promptBlocked", ended), providers.Rejected, providers.Blocked},
		{"ThatWasRefused", 200, in("invalidWidth", ended), providers.Rejected, providers.Invalid},
		{"ThatWasRefusedForNow", 200, in("providerRateLimitExceeded", ended), providers.Rejected, providers.RateLimited},
		{"ThatTimedOut", 200, in("providerTimeout", ended), providers.Executed, providers.Timeout},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := answers(t, tt.status, tt.body).Reconcile(t.Context(), question())
			if err != nil || got.Fate != tt.fate || got.Text != nil || got.Image != nil || (got.Failure != nil) != (tt.kind != "") {
				t.Fatalf("Reconcile = %+v, %v; want the fate %s, and %q as what went wrong", got, err, tt.fate, tt.kind)
			}
			if tt.kind != "" {
				wiretest.Failed(t, got.Failure, tt.kind, tt.fate)
			}
		})
	}
}

func TestAQuestionThatFailedLeavesTheFateOpen(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		kind   providers.Kind
	}{
		{"ARefusedKey", 401, in("invalidApiKey", ""), providers.Auth},
		{"ARateLimit", 429, in("rateLimitExceeded", ""), providers.RateLimited},
		{"ABusyUpstream", 503, `<html>`, providers.Overloaded},
		{"AFailure", 500, ``, providers.Upstream},
		{"AnErrorAboutTheQuestion", 200, in("inferenceError", ""), providers.Upstream}, // it is not the end of the task
		{"AnErrorWithAnotherStatus", 200, in("inferenceError", `,"status":"processing"`), providers.Upstream},
		{"AnErrorAboutNoTask", 200, `{"errors":[{"code":"invalidWidth","status":"error"}]}`, providers.Invalid},
		{"AnotherTasksAnswer", 200, `{"data":[{"taskUUID":"other","imageURL":"https://im.example/1.png"}]}`, providers.Malformed},
		{"APictureThatIsNone", 200, `{"data":[{"taskUUID":"%s","status":"success"}]}`, providers.Malformed},
		{"AnEmptyAnswer", 200, `{}`, providers.Malformed},
		{"HTML", 200, `<html>`, providers.Malformed},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := answers(t, tt.status, tt.body).Reconcile(t.Context(), question())
			wiretest.Failed(t, err, tt.kind, providers.Unknown)
			if got != (providers.Reconciled{}) {
				t.Errorf("Reconcile = %+v beside an error", got)
			}
		})
	}
	for rule, change := range map[string]func(*providers.ReconcileRequest){
		"WithoutAnAttempt": func(r *providers.ReconcileRequest) { r.Attempt.ID = "" },
		"WithABadAddress":  func(r *providers.ReconcileRequest) { r.Attempt.BaseURL = "localhost:1" },
	} {
		t.Run(rule, func(t *testing.T) {
			r := question()
			change(&r)
			_, err := upstream(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }).Reconcile(t.Context(), r)
			wiretest.Failed(t, err, providers.Invalid, providers.Unknown)
		})
	}
	t.Run("WithoutAKey", func(t *testing.T) {
		r := question()
		r.Attempt.Key.Secret = secret.Secret{}
		_, err := provider(t, runware.Config{}).Reconcile(t.Context(), r)
		wiretest.Failed(t, err, providers.Auth, providers.Unknown)
	})
}
