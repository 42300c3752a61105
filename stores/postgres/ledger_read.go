package postgres

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// querier returns what the ledger reads from, and why it cannot.
func (l *Ledger) querier(ctx context.Context) (querier, error) {
	if l.in != nil {
		return l.in, nil
	}
	return l.db.pool, l.db.readable(ctx)
}

// snapshot sends queries that all see one state of the database, and hands their answers to read. It is one round trip;
// a host's transaction sees what it sees.
func (l *Ledger) snapshot(ctx context.Context, b *pgx.Batch, read func(pgx.BatchResults) error) error {
	q, err := l.querier(ctx)
	if err != nil {
		return err
	}
	all := b
	if l.in == nil {
		all = &pgx.Batch{}
		all.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
		all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
		all.Queue(`COMMIT`)
	}
	results := q.SendBatch(ctx, all)
	defer results.Close()
	if l.in == nil {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	if err := read(results); err != nil {
		return err
	}
	return results.Close()
}

// purse runs fn on what an account has: its row, what remains in its buckets, its caps and the holds that have expired.
func (l *Ledger) purse(ctx context.Context, account credits.Account, fn func(*credits.State, time.Time)) error {
	d := &decision{states: map[credits.Account]*credits.State{account: credits.NewState()}, known: map[credits.Account]bool{}}
	b := &pgx.Batch{}
	of := []string{clean(string(account))}
	b.Queue(l.db.sql(selectAccounts), of)
	b.Queue(selectNow, l.db.at())
	b.Queue(l.db.sql(selectBuckets), of)
	b.Queue(l.db.sql(selectCaps), of)
	b.Queue(l.db.sql(selectExpired), of, l.db.at())
	err := l.snapshot(ctx, b, func(results pgx.BatchResults) error {
		if err := d.readAccounts(results); err != nil {
			return err
		}
		if err := results.QueryRow().Scan(instant{&d.now}); err != nil {
			return err
		}
		if err := read(results, bucketFields, d.loadBucket); err != nil {
			return err
		}
		if err := read(results, capFields, d.loadCap); err != nil {
			return err
		}
		return read(results, holdFields, d.loadExpired)
	})
	if err == nil && d.known[account] {
		fn(d.states[account], d.now)
	}
	return err
}

// Balance implements [credits.Ledger].
func (l *Ledger) Balance(ctx context.Context, account credits.Account) (b credits.Balance, err error) {
	if !storable(string(account)) {
		return b, nil // unknown, as any other
	}
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { b = s.Balance(account, now) })
	return b, translate(ctx, "balance", err)
}

// Buckets implements [credits.Ledger].
func (l *Ledger) Buckets(ctx context.Context, account credits.Account) (out []credits.Bucket, err error) {
	if !storable(string(account)) {
		return nil, nil
	}
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { out = s.Buckets(account, now) })
	return out, translate(ctx, "buckets", err)
}

// Caps implements [credits.Ledger].
func (l *Ledger) Caps(ctx context.Context, account credits.Account) (out []credits.CapUse, err error) {
	if !storable(string(account)) {
		return nil, nil
	}
	err = l.purse(ctx, account, func(s *credits.State, now time.Time) { out = s.Caps(account, now) })
	return out, translate(ctx, "caps", err)
}

const selectEvents = `SELECT ` + dbstore.EventColumns + ` FROM scrip.events ORDER BY at, account, number LIMIT $1`

// Events implements [credits.Ledger].
func (l *Ledger) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	q, err := l.querier(ctx)
	if err != nil {
		return nil, err
	}
	found, err := rows(ctx, q, eventFields, l.db.sql(selectEvents), max(limit, 0))
	return found, translate(ctx, "events", err)
}

// Lookup implements [credits.Gate]. A hold whose time has come is shown as expired, whether or not a mutation has closed
// it since.
func (l *Ledger) Lookup(ctx context.Context, account credits.Account, key credits.Key) (credits.Held, error) {
	held, err := l.lookup(ctx, account, key)
	return held, translate(ctx, "look up", err)
}

func (l *Ledger) lookup(ctx context.Context, account credits.Account, key credits.Key) (held credits.Held, err error) {
	unknown := fmt.Errorf("postgres: look up: account %q: key %q: %w", account, key, credits.ErrNotFound)
	if !storable(string(account), string(key)) {
		return held, unknown
	}
	accounts, keys := []string{string(account)}, []string{string(key)}
	b := &pgx.Batch{}
	b.Queue(selectNow, l.db.at())
	b.Queue(l.db.sql(selectHolds), accounts, keys)
	b.Queue(l.db.sql(selectAttempts), accounts, keys)
	b.Queue(l.db.sql(selectReceipts), accounts, keys)
	var now time.Time
	var holds []credits.Hold
	var attempts []attempt
	var receipts []receiptRow
	err = l.snapshot(ctx, b, func(results pgx.BatchResults) (err error) {
		if err = results.QueryRow().Scan(instant{&now}); err != nil {
			return err
		}
		if holds, err = next(results, holdFields); err != nil {
			return err
		}
		if attempts, err = next(results, attemptFields); err != nil {
			return err
		}
		receipts, err = next(results, receiptRowFields)
		return err
	})
	if err != nil {
		return held, err
	}
	if len(holds) == 0 {
		return held, unknown
	}
	hold := holds[0].AsOf(now)
	switch {
	case hold.State == credits.Settled && len(receipts) == 0: // foreign keys hold this off; who edits without them may get here
		return held, fmt.Errorf("postgres: account %q: key %q: %w: it is settled and its receipt is missing", account, key, ErrCorrupt)
	case hold.State == credits.Settled:
		held.Receipt = &receipts[0].Receipt
		return held, nil
	}
	for _, a := range attempts {
		if a.Fate == "" {
			hold.OpenAttempts = append(hold.OpenAttempts, a.Attempt)
		}
	}
	held.Hold = &hold
	return held, nil
}

const (
	entriesBetween = `SELECT ` + dbstore.EntryColumns + ` FROM scrip.entries WHERE account = $1 AND number > $2 AND number < $3 ORDER BY number `
	selectEntries  = entriesBetween + `LIMIT $4`
	selectLast     = entriesBetween + `DESC LIMIT $4`
)

// Entries implements [credits.Ledger].
func (l *Ledger) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return dbstore.Pages(q.Limit, func(last *credits.Entry, limit int) ([]credits.Entry, error) {
		from, err := l.querier(ctx)
		if err != nil {
			return nil, err
		}
		text, after, before := dbstore.PageOfEntries(q, last, selectEntries, selectLast)
		found, err := rows(ctx, from, entryFields, l.db.sql(text), name(string(q.Account)), after, before, limit)
		return found, translate(ctx, "entries", err)
	})
}

// selectRecords looks each hold up by itself, so that it stays a walk of one page of records.
var selectRecords = `SELECT ` + usedColumns + ` FROM scrip.usage_records u` + joinRefunded + ` WHERE u.account = ? AND u.entry > ?`

var usedColumns = dbstore.Of("u", dbstore.RecordColumns) + `, h.refunded`

const joinRefunded = `
CROSS JOIN LATERAL (SELECT h.refunded FROM scrip.holds h WHERE h.account = u.account AND h.key = u.key OFFSET 0) h`

func usedFields(r *credits.UsageRecord) []any { return append(recordFields(r), &r.Refunded) }

// Records implements [credits.Ledger].
func (l *Ledger) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return dbstore.Pages(0, func(last *credits.UsageRecord, limit int) ([]credits.UsageRecord, error) {
		from, err := l.querier(ctx)
		if err != nil {
			return nil, err
		}
		var after int64
		if last != nil {
			after = last.Entry
		}
		var c conditions
		c.add(selectRecords, name(string(q.Account)), after)
		c.span("u.at", credits.Span{From: q.From, To: q.To})
		if q.Scope != "" { // the second condition lets the partial index serve
			c.add(` AND u.scope = ? AND u.scope <> ''`, name(q.Scope))
		}
		c.add(` ORDER BY u.entry LIMIT ?`, limit)
		found, err := rows(ctx, from, usedFields, l.db.sql(c.text), c.args...)
		return found, translate(ctx, "usage records", err)
	})
}

// span adds that a column of times is in a span.
func (c *conditions) span(column string, s credits.Span) {
	if !s.From.IsZero() {
		c.add(` AND `+column+` >= ?`, ceilMicro(s.From))
	}
	if !s.To.IsZero() {
		c.add(` AND `+column+` < ?`, ceilMicro(s.To))
	}
}

const selectUsage = `SELECT ` + dbstore.TotalColumns + ` FROM scrip.usage_totals t WHERE `

// selectCut selects the records of slots, each read once: the slots' totals know their entries. A clock that was put back has
// made entries of one slot lie among those of another.
const selectCut = ` FROM (SELECT account, slot, min(first_entry) AS first_entry, max(last_entry) AS last_entry FROM scrip.usage_totals t
	WHERE NOT scoped AND slot = ANY(?)`

const ofCut = ` GROUP BY account, slot) cut
CROSS JOIN LATERAL (SELECT * FROM scrip.usage_records u WHERE u.account = cut.account AND u.entry BETWEEN cut.first_entry AND cut.last_entry
	AND u.at >= cut.slot AND u.at < cut.slot + interval '15 minutes' OFFSET 0) u` + joinRefunded

// Usage implements [credits.Ledger].
func (l *Ledger) Usage(ctx context.Context, q credits.UsageQuery) (out []credits.UsageRow, err error) {
	plan, err := q.Plan()
	if err != nil {
		return nil, err
	}
	totals, records := usageQueries(plan)
	b := &pgx.Batch{}
	b.Queue(l.db.sql(totals.text), totals.args...)
	if records.text != "" {
		b.Queue(l.db.sql(records.text), records.args...)
	}
	err = l.snapshot(ctx, b, func(results pgx.BatchResults) error {
		edges := func(func(credits.UsageRecord, error) bool) {}
		if records.text != "" {
			edges = stream(results, usedFields)
		}
		out, err = plan.Rows(stream(results, totalFields), edges)
		return err
	})
	return out, translate(ctx, "usage", err)
}

// usageQueries are the two queries of a plan; the second has no text where no slot is cut.
func usageQueries(plan credits.UsagePlan) (totals, records conditions) {
	scoped := `NOT t.scoped` // in the text, so that the partial index can serve
	if plan.Scoped {
		scoped = `t.scoped`
	}
	totals.text = selectUsage + scoped
	totals.span("t.slot", plan.Slots)
	totals.ofAccount(plan.Query)
	totals.ofScope(plan.Query, "t")
	if len(plan.Edges) == 0 {
		return totals, records
	}
	var slots []time.Time
	for _, edge := range plan.Edges {
		slots = append(slots, edge.From.Truncate(credits.Slot))
	}
	first, last := plan.Edges[0], plan.Edges[len(plan.Edges)-1]
	records.add(`SELECT `+usedColumns+selectCut, slots)
	records.ofAccount(plan.Query)
	records.add(ofCut+` WHERE (u.at >= ? AND u.at < ? OR u.at >= ? AND u.at < ?)`,
		ceilMicro(first.From), ceilMicro(first.To), ceilMicro(last.From), ceilMicro(last.To))
	records.ofScope(plan.Query, "u")
	return totals, records
}

// ofAccount adds that a query is of one account, if it is.
func (c *conditions) ofAccount(of credits.UsageQuery) {
	if !of.AllAccounts {
		c.add(` AND t.account = ?`, name(string(of.Account)))
	}
}

// ofScope adds that a query is of one scope, if it is.
func (c *conditions) ofScope(of credits.UsageQuery, table string) {
	if of.Scope != "" {
		c.add(` AND `+table+`.scope = ?`, name(of.Scope))
	}
}

const selectAccountAttempts = `SELECT seq, ` + attemptColumns + ` FROM scrip.attempts`

type attemptRow struct {
	seq int64
	attempt
}

func (a *attemptRow) fields() []any { return append([]any{&a.seq}, attemptFields(&a.attempt)...) }

// Attempts implements [credits.AttemptLog].
func (l *Ledger) Attempts(ctx context.Context, q credits.AttemptQuery) iter.Seq2[credits.Attempt, error] {
	found := dbstore.Pages(0, func(last *attemptRow, limit int) ([]attemptRow, error) {
		from, err := l.querier(ctx)
		if err != nil {
			return nil, err
		}
		var after int64
		if last != nil {
			after = last.seq
		}
		c := conditions{text: selectAccountAttempts}
		if q.Key != "" {
			c.add(` WHERE account = ? AND key = ?`, name(string(q.Account)), name(string(q.Key)))
		} else { // see the index
			c.add(` WHERE account COLLATE "POSIX" = ?`, name(string(q.Account)))
		}
		c.add(` AND seq > ?`, after)
		if q.Scope != "" {
			c.add(` AND scope = ? AND scope <> ''`, name(q.Scope))
		}
		c.add(` ORDER BY seq LIMIT ?`, limit)
		found, err := rows(ctx, from, (*attemptRow).fields, l.db.sql(c.text), c.args...)
		return found, translate(ctx, "attempts", err)
	})
	return func(yield func(credits.Attempt, error) bool) {
		for row, err := range found {
			if !yield(row.Attempt, err) {
				return
			}
		}
	}
}

// stream yields the rows of the next answer of a batch, which must be taken before the one after it.
func stream[T any](results pgx.BatchResults, fields func(*T) []any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		found, err := results.Query()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		defer found.Close()
		dbstore.Each(found, fields, yield)
	}
}

// ceilMicro is a bound of a time column that has the same rows on either side as the time itself: columns have whole
// microseconds, and a caller's time may lie between two.
func ceilMicro(t time.Time) time.Time {
	if us := t.Truncate(time.Microsecond); !us.Equal(t) {
		return us.Add(time.Microsecond)
	}
	return t
}
