package paid_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/paid"
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
		name string
		err  error
		last bool
		want error // a mark of the same kind
	}{
		{"Insufficient", &credits.InsufficientError{Need: 5}, false, paused(automation.ByCredits)},
		{"Capped", &credits.CapError{Need: 5}, false, paused(automation.ByCredits)},
		{"InProgress", &credits.InProgressError{}, false, automation.Retry(errors.New("x"), 0)},
		{"TakenOver", credits.ErrNotHolder, false, automation.ErrStale},
		{"BadInput", engine.ErrInput, false, automation.Permanent(errors.New("x"))},
		{"BadAnswer", engine.ErrAnswer, false, errors.New("plain")},
		{"NoKey", secret.ErrNoKey, false, paused(automation.ByProvider)},
		{"BadConfig", engine.ErrConfig, false, paused(automation.ByConfiguration)},
		{"ModelMissing", registry.ErrNotFound, false, paused(automation.ByConfiguration)},
		{"ModelInactive", registry.ErrInactive, false, paused(automation.ByConfiguration)},
		{"NoPrice", registry.ErrNoPrice, false, paused(automation.ByConfiguration)},
		{"KeyRefused", provider(providers.Auth), false, paused(automation.ByProvider)},
		{"NoPermission", provider(providers.Permission), false, paused(automation.ByProvider)},
		{"ProviderUnpaid", provider(providers.Quota), false, paused(automation.ByProvider)},
		{"NoSuchModelThere", provider(providers.NotFound), false, paused(automation.ByConfiguration)},
		{"Blocked", provider(providers.Blocked), false, automation.Permanent(errors.New("x"))},
		{"TooLong", provider(providers.ContextTooLong), false, automation.Permanent(errors.New("x"))},
		{"OverloadedAtFirst", provider(providers.Overloaded), false, errors.New("plain")},
		{"OverloadedForLong", provider(providers.Overloaded), true, paused(automation.ByProvider)},
		{"OutageForLong", provider(providers.Network), true, paused(automation.ByProvider)},
		{"CutAnswer", provider(providers.Incomplete), true, errors.New("plain")},
		{"Cancelled", context.Canceled, false, errors.New("plain")},
	} {
		got := paid.Classify(fmt.Errorf("engine: %w", c.err), automation.Call{Last: c.last})
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
