package storetest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerChargeCases = []testCase[*ledgerTest]{
	{"ChargesInOneStep", "a charge is a hold and its settle in one decision: one entry, a usage record and a receipt, and nothing is held",
		func(t *ledgerTest) {
			t.grant(100)
			r := charge("k", 12)
			r.Result = []byte("answer")
			r.Record = credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(3, 4), Exact: decimal.RequireFromString("11.5"), Cost: decimal.RequireFromString("0.01"), PriceVersion: 7,
				Account: bob, Key: "other", Entry: 99, Operation: "other", Scope: "other", Charged: 99, WrittenOff: 99} // not the caller's to say
			receipt, err := t.Charge(t.Context(), r)
			must(t, err, "Charge")
			if receipt.Key != "k" || receipt.Charged != 12 || receipt.Entry != 2 || receipt.Fingerprint != r.Fingerprint || string(receipt.Result) != "answer" {
				t.Errorf("Charge = %+v, want 12 charged by entry 2", receipt)
			}
			t.wantLines(2, "settle -12 1:12")
			t.wantBalance(88, 0)
			t.wantState("k", credits.Settled)
			want := r.Record
			want.Account, want.Key, want.Entry, want.Operation, want.Scope = alice, "k", 2, "writing", "run-1"
			want.Charged, want.WrittenOff, want.At = 12, 0, t.clock.now()
			if records := t.records(); len(records) != 1 {
				t.Errorf("Records yields %d, want the charge's", len(records))
			} else {
				t.wantRecord(records[0], want)
			}
		}},
	{"ChargesInOneStepOnce", "the same charge again returns the first one's receipt, also with another amount and with nothing left, and a hold or a settle of its key does, too",
		func(t *ledgerTest) {
			t.grant(20)
			won := t.charge("k", 12)
			for range 2 {
				lost := t.charge("k", 13)
				if lost.Charged != 12 || lost.Entry != won.Entry {
					t.Errorf("Charge again = %+v, want %+v", lost, won)
				}
			}
			held, err := t.Hold(t.Context(), request("k", 12))
			must(t, err, "Hold of a charged key")
			if held.Receipt == nil || held.Hold != nil || held.Receipt.Entry != won.Entry {
				t.Errorf("Hold of a charged key = %+v, want its receipt", held)
			}
			if r := t.settle("k", 1); r.Charged != 12 || r.Entry != won.Entry {
				t.Errorf("Settle of a charged key = %+v, want %+v", r, won)
			}
			t.wantBalance(8, 0)
			t.wantEntries(2)
		}},
	{"ChargesInOneStepAllOrNothing", "a charge that the account cannot cover is an *InsufficientError; it leaves nothing, and does not take its key",
		func(t *ledgerTest) {
			t.grant(10)
			t.hold(request("other", 4))
			_, err := t.Charge(t.Context(), charge("k", 7))
			t.wantInsufficient(err, 7, 6, 4)
			_, err = t.Lookup(t.Context(), alice, "k")
			wantErr(t, err, credits.ErrNotFound, "Lookup of a refused charge")
			t.wantBalance(10, 4)
			t.wantEntries(1)
			t.charge("k", 6)
			t.wantBalance(4, 4)
		}},
	{"ChargesAKeyThatNobodyHolds", "a key that somebody holds is an *InProgressError; one that was released, or has expired, may be charged",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("open", 10))
			_, err := t.Charge(t.Context(), charge("open", 5))
			wantErr(t, err, credits.ErrInProgress, "Charge of a key that is held")
			t.wantState("open", credits.Open)
			t.hold(request("released", 10))
			t.release("released", first)
			t.charge("released", 5)
			t.clock.advance(ttl)
			t.charge("open", 5)
			t.wantBalance(90, 0)
			t.wantEntries(3)
		}},
	{"RefusesAChargeOfAnotherRequest", "a key with another fingerprint is ErrKeyReused, and so is one that granted, adjusted or refunded",
		func(t *ledgerTest) {
			t.grant(100)
			t.adjust("adjust", -1)
			t.charge("k", 5)
			t.refund("refund", "k", 1)
			r := charge("k", 5)
			r.Fingerprint[0]++
			_, err := t.Charge(t.Context(), r)
			wantErr(t, err, credits.ErrKeyReused, "Charge of another request")
			for _, key := range []credits.Key{"grant/1", "adjust", "refund"} {
				_, err := t.Charge(t.Context(), charge(key, 5))
				wantErr(t, err, credits.ErrKeyReused, fmt.Sprintf("Charge of key %q", key))
				_, err = t.Hold(t.Context(), request(key, 5))
				wantErr(t, err, credits.ErrKeyReused, fmt.Sprintf("Hold of key %q", key))
			}
			t.wantBalance(95, 0)
		}},
	{"RefusesAChargeThatIsNone", "a charge needs account, key, operation and a positive amount: else ErrInvalid",
		func(t *ledgerTest) {
			t.grant(100)
			for name, change := range map[string]func(*credits.Charge){
				"no account":      func(r *credits.Charge) { r.Account = "" },
				"no key":          func(r *credits.Charge) { r.Key = "" },
				"no operation":    func(r *credits.Charge) { r.Operation = "" },
				"an attempt":      func(r *credits.Charge) { r.Record.Attempt = "a" },
				"no amount":       func(r *credits.Charge) { r.Amount = 0 },
				"negative amount": func(r *credits.Charge) { r.Amount = -1 },
				"negative usage":  func(r *credits.Charge) { r.Record.Usage.Output = usage.Exactly(-1) },
				"huge result":     func(r *credits.Charge) { r.Result = make([]byte, credits.MaxResult+1) },
			} {
				r := charge("k", 5)
				change(&r)
				_, err := t.Charge(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Charge with "+name)
			}
			t.wantEntries(1)
		}},
	{"AdjustsUp", "an adjustment that adds is a bucket of its own that does not expire, and an entry that says who and why",
		func(t *ledgerTest) {
			r := credits.Adjust{Account: alice, Key: "a", Amount: 10, Who: "ann", Why: "a gift"}
			e, err := t.Adjust(t.Context(), r)
			must(t, err, "Adjust")
			want := credits.Entry{Account: alice, Number: 1, Kind: credits.EntryAdjust, Amount: 10, BalanceAfter: 10, Key: "a", Who: "ann", Note: "a gift", At: t.clock.now()}
			if !sameEntry(e, want) {
				t.Errorf("Adjust = %+v, want %+v", e, want)
			}
			if got := t.entries(alice); len(got) != 1 || !sameEntry(got[0], want) {
				t.Errorf("Entries = %+v, want %+v", got, want)
			}
			t.grantOf(credits.Grant{Key: "g", Amount: 5, ExpiresAt: t.in(time.Hour)})
			t.charge("k", 7)
			t.wantLeft("a 8")
			t.wantBalance(8, 0)
		}},
	{"AdjustsDown", "an adjustment that takes takes what is available, in burn order, nothing of what is held, and leaves the rest as debt",
		func(t *ledgerTest) {
			t.grant(10)
			t.grantOf(credits.Grant{Key: "first", Amount: 5, Priority: -1})
			t.hold(request("k", 6))
			t.adjust("a", -4)
			t.adjust("b", -9)
			t.wantLines(3, "adjust -4 1:4; adjust -9 1:5 0:4")
			t.wantBalance(2, 6)
			t.settle("k", 6)
			t.wantBalance(-4, 0)
		}},
	{"AdjustsAKeyOnce", "the same adjustment again returns the first one's entry; another amount, person or reason under its key is ErrKeyReused",
		func(t *ledgerTest) {
			t.grant(10)
			r := credits.Adjust{Account: alice, Key: "a", Amount: -15, Who: "ann", Why: "a mistake"}
			won, err := t.Adjust(t.Context(), r)
			must(t, err, "Adjust")
			again, err := t.Adjust(t.Context(), r)
			must(t, err, "Adjust again")
			if !sameEntry(again, won) {
				t.Errorf("Adjust again = %+v, want %+v", again, won)
			}
			for _, change := range []func(*credits.Adjust){
				func(r *credits.Adjust) { r.Amount++ },
				func(r *credits.Adjust) { r.Who = "bob" },
				func(r *credits.Adjust) { r.Why = "another" },
				func(r *credits.Adjust) { r.Key = "grant/1" },
			} {
				other := r
				change(&other)
				_, err := t.Adjust(t.Context(), other)
				wantErr(t, err, credits.ErrKeyReused, "Adjust of something else")
			}
			t.wantBalance(-5, 0)
			t.wantEntries(2)
		}},
	{"RefusesAnAdjustmentThatIsNone", "an adjustment needs account, key, an amount, who and why: else ErrInvalid",
		func(t *ledgerTest) {
			for name, change := range map[string]func(*credits.Adjust){
				"no account": func(r *credits.Adjust) { r.Account = "" },
				"no key":     func(r *credits.Adjust) { r.Key = "" },
				"no amount":  func(r *credits.Adjust) { r.Amount = 0 },
				"no who":     func(r *credits.Adjust) { r.Who = " " },
				"no why":     func(r *credits.Adjust) { r.Why = "" },
			} {
				r := credits.Adjust{Account: alice, Key: "a", Amount: 1, Who: "ann", Why: "a mistake"}
				change(&r)
				_, err := t.Adjust(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Adjust with "+name)
			}
			t.wantEntries(0)
		}},
	{"PrunesResults", "Prune lets the results go of what was settled before the given time, once; their keys are ErrResultPruned and never charged again, and charge, record and refund stay",
		func(t *ledgerTest) {
			t.grant(100)
			r := charge("old", 10)
			r.Result = []byte("answer")
			_, err := t.Charge(t.Context(), r)
			must(t, err, "Charge")
			t.clock.advance(time.Hour)
			t.charge("new", 10)
			for _, want := range []int64{1, 0} {
				n, err := t.Prune(t.Context(), alice, t.clock.now())
				if must(t, err, "Prune"); n != want {
					t.Errorf("Prune = %d, want %d", n, want)
				}
			}
			_, err = t.Charge(t.Context(), r)
			wantErr(t, err, credits.ErrResultPruned, "Charge of a pruned key")
			_, err = t.Hold(t.Context(), request("old", 10))
			wantErr(t, err, credits.ErrResultPruned, "Hold of a pruned key")
			_, err = t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "old", Amount: 10})
			wantErr(t, err, credits.ErrResultPruned, "Settle of a pruned key")
			t.charge("new", 10)
			if n := len(t.records()); n != 2 {
				t.Errorf("Records yields %d, want 2", n)
			}
			t.refund("refund", "old", 10)
			t.wantBalance(90, 0)
			n, err := t.Prune(t.Context(), bob, t.clock.now())
			if must(t, err, "Prune"); n != 0 {
				t.Errorf("Prune of an account that has nothing = %d", n)
			}
		}},
}

// charge asks for a charge of alice's. The fingerprint is the key's, as in request.
func charge(key credits.Key, amount credits.Amount) credits.Charge {
	return credits.Charge{Account: alice, Key: key, Operation: "writing", Scope: "run-1", Amount: amount, Fingerprint: sha256.Sum256([]byte(key))}
}

// charge charges alice, which must succeed.
func (t *ledgerTest) charge(key credits.Key, amount credits.Amount) credits.Receipt {
	t.Helper()
	r, err := t.Charge(t.Context(), charge(key, amount))
	must(t, err, fmt.Sprintf("Charge(%q, %d)", key, amount))
	return r
}

// adjust adjusts alice, which must succeed.
func (t *ledgerTest) adjust(key credits.Key, amount credits.Amount) credits.Entry {
	t.Helper()
	e, err := t.Adjust(t.Context(), credits.Adjust{Account: alice, Key: key, Amount: amount, Who: "ann", Why: "a mistake"})
	must(t, err, fmt.Sprintf("Adjust(%q, %d)", key, amount))
	return e
}
