package credits_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// noon is when a slot begins.
var noon = start

func record(operation, provider, model, scope string, charged credits.Amount) credits.UsageRecord {
	return credits.UsageRecord{Account: acme, Operation: operation, Provider: provider, Model: model, Scope: scope, Charged: charged, WrittenOff: 1,
		Refunded: charged / 2, Cost: decimal.New(int64(charged), -3), Usage: usage.Tokens(int64(charged), 1), At: noon}
}

var someRecords = []credits.UsageRecord{
	record("write", "p2", "m1", "run-2", 10),
	record("draw", "p1", "m2", "run-1", 20),
	record("write", "p1", "m1", "run-1", 30),
	record("write", "p1", "m2", "", 40),
}

// ofRecord is what a total of one record has.
func ofRecord(r credits.UsageRecord) credits.UsageTotal {
	return credits.UsageTotal{Account: r.Account, Slot: r.At.Truncate(15 * time.Minute), Operation: r.Operation, Provider: r.Provider, Model: r.Model,
		FirstEntry: r.Entry, LastEntry: r.Entry, Records: 1, Charged: r.Charged, WrittenOff: r.WrittenOff, Refunded: r.Refunded, Cost: r.Cost, Usage: r.Usage}
}

// rowsOf is the rows of a query, of records that are all in slots that it cuts.
func rowsOf(q credits.UsageQuery, records iter.Seq2[credits.UsageRecord, error]) ([]credits.UsageRow, error) {
	p, err := q.Plan()
	if err != nil {
		return nil, err
	}
	return p.Rows(each[credits.UsageTotal](), records)
}

func TestUsageIsGroupedByEachDimension(t *testing.T) {
	row := func(g credits.UsageGroup, records int64, charged credits.Amount) credits.UsageRow {
		return credits.UsageRow{UsageGroup: g, Records: records, Charged: charged, WrittenOff: credits.Amount(records), Refunded: charged / 2,
			Cost: decimal.New(int64(charged), -3), Usage: usage.Tokens(int64(charged), records)}
	}
	elsewhere := record("write", "p1", "m1", "run-1", 8)
	elsewhere.Account, elsewhere.At = "zeta", noon.Add(-24*time.Hour)
	group := func(operation, provider, model, scope string) credits.UsageGroup {
		return credits.UsageGroup{Operation: operation, Provider: provider, Model: model, Scope: scope}
	}
	for _, c := range []struct {
		rule string
		by   []credits.Dimension
		want []credits.UsageRow
	}{
		{"WithoutADimensionIsOneRow", nil, []credits.UsageRow{row(credits.UsageGroup{}, 5, 108)}},
		{"ByAccount", []credits.Dimension{credits.ByAccount}, []credits.UsageRow{row(credits.UsageGroup{Account: acme}, 4, 100), row(credits.UsageGroup{Account: "zeta"}, 1, 8)}},
		{"ByOperation", []credits.Dimension{credits.ByOperation}, []credits.UsageRow{row(group("draw", "", "", ""), 1, 20), row(group("write", "", "", ""), 4, 88)}},
		{"ByProvider", []credits.Dimension{credits.ByProvider}, []credits.UsageRow{row(group("", "p1", "", ""), 4, 98), row(group("", "p2", "", ""), 1, 10)}},
		{"ByModel", []credits.Dimension{credits.ByModel}, []credits.UsageRow{row(group("", "", "m1", ""), 3, 48), row(group("", "", "m2", ""), 2, 60)}},
		{"ByScopeTheEmptyOneFirst", []credits.Dimension{credits.ByScope}, []credits.UsageRow{row(group("", "", "", ""), 1, 40), row(group("", "", "", "run-1"), 3, 58), row(group("", "", "", "run-2"), 1, 10)}},
		{"ByDay", []credits.Dimension{credits.ByDay}, []credits.UsageRow{row(credits.UsageGroup{Day: "2026-02-28"}, 1, 8), row(credits.UsageGroup{Day: "2026-03-01"}, 4, 100)}},
		{"ByAllIsOrderedByDayAccountOperationProviderModelScope",
			[]credits.Dimension{credits.ByScope, credits.ByModel, credits.ByProvider, credits.ByAccount, credits.ByOperation, credits.ByDay, credits.ByScope}, []credits.UsageRow{
				row(credits.UsageGroup{Day: "2026-02-28", Account: "zeta", Operation: "write", Provider: "p1", Model: "m1", Scope: "run-1"}, 1, 8),
				row(credits.UsageGroup{Day: "2026-03-01", Account: acme, Operation: "draw", Provider: "p1", Model: "m2", Scope: "run-1"}, 1, 20),
				row(credits.UsageGroup{Day: "2026-03-01", Account: acme, Operation: "write", Provider: "p1", Model: "m1", Scope: "run-1"}, 1, 30),
				row(credits.UsageGroup{Day: "2026-03-01", Account: acme, Operation: "write", Provider: "p1", Model: "m2", Scope: ""}, 1, 40),
				row(credits.UsageGroup{Day: "2026-03-01", Account: acme, Operation: "write", Provider: "p2", Model: "m1", Scope: "run-2"}, 1, 10)}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := rowsOf(credits.UsageQuery{AllAccounts: true, GroupBy: c.by}, each(append(slices.Clone(someRecords), elsewhere)...))
			if err != nil {
				t.Fatal(err)
			}
			if d := differ(c.want, got); d != "" {
				t.Error("the rows differ:\n", d)
			}
		})
	}
	t.Run("OfNothingIsNoRow", func(t *testing.T) {
		got, err := rowsOf(credits.UsageQuery{Account: acme}, each[credits.UsageRecord]())
		if len(got) != 0 || got == nil || err != nil {
			t.Errorf("Rows = %v, %v; want an empty list", got, err)
		}
	})
}

func TestUsageThatCannotBeToldIsRefused(t *testing.T) {
	broken := errors.New("the store is gone")
	most := record("", "", "", "", math.MaxInt64)
	for _, c := range []struct {
		rule    string
		records []credits.UsageRecord
		want    error
	}{
		{"ChargesThatDoNotFit", []credits.UsageRecord{{Charged: math.MaxInt64 - 1}, {Charged: 2}}, credits.ErrOverflow},
		{"ChargesThatComeToWhatStandsForAllThatDoNotFit", []credits.UsageRecord{{Charged: math.MaxInt64 - 1}, {Charged: 1}}, credits.ErrOverflow},
		{"ATotalThatDidNotFit", []credits.UsageRecord{most}, credits.ErrOverflow},
		{"WriteOffsThatDoNotFit", []credits.UsageRecord{{WrittenOff: math.MaxInt64 - 1}, {WrittenOff: 2}}, credits.ErrOverflow},
		{"RefundsThatDoNotFit", []credits.UsageRecord{{Refunded: math.MaxInt64 - 1}, {Refunded: 2}}, credits.ErrOverflow},
		{"UsageThatDoesNotFit", []credits.UsageRecord{{Usage: usage.Tokens(math.MaxInt64, 0)}, {Usage: usage.Tokens(1, 0)}}, usage.ErrInvalid},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := credits.UsageQuery{Account: acme, GroupBy: []credits.Dimension{credits.ByModel}}.Plan()
			if err != nil {
				t.Fatal(err)
			}
			var totals []credits.UsageTotal
			for _, r := range c.records {
				totals = append(totals, ofRecord(r))
			}
			for from, read := range map[string]func() ([]credits.UsageRow, error){
				"records": func() ([]credits.UsageRow, error) { return p.Rows(each[credits.UsageTotal](), each(c.records...)) },
				"totals":  func() ([]credits.UsageRow, error) { return p.Rows(each(totals...), each[credits.UsageRecord]()) },
				"both":    func() ([]credits.UsageRow, error) { return p.Rows(each(totals[1:]...), each(c.records[:1]...)) },
			} {
				rows, err := read()
				if rows != nil || !errors.Is(err, c.want) {
					t.Errorf("Rows of %s = %v, %v; want %v and no rows beside it", from, rows, err, c.want)
				}
			}
		})
	}
	t.Run("TheLargestThatFitsIsTold", func(t *testing.T) {
		rows, err := rowsOf(credits.UsageQuery{Account: acme}, each(credits.UsageRecord{Charged: math.MaxInt64 - 2}, credits.UsageRecord{Charged: 1}))
		if err != nil || len(rows) != 1 || rows[0].Charged != math.MaxInt64-1 {
			t.Errorf("Rows = %v, %v; want a row of %d", rows, err, int64(math.MaxInt64-1))
		}
	})
	t.Run("WhatCannotBeReadEndsIt", func(t *testing.T) {
		p, err := credits.UsageQuery{Account: acme}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		totals := func(yield func(credits.UsageTotal, error) bool) {
			for read = 1; yield(credits.UsageTotal{}, broken); read++ {
			}
		}
		rows, err := p.Rows(totals, each(someRecords...))
		if rows != nil || !errors.Is(err, broken) || read != 1 {
			t.Errorf("Rows of totals = %v, %v after %d of them; want the first error", rows, err, read)
		}
		records := func(yield func(credits.UsageRecord, error) bool) {
			for read = 1; yield(credits.UsageRecord{}, broken); read++ {
			}
		}
		if rows, err := p.Rows(each[credits.UsageTotal](), records); rows != nil || !errors.Is(err, broken) || read != 1 {
			t.Errorf("Rows of records = %v, %v after %d of them; want the first error", rows, err, read)
		}
	})
}

func TestAQueryIsWrongByItself(t *testing.T) {
	for _, c := range []struct {
		rule string
		q    credits.UsageQuery
		says string
	}{
		{"OfNobody", credits.UsageQuery{}, "want an account, or AllAccounts"},
		{"OfOneAndOfAll", credits.UsageQuery{Account: acme, AllAccounts: true}, "want an account, or AllAccounts"},
		{"OfAnUnknownDimension", credits.UsageQuery{Account: acme, GroupBy: []credits.Dimension{credits.ByModel, "month"}}, `unknown dimension "month"`},
		{"OfALocalZone", credits.UsageQuery{Account: acme, Zone: "Local"}, `unknown zone "Local"`},
		{"OfAnUnknownZone", credits.UsageQuery{Account: acme, Zone: "Europe/Atlantis"}, `unknown zone "Europe/Atlantis": want an IANA name`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := c.q.Plan()
			wantError(t, err, credits.ErrInvalid)
			wantText(t, err, "credits: usage: ", c.says)
		})
	}
}

func TestUsageByDayIsOfTheZone(t *testing.T) {
	at := func(day, hour int, charged credits.Amount) credits.UsageRecord {
		return credits.UsageRecord{Charged: charged, At: time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC)}
	}
	records := []credits.UsageRecord{at(2, 12, 1), at(1, 23, 2), at(1, 22, 4)} // 23:00 is the next day in Berlin
	for _, c := range []struct{ zone, want string }{
		{"", "2026-03-01 6, 2026-03-02 1"},
		{"UTC", "2026-03-01 6, 2026-03-02 1"},
		{"Europe/Berlin", "2026-03-01 4, 2026-03-02 3"},
	} {
		rows, err := rowsOf(credits.UsageQuery{Account: acme, GroupBy: []credits.Dimension{credits.ByDay}, Zone: c.zone}, each(records...))
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %d", r.Day, r.Charged))
		}
		if text := strings.Join(got, ", "); err != nil || text != c.want {
			t.Errorf("days of zone %q are %q (%v), want %q", c.zone, text, err, c.want)
		}
	}
}

func TestAPlanReadsTotalsOfWholeSlotsAndRecordsOfCutOnes(t *testing.T) {
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	never := time.Time{}
	span := func(from, to time.Time) credits.Span { return credits.Span{From: from, To: to} }
	for _, c := range []struct {
		rule     string
		from, to time.Time
		slots    credits.Span
		edges    []credits.Span
	}{
		{"AllOfIt", never, never, span(never, never), nil},
		{"WholeSlots", at(15), at(45), span(at(15), at(45)), nil},
		{"CutAtBothEnds", at(7), at(52), span(at(15), at(45)), []credits.Span{span(at(7), at(15)), span(at(45), at(52))}},
		{"CutAtTheFirst", at(7), at(45), span(at(15), at(45)), []credits.Span{span(at(7), at(15))}},
		{"CutAtTheLast", at(15), at(52), span(at(15), at(45)), []credits.Span{span(at(45), at(52))}},
		{"WithoutAnEnd", at(7), never, span(at(15), never), []credits.Span{span(at(7), at(15))}},
		{"WithoutABeginning", never, at(52), span(never, at(45)), []credits.Span{span(at(45), at(52))}},
		{"WithinOneSlot", at(16), at(17), span(at(30), at(30)), []credits.Span{span(at(16), at(17))}},
		{"TheFirstPartOfASlot", at(15), at(17), span(at(15), at(15)), []credits.Span{span(at(15), at(17))}},
		{"TheLastPartOfASlot", at(17), at(30), span(at(30), at(30)), []credits.Span{span(at(17), at(30))}},
		{"PartsOfTwoSlots", at(17), at(31), span(at(30), at(30)), []credits.Span{span(at(17), at(30)), span(at(30), at(31))}},
		{"NothingAtAll", at(17), at(17), span(at(17), at(17)), nil},
		{"BackInTime", at(52), at(7), span(at(52), at(52)), nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := credits.UsageQuery{Account: acme, From: c.from, To: c.to}.Plan()
			if err != nil || p.Slots != c.slots || !slices.Equal(p.Edges, c.edges) {
				t.Errorf("Plan = slots %v, edges %v, %v; want %v and %v", p.Slots, p.Edges, err, c.slots, c.edges)
			}
		})
	}
	t.Run("OfScopesWhereItTellsThemApart", func(t *testing.T) {
		for _, c := range []struct {
			q    credits.UsageQuery
			want bool
		}{
			{credits.UsageQuery{Account: acme}, false},
			{credits.UsageQuery{Account: acme, GroupBy: []credits.Dimension{credits.ByDay}}, false},
			{credits.UsageQuery{Account: acme, Scope: "run-1"}, true},
			{credits.UsageQuery{Account: acme, GroupBy: []credits.Dimension{credits.ByDay, credits.ByScope}}, true},
		} {
			if p, err := c.q.Plan(); err != nil || p.Scoped != c.want {
				t.Errorf("Plan of %+v reads totals of scopes: %t, %v; want %t", c.q, p.Scoped, err, c.want)
			}
		}
	})
}

func TestASpanIsFromItsBeginningAndBeforeItsEnd(t *testing.T) {
	never, later := time.Time{}, noon.Add(time.Hour)
	for _, c := range []struct {
		span  credits.Span
		holds []bool // the moment before From, From, the moment before To, To
		empty bool
	}{
		{credits.Span{From: noon, To: later}, []bool{false, true, true, false}, false},
		{credits.Span{From: noon}, []bool{false, true, true, true}, false},
		{credits.Span{To: later}, []bool{true, true, true, false}, false},
		{credits.Span{From: never, To: never}, []bool{true, true, true, true}, false},
		{credits.Span{From: noon, To: noon}, []bool{false, false, false, false}, true},
		{credits.Span{From: later, To: noon}, []bool{false, false, false, false}, true},
	} {
		var got []bool
		for _, at := range []time.Time{noon.Add(-1), noon, later.Add(-1), later} {
			got = append(got, c.span.Contains(at))
		}
		if !slices.Equal(got, c.holds) || c.span.Empty() != c.empty {
			t.Errorf("span %v contains %v and is empty: %t; want %v and %t", c.span, got, c.span.Empty(), c.holds, c.empty)
		}
	}
}

func TestATotalThatDoesNotFitStaysAtTheLargest(t *testing.T) {
	few := credits.UsageTotal{FirstEntry: 3, LastEntry: 3, Records: 1, Charged: 1, WrittenOff: 2, Refunded: 3, Cost: decimal.New(5, -1), Usage: usage.Tokens(4, 5)}
	most := credits.UsageTotal{FirstEntry: 2, LastEntry: 7, Records: 2, Charged: math.MaxInt64, WrittenOff: math.MaxInt64 - 1, Refunded: math.MaxInt64 - 2,
		Cost: decimal.New(25, -2), Usage: usage.Tokens(math.MaxInt64, math.MaxInt64-5)}
	want := credits.UsageTotal{FirstEntry: 2, LastEntry: 7, Records: 3, Charged: math.MaxInt64, WrittenOff: math.MaxInt64, Refunded: math.MaxInt64,
		Cost: decimal.New(75, -2), Usage: usage.Tokens(math.MaxInt64, math.MaxInt64)}
	for _, sum := range []func() credits.UsageTotal{
		func() credits.UsageTotal { a, b := few, most; a.Add(&b); return a },
		func() credits.UsageTotal { a, b := most, few; a.Add(&b); return a },
	} {
		if d := differ(want, sum()); d != "" {
			t.Error("the sum differs:\n", d)
		}
	}
	t.Run("AndNoChargeIsRefusedForIt", func(t *testing.T) {
		l := opened(t, math.MaxInt64)
		for i, k := range []credits.Key{"c1", "c2"} {
			l.must(named(charge(math.MaxInt64), k))
			l.must(granted(credits.Key(fmt.Sprint("more", i)), math.MaxInt64))
		}
		for _, total := range l.totals {
			if total.Charged != math.MaxInt64 || total.Records != 2 {
				t.Errorf("total is %+v, want the largest amount of 2 records", total)
			}
		}
		if _, err := l.usage(credits.UsageQuery{Account: acme}); !errors.Is(err, credits.ErrOverflow) {
			t.Errorf("Usage = %v, want ErrOverflow", err)
		}
		l.wantBalance(math.MaxInt64, 0)
	})
}

// wantTotals checks all totals: "[scope] hh:mm operation first-last: records charged/written off/refunded".
func (l *ledger) wantTotals(want ...string) {
	l.Helper()
	var got []string
	for _, t := range l.totals {
		of := "all"
		if t.Scoped {
			of = fmt.Sprintf("[%s]", t.Scope)
		}
		got = append(got, fmt.Sprintf("%s %s %s %d-%d: %d %d/%d/%d", of, t.Slot.Format("15:04"), t.Operation, t.FirstEntry, t.LastEntry, t.Records, t.Charged, t.WrittenOff, t.Refunded))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.Errorf("totals are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := l.audit(acme); !r.OK() || r.Totals != int64(len(l.totals)) {
		l.Errorf("the audit saw %d totals and finds %+v", r.Totals, r.Problems)
	}
}

func TestATotalIsKept(t *testing.T) {
	t.Run("OfTheAccountAndOfTheScope", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		l.must(named(change(charge(20), func(r *credits.Charge) { r.Scope = "" }), "k2"))
		l.wantTotals("all 12:00 write 2-3: 2 30/0/0", "[run-1] 12:00 write 2-2: 1 10/0/0", "[] 12:00 write 3-3: 1 20/0/0")
	})
	t.Run("OfEachOperationProviderAndModel", func(t *testing.T) {
		l := opened(t, 100)
		for i, r := range []credits.Charge{
			charge(1),
			change(charge(2), func(r *credits.Charge) { r.Operation = "draw" }),
			change(charge(3), func(r *credits.Charge) { r.Record.Provider = "p" }),
			change(charge(4), func(r *credits.Charge) { r.Record.Model = "p" }),
		} {
			l.must(named(r, credits.Key(fmt.Sprint("k", i))))
		}
		l.wantTotals("all 12:00 write 2-2: 1 1/0/0", "[run-1] 12:00 write 2-2: 1 1/0/0", "all 12:00 draw 3-3: 1 2/0/0", "[run-1] 12:00 draw 3-3: 1 2/0/0",
			"all 12:00 write 4-4: 1 3/0/0", "[run-1] 12:00 write 4-4: 1 3/0/0", "all 12:00 write 5-5: 1 4/0/0", "[run-1] 12:00 write 5-5: 1 4/0/0")
	})
	t.Run("OfEachQuarterOfAnHour", func(t *testing.T) {
		l := opened(t, 100)
		l.now = noon.Add(15*time.Minute - time.Microsecond)
		l.must(charge(1))
		l.pass(time.Microsecond)
		l.must(named(charge(2), "k2"))
		l.wantTotals("all 12:00 write 2-2: 1 1/0/0", "[run-1] 12:00 write 2-2: 1 1/0/0", "all 12:15 write 3-3: 1 2/0/0", "[run-1] 12:15 write 3-3: 1 2/0/0")
	})
	t.Run("OfTheSlotOfTheSettleAndNotOfTheHold", func(t *testing.T) {
		l := opened(t, 100)
		l.now = noon.Add(14 * time.Minute)
		l.must(change(hold(10, me), func(r *credits.HoldRequest) { r.TTL = time.Hour }))
		l.pass(time.Minute)
		l.must(settle(12))
		l.wantTotals("all 12:15 write 2-2: 1 10/2/0", "[run-1] 12:15 write 2-2: 1 10/2/0")
	})
	t.Run("WithARefundInTheSlotOfItsCharge", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		l.pass(24 * time.Hour)
		l.must(refund("r1", 3))
		l.must(refund("r2", 4))
		l.wantTotals("all 12:00 write 2-2: 1 10/0/7", "[run-1] 12:00 write 2-2: 1 10/0/7")
	})
	t.Run("OnceForWhatIsAskedAgain", func(t *testing.T) {
		l := opened(t, 100)
		for range 2 {
			l.must(charge(10))
			l.must(refund("r1", 3))
		}
		l.wantTotals("all 12:00 write 2-2: 1 10/0/3", "[run-1] 12:00 write 2-2: 1 10/0/3")
	})
	t.Run("OfABatchInOneChange", func(t *testing.T) {
		s := credits.NewState()
		for _, op := range []credits.Op{granted("g", 100), charge(10), named(charge(20), "k2"), refund("r", 5)} {
			if _, err := s.Apply(op, start); err != nil {
				t.Fatal(err)
			}
		}
		for _, total := range s.Changes().Totals {
			if total.Records != 2 || total.Charged != 30 || total.Refunded != 5 {
				t.Errorf("total is %+v, want both charges and the refund", total)
			}
		}
		if n := len(s.Changes().Totals); n != 2 {
			t.Errorf("%d totals change, want the account's and the scope's", n)
		}
	})
	t.Run("AndARefundWithoutItsChargesReceiptIsRefused", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		s := l.read(acme)
		s.LoadHold(l.holds[credits.Ref{Account: acme, Key: key}], nil)
		_, err := s.Apply(refund("r", 5), l.now)
		wantError(t, err, credits.ErrBroken)
		wantText(t, err, "credits: refund", `the receipt of key "k" is missing`, "verify the account")
		if n := len(s.Changes().Entries) + len(s.Changes().Totals); n != 0 {
			t.Errorf("a refund that was refused changed %d rows", n)
		}
	})
}

// TestUsageIsTheSumOfTheRecords compares what a store answers with a sum over all records, whatever the query cuts, and
// checks that the parts of a query add up to the whole.
func TestUsageIsTheSumOfTheRecords(t *testing.T) {
	zones := []string{"", "Asia/Kathmandu", "America/Havana", "Pacific/Apia", "America/St_Johns"}
	rapid.Check(t, func(rt *rapid.T) {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		moment := func(label string) time.Time {
			at := noon.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, label)) * 5 * time.Minute)
			return at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "off")) * time.Microsecond)
		}
		b := newBook()
		if _, errs := b.apply(granted("g", 1<<40), credits.Grant{Account: "zeta", Key: "g", Kind: credits.Plan, Amount: 1 << 40}); errors.Join(errs...) != nil {
			rt.Fatal(errs)
		}
		for i := range rapid.IntRange(0, 25).Draw(rt, "records") {
			b.now = moment("at")
			k := credits.Key(fmt.Sprint("k", i))
			r := credits.Charge{Account: credits.Account(one("account", "acme", "zeta")), Key: k, Operation: one("operation", "draw", "write"), Scope: one("scope", "", "run-1"),
				Amount: credits.Amount(rapid.IntRange(1, 9).Draw(rt, "amount")), Record: credits.UsageRecord{Provider: one("provider", "p1", "p2"), Model: one("model", "m1", "m2"),
					Cost: decimal.New(rapid.Int64Range(0, 99).Draw(rt, "cost"), -2), Usage: usage.Tokens(rapid.Int64Range(0, 9).Draw(rt, "tokens"), 1)}}
			ops := []credits.Op{r}
			if rapid.Bool().Draw(rt, "refund") {
				ops = append(ops, credits.Refund{Account: r.Account, Key: k + "r", Charge: k, Amount: 1, Who: "ann", Why: "it was bad"})
			}
			if _, errs := b.apply(ops...); errors.Join(errs...) != nil {
				rt.Fatal(errs)
			}
		}
		q := credits.UsageQuery{Account: acme, Scope: one("scope", "", "run-1"), Zone: one("zone", zones...),
			GroupBy: rapid.SliceOfDistinct(rapid.SampledFrom([]credits.Dimension{credits.ByAccount, credits.ByOperation, credits.ByModel, credits.ByProvider,
				credits.ByScope, credits.ByDay}), rapid.ID[credits.Dimension]).Draw(rt, "by")}
		if rapid.Bool().Draw(rt, "all accounts") {
			q.Account, q.AllAccounts = "", true
		}
		if rapid.Bool().Draw(rt, "bounded below") {
			q.From = moment("from")
		}
		if rapid.Bool().Draw(rt, "bounded above") {
			q.To = moment("to")
		}
		answer := func(q credits.UsageQuery) []credits.UsageRow {
			rows, err := b.usage(q)
			if err != nil {
				rt.Fatalf("usage of %+v: %v", q, err)
			}
			return rows
		}
		whole := answer(q)
		if d := differ(naiveUsage(b.records(), q), whole); d != "" {
			rt.Fatalf("usage of %+v is not the sum of the records:\n%s", q, d)
		}
		middle := moment("middle")
		if !q.From.IsZero() && middle.Before(q.From) || !q.To.IsZero() && q.To.Before(middle) {
			return
		}
		first, second := q, q
		first.To, second.From = middle, middle
		parts := map[credits.UsageGroup]credits.UsageRow{}
		for _, r := range append(answer(first), answer(second)...) {
			parts[r.UsageGroup] = plus(rt, parts[r.UsageGroup], r)
		}
		for _, r := range whole {
			if d := differ(r, parts[r.UsageGroup]); d != "" || len(parts) != len(whole) {
				rt.Fatalf("usage of %+v until and from %v does not add up to the whole:\n%s", q, middle, d)
			}
		}
	})
}

// naiveUsage goes through all records, and knows nothing of slots.
func naiveUsage(records []credits.UsageRecord, q credits.UsageQuery) []credits.UsageRow {
	out := []credits.UsageRow{}
	for _, r := range records {
		if !q.AllAccounts && r.Account != q.Account || q.Scope != "" && r.Scope != q.Scope ||
			!q.From.IsZero() && r.At.Before(q.From) || !q.To.IsZero() && !r.At.Before(q.To) {
			continue
		}
		row := credits.UsageRow{Records: 1, Charged: r.Charged, WrittenOff: r.WrittenOff, Refunded: r.Refunded, Cost: r.Cost, Usage: r.Usage}
		for dimension, f := range map[credits.Dimension]func(){
			credits.ByAccount:   func() { row.Account = r.Account },
			credits.ByOperation: func() { row.Operation = r.Operation },
			credits.ByProvider:  func() { row.Provider = r.Provider },
			credits.ByModel:     func() { row.Model = r.Model },
			credits.ByScope:     func() { row.Scope = r.Scope },
			credits.ByDay:       func() { row.Day = r.At.In(zone(q.Zone)).Format("2006-01-02") },
		} {
			if slices.Contains(q.GroupBy, dimension) {
				f()
			}
		}
		if i := slices.IndexFunc(out, func(o credits.UsageRow) bool { return o.UsageGroup == row.UsageGroup }); i >= 0 {
			out[i] = plus(nil, out[i], row)
		} else {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b credits.UsageRow) int {
		text := func(r credits.UsageRow) string {
			return strings.Join([]string{r.Day, string(r.Account), r.Operation, r.Provider, r.Model, r.Scope}, "\x00")
		}
		return strings.Compare(text(a), text(b))
	})
	return out
}

func plus(rt *rapid.T, a, b credits.UsageRow) credits.UsageRow {
	sum, err := a.Usage.Add(b.Usage)
	if err != nil {
		rt.Fatal(err)
	}
	return credits.UsageRow{UsageGroup: b.UsageGroup, Records: a.Records + b.Records, Charged: a.Charged + b.Charged, WrittenOff: a.WrittenOff + b.WrittenOff,
		Refunded: a.Refunded + b.Refunded, Cost: a.Cost.Add(b.Cost), Usage: sum}
}
