package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Difference is one thing that two configurations say differently: a field of a row, or a row that one of them does not
// have. The value of a field is JSON, except that a decimal is without quotes; a row as a whole is the list of its fields.
type Difference struct {
	Kind  string `json:"kind"`            // "model", "provider", "operation", "function", "images"
	Name  string `json:"name,omitempty"`  // of the row; there is one row of images
	Field string `json:"field,omitempty"` // as it is named in JSON, such as "prices.input"; empty for a row as a whole
	Old   string `json:"old,omitempty"`   // empty if it was not set, or the row is added
	New   string `json:"new,omitempty"`   // empty if it is not set any more, or the row is removed
}

// String returns a line for people: model "m": prices.input: 1.25 → 1.5.
func (d Difference) String() string {
	row := d.Kind
	if d.Name != "" {
		row += " " + strconv.Quote(d.Name)
	}
	if d.Field != "" {
		return row + ": " + d.Field + ": " + cmp.Or(d.Old, "not set") + " → " + cmp.Or(d.New, "not set")
	}
	if d.Old == "" {
		return row + ": added: " + d.New
	}
	return row + ": removed: " + d.Old
}

// Diff returns what b says differently from a, in the order of kinds, names and fields: nothing if both mean the same.
// Prices are compared as numbers, sets without their order, times without their zone; a model that only moved in the list
// has not changed.
func Diff(a, b Configuration) []Difference {
	before, after := rowsOf(a), rowsOf(b)
	var out []Difference
	for _, key := range union(before, after) {
		was, is := before[key], after[key]
		d := Difference{Kind: kinds[key.kind], Name: key.name}
		switch {
		case was == nil:
			d.New = is.text()
			out = append(out, d)
		case is == nil:
			d.Old = was.text()
			out = append(out, d)
		default:
			out = append(out, was.compare(is, d)...)
		}
	}
	return out
}

// kinds are the kinds of row in the order in which they are told.
var kinds = []string{"model", "provider", "operation", "function", "images"}

const (
	modelRow = iota
	providerRow
	operationRow
	functionRow
	imagesRow
)

type rowKey struct {
	kind   int
	name   string
	repeat int // which one of several rows of one name: a configuration need not be valid to be compared
}

// row is what a row says, by field. A field that is not set is not in it.
type row map[string]string

func rowsOf(c Configuration) map[rowKey]row {
	c = c.forDiff()
	out := map[rowKey]row{}
	add := func(kind int, name string, v any) {
		key := rowKey{kind: kind, name: name}
		for out[key] != nil {
			key.repeat++
		}
		out[key] = row{}
		out[key].read("", reflect.ValueOf(v), false)
	}
	for _, m := range c.Models {
		add(modelRow, m.Name, m)
	}
	for _, p := range c.Providers {
		add(providerRow, p.ID, p)
	}
	for _, o := range c.Operations {
		add(operationRow, o.Operation, o)
	}
	for name, f := range c.Settings.Functions {
		add(functionRow, name, f)
	}
	add(imagesRow, "", c.Settings.Images)
	return out
}

// forDiff is the canonical form, also where a parameter is not JSON: that parameter stays as it is.
func (c Configuration) forDiff() Configuration {
	if canonical, err := c.canonical(); err == nil {
		return canonical
	}
	c.Models = slices.Clone(c.Models)
	for i := range c.Models {
		parameters := map[string]json.RawMessage{}
		for name, raw := range c.Models[i].Profile.Parameters {
			if _, err := plainJSON(raw); err != nil {
				raw = json.RawMessage(jsonText("not JSON: " + string(raw)))
			}
			parameters[name] = raw
		}
		c.Models[i].Profile.Parameters = parameters
	}
	canonical, _ := c.canonical()
	return canonical
}

func union(a, b map[rowKey]row) []rowKey {
	var keys []rowKey
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if a[k] == nil {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y rowKey) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.name, y.name), cmp.Compare(x.repeat, y.repeat))
	})
	return keys
}

// read notes what a value says under its path. omit leaves out the zero value, as the field's tag says.
func (r row) read(path string, v reflect.Value, omit bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		r.read(path, v.Elem(), false)
		return
	}
	switch x := v.Interface().(type) {
	case decimal.Decimal:
		r[path] = x.String()
		return
	case time.Time:
		r[path] = strconv.Quote(instantText(x))
		return
	case json.RawMessage:
		r[path] = string(x)
		return
	case []ImagePrice:
		seen := map[string]int{}
		for _, p := range x {
			size := p.Size
			if size == "" && p.Quality != "" {
				size = "*" // or a quality that is moved to where a size belongs would be no difference
			}
			at := fmt.Sprintf("%s[%s]", path, strings.TrimSpace(size+" "+p.Quality))
			if seen[at]++; seen[at] > 1 {
				at += "#" + strconv.Itoa(seen[at])
			}
			r[at] = p.USD.String()
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if path != "" {
				name = path + "." + name
			}
			r.read(name, v.Field(i), strings.Contains(options, "omit"))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			r.read(path+"."+key.String(), v.MapIndex(key), false)
		}
	case reflect.Bool: // false is what is said, not nothing
		r[path] = jsonText(v.Interface())
	default:
		if !omit || !v.IsZero() && (v.Kind() != reflect.Slice || v.Len() > 0) {
			r[path] = jsonText(v.Interface())
		}
	}
}

// text is the row as a whole, without what is false or not set.
func (r row) text() string {
	var out strings.Builder
	for _, field := range r.fields(nil) {
		if r[field] == "false" {
			continue
		}
		if out.Len() > 0 {
			out.WriteString(", ")
		}
		out.WriteString(field + ": " + r[field])
	}
	return "{" + out.String() + "}"
}

func (r row) compare(other row, d Difference) (out []Difference) {
	for _, field := range r.fields(other) {
		if r[field] != other[field] {
			d.Field, d.Old, d.New = field, r[field], other[field]
			out = append(out, d)
		}
	}
	return out
}

// fields returns the fields of both rows, sorted.
func (r row) fields(other row) []string {
	var out []string
	for f := range r {
		out = append(out, f)
	}
	for f := range other {
		out = append(out, f)
	}
	return set(out)
}

func jsonText(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // texts, numbers and lists of texts
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(out.String())
}
