package secret

import (
	"errors"
	"fmt"
)

// What callers branch on. Each is matched with errors.Is.
var (
	// ErrNoKey is returned by a [KeySource] that has no key for the provider, and by a [KeyStore] that has none at a place.
	// The error that wraps it names the provider and what to set.
	ErrNoKey = errors.New("no API key")
	// ErrRing is a key ring that cannot be made of what was given.
	ErrRing = errors.New("not a key ring")
	// ErrNoRingKey is a sealed text whose ring key the ring does not have; see [NoRingKeyError].
	ErrNoRingKey = errors.New("ring key is missing")
	// ErrSealed is a sealed text that does not open: it was damaged, moved from another place, or sealed with another
	// ring key of the same id.
	ErrSealed = errors.New("sealed text does not open")
	// ErrInvalid is a place, a key or a change of one that breaks a rule.
	ErrInvalid = errors.New("invalid key")
	// ErrConflict is a change of a key that somebody else has changed in the meantime. Nothing happened; look again.
	ErrConflict = errors.New("key changed in the meantime")
)

// NoRingKeyError says which key a ring lacks. It matches [ErrNoRingKey].
type NoRingKeyError struct{ ID string }

// Error implements error.
func (e *NoRingKeyError) Error() string {
	return fmt.Sprintf("%v: %q: put it back into the ring", ErrNoRingKey, e.ID)
}

// Is reports whether target is ErrNoRingKey.
func (e *NoRingKeyError) Is(target error) bool { return target == ErrNoRingKey }
