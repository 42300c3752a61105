package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/scrip-go/scrip/providers"
)

// Field is one field of a JSON object that goes to the upstream.
type Field struct {
	Name  string
	Value any // left out if nil
	// Fixed says that the call depends on this field: neither a parameter nor an omission may touch it.
	Fixed bool
	// Asked says that the settings ask for this value, a text: a parameter may repeat it in any case, but not contradict it.
	// The field may be left out.
	Asked bool
}

// Object writes the fields and the parameters as one JSON object. A parameter replaces a field of its name, and what
// is in omit is left out, whoever brought it. A parameter or an omission that touches a fixed field, and a parameter
// that is reserved or contradicts what is asked for, is an error: the bound of a call and the shape of its answer are not the
// model's profile to change, and of two wishes none is dropped in silence.
func Object(provider string, fields []Field, parameters map[string]json.RawMessage, omit []string, reserved ...string) ([]byte, *providers.Error) {
	for _, f := range fields {
		if parameter, ok := parameters[f.Name]; ok && f.Asked && !slices.Contains(omit, f.Name) && !repeats(parameter, f.Value) {
			return nil, Refuse(provider, fmt.Sprintf("a parameter sets the field %q otherwise than the settings do: take it out of the profile", f.Name))
		}
		if !f.Fixed {
			continue
		}
		if _, ok := parameters[f.Name]; ok {
			return nil, Refuse(provider, fmt.Sprintf("a parameter may not replace the field %q", f.Name))
		}
		if slices.Contains(omit, f.Name) {
			return nil, Refuse(provider, fmt.Sprintf("the field %q may not be left out", f.Name))
		}
	}
	for _, name := range reserved {
		if _, ok := parameters[name]; ok && !slices.Contains(omit, name) {
			return nil, Refuse(provider, fmt.Sprintf("a parameter may not set the field %q", name))
		}
	}
	s := scratches.Get().(*scratch)
	defer s.free()
	b, enc := &s.Buffer, s.encoder
	b.WriteByte('{')
	for _, f := range fields {
		if _, replaced := parameters[f.Name]; replaced || f.Value == nil || slices.Contains(omit, f.Name) {
			continue
		}
		name(b, f.Name)
		if err := enc.Encode(f.Value); err != nil {
			return nil, Refuse(provider, fmt.Sprintf("the field %q is not JSON", f.Name))
		}
	}
	if len(parameters) > 0 {
		for _, k := range slices.Sorted(maps.Keys(parameters)) {
			if slices.Contains(omit, k) {
				continue
			}
			if providers.Identifier(k) == "" {
				return nil, Refuse(provider, "the name of a parameter is not an identifier")
			}
			if !json.Valid(parameters[k]) {
				return nil, Refuse(provider, fmt.Sprintf("the parameter %q is not JSON", k))
			}
			name(b, k)
			b.Write(parameters[k])
		}
	}
	b.WriteByte('}')
	return bytes.Clone(b.Bytes()), nil // a transport may read a body for longer than the call lasts
}

// repeats reports whether a parameter is a text that says the same as a field.
func repeats(parameter json.RawMessage, value any) bool {
	var said string
	asked, ok := value.(string)
	return ok && json.Unmarshal(parameter, &said) == nil && strings.EqualFold(said, asked)
}

// scratch is where an object is written.
type scratch struct {
	bytes.Buffer
	encoder *json.Encoder
}

var scratches = sync.Pool{New: func() any {
	s := &scratch{}
	s.encoder = json.NewEncoder(&s.Buffer)
	s.encoder.SetEscapeHTML(false)
	return s
}}

// free gives a scratch back, unless a long prompt has made it one that is not worth keeping.
func (s *scratch) free() {
	if s.Cap() <= 1<<20 {
		s.Reset()
		scratches.Put(s)
	}
}

func name(b *bytes.Buffer, n string) {
	if b.Bytes()[b.Len()-1] != '{' {
		b.WriteByte(',')
	}
	b.WriteByte('"')
	b.WriteString(n)
	b.WriteString(`":`)
}

// Refuse returns the error for a request that is wrong before it is sent.
func Refuse(provider, detail string) *providers.Error {
	return &providers.Error{Provider: provider, Kind: providers.Invalid, Fate: providers.NotSent, Detail: detail}
}
