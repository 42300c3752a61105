package secret

import (
	"encoding/binary"
	"fmt"
	"log/slog"
)

// Place is where an API key belongs. What is sealed at one place opens at no other.
type Place struct {
	Provider string `json:"provider"` // 1 to 200 bytes
	Account  string `json:"account"`  // whose key it is; empty for the system's, which serves every account
	ID       string `json:"id"`       // names the key: 1 to 64 of the characters A-Z a-z 0-9 . _ -
}

// Name names the place as errors do. It is not String, which whatever embeds a place would print itself as.
func (p Place) Name() string {
	if p.Account == "" {
		return fmt.Sprintf("key %q of provider %q", p.ID, p.Provider)
	}
	return fmt.Sprintf("key %q of provider %q and account %q", p.ID, p.Provider, p.Account)
}

// Sealed is a sealed text as stores keep it, in bytes:
//
//	1   the version of the form, 1
//	1   n, the length of the ring key's id
//	n   the id of the ring key that sealed it
//	12  the nonce, random
//	…   the text, encrypted with AES-256-GCM, of its own length
//	16  the tag
//
// What the tag also covers is the domain "scrip/secret/1", the ring key's id, and the place's provider, account and id, in
// this order, each after its length as 4 bytes, big endian. So no two places have the same bytes there.
//
// It prints as the id of its ring key. The text cannot be got out of it without the ring, but its length can.
type Sealed []byte

const (
	sealedVersion = 1
	domain        = "scrip/secret/1"
	// maxText is how long a sealed text may be, in bytes. API keys have some hundred; what is larger is a mistake.
	maxText  = 8192
	overhead = 12 + 16 // the nonce and the tag
)

// RingKey returns the id of the ring key that opens it, "" if it is not a sealed text.
func (s Sealed) RingKey() string {
	id, _, _ := s.split()
	return id
}

// split returns the id of the ring key and what its cipher opens.
func (s Sealed) split() (id string, body []byte, ok bool) {
	if len(s) < 2 || s[0] != sealedVersion || len(s) < 2+int(s[1])+overhead+1 || len(s) > 2+int(s[1])+overhead+maxText {
		return "", nil, false
	}
	end := 2 + int(s[1])
	id = string(s[2:end])
	if !validID(id, maxRingID) {
		return "", nil, false
	}
	return id, s[end:], true
}

// String returns the id of the ring key.
func (s Sealed) String() string {
	if id := s.RingKey(); id != "" {
		return "[sealed by " + id + "]"
	}
	return "[sealed]"
}

// Format writes String for every verb.
func (s Sealed) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText writes String; JSON and most encoders use it.
func (s Sealed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements [slog.LogValuer].
func (s Sealed) LogValue() slog.Value { return slog.StringValue(s.String()) }

// bound is what the tag covers besides the text. Fields have their lengths, because "ab" and "c" together would be the
// same as "a" and "bc".
func bound(ringKey string, at Place) []byte {
	var b []byte
	for _, field := range []string{domain, ringKey, at.Provider, at.Account, at.ID} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	return b
}

// Seal seals a text of 1 to 8,192 bytes for a place, each time to other bytes. Errors: [ErrInvalid] for a text or a place
// that cannot be one.
func (r *Ring) Seal(plain Secret, at Place) (Sealed, error) {
	if err := at.validate(); err != nil {
		return nil, err
	}
	text := []byte(plain.Reveal())
	if len(text) == 0 || len(text) > maxText {
		return nil, fmt.Errorf("secret: seal %s: %w: it has %d bytes, want 1 to %d", at.Name(), ErrInvalid, len(text), maxText)
	}
	s := append(Sealed{sealedVersion, byte(len(r.sealing))}, r.sealing...)
	return r.cipher(r.sealing).Seal(s, nil, text, bound(r.sealing, at)), nil
}

// Open returns the text that was sealed for the place. The bytes may be anybody's. Errors: *[NoRingKeyError] if the ring
// does not have its key; [ErrSealed].
func (r *Ring) Open(s Sealed, at Place) (Secret, error) {
	id, body, ok := s.split()
	if !ok {
		return Secret{}, fmt.Errorf("secret: open %s: %w: its form is not known", at.Name(), ErrSealed)
	}
	aead := r.cipher(id)
	if aead == nil {
		return Secret{}, fmt.Errorf("secret: open %s: %w", at.Name(), &NoRingKeyError{ID: id})
	}
	text, err := aead.Open(nil, nil, body, bound(id, at))
	if err != nil {
		return Secret{}, fmt.Errorf("secret: open %s: %w: it was damaged, moved here, or sealed with another key of the id %q", at.Name(), ErrSealed, id)
	}
	return New(string(text)), nil
}
