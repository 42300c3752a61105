package content

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// NewID makes an id from what a row stands for: the same parts, the same id, in any process at any time. A keyword is
// its site and text, a cluster its site and name, a row that an operation made is the operation's key and an ordinal.
func NewID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0}) // so that ("ab", "c") and ("a", "bc") differ
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Fold returns the text in the form in which two texts are compared: lower case, white space collapsed.
func Fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// Slug returns the text as a part of a URL: lower-case letters and digits of any script with hyphens between them, at
// most 80 bytes. It returns "" if nothing is left.
func Slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if r == '\'' || r == '’' {
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		if b.Len()+len(string(r)) > 80 {
			break
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), "-")
}
