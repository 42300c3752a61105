package dbstore

import (
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// The rows of the ledger: their columns, and the fields that these are read into and written from, in the same order.

// AccountColumns are those of AccountFields.
const AccountColumns = `account, posted, held, debt, entries, head, events, alert_below, alerted`

// AccountFields returns the fields of an account's row.
func AccountFields(a *credits.AccountRow) []any {
	return []any{&a.Account, &a.Posted, &a.Held, &a.Debt, &a.Entries, Digest{&a.Head}, &a.Events, &a.AlertBelow, &a.Alerted}
}

// BucketColumns are those of BucketFields.
const BucketColumns = `account, number, key, kind, priority, expires_at, renewed_at, amount, charged, refunded, expired, paid_debt, pinned`

// BucketFields returns the fields of a bucket.
func BucketFields(b *credits.Bucket, at Instant) []any {
	return []any{&b.Account, &b.Number, &b.Key, &b.Kind, &b.Priority, at(&b.ExpiresAt), at(&b.RenewedAt), &b.Amount, &b.Charged,
		&b.Refunded, &b.Expired, &b.PaidDebt, &b.Pinned}
}

// HoldColumns are those of HoldFields.
const HoldColumns = `account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, pinned, created_at, lots, refunded`

// HoldFields returns the fields of a hold, without its attempts.
func HoldFields(h *credits.Hold, at Instant) []any {
	return []any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, Digest{&h.Fingerprint},
		&h.Holder.ID, &h.Holder.Fence, Span{&h.Holder.Lease}, at(&h.LeaseUntil), at(&h.ExpiresAt),
		&h.Pinned, at(&h.CreatedAt), Lots{&h.Lots}, &h.Refunded}
}

// UsageColumns are what was measured, in a row of the journal and in a usage record.
const UsageColumns = `input, cached_input, cache_write, image_input, cached_image_input, output, reasoning, image_output, images`

func usageFields(u *usage.Usage) []any {
	return []any{Count{&u.Input}, Count{&u.CachedInput}, Count{&u.CacheWrite}, Count{&u.ImageInput}, Count{&u.CachedImageInput},
		Count{&u.Output}, Count{&u.Reasoning}, Count{&u.ImageOutput}, Count{&u.Images}}
}

// AttemptColumns are those of AttemptFields.
const AttemptColumns = `key, id, scope, holder, provider, model, key_id, job_id, request_id, fate, error, ` + UsageColumns +
	`, cost, reported_cost, begun_at, finished_at`

// AttemptFields returns the fields of an attempt, which does not say whose it is: the column account is beside them.
func AttemptFields(a *credits.Attempt, at Instant) []any {
	fields := []any{&a.Key, &a.ID, &a.Scope, &a.Holder, &a.Provider, &a.Model, &a.KeyID, &a.JobID, &a.RequestID, &a.Fate, &a.Error}
	fields = append(fields, usageFields(&a.Usage)...)
	return append(fields, &a.Cost, &a.ReportedCost, at(&a.BegunAt), at(&a.FinishedAt))
}

// EntryColumns are those of EntryFields.
const EntryColumns = `account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash`

// EntryFields returns the fields of an entry.
func EntryFields(e *credits.Entry, at Instant) []any {
	return []any{&e.Account, &e.Number, &e.Kind, &e.Amount, &e.BalanceAfter, &e.Key, &e.Charge, &e.Operation, &e.Scope, &e.Who, &e.Note,
		Lots{&e.Lots}, at(&e.At), Digest{&e.Hash}}
}

// RecordColumns are those of RecordFields.
const RecordColumns = chargeColumns + `, ` + shadowColumns

// chargeColumns are those of a usage record that say what was charged: what an audit looks at.
const chargeColumns = `account, key, entry, operation, scope, provider, model, attempt, ` + UsageColumns +
	`, exact, charged, written_off, cost, reported_cost, price_version, at`

// RecordFields returns the fields of a usage record.
func RecordFields(r *credits.UsageRecord, at Instant) []any {
	fields := []any{&r.Account, &r.Key, &r.Entry, &r.Operation, &r.Scope, &r.Provider, &r.Model, &r.Attempt}
	fields = append(fields, usageFields(&r.Usage)...)
	fields = append(fields, &r.Exact, &r.Charged, &r.WrittenOff, &r.Cost, &r.ReportedCost, &r.PriceVersion, at(&r.At))
	return append(fields, shadowFields(&r.Shadow)...)
}

// ReceiptColumns are those of ReceiptFields.
const ReceiptColumns = `account, key, fingerprint, entry, charged, result, digest, pruned`

// ReceiptFields returns the fields of a receipt, without its usage record, whose account it shares.
func ReceiptFields(r *credits.Receipt) []any {
	return []any{&r.Record.Account, &r.Key, Digest{&r.Fingerprint}, &r.Entry, &r.Charged, &r.Result, Digest{&r.Digest}, &r.Pruned}
}

// CapColumns are those of CapFields. Two of them are words of SQL too.
const CapColumns = `account, name, operation, scope, "window", first_day, zone, "limit", warn_at, used, since, warned, reached`

// CapFields returns the fields of a cap.
func CapFields(c *credits.CapRow, at Instant) []any {
	return []any{&c.Account, &c.Name, &c.Operation, &c.Scope, &c.Window, &c.FirstDay, &c.Zone, &c.Limit, &c.WarnAt, &c.Used, at(&c.Since),
		&c.Warned, &c.Reached}
}

// TotalKeyColumns are the primary key of a usage total, and the first of TotalColumns.
const TotalKeyColumns = `account, scoped, slot, scope, operation, provider, model`

// TotalColumns are those of TotalFields.
const TotalColumns = TotalKeyColumns + `, first_entry, last_entry, records, charged, written_off, refunded, ` + UsageColumns + `, cost`

// TotalKeyFields returns the fields of the primary key of a usage total.
func TotalKeyFields(t *credits.UsageTotal, at Instant) []any {
	return []any{&t.Account, &t.Scoped, at(&t.Slot), &t.Scope, &t.Operation, &t.Provider, &t.Model}
}

// TotalFields returns the fields of a usage total.
func TotalFields(t *credits.UsageTotal, at Instant) []any {
	fields := append(TotalKeyFields(t, at), &t.FirstEntry, &t.LastEntry, &t.Records, &t.Charged, &t.WrittenOff, &t.Refunded)
	return append(append(fields, usageFields(&t.Usage)...), &t.Cost)
}

// EventColumns are those of EventFields.
const EventColumns = `account, number, kind, key, cap, amount, now, at`

// EventFields returns the fields of an event.
func EventFields(e *credits.Event, at Instant) []any {
	return []any{&e.Account, &e.Number, &e.Kind, &e.Key, &e.Cap, &e.Amount, &e.Now, at(&e.At)}
}

// Of returns columns as those of a table in a join.
func Of(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}
