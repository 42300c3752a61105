package pgtest

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Name names the database to another process, for Attach and Quiet.
func (d *Database) Name() string { return d.Schema + " " + d.Pool.Config().ConnString() }

// Attach returns the schema of a named database and a pool of one's own on it. Close the pool.
func Attach(ctx context.Context, name string) (schema string, pool *pgxpool.Pool, err error) {
	schema, dsn, _ := strings.Cut(name, " ")
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return "", nil, err
	}
	config.ConnConfig.RuntimeParams["application_name"] = schema
	pool, err = pgxpool.NewWithConfig(ctx, config)
	return schema, pool, err
}

// Quiet waits until nobody is attached to a named database: the server may be at the last statement of a process that was
// killed.
func Quiet(ctx context.Context, name string) error {
	schema, dsn, _ := strings.Cut(name, " ")
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for {
		var left int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, schema).Scan(&left); err != nil || left == 0 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
