package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerUsageCases = []testCase[*ledgerTest]{
	{"TotalsUsage", "Usage adds up what Records selects, in groups, ordered by the group",
		func(t *ledgerTest) {
			t.chargeFour()
			row := func(operation, model string, records int64, charged credits.Amount, tokens int64) credits.UsageRow {
				return credits.UsageRow{UsageGroup: credits.UsageGroup{Operation: operation, Model: model}, Records: records, Charged: charged,
					Cost: decimal.New(records, -2), Usage: usage.Tokens(tokens, 0)}
			}
			for _, c := range []struct {
				name string
				q    credits.UsageQuery
				want []credits.UsageRow
			}{
				{"all", credits.UsageQuery{}, []credits.UsageRow{row("", "", 4, 10, 10)}},
				{"operations", credits.UsageQuery{GroupBy: []credits.Dimension{credits.ByOperation}},
					[]credits.UsageRow{row("reading", "", 2, 7, 7), row("writing", "", 2, 3, 3)}},
				{"models of a scope", credits.UsageQuery{Scope: "run-2", GroupBy: []credits.Dimension{credits.ByModel}},
					[]credits.UsageRow{row("", "m2", 1, 2, 2), row("", "m4", 1, 4, 4)}},
				{"nothing", credits.UsageQuery{Scope: "none"}, nil},
			} {
				c.q.Account = alice
				got, err := t.Usage(t.Context(), c.q)
				must(t, err, "Usage")
				if !sameRows(got, c.want) {
					t.Errorf("Usage of %s = %+v, want %+v", c.name, got, c.want)
				}
			}
		}},
	{"TotalsUsageByTheZonesDays", "a record is of the local day on which it was charged, and the sum of the days is the whole",
		func(t *ledgerTest) {
			t.grant(10_000)
			t.clock.advance(untilMidnight(t.clock.now(), 0))
			for i := range 50 {
				t.charge(credits.Key(fmt.Sprint("k", i)), credits.Amount(i+1))
				t.clock.advance(53 * time.Minute)
			}
			for _, zone := range []string{"", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"} {
				t.wantUsage(credits.UsageQuery{Account: alice, Zone: zone, GroupBy: []credits.Dimension{credits.ByDay}})
			}
		}},
	{"TotalsUsageBetweenAnyTimes", "from is inclusive and to exclusive, to the microsecond, wherever they cut",
		func(t *ledgerTest) {
			t.grant(1000)
			t.clock.advance(untilMidnight(t.clock.now(), 0))
			start := t.clock.now()
			for i := range 30 {
				r := charge(credits.Key(fmt.Sprint("k", i)), credits.Amount(i+1))
				r.Scope, r.Operation, r.Record.Model = fmt.Sprint("run-", i%2), []string{"writing", "reading"}[i/2%2], fmt.Sprint("m", i%3)
				_, err := t.Charge(t.Context(), r)
				must(t, err, "Charge")
				t.clock.advance(7*time.Minute + time.Microsecond)
			}
			at := func(d time.Duration) time.Time { return start.Add(d) }
			for _, span := range []credits.Span{
				{}, {From: at(0), To: at(15 * time.Minute)}, {From: at(7*time.Minute + time.Microsecond)}, {To: at(7*time.Minute + time.Microsecond)},
				{From: at(7*time.Minute + 1001)}, {To: at(7*time.Minute + 1001)},
				{From: at(20 * time.Minute), To: at(22 * time.Minute)}, {From: at(20 * time.Minute), To: at(29 * time.Minute)},
				{From: at(20 * time.Minute), To: at(100 * time.Minute)}, {From: at(30 * time.Minute), To: at(110 * time.Minute)},
				{From: at(time.Hour), To: at(time.Hour)}, {From: at(2 * time.Hour), To: at(time.Hour)}, {From: at(-time.Hour), To: at(0)},
			} {
				for _, scope := range []string{"", "run-1", "none"} {
					for _, by := range [][]credits.Dimension{nil, {credits.ByModel}, {credits.ByScope, credits.ByOperation}, {credits.ByDay, credits.ByProvider, credits.ByAccount}} {
						t.wantUsage(credits.UsageQuery{Account: alice, Scope: scope, From: span.From, To: span.To, GroupBy: by, Zone: "Asia/Kolkata"})
					}
				}
			}
		}},
	{"TotalsUsageLessRefunds", "a refund is counted beside its charge, in the group and at the time of the charge",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k1", 10)
			t.clock.advance(48 * time.Hour)
			t.charge("k2", 20)
			t.refund("r1", "k1", 3)
			t.refund("r2", "k1", 4)
			day := []credits.Dimension{credits.ByDay}
			got := t.wantUsage(credits.UsageQuery{Account: alice, GroupBy: day})
			if len(got) != 2 || got[0].Charged != 10 || got[0].Refunded != 7 || got[1].Charged != 20 || got[1].Refunded != 0 {
				t.Errorf("Usage = %+v, want 10 less 7, and 20", got)
			}
			if r := t.records(); len(r) != 2 || r[0].Refunded != 7 || r[1].Refunded != 0 {
				t.Errorf("Records = %+v, want 7 refunded of the first, and nothing of the second", r)
			}
			t.wantUsage(credits.UsageQuery{Account: alice, To: t.clock.now().Add(time.Microsecond), GroupBy: day})
		}},
	{"TotalsUsageOfAllAccounts", "without an account a query must say that it is of all; by account it has a row for each",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k1", 10)
			_, err := t.Grant(t.Context(), credits.Grant{Account: bob, Key: "g", Kind: credits.Bonus, Amount: 50})
			must(t, err, "Grant")
			r := charge("k1", 7)
			r.Account = bob
			_, err = t.Charge(t.Context(), r)
			must(t, err, "Charge")
			for _, span := range []credits.Span{{}, {From: t.clock.now().Add(-time.Second), To: t.clock.now().Add(time.Second)}} {
				got, err := t.Usage(t.Context(), credits.UsageQuery{AllAccounts: true, From: span.From, To: span.To, GroupBy: []credits.Dimension{credits.ByAccount}})
				must(t, err, "Usage of all accounts")
				if len(got) != 2 || got[0].Account != alice || got[0].Charged != 10 || got[1].Account != bob || got[1].Charged != 7 {
					t.Errorf("Usage of all accounts = %+v, want 10 of alice's and 7 of bob's", got)
				}
				got, err = t.Usage(t.Context(), credits.UsageQuery{AllAccounts: true, Scope: "run-1", From: span.From, To: span.To})
				must(t, err, "Usage of a scope of all accounts")
				if len(got) != 1 || got[0].Charged != 17 {
					t.Errorf("Usage of a scope of all accounts = %+v, want 17", got)
				}
			}
		}},
	{"RefusesUsageThatCannotBeTold", "an unknown dimension or zone, no account and not all of them, or both: ErrInvalid",
		func(t *ledgerTest) {
			for name, q := range map[string]credits.UsageQuery{
				"an unknown dimension":     {Account: alice, GroupBy: []credits.Dimension{"colour"}},
				"an unknown zone":          {Account: alice, Zone: "Europe/Atlantis"},
				"no account":               {},
				"an account, and all":      {Account: alice, AllAccounts: true},
				"the zone of this machine": {Account: alice, Zone: "Local"},
			} {
				_, err := t.Usage(t.Context(), q)
				wantErr(t, err, credits.ErrInvalid, "Usage with "+name)
			}
		}},
	{"DoesNotOverflowATotal", "a total that does not fit is ErrOverflow, and no wrong number; what it is the total of is charged all the same",
		func(t *ledgerTest) {
			for i := range 2 {
				t.grant(maxAmount)
				key := credits.Key(fmt.Sprint("k", i))
				t.hold(request(key, maxAmount))
				t.settle(key, maxAmount)
			}
			_, err := t.Usage(t.Context(), credits.UsageQuery{Account: alice})
			wantErr(t, err, credits.ErrOverflow, "Usage of two times the largest amount")
		}},
}

const maxAmount = credits.Amount(1<<63 - 1)

// wantUsage checks Usage against a sum over all of alice's records, and returns it.
func (t *ledgerTest) wantUsage(q credits.UsageQuery) []credits.UsageRow {
	t.Helper()
	zone, err := time.LoadLocation(q.Zone)
	must(t, err, "LoadLocation")
	groups := map[credits.UsageGroup]credits.UsageRow{}
	for _, r := range collect(t, t.Records(t.Context(), credits.UsageQuery{Account: alice}), "Records") {
		if q.Scope != "" && r.Scope != q.Scope || !q.From.IsZero() && r.At.Before(q.From) || !q.To.IsZero() && !r.At.Before(q.To) {
			continue
		}
		all := credits.UsageGroup{Account: r.Account, Operation: r.Operation, Model: r.Model, Provider: r.Provider, Scope: r.Scope, Day: r.At.In(zone).Format(time.DateOnly)}
		var g credits.UsageGroup
		for _, d := range q.GroupBy {
			switch d {
			case credits.ByAccount:
				g.Account = all.Account
			case credits.ByOperation:
				g.Operation = all.Operation
			case credits.ByModel:
				g.Model = all.Model
			case credits.ByProvider:
				g.Provider = all.Provider
			case credits.ByScope:
				g.Scope = all.Scope
			case credits.ByDay:
				g.Day = all.Day
			}
		}
		row := groups[g]
		row.UsageGroup = g
		row.Records++
		row.Charged += r.Charged
		row.WrittenOff += r.WrittenOff
		row.Refunded += r.Refunded
		row.Cost = row.Cost.Add(r.Cost)
		row.Usage, err = row.Usage.Add(r.Usage)
		must(t, err, "Usage.Add")
		groups[g] = row
	}
	got, err := t.Usage(t.Context(), q)
	must(t, err, "Usage")
	if len(got) != len(groups) {
		t.Errorf("Usage(%+v) has %d rows, want %d", q, len(got), len(groups))
	}
	for _, row := range got {
		if want := groups[row.UsageGroup]; !sameRows([]credits.UsageRow{row}, []credits.UsageRow{want}) {
			t.Errorf("Usage(%+v) = %+v, want %+v", q, row, want)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b credits.UsageRow) int { return strings.Compare(a.Day, b.Day) }) {
		t.Errorf("Usage(%+v) = %+v, want it ordered by day", q, got)
	}
	return got
}

func sameRows(got, want []credits.UsageRow) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		g := got[i]
		sameCost := g.Cost.Equal(want[i].Cost)
		g.Cost = want[i].Cost
		if !sameCost || g != want[i] {
			return false
		}
	}
	return true
}
