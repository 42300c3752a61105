package dalle_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/providertest"
)

func TestEveryFaultHasItsKindAndFate(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: wiretest.APIKey})
	p := provider(t, dalle.Config{BaseURL: up.BaseURL, MaxResponseBytes: 4 << 20})
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
		{providertest.Refusal, providers.Blocked, providers.Rejected},
		{providertest.AbsurdUsage, providers.Malformed, providers.Executed},
		{providertest.NoUsage, "", ""},    // the dall-e models have none either
		{providertest.BadPicture, "", ""}, // who fetches or decodes it will see
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			if err := up.SetFaults(providertest.Fault{Kind: tt.fault, RetryAfter: 2 * time.Second, Delay: time.Minute}); err != nil {
				t.Fatal(err)
			}
			before := len(up.Journal())
			r := request()
			r.Width, r.Height = 64, 64
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if tt.fault == providertest.Slow || tt.fault == providertest.SlowBody {
				ctx, cancel = context.WithTimeout(t.Context(), 250*time.Millisecond)
			}
			defer cancel()
			_, err := p.GenerateImages(ctx, r)
			entries := up.Journal()[before:]
			if len(entries) != 1 || entries[0].Attempt != r.Attempt.ID || entries[0].Fault != string(tt.fault) {
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
		})
	}
}
