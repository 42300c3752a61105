package credits

import (
	"context"
	"iter"
	"time"
)

// Gate is the part of the ledger that stands before every billable call; it is all the engine needs besides
// [AttemptLog]. It is safe for concurrent use, by several processes where the store allows them. Each method is one
// transaction: durable when it returns without an error, without effect when it returns one. A cancelled context may
// leave the caller in doubt; the same call again, with the same key, resolves it. Besides the errors that a method names,
// every mutation returns ErrBroken of an account whose rows contradict each other, and the store's own.
type Gate interface {
	// Hold sets r.Amount aside, or says what became of the key earlier. Exactly one field of the result is set: a
	// receipt if the key is settled, a hold otherwise. Errors: *InsufficientError, *CapError, *InProgressError,
	// ErrKeyReused, ErrResultPruned, ErrInvalid.
	Hold(ctx context.Context, r HoldRequest) (Held, error)
	// Extend adds to an open hold and renews its lease. Errors: *InsufficientError, *CapError, ErrNotHolder, ErrClosed,
	// ErrSettled, ErrNotFound, ErrInvalid.
	Extend(ctx context.Context, r ExtendRequest) (Hold, error)
	// Settle charges min(r.Amount, held), records usage, finishes the last attempt, keeps the receipt and closes the
	// hold, all or nothing. It is not fenced: the first settle of a key wins, and every other returns the winner's
	// receipt. A released or expired hold is charged all the same, if need be into debt: a charge is never lost.
	// Errors: ErrNotFound, ErrResultPruned if another settled the key and its result was let go (the last attempt is then
	// not finished: Finish does that), ErrOverflow of a debt, ErrInvalid.
	Settle(ctx context.Context, r SettleRequest) (Receipt, error)
	// Release gives everything back and finishes the last attempt, if one is named. Releasing again is no error.
	// Errors: ErrNotHolder, ErrSettled, ErrNotFound, ErrInvalid.
	Release(ctx context.Context, r ReleaseRequest) error
	// Lookup says what the ledger knows of a key without changing anything: the receipt, or the hold in any state.
	// Errors: ErrNotFound.
	Lookup(ctx context.Context, account Account, key Key) (Held, error)
}

// AttemptLog journals every dispatch to a provider, so that what a failed or unknown call cost the operator is known.
// It is safe for concurrent use. The first Begin usually rides in the Hold and the last Finish in the Settle or the Release.
type AttemptLog interface {
	// Begin journals an attempt before its request is sent, and renews the lease. Errors: ErrNotHolder, ErrClosed,
	// ErrSettled, ErrNotFound, ErrInvalid.
	Begin(ctx context.Context, r BeginRequest) error
	// Finish records how an attempt ended. It is not fenced, and finishing again changes nothing, except that a fate that
	// was unknown becomes the one that is known now.
	// Errors: ErrNotFound, ErrInvalid.
	Finish(ctx context.Context, r FinishRequest) error
	// Attempts yields the attempts of an account, oldest first. It ends after the first error.
	Attempts(ctx context.Context, q AttemptQuery) iter.Seq2[Attempt, error]
}

// Ledger is everything a store's ledger does. Mutations as in [Gate]; reads see committed state and are safe beside them.
type Ledger interface {
	Gate
	AttemptLog
	// Grant adds credits. Errors: ErrKeyReused, ErrInvalid, ErrOverflow.
	Grant(ctx context.Context, g Grant) (Entry, error)
	// Adjust corrects an account by hand. Errors: ErrKeyReused, ErrInvalid, ErrOverflow.
	Adjust(ctx context.Context, r Adjust) (Entry, error)
	// Refund gives back a part of a charge, or all of it. Errors: ErrNotFound if the charge's key is not settled, ErrRefund,
	// ErrKeyReused, ErrInvalid, ErrOverflow.
	Refund(ctx context.Context, r Refund) (Entry, error)
	// Charge is a hold and its settle in one decision. Errors: *InsufficientError, *CapError, *InProgressError if the
	// key is held, ErrKeyReused, ErrResultPruned, ErrInvalid.
	Charge(ctx context.Context, r Charge) (Receipt, error)
	// Prune lets the results go of what was settled before the given time, and returns how many those were. Their keys
	// answer ErrResultPruned from then on; charges, usage records and digests stay. It may be called again, and works in
	// steps that do not hold other mutations up for long; an error leaves what was pruned until then pruned.
	Prune(ctx context.Context, account Account, before time.Time) (pruned int64, err error)
	// Buckets returns the account's buckets of which anything remains now, in the order in which they are burned.
	Buckets(ctx context.Context, account Account) ([]Bucket, error)
	// Balance returns the account's balance as of now; an unknown account has a zero balance.
	Balance(ctx context.Context, account Account) (Balance, error)
	// Entries yields the account's entries by number, ascending unless q.Newest. It ends after the first error.
	Entries(ctx context.Context, q EntryQuery) iter.Seq2[Entry, error]
	// Records yields usage records in the order of their entries. It ends after the first error.
	Records(ctx context.Context, q UsageQuery) iter.Seq2[UsageRecord, error]
	// Usage returns totals over the records that q selects, grouped as q says, ordered by their group. It reads totals
	// that are kept beside the records, and records only of the quarters of an hour that q cuts; see [UsagePlan].
	// Errors: ErrInvalid, ErrOverflow or usage.ErrInvalid if a total does not fit.
	Usage(ctx context.Context, q UsageQuery) ([]UsageRow, error)
	// Shadow returns what charges come to beside what they would have come to by a version that was to come, of the records
	// that q selects, added up by account, operation, model and reason and ordered by these. It reads the records. Errors:
	// ErrInvalid, ErrOverflow if a total does not fit.
	Shadow(ctx context.Context, q ShadowQuery) ([]ShadowRow, error)
	// SetCap sets a cap, or puts another in the place of the one that has its name. What was held or charged in the present
	// window before counts, so it reads all holds of that window. The same cap again changes nothing. Errors: ErrInvalid.
	SetCap(ctx context.Context, c Cap) error
	// RemoveCap removes a cap, if there is one of the name. Errors: ErrInvalid.
	RemoveCap(ctx context.Context, r RemoveCap) error
	// Caps returns the account's caps by name, with what they count now.
	Caps(ctx context.Context, account Account) ([]CapUse, error)
	// SetAlert asks for an event when the account's balance falls low, which may be at once. Errors: ErrInvalid.
	SetAlert(ctx context.Context, r Alert) error
	// Events returns the events of all accounts that were not acknowledged, at most limit of them, those that happened first
	// at the front and those of an account in their order. Two callers may get the same ones: an event is delivered at
	// least once, and its account and number tell that it was there before.
	Events(ctx context.Context, limit int) ([]Event, error)
	// Acknowledge lets events go that were dealt with. One that is gone already is no error.
	Acknowledge(ctx context.Context, events ...EventRef) error
	// Verify replays the account and returns what it found; see [Audit]. The error is for a store that cannot be read.
	Verify(ctx context.Context, account Account) (Report, error)
}
