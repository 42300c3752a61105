package postgres

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// tries is how often a transaction is run that the server undid for the sake of others, before that is the caller's.
const tries = 5

// querier is what statements run on: the pool, a transaction, or a connection.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// txn is a transaction in which content is saved. It ends with the function that it was given to: a face that kept it
// may not go on.
type txn struct {
	pgx.Tx
	ended atomic.Bool
}

func (t *txn) usable() error {
	if t.ended.Load() {
		return pgx.ErrTxClosed
	}
	return nil
}

// readable says why there is nothing to read from. It asks the database until the schema is there, and then no more.
func (d *DB) readable(ctx context.Context) error {
	if d.current.Load() {
		return ctx.Err()
	}
	if err := d.checkSchema(ctx, d.pool); err != nil {
		return translate(ctx, "look at the schema", err)
	}
	d.current.Store(true)
	return nil
}

// readCommitted is said for every transaction, because the host may have set another default: each statement is to see
// what others have committed while it waited for a lock.
var readCommitted = pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}

// write runs fn in a transaction of its own, again if the server undid it for the sake of others. So fn must have no
// effect of its own. If fn returns an error, nothing happened.
func (d *DB) write(ctx context.Context, fn func(context.Context, *txn) error) error {
	if err := d.readable(ctx); err != nil {
		return err
	}
	for n := 1; ; n++ {
		err := d.transact(ctx, fn)
		if err == nil || n == tries || !isUndone(err) && !isTaken(err) && !pgconn.SafeToRetry(err) {
			return err
		}
	}
}

// transact runs fn in one transaction.
func (d *DB) transact(ctx context.Context, fn func(context.Context, *txn) error) error {
	tx, err := d.pool.BeginTx(ctx, readCommitted)
	if err != nil {
		return err
	}
	t := &txn{Tx: tx}
	d.open.Store(tx, t)
	defer func() {
		t.ended.Store(true)
		d.open.Delete(tx)
		_ = tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
	}()
	if err := fn(ctx, t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.ended.Store(true)
	return d.commit(ctx, tx)
}

// commit commits. Once COMMIT was sent its answer counts and not the context, within bounds.
func (d *DB) commit(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.patience)
	defer cancel()
	return tx.Commit(ctx)
}

// savepoint runs fn in a transaction that goes on if fn fails, as if it had not run.
func savepoint(ctx context.Context, tx pgx.Tx, fn func(pgx.Tx) error) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := fn(inner); err != nil {
		// What cannot be undone here fails the whole transaction, so the first error is the one to tell.
		_ = inner.Rollback(context.WithoutCancel(ctx))
		return err
	}
	return inner.Commit(ctx)
}

// rows collects what a query yields. The connection is free again when it returns, so that the caller may write, or
// wait, with what it got.
func rows[T any](ctx context.Context, q querier, scan func(*T) []any, query string, args ...any) ([]T, error) {
	found, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(found, scan)
}

func collect[T any](found pgx.Rows, scan func(*T) []any) ([]T, error) {
	defer found.Close()
	var out []T
	for found.Next() {
		var row T
		if err := found.Scan(scan(&row)...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, found.Err()
}

// one reads the first row of a query into dest, and reports whether there is one.
func one(ctx context.Context, q querier, dest []any, query string, args ...any) (bool, error) {
	found, err := q.Query(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer found.Close()
	if !found.Next() {
		return false, found.Err()
	}
	if err := found.Scan(dest...); err != nil {
		return false, err
	}
	found.Close()
	return true, found.Err()
}

// exec runs a statement and returns how many rows it changed.
func exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	tag, err := q.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}
