package automation

import (
	"fmt"
	"slices"
	"time"
)

// Validate checks a run that is to be created, as every store does in CreateRun. Errors: ErrInvalid.
func (r Run) Validate() error {
	bad := func(why string, args ...any) error {
		return fmt.Errorf("automation: create run %q: %w: %s", r.ID, ErrInvalid, fmt.Sprintf(why, args...))
	}
	switch {
	case r.ID == "" || r.Site == "" || r.Account == "":
		return bad("id, site and account must be set")
	case len(r.Stages) == 0:
		return bad("it has no stage")
	case r.State != Running:
		return bad("its state is %q, want %q", r.State, Running)
	}
	for i, stage := range r.Stages {
		if stage == "" || slices.Contains(r.Stages[:i], stage) {
			return bad("stage %q is empty or listed twice", stage)
		}
	}
	for _, stage := range r.Finishers {
		if !slices.Contains(r.Stages, stage) {
			return bad("finisher %q is not one of its stages", stage)
		}
	}
	return nil
}

// ValidateLease checks who leases tasks and for how long, as every store does in Claim and Extend. Errors: ErrInvalid.
func ValidateLease(owner string, lease time.Duration) error {
	if owner == "" || lease <= 0 {
		return fmt.Errorf("automation: lease tasks: %w: owner %q, lease %s: both must be set", ErrInvalid, owner, lease)
	}
	return nil
}
