package registry

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// What callers branch on.
var (
	// ErrNotFound is a model, provider, operation or version that the registry does not have.
	ErrNotFound = errors.New("not in the registry")
	// ErrInactive is a model, provider or operation that is switched off or past its shutdown.
	ErrInactive = errors.New("not active")
	// ErrInvalid is a configuration that breaks a rule.
	ErrInvalid = errors.New("invalid configuration")
	// ErrConflict is a change based on a version that is not the latest any more.
	ErrConflict = errors.New("configuration changed in the meantime")
	// ErrNoPrice is usage that cannot be priced: in a class that the model has no price for, or of unknown pictures.
	ErrNoPrice = errors.New("no price")
)

// Version is a configuration with its place in history.
//
// The version in force at a time is the highest-numbered one whose EffectiveAt is not after it. A version that is still to
// come is pending, and takes force without another write. So a later change always wins over an earlier one from its
// own time on, whatever was announced before:
//
//   - two pending versions in the order of their times take force one after the other;
//   - a version that takes effect no later than pending ones of lower numbers cancels them: they stay in history and never
//     take force. A change that takes effect at once cancels everything that was pending; to keep it, save it again.
type Version struct {
	Number        int64         `json:"number"`       // 1, 2, 3 …
	At            time.Time     `json:"at"`           // when it was written, by the store's clock
	EffectiveAt   time.Time     `json:"effective_at"` // when it takes effect, by the store's clock; not before At
	Who           string        `json:"who"`
	Why           string        `json:"why"`
	Configuration Configuration `json:"configuration"`
}

// Succession tells which versions take force in the end, or did, and which were cancelled: of versions that it is shown newest
// first, as [ModelStore.History] yields them, those take force that come before every one of a higher number. The zero value
// has been shown none. It is not for concurrent use.
type Succession struct {
	earliest time.Time // effective time of those before; zero at first
}

// Takes reports whether a version takes force, or did. Each is shown once.
func (s *Succession) Takes(v Version) bool {
	if !s.earliest.IsZero() && !v.EffectiveAt.Before(s.earliest) {
		return false
	}
	s.earliest = v.EffectiveAt
	return true
}

// Change asks for a new version.
type Change struct {
	Base        int64     // the number of the latest version, pending or not, that it was made from; 0 for the first
	EffectiveAt time.Time // when it takes effect, in whole microseconds; zero means now, by the store's clock
	Who         string    // required
	Why         string    // required
	Next        Configuration
}

// EffectiveFrom returns when the change takes effect if it is saved now, in UTC and whole microseconds. A part of a
// microsecond is rounded up, so that nothing takes effect early.
func (c Change) EffectiveFrom(now time.Time) time.Time {
	at := c.EffectiveAt
	if at.IsZero() {
		return now.UTC()
	}
	if whole := at.Truncate(time.Microsecond); !whole.Equal(at) {
		at = whole.Add(time.Microsecond)
	}
	return at.UTC()
}

// ModelStore keeps the versions of a configuration, and accounts' own settings. A version is whole: no call returns a part of one or parts of two.
// What a call was given or returns is the caller's to write to. It is safe for concurrent use, by several processes
// where the database is. Changes of the configuration and of accounts' settings are judged against each other, so all of
// them are made one after the other.
type ModelStore interface {
	// Latest returns the number of the newest version, pending or not, 0 if there is none: the base of the next change. It is
	// cheap enough to be polled.
	Latest(ctx context.Context) (int64, error)
	// InForce returns the number of the version that is in force now, by the store's clock, 0 if none is. It is cheap
	// enough to be polled.
	InForce(ctx context.Context) (int64, error)
	// Load returns a version, pending or not; 0 means the one in force now. Errors: ErrNotFound.
	Load(ctx context.Context, number int64) (Version, error)
	// Save checks the change with [Change.Validate], by the store's clock and with the newest settings of every account, and
	// appends it as the next version, in one transaction. Errors: ErrConflict if c.Base is not the latest, ErrInvalid.
	Save(ctx context.Context, c Change) (Version, error)
	// History yields the versions with numbers below before, newest first; all of them if before is 0. It reads page by
	// page: a history may be longer than memory. A failure is yielded as the last element.
	History(ctx context.Context, before int64) iter.Seq2[Version, error]

	// LatestAccount returns the number of the newest settings of any account, 0 if there are none. It is cheap enough to be
	// polled.
	LatestAccount(ctx context.Context) (int64, error)
	// Account returns the newest settings of an account; those with number 0, which say nothing, if it never had any.
	Account(ctx context.Context, account credits.Account) (AccountSettings, error)
	// SaveAccount checks the change with [AccountChange.Validate], by the store's clock and with its history of versions, and
	// makes it the newest settings of the account, with the next number of all accounts, in one transaction. Errors:
	// ErrConflict if c.Base is not the account's newest, ErrInvalid, ErrNotFound if there is no configuration yet.
	SaveAccount(ctx context.Context, c AccountChange) (AccountSettings, error)
	// AccountHistory yields the settings that an account had with numbers below before, newest first; all of them if before
	// is 0. It reads as History does.
	AccountHistory(ctx context.Context, account credits.Account, before int64) iter.Seq2[AccountSettings, error]
}
