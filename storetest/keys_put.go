package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrip-go/scrip/secret"
)

var keyPutCases = []testCase[*keyTest]{
	{"BeginsEmpty", "a new store has no key and no history: Get is ErrNoKey, and lists are empty",
		func(t *keyTest) {
			_, err := t.Get(t.Context(), home)
			wantErr(t, err, secret.ErrNoKey, "Get")
			_, err = t.Get(t.Context(), secret.Place{})
			wantErr(t, err, secret.ErrNoKey, "Get of no place")
			t.wantIDs(secret.KeyQuery{All: true})
			t.wantIDs(secret.KeyQuery{Provider: "openai"})
			t.wantNewest(0)
		}},
	{"AddsAKey", "a key that is added has the number of its change as version and as added, the store's time, who and why, and its bytes exactly",
		func(t *keyTest) {
			t.wantKey(t.put(home, 0, 1), home, 1, 1, 1, t.clock.now())
			t.clock.advance(time.Minute)
			other := secret.Place{Provider: "runware", ID: "main"}
			t.wantKey(t.put(other, 0, 2), other, 2, 2, 2, t.clock.now())
			t.wantStored(home, 1, 1, 1, t.clock.now().Add(-time.Minute))
			t.wantStored(other, 2, 2, 2, t.clock.now())
		}},
	{"ReplacesAKey", "a put with the present version replaces everything but the number of the change that added the key",
		func(t *keyTest) {
			t.put(home, 0, 1)
			t.clock.advance(time.Minute)
			t.wantKey(t.put(home, 1, 2), home, 2, 1, 2, t.clock.now())
			t.wantStored(home, 2, 1, 2, t.clock.now())
			t.clock.advance(time.Minute)
			t.wantKey(t.put(home, 2, 3), home, 3, 1, 3, t.clock.now())
			t.wantStored(home, 3, 1, 3, t.clock.now())
			t.wantIDs(secret.KeyQuery{All: true}, "openai/acme/main")
		}},
	{"KeepsWhetherAKeyIsActive", "a key is as active as the last put said, and stays there either way",
		func(t *keyTest) {
			t.put(home, 0, 1)
			for i, active := range []bool{false, false, true, false} {
				p := t.change(home, int64(i+1), 1)
				p.Active = active
				row, err := t.Put(t.Context(), p)
				must(t, err, "Put")
				got, err := t.Get(t.Context(), home)
				must(t, err, "Get")
				if row.Active != active || got.Active != active {
					t.Errorf("Put(active %t) = %t and Get = %t", active, row.Active, got.Active)
				}
			}
			t.wantIDs(secret.KeyQuery{Provider: "openai", Account: "acme"}, "openai/acme/main")
		}},
	{"RefusesToAddWhatIsThere", "a put with base 0 is ErrConflict if the place has a key, and changes nothing",
		func(t *keyTest) {
			t.put(home, 0, 1)
			_, err := t.Put(t.Context(), t.change(home, 0, 2))
			wantErr(t, err, secret.ErrConflict, "Put(base 0)")
			t.wantStored(home, 1, 1, 1, t.clock.now())
			t.wantNewest(1)
		}},
	{"RefusesToReplaceWhatIsNotThere", "a put with a base is ErrConflict if the place has no key, and adds none",
		func(t *keyTest) {
			_, err := t.Put(t.Context(), t.change(home, 1, 1))
			wantErr(t, err, secret.ErrConflict, "Put(base 1)")
			t.put(home, 0, 1)
			t.remove(home, 1)
			_, err = t.Put(t.Context(), t.change(home, 1, 2))
			wantErr(t, err, secret.ErrConflict, "Put(base 1) of a key that was deleted")
			t.wantIDs(secret.KeyQuery{All: true})
			t.wantNewest(2)
		}},
	{"RefusesAChangeOfAnotherVersion", "a put or a deletion whose base is not the present version is ErrConflict, and changes nothing",
		func(t *keyTest) {
			t.put(home, 0, 1)
			t.put(home, 1, 2)
			for _, base := range []int64{1, 3, -1} {
				_, err := t.Put(t.Context(), t.change(home, base, 3))
				wantErr(t, err, secret.ErrConflict, fmt.Sprintf("Put(base %d)", base))
				wantErr(t, t.Delete(t.Context(), secret.KeyDelete{Place: home, Base: base, Who: "bob", Why: "leaked"}), secret.ErrConflict, fmt.Sprintf("Delete(base %d)", base))
			}
			wantErr(t, t.Delete(t.Context(), secret.KeyDelete{Place: home, Who: "bob", Why: "leaked"}), secret.ErrConflict, "Delete(base 0)")
			t.wantStored(home, 2, 1, 2, t.clock.now())
			t.wantNewest(2)
		}},
	{"RefusesWhatBreaksARule", "a change that Validate refuses is ErrInvalid, and changes nothing",
		func(t *keyTest) {
			t.put(home, 0, 1)
			for name, breakIt := range map[string]func(*secret.KeyPut){
				"no provider":           func(p *secret.KeyPut) { p.Provider = "" },
				"a long provider":       func(p *secret.KeyPut) { p.Provider = long(201) },
				"a provider with NUL":   func(p *secret.KeyPut) { p.Provider = "a\x00" },
				"an account not UTF-8":  func(p *secret.KeyPut) { p.Account = "\xff" },
				"a long account":        func(p *secret.KeyPut) { p.Account = long(201) },
				"no id":                 func(p *secret.KeyPut) { p.ID = "" },
				"a long id":             func(p *secret.KeyPut) { p.ID = long(65) },
				"an id with a slash":    func(p *secret.KeyPut) { p.ID = "a/b" },
				"nobody":                func(p *secret.KeyPut) { p.Who = " " },
				"no reason":             func(p *secret.KeyPut) { p.Why = "" },
				"a long reason":         func(p *secret.KeyPut) { p.Why = long(1001) },
				"nothing sealed":        func(p *secret.KeyPut) { p.Sealed = nil },
				"what is not sealed":    func(p *secret.KeyPut) { p.Sealed = secret.Sealed("sk-live-in-the-clear-4f8d0c6e2b5a7193") },
				"a form of the future":  func(p *secret.KeyPut) { p.Sealed[0] = 2 },
				"what is cut too short": func(p *secret.KeyPut) { p.Sealed = p.Sealed[:30] },
			} {
				p := t.change(home, 1, 2)
				breakIt(&p)
				_, err := t.Put(t.Context(), p)
				wantErr(t, err, secret.ErrInvalid, "Put with "+name)
			}
			for name, d := range map[string]secret.KeyDelete{
				"nobody":    {Place: home, Base: 1, Why: "leaked"},
				"no reason": {Place: home, Base: 1, Who: "bob"},
				"no place":  {Base: 1, Who: "bob", Why: "leaked"},
			} {
				wantErr(t, t.Delete(t.Context(), d), secret.ErrInvalid, "Delete with "+name)
			}
			t.wantStored(home, 1, 1, 1, t.clock.now())
			t.wantNewest(1)
		}},
	{"DeletesAKey", "a key that is deleted is gone from every list, and nothing else is",
		func(t *keyTest) {
			other := secret.Place{Provider: "openai", Account: "acme", ID: "other"}
			t.put(home, 0, 1)
			t.put(other, 0, 2)
			t.remove(home, 1)
			_, err := t.Get(t.Context(), home)
			wantErr(t, err, secret.ErrNoKey, "Get of a deleted key")
			t.wantIDs(secret.KeyQuery{All: true}, "openai/acme/other")
			t.wantIDs(secret.KeyQuery{Provider: "openai", Account: "acme"}, "openai/acme/other")
			t.wantStored(other, 2, 2, 2, t.clock.now())
		}},
	{"DeletesNothingThatIsNotThere", "deleting a key that is not there is ErrNoKey, whatever the base, and no change",
		func(t *keyTest) {
			for _, base := range []int64{0, 1} {
				wantErr(t, t.Delete(t.Context(), secret.KeyDelete{Place: home, Base: base, Who: "bob", Why: "leaked"}), secret.ErrNoKey, fmt.Sprintf("Delete(base %d)", base))
			}
			t.put(home, 0, 1)
			t.remove(home, 1)
			wantErr(t, t.Delete(t.Context(), secret.KeyDelete{Place: home, Base: 1, Who: "bob", Why: "leaked"}), secret.ErrNoKey, "Delete again")
			t.wantNewest(2)
		}},
	{"AddsADeletedKeyAnew", "a key that is put where one was deleted is a new one: added by that change",
		func(t *keyTest) {
			t.put(home, 0, 1)
			t.remove(home, 1)
			t.wantKey(t.put(home, 0, 2), home, 3, 3, 2, t.clock.now())
			t.wantStored(home, 3, 3, 2, t.clock.now())
		}},
	{"KeepsPlacesApart", "two places are the same only if provider, account and id have the same bytes",
		func(t *keyTest) {
			places := []secret.Place{
				{Provider: "openai", ID: "main"}, {Provider: "openai", Account: "openai", ID: "main"}, {Provider: "openai", Account: "acme", ID: "main"},
				{Provider: "openai", Account: "acme", ID: "Main"}, {Provider: "openai", Account: "Acme", ID: "main"}, {Provider: "OpenAI", Account: "acme", ID: "main"},
				{Provider: "openai", Account: "acme ", ID: "main"}, {Provider: "openai", Account: " ", ID: "main"}, {Provider: "openaiacme", ID: "main"},
				{Provider: "openai", Account: "é", ID: "main"}, {Provider: "openai", Account: "e\u0301", ID: "main"}, {Provider: "openai", Account: "%", ID: "main"},
			}
			for i, at := range places {
				t.put(at, 0, i+1)
			}
			for i, at := range places {
				t.wantStored(at, int64(i+1), int64(i+1), i+1, t.clock.now())
			}
			if got := len(t.list(secret.KeyQuery{All: true})); got != len(places) {
				t.Errorf("%d keys are listed, want %d", got, len(places))
			}
		}},
	{"KeepsNamesExactly", "names, who and why come back as they were given, up to their longest",
		func(t *keyTest) {
			for i, text := range []string{`it's "quoted"; DROP TABLE keys; --`, "größe ☃ \u202e\t\n", "%_\\*?", "../..", long(200)} {
				at := secret.Place{Provider: text, Account: text, ID: strings.Repeat("i", 64)}
				p := t.change(at, 0, i+1)
				p.Who, p.Why = text, text+long(1000-len(text))
				row, err := t.Put(t.Context(), p)
				must(t, err, "Put")
				got, err := t.Get(t.Context(), at)
				must(t, err, "Get")
				change := t.changes(secret.ChangeQuery{Limit: 1})[0]
				if row.Place != at || got.Place != at || change.Place != at || got.Who != p.Who || got.Why != p.Why || change.Who != p.Who || change.Why != p.Why {
					t.Errorf("names of %+v come back as %+v, and in the history as %+v", p, got, change)
				}
			}
		}},
	{"KeepsBytesApart", "what a call was given or returned is the caller's: writing to it changes nothing that is stored",
		func(t *keyTest) {
			p := t.change(home, 0, 1)
			row, err := t.Put(t.Context(), p)
			must(t, err, "Put")
			p.Sealed[20]++
			t.wantKey(row, home, 1, 1, 1, t.clock.now())
			row.Sealed[21]++
			for range 2 {
				got, err := t.Get(t.Context(), home)
				must(t, err, "Get")
				t.wantKey(got, home, 1, 1, 1, t.clock.now())
				got.Sealed[22]++
				for _, got := range t.list(secret.KeyQuery{All: true}) {
					t.wantKey(got, home, 1, 1, 1, t.clock.now())
					got.Sealed[23]++
				}
			}
		}},
	{"TellsNothingThatIsSealed", "no error has a byte of what is sealed in it, and what a row prints has not either",
		func(t *keyTest) {
			p := t.change(home, 0, 1)
			canary := "sealed-canary"
			p.Sealed = append(p.Sealed[:len(p.Sealed)-20], canary+"1234567"...)
			row, err := t.Put(t.Context(), p)
			must(t, err, "Put")
			_, conflict := t.Put(t.Context(), p)
			p.Who = ""
			_, invalid := t.Put(t.Context(), p)
			p.Who, p.Base = "ada", 9
			_, other := t.Put(t.Context(), p)
			for _, err := range []error{conflict, invalid, other} {
				if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
					t.Errorf("the error is %v, want one without what is sealed", err)
				}
			}
			if printed := fmt.Sprintf("%v %+v %#v %s", row, row, row, row.Sealed); strings.Contains(printed, canary) || !strings.Contains(fmt.Sprintf("%+v", row), "ring-1") {
				t.Errorf("a row prints as %s, want its ring key and not what is sealed", printed)
			}
		}},
	{"DoesNothingWithACancelledContext", "a call whose context is over before it begins returns the context's error and changes nothing",
		func(t *keyTest) {
			t.put(home, 0, 1)
			ctx := cancelled(t)
			_, err := t.Put(ctx, t.change(home, 1, 2))
			wantErr(t, err, context.Canceled, "Put")
			wantErr(t, t.Delete(ctx, secret.KeyDelete{Place: home, Base: 1, Who: "bob", Why: "leaked"}), context.Canceled, "Delete")
			_, err = t.Get(ctx, home)
			wantErr(t, err, context.Canceled, "Get")
			_, err = t.List(ctx, secret.KeyQuery{All: true})
			wantErr(t, err, context.Canceled, "List")
			_, err = t.Changes(ctx, secret.ChangeQuery{})
			wantErr(t, err, context.Canceled, "Changes")
			t.wantStored(home, 1, 1, 1, t.clock.now())
			t.wantNewest(1)
		}},
}

var keyRaceCases = []testCase[*keyTest]{
	{"AddsOneOfManyAtOnce", "of many puts with base 0 that race for a place one adds the key, the others are ErrConflict",
		func(t *keyTest) { t.race(0) }},
	{"ReplacesOneOfManyAtOnce", "of many puts of one version that race one replaces the key, the others are ErrConflict",
		func(t *keyTest) {
			t.put(home, 0, 99)
			t.race(1)
		}},
	{"DeletesOrReplacesAtOnce", "of a put and a deletion of one version that race one happens",
		func(t *keyTest) {
			for round := range 8 {
				at := secret.Place{Provider: "openai", ID: fmt.Sprint("key-", round)}
				base := t.put(at, 0, 1).Version
				errs := together(2, func(i int) error {
					if i == 0 {
						_, err := t.Put(t.Context(), t.change(at, base, 2))
						return err
					}
					return t.Delete(t.Context(), secret.KeyDelete{Place: at, Base: base, Who: "bob", Why: "leaked"})
				})
				if matching(errs, nil) != 1 {
					t.Errorf("a put and a deletion of one version: %v, want one to fail", errs)
				}
			}
		}},
	{"NumbersManyChangesAtOnce", "changes of many keys at once all happen, and get different numbers without gaps",
		func(t *keyTest) {
			const n = 24
			errs := together(n, func(i int) error {
				_, err := t.Put(t.Context(), t.change(secret.Place{Provider: "openai", Account: fmt.Sprint("a", i), ID: "main"}, 0, i+1))
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Errorf("%d puts of different keys at once: %v", n, err)
			}
			t.wantNewest(n)
		}},
	{"ShowsChangesInOrder", "whoever reads a change can read all before it, and the keys as they were after it or later",
		func(t *keyTest) {
			const writers, each = 4, 8
			done, rounds := make(chan struct{}), make(chan struct{})
			seen := make(chan error, 1)
			go func() { seen <- t.watch(done, rounds) }()
			errs := together(writers, func(i int) error {
				at := secret.Place{Provider: "openai", Account: fmt.Sprint("a", i), ID: "main"}
				var base int64
				for n := range each {
					row, err := t.Put(t.Context(), t.change(at, base, n+1))
					if err != nil {
						return err
					}
					base = row.Version
					<-rounds // or the reader of a fast store would come too late for everything
				}
				return nil
			})
			close(done)
			if err := errors.Join(append(errs, <-seen)...); err != nil {
				t.Errorf("changes beside a reader: %v", err)
			}
			t.wantNewest(writers * each)
		}},
}

// race has 16 puts of one version contend for home.
func (t *keyTest) race(base int64) {
	t.Helper()
	rows := make([]secret.StoredKey, 16)
	errs := together(len(rows), func(i int) (err error) {
		rows[i], err = t.Put(t.Context(), t.change(home, base, i+1))
		return err
	})
	if won, lost := matching(errs, nil), matching(errs, secret.ErrConflict); won != 1 || lost != len(rows)-1 {
		t.Fatalf("%d puts of version %d: %d happen, %d conflict, want 1 and %d: %v", len(rows), base, won, lost, len(rows)-1, errors.Join(errs...))
	}
	for i, row := range rows {
		if errs[i] == nil {
			t.wantStored(home, base+1, 1, i+1, row.At)
		}
	}
	t.wantNewest(base + 1)
}

// watch reads the history until done, and says what it had not of what it must have. After each round it lets one go on
// that waits for it, and at the end all.
func (t *keyTest) watch(done <-chan struct{}, rounds chan<- struct{}) error {
	defer close(rounds)
	for over := false; !over; {
		select {
		case <-done:
			over = true // and looks once more
		default:
		}
		changes, err := t.Changes(t.Context(), secret.ChangeQuery{})
		if err != nil {
			return err
		}
		for i, c := range changes {
			if want := int64(len(changes) - i); c.Number != want {
				return fmt.Errorf("a reader found change %d where %d must be", c.Number, want)
			}
		}
		if len(changes) > 0 {
			row, err := t.Get(t.Context(), changes[0].Place)
			if err != nil {
				return err
			}
			if row.Version < changes[0].Number {
				return fmt.Errorf("a reader found change %d and then version %d of its key", changes[0].Number, row.Version)
			}
		}
		select {
		case rounds <- struct{}{}:
		default:
		}
	}
	return nil
}
