package engine

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schema is the strict JSON schema of an answer, as sent and as checked.
type schema struct {
	name     string
	json     json.RawMessage
	compiled *jsonschema.Schema
}

// schemaOf derives the schema from a Go type. Strict response formats want the root inline, every property required,
// no further properties, and an optional property as a union with null.
func schemaOf[T any](name string) (*schema, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the answer is a %s, want a struct: a strict schema has an object at its root", t)
	}
	if err := expressible(t, t.Name(), nil); err != nil {
		return nil, err
	}
	r := invopop.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	raw, err := json.Marshal(r.ReflectFromType(t))
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	delete(doc, "$schema")
	delete(doc, "$id")
	strict(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("answer.json", doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile("answer.json")
	if err != nil {
		return nil, err
	}
	return &schema{name: name, json: out, compiled: compiled}, nil
}

// expressible refuses types that a derived schema would get wrong in silence.
func expressible(t reflect.Type, path string, above []reflect.Type) error {
	if t.Kind() != reflect.Pointer && custom(t) {
		return fmt.Errorf("%s: %s marshals itself, so its schema cannot be derived", path, t)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return fmt.Errorf("%s: %s: bytes have no place in an answer, use a string", path, t)
		}
		return expressible(t.Elem(), path, above)
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return nil
	case reflect.Struct:
	default:
		return fmt.Errorf("%s: a strict schema cannot express %s", path, t)
	}
	if slices.Contains(above, t) {
		return fmt.Errorf("%s: %s contains itself", path, t)
	}
	names := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if !f.IsExported() && !f.Anonymous || tag == "-" {
			continue
		}
		at := path + "." + f.Name
		options := strings.Split(tag, ",")
		name := options[0]
		if name == "" {
			name = f.Name
		}
		switch {
		case f.Anonymous && options[0] == "":
			return fmt.Errorf("%s: an embedded struct hides fields from encoding/json when names collide: give it a json name, or list its fields", at)
		case slices.Contains(options[1:], "string"), slices.Contains(options[1:], "inline"):
			return fmt.Errorf("%s: the json option of %q is read differently by schema and by encoding/json", at, tag)
		case names[name]:
			return fmt.Errorf("%s: another field has the json name %q", at, name)
		}
		names[name] = true
		if err := expressible(f.Type, at, append(above, t)); err != nil {
			return err
		}
	}
	return nil
}

// custom reports whether a type has a form in JSON that its kind does not tell.
func custom(t reflect.Type) bool {
	if t == reflect.TypeFor[json.Number]() {
		return true
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// strict rewrites a schema in place, all the way down.
func strict(node map[string]any) {
	if items, ok := node["items"].(map[string]any); ok {
		strict(items)
	}
	if branches, ok := node["oneOf"].([]any); ok { // what the tag nullable makes; strict response formats know anyOf only
		for _, b := range branches {
			strict(b.(map[string]any))
		}
		node["anyOf"] = branches
		delete(node, "oneOf")
	}
	properties, ok := node["properties"].(map[string]any)
	if !ok {
		if node["type"] == "object" {
			node["properties"], node["required"], node["additionalProperties"] = map[string]any{}, []any{}, false
		}
		return
	}
	var required []string
	if list, ok := node["required"].([]any); ok {
		for _, r := range list {
			required = append(required, r.(string))
		}
	}
	var names []string
	for name, p := range properties {
		names = append(names, name)
		property := p.(map[string]any)
		strict(property)
		if !slices.Contains(required, name) {
			properties[name] = map[string]any{"anyOf": []any{property, map[string]any{"type": "null"}}}
		}
	}
	slices.Sort(names)
	all := make([]any, len(names))
	for i, n := range names {
		all[i] = n
	}
	node["required"], node["additionalProperties"] = all, false
}

// read finds the JSON object in an answer and checks it. A byte-order mark, a code fence and prose around the object
// are tolerated; the violations that it returns are fit to be told to the model and quote nothing of the answer. What it
// returns is what was checked: of a property that is there twice, the last; of a whole number, its digits.
func (s *schema) read(answer string) (json.RawMessage, error) {
	text := strings.TrimPrefix(strings.TrimSpace(answer), "\ufeff")
	start := strings.IndexByte(text, '{')
	if start < 0 {
		return nil, errors.New("the answer has no JSON object in it")
	}
	if strings.HasSuffix(strings.TrimSpace(text[:start]), "[") { // its first element would do, and the rest would be lost
		return nil, errors.New("the answer is an array, want one JSON object")
	}
	// Digits stay digits, and what follows the object is not read.
	d := json.NewDecoder(strings.NewReader(text[start:]))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, errors.New("the answer is not a complete JSON object")
	}
	if !countable(doc) {
		return nil, errors.New("the answer has a number that is out of range")
	}
	if err := s.compiled.Validate(doc); err != nil {
		var v *jsonschema.ValidationError
		if errors.As(err, &v) {
			return nil, errors.New(strings.Join(violations(v, nil), "; "))
		}
		return nil, errors.New("the answer does not fit the schema")
	}
	return json.Marshal(wholes(doc))
}

// wholes writes the whole numbers of a document as digits alone: 600.0 and 6e2 are integers to a JSON schema, and none to
// encoding/json.
func wholes(doc any) any {
	switch v := doc.(type) {
	case json.Number:
		if n, ok := new(big.Rat).SetString(v.String()); ok && n.IsInt() {
			return json.Number(n.Num().String())
		}
	case []any:
		for i, e := range v {
			v[i] = wholes(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = wholes(e)
		}
	}
	return doc
}

// countable reports whether every number is of a size that some Go type has. The check of a schema is exact arithmetic,
// which a few digits in an exponent could keep busy for minutes.
func countable(doc any) bool {
	switch v := doc.(type) {
	case json.Number:
		n, err := v.Float64()
		_, exponent, _ := strings.Cut(strings.ToLower(v.String()), "e")
		return err == nil && len(v) <= 400 && len(exponent) <= 4 && (n != 0 || exponent == "")
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !countable(e) })
	case map[string]any:
		for _, e := range v {
			if !countable(e) {
				return false
			}
		}
	}
	return true
}

// maxViolations bounds what is told: a wrong answer is usually wrong everywhere.
const maxViolations = 8

func violations(v *jsonschema.ValidationError, out []string) []string {
	if len(v.Causes) == 0 && len(out) < maxViolations {
		what := "does not fit " + strings.Join(v.ErrorKind.KeywordPath(), "/")
		switch k := v.ErrorKind.(type) {
		case *kind.Required:
			what = "lacks " + strings.Join(k.Missing, ", ")
		case *kind.Type:
			what = "is " + k.Got + ", want " + strings.Join(k.Want, " or ")
		case *kind.AdditionalProperties:
			what = "has properties that the schema does not list"
		}
		out = append(out, "/"+strings.Join(v.InstanceLocation, "/")+" "+what)
	}
	for _, c := range v.Causes {
		out = violations(c, out)
	}
	return out
}
