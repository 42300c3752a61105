package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// save writes what a state changed of one account. A row comes after the rows that it names.
func save(ctx context.Context, t *txn, account credits.Account, c *credits.Changes) error {
	var accounts, holds, attempts, entries, buckets, records, receipts, caps, totals, events [][]any
	for _, a := range c.Accounts {
		accounts = append(accounts, dbstore.AccountFields(a))
	}
	for _, h := range c.Holds {
		holds = append(holds, holdFields(h))
	}
	for _, a := range c.Attempts {
		attempts = append(attempts, append(attemptFields(a.Attempt), &a.Account))
	}
	for i := range c.Entries {
		entries = append(entries, entryFields(&c.Entries[i]))
	}
	for _, b := range c.Buckets {
		buckets = append(buckets, bucketFields(b))
	}
	for _, r := range c.Receipts {
		records = append(records, recordFields(&r.Record))
		receipts = append(receipts, dbstore.ReceiptFields(r))
	}
	for ref, row := range c.Caps {
		if row != nil {
			caps = append(caps, capFields(row))
		} else if _, err := t.ExecContext(ctx, deleteCap, ref.Account, ref.Name); err != nil {
			return err
		}
	}
	sums, err := sumTotals(ctx, t, account, c.Totals)
	if err != nil {
		return err
	}
	for i := range sums {
		totals = append(totals, totalFields(&sums[i]))
	}
	for i := range c.Events {
		events = append(events, eventFields(&c.Events[i]))
	}
	for _, w := range []struct {
		statement string
		rows      [][]any
	}{
		{upsertAccount, accounts}, {upsertHold, holds}, {upsertAttempt, attempts}, {insertEntry, entries}, {upsertBucket, buckets},
		{insertRecord, records}, {insertReceipt, receipts}, {upsertCap, caps}, {upsertTotal, totals}, {insertEvent, events},
	} {
		if err := t.insert(ctx, w.statement, w.rows); err != nil {
			return err
		}
	}
	return nil
}

// sumTotals returns what is stored of totals with what a batch adds to them. SQLite has no decimals to add by itself.
func sumTotals(ctx context.Context, t *txn, account credits.Account, changed []*credits.UsageTotal) ([]credits.UsageTotal, error) {
	if len(changed) == 0 {
		return nil, nil
	}
	wanted := make([][]any, len(changed))
	for i, more := range changed {
		wanted[i] = []any{more.Scoped, more.Slot.UnixMicro(), hexed(more.Scope), hexed(more.Operation), hexed(more.Provider), hexed(more.Model)}
	}
	type found struct {
		index int
		total credits.UsageTotal
	}
	fields := func(f *found) []any { return append([]any{&f.index}, totalFields(&f.total)...) }
	stored, err := rows(ctx, t, fields, selectSums, account, dbstore.List{V: wanted})
	if err != nil {
		return nil, err
	}
	sums := make([]credits.UsageTotal, len(changed))
	for i, more := range changed {
		sums[i] = *more
	}
	for _, f := range stored {
		f.total.Add(&sums[f.index])
		sums[f.index] = f.total
	}
	return sums, nil
}

// bulks are how many rows go into one statement, the most first. Each is prepared: parsing a long statement takes longer
// than running it, and a statement for each row takes longer than one for all.
var bulks = []int{64, 16, 4, 1}

// bulkInserts are the inserts that come in bulk, by the one of a single row, in the order of bulks.
var bulkInserts = func() map[string][]string {
	texts := map[string][]string{}
	for _, statement := range []string{upsertHold, upsertAttempt, insertEntry, upsertBucket, insertRecord, insertReceipt, upsertTotal} {
		for _, n := range bulks {
			texts[statement] = append(texts[statement], times(statement, n))
		}
	}
	return texts
}()

// times makes an insert of n rows out of one of a single row, which has its parameters in one pair of parentheses behind
// VALUES.
func times(statement string, n int) string {
	head, rest, _ := strings.Cut(statement, "VALUES ")
	row, tail, _ := strings.Cut(rest, ")")
	return head + "VALUES " + strings.Repeat(row+"), ", n-1) + row + ")" + tail
}

// insert runs an insert of one row for many.
func (t *txn) insert(ctx context.Context, statement string, rows [][]any) error {
	for _, row := range rows {
		if err := values(row); err != nil {
			return err
		}
	}
	for i, text := range bulkInserts[statement] {
		for n := bulks[i]; len(rows) >= n; rows = rows[n:] {
			if _, err := t.ExecContext(ctx, text, slices.Concat(rows[:n]...)...); err != nil {
				return err
			}
		}
	}
	for _, row := range rows { // an insert of which there is never more than a few
		if _, err := t.ExecContext(ctx, statement, row...); err != nil {
			return err
		}
	}
	return nil
}

const upsertAccount = `INSERT INTO scrip_accounts (` + dbstore.AccountColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account) DO UPDATE SET posted = excluded.posted, held = excluded.held, debt = excluded.debt,
	entries = excluded.entries, head = excluded.head, events = excluded.events, alert_below = excluded.alert_below, alerted = excluded.alerted`

const upsertBucket = `INSERT INTO scrip_buckets (` + dbstore.BucketColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, number) DO UPDATE SET renewed_at = excluded.renewed_at, charged = excluded.charged,
	refunded = excluded.refunded, expired = excluded.expired, paid_debt = excluded.paid_debt, pinned = excluded.pinned`

const upsertHold = `INSERT INTO scrip_holds (` + dbstore.HoldColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, key) DO UPDATE SET operation = excluded.operation, scope = excluded.scope, state = excluded.state,
	amount = excluded.amount, holder = excluded.holder, fence = excluded.fence, lease = excluded.lease,
	lease_until = excluded.lease_until, expires_at = excluded.expires_at, pinned = excluded.pinned,
	created_at = excluded.created_at, lots = excluded.lots, refunded = excluded.refunded`

// upsertAttempt updates what finishing changes; who began it, and when, stays.
const upsertAttempt = `INSERT INTO scrip_attempts (` + dbstore.AttemptColumns + `, account)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, key, id) DO UPDATE SET job_id = excluded.job_id, request_id = excluded.request_id,
	fate = excluded.fate, error = excluded.error, input = excluded.input, cached_input = excluded.cached_input,
	cache_write = excluded.cache_write, image_input = excluded.image_input,
	cached_image_input = excluded.cached_image_input, output = excluded.output, reasoning = excluded.reasoning,
	image_output = excluded.image_output, images = excluded.images, cost = excluded.cost,
	reported_cost = excluded.reported_cost, finished_at = excluded.finished_at`

const insertEntry = `INSERT INTO scrip_entries (` + dbstore.EntryColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertRecord = `INSERT INTO scrip_usage_records (` + dbstore.RecordColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertReceipt = `INSERT INTO scrip_receipts (` + dbstore.ReceiptColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

const upsertCap = `INSERT INTO scrip_caps (` + dbstore.CapColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, name) DO UPDATE SET operation = excluded.operation, scope = excluded.scope, "window" = excluded."window",
	first_day = excluded.first_day, zone = excluded.zone, "limit" = excluded."limit", warn_at = excluded.warn_at,
	used = excluded.used, since = excluded.since, warned = excluded.warned, reached = excluded.reached`

const deleteCap = `DELETE FROM scrip_caps WHERE account = ? AND name = ?`

const selectSums = `SELECT json_each.key, ` + dbstore.TotalColumns + ` FROM json_each(?2) CROSS JOIN scrip_usage_totals
ON account = ?1 AND scoped = value ->> 0 AND slot = value ->> 1
	AND scope = CAST(unhex(value ->> 2) AS TEXT) AND operation = CAST(unhex(value ->> 3) AS TEXT)
	AND provider = CAST(unhex(value ->> 4) AS TEXT) AND model = CAST(unhex(value ->> 5) AS TEXT)`

const upsertTotal = `INSERT INTO scrip_usage_totals (` + dbstore.TotalColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (` + dbstore.TotalKeyColumns + `) DO UPDATE SET first_entry = excluded.first_entry, last_entry = excluded.last_entry,
	records = excluded.records, charged = excluded.charged, written_off = excluded.written_off, refunded = excluded.refunded,
	input = excluded.input, cached_input = excluded.cached_input, cache_write = excluded.cache_write, image_input = excluded.image_input,
	cached_image_input = excluded.cached_image_input, output = excluded.output, reasoning = excluded.reasoning,
	image_output = excluded.image_output, images = excluded.images, cost = excluded.cost`

const insertEvent = `INSERT INTO scrip_events (` + dbstore.EventColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
