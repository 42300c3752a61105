package ownstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// read has fn look at an account's rows, at none if it is not there. Reading never waits for a disk.
func (l *Ledger) read(ctx context.Context, name credits.Account, fn func(a *account)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.reading.RLock()
	defer l.reading.RUnlock()
	if a := l.rows.accounts[name]; a != nil {
		fn(a)
	}
	return nil
}

// purse has fn ask a state what an account has now: what has expired by now is decided by the rules, and not saved.
func (l *Ledger) purse(ctx context.Context, name credits.Account, fn func(s *credits.State, now time.Time)) error {
	return l.read(ctx, name, func(a *account) {
		s, now := credits.NewState(), l.now()
		a.loadPurse(s)
		a.loadDue(s, now)
		fn(s, now)
	})
}

// Balance implements [credits.Ledger].
func (l *Ledger) Balance(ctx context.Context, name credits.Account) (b credits.Balance, err error) {
	err = l.purse(ctx, name, func(s *credits.State, now time.Time) { b = s.Balance(name, now) })
	return b, err
}

// Buckets implements [credits.Ledger].
func (l *Ledger) Buckets(ctx context.Context, name credits.Account) (b []credits.Bucket, err error) {
	err = l.purse(ctx, name, func(s *credits.State, now time.Time) { b = s.Buckets(name, now) })
	return b, err
}

// Caps implements [credits.Ledger].
func (l *Ledger) Caps(ctx context.Context, name credits.Account) (c []credits.CapUse, err error) {
	err = l.purse(ctx, name, func(s *credits.State, now time.Time) { c = s.Caps(name, now) })
	return c, err
}

// Lookup implements [credits.Gate].
func (l *Ledger) Lookup(ctx context.Context, name credits.Account, key credits.Key) (credits.Held, error) {
	var held credits.Held
	err := l.read(ctx, name, func(a *account) {
		h := a.holds[key]
		switch {
		case h == nil:
		case h.receipt != nil:
			receipt := *h.receipt
			receipt.Result = bytes.Clone(receipt.Result)
			held.Receipt = &receipt
		default:
			view := h.AsOf(l.now())
			view.Pinned, view.Lots = bytes.Clone(view.Pinned), slices.Clone(view.Lots)
			for _, at := range a.attemptsOf(h) {
				if at.Fate == "" {
					view.OpenAttempts = append(view.OpenAttempts, at)
				}
			}
			held.Hold = &view
		}
	})
	if err == nil && held == (credits.Held{}) {
		err = fmt.Errorf("ownstore: look up: account %q: key %q: %w", name, key, credits.ErrNotFound)
	}
	return held, err
}

// Events implements [credits.Ledger].
func (l *Ledger) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.reading.RLock()
	defer l.reading.RUnlock()
	return slices.Clone(l.rows.events[:max(0, min(limit, len(l.rows.events)))]), nil
}

// Entries implements [credits.Ledger].
func (l *Ledger) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return sequence(ctx, l, q.Account, func(a *account) []credits.Entry {
		end := int64(len(a.entries))
		if q.Before != 0 {
			end = min(end, max(q.Before-1, 0))
		}
		entries := slices.Clone(a.entries[min(max(q.After, 0), end):end]) // the entry at i has the number i+1
		if q.Newest {
			slices.Reverse(entries)
		}
		if q.Limit > 0 {
			entries = entries[:min(q.Limit, len(entries))]
		}
		return entries
	}, ownEntry)
}

// Attempts implements [credits.AttemptLog].
func (l *Ledger) Attempts(ctx context.Context, q credits.AttemptQuery) iter.Seq2[credits.Attempt, error] {
	return sequence(ctx, l, q.Account, func(a *account) (out []credits.Attempt) {
		for _, at := range a.attempts {
			if (q.Key == "" || at.Key == q.Key) && (q.Scope == "" || at.Scope == q.Scope) {
				out = append(out, at)
			}
		}
		return out
	}, itself)
}

// Records implements [credits.Ledger].
func (l *Ledger) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return sequence(ctx, l, q.Account, func(a *account) []credits.UsageRecord {
		return a.records(q.Scope, credits.Span{From: q.From, To: q.To})
	}, itself)
}

// records returns the records that were charged in one of the spans.
func (a *account) records(scope string, spans ...credits.Span) (out []credits.UsageRecord) {
	for _, h := range a.settled {
		r := h.receipt.Record
		if (scope == "" || r.Scope == scope) && slices.ContainsFunc(spans, func(s credits.Span) bool { return s.Contains(r.At) }) {
			r.Refunded = h.Refunded
			out = append(out, r)
		}
	}
	return out
}

// accounts returns the accounts that a report is of. The rows are locked.
func (l *Ledger) accounts(name credits.Account, all bool) []*account {
	if all {
		return slices.Collect(maps.Values(l.rows.accounts))
	}
	if a := l.rows.accounts[name]; a != nil {
		return []*account{a}
	}
	return nil
}

// Usage implements [credits.Ledger].
func (l *Ledger) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	plan, err := q.Plan()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.reading.RLock()
	defer l.reading.RUnlock()
	var totals []credits.UsageTotal
	var edges []credits.UsageRecord
	for _, a := range l.accounts(q.Account, q.AllAccounts) {
		for _, t := range a.totals {
			if t.Scoped == plan.Scoped && (q.Scope == "" || t.Scope == q.Scope) && plan.Slots.Contains(t.Slot) {
				totals = append(totals, *t)
			}
		}
		edges = append(edges, a.records(q.Scope, plan.Edges...)...)
	}
	return plan.Rows(each(totals), each(edges))
}

// Shadow implements [credits.Ledger].
func (l *Ledger) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.reading.RLock()
	defer l.reading.RUnlock()
	var sums []credits.ShadowSum
	for _, a := range l.accounts(q.Account, q.Account == "") {
		for _, r := range a.records("", credits.Span{From: q.From, To: q.To}) {
			if r.Shadow.Version == q.Version {
				sums = append(sums, r.ShadowSum())
			}
		}
	}
	return credits.ShadowRows(each(sums))
}

// Verify implements [credits.Ledger].
func (l *Ledger) Verify(ctx context.Context, name credits.Account) (credits.Report, error) {
	audit := credits.NewAudit(credits.AccountRow{Account: name})
	err := l.read(ctx, name, func(a *account) {
		audit = credits.NewAudit(a.row)
		for _, c := range a.caps {
			audit.Cap(c)
		}
		records := a.settled
		for _, e := range a.entries {
			audit.Line(a.line(e, &records))
		}
		for _, h := range a.holds {
			audit.Hold(h.Hold)
		}
		for _, b := range a.buckets {
			audit.Bucket(b)
		}
		for _, t := range a.totals {
			audit.Total(*t)
		}
		audit.Counts(int64(len(a.settled)), int64(len(a.settled))) // a record is kept in its receipt
	})
	return audit.Report(), err
}

// line is an entry with what belongs to it. settled begins with the first hold whose entry has not come yet.
func (a *account) line(e credits.Entry, settled *[]*hold) credits.Line {
	line := credits.Line{Entry: e}
	if b, ok := a.buckets[e.Number]; ok {
		line.Bucket = &b
	}
	if h := a.holds[e.Key]; h != nil && e.Kind == credits.EntrySettle {
		line.Hold, line.Receipt = &h.Hold, h.receipt
	}
	if len(*settled) > 0 && (*settled)[0].receipt.Entry == e.Number {
		h := (*settled)[0]
		*settled = (*settled)[1:]
		line.Record = &h.receipt.Record
		for _, at := range a.attemptsOf(h) {
			if at.ID == line.Record.Attempt {
				line.Winner = &at
			}
		}
	}
	return line
}

// each yields rows that nothing is in the way of.
func each[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func ownEntry(e credits.Entry) credits.Entry {
	e.Lots = slices.Clone(e.Lots)
	return e
}

func itself[T any](row T) T { return row }

// sequence yields what an account had when the loop began, and holds no lock while it runs.
func sequence[T any](ctx context.Context, l *Ledger, name credits.Account, snapshot func(*account) []T, own func(T) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var rows []T
		if err := l.read(ctx, name, func(a *account) { rows = snapshot(a) }); err != nil {
			yield(none, err)
			return
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(own(row), nil) {
				return
			}
		}
	}
}
