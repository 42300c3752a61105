package memory

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// Balance implements [credits.Ledger].
func (l *Ledger) Balance(ctx context.Context, account credits.Account) (b credits.Balance, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { b = s.Balance(account, now) })
	return b, err
}

// Buckets implements [credits.Ledger].
func (l *Ledger) Buckets(ctx context.Context, account credits.Account) (buckets []credits.Bucket, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { buckets = s.Buckets(account, now) })
	return buckets, err
}

// Caps implements [credits.Ledger].
func (l *Ledger) Caps(ctx context.Context, account credits.Account) (caps []credits.CapUse, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { caps = s.Caps(account, now) })
	return caps, err
}

// purse has fn read what an account has; it is not called for an account that is not there.
func (l *Ledger) purse(ctx context.Context, account credits.Account, fn func(*credits.State, time.Time)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if acc := l.accounts[account]; acc != nil {
		now := l.now()
		fn(acc.read(now), now)
	}
	return nil
}

// Events implements [credits.Ledger].
func (l *Ledger) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[:max(0, min(limit, len(l.events)))]), nil
}

// Entries implements [credits.Ledger].
func (l *Ledger) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return sequence(ctx, func() []credits.Entry {
		l.mu.Lock()
		defer l.mu.Unlock()
		acc := l.accounts[q.Account]
		if acc == nil {
			return nil
		}
		end := int64(len(acc.entries))
		if q.Before != 0 {
			end = min(end, max(q.Before-1, 0))
		}
		entries := acc.entries[min(max(q.After, 0), end):end] // the entry at i has the number i+1
		if q.Newest {
			if q.Limit > 0 {
				entries = entries[len(entries)-min(q.Limit, len(entries)):]
			}
			entries = slices.Clone(entries)
			slices.Reverse(entries)
		}
		if q.Limit > 0 {
			entries = entries[:min(q.Limit, len(entries))]
		}
		return entries
	}, ownEntry)
}

// Records implements [credits.Ledger].
func (l *Ledger) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return sequence(ctx, func() []credits.UsageRecord {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.records([]credits.Account{q.Account}, q.Scope, credits.Span{From: q.From, To: q.To})
	}, func(r credits.UsageRecord) credits.UsageRecord { return r })
}

// records returns the accounts' records that were charged in one of the spans. The lock is held.
func (l *Ledger) records(accounts []credits.Account, scope string, spans ...credits.Span) (out []credits.UsageRecord) {
	for _, name := range accounts {
		acc := l.accounts[name]
		if acc == nil {
			continue
		}
		for _, receipt := range acc.receipts {
			r := receipt.Record
			if scope != "" && r.Scope != scope || !slices.ContainsFunc(spans, func(s credits.Span) bool { return s.Contains(r.At) }) {
				continue
			}
			r.Refunded = acc.holds[r.Key].hold.Refunded
			out = append(out, r)
		}
	}
	return out
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
	l.mu.Lock()
	defer l.mu.Unlock()
	accounts := []credits.Account{q.Account}
	if q.AllAccounts {
		accounts = slices.Collect(maps.Keys(l.accounts))
	}
	var totals []credits.UsageTotal
	for _, name := range accounts {
		if acc := l.accounts[name]; acc != nil {
			totals = append(totals, acc.selectTotals(plan)...)
		}
	}
	return plan.Rows(each(totals), each(l.records(accounts, q.Scope, plan.Edges...)))
}

func (a *account) selectTotals(plan credits.UsagePlan) (out []credits.UsageTotal) {
	for _, t := range a.totals {
		if t.Scoped == plan.Scoped && (plan.Query.Scope == "" || t.Scope == plan.Query.Scope) && plan.Slots.Contains(t.Slot) {
			out = append(out, t)
		}
	}
	return out
}

// Attempts implements [credits.AttemptLog].
func (l *Ledger) Attempts(ctx context.Context, q credits.AttemptQuery) iter.Seq2[credits.Attempt, error] {
	return sequence(ctx, func() []*credits.Attempt {
		l.mu.Lock()
		defer l.mu.Unlock()
		acc := l.accounts[q.Account]
		if acc == nil {
			return nil
		}
		return acc.selectAttempts(q)
	}, func(a *credits.Attempt) credits.Attempt { return *a })
}

func (a *account) selectAttempts(q credits.AttemptQuery) []*credits.Attempt {
	var out []*credits.Attempt
	add := func(attempt *credits.Attempt) {
		if q.Scope == "" || attempt.Scope == q.Scope {
			out = append(out, attempt)
		}
	}
	if q.Key != "" {
		if row := a.holds[q.Key]; row != nil {
			for i := range row.attempts {
				add(&row.attempts[i])
			}
		}
		return out
	}
	for _, at := range a.attempts {
		add(&at.hold.attempts[at.index])
	}
	return out
}

// Verify implements [credits.Ledger]. The account is locked until it was replayed.
func (l *Ledger) Verify(ctx context.Context, name credits.Account) (credits.Report, error) {
	if err := ctx.Err(); err != nil {
		return credits.Report{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	acc := l.accounts[name]
	if acc == nil {
		acc = newAccount(name)
	}
	audit := credits.NewAudit(acc.row)
	for _, c := range acc.caps {
		audit.Cap(c)
	}
	records := acc.receipts
	for _, entry := range acc.entries {
		line := credits.Line{Entry: entry, Bucket: acc.buckets[entry.Number]}
		if entry.Kind == credits.EntrySettle {
			if row := acc.holds[entry.Key]; row != nil {
				line.Hold, line.Receipt = &row.hold, row.receipt
			}
		}
		if len(records) > 0 && records[0].Record.Entry == entry.Number {
			line.Record, records = &records[0].Record, records[1:]
			line.Winner = acc.attempt(entry.Key, line.Record.Attempt)
		}
		audit.Line(line)
	}
	receipts := int64(0)
	for _, row := range acc.holds {
		audit.Hold(row.hold)
		if row.receipt != nil {
			receipts++
		}
	}
	for _, bucket := range acc.buckets {
		audit.Bucket(*bucket)
	}
	for _, t := range acc.totals {
		audit.Total(t)
	}
	audit.Counts(int64(len(acc.receipts)), receipts)
	return audit.Report(), nil
}

func (a *account) attempt(key credits.Key, id string) *credits.Attempt {
	if row := a.holds[key]; row != nil {
		for i := range row.attempts {
			if row.attempts[i].ID == id {
				return &row.attempts[i]
			}
		}
	}
	return nil
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

// sequence yields a snapshot, taken when the loop begins, without holding a lock while the loop runs.
func sequence[S, T any](ctx context.Context, snapshot func() []S, own func(S) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if err := ctx.Err(); err != nil {
			yield(none, err)
			return
		}
		for _, row := range snapshot() {
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
