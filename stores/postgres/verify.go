package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
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
	if _, err := one(ctx, q, dbstore.AccountFields(&row), l.db.sql(selectAccount), id); err != nil {
		return report, err
	}
	audit := credits.NewAudit(row)
	if err := each(ctx, q, lineFields, func(l *dbstore.AuditLine) { audit.Line(l.Line()) }, l.db.sql(selectLines), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, dbstore.AuditHoldFields, func(h *credits.Hold) { audit.Hold(*h) }, l.db.sql(selectAuditHolds), id); err != nil {
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

const selectAccount = `SELECT ` + dbstore.AccountColumns + ` FROM scrip.accounts WHERE account = $1`

const countLedger = `SELECT (SELECT count(*) FROM scrip.usage_records WHERE account = $1),
	(SELECT count(*) FROM scrip.receipts WHERE account = $1)`

const selectAllBuckets = `SELECT ` + dbstore.BucketColumns + ` FROM scrip.buckets WHERE account = $1`

const selectAuditHolds = `SELECT ` + dbstore.AuditHoldColumns + ` FROM scrip.holds WHERE account = $1`

var selectLines = dbstore.SelectLines("scrip.", "$1")
