package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

func TestAFailureIsTheFaultOfWhoCanMendIt(t *testing.T) {
	provider := func(kind providers.Kind) error {
		return &providers.Error{Provider: "p", Kind: kind, Fate: providers.Rejected}
	}
	paused := func(r automation.Reason) error { return automation.Pause(errors.New("x"), r) }
	for _, c := range []struct {
		name    string
		err     error
		attempt int
		want    error // a mark of the same kind
	}{
		{"Insufficient", &credits.InsufficientError{Need: 5}, 0, paused(automation.ByCredits)},
		{"Capped", &credits.CapError{Need: 5}, 0, paused(automation.ByCredits)},
		{"InProgress", &credits.InProgressError{}, 0, automation.Retry(errors.New("x"), 0)},
		{"TakenOver", credits.ErrNotHolder, 0, automation.ErrStale},
		{"BadInput", engine.ErrInput, 0, automation.Permanent(errors.New("x"))},
		{"BadAnswer", engine.ErrAnswer, 0, errors.New("plain")},
		{"NoKey", secret.ErrNoKey, 0, paused(automation.ByProvider)},
		{"BadConfig", engine.ErrConfig, 0, paused(automation.ByConfiguration)},
		{"ModelMissing", registry.ErrNotFound, 0, paused(automation.ByConfiguration)},
		{"ModelInactive", registry.ErrInactive, 0, paused(automation.ByConfiguration)},
		{"NoPrice", registry.ErrNoPrice, 0, paused(automation.ByConfiguration)},
		{"KeyRefused", provider(providers.Auth), 0, paused(automation.ByProvider)},
		{"NoPermission", provider(providers.Permission), 0, paused(automation.ByProvider)},
		{"ProviderUnpaid", provider(providers.Quota), 0, paused(automation.ByProvider)},
		{"NoSuchModelThere", provider(providers.NotFound), 0, paused(automation.ByConfiguration)},
		{"Blocked", provider(providers.Blocked), 0, automation.Permanent(errors.New("x"))},
		{"TooLong", provider(providers.ContextTooLong), 0, automation.Permanent(errors.New("x"))},
		{"OverloadedAtFirst", provider(providers.Overloaded), 0, errors.New("plain")},
		{"OverloadedForLong", provider(providers.Overloaded), 2, paused(automation.ByProvider)},
		{"OutageForLong", provider(providers.Network), 2, paused(automation.ByProvider)},
		{"SiteRefuses", content.ErrSiteRefuses, 0, paused(automation.ByProvider)},
		{"SiteAwayAtFirst", content.ErrSiteUnavailable, 0, errors.New("plain")},
		{"SiteAwayForLong", content.ErrSiteUnavailable, 2, paused(automation.ByProvider)},
		{"PostRefused", content.ErrPostRefused, 0, automation.Permanent(errors.New("x"))},
		{"CutAnswer", provider(providers.Incomplete), 2, errors.New("plain")},
		{"Cancelled", context.Canceled, 0, errors.New("plain")},
	} {
		got := pipeline.Classify(fmt.Errorf("engine: %w", c.err), automation.Call{Attempt: c.attempt})
		if g, w := fmt.Sprintf("%T", got), fmt.Sprintf("%T", c.want); g != w && !(c.name == "TakenOver" && errors.Is(got, automation.ErrStale)) && w != "*errors.errorString" {
			t.Errorf("%s: %s, want %s", c.name, g, w)
		}
		if c.want.Error() == "plain" && fmt.Sprintf("%T", got) != "*fmt.wrapError" {
			t.Errorf("%s: %T, want the error as it is", c.name, got)
		}
		if !errors.Is(got, automation.ErrStale) && !errors.Is(got, c.err) {
			t.Errorf("%s: the cause is lost: %v", c.name, got)
		}
	}
}

func TestBatchesAreBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.Int64Range(5, 100_000).Draw(t, "n"), rapid.Int64Range(10, 100).Draw(t, "size")
		var sum int64
		least, most := size, int64(0)
		for _, b := range pipeline.Batches(n, size) {
			sum += b
			least, most = min(least, b), max(most, b)
		}
		if sum != n || most > size || most-least > 1 || least < 5 {
			t.Errorf("Batches(%d, %d): sum %d, between %d and %d", n, size, sum, least, most)
		}
	})
}
