//go:build linux || darwin

package runproof_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// store is a database that outlives the processes that use it.
type store struct {
	// create returns the name of a new database, which is gone with the test.
	create func(t *testing.T) string
	// open opens it, and waits until that is possible.
	open func(ctx context.Context, name string) (*database, error)
	// quiet waits until nothing is under way any more that a dead process had asked for.
	quiet func(ctx context.Context, name string) error
}

type database struct {
	ledger  credits.Ledger
	models  registry.ModelStore
	runs    automation.Store
	content pipeline.Content
	migrate func(context.Context) error
	close   func() error
}

var stores = map[string]store{
	"sqlite": {
		create: func(t *testing.T) string { return filepath.Join(t.TempDir(), "run.db") },
		open: func(ctx context.Context, name string) (*database, error) {
			for {
				db, err := sqlite.Open(ctx, name, nil)
				if errors.Is(err, sqlite.ErrLocked) {
					time.Sleep(5 * time.Millisecond)
					continue
				}
				if err != nil {
					return nil, err
				}
				return &database{db.Ledger(), db.Models(), db.Runs(), db.Content(), db.Migrate, db.Close}, nil
			}
		},
		quiet: func(context.Context, string) error { return nil },
	},
	"postgres": {
		create: func(t *testing.T) string { return pgtest.Open(t).Name() },
		open: func(ctx context.Context, name string) (*database, error) {
			schema, pool, err := pgtest.Attach(ctx, name)
			if err != nil {
				return nil, err
			}
			db, err := postgres.New(ctx, pool, &postgres.Options{Schema: schema})
			if err != nil {
				pool.Close()
				return nil, err
			}
			return &database{db.Ledger(), db.Models(), db.Runs(), db.Content(), db.Migrate, func() error { pool.Close(); return nil }}, nil
		},
		quiet: pgtest.Quiet,
	},
}
