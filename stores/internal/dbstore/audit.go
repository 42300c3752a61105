package dbstore

import (
	"database/sql"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// SelectLines joins each entry of an account with what belongs to it, for AuditLine; what a receipt keeps is read too,
// because its digest is checked. Every join is by a key, so that it stays one walk. schema comes before the names of the
// tables, and account is the parameter that stands for the account.
func SelectLines(schema, account string) string {
	return `SELECT ` + Of("e", EntryColumns) + `,
	h.state, h.operation, h.scope, h.fingerprint, h.amount, h.lots, h.refunded,
	` + Of("u", chargeColumns) + `,
	r.fingerprint, r.entry, r.charged, r.digest, r.result, r.pruned,
	a.key, a.fate,
	b.number, b.key, b.kind, b.priority, b.expires_at, b.amount
FROM ` + schema + `entries e
LEFT JOIN ` + schema + `buckets b ON b.account = e.account AND b.number = e.number
LEFT JOIN ` + schema + `holds h ON e.kind = 'settle' AND h.account = e.account AND h.key = e.key
LEFT JOIN ` + schema + `usage_records u ON u.account = e.account AND u.entry = e.number
LEFT JOIN ` + schema + `receipts r ON e.kind = 'settle' AND r.account = e.account AND r.key = e.key
LEFT JOIN ` + schema + `attempts a ON a.account = e.account AND a.key = e.key AND a.id = u.attempt
WHERE e.account = ` + account + ` ORDER BY e.number`
}

// AuditLine is a row of SelectLines. What a join did not find is NULL.
type AuditLine struct {
	entry  credits.Entry
	record credits.UsageRecord

	holdOperation, holdScope                      sql.NullString
	holdState, recordKey, attemptKey, attemptFate sql.NullString
	holdAmount, holdRefunded                      sql.NullInt64
	receiptEntry, receiptCharged                  sql.NullInt64
	holdLots, exact, cost                         sql.NullString
	recordAccount, operation, scope, provider     sql.NullString
	model, attempt                                sql.NullString
	recordEntry, charged, writtenOff, version     sql.NullInt64
	holdFingerprint, fingerprint, digest, result  []byte
	bucketNumber, bucketPriority, bucketAmount    sql.NullInt64
	bucketKey, bucketKind                         sql.NullString
	pruned                                        sql.NullBool
	bucketExpires                                 time.Time
}

// Fields returns what a row of SelectLines is read into. The line may be read into again.
func (l *AuditLine) Fields(at Instant) []any {
	out := append(EntryFields(&l.entry, at), &l.holdState, &l.holdOperation, &l.holdScope, &l.holdFingerprint, &l.holdAmount, &l.holdLots, &l.holdRefunded,
		&l.recordAccount, &l.recordKey, &l.recordEntry, &l.operation, &l.scope, &l.provider, &l.model, &l.attempt)
	out = append(out, usageFields(&l.record.Usage)...)
	return append(out, &l.exact, &l.charged, &l.writtenOff, &l.cost, &l.record.ReportedCost, &l.version, at(&l.record.At),
		&l.fingerprint, &l.receiptEntry, &l.receiptCharged, &l.digest, &l.result, &l.pruned, &l.attemptKey, &l.attemptFate,
		&l.bucketNumber, &l.bucketKey, &l.bucketKind, &l.bucketPriority, at(&l.bucketExpires), &l.bucketAmount)
}

// Line returns what was read.
func (l *AuditLine) Line() credits.Line {
	e := l.entry
	line := credits.Line{Entry: e}
	if l.bucketNumber.Valid {
		line.Bucket = &credits.Bucket{Account: e.Account, Number: l.bucketNumber.Int64, Key: credits.Key(l.bucketKey.String),
			Kind: credits.GrantKind(l.bucketKind.String), Priority: int(l.bucketPriority.Int64), ExpiresAt: l.bucketExpires, Amount: credits.Amount(l.bucketAmount.Int64)}
	}
	if l.holdState.Valid {
		h := credits.Hold{Account: e.Account, Key: e.Key, State: credits.HoldState(l.holdState.String), Amount: credits.Amount(l.holdAmount.Int64),
			Refunded: credits.Amount(l.holdRefunded.Int64), Operation: l.holdOperation.String, Scope: l.holdScope.String}
		copy(h.Fingerprint[:], l.holdFingerprint)
		_ = Lots{&h.Lots}.Scan(l.holdLots.String) // the schema holds it valid; lots that are missing are a problem of their own
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

// AuditHoldColumns are those of AuditHoldFields.
const AuditHoldColumns = `account, key, operation, scope, state, amount, created_at, lots, refunded`

// AuditHoldFields returns what an audit reads of a hold, which may be read into again.
func AuditHoldFields(h *credits.Hold, at Instant) []any {
	return []any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, at(&h.CreatedAt), Lots{&h.Lots}, &h.Refunded}
}
