// Package wiretest has the checks that the tests of all adapters share.
package wiretest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/internal/reach"
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
		if reach.Reaches(err, text) {
			t.Errorf("the error reaches %q by reflection", text)
		}
	}
}
