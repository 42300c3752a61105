package credits

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/usage"
)

// Slot is the quarter of an hour that a [UsageTotal] is of. Since 2012 every civil day in the world has begun with one, so
// the days of any zone are made of whole slots (IANA tz database).
const Slot = 15 * time.Minute

// UsageTotal is the sum of the usage records of one slot that agree in operation, provider and model: those of an account,
// or those of one scope of it. Each record is in one total of either sort. A store keeps them in the transaction that
// keeps the record, each under its Account, Scoped, Scope, Slot, Operation, Provider and Model.
type UsageTotal struct {
	Account    Account
	Scoped     bool   // of Scope alone, which may be empty, and not of the whole account
	Scope      string // empty unless Scoped
	Slot       time.Time
	Operation  string
	Provider   string
	Model      string
	FirstEntry int64  // of the records, the lowest number of an entry
	LastEntry  int64  // the highest
	Records    int64  // how many they are
	Charged    Amount // credits; the largest Amount stands for all that do not fit one
	WrittenOff Amount // credits, as Charged
	Refunded   Amount // credits of these charges that were given back since, as Charged
	Cost       decimal.Decimal
	Usage      usage.Usage // counts as Charged
}

type totalKey struct {
	account                           Account
	scoped                            bool
	scope, operation, provider, model string
	slot                              time.Time
}

func (t *UsageTotal) key() totalKey {
	return totalKey{t.Account, t.Scoped, t.Scope, t.Operation, t.Provider, t.Model, t.Slot}
}

// Add adds another total of the same row. Nothing is refused, as a charge is never lost: a sum that does not fit stays at
// the largest number there is.
func (t *UsageTotal) Add(more *UsageTotal) {
	t.FirstEntry, t.LastEntry = min(t.FirstEntry, more.FirstEntry), max(t.LastEntry, more.LastEntry)
	t.Records += more.Records
	t.Charged = t.Charged.saturated(more.Charged)
	t.WrittenOff = t.WrittenOff.saturated(more.WrittenOff)
	t.Refunded = t.Refunded.saturated(more.Refunded)
	t.Cost = t.Cost.Add(more.Cost)
	t.Usage = t.Usage.Saturated(more.Usage)
}

// recordTotal is the total of one record.
func recordTotal(r *UsageRecord) UsageTotal {
	return UsageTotal{Account: r.Account, Scope: r.Scope, Slot: r.At.UTC().Truncate(Slot), Operation: r.Operation, Provider: r.Provider, Model: r.Model,
		FirstEntry: r.Entry, LastEntry: r.Entry, Records: 1, Charged: r.Charged, WrittenOff: r.WrittenOff, Refunded: r.Refunded, Cost: r.Cost, Usage: r.Usage}
}

// refundTotal is what a refund adds to the totals of its charge's record.
func refundTotal(r *UsageRecord, amount Amount) UsageTotal {
	t := recordTotal(r)
	t.Records, t.Charged, t.WrittenOff, t.Refunded, t.Cost, t.Usage = 0, 0, 0, amount, decimal.Zero, usage.Usage{}
	return t
}

// both returns the two totals that what is of one record is added to: its account's and its scope's.
func both(t UsageTotal) [2]UsageTotal {
	account, scope := t, t
	account.Scope, scope.Scoped = "", true
	return [2]UsageTotal{account, scope}
}

// addTotals adds to the changes what is of one record.
func (s *State) addTotals(t UsageTotal) {
	for _, t := range both(t) {
		known := s.totals[t.key()]
		if known == nil {
			s.totals[t.key()] = &t
			s.changes.Totals = append(s.changes.Totals, &t)
			continue
		}
		known.Add(&t)
	}
}

// UsagePlan says how a store answers a [UsageQuery]: with the totals of the slots that the query has whole, and with the
// records of those that it cuts.
type UsagePlan struct {
	Query  UsageQuery
	Scoped bool   // whether to read the totals of scopes, of Query.Scope if it is not empty, or those of accounts
	Slots  Span   // read the totals whose slot is in it
	Edges  []Span // at most two: read the records that were charged in them
	zone   *time.Location
}

// Span is a time at or after From and before To; a zero time does not bound it.
type Span struct{ From, To time.Time }

// Empty reports whether no time is in it.
func (s Span) Empty() bool { return !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To) }

// Contains reports whether the time is in it.
func (s Span) Contains(t time.Time) bool {
	return (s.From.IsZero() || !t.Before(s.From)) && (s.To.IsZero() || t.Before(s.To))
}

// Plan says how to answer the query. The error matches ErrInvalid: for neither an account nor all of them, for both, and
// for an unknown dimension or zone.
func (q UsageQuery) Plan() (UsagePlan, error) {
	if (q.Account == "") != q.AllAccounts {
		return UsagePlan{}, fmt.Errorf("credits: usage: %w: want an account, or AllAccounts", ErrInvalid)
	}
	zone, err := loadZone(q.Zone)
	if err != nil {
		return UsagePlan{}, fmt.Errorf("credits: usage: %w", err)
	}
	for _, d := range q.GroupBy {
		switch d {
		case ByAccount, ByOperation, ByModel, ByProvider, ByScope, ByDay:
		default:
			return UsagePlan{}, fmt.Errorf("credits: usage: %w: unknown dimension %.40q", ErrInvalid, d)
		}
	}
	p := UsagePlan{Query: q, zone: zone, Scoped: q.Scope != "" || slices.Contains(q.GroupBy, ByScope)}
	if (Span{q.From, q.To}).Empty() {
		p.Slots = Span{q.From, q.From}
		return p, nil
	}
	p.Slots = Span{ceilSlot(q.From), q.To.Truncate(Slot)}
	if p.Slots.Empty() && p.Slots.From.After(p.Slots.To) { // all of it is within one slot
		p.Slots.To = p.Slots.From
		p.Edges = []Span{{q.From, q.To}}
		return p, nil
	}
	for _, edge := range []Span{{q.From, p.Slots.From}, {p.Slots.To, q.To}} {
		if !edge.From.IsZero() && !edge.To.IsZero() && !edge.Empty() {
			p.Edges = append(p.Edges, edge)
		}
	}
	return p, nil
}

func ceilSlot(t time.Time) time.Time {
	if floor := t.Truncate(Slot); !floor.Equal(t) {
		return floor.Add(Slot)
	}
	return t
}

// Rows adds up what was read, and ends after the first error of it.
func (p UsagePlan) Rows(totals iter.Seq2[UsageTotal, error], edges iter.Seq2[UsageRecord, error]) ([]UsageRow, error) {
	rows := map[UsageGroup]*UsageRow{}
	for t, err := range totals {
		if err == nil {
			err = p.add(rows, &t)
		}
		if err != nil {
			return nil, err
		}
	}
	for r, err := range edges {
		if err == nil {
			t := recordTotal(&r)
			t.Slot = r.At // a cut slot's records are of the day on which they were charged, as whole slots' are
			err = p.add(rows, &t)
		}
		if err != nil {
			return nil, err
		}
	}
	out := make([]UsageRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b UsageRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Scope, b.Scope))
	})
	return out, nil
}

// add adds a total to the row of its group.
func (p UsagePlan) add(rows map[UsageGroup]*UsageRow, t *UsageTotal) error {
	var g UsageGroup
	for _, d := range p.Query.GroupBy {
		switch d {
		case ByAccount:
			g.Account = t.Account
		case ByOperation:
			g.Operation = t.Operation
		case ByModel:
			g.Model = t.Model
		case ByProvider:
			g.Provider = t.Provider
		case ByScope:
			g.Scope = t.Scope
		case ByDay:
			g.Day = t.Slot.In(p.zone).Format(time.DateOnly)
		}
	}
	row := rows[g]
	if row == nil {
		row = &UsageRow{UsageGroup: g, Cost: decimal.Zero}
		rows[g] = row
	}
	row.Records += t.Records
	for _, sum := range []struct {
		of   *Amount
		more Amount
	}{{&row.Charged, t.Charged}, {&row.WrittenOff, t.WrittenOff}, {&row.Refunded, t.Refunded}} {
		total, err := sum.of.Add(sum.more)
		if err != nil || total == math.MaxInt64 {
			return fmt.Errorf("credits: usage: a total of %d and %d: %w", *sum.of, sum.more, ErrOverflow)
		}
		*sum.of = total
	}
	row.Cost = row.Cost.Add(t.Cost)
	var err error
	row.Usage, err = row.Usage.Add(t.Usage)
	return err
}
