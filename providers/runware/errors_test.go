package runware_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/runware"
)

// meaning is what a code comes to.
type meaning struct {
	kind providers.Kind
	fate providers.Fate
}

var (
	byCategory = map[string]meaning{ // of the vendor's own client
		"validation":  {providers.Invalid, providers.Rejected},
		"auth":        {providers.Auth, providers.Rejected},
		"quota":       {providers.Quota, providers.Rejected},
		"rateLimit":   {providers.RateLimited, providers.Rejected},
		"safety":      {providers.Blocked, providers.Rejected},
		"provider":    {providers.Upstream, providers.Unknown},
		"timeout":     {providers.Timeout, providers.Unknown},
		"notFound":    {providers.NotFound, providers.Rejected},
		"serverError": {providers.Upstream, providers.Unknown},
	}
	ofItsOwn = map[string]meaning{ // where a code says more than its category; the reasons are in codes.go
		"conflictTaskUUID": {providers.Upstream, providers.Unknown},

		"forbidden":               {providers.Permission, providers.Rejected},
		"permissionDenied":        {providers.Permission, providers.Rejected},
		"insufficientPermissions": {providers.Permission, providers.Rejected},
		"accountSuspended":        {providers.Permission, providers.Rejected},
		"organizationDisabled":    {providers.Permission, providers.Rejected},
		"workspaceSuspended":      {providers.Permission, providers.Rejected},

		"providerInsufficientCredits":   {providers.Upstream, providers.Rejected},
		"thirdPartyInsufficientCredits": {providers.Upstream, providers.Rejected},

		"sensitiveContentDetected": {providers.Blocked, providers.Executed},
		"nsfwContentDetected":      {providers.Blocked, providers.Executed},
		"unsafeContentDetected":    {providers.Blocked, providers.Executed},
		"imageBlocked":             {providers.Blocked, providers.Executed},

		"providerAuthenticationFailed": {providers.Upstream, providers.Rejected},
		"providerUnavailable":          {providers.Overloaded, providers.Rejected},
		"noAvailableServer":            {providers.Overloaded, providers.Rejected},
		"modelUnavailable":             {providers.Overloaded, providers.Rejected},
		"modelNotReady":                {providers.Overloaded, providers.Rejected},
		"modelDisabled":                {providers.NotFound, providers.Rejected},

		"taskNotFound":         {providers.NotFound, providers.NotSent},
		"taskExpired":          {providers.NotFound, providers.Executed},
		"taskCancelled":        {providers.Upstream, providers.Unknown},
		"taskFailedOrNotFound": {providers.Upstream, providers.Unknown},

		"serviceUnavailable": {providers.Overloaded, providers.Rejected},

		"timeoutProvider": {providers.Timeout, providers.Unknown}, // only the vendor's documentation knows it
	}
)

func TestEveryCodeOfTheVendorHasItsKindAndFate(t *testing.T) {
	var file struct{ Codes map[string]string }
	if err := json.Unmarshal([]byte(golden(t, "error-codes.json")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Codes) < 70 {
		t.Fatalf("the vendor's list has %d codes", len(file.Codes))
	}
	want := map[string]meaning{}
	for code, category := range file.Codes {
		m, ok := byCategory[category]
		if !ok {
			t.Errorf("code %q has the unknown category %q", code, category)
		}
		want[code] = m
	}
	for code, m := range ofItsOwn {
		want[code] = m
	}
	for code, m := range want {
		t.Run(code, func(t *testing.T) {
			for _, status := range []int{200, 400, 418, 500} { // announced behind any of them
				fate := m.fate
				if status == 500 && fate != providers.Executed { // which may come after the request ran
					fate = providers.Unknown
				}
				e := fails(t, status, in(code, `,"parameter":["width","height"]`), m.kind, fate)
				if e.Code != code || e.Status != status || e.Param != "width" {
					t.Errorf("error %+v, want the code, the status and the field", e)
				}
			}
		})
	}
	for _, code := range runware.Codes() {
		if _, ok := want[code]; !ok {
			t.Errorf("the row of code %q has no test", code)
		}
	}
	if have := len(runware.Codes()); have != len(want) {
		t.Errorf("there are %d rows, want %d: a code that falls back on its status is missing", have, len(want))
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
		{409, providers.Invalid, providers.Rejected},
		{429, providers.RateLimited, providers.Rejected},
		{500, providers.Upstream, providers.Unknown},
		{502, providers.Upstream, providers.Unknown},
		{503, providers.Overloaded, providers.Rejected},
		{504, providers.Timeout, providers.Unknown},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			for _, body := range []string{in("brandNewCode", ""), `{"errors":[]}`, `{"errors":null,"data":[]}`, `<html>` + wiretest.Prompt, ``,
				`{"errors":["` + wiretest.Prompt + `"]}`, `{"error":"` + wiretest.Prompt + `"}`, in(wiretest.APIKey, ""), in("x", `,"parameter":"`+wiretest.Prompt+`"`)} {
				fails(t, tt.status, body, tt.kind, tt.fate)
			}
		})
	}
}

func TestErrorObjects(t *testing.T) {
	for _, tt := range []struct {
		rule string
		body string
		kind providers.Kind
		fate providers.Fate
	}{
		{"TheFirstAboutTheTaskDecides", `{"errors":[{"code":"timeout","taskUUID":"other"},{"code":"quotaExceeded","taskUUID":"%s"},{"code":"timeout","taskUUID":"%s"}]}`, providers.Quota, providers.Rejected},
		{"OneAboutNoTaskIsAboutAll", `{"errors":[{"code":"invalidApiKey"}]}`, providers.Auth, providers.Rejected},
		{"TheTaskIsComparedWithoutCase", `{"errors":[{"code":"invalidWidth","taskUUID":"8B1F9C8E-6A56-4A3C-9C1E-0D6F0F4D2A11"}]}`, providers.Invalid, providers.Rejected},
		{"ASingleOneIsRead", `{"error":{"code":"insufficientCredits"},"taskUUID":"%s"}`, providers.Quota, providers.Rejected},
		{"ASingleOneWithoutATaskIsRead", `{"error":{"code":"insufficientCredits"}}`, providers.Quota, providers.Rejected},
		{"ASingleOneOfAnotherTaskIsNot", `{"error":{"code":"insufficientCredits"},"taskUUID":"other"}`, providers.Malformed, providers.Unknown},
		{"ANumericCodeIsUnknown", `{"errors":[{"code":400,"taskUUID":"%s"}]}`, providers.Upstream, providers.Unknown},
		{"AnObjectForACodeIsUnknown", `{"errors":[{"code":{"x":1},"taskUUID":"%s"}]}`, providers.Upstream, providers.Unknown},
		{"ATextIsAnError", `{"errors":["no"]}`, providers.Upstream, providers.Unknown},
		{"BesideEmptyDataIsAnError", `{"data":[],"errors":[{"code":"contentPolicyViolation","taskUUID":"%s","type":null}]}`, providers.Blocked, providers.Rejected},
	} {
		t.Run(tt.rule, func(t *testing.T) { fails(t, 200, tt.body, tt.kind, tt.fate) })
	}
	t.Run("ARetryAfterIsTold", func(t *testing.T) {
		p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("X-Request-Id", "req_9")
			w.WriteHeader(429)
		})
		_, err := p.GenerateImages(t.Context(), request())
		e := wiretest.Failed(t, err, providers.RateLimited, providers.Rejected)
		if e.RetryAfter != 7*time.Second || e.RequestID != "req_9" || !e.Retryable() {
			t.Errorf("error %+v, want retryable after 7 s, with the request id", e)
		}
	})
}
