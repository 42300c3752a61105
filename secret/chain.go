package secret

import (
	"context"
	"errors"
	"fmt"
)

// Fallback says that a source other than the first of a [Chain] had the key.
type Fallback struct {
	Provider string
	Account  string // of the call
	Source   int    // which source it was, 1 for the second
	KeyID    string // of the key that it gave
}

// Chain returns a KeySource that asks the sources in order and takes the first key. It is for a migration, for instance
// from the environment to a store: every key that was not the first source's is told to report, before it is returned,
// so that what is still missing there shows. report is called by the caller of Key, by many at once, and must not block.
//
// Only ErrNoKey leads to the next source. Any other error is returned as it is: a store that cannot be asked, or a key
// that does not open, is not a key that is not there. If no source has a key, the error matches [ErrNoKey] and says what
// each of them wants.
//
// Errors: [ErrInvalid] if report, a source, or every source is missing.
func Chain(report func(context.Context, Fallback), sources ...KeySource) (KeySource, error) {
	switch {
	case report == nil:
		return nil, fmt.Errorf("secret: chain: %w: report must be set: a fallback is not to be silent", ErrInvalid)
	case len(sources) == 0:
		return nil, fmt.Errorf("secret: chain: %w: there is no source", ErrInvalid)
	}
	for i, s := range sources {
		if s == nil {
			return nil, fmt.Errorf("secret: chain: %w: source %d is nil", ErrInvalid, i)
		}
	}
	return &chain{report: report, sources: append([]KeySource(nil), sources...)}, nil
}

type chain struct {
	report  func(context.Context, Fallback)
	sources []KeySource
}

// Key implements [KeySource].
func (c *chain) Key(ctx context.Context, account, provider string) (Key, error) {
	var missing []error
	for i, source := range c.sources {
		k, err := source.Key(ctx, account, provider)
		switch {
		case errors.Is(err, ErrNoKey):
			missing = append(missing, err)
		case err != nil:
			return Key{}, err
		default:
			if i > 0 {
				c.report(ctx, Fallback{Provider: provider, Account: account, Source: i, KeyID: k.ID})
			}
			return k, nil
		}
	}
	return Key{}, &noneHas{missing}
}

// noneHas is the answer of a chain none of whose sources has a key, on one line.
type noneHas struct{ errs []error }

func (e *noneHas) Error() string {
	text := e.errs[0].Error()
	for _, err := range e.errs[1:] {
		text += "; " + err.Error()
	}
	return text
}

func (e *noneHas) Unwrap() []error { return e.errs }
