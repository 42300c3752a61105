package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// Verify implements [credits.Ledger]. It reads one snapshot, row by row, beside writers; its memory does not grow with the
// account.
func (l *Ledger) Verify(ctx context.Context, account credits.Account) (report credits.Report, err error) {
	if l.in != nil {
		report, err = l.verify(ctx, l.in, account)
		return report, translate(ctx, "verify", err)
	}
	if err := l.db.readable(ctx); err != nil {
		return report, err
	}
	tx, err := l.db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return report, translate(ctx, "verify", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	report, err = l.verify(ctx, tx, account)
	return report, translate(ctx, "verify", err)
}

func (l *Ledger) verify(ctx context.Context, q querier, account credits.Account) (report credits.Report, err error) {
	row := credits.AccountRow{Account: account}
	id := name(string(account))
	if _, err := one(ctx, q, accountFields(&row), l.db.sql(selectAccount), id); err != nil {
		return report, err
	}
	audit := credits.NewAudit(row)
	if err := each(ctx, q, (*auditLine).fields, func(l *auditLine) { audit.Line(l.line()) }, l.db.sql(selectLines), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, auditHoldFields, func(h *credits.Hold) { audit.Hold(*h) }, l.db.sql(selectAuditHolds), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, bucketFields, func(b *credits.Bucket) { audit.Bucket(*b) }, l.db.sql(selectAllBuckets), id); err != nil {
		return report, err
	}
	var records, receipts int64
	if _, err := one(ctx, q, []any{&records, &receipts}, l.db.sql(countLedger), id); err != nil {
		return report, err
	}
	audit.Counts(records, receipts)
	return audit.Report(), nil
}

// each feeds the rows of a query to a function, one at a time and each in the same place.
func each[T any](ctx context.Context, q querier, fields func(*T) []any, do func(*T), query string, args ...any) error {
	found, err := q.Query(ctx, query, args...)
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

const selectAccount = `SELECT ` + accountColumns + ` FROM scrip.accounts WHERE account = $1`

const countLedger = `SELECT (SELECT count(*) FROM scrip.usage_records WHERE account = $1),
	(SELECT count(*) FROM scrip.receipts WHERE account = $1)`

const selectAllBuckets = `SELECT ` + bucketColumns + ` FROM scrip.buckets WHERE account = $1`

const selectAuditHolds = `SELECT account, key, state, amount, lots, refunded FROM scrip.holds WHERE account = $1`

func auditHoldFields(h *credits.Hold) []any {
	return []any{&h.Account, &h.Key, &h.State, &h.Amount, freshList[credits.Lot]{&h.Lots}, &h.Refunded}
}

// selectLines joins each entry with what belongs to it; what they keep is read too, because its digest is checked.
var selectLines = `SELECT ` + of("e", entryColumns) + `,
	h.state, h.amount, h.lots::text, h.refunded,
	` + of("u", recordColumns) + `,
	r.fingerprint, r.entry, r.charged, r.digest, r.result, r.pruned,
	a.key, a.fate,
	b.number, b.key, b.kind, b.priority, b.expires_at, b.amount
FROM scrip.entries e
LEFT JOIN scrip.buckets b ON b.account = e.account AND b.number = e.number
LEFT JOIN scrip.holds h ON e.kind = 'settle' AND h.account = e.account AND h.key = e.key
LEFT JOIN scrip.usage_records u ON u.account = e.account AND u.entry = e.number
LEFT JOIN scrip.receipts r ON e.kind = 'settle' AND r.account = e.account AND r.key = e.key
LEFT JOIN scrip.attempts a ON a.account = e.account AND a.key = e.key AND a.id = u.attempt
WHERE e.account = $1 ORDER BY e.number`

// auditLine is a row of selectLines. What a join did not find is NULL.
type auditLine struct {
	entry  credits.Entry
	record credits.UsageRecord

	holdState, holdLots, recordKey, attemptKey, attemptFate *string
	holdAmount, holdRefunded                                *int64
	receiptEntry, receiptCharged                            *int64
	recordAccount, operation, scope, provider               *string
	model, attempt                                          *string
	recordEntry, charged, writtenOff, version               *int64
	exact, cost                                             decimal.NullDecimal
	fingerprint, digest, result                             []byte
	pruned                                                  *bool
	bucketNumber, bucketPriority, bucketAmount              *int64
	bucketKey, bucketKind                                   *string
	bucketExpires                                           time.Time
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

// get returns what a pointer points at, the zero value if at nothing.
func get[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (l *auditLine) line() credits.Line {
	e := l.entry
	line := credits.Line{Entry: e}
	if l.bucketNumber != nil {
		line.Bucket = &credits.Bucket{Account: e.Account, Number: *l.bucketNumber, Key: credits.Key(get(l.bucketKey)),
			Kind: credits.GrantKind(get(l.bucketKind)), Priority: int(get(l.bucketPriority)), ExpiresAt: l.bucketExpires, Amount: credits.Amount(get(l.bucketAmount))}
	}
	if l.holdState != nil {
		h := credits.Hold{Account: e.Account, Key: e.Key, State: credits.HoldState(*l.holdState), Amount: credits.Amount(get(l.holdAmount)),
			Refunded: credits.Amount(get(l.holdRefunded))}
		_ = json.Unmarshal([]byte(get(l.holdLots)), &h.Lots) // the schema holds it valid; lots that are missing are a problem of their own
		line.Hold = &h
	}
	if l.recordKey != nil {
		r := l.record
		r.Account, r.Key, r.Entry = credits.Account(get(l.recordAccount)), credits.Key(*l.recordKey), get(l.recordEntry)
		r.Operation, r.Scope, r.Provider, r.Model, r.Attempt = get(l.operation), get(l.scope), get(l.provider), get(l.model), get(l.attempt)
		r.Charged, r.WrittenOff, r.PriceVersion = credits.Amount(get(l.charged)), credits.Amount(get(l.writtenOff)), get(l.version)
		r.Exact, r.Cost = l.exact.Decimal, l.cost.Decimal
		line.Record = &r
	}
	if l.receiptEntry != nil {
		r := credits.Receipt{Key: e.Key, Entry: *l.receiptEntry, Charged: credits.Amount(get(l.receiptCharged)), Result: l.result,
			Pruned: get(l.pruned)}
		copy(r.Fingerprint[:], l.fingerprint)
		copy(r.Digest[:], l.digest)
		line.Receipt = &r
	}
	if l.attemptKey != nil {
		line.Winner = &credits.Attempt{ID: get(l.attempt), Key: credits.Key(*l.attemptKey), Fate: get(l.attemptFate)}
	}
	return line
}

// freshList reads a list where the same place is read into again and again: what was there before stays its reader's.
type freshList[T any] struct{ v *[]T }

func (c freshList[T]) Scan(v any) error {
	*c.v = nil
	return list{c.v}.Scan(v)
}

var _ sql.Scanner = freshList[int]{}
