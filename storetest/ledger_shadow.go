package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerShadowCases = []testCase[*ledgerTest]{
	{"KeepsAShadow", "a usage record keeps what its charge would have come to, and so do the receipt and a look-up of the key; a charge that says nothing of it has none",
		func(t *ledgerTest) {
			t.grant(1000)
			for i, want := range []credits.Shadow{
				{}, {Version: 7, Credits: 12}, {Version: 7, Credits: 15, Reason: "ratio+minimum"}, {Version: 8}, {Version: 1<<63 - 1, Credits: maxAmount, Reason: "of its maker"},
			} {
				key := credits.Key(fmt.Sprint("k", i))
				t.wantShadow(key, t.shadowed(alice, key, 12, want), want)
				r := charge(credits.Key(fmt.Sprint("once", i)), 12)
				r.Record.Shadow = want
				got, err := t.Charge(t.Context(), r)
				must(t, err, "Charge")
				t.wantShadow(r.Key, got, want)
			}
		}},
	{"KeepsAShadowWithoutAnAmount", "a shadow that is missing has its version and its reason, and no amount",
		func(t *ledgerTest) {
			t.grant(100)
			want := credits.Shadow{Version: 7, Reason: credits.ShadowMissing}
			t.wantShadow("k", t.shadowed(alice, "k", 12, want), want)
		}},
	{"KeepsTheFirstShadow", "a settle of a settled key returns the winner's record, with the winner's shadow",
		func(t *ledgerTest) {
			t.grant(100)
			want := credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}
			t.shadowed(alice, "k", 12, want)
			late := credits.SettleRequest{Account: alice, Key: "k", Amount: 12, Record: credits.UsageRecord{Shadow: credits.Shadow{Version: 8, Credits: 1}}}
			got, err := t.Settle(t.Context(), late)
			must(t, err, "Settle again")
			t.wantShadow("k", got, want)
		}},
	{"TotalsShadows", "Shadow adds up current and candidate credits by account, operation, model and reason, ordered by these",
		func(t *ledgerTest) {
			t.chargeShadows()
			t.wantShadows(credits.ShadowQuery{Version: 7},
				"alice reading m2  1 4 4 0", "alice reading m2 minimum 1 4 9 5", "alice writing m1 ratio 2 20 30 10", "alice writing m2 ratio 1 10 8 -2", "bob writing m1 ratio 1 10 15 5")
		}},
	{"SelectsShadows", "Shadow is of one version and of one account or of all, charged at or after from and before to, to the microsecond",
		func(t *ledgerTest) {
			start := t.chargeShadows()
			at := func(d time.Duration) time.Time { return start.Add(d) }
			t.wantShadows(credits.ShadowQuery{Version: 8}, "alice writing m1 ratio 1 10 20 10")
			t.wantShadows(credits.ShadowQuery{Version: 9})
			t.wantShadows(credits.ShadowQuery{Version: 7, Account: bob}, "bob writing m1 ratio 1 10 15 5")
			t.wantShadows(credits.ShadowQuery{Version: 7, Account: "nobody"})
			t.wantShadows(credits.ShadowQuery{Version: 7, Account: alice, From: at(time.Second), To: at(3 * time.Second)},
				"alice reading m2  1 4 4 0", "alice writing m1 ratio 1 10 15 5")
			t.wantShadows(credits.ShadowQuery{Version: 7, From: at(4*time.Second + 1), To: at(5*time.Second + 1)}, "bob writing m1 ratio 1 10 15 5")
			t.wantShadows(credits.ShadowQuery{Version: 7, From: at(time.Hour)})
			t.wantShadows(credits.ShadowQuery{Version: 7, To: at(0)})
		}},
	{"ComparesWhatWasPriced", "current credits are what was priced: what was written off beyond the hold counts as what was charged does",
		func(t *ledgerTest) {
			t.grant(100)
			t.shadowed(alice, "k", 45, credits.Shadow{Version: 7, Credits: 50, Reason: "ratio"}) // of which 30 are held
			t.wantShadows(credits.ShadowQuery{Version: 7}, "alice writing m1 ratio 1 45 50 5")
		}},
	{"LeavesRefundsOutOfShadows", "a refund changes nothing in what charges come to beside their shadows",
		func(t *ledgerTest) {
			t.grant(100)
			t.shadowed(alice, "k", 20, credits.Shadow{Version: 7, Credits: 30, Reason: "ratio"})
			t.refund("r", "k", 15)
			t.wantShadows(credits.ShadowQuery{Version: 7}, "alice writing m1 ratio 1 20 30 10")
		}},
	{"CountsWhatIsMissing", "what could not be priced is a group of its own: it has current credits, no candidate's, and no difference",
		func(t *ledgerTest) {
			t.grant(100)
			t.shadowed(alice, "k1", 12, credits.Shadow{Version: 7, Reason: credits.ShadowMissing})
			t.shadowed(alice, "k2", 10, credits.Shadow{Version: 7, Credits: 0, Reason: "ratio"}) // nothing is an amount
			t.wantShadows(credits.ShadowQuery{Version: 7}, "alice writing m1 missing 1 12 0 0", "alice writing m1 ratio 1 10 0 -10")
		}},
	{"DoesNotOverflowAShadow", "a total that does not fit is ErrOverflow and no wrong number; one that fits is exact to the last digit",
		func(t *ledgerTest) {
			t.grant(100)
			t.shadowed(alice, "k1", 1, credits.Shadow{Version: 7, Credits: maxAmount - 3, Reason: "ratio"})
			t.shadowed(alice, "k2", 1, credits.Shadow{Version: 7, Credits: 2, Reason: "ratio"})
			t.wantShadows(credits.ShadowQuery{Version: 7}, fmt.Sprintf("alice writing m1 ratio 2 2 %d %d", maxAmount-1, maxAmount-3))
			t.shadowed(alice, "k3", 1, credits.Shadow{Version: 7, Credits: 2, Reason: "ratio"})
			_, err := t.Shadow(t.Context(), credits.ShadowQuery{Version: 7})
			wantErr(t, err, credits.ErrOverflow, "Shadow of more than the largest amount")
			t.shadowed(alice, "k4", maxAmount, credits.Shadow{Version: 8, Credits: 1})
			t.wantShadows(credits.ShadowQuery{Version: 8}, fmt.Sprintf("alice writing m1  1 %d 1 %d", maxAmount, 1-maxAmount))
			t.shadowed(alice, "k5", maxAmount, credits.Shadow{Version: 8, Credits: 1})
			_, err = t.Shadow(t.Context(), credits.ShadowQuery{Version: 8})
			wantErr(t, err, credits.ErrOverflow, "Shadow beside more than the largest amount")
		}},
	{"RefusesAShadowThatCannotBe", "a query without a version, and a record whose shadow has no version, is negative, or has an amount that is missing: ErrInvalid, and nothing is charged",
		func(t *ledgerTest) {
			t.grant(100)
			for _, version := range []int64{0, -1} {
				_, err := t.Shadow(t.Context(), credits.ShadowQuery{Version: version, Account: alice})
				wantErr(t, err, credits.ErrInvalid, fmt.Sprintf("Shadow of version %d", version))
			}
			t.hold(request("k", 30))
			for _, s := range []credits.Shadow{
				{Version: -1, Credits: 1}, {Credits: 1}, {Reason: "ratio"}, {Version: 7, Credits: -1}, {Version: 7, Credits: 1, Reason: credits.ShadowMissing}, {Version: 7, Reason: strings.Repeat("x", 101)},
			} {
				_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 1, Record: credits.UsageRecord{Shadow: s}})
				wantErr(t, err, credits.ErrInvalid, fmt.Sprintf("Settle with %+v", s))
				r := charge("once", 1)
				r.Record.Shadow = s
				_, err = t.Charge(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, fmt.Sprintf("Charge with %+v", s))
			}
			t.wantBalance(100, 30)
			_, err := t.Shadow(cancelled(t), credits.ShadowQuery{Version: 7})
			wantErr(t, err, context.Canceled, "Shadow")
		}},
}

// shadowed holds 30 credits under a key, and charges an amount of them with a shadow.
func (t *ledgerTest) shadowed(account credits.Account, key credits.Key, amount credits.Amount, shadow credits.Shadow) credits.Receipt {
	t.Helper()
	return t.shadowedAs(account, key, "writing", "m1", amount, shadow)
}

func (t *ledgerTest) shadowedAs(account credits.Account, key credits.Key, operation, model string, amount credits.Amount, shadow credits.Shadow) credits.Receipt {
	t.Helper()
	r := request(key, 30)
	r.Account, r.Operation = account, operation
	t.hold(r)
	receipt, err := t.Settle(t.Context(), credits.SettleRequest{Account: account, Key: key, Amount: amount, Record: credits.UsageRecord{Provider: "p", Model: model, Shadow: shadow}})
	must(t, err, fmt.Sprintf("Settle(%q, %d)", key, amount))
	return receipt
}

// chargeShadows charges alice and bob, a second apart, mostly beside version 7. It returns the time of the first.
func (t *ledgerTest) chargeShadows() time.Time {
	t.Helper()
	t.grant(1000)
	_, err := t.Grant(t.Context(), credits.Grant{Account: bob, Key: "g", Kind: credits.Bonus, Amount: 50})
	must(t, err, "Grant")
	start := t.clock.now()
	for i, c := range []struct {
		account          credits.Account
		operation, model string
		amount           credits.Amount
		shadow           credits.Shadow
	}{
		{alice, "writing", "m2", 10, credits.Shadow{Version: 7, Credits: 8, Reason: "ratio"}},
		{alice, "writing", "m1", 10, credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}},
		{alice, "reading", "m2", 4, credits.Shadow{Version: 7, Credits: 4}},
		{alice, "writing", "m1", 10, credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}},
		{alice, "reading", "m2", 4, credits.Shadow{Version: 7, Credits: 9, Reason: "minimum"}},
		{bob, "writing", "m1", 10, credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}},
		{alice, "writing", "m1", 10, credits.Shadow{Version: 8, Credits: 20, Reason: "ratio"}},
		{alice, "writing", "m1", 10, credits.Shadow{}},
	} {
		t.shadowedAs(c.account, credits.Key(fmt.Sprint("k", i)), c.operation, c.model, c.amount, c.shadow)
		t.clock.advance(time.Second)
	}
	return start
}

// wantShadow checks the shadow of a charge of alice's, wherever it is told.
func (t *ledgerTest) wantShadow(key credits.Key, receipt credits.Receipt, want credits.Shadow) {
	t.Helper()
	if got := receipt.Record.Shadow; got != want {
		t.Errorf("the receipt of %q has the shadow %+v, want %+v", key, got, want)
	}
	held, err := t.Lookup(t.Context(), alice, key)
	must(t, err, "Lookup")
	if held.Receipt == nil || held.Receipt.Record.Shadow != want {
		t.Errorf("Lookup(%q) = %+v, want the shadow %+v", key, held.Receipt, want)
	}
	records := t.records()
	if i := slices.IndexFunc(records, func(r credits.UsageRecord) bool { return r.Key == key }); i < 0 || records[i].Shadow != want {
		t.Errorf("Records = %+v, want the shadow %+v of %q", records, want, key)
	}
}

// wantShadows checks a report, of which each row is account, operation, model, reason, records, current, candidate and
// difference.
func (t *ledgerTest) wantShadows(q credits.ShadowQuery, want ...string) {
	t.Helper()
	rows, err := t.Shadow(t.Context(), q)
	must(t, err, "Shadow")
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%s %s %s %s %d %d %d %d", r.Account, r.Operation, r.Model, r.Reason, r.Records, r.Current, r.Candidate, r.Difference))
	}
	if !slices.Equal(got, want) {
		t.Errorf("Shadow(%+v) = %q, want %q", q, got, want)
	}
}
