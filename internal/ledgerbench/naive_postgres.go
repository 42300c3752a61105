package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How many transactions the naive side has at once. Of 4 to 64, 8 were the quickest on the hot account, where more of them
// only wait for its lock, and about as quick as any on many accounts: bars are held against these. A host that has not
// measured it may well give its callers a connection each, up to what the server allows.
const (
	naiveConnections     = 8
	naiveManyConnections = 64
)

// naivePostgres is the naive side on the pool's database. pgx prepares each statement once for a connection.
func naivePostgres(ctx context.Context, config *pgxpool.Config, connections int32) (*naive, error) {
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &naive{
		begin: func(ctx context.Context) (transaction, error) {
			tx, err := pool.Begin(ctx)
			return postgresTx{tx}, err
		},
		query: func(ctx context.Context, text string, args ...any) (rows, error) {
			return pool.Query(ctx, text, args...)
		},
		at:    func(t *time.Time) any { return t },
		close: pool.Close,
	}, nil
}

type postgresTx struct{ tx pgx.Tx }

func (t postgresTx) exec(ctx context.Context, text string, args ...any) error {
	_, err := t.tx.Exec(ctx, text, args...)
	return err
}

func (t postgresTx) one(ctx context.Context, text string, args []any, dest ...any) error {
	return t.tx.QueryRow(ctx, text, args...).Scan(dest...) // pgx.ErrNoRows is sql.ErrNoRows too
}

func (t postgresTx) commit(ctx context.Context) error { return t.tx.Commit(ctx) }

func (t postgresTx) rollback() { _ = t.tx.Rollback(context.Background()) }
