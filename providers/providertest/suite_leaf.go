package providertest

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/shopspring/decimal"
)

// leaf is a text, a number or a truth value in the body of a request.
type leaf struct {
	field string // the nearest name above it
	value string // the text, or the number as it was written
}

// leaves returns what is in a body of JSON, in its order. Any other body is one leaf.
func leaves(body []byte) []leaf {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var list []leaf
	var walk func(field string) error
	walk = func(field string) error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		delim, open := t.(json.Delim)
		if !open {
			if s, ok := t.(string); ok {
				list = append(list, leaf{field, s})
			} else if b, err := json.Marshal(t); err == nil {
				list = append(list, leaf{field, string(b)})
			}
			return nil
		}
		for d.More() {
			name := field
			if delim == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name, _ = key.(string)
			}
			if err := walk(name); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if walk("") != nil {
		return []leaf{{"", string(body)}}
	}
	return list
}

// fieldWith returns the name of the field whose value has a text in it.
func (q seen) fieldWith(text string) (field string, found bool) {
	for _, l := range leaves(q.body) {
		if strings.Contains(l.value, text) {
			return l.field, true
		}
	}
	return "", false
}

// fieldThatIs returns the name of the field whose whole value is a text or a number.
func (q seen) fieldThatIs(value string) (field string, found bool) {
	for _, l := range leaves(q.body) {
		if l.value == value || sameNumber(l.value, value) {
			return l.field, true
		}
	}
	return "", false
}

func sameNumber(a, b string) bool {
	x, err := decimal.NewFromString(a)
	if err != nil || len(a) > 40 {
		return false
	}
	y, err := decimal.NewFromString(b)
	return err == nil && x.Equal(y)
}

// has reports whether a field of this name is anywhere in the body.
func (q seen) has(field string) bool {
	_, found := q.value(field)
	return found
}

// decoded is JSON with its numbers as they were written.
func decoded(b []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	_ = d.Decode(&v) // nil for what is not JSON
	return v
}

// value returns what a field of the body has, wherever the field is.
func (q seen) value(field string) (value any, found bool) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if inner, ok := v[field]; ok {
				value, found = inner, true
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(decoded(q.body))
	return value, found
}
