package storetest

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/credits"
)

var ledgerGrantCases = []testCase[*ledgerTest]{
	{"HasNothingInAnUnknownAccount", "an unknown account has a zero balance, no entries and nothing to complain of",
		func(t *ledgerTest) {
			t.wantBalance(0, 0)
			t.wantEntries(0)
		}},
	{"AddsAGrantToPosted", "a grant is an entry with its amount, and adds it to what is posted",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 100, Note: "March"}
			e, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			want := credits.Entry{Account: alice, Number: 1, Kind: credits.EntryGrant, Amount: 100, BalanceAfter: 100,
				Key: "g", Note: "March", At: t.clock.now()}
			if !sameEntry(e, want) {
				t.Errorf("Grant = %+v, want %+v", e, want)
			}
			if got := t.entries(alice); len(got) != 1 || !sameEntry(got[0], want) {
				t.Errorf("Entries = %+v, want %+v", got, want)
			}
			t.wantBalance(100, 0)
		}},
	{"GrantsAKeyOnce", "the same grant again returns the first one's entry and changes nothing",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Purchase, Amount: 100}
			first, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			t.grant(7)
			again, err := t.Grant(t.Context(), g)
			must(t, err, "Grant again")
			if !sameEntry(again, first) {
				t.Errorf("Grant again = %+v, want %+v", again, first)
			}
			t.wantBalance(107, 0)
			t.wantEntries(2)
		}},
	{"RefusesAKeyThatGrantedSomethingElse", "a key is one grant for ever: another amount, kind or note under it is ErrKeyReused",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Purchase, Amount: 100, Note: "n"}
			_, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			for _, change := range []func(*credits.Grant){
				func(g *credits.Grant) { g.Amount++ },
				func(g *credits.Grant) { g.Kind = credits.Bonus },
				func(g *credits.Grant) { g.Note = "" },
			} {
				other := g
				change(&other)
				_, err := t.Grant(t.Context(), other)
				wantErr(t, err, credits.ErrKeyReused, "Grant of something else")
			}
			t.wantBalance(100, 0)
		}},
	{"DoesNotHoldUnderAKeyThatGranted", "a key names one mutation: what granted cannot hold, and what holds cannot grant",
		func(t *ledgerTest) {
			t.grant(100)
			_, err := t.Hold(t.Context(), request("grant/1", 10))
			wantErr(t, err, credits.ErrKeyReused, "Hold under a grant's key")
			t.hold(request("k", 10))
			_, err = t.Grant(t.Context(), credits.Grant{Account: alice, Key: "k", Kind: credits.Plan, Amount: 10})
			wantErr(t, err, credits.ErrKeyReused, "Grant under a hold's key")
			t.wantBalance(100, 10)
		}},
	{"KeepsAccountsApart", "a key is unique in its account only, and what one account does another does not see",
		func(t *ledgerTest) {
			for account, amount := range map[credits.Account]credits.Amount{alice: 10, bob: 20} {
				_, err := t.Grant(t.Context(), credits.Grant{Account: account, Key: "g", Kind: credits.Plan, Amount: amount})
				must(t, err, "Grant")
			}
			t.hold(request("k", 10))
			other := request("k", 20)
			other.Account = bob
			t.hold(other)
			t.settle("k", 4)
			t.wantBalance(6, 0)
			got, err := t.Balance(t.Context(), bob)
			if want := (credits.Balance{Posted: 20, Held: 20}); err != nil || got != want {
				t.Errorf("Balance(bob) = %+v, %v, want %+v", got, err, want)
			}
		}},
	{"TellsKeysApartByEveryByte", "keys are opaque: case, space, quotes and accents make different keys, up to 400 bytes",
		func(t *ledgerTest) {
			t.grant(1000)
			keys := []credits.Key{"k", "K", "k ", " k", `k'";--`, "k%", "k_", `k\`, "k\n", "ключ", "é", "e\u0301",
				credits.Key(strings.Repeat("k", 400)), credits.Key(strings.Repeat("k", 399))}
			for i, key := range keys {
				t.hold(request(key, credits.Amount(i+1)))
			}
			for i, key := range keys {
				held, err := t.Lookup(t.Context(), alice, key)
				must(t, err, "Lookup")
				if held.Hold == nil || held.Hold.Key != key || held.Hold.Amount != credits.Amount(i+1) {
					t.Errorf("Lookup(%q) = %+v, want the hold of %d", key, held.Hold, i+1)
				}
				t.settle(key, 1)
			}
			t.wantBalance(1000-credits.Amount(len(keys)), 0)
		}},
	{"RefusesAGrantThatIsNone", "a grant needs an account, a key, a known kind and a positive amount: else ErrInvalid",
		func(t *ledgerTest) {
			for name, g := range map[string]credits.Grant{
				"no account":      {Key: "g", Kind: credits.Plan, Amount: 1},
				"no key":          {Account: alice, Kind: credits.Plan, Amount: 1},
				"no kind":         {Account: alice, Key: "g", Amount: 1},
				"a ledger's kind": {Account: alice, Key: "g", Kind: credits.Refunded, Amount: 1},
				"no plan renewed": {Account: alice, Key: "g", Kind: credits.Bonus, Amount: 1, Renew: true},
				"no amount":       {Account: alice, Key: "g", Kind: credits.Plan},
				"negative amount": {Account: alice, Key: "g", Kind: credits.Plan, Amount: -1},
				"huge key":        {Account: alice, Key: credits.Key(strings.Repeat("k", 401)), Kind: credits.Plan, Amount: 1},
				"huge account":    {Account: credits.Account(strings.Repeat("a", 201)), Key: "g", Kind: credits.Plan, Amount: 1},
			} {
				_, err := t.Grant(t.Context(), g)
				wantErr(t, err, credits.ErrInvalid, "Grant with "+name)
			}
			t.wantEntries(0)
		}},
	{"DoesNotOverflow", "a sum that does not fit is ErrOverflow and leaves nothing; what does fit is exact to the last credit",
		func(t *ledgerTest) {
			t.grant(math.MaxInt64 - 1)
			_, err := t.Grant(t.Context(), credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 2})
			wantErr(t, err, credits.ErrOverflow, "Grant past the largest amount")
			t.wantBalance(math.MaxInt64-1, 0)
			t.grant(1)
			t.hold(request("k", math.MaxInt64))
			t.wantBalance(math.MaxInt64, math.MaxInt64)
			_, err = t.Hold(t.Context(), request("k2", 1))
			wantErr(t, err, credits.ErrInsufficient, "Hold of one more")
			r := t.settle("k", math.MaxInt64)
			if r.Charged != math.MaxInt64 {
				t.Errorf("Settle charged %d, want all", r.Charged)
			}
			t.wantBalance(0, 0)
		}},
}

// sameEntry compares entries; a want without a hash wants any.
func sameEntry(got, want credits.Entry) bool {
	a, b := got, want
	same := a.At.Equal(b.At) && slices.Equal(a.Lots, b.Lots)
	a.At, a.Lots, b.Lots = b.At, nil, nil
	if b.Hash == [32]byte{} {
		a.Hash = b.Hash
	}
	return same && reflect.DeepEqual(a, b)
}
