package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

const (
	ringKeySize = 32 // bytes: AES-256
	maxRingID   = 32 // bytes: shorter than a ring key in base64, which so is never taken for an id and shown
)

// Ring has the key-encryption keys of a host by id, one of which seals; all open. It is immutable and safe for concurrent
// use. It prints the ids, and not the keys, which reflection does not find either.
type Ring struct {
	sealing string
	ids     []string
	// A closure, as in Secret: a cipher has its key in it.
	cipher func(id string) cipher.AEAD // nil if there is none
}

// NewRing returns a ring of keys of 32 random bytes each, by id, in which the one named sealing seals. An id has 1 to 32
// of the characters A-Z a-z 0-9 . _ - and is never to be used for another key again. The bytes may be overwritten
// afterwards. Errors: [ErrRing].
func NewRing(sealing string, keys map[string][]byte) (*Ring, error) {
	refuse := func(format string, args ...any) (*Ring, error) {
		return nil, fmt.Errorf("secret: %w: %s", ErrRing, fmt.Sprintf(format, args...))
	}
	ciphers := map[string]cipher.AEAD{}
	ids := slices.Sorted(maps.Keys(keys))
	for i, id := range ids {
		key := keys[id]
		switch {
		case !validID(id, maxRingID):
			return refuse("an id has 1 to %d of the characters A-Z a-z 0-9 . _ -", maxRingID) // what is wrong may be a key
		case id == string(key):
			return refuse("the id of a key is the key itself")
		case len(key) != ringKeySize:
			return refuse("key %q has %d bytes, want %d", id, len(key), ringKeySize)
		case string(key) == string(make([]byte, ringKeySize)):
			return refuse("key %q is all zeros", id)
		}
		for _, other := range ids[:i] {
			if string(key) == string(keys[other]) {
				return refuse("keys %q and %q are the same", other, id)
			}
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return refuse("key %q makes no cipher", id)
		}
		// It draws a nonce for each text and puts it before the text, so that no caller can use one twice.
		if ciphers[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return refuse("key %q makes no cipher", id)
		}
	}
	if ciphers[sealing] == nil {
		return refuse("the key that seals is not among the %d keys", len(keys))
	}
	return &Ring{sealing: sealing, ids: ids, cipher: func(id string) cipher.AEAD { return ciphers[id] }}, nil
}

// ParseRing reads a ring from the text of an environment variable or a file: entries "id:key", separated by commas,
// white space or both, the key being 32 bytes in base64 (of either alphabet, padded or not). The first entry seals:
//
//	SCRIP_KEY_RING="2026:kZcK…9Q=,2025:R0h1…aA="
//
// [GenerateRingKey] makes an entry, and so does: echo "2026:$(openssl rand -base64 32)". Errors: [ErrRing], which names an
// entry by its place in the text.
func ParseRing(text string) (*Ring, error) {
	var sealing string
	keys := map[string][]byte{}
	for i, entry := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		refuse := func(why string) (*Ring, error) {
			return nil, fmt.Errorf("secret: %w: entry %d: %s", ErrRing, i+1, why)
		}
		id, encoded, ok := strings.Cut(entry, ":")
		if !ok || !validID(id, maxRingID) {
			return refuse(fmt.Sprintf("want id:key, the id of 1 to %d of the characters A-Z a-z 0-9 . _ -", maxRingID))
		}
		// The decoder's own error would quote a character of the key.
		key, err := base64.RawStdEncoding.Strict().DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "=")))
		if err != nil || len(key) != ringKeySize {
			return refuse(fmt.Sprintf("the key is not %d bytes in base64", ringKeySize))
		}
		if keys[id] != nil {
			return refuse("its id is there twice")
		}
		keys[id] = key
		if i == 0 {
			sealing = id
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("secret: %w: the text is empty: want id:key entries", ErrRing)
	}
	return NewRing(sealing, keys)
}

// GenerateRingKey returns an entry for [ParseRing] with a new random key. Errors: [ErrRing] for an id that cannot be one.
func GenerateRingKey(id string) (Secret, error) {
	if !validID(id, maxRingID) {
		return Secret{}, fmt.Errorf("secret: %w: an id has 1 to %d of the characters A-Z a-z 0-9 . _ -", ErrRing, maxRingID)
	}
	key := make([]byte, ringKeySize)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	return New(id + ":" + base64.StdEncoding.EncodeToString(key)), nil
}

// Sealing returns the id of the key that seals.
func (r *Ring) Sealing() string { return r.sealing }

// IDs returns the ids of all keys, in order.
func (r *Ring) IDs() []string { return slices.Clone(r.ids) }

// String says which keys there are, by their ids.
func (r *Ring) String() string {
	return fmt.Sprintf("[ring: seals with %q, opens %q]", r.sealing, r.ids)
}

// validID reports whether an id has 1 to most characters of which none means anything anywhere.
func validID(id string, most int) bool {
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= most
}
