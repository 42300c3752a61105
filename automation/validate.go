package automation

import (
	"fmt"
	"slices"
	"time"
)

// What a name may have at most, in bytes: an item's calls have keys of the run, the stage and the item, and the ledger
// bounds those.
const (
	maxName  = 200 // of a run, of a site
	maxStage = 100
)

// Validate checks a run that is to be created, as every store does in CreateRun. Errors: ErrInvalid.
func (r Run) Validate() error {
	bad := func(why string, args ...any) error {
		return fmt.Errorf("automation: create run %.80q: %w: %s", r.ID, ErrInvalid, fmt.Sprintf(why, args...))
	}
	switch {
	case r.ID == "" || r.Site == "" || r.Account == "":
		return bad("id, site and account must be set")
	case len(r.ID) > maxName || len(r.Site) > maxName:
		return bad("the id has %d bytes and the site %d, at most %d are allowed", len(r.ID), len(r.Site), maxName)
	case len(r.Stages) == 0:
		return bad("it has no stage")
	case r.State != Running:
		return bad("its state is %q, want %q", r.State, Running)
	}
	if err := r.Account.Validate(); err != nil {
		return bad("%v", err)
	}
	for i, stage := range r.Stages {
		switch {
		case stage == "" || slices.Contains(r.Stages[:i], stage):
			return bad("stage %q is empty or listed twice", stage)
		case len(stage) > maxStage:
			return bad("stage %.40q… has %d bytes, at most %d are allowed", stage, len(stage), maxStage)
		}
	}
	for _, stage := range r.Finishers {
		if !slices.Contains(r.Stages, stage) {
			return bad("finisher %q is not one of its stages", stage)
		}
	}
	for stage, most := range r.MaxItems {
		switch {
		case !slices.Contains(r.Stages, stage):
			return bad("MaxItems: %q is not one of its stages", stage)
		case most < 1:
			return bad("MaxItems: stage %q may take up %d, want at least 1: leave a stage that is to do nothing out of Stages", stage, most)
		}
	}
	return r.validateErrand(bad)
}

func (r Run) validateErrand(bad func(why string, args ...any) error) error {
	switch {
	case !r.Errand():
		return nil
	case len(r.Stages) != 1:
		return bad("Items: it has %d stages, and what is about some rows has one", len(r.Stages))
	case len(r.MaxItems) > 0:
		return bad("MaxItems: it is about the rows that Items names")
	case len(r.Items) > MaxErrand:
		return bad("Items: it is about %d rows, at most %d are allowed", len(r.Items), MaxErrand)
	}
	seen := make(map[string]bool, len(r.Items))
	for _, row := range r.Items {
		switch {
		case row == "" || seen[row]:
			return bad("Items: row %.80q is empty or listed twice", row)
		case len(row) > maxName:
			return bad("Items: row %.40q… has %d bytes, at most %d are allowed", row, len(row), maxName)
		}
		seen[row] = true
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
