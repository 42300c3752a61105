package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// assign sets the field of a row at a dotted path of JSON names. What the text may be is the field's to say; an empty one
// unsets it. New fields of the registry's types need nothing here.
func assign(row reflect.Value, path, text string) error {
	if err := assignAt(row, path, text); err != nil {
		return fmt.Errorf("%.60s: %w", path, err)
	}
	return nil
}

func assignAt(row reflect.Value, path, text string) error {
	name, rest, deeper := strings.Cut(path, ".")
	f, ok := byJSONName(row, name)
	switch {
	case !ok:
		return fmt.Errorf("there is no such field: there are %s", strings.Join(jsonNames(row.Type()), ", "))
	case !deeper:
		return set(f, text)
	case f.Kind() == reflect.Map: // what is behind the dot is one name, dots and all
		return assignTo(f, rest, text)
	case f.Kind() == reflect.Struct && !isText(f):
		return assignAt(f, rest, text)
	}
	return fmt.Errorf("%s has no fields of its own", name)
}

// assignTo sets or removes an element of a map.
func assignTo(m reflect.Value, key, text string) error {
	if text == "" {
		if !m.IsNil() {
			m.SetMapIndex(reflect.ValueOf(key), reflect.Value{})
		}
		return nil
	}
	value := reflect.New(m.Type().Elem()).Elem()
	if err := set(value, text); err != nil {
		return err
	}
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	m.SetMapIndex(reflect.ValueOf(key), value)
	return nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func set(f reflect.Value, text string) error {
	if text == "" {
		f.SetZero()
		return nil
	}
	if f.Kind() == reflect.Pointer {
		value := reflect.New(f.Type().Elem())
		if err := set(value.Elem(), text); err != nil {
			return err
		}
		f.Set(value)
		return nil
	}
	switch x := f.Addr().Interface().(type) {
	case *time.Time:
		at, err := parseTime(text, time.UTC)
		*x = at
		return err
	case *decimal.Decimal:
		d, err := decimal.NewFromString(text)
		if err != nil {
			return fmt.Errorf("%.40q is no number", text)
		}
		*x = d
		return nil
	case encoding.TextUnmarshaler:
		return x.UnmarshalText([]byte(text))
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%.40q is neither true nor false", text)
		}
		f.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, f.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.40q is no whole number", text)
		}
		f.SetInt(n)
	default:
		return setJSON(f, text)
	}
	return nil
}

// setJSON sets what has parts: JSON, or for a list of texts also the texts with commas between them.
func setJSON(f reflect.Value, text string) error {
	if f.Type() == rawMessage { // JSON as it is; anything else is taken for a text
		if !json.Valid([]byte(text)) {
			quoted, err := encode(text)
			if err != nil {
				return err
			}
			text = string(quoted)
		}
		f.SetBytes([]byte(text))
		return nil
	}
	if f.Type() == reflect.TypeFor[[]string]() && !strings.HasPrefix(text, "[") {
		var list []string
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		f.Set(reflect.ValueOf(list))
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	fresh := reflect.New(f.Type()) // decoding into the old value would keep parts of it
	err := d.Decode(fresh.Interface())
	if _, end := d.Token(); err != nil || end != io.EOF {
		return fmt.Errorf("%.40q is not JSON of the field", text)
	}
	f.Set(fresh.Elem())
	return nil
}

func isText(f reflect.Value) bool {
	_, ok := f.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

func byJSONName(row reflect.Value, name string) (reflect.Value, bool) {
	for i, n := range jsonNames(row.Type()) {
		if n == name {
			return row.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// jsonNames returns the names of a struct's fields in JSON, in their order.
func jsonNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}
