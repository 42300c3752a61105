package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/secret"
)

// dump returns every row of every table of the schema as text, bytes in hexadecimal and once more as they are.
func dump(t *testing.T, d *pgtest.Database) string {
	t.Helper()
	found, err := d.Pool.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = $1`, d.Schema)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil || len(tables) < 20 {
		t.Fatalf("the schema has the tables %q, %v", tables, err)
	}
	var all strings.Builder
	for _, table := range tables {
		found, err := d.Pool.Query(t.Context(), `SELECT * FROM `+pgx.Identifier{d.Schema, table}.Sanitize())
		if err != nil {
			t.Fatal(err)
		}
		for found.Next() {
			row, err := found.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range row {
				if b, ok := v.([]byte); ok {
					fmt.Fprintf(&all, "%x %s\n", b, b)
				} else {
					fmt.Fprintf(&all, "%v\n", v)
				}
			}
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// TestAStolenDumpYieldsNoKey looks for keys in every column of every table.
func TestAStolenDumpYieldsNoKey(t *testing.T) {
	d := pgtest.Open(t)
	db := handle(t, d, nil, nil)
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
	by := secret.By{Who: "ada", Why: "a-reason-that-is-to-be-found"}
	at := secret.Place{Provider: "openai", Account: "acme", ID: "main"}
	texts := []string{"sk-proj-replaced-b81e44a2", "sk-proj-stays-7f3a91c05d"}
	for _, text := range texts {
		if _, err := v.Set(t.Context(), at, secret.New(text), by); err != nil {
			t.Fatal(err)
		}
	}
	stolen := dump(t, d)
	if !strings.Contains(stolen, by.Why) || !strings.Contains(stolen, fmt.Sprintf("%x", "\x01\x02k1")) {
		t.Fatal("the dump has not what is there")
	}
	for _, text := range append(texts, strings.TrimPrefix(entry.Reveal(), "k1:")) {
		for _, form := range []string{text, text[:12], fmt.Sprintf("%x", text), fmt.Sprintf("%x", text[:12])} {
			if strings.Contains(stolen, form) {
				t.Errorf("the dump has %q in it", form)
			}
		}
	}
	if k, err := v.Key(t.Context(), "acme", "openai"); err != nil || k.Secret.Reveal() != texts[1] {
		t.Errorf("with the ring the key is %q, %v", k.Secret.Reveal(), err)
	}

	// The search would find a key that somebody had stored in the clear, in bytes as in text.
	execute(t, d, `UPDATE keys SET sealed = convert_to('sk-proj-in-the-clear', 'UTF8'), why = 'sk-proj-in-a-text'`)
	if planted := dump(t, d); !strings.Contains(planted, "sk-proj-in-the-clear") || !strings.Contains(planted, "sk-proj-in-a-text") {
		t.Error("the dump does not show what is planted in it")
	}
}

// TestARevokedKeyIsNotUsedElsewhere has a process with a pool of its own ask for a key that another one revokes.
func TestARevokedKeyIsNotUsedElsewhere(t *testing.T) {
	d := pgtest.Open(t)
	entry, err := secret.GenerateRingKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	vault := func(pool *pgxpool.Pool) *secret.Vault {
		ring, err := secret.ParseRing(entry.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		v, err := secret.StoreKeys(handle(t, d, pool, nil).Keys(), ring, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	operator, engine := vault(nil), vault(d.NewPool(t, nil))
	at, by := secret.Place{Provider: "openai", ID: "main"}, secret.By{Who: "ada", Why: "it leaked"}
	if _, err := operator.Set(t.Context(), at, secret.New("sk-proj-7f3a91c05d"), by); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Key(t.Context(), "acme", "openai"); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.SetActive(t.Context(), at, false, by); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if k, err := engine.Key(t.Context(), "acme", "openai"); !errors.Is(err, secret.ErrNoKey) {
		t.Errorf("a second later Key = %q, %v, want ErrNoKey", k.ID, err)
	}
}
