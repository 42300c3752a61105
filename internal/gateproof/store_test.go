package gateproof_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// store is a database that outlives the processes that use it.
type store struct {
	// create returns the name of a new database with the schema in place; it is gone with the test.
	create func(t *testing.T) string
	// open opens it.
	open func(ctx context.Context, name string) (*database, error)
	// quiet waits until nothing is under way any more that a dead process had asked for.
	quiet func(ctx context.Context, name string) error
	// search looks at every value that is stored.
	search func(ctx context.Context, name string) (*search, error)
}

type database struct {
	ledger credits.Ledger
	models registry.ModelStore
	close  func() error
}

var stores = map[string]store{
	"sqlite": {
		create: func(t *testing.T) string { return filepath.Join(t.TempDir(), "gate.db") },
		open: func(ctx context.Context, name string) (*database, error) {
			db, err := sqlite.Open(ctx, name, nil)
			if err != nil {
				return nil, err
			}
			if err := db.Migrate(ctx); err != nil {
				return nil, errors.Join(err, db.Close())
			}
			return &database{db.Ledger(), db.Models(), db.Close}, nil
		},
		quiet:  func(context.Context, string) error { return nil },
		search: searchSQLite,
	},
	"postgres": {
		search: searchPostgres,
		create: func(t *testing.T) string {
			d := pgtest.OpenOnDisk(t)
			return d.Name()
		},
		open: func(ctx context.Context, name string) (*database, error) {
			schema, pool, err := pgtest.Attach(ctx, name)
			if err != nil {
				return nil, err
			}
			db, err := postgres.New(ctx, pool, &postgres.Options{Schema: schema})
			if err == nil {
				err = db.Migrate(ctx)
			}
			if err != nil {
				pool.Close()
				return nil, err
			}
			return &database{db.Ledger(), db.Models(), func() error { pool.Close(); return nil }}, nil
		},
		quiet: pgtest.Quiet,
	},
}
