package ledgerproof_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

var postgresBackend = backend{
	name: "postgres",
	open: func(t testing.TB, now func() time.Time, safe bool) handles {
		d := openPostgres(t, safe)
		var out handles
		for range 2 {
			db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			out = append(out, db.Ledger())
		}
		return out
	},
	shared: &shared{
		create: func(t testing.TB, safe bool) string {
			d := openPostgres(t, safe)
			return d.Schema + " " + d.Pool.Config().ConnString()
		},
		open: func(ctx context.Context, name string, now func() time.Time) (credits.Ledger, func() error, error) {
			schema, dsn, _ := strings.Cut(name, " ")
			config, err := pgxpool.ParseConfig(dsn)
			if err != nil {
				return nil, nil, err
			}
			config.ConnConfig.RuntimeParams["application_name"] = schema
			pool, err := pgxpool.NewWithConfig(ctx, config)
			if err != nil {
				return nil, nil, err
			}
			db, err := postgres.New(ctx, pool, &postgres.Options{Schema: schema, Now: now})
			if err == nil {
				err = db.Migrate(ctx)
			}
			if err != nil {
				pool.Close()
				return nil, nil, err
			}
			return db.Ledger(), func() error { pool.Close(); return nil }, nil
		},
		writers: 2,
		quiet: func(ctx context.Context, name string) error {
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
		},
	},
}

func openPostgres(t testing.TB, safe bool) *pgtest.Database {
	if safe {
		return pgtest.OpenOnDisk(t)
	}
	return pgtest.Open(t)
}
