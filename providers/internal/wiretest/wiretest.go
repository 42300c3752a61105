// Package wiretest has the checks that the tests of all adapters share.
package wiretest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// APIKey is the key of every attempt, and Prompt is a text that every request contains. Neither may be found in an error.
const (
	APIKey = "sk-test-4f8d0c6e2b"
	Prompt = "a lighthouse that nobody else would describe"
)

// Attempt returns an attempt with an id and the key.
func Attempt(base string) providers.Attempt {
	return providers.Attempt{ID: "8b1f9c8e-6a56-4a3c-9c1e-0d6f0f4d2a11", BaseURL: base,
		Key: secret.Key{ID: "test", Secret: secret.New(APIKey)}}
}

// Failed checks that err is an *Error of a kind and a fate which gives nothing away, and returns it.
func Failed(t testing.TB, err error, kind providers.Kind, fate providers.Fate) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want *providers.Error", err, err)
	}
	if !errors.Is(err, kind) || e.Fate != fate {
		t.Errorf("error %v: kind %q fate %q, want kind %q fate %q", err, e.Kind, e.Fate, kind, fate)
	}
	Silent(t, err)
	return e
}

// Silent checks that neither the key nor the prompt can be got out of an error, by printing, by JSON or by reflection.
func Silent(t testing.TB, err error) {
	t.Helper()
	asJSON, _ := json.Marshal(err)
	for _, text := range []string{APIKey, Prompt, "Bearer"} {
		for form, printed := range map[string]string{
			"%v": fmt.Sprintf("%v", err), "%+v": fmt.Sprintf("%+v", err), "%#v": fmt.Sprintf("%#v", err), "JSON": string(asJSON)} {
			if strings.Contains(printed, text) {
				t.Errorf("the error printed as %s contains %q", form, text)
			}
		}
		if Reaches(err, text) {
			t.Errorf("the error reaches %q by reflection", text)
		}
	}
}

// Reaches reports whether a walk over v, unexported fields included, finds a text that contains what.
func Reaches(v any, what string) bool {
	seen := map[uintptr]bool{}
	var walk func(reflect.Value) bool
	walk = func(v reflect.Value) bool {
		switch v.Kind() {
		case reflect.String:
			return strings.Contains(v.String(), what)
		case reflect.Pointer:
			if v.IsNil() || seen[v.Pointer()] {
				return false
			}
			seen[v.Pointer()] = true
			return walk(v.Elem())
		case reflect.Interface:
			return !v.IsNil() && walk(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				if walk(v.Field(i)) {
					return true
				}
			}
		case reflect.Slice, reflect.Array:
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
				return strings.Contains(string(v.Bytes()), what)
			}
			for i := range v.Len() {
				if walk(v.Index(i)) {
					return true
				}
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				if walk(it.Key()) || walk(it.Value()) {
					return true
				}
			}
		}
		return false
	}
	return walk(reflect.ValueOf(v))
}
