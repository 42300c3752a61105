package storetest

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerReadCases = []testCase[*ledgerTest]{
	{"NumbersEntriesWithoutGaps", "entries are numbered 1, 2, 3 and carry the balance after them; what was refused or released leaves no gap",
		func(t *ledgerTest) {
			t.grant(100)
			for i := range credits.Amount(5) {
				key := credits.Key(fmt.Sprint("k", i))
				t.hold(request(key, 30))
				_, err := t.Hold(t.Context(), request("too much", 1000))
				wantErr(t, err, credits.ErrInsufficient, "Hold of too much")
				if i%2 == 0 {
					t.settle(key, i)
				} else {
					t.release(key, first)
				}
			}
			t.grant(10)
			var got []credits.Amount
			for _, e := range t.entries(alice) {
				got = append(got, e.BalanceAfter)
			}
			if want := []credits.Amount{100, 100, 98, 94, 104}; !reflect.DeepEqual(got, want) {
				t.Errorf("balance_after = %v, want %v", got, want)
			}
		}},
	{"PagesEntries", "Entries begins after the number it is given, ends before the other and at its limit, and yields the last ones first if it is asked to",
		func(t *ledgerTest) {
			for range 5 {
				t.grant(1)
			}
			for _, c := range []struct {
				q    credits.EntryQuery
				want string
			}{
				{credits.EntryQuery{}, "12345"},
				{credits.EntryQuery{After: 3}, "45"},
				{credits.EntryQuery{Limit: 2}, "12"},
				{credits.EntryQuery{After: 1, Limit: 3}, "234"},
				{credits.EntryQuery{After: 4, Limit: 3}, "5"},
				{credits.EntryQuery{After: 5}, ""},
				{credits.EntryQuery{Before: 3}, "12"},
				{credits.EntryQuery{Before: 1}, ""},
				{credits.EntryQuery{Before: 99}, "12345"},
				{credits.EntryQuery{After: 1, Before: 4, Limit: 5}, "23"},
				{credits.EntryQuery{After: 4, Before: 2}, ""},
				{credits.EntryQuery{Newest: true}, "54321"},
				{credits.EntryQuery{Newest: true, Limit: 2}, "54"},
				{credits.EntryQuery{Newest: true, Before: 4, Limit: 2}, "32"},
				{credits.EntryQuery{Newest: true, After: 3}, "54"},
				{credits.EntryQuery{Newest: true, After: 1, Before: 5, Limit: 9}, "432"},
				{credits.EntryQuery{After: 99}, ""},
			} {
				c.q.Account = alice
				got := ""
				for _, e := range collect(t, t.Entries(t.Context(), c.q), "Entries") {
					got += fmt.Sprint(e.Number)
				}
				if got != c.want {
					t.Errorf("Entries(%+v) = %q, want %q", c.q, got, c.want)
				}
			}
		}},
	{"SelectsUsageRecords", "Records come in the order of their entries and are selected by scope and by time, from inclusive, to exclusive",
		func(t *ledgerTest) {
			start := t.chargeFour()
			for _, c := range []struct {
				name string
				q    credits.UsageQuery
				want string
			}{
				{"all", credits.UsageQuery{}, "k1 k2 k3 k4 "},
				{"a scope", credits.UsageQuery{Scope: "run-2"}, "k2 k4 "},
				{"from", credits.UsageQuery{From: start.Add(2 * time.Second)}, "k3 k4 "},
				{"to", credits.UsageQuery{To: start.Add(2 * time.Second)}, "k1 k2 "},
				{"between", credits.UsageQuery{From: start.Add(time.Second), To: start.Add(3 * time.Second)}, "k2 k3 "},
				{"a scope between", credits.UsageQuery{Scope: "run-1", From: start.Add(time.Second), To: start.Add(3 * time.Second)}, "k3 "},
			} {
				c.q.Account = alice
				got := ""
				for _, r := range collect(t, t.Records(t.Context(), c.q), "Records") {
					got += string(r.Key) + " "
				}
				if got != c.want {
					t.Errorf("Records of %s = %q, want %q", c.name, got, c.want)
				}
			}
		}},
	{"StopsWhenTheLoopStops", "a loop may leave a sequence early and use the ledger afterwards",
		func(t *ledgerTest) {
			t.chargeFour()
			q := credits.UsageQuery{Account: alice}
			for range 20 {
				for range t.Entries(t.Context(), credits.EntryQuery{Account: alice}) {
					break
				}
				for range t.Records(t.Context(), q) {
					break
				}
				for range t.Attempts(t.Context(), credits.AttemptQuery{Account: alice}) {
					break
				}
			}
			t.grant(1)
		}},
	{"LetsTheLoopUseTheLedger", "reads are safe beside mutations: the body of a loop may hold and settle",
		func(t *ledgerTest) {
			t.chargeFour()
			n := 0
			for e, err := range t.Entries(t.Context(), credits.EntryQuery{Account: alice, Limit: 3}) {
				must(t, err, "Entries")
				key := credits.Key(fmt.Sprint("in the loop/", e.Number))
				t.hold(request(key, 1))
				t.settle(key, 1)
				n++
			}
			if n != 3 {
				t.Errorf("Entries yields %d, want 3", n)
			}
		}},
	{"CountsWhatItVerified", "Verify replays every entry and sees every hold in any state",
		func(t *ledgerTest) {
			t.grant(100)
			for _, key := range []credits.Key{"open", "settled", "released", "expired"} {
				t.hold(request(key, 10))
			}
			t.settle("settled", 4)
			t.release("released", first)
			r, err := t.Verify(t.Context(), alice)
			must(t, err, "Verify")
			if !r.OK() || r.Account != alice || r.Entries != 2 || r.Holds != 4 || r.Buckets != 1 || r.Posted != 96 || r.Held != 20 {
				t.Errorf("Verify = %+v, want 2 entries, 4 holds, 1 bucket, 96 posted, 20 held", r)
			}
			t.adjust("all of it", -76)
			t.settle("open", 10)
			t.settle("expired", 10)
			t.grantOf(credits.Grant{Key: "more", Amount: 5})
			if r, err := t.Verify(t.Context(), alice); err != nil || r.Buckets != 2 {
				t.Errorf("Verify = %+v, %v, want 2 buckets: also the one of which nothing is left", r, err)
			}
		}},
	{"EndsASequenceWithTheContextsError", "with a cancelled context a sequence yields the context's error and ends; other reads return it",
		func(t *ledgerTest) {
			t.chargeFour()
			ctx := cancelled(t)
			wantOneError(t, "Entries", t.Entries(ctx, credits.EntryQuery{Account: alice}))
			wantOneError(t, "Records", t.Records(ctx, credits.UsageQuery{Account: alice}))
			wantOneError(t, "Attempts", t.Attempts(ctx, credits.AttemptQuery{Account: alice}))
			_, err := t.Balance(ctx, alice)
			wantErr(t, err, context.Canceled, "Balance")
			_, err = t.Buckets(ctx, alice)
			wantErr(t, err, context.Canceled, "Buckets")
			_, err = t.Lookup(ctx, alice, "k1")
			wantErr(t, err, context.Canceled, "Lookup")
			_, err = t.Caps(ctx, alice)
			wantErr(t, err, context.Canceled, "Caps")
			_, err = t.Events(ctx, 1)
			wantErr(t, err, context.Canceled, "Events")
			_, err = t.Usage(ctx, credits.UsageQuery{Account: alice})
			wantErr(t, err, context.Canceled, "Usage")
			_, err = t.Verify(ctx, alice)
			wantErr(t, err, context.Canceled, "Verify")
		}},
}

// chargeFour charges k1 to k4 with 1 to 4 credits, a second apart, k1 and k3 in run-1, k2 and k4 in run-2, the first
// two for writing and the others for reading, each by a model of its own. It returns the time of the first.
func (t *ledgerTest) chargeFour() time.Time {
	t.Helper()
	t.grant(100)
	start := t.clock.now()
	for i := range 4 {
		r := request(credits.Key(fmt.Sprint("k", i+1)), 10)
		r.Scope = fmt.Sprint("run-", i%2+1)
		if i >= 2 {
			r.Operation = "reading"
		}
		r.First = credits.Attempt{ID: fmt.Sprint("a", i+1)}
		t.hold(r)
		_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: r.Key, Amount: credits.Amount(i + 1),
			Record: credits.UsageRecord{Provider: "p", Model: fmt.Sprint("m", i+1), Usage: usage.Tokens(int64(i+1), 0), Cost: decimal.New(1, -2)}})
		must(t, err, "Settle")
		t.clock.advance(time.Second)
	}
	return start
}

func wantOneError[T any](t tb, what string, seq func(func(T, error) bool)) {
	t.Helper()
	var errs []error
	for _, err := range seq {
		errs = append(errs, err)
	}
	if len(errs) != 1 {
		t.Errorf("%s with a cancelled context yields %d times, want once", what, len(errs))
		return
	}
	wantErr(t, errs[0], context.Canceled, what)
}
