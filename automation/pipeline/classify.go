package pipeline

import (
	"errors"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/paid"
)

// policy is every stage's: the engine has its own retries within a try.
var policy = automation.Policy{Attempts: 3, Backoff: time.Second}

// classify says whose fault it is that the publishing of a post failed: the site's, the post's, or as package paid has it.
func classify(err error, c automation.Call) error {
	switch {
	case errors.Is(err, content.ErrPostRefused):
		return automation.Permanent(err)
	case errors.Is(err, content.ErrSiteRefuses):
		return automation.Pause(err, automation.ByProvider)
	case errors.Is(err, content.ErrSiteUnavailable):
		return paid.Outage(err, c)
	}
	return paid.Classify(err, c)
}
