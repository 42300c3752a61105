package registry

import (
	"context"
	"errors"
	"time"
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
type Version struct {
	Number        int64         `json:"number"` // 1, 2, 3 …
	At            time.Time     `json:"at"`     // when it was written, by the store's clock
	Who           string        `json:"who"`
	Why           string        `json:"why"`
	Configuration Configuration `json:"configuration"`
}

// Change asks for a new version.
type Change struct {
	Base int64  // the number of the version that it was made from; 0 for the first
	Who  string // required
	Why  string // required
	Next Configuration
}

// ModelStore keeps the versions of a configuration. It is safe for concurrent use.
type ModelStore interface {
	// Latest returns the number of the newest version, 0 if there is none. It is cheap enough to be polled.
	Latest(ctx context.Context) (int64, error)
	// Load returns a version; 0 means the latest. Errors: ErrNotFound.
	Load(ctx context.Context, number int64) (Version, error)
	// Save checks the change with [Change.Validate] by the store's clock and appends it as the next version, in one
	// transaction. Errors: ErrConflict if c.Base is not the latest, ErrInvalid.
	Save(ctx context.Context, c Change) (Version, error)
}
