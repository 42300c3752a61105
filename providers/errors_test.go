package providers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/providers"
)

var kinds = []providers.Kind{providers.RateLimited, providers.Quota, providers.Auth, providers.Permission, providers.Invalid,
	providers.ContextTooLong, providers.Blocked, providers.NotFound, providers.Unsupported, providers.Overloaded, providers.Upstream,
	providers.Network, providers.Timeout, providers.Canceled, providers.Malformed, providers.Incomplete}

func TestAKindIsASentinel(t *testing.T) {
	for _, kind := range kinds {
		err := fmt.Errorf("call: %w", &providers.Error{Provider: "p", Kind: kind})
		for _, other := range kinds {
			if errors.Is(err, other) != (other == kind) {
				t.Errorf("an error of kind %q matches %q: %t", kind, other, other != kind)
			}
		}
		if strings.Contains(kind.Error(), "_") || kind.Error() == "" {
			t.Errorf("kind %q reads %q", string(kind), kind.Error())
		}
	}
}

func TestAnErrorLeadsToItsCause(t *testing.T) {
	err := error(&providers.Error{Kind: providers.Timeout, Cause: context.DeadlineExceeded})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(&providers.Error{Kind: providers.Timeout}, context.DeadlineExceeded) {
		t.Errorf("%v does not lead to its cause alone", err)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		e    providers.Error
		want string
	}{
		{providers.Error{Provider: "openai", Kind: providers.RateLimited}, "openai: rate limited"},
		{providers.Error{Provider: "openai", Kind: providers.Network, Detail: "the connection failed"}, "openai: network: the connection failed"},
		{providers.Error{Provider: "openai", Kind: providers.Upstream, Status: 500}, "openai: upstream (HTTP 500)"},
		{providers.Error{Provider: "openai", Kind: providers.Invalid, Detail: "no", Status: 400, Code: "c", Param: "n", RequestID: "r"},
			"openai: invalid: no (HTTP 400, code c, field n, request r)"},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("Error() = %q, want %q", got, c.want)
		}
	}
}

func TestWhatMayBeSentAgain(t *testing.T) {
	retryable := map[providers.Fate][]providers.Kind{
		providers.NotSent:  {providers.Network, providers.Timeout},
		providers.Rejected: {providers.RateLimited, providers.Overloaded},
		providers.Executed: nil, // it is billed
		providers.Unknown:  nil, // that is the engine's policy
		"":                 nil,
	}
	for fate, of := range retryable {
		for _, kind := range kinds {
			want := false
			for _, k := range of {
				want = want || k == kind
			}
			if got := (&providers.Error{Kind: kind, Fate: fate}).Retryable(); got != want {
				t.Errorf("Retryable of kind %q and fate %q = %t, want %t", kind, fate, got, want)
			}
		}
	}
}

func TestAsError(t *testing.T) {
	e := &providers.Error{Provider: "p", Kind: providers.Quota, Fate: providers.Rejected}
	if got := providers.AsError("other", fmt.Errorf("wrapped: %w", e)); got != e {
		t.Errorf("AsError = %+v, want the one in the chain", got)
	}
	for rule, broken := range map[string]error{
		"AnotherError":        errors.New("Bearer sk-live-7f3a"),
		"AWrappedOne":         fmt.Errorf("sk-live-7f3a: %w", io.EOF),
		"ANilPointer":         (*providers.Error)(nil),
		"AWrappedNilPointer":  fmt.Errorf("sk-live-7f3a: %w", (*providers.Error)(nil)),
		"NoErrorAtAllIsNoUse": nil,
	} {
		t.Run(rule, func(t *testing.T) {
			got := providers.AsError("p", broken)
			if got == nil || got.Provider != "p" || got.Kind != providers.Upstream || got.Fate != providers.Unknown || got.Retryable() {
				t.Fatalf("AsError = %+v, want an Upstream error of unknown fate", got)
			}
			if text := got.Error(); strings.Contains(text, "sk-live") || !strings.Contains(text, "instead of a *providers.Error") {
				t.Errorf("text is %q, want one that says who broke the contract and nothing else", text)
			}
			if got.Cause != nil {
				t.Errorf("cause is %v, want none: it may hold the request", got.Cause)
			}
		})
	}
}

func TestIdentifier(t *testing.T) {
	for _, s := range []string{"", "rate_limit_exceeded", "messages[0].content", "req_8b1f9c8e-6a56", "runware:97", "A.Z-09", strings.Repeat("x", 100)} {
		if got := providers.Identifier(s); got != s {
			t.Errorf("Identifier(%q) = %q, want it as it is", s, got)
		}
	}
	for _, s := range []string{strings.Repeat("x", 101), "two words", "a\n", "ü", "a/b", "<html>", `"`, "a,b", "x=y", "ａ"} {
		if got := providers.Identifier(s); got != "" {
			t.Errorf("Identifier(%q) = %q, want nothing: it is free text", s, got)
		}
	}
	for _, c := range []struct {
		s       string
		secrets []string
		want    string
	}{
		{"sk-live-7f3a", []string{"sk-live-7f3a"}, ""},
		{"for-sk-live-7f3a-you", []string{"other", "sk-live-7f3a"}, ""},
		{"req_1", []string{"sk-live-7f3a", ""}, "req_1"},
	} {
		if got := providers.Identifier(c.s, c.secrets...); got != c.want {
			t.Errorf("Identifier(%q, %q) = %q, want %q", c.s, c.secrets, got, c.want)
		}
	}
}
