package pipeline

import (
	"errors"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// policy is every stage's: the engine has its own retries within a try.
var policy = automation.Policy{Attempts: 3, Backoff: time.Second}

// classify says whose fault it is that a call, or the publishing of a post, failed: the account's, the provider's or the site's,
// the configuration's, or the item's.
func classify(err error, c automation.Call) error {
	var failure *providers.Error
	switch {
	case errors.Is(err, credits.ErrInsufficient), errors.Is(err, credits.ErrCap):
		return automation.Pause(err, automation.ByCredits)
	case errors.Is(err, credits.ErrInProgress):
		return automation.Retry(err, time.Second)
	case errors.Is(err, credits.ErrNotHolder):
		return automation.ErrStale
	case errors.Is(err, engine.ErrInput), errors.Is(err, credits.ErrKeyReused), errors.Is(err, credits.ErrResultPruned), errors.Is(err, content.ErrPostRefused):
		return automation.Permanent(err)
	case errors.Is(err, secret.ErrNoKey), errors.Is(err, content.ErrSiteRefuses):
		return automation.Pause(err, automation.ByProvider)
	case errors.Is(err, engine.ErrConfig), errors.Is(err, registry.ErrInvalid), errors.Is(err, registry.ErrNotFound), errors.Is(err, registry.ErrInactive), errors.Is(err, registry.ErrNoPrice):
		return automation.Pause(err, automation.ByConfiguration)
	case errors.Is(err, content.ErrSiteUnavailable):
		return outage(err, c)
	case errors.As(err, &failure):
		return classifyProvider(err, failure, c)
	}
	return err
}

func classifyProvider(err error, failure *providers.Error, c automation.Call) error {
	switch failure.Kind {
	case providers.Auth, providers.Permission, providers.Quota:
		return automation.Pause(err, automation.ByProvider)
	case providers.NotFound, providers.Unsupported:
		return automation.Pause(err, automation.ByConfiguration)
	case providers.Blocked, providers.ContextTooLong:
		return automation.Permanent(err)
	case providers.RateLimited, providers.Overloaded, providers.Network, providers.Upstream, providers.Timeout:
		return outage(err, c)
	}
	return err
}

// outage is not the items' fault: when trying again has not helped, the run waits instead of giving them up.
func outage(err error, c automation.Call) error {
	if c.Attempt+1 >= policy.Attempts {
		return automation.Pause(err, automation.ByProvider)
	}
	return err
}
