package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// insertAccounts fails if another process made the account in the meantime; the decision is then made again.
var insertAccounts = insert("accounts", dbstore.AccountColumns, accountTypes, "")

var updateAccounts = selecting(`UPDATE scrip.accounts a SET posted = u.posted, held = u.held, debt = u.debt, entries = u.entries, head = u.head,
	events = u.events, alert_below = u.alert_below, alerted = u.alerted
FROM (SELECT `, dbstore.AccountColumns, accountTypes, `) u
WHERE a.account = u.account`)

var upsertHolds = insert("holds", dbstore.HoldColumns, holdTypes, overwrite("account, key", `operation, scope, state, amount, holder, fence, lease, `+
	`lease_until, expires_at, pinned, created_at, lots, refunded`))

// upsertAttempts updates what finishing changes; who began it, and when, stays.
var upsertAttempts = insert("attempts", attemptColumns, attemptTypes, overwrite("account, key, id", `job_id, request_id, fate, error, `+
	dbstore.UsageColumns+`, cost, reported_cost, finished_at`))

var insertEntries = insert("entries", dbstore.EntryColumns, entryTypes, "")

var upsertBuckets = insert("buckets", dbstore.BucketColumns, bucketTypes, overwrite("account, number", `renewed_at, charged, refunded, expired, paid_debt, pinned`))

var insertRecords = insert("usage_records", dbstore.RecordColumns, recordTypes, "")

var insertReceipts = insert("receipts", dbstore.ReceiptColumns, receiptTypes, "")

var upsertCaps = insert("caps", dbstore.CapColumns, capTypes, overwrite("account, name", `operation, scope, "window", first_day, zone, `+
	`"limit", warn_at, used, since, warned, reached`))

const deleteCap = `DELETE FROM scrip.caps WHERE account = $1 AND name = $2`

// addTotals adds in the database, because which totals a batch is of is known only when it was decided.
var addTotals = insert("usage_totals AS t", dbstore.TotalColumns, totalTypes, "\nON CONFLICT ("+dbstore.TotalKeyColumns+`) DO UPDATE SET
first_entry = least(t.first_entry, excluded.first_entry), last_entry = greatest(t.last_entry, excluded.last_entry),
records = t.records + excluded.records, cost = t.cost + excluded.cost,
`+strings.Join(add("charged, written_off, refunded, "+dbstore.UsageColumns), ",\n"))

var insertEvents = insert("events", dbstore.EventColumns, eventTypes, "")

// changed is what a decision changed, row by row, of all its accounts.
type changed struct {
	created, accounts []*credits.AccountRow
	holds             []*credits.Hold
	attempts          []*attempt
	entries           []*credits.Entry
	buckets           []*credits.Bucket
	receipts          []*credits.Receipt
	records           []*credits.UsageRecord
	caps              []*credits.CapRow
	removed           []credits.CapRef
	totals            []*credits.UsageTotal
	events            []*credits.Event
}

func (d *decision) changed() (c changed) {
	for _, name := range d.accounts {
		account := credits.Account(name)
		from := d.states[account].Changes()
		for _, a := range from.Accounts {
			if d.known[a.Account] {
				c.accounts = append(c.accounts, a)
			} else {
				c.created = append(c.created, a)
			}
		}
		for _, h := range from.Holds {
			c.holds = append(c.holds, h)
		}
		for _, a := range from.Attempts {
			c.attempts = append(c.attempts, &attempt{a.Account, *a.Attempt})
		}
		for i := range from.Entries {
			c.entries = append(c.entries, &from.Entries[i])
		}
		for _, b := range from.Buckets {
			c.buckets = append(c.buckets, b)
		}
		for _, r := range from.Receipts {
			c.receipts, c.records = append(c.receipts, r), append(c.records, &r.Record)
		}
		for ref, row := range from.Caps {
			if row != nil {
				c.caps = append(c.caps, row)
			} else {
				c.removed = append(c.removed, ref)
			}
		}
		c.totals = append(c.totals, from.Totals...)
		for i := range from.Events {
			c.events = append(c.events, &from.Events[i])
		}
	}
	return c
}

// save queues the statements that write what was decided; none if nothing was changed. A row comes after the rows that it
// names.
func (l *Ledger) save(b *pgx.Batch, d *decision) error {
	c := d.changed()
	for _, ref := range c.removed {
		b.Queue(l.db.sql(deleteCap), string(ref.Account), ref.Name)
	}
	for _, err := range []error{
		queueRows(b, l.db, insertAccounts, c.created, dbstore.AccountFields),
		queueRows(b, l.db, updateAccounts, c.accounts, dbstore.AccountFields),
		queueRows(b, l.db, upsertHolds, c.holds, holdFields),
		queueRows(b, l.db, upsertAttempts, c.attempts, attemptFields),
		queueRows(b, l.db, insertEntries, c.entries, entryFields),
		queueRows(b, l.db, upsertBuckets, c.buckets, bucketFields),
		queueRows(b, l.db, insertRecords, c.records, recordFields),
		queueRows(b, l.db, insertReceipts, c.receipts, dbstore.ReceiptFields),
		queueRows(b, l.db, upsertCaps, c.caps, capFields),
		queueRows(b, l.db, addTotals, c.totals, totalFields),
		queueRows(b, l.db, insertEvents, c.events, eventFields),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// queueRows queues the statement if there are rows.
func queueRows[T any](b *pgx.Batch, db *DB, s statement, rows []*T, fields func(*T) []any) error {
	var text string
	var args []any
	var err error
	switch len(rows) {
	case 0:
		return nil
	case 1:
		text = s.one
		args, err = values(fields(rows[0]))
	default:
		text = s.many
		args, err = columns(rows, fields)
	}
	if err == nil {
		b.Queue(db.sql(text), args...)
	}
	return err
}
