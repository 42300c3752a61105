package memory

import (
	"context"
	"iter"

	"github.com/scrip-go/scrip/credits"
)

// Balance implements [credits.Ledger].
func (l *Ledger) Balance(ctx context.Context, name credits.Account) (credits.Balance, error) {
	if err := ctx.Err(); err != nil {
		return credits.Balance{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	acc := l.accounts[name]
	if acc == nil {
		return credits.Balance{}, nil
	}
	now := l.now()
	return acc.read(now).Balance(name, now), nil
}

// Buckets implements [credits.Ledger].
func (l *Ledger) Buckets(ctx context.Context, name credits.Account) ([]credits.Bucket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	acc := l.accounts[name]
	if acc == nil {
		return nil, nil
	}
	now := l.now()
	return acc.read(now).Buckets(name, now), nil
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
		entries := acc.entries[min(max(q.After, 0), int64(len(acc.entries))):]
		if q.Limit > 0 {
			entries = entries[:min(q.Limit, len(entries))]
		}
		return entries
	}, ownEntry)
}

// Records implements [credits.Ledger].
func (l *Ledger) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return func(yield func(credits.UsageRecord, error) bool) {
		for r, err := range sequence(ctx, func() []*credits.Receipt { return l.receipts(q.Account) }, record) {
			if err == nil && !selects(q, r) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (l *Ledger) receipts(name credits.Account) []*credits.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	if acc := l.accounts[name]; acc != nil {
		return acc.receipts
	}
	return nil
}

func record(r *credits.Receipt) credits.UsageRecord { return r.Record }

func selects(q credits.UsageQuery, r credits.UsageRecord) bool {
	return (q.Scope == "" || r.Scope == q.Scope) &&
		(q.From.IsZero() || !r.At.Before(q.From)) &&
		(q.To.IsZero() || r.At.Before(q.To))
}

// Usage implements [credits.Ledger].
func (l *Ledger) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	return credits.Totals(l.Records(ctx, q), q)
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
