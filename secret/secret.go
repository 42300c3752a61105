package secret

import (
	"context"
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a text that never prints itself. The zero Secret is empty. A Secret is immutable and may be shared
// between goroutines. Two Secrets are not comparable; compare what [Secret.Reveal] returns, if you must.
type Secret struct {
	// A closure keeps the text out of reach of fmt's verbs and of reflection, which would read an unexported string.
	reveal func() string
}

// New returns a Secret that holds text.
func New(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text. It belongs in the header that authorises a request, and in the check that nothing which the
// upstream sends back holds it; nowhere else, and in no value that outlives the call.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns "[secret]".
func (s Secret) String() string { return redacted }

// Format writes "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText writes "[secret]"; JSON and most encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Key is an API key with a name that may be journalled and shown.
type Key struct {
	ID     string // names the key in journals and errors; never a part of the key itself
	Secret Secret
}

// KeySource finds the API key with which an account's calls to a provider are made. Implementations are safe for
// concurrent use, return an error that matches [ErrNoKey] if there is none, and never put a key into an error.
type KeySource interface {
	Key(ctx context.Context, account, provider string) (Key, error)
}

// Static is a KeySource with one key for each provider name, for every account. Do not write to it once it is in use.
type Static map[string]Key

// Key implements [KeySource].
func (s Static) Key(_ context.Context, _, provider string) (Key, error) {
	k, ok := s[provider]
	if !ok || k.Secret.IsZero() {
		return Key{}, fmt.Errorf("secret: provider %q: %w: add one to the key source", provider, ErrNoKey)
	}
	return k, nil
}

var _ KeySource = Static(nil)
