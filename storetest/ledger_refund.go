package storetest

import (
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerRefundCases = []testCase[*ledgerTest]{
	{"RefundsToTheBucketsThatWereCharged", "a refund goes back to the buckets that its charge was taken from, those that were charged last first, also in several parts, and is an entry that names the charge, who and why",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "a", Amount: 10})
			t.grantOf(credits.Grant{Key: "b", Amount: 20, Priority: 1})
			t.charge("k", 25)
			t.grantOf(credits.Grant{Key: "c", Amount: 5, Priority: -1}) // which the charge did not touch
			e := t.refund("r1", "k", 6)
			want := credits.Entry{Account: alice, Number: 5, Kind: credits.EntryRefund, Amount: 6, BalanceAfter: 16, Key: "r1", Charge: "k",
				Operation: "writing", Scope: "run-1", Who: "ann", Note: "it was bad", At: t.clock.now(), Lots: []credits.Lot{{Bucket: 2, Amount: 6}}}
			if !sameEntry(e, want) {
				t.Errorf("Refund = %+v, want %+v", e, want)
			}
			if got := t.entries(alice); len(got) != 5 || !sameEntry(got[4], want) {
				t.Errorf("Entries = %+v, want the last to be %+v", got, want)
			}
			t.refund("r2", "k", 12)
			t.wantLeft("c 5, a 3, b 20")
			t.refund("r3", "k", 7)
			t.wantLeft("c 5, a 10, b 20")
			t.wantLines(5, "refund 6 2:6; refund 12 2:9 1:3; refund 7 1:7")
			t.wantBalance(35, 0)
		}},
	{"RefundsAKeyOnce", "the same refund again returns the first one's entry and gives nothing back a second time; something else under its key is ErrKeyReused",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k", 30)
			t.charge("k2", 30)
			won := t.refund("r", "k", 10)
			for range 2 {
				if again := t.refund("r", "k", 10); !sameEntry(again, won) {
					t.Errorf("Refund again = %+v, want %+v", again, won)
				}
			}
			for _, change := range []func(*credits.Refund){
				func(r *credits.Refund) { r.Amount++ },
				func(r *credits.Refund) { r.Charge = "k2" },
				func(r *credits.Refund) { r.Who = "bob" },
				func(r *credits.Refund) { r.Why = "another" },
			} {
				r := refund("r", "k", 10)
				change(&r)
				_, err := t.Refund(t.Context(), r)
				wantErr(t, err, credits.ErrKeyReused, "Refund of something else")
			}
			t.wantBalance(50, 0)
			t.wantEntries(4)
		}},
	{"NeverRefundsMoreThanTheCharge", "the sum of a charge's refunds never passes what was charged, however it was held: ErrRefund, and nothing is given back",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 40))
			t.settle("k", 30)
			_, err := t.Refund(t.Context(), refund("r1", "k", 31))
			wantErr(t, err, credits.ErrRefund, "Refund of more than the charge")
			t.refund("r1", "k", 20)
			_, err = t.Refund(t.Context(), refund("r2", "k", 11))
			wantErr(t, err, credits.ErrRefund, "Refund of more than is left of the charge")
			t.refund("r2", "k", 10)
			_, err = t.Refund(t.Context(), refund("r3", "k", 1))
			wantErr(t, err, credits.ErrRefund, "Refund of what was refunded")
			t.wantBalance(100, 0)
			t.wantEntries(4)
		}},
	{"RefundsWhatWasCharged", "a refund is of a settled key of its account: of any other it is ErrNotFound",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("open", 10))
			t.hold(request("released", 10))
			t.release("released", first)
			for _, key := range []credits.Key{"unknown", "grant/1", "open", "released"} {
				_, err := t.Refund(t.Context(), refund("r", key, 1))
				wantErr(t, err, credits.ErrNotFound, fmt.Sprintf("Refund of key %q", key))
			}
			t.settle("open", 10)
			r := refund("r", "open", 1)
			r.Account = bob
			_, err := t.Refund(t.Context(), r)
			wantErr(t, err, credits.ErrNotFound, "Refund of another account's charge")
			t.refund("r", "open", 1)
			t.wantBalance(91, 0)
		}},
	{"RefundsUnderAKeyOfItsOwn", "a key names one mutation: a refund under the key of a grant, an adjustment or a hold is ErrKeyReused, and a grant or an adjustment under a refund's is, too",
		func(t *ledgerTest) {
			t.grant(100)
			t.adjust("adjust", 5)
			t.charge("k", 30)
			t.hold(request("held", 1))
			for _, key := range []credits.Key{"grant/1", "adjust", "held"} {
				_, err := t.Refund(t.Context(), refund(key, "k", 5))
				wantErr(t, err, credits.ErrKeyReused, fmt.Sprintf("Refund under key %q", key))
			}
			_, err := t.Refund(t.Context(), refund("k", "k", 5))
			wantErr(t, err, credits.ErrInvalid, "Refund under its charge's key")
			t.refund("r", "k", 5)
			_, err = t.Grant(t.Context(), credits.Grant{Account: alice, Key: "r", Kind: credits.Bonus, Amount: 5})
			wantErr(t, err, credits.ErrKeyReused, "Grant under a refund's key")
			_, err = t.Adjust(t.Context(), credits.Adjust{Account: alice, Key: "r", Amount: 5, Who: "ann", Why: "it was bad"})
			wantErr(t, err, credits.ErrKeyReused, "Adjust under a refund's key")
			t.wantBalance(80, 1)
		}},
	{"ExpiresARefundThatComesTooLate", "what is refunded to a bucket that has expired in the meantime expires at once; the rest goes back",
		func(t *ledgerTest) {
			t.grant(10)
			t.grantOf(credits.Grant{Key: "g", Amount: 10, Priority: 1, ExpiresAt: t.in(time.Hour)})
			t.charge("k", 15)
			t.clock.advance(time.Hour)
			t.refund("r", "k", 8)
			t.wantLines(4, "expired -5 2:5; refund 8 2:5 1:3; expired -5 2:5")
			t.wantLeft("grant/1 3")
			t.wantBalance(3, 0)
		}},
	{"RefundsDebtThatIsNotPaid", "a refund of what was charged into debt pays that debt",
		func(t *ledgerTest) {
			t.intoDebt() // the last 50 were all owed
			t.refund("r", "debt/late", 20)
			t.wantBalance(-30, 0)
			t.wantLeft("")
			t.refund("r2", "debt/late", 30)
			t.wantBalance(0, 0)
			t.wantLines(4, "refund 20 0:20; refund 30 0:30")
		}},
	{"RefundsDebtThatWasPaid", "a refund of what was charged into debt, and paid since, is a bucket of its own",
		func(t *ledgerTest) {
			t.intoDebt()
			t.grantOf(credits.Grant{Key: "pays", Amount: 40})
			t.refund("r", "debt/late", 30) // ten are owed
			t.wantLines(5, "refund 30 0:10")
			t.wantLeft("r 20")
			t.wantBalance(20, 0)
			got, err := t.Buckets(t.Context(), alice)
			must(t, err, "Buckets")
			if len(got) != 1 || got[0].Kind != credits.Refunded || got[0].Number != 5 || got[0].Amount != 20 || !got[0].ExpiresAt.IsZero() {
				t.Errorf("Buckets = %+v, want one of 20 that was refunded and never expires", got)
			}
			t.charge("k", 20)
			t.wantBalance(0, 0)
		}},
	{"RefusesARefundThatIsNone", "a refund needs account, key, charge, a positive amount, who and why: else ErrInvalid",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k", 30)
			for name, change := range map[string]func(*credits.Refund){
				"no account":      func(r *credits.Refund) { r.Account = "" },
				"no key":          func(r *credits.Refund) { r.Key = "" },
				"no charge":       func(r *credits.Refund) { r.Charge = "" },
				"no amount":       func(r *credits.Refund) { r.Amount = 0 },
				"negative amount": func(r *credits.Refund) { r.Amount = -1 },
				"no who":          func(r *credits.Refund) { r.Who = "" },
				"no why":          func(r *credits.Refund) { r.Why = "\t" },
			} {
				r := refund("r", "k", 5)
				change(&r)
				_, err := t.Refund(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Refund with "+name)
			}
			t.wantEntries(2)
		}},
	{"PaysDebtWithWhatComesBack", "debt is paid first by the next credits that are free: those of a release, of an expired hold, of a settle below its hold, or of a refund",
		func(t *ledgerTest) {
			t.grant(100)
			for _, key := range []credits.Key{"released", "settled", "expired"} {
				t.hold(request(key, 30))
			}
			t.charge("charged", 10)
			t.adjust("debt", -75)
			t.wantBalance(15, 90)
			t.wantLeft("grant/1 90/90")
			t.release("released", first)
			t.wantLeft("grant/1 60/60")
			t.settle("settled", 10)
			t.wantLeft("grant/1 30/30") // 25 are owed
			t.refund("r", "charged", 5)
			t.wantLeft("grant/1 30/30") // 20 are owed
			_, err := t.Hold(t.Context(), request("k", 1))
			t.wantInsufficient(err, 1, -20, 30)
			t.clock.advance(ttl)
			t.wantLeft("grant/1 10")
			t.wantBalance(10, 0)
			t.charge("k", 10)
			t.wantBalance(0, 0)
		}},
	{"ChargesNothingInDebt", "an account in debt gets no charge and no extension, though its open holds settle",
		func(t *ledgerTest) {
			t.grant(10)
			t.hold(request("k", 8))
			t.adjust("debt", -5)
			_, err := t.Charge(t.Context(), charge("c", 1))
			t.wantInsufficient(err, 1, -3, 8)
			_, err = t.Extend(t.Context(), extend("k", 9))
			t.wantInsufficient(err, 1, -3, 8)
			t.settle("k", 8)
			t.wantBalance(-3, 0)
			t.grant(3)
			_, err = t.Charge(t.Context(), charge("c", 1))
			t.wantInsufficient(err, 1, 0, 0)
		}},
	{"KeepsTheHashChain", "every entry has a hash of its own that Entries yields as the mutation returned it; the last is the head that Verify reports, and the same history has the same head",
		func(t *ledgerTest) {
			e := t.grant(100)
			t.hold(request("k", 30))
			t.settle("k", 12)
			r := t.refund("r", "k", 2)
			seen := map[[32]byte]bool{{}: true}
			entries := t.entries(alice)
			for _, e := range entries {
				if seen[e.Hash] {
					t.Errorf("entry %d has no hash of its own: %x", e.Number, e.Hash)
				}
				seen[e.Hash] = true
			}
			if entries[0].Hash != e.Hash || entries[2].Hash != r.Hash {
				t.Errorf("Entries has hashes %x and %x, want %x and %x as Grant and Refund returned them", entries[0].Hash, entries[2].Hash, e.Hash, r.Hash)
			}
			report, err := t.Verify(t.Context(), alice)
			must(t, err, "Verify")
			if want := fmt.Sprintf("%x", entries[2].Hash); report.Head != want {
				t.Errorf("Verify.Head = %s, want that of the last entry, %s", report.Head, want)
			}
			t.hold(request("k2", 5)) // which is no entry
			t.release("k2", first)
			again, err := t.Verify(t.Context(), alice)
			must(t, err, "Verify")
			if again.Head != report.Head {
				t.Errorf("Verify.Head = %s, want %s still", again.Head, report.Head)
			}
		}},
}

// refund asks to refund a charge of alice's.
func refund(key, charge credits.Key, amount credits.Amount) credits.Refund {
	return credits.Refund{Account: alice, Key: key, Charge: charge, Amount: amount, Who: "ann", Why: "it was bad"}
}

// refund refunds a charge of alice's, which must succeed.
func (t *ledgerTest) refund(key, charge credits.Key, amount credits.Amount) credits.Entry {
	t.Helper()
	e, err := t.Refund(t.Context(), refund(key, charge, amount))
	must(t, err, fmt.Sprintf("Refund(%q, of %q, %d)", key, charge, amount))
	return e
}
