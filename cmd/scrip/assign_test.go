package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// fill puts something else than nothing into every field, so that a field that is new one day is tried too.
func fill(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *decimal.Decimal:
		*x = decimal.RequireFromString("1.5")
		return
	case *time.Time:
		*x = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"a":["b",1.0]}`)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("a.b").Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString("a, \"b\" = ü")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(7)
	}
}

func TestEveryFieldThatIsShownCanBeSet(t *testing.T) {
	for _, row := range []any{&registry.Model{}, &registry.Provider{}, &registry.OperationCost{}, &registry.FunctionSettings{}, &registry.ImageSettings{}} {
		full, copied := reflect.ValueOf(row).Elem(), reflect.New(reflect.TypeOf(row).Elem()).Elem()
		fill(full)
		fields, err := fieldsOf(full.Interface())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			if err := assign(copied, f.path, f.text); err != nil {
				t.Errorf("%T: %v", row, err)
			}
		}
		if diff := cmp.Diff(full.Interface(), copied.Interface()); diff != "" {
			t.Errorf("%T is set to something else than it shows:\n%s", row, diff)
		}
		for _, f := range fields {
			if err := assign(copied, f.path, ""); err != nil {
				t.Errorf("%T: unset: %v", row, err)
			}
		}
		if left, _ := fieldsOf(copied.Interface()); len(left) > 0 {
			for _, f := range left {
				if f.text != "" && f.text != "false" && f.text != "0" { // what has no omitempty
					t.Errorf("%T: %s is %q after it was unset", row, f.path, f.text)
				}
			}
		}
	}
}

func TestAssign(t *testing.T) {
	var m registry.Model
	row := reflect.ValueOf(&m).Elem()
	for field, text := range map[string]string{"capabilities": "strict_schema, vision", "shutdown": "2026-05-01", "profile.parameters.style": "vivid",
		"profile.parameters.n": "1.0", "image_prices": `[{"size":"640x640","usd":"0.02"}]`, "prices.input": "0.10"} {
		if err := assign(row, field, text); err != nil {
			t.Errorf("assign(%q, %q) = %v", field, text, err)
		}
	}
	if len(m.Capabilities) != 2 || m.Capabilities[1] != "vision" || !m.Shutdown.Equal(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)) ||
		string(m.Profile.Parameters["style"]) != `"vivid"` || string(m.Profile.Parameters["n"]) != "1.0" || m.ImagePrices[0].Size != "640x640" || !m.Prices.Input.Equal(decimal.New(1, -1)) {
		t.Errorf("assigned %+v", m)
	}
	for _, c := range []struct{ field, text, want string }{
		{"active", "maybe", `active: "maybe" is neither true nor false`},
		{"tokens_per_credit", "1.5", "no whole number"},
		{"tokens_per_credit", "9223372036854775808", "no whole number"},
		{"prices.input", "free", `prices.input: "free" is no number`},
		{"prices", "1", "not JSON of the field"},
		{"image_prices", `[{"price":1}]`, "not JSON of the field"},
		{"image_prices", `[] []`, "not JSON of the field"},
		{"image_prices", `[]]`, "not JSON of the field"},
		{"shutdown", "soon", "is no time"},
		{"name.first", "x", "name has no fields of its own"},
		{"shutdown.year", "x", "shutdown has no fields of its own"},
		{"", "x", "there is no such field"},
		{"prices.inptu", "1", "prices.inptu: there is no such field: there are input, "},
		{"Name", "x", "there are name, "},
	} {
		before := m
		if err := assign(row, c.field, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("assign(%q, %q) = %v, want %q", c.field, c.text, err, c.want)
		}
		if !cmp.Equal(before, m) {
			t.Errorf("assign(%q, %q) changed the row", c.field, c.text)
		}
	}
}

func TestAReferenceTellsKindsFromColons(t *testing.T) {
	for text, want := range map[string]reference{
		"writer": {"model", "writer"}, "runware:97@1": {"model", "runware:97@1"}, "model:images": {"model", "images"}, "images": {"images", ""},
		"operation:clustering": {"operation", "clustering"}, "provider:a:b": {"provider", "a:b"}, "function:write": {"function", "write"},
	} {
		if got := parseReference(text); got != want {
			t.Errorf("parseReference(%q) = %+v, want %+v", text, got, want)
		}
	}
}
