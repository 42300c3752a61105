package runware_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
)

// TestEveryFaultHasItsKindAndFate also asks what became of the task, which is how an unknown fate is resolved.
func TestEveryFaultHasItsKindAndFate(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: wiretest.APIKey,
		Prices: map[string]providertest.Price{"m:1@1": {Image: decimal.New(12, -3)}}})
	p := provider(t, runware.Config{BaseURL: up.BaseURL, MaxResponseBytes: 4 << 20})
	for i, tt := range []struct {
		fault  providertest.FaultKind
		kind   providers.Kind // empty if the call succeeds
		fate   providers.Fate
		became providers.Fate
	}{
		{providertest.Status401, providers.Auth, providers.Rejected, providers.NotSent},
		{providertest.Status403, providers.Permission, providers.Rejected, providers.NotSent},
		{providertest.Status429, providers.RateLimited, providers.Rejected, providers.NotSent},
		{providertest.Status500, providers.Upstream, providers.Unknown, providers.NotSent},
		{providertest.Status502, providers.Upstream, providers.Unknown, providers.NotSent},
		{providertest.Status503, providers.Overloaded, providers.Rejected, providers.NotSent},
		{providertest.Quota, providers.Quota, providers.Rejected, providers.NotSent},
		{providertest.Redirect, providers.Upstream, providers.Rejected, providers.NotSent},
		{providertest.Refusal, providers.Blocked, providers.Rejected, providers.NotSent},
		{providertest.DropBefore, providers.Network, providers.Unknown, providers.NotSent},
		{providertest.DropAfter, providers.Network, providers.Unknown, providers.Executed},
		{providertest.CutBody, providers.Incomplete, providers.Unknown, providers.Executed},
		{providertest.HugeBody, providers.Malformed, providers.Executed, providers.Executed},
		{providertest.GzipBomb, providers.Malformed, providers.Executed, providers.Executed},
		{providertest.EmptyBody, providers.Malformed, providers.Unknown, providers.Executed},
		{providertest.WrongType, "", "", providers.Executed}, // the body is what counts
		{providertest.Twice, providers.Malformed, providers.Unknown, providers.Executed},
		{providertest.InvalidBody, providers.Malformed, providers.Unknown, providers.Executed},
		{providertest.ErrorIn200, providers.Upstream, providers.Unknown, providers.Executed},
		{providertest.Slow, providers.Timeout, providers.Unknown, providers.Unknown}, // it is at work
		{providertest.SlowBody, providers.Timeout, providers.Unknown, providers.Unknown},
		{providertest.NoUsage, "", "", providers.Executed},
		{providertest.BadPicture, "", "", providers.Executed}, // who fetches it will see
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			f := providertest.Fault{Kind: tt.fault, RetryAfter: 2 * time.Second, Count: 1}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if tt.fault == providertest.Slow || tt.fault == providertest.SlowBody {
				f.Delay = time.Minute
				ctx, cancel = context.WithTimeout(t.Context(), 250*time.Millisecond)
			}
			defer cancel()
			if err := up.SetFaults(f); err != nil {
				t.Fatal(err)
			}
			before := len(up.Journal())
			r := request()
			r.Attempt.ID = r.Attempt.ID[:34] + string(rune('a'+i/10)) + string(rune('0'+i%10))
			_, err := p.GenerateImages(ctx, r)
			entries := up.Journal()[before:]
			if len(entries) != 1 || entries[0].Attempt != r.Attempt.ID || entries[0].Fault != string(tt.fault) {
				t.Fatalf("the upstream saw %+v, want one request with the attempt's id", entries)
			}
			if tt.kind != "" {
				e := wiretest.Failed(t, err, tt.kind, tt.fate)
				if billed := entries[0].Billable; e.Fate == providers.Executed && !billed || e.Fate == providers.Rejected && billed {
					t.Errorf("fate %q, but billed is %t", e.Fate, billed)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			known, err := p.Reconcile(t.Context(), providers.ReconcileRequest{Attempt: r.Attempt, Model: r.Model})
			if err != nil || known.Fate != tt.became {
				t.Errorf("Reconcile = %+v, %v; want fate %q", known, err, tt.became)
			}
			if known.Image != nil && known.Image.Cost.Valid && known.Image.Cost.Decimal.String() != entries[0].Cost {
				t.Errorf("cost %v, want what the upstream billed: %s", known.Image.Cost, entries[0].Cost)
			}
			if tt.became != providers.NotSent { // the same task again is not made twice
				_, err := p.GenerateImages(t.Context(), r)
				if e := wiretest.Failed(t, err, providers.Upstream, providers.Unknown); e.Code != "conflictTaskUUID" {
					t.Errorf("error %+v, want conflictTaskUUID", e)
				}
			}
		})
	}
}
