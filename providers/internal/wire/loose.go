package wire

import (
	"bytes"
	"encoding/json"
)

// Loose is a field that upstreams send as a text, as a number or as a list of texts: the text, the number's digits
// as they were written, or the list's first text. Anything else reads as empty, because a field that only explains an
// error must not make the whole answer unreadable.
type Loose string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *Loose) UnmarshalJSON(b []byte) error {
	*l = ""
	switch b = bytes.TrimSpace(b); {
	case len(b) == 0:
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(l))
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*l = Loose(b)
	case b[0] == '[':
		var list []Loose
		if err := json.Unmarshal(b, &list); err == nil && len(list) > 0 {
			*l = list[0]
		}
	}
	return nil
}
