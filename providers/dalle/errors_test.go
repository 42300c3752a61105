package dalle_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/openaiwire"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/usage"
)

func TestEveryCodeHasItsKindAndFate(t *testing.T) {
	for code, row := range openaiwire.Codes { // what the rows say is tested in package openai
		t.Run(code, func(t *testing.T) {
			for _, status := range []int{400, 403, 429, 500} {
				fate := row.Fate
				if status == 500 { // which may come after the request ran
					fate = providers.Unknown
				}
				e := fails(t, status, fmt.Sprintf(`{"error":{"message":%q,"type":"image_generation_user_error","param":"prompt","code":%q}}`, wiretest.Prompt, code), row.Kind, fate)
				if e.Code != code || e.Status != status || e.Param != "prompt" || e.RequestID != "req_1" {
					t.Errorf("error %+v, want the code, the status, the field and the request id", e)
				}
			}
		})
	}
}

func TestStatusDecidesWithoutAKnownCode(t *testing.T) {
	for _, tt := range []struct {
		status int
		kind   providers.Kind
		fate   providers.Fate
	}{
		{400, providers.Invalid, providers.Rejected},
		{401, providers.Auth, providers.Rejected},
		{402, providers.Quota, providers.Rejected},
		{403, providers.Permission, providers.Rejected},
		{404, providers.NotFound, providers.Rejected},
		{408, providers.Timeout, providers.Unknown},
		{429, providers.RateLimited, providers.Rejected},
		{500, providers.Upstream, providers.Unknown},
		{502, providers.Upstream, providers.Unknown},
		{503, providers.Overloaded, providers.Rejected},
		{504, providers.Upstream, providers.Unknown},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			for _, body := range []string{`{"error":{"message":"m","type":"t","param":null,"code":null}}`, `<html>` + wiretest.Prompt, ``,
				`{"error":"` + wiretest.Prompt + `"}`, `{"error":{"code":"` + wiretest.APIKey + `"}}`} {
				fails(t, tt.status, body, tt.kind, tt.fate)
			}
		})
	}
}

// TestAPromptThatIsRefusedWithoutACodeIsBlocked: some answers of the images route have had nothing but a message.
func TestAPromptThatIsRefusedWithoutACodeIsBlocked(t *testing.T) {
	const message = `"message":"Your request was rejected as a result of our safety system. Your prompt was: ` + wiretest.Prompt + `"`
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		kind   providers.Kind
	}{
		{"WithNull", 400, `{"error":{"code":null,"type":"invalid_request_error","param":null,` + message + `}}`, providers.Blocked},
		{"WithNothing", 400, `{"error":{` + message + `}}`, providers.Blocked},
		{"ButNotWithAnotherStatus", 500, `{"error":{` + message + `}}`, providers.Upstream},
		{"NorWithACode", 400, `{"error":{"code":"odd",` + message + `}}`, providers.Invalid},
		{"NorWithACodeThatIsKnown", 400, `{"error":{"code":"billing_hard_limit_reached",` + message + `}}`, providers.Quota},
		{"NorForAnotherMessage", 400, `{"error":{"code":null,"message":"Invalid size."}}`, providers.Invalid},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			fate := providers.Rejected
			if tt.kind == providers.Upstream {
				fate = providers.Unknown
			}
			fails(t, tt.status, tt.body, tt.kind, fate)
		})
	}
}

func TestAnErrorInsideASuccess(t *testing.T) {
	report := `"usage":{"input_tokens":10,"output_tokens":20}`
	used := usage.Usage{Input: usage.Exactly(10), ImageOutput: usage.Exactly(20), Images: usage.Exactly(0)}
	for _, tt := range []struct {
		rule  string
		body  string
		kind  providers.Kind
		fate  providers.Fate
		usage usage.Usage
	}{
		{"OfTheServerWasExecuted", `{"error":{"code":"server_error"}}`, providers.Upstream, providers.Executed, usage.Usage{}},
		{"OfTheServerKeepsTheUsage", `{"error":{"code":"server_error"},` + report + `}`, providers.Upstream, providers.Executed, used},
		{"ThatIsUnknownWasExecuted", `{"error":{"message":"m"},` + report + `}`, providers.Upstream, providers.Executed, used},
		{"OfModerationWasExecuted", `{"error":{"code":"moderation_blocked"}}`, providers.Blocked, providers.Executed, usage.Usage{}},
		{"OfARateLimitWasRejectedAndUsedNothing", `{"error":{"code":"rate_limit_exceeded"},` + report + `}`, providers.RateLimited, providers.Rejected, usage.Usage{}},
		{"WinsOverPictures", `{"error":{"code":"server_error"},"data":[` + picture + `]}`, providers.Upstream, providers.Executed, usage.Usage{}},
		{"ThatIsATextIsAnError", `{"error":"overloaded"}`, providers.Upstream, providers.Executed, usage.Usage{}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			e := fails(t, 200, tt.body, tt.kind, tt.fate)
			if e.Usage != tt.usage {
				t.Errorf("usage %+v, want %+v", e.Usage, tt.usage)
			}
		})
	}
	t.Run("ThatIsNullIsNone", func(t *testing.T) {
		if _, err := answers(t, 200, `{"error":null,"data":[`+picture+`]}`).GenerateImages(t.Context(), request()); err != nil {
			t.Error(err)
		}
	})
}

func TestARefusalTellsWhenToAskAgain(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
	})
	_, err := p.GenerateImages(t.Context(), request())
	if e := wiretest.Failed(t, err, providers.RateLimited, providers.Rejected); e.RetryAfter != 7*time.Second || !e.Retryable() {
		t.Errorf("error %+v, want retryable after 7 s", e)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/images/generations" {
			t.Error("the redirect was followed")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := p.GenerateImages(t.Context(), request())
	wiretest.Failed(t, err, providers.Upstream, providers.Rejected)
}
