package credits

import (
	"errors"
	"fmt"
	"time"
)

// What callers branch on. Errors of this package match them with errors.Is and add the account, the key and the mend.
var (
	// ErrInvalid is a request that breaks a rule by itself, whatever the ledger holds.
	ErrInvalid = errors.New("invalid request")
	// ErrOverflow is a sum that does not fit an Amount.
	ErrOverflow = errors.New("amount overflows")
	// ErrInsufficient is a hold that the account cannot cover; see [InsufficientError].
	ErrInsufficient = errors.New("insufficient credits")
	// ErrCap is something that a cap does not leave room for; see [CapError].
	ErrCap = errors.New("cap reached")
	// ErrInProgress is a key that another holder is working on; see [InProgressError].
	ErrInProgress = errors.New("operation in progress")
	// ErrKeyReused is a key that was used before for a different request.
	ErrKeyReused = errors.New("key reused for a different request")
	// ErrNotFound is a key that the account never held.
	ErrNotFound = errors.New("no such key")
	// ErrNotHolder is an act of a holder that lost its hold to another.
	ErrNotHolder = errors.New("not the holder")
	// ErrClosed is an act on a hold that was released or has expired.
	ErrClosed = errors.New("hold is closed")
	// ErrRefund is a refund of more than is left of its charge.
	ErrRefund = errors.New("refund above the charge")
	// ErrBroken is an account whose stored rows contradict each other; nothing is decided on them. Verify says which.
	ErrBroken = errors.New("account contradicts itself")
	// ErrResultPruned is a key that was settled, and whose result was let go since. It is never charged again.
	ErrResultPruned = errors.New("result was pruned")
	// ErrSettled is a release or an attempt on a key that is settled already; Lookup has its receipt.
	ErrSettled = errors.New("already settled")
)

// InsufficientError says what a hold needed and what there was. It matches [ErrInsufficient].
type InsufficientError struct {
	Account   Account
	Need      Amount // credits asked for
	Available Amount // credits available; negative if the account is in debt
	Held      Amount // credits in open holds, which may come back
}

// Error implements error.
func (e *InsufficientError) Error() string {
	return fmt.Sprintf("credits: account %q: %v: need %d, available %d, in open holds %d: grant more", e.Account, ErrInsufficient, e.Need, e.Available, e.Held)
}

// Is reports whether target is ErrInsufficient.
func (e *InsufficientError) Is(target error) bool { return target == ErrInsufficient }

// CapError says which cap refused something. It matches [ErrCap].
type CapError struct {
	Account Account
	Cap     string    // its name
	Limit   Amount    // credits
	Used    Amount    // credits that count against it in its present window
	Need    Amount    // credits asked for
	Until   time.Time // when the window ends and there is room again; zero if it does not
}

// Error implements error.
func (e *CapError) Error() string {
	mend := "raise the cap"
	if !e.Until.IsZero() {
		mend += " or wait until " + e.Until.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("credits: account %q: %v: %q is %d, used %d, need %d: %s", e.Account, ErrCap, e.Cap, e.Limit, e.Used, e.Need, mend)
}

// Is reports whether target is ErrCap.
func (e *CapError) Is(target error) bool { return target == ErrCap }

// InProgressError says who holds a key and for how long. It matches [ErrInProgress].
type InProgressError struct {
	Account Account
	Key     Key
	Holder  string
	Until   time.Time // when the lease runs out and another holder may take over
}

// Error implements error.
func (e *InProgressError) Error() string {
	return fmt.Sprintf("credits: account %q: key %q: %v: held by %q until %s", e.Account, e.Key, ErrInProgress, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is reports whether target is ErrInProgress.
func (e *InProgressError) Is(target error) bool { return target == ErrInProgress }

func failCap(a Account, name, why string) error {
	return fmt.Errorf("credits: account %q: cap %.40q: %w: %s", a, name, ErrInvalid, why)
}

func fail(act string, a Account, k Key, cause error, why string) error {
	if why == "" {
		return fmt.Errorf("credits: %s: account %q: key %q: %w", act, a, k, cause)
	}
	return fmt.Errorf("credits: %s: account %q: key %q: %w: %s", act, a, k, cause, why)
}
