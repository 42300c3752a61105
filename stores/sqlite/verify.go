package sqlite

import (
	"context"
	"iter"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// Verify implements [credits.Ledger]. It reads one snapshot, row by row, beside writers; see [credits.Audit] for
// what its memory grows with.
func (l *Ledger) Verify(ctx context.Context, account credits.Account) (credits.Report, error) {
	var report credits.Report
	err := l.snapshot(ctx, func(r reader) error {
		row := credits.AccountRow{Account: account}
		if _, err := one(ctx, r, dbstore.AccountFields(&row), selectAccount, account); err != nil {
			return err
		}
		audit := credits.NewAudit(row)
		if err := each(ctx, r, capFields, func(c *credits.CapRow) { audit.Cap(*c) }, selectCaps, account); err != nil {
			return err
		}
		if err := each(ctx, r, lineFields, func(l *dbstore.AuditLine) { audit.Line(l.Line()) }, selectLines, account); err != nil {
			return err
		}
		if err := each(ctx, r, auditHoldFields, func(h *credits.Hold) { audit.Hold(*h) }, selectAuditHolds, account); err != nil {
			return err
		}
		if err := each(ctx, r, bucketFields, func(b *credits.Bucket) { audit.Bucket(*b) }, selectAllBuckets, account); err != nil {
			return err
		}
		if err := each(ctx, r, totalFields, func(t *credits.UsageTotal) { audit.Total(*t) }, selectTotals, account); err != nil {
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

const selectAccountNames = `SELECT account FROM scrip_accounts WHERE account > ? ORDER BY account LIMIT ?`

// Accounts yields all accounts of the ledger, in the order of their bytes: for who verifies all of them. It ends after the
// first error. An account that is new while the sequence is read may be left out.
func (l *Ledger) Accounts(ctx context.Context) iter.Seq2[credits.Account, error] {
	return dbstore.Pages(0, func(last *credits.Account, limit int) ([]credits.Account, error) {
		r, err := l.reader()
		if err != nil {
			return nil, err
		}
		var after credits.Account
		if last != nil {
			after = *last
		}
		found, err := rows(ctx, r, func(a *credits.Account) []any { return []any{a} }, selectAccountNames, after, limit)
		return found, translate("accounts", err)
	})
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

const selectAllBuckets = `SELECT ` + dbstore.BucketColumns + ` FROM scrip_buckets WHERE account = ?`

const selectAuditHolds = `SELECT ` + dbstore.AuditHoldColumns + ` FROM scrip_holds WHERE account = ?`

const selectTotals = `SELECT ` + dbstore.TotalColumns + ` FROM scrip_usage_totals WHERE account = ?`

var selectLines = dbstore.SelectLines("scrip_", "?")
