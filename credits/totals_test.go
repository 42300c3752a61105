package credits_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

func each(records ...credits.UsageRecord) iter.Seq2[credits.UsageRecord, error] {
	return func(yield func(credits.UsageRecord, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func record(operation, provider, model, scope string, charged credits.Amount) credits.UsageRecord {
	return credits.UsageRecord{Operation: operation, Provider: provider, Model: model, Scope: scope, Charged: charged, WrittenOff: 1,
		Cost: decimal.New(int64(charged), -3), Usage: usage.Tokens(int64(charged), 1)}
}

var someRecords = []credits.UsageRecord{
	record("write", "p2", "m1", "run-2", 10),
	record("draw", "p1", "m2", "run-1", 20),
	record("write", "p1", "m1", "run-1", 30),
	record("write", "p1", "m2", "", 40),
}

func TestTotals(t *testing.T) {
	row := func(operation, provider, model, scope string, records int64, charged credits.Amount) credits.UsageRow {
		return credits.UsageRow{Operation: operation, Provider: provider, Model: model, Scope: scope, Records: records, Charged: charged,
			WrittenOff: credits.Amount(records), Cost: decimal.New(int64(charged), -3), Usage: usage.Tokens(int64(charged), records)}
	}
	for _, c := range []struct {
		rule string
		by   []credits.Dimension
		want []credits.UsageRow
	}{
		{"WithoutADimensionIsOneRow", nil, []credits.UsageRow{row("", "", "", "", 4, 100)}},
		{"ByOperation", []credits.Dimension{credits.ByOperation}, []credits.UsageRow{row("draw", "", "", "", 1, 20), row("write", "", "", "", 3, 80)}},
		{"ByProvider", []credits.Dimension{credits.ByProvider}, []credits.UsageRow{row("", "p1", "", "", 3, 90), row("", "p2", "", "", 1, 10)}},
		{"ByModel", []credits.Dimension{credits.ByModel}, []credits.UsageRow{row("", "", "m1", "", 2, 40), row("", "", "m2", "", 2, 60)}},
		{"ByScopeTheEmptyOneFirst", []credits.Dimension{credits.ByScope}, []credits.UsageRow{row("", "", "", "", 1, 40), row("", "", "", "run-1", 2, 50), row("", "", "", "run-2", 1, 10)}},
		{"ByAllIsOrderedByOperationProviderModelScope", []credits.Dimension{credits.ByScope, credits.ByModel, credits.ByProvider, credits.ByOperation, credits.ByScope}, []credits.UsageRow{
			row("draw", "p1", "m2", "run-1", 1, 20), row("write", "p1", "m1", "run-1", 1, 30), row("write", "p1", "m2", "", 1, 40), row("write", "p2", "m1", "run-2", 1, 10)}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := credits.Totals(each(someRecords...), credits.UsageQuery{GroupBy: c.by})
			if err != nil {
				t.Fatal(err)
			}
			if d := differ(normal(c.want), normal(got)); d != "" {
				t.Error("the rows differ:\n", d)
			}
		})
	}
	t.Run("OfNothingIsNoRow", func(t *testing.T) {
		got, err := credits.Totals(each(), credits.UsageQuery{})
		if len(got) != 0 || got == nil || err != nil {
			t.Errorf("Totals = %v, %v; want an empty list", got, err)
		}
	})
}

// normal writes the costs alike: equal decimals may have different digits.
func normal(rows []credits.UsageRow) []credits.UsageRow {
	for i := range rows {
		rows[i].Cost = decimal.RequireFromString(rows[i].Cost.String())
	}
	return rows
}

func TestTotalsThatCannotBeToldAreRefused(t *testing.T) {
	broken := errors.New("the store is gone")
	for _, c := range []struct {
		rule    string
		records iter.Seq2[credits.UsageRecord, error]
		by      credits.Dimension
		want    error
	}{
		{"AnUnknownDimension", each(someRecords...), "month", credits.ErrInvalid},
		{"AnUnknownDimensionOfNothing", each(), "month", credits.ErrInvalid},
		{"ChargesThatDoNotFit", each(record("", "", "", "", math.MaxInt64), record("", "", "", "", 1)), credits.ByModel, credits.ErrOverflow},
		{"WriteOffsThatDoNotFit", each(credits.UsageRecord{WrittenOff: math.MaxInt64}, credits.UsageRecord{WrittenOff: 1}), credits.ByModel, credits.ErrOverflow},
		{"UsageThatDoesNotFit", each(credits.UsageRecord{Usage: usage.Tokens(math.MaxInt64, 0)}, credits.UsageRecord{Usage: usage.Tokens(1, 0)}), credits.ByModel, usage.ErrInvalid},
		{"RecordsThatCannotBeRead", func(yield func(credits.UsageRecord, error) bool) { yield(credits.UsageRecord{}, broken) }, credits.ByModel, broken},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := credits.Totals(c.records, credits.UsageQuery{GroupBy: []credits.Dimension{c.by}})
			if got != nil {
				t.Errorf("Totals = %v, want no rows beside an error", got)
			}
			wantError(t, err, c.want)
		})
	}
}

func TestTotalsByDayAreOfTheZone(t *testing.T) {
	at := func(day, hour int, charged credits.Amount) credits.UsageRecord {
		return credits.UsageRecord{Charged: charged, At: time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC)}
	}
	records := []credits.UsageRecord{at(2, 12, 1), at(1, 23, 2), at(1, 22, 4)} // 23:00 is the next day in Berlin
	for _, c := range []struct{ zone, want string }{
		{"", "2026-03-01 6, 2026-03-02 1"},
		{"UTC", "2026-03-01 6, 2026-03-02 1"},
		{"Europe/Berlin", "2026-03-01 4, 2026-03-02 3"},
	} {
		rows, err := credits.Totals(each(records...), credits.UsageQuery{GroupBy: []credits.Dimension{credits.ByDay}, Zone: c.zone})
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %d", r.Day, r.Charged))
		}
		if text := strings.Join(got, ", "); err != nil || text != c.want {
			t.Errorf("days of zone %q are %q (%v), want %q", c.zone, text, err, c.want)
		}
	}
	for _, zone := range []string{"Local", "Europe/Atlantis"} {
		_, err := credits.Totals(each(), credits.UsageQuery{Zone: zone})
		wantError(t, err, credits.ErrInvalid)
		wantText(t, err, "unknown zone", zone)
	}
}
