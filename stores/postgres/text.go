package postgres

import (
	"strings"
	"unicode/utf8"
)

// PostgreSQL keeps text that is UTF-8 and has no NUL in it, and Go strings may be anything. A name that is not storable
// is refused, because two names must not become one. What is only there to be read is made storable: an answer that was
// paid for is not to be lost for a NUL that a model put into it.

// storable reports whether every text can be stored as it is.
func storable(texts ...string) bool {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

const replacement = "\uFFFD"

// clean returns the text with what cannot be stored replaced.
func clean(s string) string {
	if storable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, replacement), "\x00", replacement)
}

// name returns a name to look for as an argument: NULL, which nothing is equal to, if nothing can be stored under it.
func name(s string) any {
	if !storable(s) {
		return nil
	}
	return s
}
