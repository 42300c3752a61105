package postgres

import (
	"context"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// Verify implements [credits.Ledger]. It reads one snapshot, row by row, beside writers; see [credits.Audit] for
// what its memory grows with.
func (l *Ledger) Verify(ctx context.Context, account credits.Account) (report credits.Report, err error) {
	var tx pgx.Tx
	if l.in != nil {
		tx, err = l.in.Begin(ctx) // a savepoint, so that the setting below does not outlast this
	} else if err = l.db.readable(ctx); err == nil {
		tx, err = l.db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	}
	if err != nil {
		return report, translate(ctx, "verify", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	report, err = l.verify(ctx, tx, account)
	return report, translate(ctx, "verify", err)
}

// wholeAccount keeps the planner from looking the rows of an account up one by one in another table's rows. Without
// statistics it takes every account for a small one, and would take a time that grows with the square of this one.
const wholeAccount = `SET LOCAL enable_nestloop = off`

func (l *Ledger) verify(ctx context.Context, q querier, account credits.Account) (report credits.Report, err error) {
	if _, err := q.Exec(ctx, wholeAccount); err != nil {
		return report, err
	}
	row := credits.AccountRow{Account: account}
	id := name(string(account))
	if _, err := one(ctx, q, dbstore.AccountFields(&row), l.db.sql(selectAccount), id); err != nil {
		return report, err
	}
	audit := credits.NewAudit(row)
	if err := each(ctx, q, capFields, func(c *credits.CapRow) { audit.Cap(*c) }, l.db.sql(selectCaps), []string{clean(string(account))}); err != nil {
		return report, err
	}
	if err := each(ctx, q, lineFields, func(l *dbstore.AuditLine) { audit.Line(l.Line()) }, l.db.sql(selectLines), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, auditHoldFields, func(h *credits.Hold) { audit.Hold(*h) }, l.db.sql(selectAuditHolds), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, bucketFields, func(b *credits.Bucket) { audit.Bucket(*b) }, l.db.sql(selectAllBuckets), id); err != nil {
		return report, err
	}
	if err := each(ctx, q, totalFields, func(t *credits.UsageTotal) { audit.Total(*t) }, l.db.sql(selectTotals), id); err != nil {
		return report, err
	}
	var records, receipts int64
	if _, err := one(ctx, q, []any{&records, &receipts}, l.db.sql(countLedger), id); err != nil {
		return report, err
	}
	audit.Counts(records, receipts)
	return audit.Report(), nil
}

const selectAccountNames = `SELECT account FROM scrip.accounts WHERE account > $1 ORDER BY account LIMIT $2`

// Accounts yields all accounts of the ledger, in the order of their bytes: for who verifies all of them. It ends after the
// first error. An account that is new while the sequence is read may be left out.
func (l *Ledger) Accounts(ctx context.Context) iter.Seq2[credits.Account, error] {
	return dbstore.Pages(0, func(last *credits.Account, limit int) ([]credits.Account, error) {
		from, err := l.querier(ctx)
		if err != nil {
			return nil, err
		}
		var after credits.Account
		if last != nil {
			after = *last
		}
		found, err := rows(ctx, from, func(a *credits.Account) []any { return []any{a} }, l.db.sql(selectAccountNames), string(after), limit)
		return found, translate(ctx, "accounts", err)
	})
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

const selectTotals = `SELECT ` + dbstore.TotalColumns + ` FROM scrip.usage_totals WHERE account = $1`

var selectLines = dbstore.SelectLines("scrip.", "$1")
