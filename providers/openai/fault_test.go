package openai_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/secret"
)

func attemptKey(key string) secret.Key { return secret.Key{ID: "test", Secret: secret.New(key)} }

func TestEveryFaultHasItsKindAndFate(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: wiretest.APIKey})
	p := provider(t, openai.Config{BaseURL: up.BaseURL})
	for _, tt := range []struct {
		fault providertest.FaultKind
		kind  providers.Kind // empty if the call succeeds
		fate  providers.Fate
	}{
		{providertest.Status401, providers.Auth, providers.Rejected},
		{providertest.Status403, providers.Permission, providers.Rejected},
		{providertest.Status429, providers.RateLimited, providers.Rejected},
		{providertest.Status500, providers.Upstream, providers.Unknown},
		{providertest.Status502, providers.Upstream, providers.Unknown},
		{providertest.Status503, providers.Overloaded, providers.Rejected},
		{providertest.Quota, providers.Quota, providers.Rejected},
		{providertest.Redirect, providers.Upstream, providers.Rejected},
		{providertest.DropBefore, providers.Network, providers.Unknown},
		{providertest.DropAfter, providers.Network, providers.Unknown},
		{providertest.CutBody, providers.Incomplete, providers.Executed},
		{providertest.Slow, providers.Timeout, providers.Unknown},
		{providertest.SlowBody, providers.Timeout, providers.Executed},
		{providertest.HugeBody, providers.Malformed, providers.Executed},
		{providertest.GzipBomb, providers.Malformed, providers.Executed},
		{providertest.EmptyBody, providers.Malformed, providers.Executed},
		{providertest.WrongType, "", ""}, // compatible servers and gateways announce what they like: the body is what counts
		{providertest.Twice, providers.Malformed, providers.Executed},
		{providertest.InvalidBody, providers.Malformed, providers.Executed},
		{providertest.ErrorIn200, providers.Upstream, providers.Executed},
		{providertest.Refusal, providers.Blocked, providers.Executed},
		{providertest.Length, providers.Incomplete, providers.Executed},
		{providertest.NoUsage, providers.Malformed, providers.Executed},
		{providertest.AbsurdUsage, providers.Malformed, providers.Executed},
		{providertest.NotJSON, "", ""},     // whether a text is JSON is not the adapter's business
		{providertest.WrongShape, "", ""},  // nor is its shape
		{providertest.ExcessUsage, "", ""}, // nor is the bound
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			if err := up.SetFaults(providertest.Fault{Kind: tt.fault, RetryAfter: 2 * time.Second, Delay: time.Minute}); err != nil {
				t.Fatal(err)
			}
			before := len(up.Journal())
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if tt.fault == providertest.Slow || tt.fault == providertest.SlowBody {
				ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			}
			defer cancel()
			_, err := p.GenerateText(ctx, textRequest())
			entries := up.Journal()[before:]
			if len(entries) != 1 || entries[0].Attempt != textRequest().Attempt.ID || entries[0].Fault != string(tt.fault) {
				t.Fatalf("the upstream saw %+v, want one request with the attempt's id", entries)
			}
			if tt.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e := wiretest.Failed(t, err, tt.kind, tt.fate)
			if billed := entries[0].Billable; e.Fate == providers.Executed && !billed || e.Fate == providers.Rejected && billed {
				t.Errorf("fate %q, but billed is %t", e.Fate, billed)
			}
			if wants := tt.fault == providertest.Status429 || tt.fault == providertest.Status503; wants && e.RetryAfter != 2*time.Second {
				t.Errorf("RetryAfter %v, want 2 s", e.RetryAfter)
			}
			if in, out, err := e.Usage.TokenSums(); err != nil || !e.Usage.IsZero() && (in != entries[0].InputTokens || out != entries[0].OutputTokens) {
				t.Errorf("usage %+v, want what the upstream billed: %+v", e.Usage, entries[0])
			}
		})
	}
}
