package secret

import (
	"context"
	"fmt"
	"strings"
)

// EnvKeys returns a KeySource that reads one key for each provider, for every account, from variables named after it:
// OPENAI_API_KEY for "openai". In the name a to z are in upper case, and everything else that is no letter
// of A to Z and no digit is "_". White
// space around a key is dropped, and a variable that is empty has no key. A key's id is "env:" and the variable's name.
//
// lookup is asked at each call and must be safe for concurrent use; a host passes [os.LookupEnv]. A nil lookup finds
// nothing.
func EnvKeys(lookup func(name string) (string, bool)) KeySource { return envKeys{lookup} }

type envKeys struct{ lookup func(string) (string, bool) }

// Key implements [KeySource].
func (e envKeys) Key(_ context.Context, _, provider string) (Key, error) {
	name := variable(provider)
	if e.lookup != nil && provider != "" {
		if text, ok := e.lookup(name); ok && strings.TrimSpace(text) != "" {
			return Key{ID: "env:" + name, Secret: New(strings.TrimSpace(text))}, nil
		}
	}
	return Key{}, fmt.Errorf("secret: provider %q: %w: set %s", provider, ErrNoKey, name)
}

// variable returns the name of the variable that has a provider's key.
func variable(provider string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z': // and no other letter, though Unicode has some whose upper case is one of these
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, provider) + "_API_KEY"
}
