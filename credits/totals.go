package credits

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Totals adds up usage records by the dimensions of q, for a store's Usage. Its rows are ordered by their group.
// It returns an error that matches [ErrInvalid] for an unknown dimension or zone, [ErrOverflow] or usage.ErrInvalid if a total does
// not fit, and the error of records.
func Totals(records iter.Seq2[UsageRecord, error], q UsageQuery) ([]UsageRow, error) {
	type group struct{ operation, model, provider, scope, day string }
	zone, err := q.zone()
	if err != nil {
		return nil, err
	}
	for _, d := range q.GroupBy {
		switch d {
		case ByOperation, ByModel, ByProvider, ByScope, ByDay:
		default: // also where there is nothing to add up: a query is wrong by itself
			return nil, fmt.Errorf("credits: usage: %w: unknown dimension %.40q", ErrInvalid, d)
		}
	}
	rows := map[group]*UsageRow{}
	for rec, err := range records {
		if err != nil {
			return nil, err
		}
		var g group
		for _, d := range q.GroupBy {
			switch d {
			case ByOperation:
				g.operation = rec.Operation
			case ByModel:
				g.model = rec.Model
			case ByProvider:
				g.provider = rec.Provider
			case ByScope:
				g.scope = rec.Scope
			case ByDay:
				g.day = rec.At.In(zone).Format(time.DateOnly)
			}
		}
		row, ok := rows[g]
		if !ok {
			row = &UsageRow{Operation: g.operation, Model: g.model, Provider: g.provider, Scope: g.scope, Day: g.day, Cost: decimal.Zero}
			rows[g] = row
		}
		if err := row.add(rec); err != nil {
			return nil, err
		}
	}
	out := make([]UsageRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b UsageRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Model, b.Model), cmp.Compare(a.Scope, b.Scope))
	})
	return out, nil
}

// zone loads the zone of a query's days.
func (q UsageQuery) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(q.Zone) // "" is UTC
	if err != nil || q.Zone == "Local" {
		return nil, fmt.Errorf("credits: usage: %w: unknown zone %.40q: want an IANA name such as Europe/Berlin", ErrInvalid, q.Zone)
	}
	return zone, nil
}

func (r *UsageRow) add(rec UsageRecord) (err error) {
	r.Records++
	if r.Charged, err = r.Charged.Add(rec.Charged); err != nil {
		return err
	}
	if r.WrittenOff, err = r.WrittenOff.Add(rec.WrittenOff); err != nil {
		return err
	}
	if r.Usage, err = r.Usage.Add(rec.Usage); err != nil {
		return err
	}
	r.Cost = r.Cost.Add(rec.Cost)
	return nil
}
