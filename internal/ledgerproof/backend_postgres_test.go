package ledgerproof_test

import (
	"context"
	"testing"
	"time"

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
			return d.Name()
		},
		open: func(ctx context.Context, name string, now func() time.Time) (credits.Ledger, func() error, error) {
			schema, pool, err := pgtest.Attach(ctx, name)
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
		quiet:   pgtest.Quiet,
	},
}

func openPostgres(t testing.TB, safe bool) *pgtest.Database {
	if safe {
		return pgtest.OpenOnDisk(t)
	}
	return pgtest.Open(t)
}
