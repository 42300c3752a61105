package secret

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// StoredKey is an API key as a [KeyStore] has it.
type StoredKey struct {
	Place
	Version int64     `json:"version"` // the number of its last change
	Added   int64     `json:"added"`   // the number of the change that added it
	Active  bool      `json:"active"`  // whether it is used
	Sealed  Sealed    `json:"sealed"`
	Who     string    `json:"who"` // made the last change
	Why     string    `json:"why"`
	At      time.Time `json:"at"` // of the last change, by the store's clock
}

// KeyPut adds an API key, or replaces what a place has.
type KeyPut struct {
	Place
	Base   int64 // the Version that it replaces; 0 if there must be none
	Active bool
	Sealed Sealed // required
	Who    string // required, as Why: 1 to 1,000 bytes that are not all blank
	Why    string
}

// KeyDelete removes an API key.
type KeyDelete struct {
	Place
	Base int64 // the Version that it removes
	Who  string
	Why  string
}

// KeyAction is what a change did.
type KeyAction string

// The actions.
const (
	KeyAdded    KeyAction = "added"
	KeyReplaced KeyAction = "replaced" // its sealed text, its state, or both
	KeyDeleted  KeyAction = "deleted"
)

// KeyChange is a line of the history, which is never altered.
type KeyChange struct {
	Number int64 `json:"number"` // 1, 2, 3 … without gaps in a store
	Place
	Action  KeyAction `json:"action"`
	Active  bool      `json:"active"`   // whether the key was active after it
	RingKey string    `json:"ring_key"` // that seals it after the change; empty if it was deleted
	Who     string    `json:"who"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"`
}

// KeyQuery asks for keys.
type KeyQuery struct {
	All      bool   // every key of the store: Provider and Account are not looked at
	Provider string // whose keys
	Account  string // and which account's; the system's if it is empty
	After    Place  // the last key of the page before; the zero Place for the first page
	Limit    int    // 100 if 0, at most 1,000
}

// ChangeQuery asks for changes, the newest first.
type ChangeQuery struct {
	Before int64 // only changes with a lower number; 0 for all
	Limit  int   // 100 if 0, at most 1,000
}

// Rows returns how many rows a store may return for q.
func (q KeyQuery) Rows() int { return pageSize(q.Limit) }

// Rows returns how many rows a store may return for q.
func (q ChangeQuery) Rows() int { return pageSize(q.Limit) }

func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 1000)
}

// KeyStore keeps sealed API keys and the history of their changes. It never sees the text of a key: [Vault] seals and
// opens. Implementations are safe for concurrent use, copy what they are given and return, leave no effect with a
// context that is over, and never put what is sealed into an error or a log.
//
// Changes have one order in a store: whoever reads a change can read all that have a lower number, and the keys as they
// were after it or later. So the number of the newest change is what to poll for changes of other processes.
type KeyStore interface {
	// Get returns the key at a place, active or not. Errors: ErrNoKey.
	Get(ctx context.Context, at Place) (StoredKey, error)
	// List returns keys, active or not, ordered by the bytes of provider, account and id, at most q.Rows().
	List(ctx context.Context, q KeyQuery) ([]StoredKey, error)
	// Put checks p with [KeyPut.Validate], stores the key and appends the change, in one transaction. A key that is
	// replaced keeps the number of its first change. Errors: ErrInvalid; ErrConflict if p.Base is not the version of the
	// key at the place, or 0 if there is none.
	Put(ctx context.Context, p KeyPut) (StoredKey, error)
	// Delete checks d with [KeyDelete.Validate], removes the key and appends the change, in one transaction. A key that is
	// put at the place later is a new one. Errors: ErrInvalid; ErrNoKey if there is none; ErrConflict as for Put.
	Delete(ctx context.Context, d KeyDelete) error
	// Changes returns the history, the newest change first, at most q.Rows(). With a limit of 1 it is cheap enough to be
	// polled.
	Changes(ctx context.Context, q ChangeQuery) ([]KeyChange, error)
}

// Validate says which rule the change breaks. Errors: [ErrInvalid].
func (p KeyPut) Validate() error {
	if err := validChange(p.Place, p.Who, p.Why); err != nil {
		return err
	}
	if p.Sealed.RingKey() == "" {
		return fmt.Errorf("secret: put %s: %w: what it has is not sealed", p.Place.Name(), ErrInvalid)
	}
	return nil
}

// Validate says which rule the change breaks. Errors: [ErrInvalid].
func (d KeyDelete) Validate() error { return validChange(d.Place, d.Who, d.Why) }

const (
	maxName  = 200  // bytes of a provider's or an account's name
	maxKeyID = 64   // bytes of a key's id
	maxWhy   = 1000 // bytes of who and why
)

// validate says which rule a place breaks. It shows an id only if that can be one: what is wrong may be a key.
func (p Place) validate() error {
	switch {
	case !validID(p.ID, maxKeyID):
		return fmt.Errorf("secret: %w: an id has 1 to %d of the characters A-Z a-z 0-9 . _ -", ErrInvalid, maxKeyID)
	case p.Provider == "" || len(p.Provider) > maxName || !storable(p.Provider):
		return fmt.Errorf("secret: %w: a provider has a name of 1 to %d bytes of UTF-8 without NUL", ErrInvalid, maxName)
	case len(p.Account) > maxName || !storable(p.Account):
		return fmt.Errorf("secret: %w: an account has at most %d bytes of UTF-8 without NUL", ErrInvalid, maxName)
	}
	return nil
}

func validChange(at Place, who, why string) error {
	if err := at.validate(); err != nil {
		return err
	}
	for _, text := range []string{who, why} {
		if strings.TrimSpace(text) == "" || len(text) > maxWhy || !storable(text) {
			return fmt.Errorf("secret: change %s: %w: say who and why, each in at most %d bytes of UTF-8 without NUL", at.Name(), ErrInvalid, maxWhy)
		}
	}
	return nil
}

// storable reports whether every database can keep a text as it is.
func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
