package secret_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// fill puts n keys into a store, every third of which is not active, and returns their texts.
func fill(t testing.TB, v *secret.Vault, n int) map[secret.Place]string {
	t.Helper()
	texts := map[secret.Place]string{}
	for i := range n {
		at := secret.Place{Provider: "openai", Account: fmt.Sprint("a", i%7), ID: fmt.Sprintf("k%03d", i)}
		texts[at] = fmt.Sprint("sk-number-", i, "-of-many")
		set(t, v, at, texts[at])
		if i%3 == 0 {
			setActive(t, v, at, false)
		}
	}
	return texts
}

func wantSealedBy(t *testing.T, v *secret.Vault, want map[string]int) {
	t.Helper()
	if got, err := v.RingKeys(t.Context()); err != nil || !maps.Equal(got, want) {
		t.Errorf("RingKeys = %v, %v, want %v", got, err, want)
	}
}

// wantTexts fails unless every key of a store opens as what it was, and is as active.
func wantTexts(t *testing.T, store secret.KeyStore, r *secret.Ring, texts map[secret.Place]string) {
	t.Helper()
	for at, plain := range texts {
		row, err := store.Get(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Open(row.Sealed, at)
		if err != nil || got.Reveal() != plain {
			t.Errorf("%s opens as %q, %v, want %q", at.Name(), got.Reveal(), err, plain)
		}
	}
}

func TestResealMovesEveryKeyToTheNewRingKey(t *testing.T) {
	store := memory.New(nil).Keys()
	texts := fill(t, vault(t, store, ring(t, 1), nil), 250)
	active := map[secret.Place]bool{}
	for at := range texts {
		row, _ := store.Get(t.Context(), at)
		active[at] = row.Active
	}
	rotated := vault(t, store, ring(t, 2, 1), nil)
	wantSealedBy(t, rotated, map[string]int{"k1": 250})
	done, err := rotated.Reseal(t.Context(), secret.By{Who: "ada", Why: "the yearly rotation"})
	if err != nil || done != (secret.Resealed{Resealed: 250}) {
		t.Fatalf("Reseal = %+v, %v, want 250 resealed", done, err)
	}
	wantSealedBy(t, rotated, map[string]int{"k2": 250})
	wantTexts(t, store, ring(t, 2), texts) // the old ring key is dropped
	for at := range texts {
		if row, _ := store.Get(t.Context(), at); row.Active != active[at] || row.Why != "the yearly rotation" {
			t.Errorf("%s is active: %t, because of %q, want %t as before, and the reason of the rotation", at.Name(), row.Active, row.Why, active[at])
		}
	}
	if done, err := rotated.Reseal(t.Context(), ada); err != nil || done != (secret.Resealed{Already: 250}) {
		t.Errorf("Reseal again = %+v, %v, want nothing to do", done, err)
	}
}

// TestResealKeepsWhichKeyWins reseals two active keys in the order that is not that of their addition.
func TestResealKeepsWhichKeyWins(t *testing.T) {
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), nil)
	set(t, v, secret.Place{Provider: "openai", ID: "z"}, "sk-of-z")
	set(t, v, secret.Place{Provider: "openai", ID: "a"}, "sk-of-a")
	rotated := vault(t, store, ring(t, 2, 1), nil)
	if _, err := rotated.Reseal(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	wantKey(t, rotated, "acme", "openai", "a", "sk-of-a")
}

func TestResealGoesOnWhereItWasStopped(t *testing.T) {
	inner := memory.New(nil).Keys()
	texts := fill(t, vault(t, inner, ring(t, 1), nil), 30)
	store := &watched{KeyStore: inner}
	rotated := vault(t, store, ring(t, 2, 1), nil)
	ctx, cancel := context.WithCancel(t.Context())
	puts := 0
	store.beforePut = func() {
		if puts++; puts == 12 {
			cancel()
		}
	}
	done, err := rotated.Reseal(ctx, ada)
	if !errors.Is(err, context.Canceled) || done.Resealed != 11 {
		t.Errorf("Reseal that is stopped = %+v, %v, want 11 resealed and the context's error", done, err)
	}
	wantSealedBy(t, rotated, map[string]int{"k1": 19, "k2": 11})
	wantTexts(t, inner, ring(t, 1, 2), texts)
	if done, err := rotated.Reseal(t.Context(), ada); err != nil || done != (secret.Resealed{Resealed: 19, Already: 11}) {
		t.Errorf("Reseal again = %+v, %v, want the other 19", done, err)
	}
	wantTexts(t, inner, ring(t, 2), texts)
}

func TestResealByManyAtOnce(t *testing.T) {
	store := memory.New(nil).Keys()
	texts := fill(t, vault(t, store, ring(t, 1), nil), 60)
	before, err := store.Changes(t.Context(), secret.ChangeQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	resealed := 0
	for range 6 {
		wg.Go(func() {
			done, err := vault(t, store, ring(t, 2, 1), nil).Reseal(t.Context(), ada)
			if err != nil || done.Resealed+done.Already != 60 {
				t.Errorf("Reseal beside others = %+v, %v", done, err)
			}
			mu.Lock()
			defer mu.Unlock()
			resealed += done.Resealed
		})
	}
	wg.Wait()
	after, err := store.Changes(t.Context(), secret.ChangeQuery{Limit: 1})
	if err != nil || resealed != 60 || after[0].Number-before[0].Number != 60 {
		t.Errorf("six at once resealed %d keys with %d changes, %v, want each of the 60 once", resealed, after[0].Number-before[0].Number, err)
	}
	wantTexts(t, store, ring(t, 2), texts)
}

func TestResealLosesNoChangeBesideIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *secret.Vault)
		want   string // the text afterwards; empty for none
		done   secret.Resealed
	}{
		"Replaced": {func(t *testing.T, v *secret.Vault) { set(t, v, home, "sk-the-new-one") }, "sk-the-new-one", secret.Resealed{Resealed: 1}},
		"Inactive": {func(t *testing.T, v *secret.Vault) { setActive(t, v, home, false) }, text, secret.Resealed{Resealed: 1}},
		"Deleted": {func(t *testing.T, v *secret.Vault) {
			if err := v.Delete(t.Context(), home, ada); err != nil {
				t.Fatal(err)
			}
		}, "", secret.Resealed{Already: 1}},
		"Resealed": {func(t *testing.T, _ *secret.Vault) {}, text, secret.Resealed{Already: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			inner := memory.New(nil).Keys()
			old := vault(t, inner, ring(t, 1, 2), nil)
			set(t, old, home, text)
			store := &watched{KeyStore: inner}
			var once sync.Once
			store.beforePut = func() {
				once.Do(func() {
					if name == "Resealed" {
						if _, err := vault(t, inner, ring(t, 2, 1), nil).Reseal(t.Context(), ada); err != nil {
							t.Fatal(err)
						}
					}
					c.change(t, old)
				})
			}
			done, err := vault(t, store, ring(t, 2, 1), nil).Reseal(t.Context(), ada)
			if err != nil || done != c.done {
				t.Errorf("Reseal = %+v, %v, want %+v", done, err, c.done)
			}
			row, err := inner.Get(t.Context(), home)
			if c.want == "" {
				if !errors.Is(err, secret.ErrNoKey) {
					t.Errorf("a key that was deleted meanwhile is there: %+v, %v", row, err)
				}
				return
			}
			got, openErr := ring(t, 2).Open(row.Sealed, home)
			if err := errors.Join(err, openErr); err != nil || got.Reveal() != c.want || row.Active != (name != "Inactive") {
				t.Errorf("the key is %q, active: %t, %v, want %q", got.Reveal(), row.Active, err, c.want)
			}
		})
	}
}

func TestResealLeavesWhatDoesNotOpen(t *testing.T) {
	store := memory.New(nil).Keys()
	lost := secret.Place{Provider: "openai", ID: "lost"}
	set(t, vault(t, store, ring(t, 3), nil), lost, text)
	fill(t, vault(t, store, ring(t, 1), nil), 9)
	rotated := vault(t, store, ring(t, 2, 1), nil)
	done, err := rotated.Reseal(t.Context(), ada)
	if !errors.Is(err, secret.ErrNoRingKey) || !strings.Contains(err.Error(), `"k3"`) || !strings.Contains(err.Error(), `"lost"`) || done != (secret.Resealed{Resealed: 9, Failed: 1}) {
		t.Errorf("Reseal = %+v, %v, want 9 resealed and one that names its place and k3", done, err)
	}
	quiet(t, err)
	wantSealedBy(t, rotated, map[string]int{"k2": 9, "k3": 1})
	if done, err := vault(t, store, ring(t, 2, 3), nil).Reseal(t.Context(), ada); err != nil || done != (secret.Resealed{Resealed: 1, Already: 9}) {
		t.Errorf("Reseal with the ring key back = %+v, %v", done, err)
	}
}
