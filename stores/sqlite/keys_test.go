package sqlite_test

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// TestAStolenFileYieldsNoKey looks for keys in every byte of a copy of the database, its write-ahead log and whatever
// else there is beside it.
func TestAStolenFileYieldsNoKey(t *testing.T) {
	path := tempFile(t)
	db := open(t, path, nil)
	entry, err := secret.GenerateRingKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := secret.ParseRing(entry.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	v, err := secret.StoreKeys(db.Keys(), ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[secret.Place]string{ // one that stays, one that is replaced, one that is deleted
		{Provider: "openai", ID: "main"}:                   "sk-proj-stays-7f3a91c05d",
		{Provider: "openai", Account: "acme", ID: "main"}:  "sk-proj-replaced-b81e44a2",
		{Provider: "runware", Account: "acme", ID: "main"}: "rw-deleted-0c9d3e7f5a61",
	}
	by := secret.By{Who: "ada", Why: "a-reason-that-is-to-be-found"}
	for at, text := range texts {
		if _, err := v.Set(t.Context(), at, secret.New(text), by); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Set(t.Context(), secret.Place{Provider: "openai", Account: "acme", ID: "main"}, secret.New("sk-proj-another-55d0"), by); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), secret.Place{Provider: "runware", Account: "acme", ID: "main"}, by); err != nil {
		t.Fatal(err)
	}

	search := func(when string) {
		t.Helper()
		files, err := filepath.Glob(path + "*")
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
		stolen := all.String()
		if !strings.Contains(stolen, by.Why) || !strings.Contains(stolen, "k1") {
			t.Fatalf("%s: the search does not find what is there in %q", when, files)
		}
		for _, text := range append(slices.Collect(maps.Values(texts)), "sk-proj-another-55d0", strings.TrimPrefix(entry.Reveal(), "k1:")) {
			for _, form := range []string{text, text[:12], hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text))[:12]} {
				if strings.Contains(stolen, form) {
					t.Errorf("%s: the database has %q in it", when, form)
				}
			}
		}
	}
	search("while it is open")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	search("after it was closed")

	// Who has a copy can read what is not a key, and nothing opens without the ring.
	thief := open(t, path, &sqlite.Options{ReadOnly: true})
	rows, err := thief.Keys().List(t.Context(), secret.KeyQuery{All: true})
	if err != nil || len(rows) != 2 {
		t.Fatalf("List = %d keys, %v, want 2", len(rows), err)
	}
	other, err := secret.GenerateRingKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	guess, err := secret.ParseRing(other.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if got, err := guess.Open(row.Sealed, row.Place); err == nil {
			t.Errorf("another ring opens %s as %q", row.Name(), got.Reveal())
		}
		if _, err := ring.Open(row.Sealed, row.Place); err != nil {
			t.Errorf("its own ring does not open %s: %v", row.Name(), err)
		}
	}
}
