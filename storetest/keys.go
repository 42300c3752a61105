package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/secret"
)

// RunKeyStore checks a [secret.KeyStore] against its contract. open returns an empty store that takes the time from now;
// it is called once for each case.
func RunKeyStore(t *testing.T, open func(t *testing.T, now func() time.Time) secret.KeyStore) {
	for _, c := range keyCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&keyTest{tb: t, KeyStore: open(t, clk.now), clock: clk}, (*keyTest).history)
		})
	}
}

func keyCases() []testCase[*keyTest] {
	return slices.Concat(keyPutCases, keyListCases, keyRaceCases)
}

type keyTest struct {
	tb
	secret.KeyStore
	clock *clock
}

// home is the place of the cases that need only one.
var home = secret.Place{Provider: "openai", Account: "acme", ID: "main"}

// sealed is what a ring with the key "ring-N" would make: stores know the form, and nothing of what is in it.
func sealed(n int) secret.Sealed {
	id := fmt.Sprintf("ring-%d", n)
	s := append(secret.Sealed{1, byte(len(id))}, id...)
	for i := range 256 { // every byte that there is, none of them twice at the same place
		s = append(s, byte(i*n+n))
	}
	return s
}

func (t *keyTest) change(at secret.Place, base int64, n int) secret.KeyPut {
	return secret.KeyPut{Place: at, Base: base, Active: true, Sealed: sealed(n), Who: "ada", Why: fmt.Sprint("because of ", n)}
}

func (t *keyTest) put(at secret.Place, base int64, n int) secret.StoredKey {
	t.Helper()
	row, err := t.Put(t.Context(), t.change(at, base, n))
	must(t, err, fmt.Sprintf("Put(%s, base %d)", at.Name(), base))
	return row
}

func (t *keyTest) remove(at secret.Place, base int64) {
	t.Helper()
	must(t, t.Delete(t.Context(), secret.KeyDelete{Place: at, Base: base, Who: "bob", Why: "leaked"}), fmt.Sprintf("Delete(%s, base %d)", at.Name(), base))
}

func (t *keyTest) list(q secret.KeyQuery) []secret.StoredKey {
	t.Helper()
	found, err := t.List(t.Context(), q)
	must(t, err, fmt.Sprintf("List(%+v)", q))
	return found
}

func (t *keyTest) changes(q secret.ChangeQuery) []secret.KeyChange {
	t.Helper()
	found, err := t.Changes(t.Context(), q)
	must(t, err, fmt.Sprintf("Changes(%+v)", q))
	return found
}

// wantKey compares a row with what change(at, …, n) put there.
func (t *keyTest) wantKey(got secret.StoredKey, at secret.Place, version, added int64, n int, when time.Time) {
	t.Helper()
	p := t.change(at, 0, n)
	if got.Place != at || got.Version != version || got.Added != added || !got.Active || got.Who != p.Who || got.Why != p.Why || !got.At.Equal(when) {
		t.Errorf("key = %+v, want version %d, added by %d, active, by %q, %q, at %v, of %s", got, version, added, p.Who, p.Why, when, at.Name())
	}
	if !bytes.Equal(got.Sealed, p.Sealed) {
		t.Errorf("what is sealed in %s has other bytes than were put there", at.Name())
	}
}

func (t *keyTest) wantStored(at secret.Place, version, added int64, n int, when time.Time) {
	t.Helper()
	got, err := t.Get(t.Context(), at)
	must(t, err, fmt.Sprintf("Get(%s)", at.Name()))
	t.wantKey(got, at, version, added, n, when)
}

func (t *keyTest) wantIDs(q secret.KeyQuery, want ...string) {
	t.Helper()
	got := []string{}
	for _, row := range t.list(q) {
		got = append(got, row.Provider+"/"+row.Account+"/"+row.ID)
	}
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("List(%+v) = %q, want %q", q, got, want)
	}
}

func (t *keyTest) wantNewest(want int64) {
	t.Helper()
	var got int64
	if found := t.changes(secret.ChangeQuery{Limit: 1}); len(found) > 0 {
		got = found[0].Number
	}
	if got != want {
		t.Errorf("the newest change is %d, want %d", got, want)
	}
}

// history is what must hold after every case: numbers without gaps, the newest first, and rows that are what their last
// change made of them.
func (t *keyTest) history() {
	t.Helper()
	last := map[secret.Place]secret.KeyChange{}
	added := map[secret.Place]int64{}
	var all []secret.KeyChange
	for q := (secret.ChangeQuery{Limit: 1000}); ; {
		page := t.changes(q)
		all = append(all, page...)
		if len(page) < q.Rows() {
			break
		}
		q.Before = page[len(page)-1].Number
	}
	for i, c := range slices.Backward(all) {
		if c.Number != int64(len(all)-i) {
			t.Fatalf("the history has %d as its change %d", c.Number, len(all)-i)
		}
		last[c.Place] = c
		if c.Action == secret.KeyAdded {
			added[c.Place] = c.Number
		}
	}
	there := 0
	for q := (secret.KeyQuery{All: true, Limit: 1000}); ; {
		page := t.list(q)
		for _, row := range page {
			there++
			c := last[row.Place]
			if c.Number != row.Version || row.Added != added[row.Place] || c.Action == secret.KeyDeleted || c.Active != row.Active ||
				c.RingKey != row.Sealed.RingKey() || c.Who != row.Who || c.Why != row.Why || !c.At.Equal(row.At) {
				t.Errorf("%s is %+v, and its last change %+v", row.Name(), row, c)
			}
		}
		if len(page) < q.Rows() {
			break
		}
		q.After = page[len(page)-1].Place
	}
	for _, c := range last {
		if c.Action != secret.KeyDeleted {
			there--
		}
	}
	if there != 0 {
		t.Errorf("there are %d keys more than the history says", there)
	}
}

// long is a name of n bytes.
func long(n int) string { return strings.Repeat("x", n) }
