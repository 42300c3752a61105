package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// Verify implements [credits.Ledger]. It reads one snapshot, row by row, beside writers; its memory does not grow with the
// account.
func (l *Ledger) Verify(ctx context.Context, account credits.Account) (credits.Report, error) {
	var report credits.Report
	err := l.snapshot(ctx, func(r reader) error {
		row := credits.AccountRow{Account: account}
		if _, err := one(ctx, r, accountFields(&row), selectAccount, account); err != nil {
			return err
		}
		audit := credits.NewAudit(row)
		if err := each(ctx, r, (*auditLine).fields, func(l *auditLine) { audit.Line(l.line()) }, selectLines, account); err != nil {
			return err
		}
		if err := each(ctx, r, auditHoldFields, func(h *credits.Hold) { audit.Hold(*h) }, selectAuditHolds, account); err != nil {
			return err
		}
		if err := each(ctx, r, bucketFields, func(b *credits.Bucket) { audit.Bucket(*b) }, selectAllBuckets, account); err != nil {
			return err
		}
		var records, receipts int64
		if _, err := one(ctx, r, []any{&records, &receipts}, countLedger, account); err != nil {
			return err
		}
		audit.Counts(records, receipts)
		report = audit.Report()
		return nil
	})
	return report, translate("verify", err)
}

// each feeds the rows of a query to a function, one at a time and each in the same place.
func each[T any](ctx context.Context, r reader, fields func(*T) []any, do func(*T), query string, args ...any) error {
	found, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	var row T
	dest := fields(&row)
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return err
		}
		do(&row)
	}
	return found.Err()
}

const countLedger = `SELECT (SELECT count(*) FROM scrip_usage_records WHERE account = ?1),
	(SELECT count(*) FROM scrip_receipts WHERE account = ?1)`

const selectAllBuckets = `SELECT ` + bucketColumns + ` FROM scrip_buckets WHERE account = ?`

const selectAuditHolds = `SELECT account, key, state, amount, lots, refunded FROM scrip_holds WHERE account = ?`

func auditHoldFields(h *credits.Hold) []any {
	return []any{&h.Account, &h.Key, &h.State, &h.Amount, freshList[credits.Lot]{&h.Lots}, &h.Refunded}
}

// selectLines joins each entry with what belongs to it; what they keep is read too, because its digest is checked. Every join is by a primary
// key, so that it stays one walk.
const selectLines = `SELECT e.account, e.number, e.kind, e.amount, e.balance_after, e.key, e.charge, e.operation, e.scope, e.who, e.note,
	e.lots, e.at, e.hash,
	h.state, h.amount, h.lots, h.refunded,
	u.account, u.key, u.entry, u.operation, u.scope, u.provider, u.model, u.attempt, u.input, u.cached_input, u.cache_write,
	u.image_input, u.cached_image_input, u.output, u.reasoning, u.image_output, u.images, u.exact, u.charged, u.written_off,
	u.cost, u.reported_cost, u.price_version, u.at,
	r.fingerprint, r.entry, r.charged, r.digest, r.result, r.pruned,
	a.key, a.fate,
	b.number, b.key, b.kind, b.priority, b.expires_at, b.amount
FROM scrip_entries e
LEFT JOIN scrip_buckets b ON b.account = e.account AND b.number = e.number
LEFT JOIN scrip_holds h ON e.kind = 'settle' AND h.account = e.account AND h.key = e.key
LEFT JOIN scrip_usage_records u ON u.account = e.account AND u.entry = e.number
LEFT JOIN scrip_receipts r ON e.kind = 'settle' AND r.account = e.account AND r.key = e.key
LEFT JOIN scrip_attempts a ON a.account = e.account AND a.key = e.key AND a.id = u.attempt
WHERE e.account = ? ORDER BY e.number`

// auditLine is a row of selectLines. What a join did not find is NULL.
type auditLine struct {
	entry  credits.Entry
	record credits.UsageRecord

	holdState, recordKey, attemptKey, attemptFate sql.NullString
	holdAmount, holdRefunded                      sql.NullInt64
	receiptEntry, receiptCharged                  sql.NullInt64
	holdLots, exact, cost                         sql.NullString
	recordAccount, operation, scope, provider     sql.NullString
	model, attempt                                sql.NullString
	recordEntry, charged, writtenOff, version     sql.NullInt64
	fingerprint, digest, result                   []byte
	bucketNumber, bucketPriority, bucketAmount    sql.NullInt64
	bucketKey, bucketKind                         sql.NullString
	pruned                                        sql.NullBool
	bucketExpires                                 time.Time
}

func (l *auditLine) fields() []any {
	e := entryFields(&l.entry)
	e[11] = freshList[credits.Lot]{&l.entry.Lots}
	out := append(e, &l.holdState, &l.holdAmount, &l.holdLots, &l.holdRefunded,
		&l.recordAccount, &l.recordKey, &l.recordEntry, &l.operation, &l.scope, &l.provider, &l.model, &l.attempt)
	out = append(out, usageFields(&l.record.Usage)...)
	return append(out, &l.exact, &l.charged, &l.writtenOff, &l.cost, &l.record.ReportedCost, &l.version, instant{&l.record.At},
		&l.fingerprint, &l.receiptEntry, &l.receiptCharged, &l.digest, &l.result, &l.pruned, &l.attemptKey, &l.attemptFate,
		&l.bucketNumber, &l.bucketKey, &l.bucketKind, &l.bucketPriority, instant{&l.bucketExpires}, &l.bucketAmount)
}

func (l *auditLine) line() credits.Line {
	e := l.entry
	line := credits.Line{Entry: e}
	if l.bucketNumber.Valid {
		line.Bucket = &credits.Bucket{Account: e.Account, Number: l.bucketNumber.Int64, Key: credits.Key(l.bucketKey.String),
			Kind: credits.GrantKind(l.bucketKind.String), Priority: int(l.bucketPriority.Int64), ExpiresAt: l.bucketExpires, Amount: credits.Amount(l.bucketAmount.Int64)}
	}
	if l.holdState.Valid {
		h := credits.Hold{Account: e.Account, Key: e.Key, State: credits.HoldState(l.holdState.String), Amount: credits.Amount(l.holdAmount.Int64),
			Refunded: credits.Amount(l.holdRefunded.Int64)}
		_ = json.Unmarshal([]byte(l.holdLots.String), &h.Lots) // the schema holds it valid; lots that are missing are a problem of their own
		line.Hold = &h
	}
	if l.recordKey.Valid {
		r := l.record
		r.Account, r.Key, r.Entry = credits.Account(l.recordAccount.String), credits.Key(l.recordKey.String), l.recordEntry.Int64
		r.Operation, r.Scope, r.Provider, r.Model, r.Attempt = l.operation.String, l.scope.String, l.provider.String, l.model.String, l.attempt.String
		r.Charged, r.WrittenOff, r.PriceVersion = credits.Amount(l.charged.Int64), credits.Amount(l.writtenOff.Int64), l.version.Int64
		r.Exact, _ = decimal.NewFromString(l.exact.String) // what is no number has another digest
		r.Cost, _ = decimal.NewFromString(l.cost.String)
		line.Record = &r
	}
	if l.receiptEntry.Valid {
		r := credits.Receipt{Key: e.Key, Entry: l.receiptEntry.Int64, Charged: credits.Amount(l.receiptCharged.Int64), Result: l.result, Pruned: l.pruned.Bool}
		copy(r.Fingerprint[:], l.fingerprint)
		copy(r.Digest[:], l.digest)
		line.Receipt = &r
	}
	if l.attemptKey.Valid {
		line.Winner = &credits.Attempt{ID: l.attempt.String, Key: credits.Key(l.attemptKey.String), Fate: l.attemptFate.String}
	}
	return line
}
