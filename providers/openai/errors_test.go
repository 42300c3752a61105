package openai_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/openaiwire"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
)

func TestEveryCodeHasItsKindAndFate(t *testing.T) {
	rejected := map[providers.Kind][]string{
		providers.Quota: {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
			"project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached", "billing_not_active"},
		providers.RateLimited:    {"rate_limit_exceeded", "rate_limit_error", "slow_down"},
		providers.Overloaded:     {"server_is_overloaded", "service_unavailable_error"},
		providers.Auth:           {"invalid_api_key"},
		providers.Permission:     {"unsupported_country_region_territory", "data_residency_mismatch"},
		providers.NotFound:       {"model_not_found"},
		providers.ContextTooLong: {"context_length_exceeded"},
		providers.Blocked: {"content_policy_violation", "moderation_blocked", "content_filter", "ResponsibleAIPolicyViolation",
			"image_content_policy_violation", "invalid_prompt", "bio_policy"},
	}
	tested := map[string]bool{}
	check := func(code string, kind providers.Kind, fate providers.Fate) {
		tested[code] = true
		t.Run(code+" decides the kind whatever the status is", func(t *testing.T) {
			for _, status := range []int{400, 403, 429, 500} {
				fate := fate
				if status == 500 { // which may come after the request ran
					fate = providers.Unknown
				}
				e := fails(t, status, fmt.Sprintf(`{"error":{"message":%q,"type":"some_error","param":"messages[0].content","code":%q}}`, wiretest.Prompt, code), kind, fate)
				if e.Code != code || e.Status != status || e.Param != "messages[0].content" {
					t.Errorf("code %q, status %d, field %q; want %q, %d and the field", e.Code, e.Status, e.Param, code, status)
				}
			}
		})
	}
	for kind, codes := range rejected {
		for _, code := range codes {
			check(code, kind, providers.Rejected)
		}
	}
	check("server_error", providers.Upstream, providers.Unknown)
	for code := range openaiwire.Codes {
		if !tested[code] {
			t.Errorf("the row of code %q has no test", code)
		}
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
		{405, providers.Invalid, providers.Rejected},
		{408, providers.Timeout, providers.Unknown},
		{413, providers.ContextTooLong, providers.Rejected},
		{422, providers.Invalid, providers.Rejected},
		{429, providers.RateLimited, providers.Rejected},
		{500, providers.Upstream, providers.Unknown},
		{502, providers.Upstream, providers.Unknown},
		{503, providers.Overloaded, providers.Rejected},
		{504, providers.Upstream, providers.Unknown},
		{520, providers.Upstream, providers.Unknown},
		{529, providers.Overloaded, providers.Rejected},
	} {
		t.Run(fmt.Sprintf("Status%dIs%s", tt.status, tt.kind), func(t *testing.T) {
			for _, body := range []string{`{"error":{"message":"m","type":"t","param":null,"code":null}}`, `<html>` + wiretest.Prompt, ``,
				`{"error":"` + wiretest.Prompt + `"}`, `{"error":{"code":"` + wiretest.APIKey + `"}}`, `{"error":{"code":7}}`} {
				fails(t, tt.status, body, tt.kind, tt.fate)
			}
		})
	}
}

func TestErrorObjects(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		kind   providers.Kind
		fate   providers.Fate
	}{
		{"TheTypeDecidesWithoutACode", 429, `{"error":{"type":"insufficient_quota","code":null}}`, providers.Quota, providers.Rejected},
		{"TheCodeWinsOverTheType", 429, `{"error":{"type":"insufficient_quota","code":"rate_limit_exceeded"}}`, providers.RateLimited, providers.Rejected},
		{"TheInnerCodeOfAzureIsRead", 400, `{"error":{"code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, providers.Blocked, providers.Rejected},
		{"ACodeBehindATimeoutDoesNotSayThatNothingRan", 408, `{"error":{"code":"rate_limit_exceeded"}}`, providers.RateLimited, providers.Unknown},
		{"ACodeThatMayHaveRunIsBelievedBehindARefusal", 400, `{"error":{"code":"server_error"}}`, providers.Upstream, providers.Unknown},
		{"AtTheTopTheCodeIsRead", 400, `{"object":"error","code":"context_length_exceeded","type":"t","message":"m"}`, providers.ContextTooLong, providers.Rejected},
		{"AtTheTopTheTypeIsRead", 429, `{"object":"error","code":null,"type":"insufficient_quota","message":"m"}`, providers.Quota, providers.Rejected},
		{"AtTheTopItIsReadWithoutItsName", 429, `{"code":"insufficient_quota","message":"m"}`, providers.Quota, providers.Rejected},
		{"TheTopSaysMoreThanAText", 429, `{"error":"Too much.","code":"insufficient_quota"}`, providers.Quota, providers.Rejected},
		{"TheFieldErrorWinsOverTheTop", 429, `{"error":{"code":"rate_limit_exceeded"},"code":"insufficient_quota"}`, providers.RateLimited, providers.Rejected},
		{"AtTheTopOfASuccessItIsAnError", 200, `{"object":"error","code":"odd","message":"m"}`, providers.Upstream, providers.Executed},
		{"AtTheTopOfASuccessARateLimitWasRejected", 200, `{"object":"error","code":"rate_limit_exceeded","message":"m"}`, providers.RateLimited, providers.Rejected},
		{"InASuccessACodeAloneIsNoError", 200, `{"code":"rate_limit_exceeded"}`, providers.Malformed, providers.Executed},
		{"ANumericCodeDoesNotReplaceAStatus", 400, `{"error":{"code":500}}`, providers.Invalid, providers.Rejected},
		{"InASuccessAnUnknownErrorWasExecuted", 200, `{"error":{"message":"m","code":"odd"}}`, providers.Upstream, providers.Executed},
		{"InASuccessAServerErrorWasExecuted", 200, `{"error":{"code":"server_error"}}`, providers.Upstream, providers.Executed},
		{"InASuccessARateLimitWasRejected", 200, `{"error":{"code":"rate_limit_exceeded"}}`, providers.RateLimited, providers.Rejected},
		{"InASuccessANumericCodeIsAStatus", 200, `{"error":{"code":429}}`, providers.RateLimited, providers.Rejected},
		{"InASuccessANumericTextIsAStatus", 200, `{"error":{"code":"502"}}`, providers.Upstream, providers.Executed},
		{"InASuccessAContentFilterWasExecuted", 200, `{"error":{"code":"content_filter"}}`, providers.Blocked, providers.Executed},
		{"InASuccessATextIsAnError", 200, `{"error":"overloaded"}`, providers.Upstream, providers.Executed},
	} {
		t.Run(tt.rule, func(t *testing.T) { fails(t, tt.status, tt.body, tt.kind, tt.fate) })
	}

	t.Run("AtTheTopCodeAndFieldAreTold", func(t *testing.T) {
		for _, status := range []int{200, 400} {
			fate := providers.Rejected
			kind := providers.Invalid
			if status == 200 {
				kind, fate = providers.Upstream, providers.Executed
			}
			e := fails(t, status, `{"object":"error","code":1500,"type":"t","param":"model","message":"`+wiretest.Prompt+`"}`, kind, fate)
			if e.Code != "1500" || e.Param != "model" || e.Status != status {
				t.Errorf("error %+v, want code 1500 of the field model", e)
			}
		}
	})
	t.Run("ARetryAfterIsTold", func(t *testing.T) {
		p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("X-Request-Id", "req_9")
			w.WriteHeader(429)
		})
		_, err := p.GenerateText(t.Context(), textRequest())
		e := wiretest.Failed(t, err, providers.RateLimited, providers.Rejected)
		if e.RetryAfter != 7*time.Second || e.RequestID != "req_9" || !e.Retryable() {
			t.Errorf("error %+v, want retryable after 7 s, with the request id", e)
		}
	})
}

// fails answers one call and checks what error that is.
func fails(t *testing.T, status int, body string, kind providers.Kind, fate providers.Fate) *providers.Error {
	t.Helper()
	p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	_, err := p.GenerateText(t.Context(), textRequest())
	return wiretest.Failed(t, err, kind, fate)
}
