package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// reader returns what the ledger reads from, and why it cannot.
func (l *Ledger) reader() (reader, error) {
	if l.in != nil {
		return l.in, nil
	}
	return l.db.reader, l.db.readable(context.Background())
}

// snapshot runs fn on one state of the database.
func (l *Ledger) snapshot(ctx context.Context, fn func(reader) error) error {
	if l.in != nil {
		return fn(l.in)
	}
	return l.db.read(ctx, fn)
}

// purse runs fn on what an account has, all of one state of the database.
func (l *Ledger) purse(ctx context.Context, account credits.Account, fn func(*credits.State, time.Time)) error {
	return l.snapshot(ctx, func(r reader) error {
		state, now := credits.NewState(), l.db.now()
		if known, err := loadPurse(ctx, r, state, account, now); err != nil || !known {
			return err
		}
		fn(state, now)
		return nil
	})
}

// Balance implements [credits.Ledger].
func (l *Ledger) Balance(ctx context.Context, account credits.Account) (b credits.Balance, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { b = s.Balance(account, now) })
	return b, translate("balance", err)
}

// Buckets implements [credits.Ledger].
func (l *Ledger) Buckets(ctx context.Context, account credits.Account) (out []credits.Bucket, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { out = s.Buckets(account, now) })
	return out, translate("buckets", err)
}

// Lookup implements [credits.Gate]. A hold whose time has come is shown as expired, whether or not a mutation has closed
// it since.
func (l *Ledger) Lookup(ctx context.Context, account credits.Account, key credits.Key) (held credits.Held, err error) {
	ref := credits.Ref{Account: account, Key: key}
	err = l.snapshot(ctx, func(r reader) error {
		hold, attempts, err := loadHold(ctx, r, ref)
		switch {
		case err != nil:
			return err
		case hold == nil:
			return fmt.Errorf("sqlite: look up: account %q: key %q: %w", account, key, credits.ErrNotFound)
		case hold.State == credits.Settled:
			receipt, err := loadReceipt(ctx, r, ref)
			held.Receipt = &receipt
			return err
		case hold.State == credits.Open && !hold.ExpiresAt.After(l.db.now()):
			hold.State = credits.Expired
		}
		for _, a := range attempts {
			if a.Fate == "" {
				hold.OpenAttempts = append(hold.OpenAttempts, a)
			}
		}
		held.Hold = hold
		return nil
	})
	if err != nil {
		return credits.Held{}, translate("look up", err)
	}
	return held, nil
}

const selectEntries = `SELECT ` + dbstore.EntryColumns + ` FROM scrip_entries WHERE account = ? AND number > ? ORDER BY number LIMIT ?`

// Entries implements [credits.Ledger].
func (l *Ledger) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return dbstore.Pages(q.Limit, func(last *credits.Entry, limit int) ([]credits.Entry, error) {
		r, err := l.reader()
		if err != nil {
			return nil, err
		}
		after := q.After
		if last != nil {
			after = last.Number
		}
		found, err := rows(ctx, r, entryFields, selectEntries, q.Account, after, limit)
		return found, translate("entries", err)
	})
}

const selectRecords = `SELECT ` + dbstore.RecordColumns + ` FROM scrip_usage_records
WHERE account = ? AND entry > ? AND at >= ? AND at < ?`

// Records implements [credits.Ledger].
func (l *Ledger) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return dbstore.Pages(0, func(last *credits.UsageRecord, limit int) ([]credits.UsageRecord, error) {
		r, err := l.reader()
		if err != nil {
			return nil, err
		}
		var after int64
		if last != nil {
			after = last.Entry
		}
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		if !q.From.IsZero() {
			from = ceilMicro(q.From)
		}
		if !q.To.IsZero() {
			to = ceilMicro(q.To)
		}
		query, args := selectRecords, []any{q.Account, after, from, to}
		if q.Scope != "" {
			query, args = query+` AND scope = ? AND scope <> ''`, append(args, q.Scope)
		}
		found, err := rows(ctx, r, recordFields, query+` ORDER BY entry LIMIT ?`, append(args, limit)...)
		return found, translate("usage records", err)
	})
}

// Usage implements [credits.Ledger].
func (l *Ledger) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	return credits.Totals(l.Records(ctx, q), q)
}

const selectAccountAttempts = `SELECT seq, ` + dbstore.AttemptColumns + ` FROM scrip_attempts WHERE account = ?`

type attemptRow struct {
	seq int64
	credits.Attempt
}

func (a *attemptRow) fields() []any { return append([]any{&a.seq}, attemptFields(&a.Attempt)...) }

// Attempts implements [credits.AttemptLog].
func (l *Ledger) Attempts(ctx context.Context, q credits.AttemptQuery) iter.Seq2[credits.Attempt, error] {
	found := dbstore.Pages(0, func(last *attemptRow, limit int) ([]attemptRow, error) {
		r, err := l.reader()
		if err != nil {
			return nil, err
		}
		var after int64
		if last != nil {
			after = last.seq
		}
		query, args, seq := selectAccountAttempts, []any{q.Account}, `seq`
		if q.Key != "" { // see selectAttempts
			query, args, seq = query+` AND key = ?`, append(args, q.Key), `+seq`
		}
		if q.Scope != "" { // the second condition lets the partial index serve
			query, args = query+` AND scope = ? AND scope <> ''`, append(args, q.Scope)
		}
		query += ` AND ` + seq + ` > ? ORDER BY ` + seq + ` LIMIT ?`
		found, err := rows(ctx, r, (*attemptRow).fields, query, append(args, after, limit)...)
		return found, translate("attempts", err)
	})
	return func(yield func(credits.Attempt, error) bool) {
		for row, err := range found {
			if !yield(row.Attempt, err) {
				return
			}
		}
	}
}
