package automation

import (
	"context"
	"iter"
	"time"
)

// Tx is the transaction that completes a task. It is opaque here; the store that began it, and stores that share its
// database, know what Unwrap returns: a *sql.Tx of stores/sqlite and a pgx.Tx of stores/postgres, in which a stage writes
// rows of its own (see Complete of their Runs), and nothing of use of stores/memory. It must not be used after the function
// it was given to returned.
type Tx interface{ Unwrap() any }

// Store keeps runs, their stages and their tasks. It is safe for concurrent use. Each method is one transaction, durable
// when it returns. Times are the store's clock. Names are the same if they have the same bytes. What a call is given and
// what it returns is the caller's own.
type Store interface {
	// CreateRun inserts a run with its stages, the first in StagePlanning, the others StagePending. r.State must be
	// Running. An errand claims its rows with it, and neither is in the way of the site's run nor has it in its way. Errors:
	// ErrExists, also if it is the unfinished run of the site; *RunExistsError; *ClaimedError, and nothing is created;
	// ErrInvalid (no id, site, account or stage, or an id that exists).
	CreateRun(ctx context.Context, r Run) error
	// Run returns a run and its stages in order. Errors: ErrNotFound.
	Run(ctx context.Context, id string) (Run, []StageCount, error)
	// Runs yields the runs of a site, newest first, by the order of creation; of every site if site is empty.
	Runs(ctx context.Context, site string) iter.Seq2[Run, error]
	// Unfinished yields the runs that are not terminal, oldest first. It is polled, so it must not read those that are.
	Unfinished(ctx context.Context) iter.Seq2[Run, error]
	// SetState changes a run's state from one to another, with its reason; a compare-and-set. Errors: ErrState, ErrNotFound.
	SetState(ctx context.Context, id string, from, to State, reason Reason, detail string) error
	// Plan inserts a page of tasks of a stage in StagePlanning. The first page, with planning 0, begins a planning, whose
	// number Plan returns; each further page names it. Beginning removes what an earlier planning left that did not end;
	// no task of the stage has run yet, because none does before planning ended. If that one was not dead but another
	// runner's, its next page is ErrStale, so that no planning ends with pages of two. The last page ends it: the stage
	// becomes StageRunning, or StageDone and the next one StagePlanning if there is nothing to do.
	//
	// It claims the rows that the items take up, for the run, at this stage of this site: no other unfinished run has one of them
	// then. An errand has claimed its own already. A claim ends with its item, in the transaction of Complete, Fail or Drop, or with
	// its run; those of an earlier planning end when one begins, but for an errand's own.
	// Errors: ErrState (not in planning), ErrStale, ErrInvalid (an item twice, or a row of two items), ErrNotFound; *ClaimedError,
	// and nothing of the page is inserted.
	Plan(ctx context.Context, run, stage string, page []Item, planning int64, last bool) (int64, error)
	// Claimed yields the rows that other runs than the given one claim at a stage of a site, in no order.
	Claimed(ctx context.Context, site, stage, run string) iter.Seq2[string, error]
	// Claim leases up to limit tasks of running runs to an owner: those that are ready and whose time has come, and those
	// whose lease has run out. Accounts take turns: the next task is one of the account that has the fewest under way, leases
	// that have run out aside, and among equals, and within an account, the one that was planned first. Of a canceling run it leases in the same way the tasks that
	// were claimed before, and says so in Task.Canceling. It raises their generation. Errors: ErrInvalid, as ValidateLease.
	Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]Task, error)
	// Extend renews the leases that the owner still has and returns those. Errors: ErrInvalid, as ValidateLease.
	Extend(ctx context.Context, owner string, refs []TaskRef, lease time.Duration) ([]TaskRef, error)
	// Complete marks a task done and calls save in the same transaction, with created rows to count. If it was the
	// stage's last, the stage is done and the next one begins, or the run is done; a stage with a Finisher gets its
	// Finish task first. A stage with tasks of which every one failed makes the run Failed, by ByItems.
	// Errors: ErrStale, and what save returned: then nothing happened.
	Complete(ctx context.Context, owner string, ref TaskRef, out Outcome, save func(Tx) (created int, err error)) error
	// Retry gives a task back, to be claimed again after the given time. attempt says whether the try counts as a failed
	// one. Errors: ErrStale.
	Retry(ctx context.Context, owner string, ref TaskRef, cause string, after time.Duration, attempt bool) error
	// Fail gives a task up; for the stage it counts as Complete does. Errors: ErrStale.
	Fail(ctx context.Context, owner string, ref TaskRef, cause string) error
	// Drop ends a task of a canceling run for which nothing was paid; it counts as neither done nor failed.
	// Errors: ErrStale; ErrState if the run is not canceling.
	Drop(ctx context.Context, owner string, ref TaskRef) error
	// Failed yields the tasks of a run that were given up.
	Failed(ctx context.Context, run string) iter.Seq2[FailedTask, error]
}
