package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/registry"
)

// The kinds of row, as differences name them.
const (
	modelKind     = "model"
	providerKind  = "provider"
	operationKind = "operation"
	functionKind  = "function"
	imagesKind    = "images"
)

// reference names a row of a configuration.
type reference struct{ kind, name string }

// parseReference reads a reference as it is typed: NAME of a model, KIND:NAME of any row, "images" for the settings of
// pictures. Models have colons in their names, so only a known kind before one is taken for it.
func parseReference(text string) reference {
	if text == imagesKind {
		return reference{kind: imagesKind}
	}
	if kind, name, ok := strings.Cut(text, ":"); ok && slices.Contains([]string{modelKind, providerKind, operationKind, functionKind}, kind) {
		return reference{kind, name}
	}
	return reference{modelKind, text}
}

func (r reference) String() string { return strings.TrimSpace(fmt.Sprintf("%s %.80q", r.kind, r.name)) }

// edit calls do with the row that a reference names. One that is not there is added if add says so; a function's, which only
// says what is not left to other levels, always is.
func edit(c *registry.Configuration, r reference, add bool, do func(row reflect.Value) error) error {
	row, known := reflect.Value{}, true
	switch r.kind {
	case modelKind:
		row, known = find(&c.Models, add, registry.Model{Name: r.name}, func(m *registry.Model) bool { return m.Name == r.name })
	case providerKind:
		row, known = find(&c.Providers, add, registry.Provider{ID: r.name}, func(p *registry.Provider) bool { return p.ID == r.name })
	case operationKind:
		row, known = find(&c.Operations, add, registry.OperationCost{Operation: r.name}, func(o *registry.OperationCost) bool { return o.Operation == r.name })
	case functionKind:
		f := c.Settings.Functions[r.name]
		if err := do(reflect.ValueOf(&f).Elem()); err != nil {
			return err
		}
		if c.Settings.Functions == nil {
			c.Settings.Functions = map[string]registry.FunctionSettings{}
		}
		c.Settings.Functions[r.name] = f
		return nil
	default:
		row = reflect.ValueOf(&c.Settings.Images).Elem()
	}
	if !known {
		return fmt.Errorf("%s: %w: scrip models list %s names those that there are; scrip models set --new adds one", r, registry.ErrNotFound, r.kind)
	}
	return do(row)
}

func find[T any](rows *[]T, add bool, fresh T, is func(*T) bool) (reflect.Value, bool) {
	for i := range *rows {
		if is(&(*rows)[i]) {
			return reflect.ValueOf(&(*rows)[i]).Elem(), true
		}
	}
	if !add {
		return reflect.Value{}, false
	}
	*rows = append(*rows, fresh)
	return reflect.ValueOf(&(*rows)[len(*rows)-1]).Elem(), true
}

// field is what a row says under a dotted path, as models set takes it.
type field struct{ path, text string }

// fieldsOf returns what a row says, in the order of its fields.
func fieldsOf(row any) ([]field, error) {
	text, err := encode(row)
	if err != nil {
		return nil, err
	}
	return flatten("", text)
}

func flatten(path string, text json.RawMessage) (out []field, err error) {
	// A parameter's value is JSON of the provider's, and not fields of ours.
	if len(text) == 0 || text[0] != '{' || strings.HasPrefix(path, "profile.parameters.") {
		var s string
		if json.Unmarshal(text, &s) != nil || strings.HasPrefix(path, "profile.parameters.") {
			s = string(text)
		}
		return []field{{path, s}}, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields, err := flatten(strings.TrimPrefix(path+"."+fmt.Sprint(name), "."), value)
		if err != nil {
			return nil, err
		}
		out = append(out, fields...)
	}
	return out, nil
}

func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}
