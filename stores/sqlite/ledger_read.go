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
		if known, err := loadPurse(ctx, r, state, account, nil, now); err != nil || !known {
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

// Caps implements [credits.Ledger].
func (l *Ledger) Caps(ctx context.Context, account credits.Account) (out []credits.CapUse, err error) {
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { out = s.Caps(account, now) })
	return out, translate("caps", err)
}

const selectEvents = `SELECT ` + dbstore.EventColumns + ` FROM scrip_events ORDER BY at, account, number LIMIT ?`

// Events implements [credits.Ledger].
func (l *Ledger) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	r, err := l.reader()
	if err != nil {
		return nil, err
	}
	found, err := rows(ctx, r, eventFields, selectEvents, max(limit, 0))
	return found, translate("events", err)
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
		}
		now := hold.AsOf(l.db.now())
		for _, a := range attempts {
			if a.Fate == "" {
				now.OpenAttempts = append(now.OpenAttempts, a)
			}
		}
		held.Hold = &now
		return nil
	})
	if err != nil {
		return credits.Held{}, translate("look up", err)
	}
	return held, nil
}

const (
	entriesBetween = `SELECT ` + dbstore.EntryColumns + ` FROM scrip_entries WHERE account = ? AND number > ? AND number < ? ORDER BY number `
	selectEntries  = entriesBetween + `LIMIT ?`
	selectLast     = entriesBetween + `DESC LIMIT ?`
)

// Entries implements [credits.Ledger].
func (l *Ledger) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return dbstore.Pages(q.Limit, func(last *credits.Entry, limit int) ([]credits.Entry, error) {
		r, err := l.reader()
		if err != nil {
			return nil, err
		}
		text, after, before := dbstore.PageOfEntries(q, last, selectEntries, selectLast)
		found, err := rows(ctx, r, entryFields, text, q.Account, after, before, limit)
		return found, translate("entries", err)
	})
}

// selectRecords begins with the records, of which one page is read in the order of their entries.
var selectRecords = `SELECT ` + dbstore.Of("u", dbstore.RecordColumns) + `, h.refunded FROM scrip_usage_records u
CROSS JOIN scrip_holds h ON h.account = u.account AND h.key = u.key
WHERE u.account = ? AND u.entry > ? AND u.at >= ? AND u.at < ?`

func usedFields(r *credits.UsageRecord) []any { return append(recordFields(r), &r.Refunded) }

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
		from, to := micros(credits.Span{From: q.From, To: q.To})
		query, args := selectRecords, []any{q.Account, after, from, to}
		if q.Scope != "" {
			query, args = query+` AND u.scope = ? AND u.scope <> ''`, append(args, q.Scope)
		}
		found, err := rows(ctx, r, usedFields, query+` ORDER BY u.entry LIMIT ?`, append(args, limit)...)
		return found, translate("usage records", err)
	})
}

// micros returns the bounds of a time column that has the rows of the span.
func micros(s credits.Span) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !s.From.IsZero() {
		from = ceilMicro(s.From)
	}
	if !s.To.IsZero() {
		to = ceilMicro(s.To)
	}
	return from, to
}

const selectUsage = `SELECT ` + dbstore.TotalColumns + ` FROM scrip_usage_totals t WHERE `

// selectCut selects the records of slots, each read once: the slots' totals know their entries. A clock that was put back has
// made entries of one slot lie among those of another.
var selectCut = `SELECT ` + dbstore.Of("u", dbstore.RecordColumns) + `, h.refunded
FROM (SELECT account, slot, min(first_entry) AS first_entry, max(last_entry) AS last_entry FROM scrip_usage_totals t
	WHERE scoped = 0 AND slot IN (?2, ?5)`

const ofCut = ` GROUP BY account, slot) cut
CROSS JOIN scrip_usage_records u ON u.account = cut.account AND u.entry BETWEEN cut.first_entry AND cut.last_entry
	AND u.at BETWEEN cut.slot AND cut.slot + ?1
CROSS JOIN scrip_holds h ON h.account = u.account AND h.key = u.key
WHERE (u.at >= ?3 AND u.at < ?4 OR u.at >= ?6 AND u.at < ?7)`

// Usage implements [credits.Ledger].
func (l *Ledger) Usage(ctx context.Context, q credits.UsageQuery) (out []credits.UsageRow, err error) {
	plan, err := q.Plan()
	if err != nil {
		return nil, err
	}
	err = l.snapshot(ctx, func(r reader) error {
		totals, records := usageQueries(plan)
		out, err = plan.Rows(stream(ctx, r, totalFields, totals), stream(ctx, r, usedFields, records))
		return err
	})
	return out, translate("usage", err)
}

// usageQueries are the two queries of a plan; the second is empty where no slot is cut.
func usageQueries(plan credits.UsagePlan) (totals, records query) {
	scoped := 0 // in the text, so that the partial index can serve
	if plan.Scoped {
		scoped = 1
	}
	from, to := micros(plan.Slots)
	totals = query{fmt.Sprintf(`%st.scoped = %d AND t.slot >= ?1 AND t.slot < ?2`, selectUsage, scoped), []any{from, to}}
	totals.ofAccount(plan.Query)
	totals.ofScope(plan.Query, "t")
	if len(plan.Edges) == 0 {
		return totals, query{}
	}
	records = query{selectCut, []any{credits.Slot.Microseconds() - 1}}
	for _, edge := range []credits.Span{plan.Edges[0], plan.Edges[len(plan.Edges)-1]} {
		from, to := micros(edge)
		records.args = append(records.args, edge.From.Truncate(credits.Slot).UnixMicro(), from, to)
	}
	records.ofAccount(plan.Query)
	records.text += ofCut
	records.ofScope(plan.Query, "u")
	return totals, records
}

// ofAccount adds that a query is of one account, if it is.
func (q *query) ofAccount(of credits.UsageQuery) {
	if !of.AllAccounts {
		q.args = append(q.args, of.Account)
		q.text += fmt.Sprintf(" AND t.account = ?%d", len(q.args))
	}
}

// ofScope adds that a query is of one scope, if it is.
func (q *query) ofScope(of credits.UsageQuery, table string) {
	if of.Scope != "" {
		q.args = append(q.args, of.Scope)
		q.text += fmt.Sprintf(" AND %s.scope = ?%d", table, len(q.args))
	}
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
