package pricelist_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

// The times at which the two catalogues are looked at, as in the tests of registry.
var clock = map[string]time.Time{
	registry.Seed:    time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC),
	registry.Current: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
}

func unpack(file string) ([]byte, error) {
	packed, err := os.ReadFile("testdata/" + file)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// The whole lists, read once. No test writes to them.
var (
	liteLLM   = sync.OnceValues(func() (pricelist.List, error) { return parse("litellm.json.gz", pricelist.ParseLiteLLM) })
	modelsDev = sync.OnceValues(func() (pricelist.List, error) { return parse("models.dev.json.gz", pricelist.ParseModelsDev) })
)

func parse(file string, read func([]byte) (pricelist.List, error)) (pricelist.List, error) {
	text, err := unpack(file)
	if err != nil {
		return pricelist.List{}, err
	}
	return read(text)
}

func whole(t *testing.T, list func() (pricelist.List, error)) pricelist.List {
	t.Helper()
	l, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func catalogue(t *testing.T, name string) registry.Configuration {
	t.Helper()
	c, err := registry.Catalogue(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func usd(s string) *decimal.Decimal {
	d := decimal.RequireFromString(s)
	return &d
}

func same(a, b *decimal.Decimal) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

func offer(t *testing.T, l pricelist.List, provider, name string) pricelist.Offer {
	t.Helper()
	i := slices.IndexFunc(l.Offers, func(o pricelist.Offer) bool { return o.Provider == provider && o.Name == name })
	if i < 0 {
		t.Fatalf("%s offers no %q of %q; it refuses %v", l.Source, name, provider, l.Refused)
	}
	return l.Offers[i]
}

func wantError(t *testing.T, err, target error, parts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error is %v, want %v", err, target)
	}
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}
