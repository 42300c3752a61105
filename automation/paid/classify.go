package paid

import (
	"errors"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// Classify marks an error of the engine's for the runner by who can mend it. Want of credits or of room under a cap pauses the
// run; so does what the provider refuses to all calls (the key, its account), and what the registry or the engine lacks. A
// key that another works on is tried again, and a hold that another took over leaves the task to that one. What the item
// itself is refused for, it is refused for again. An outage counts as a failure of the item, and pauses the run instead of
// the item's last try. Every other error is returned as it is, and counts.
func Classify(err error, c automation.Call) error {
	var failure *providers.Error
	switch {
	case errors.Is(err, credits.ErrInsufficient), errors.Is(err, credits.ErrCap):
		return automation.Pause(err, automation.ByCredits)
	case errors.Is(err, credits.ErrInProgress):
		return automation.Retry(err, time.Second)
	case errors.Is(err, credits.ErrNotHolder):
		return automation.ErrStale
	case errors.Is(err, engine.ErrInput), errors.Is(err, credits.ErrKeyReused), errors.Is(err, credits.ErrResultPruned):
		return automation.Permanent(err)
	case errors.Is(err, secret.ErrNoKey):
		return automation.Pause(err, automation.ByProvider)
	case errors.Is(err, engine.ErrConfig), errors.Is(err, registry.ErrInvalid), errors.Is(err, registry.ErrNotFound), errors.Is(err, registry.ErrInactive), errors.Is(err, registry.ErrNoPrice):
		return automation.Pause(err, automation.ByConfiguration)
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
		return Outage(err, c)
	}
	return err
}

// Outage marks an error that is no fault of the items, such as a service that is not to be reached: when trying again has not
// helped, the run pauses instead of giving them up.
func Outage(err error, c automation.Call) error {
	if c.Last {
		return automation.Pause(err, automation.ByProvider)
	}
	return err
}
