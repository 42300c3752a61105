package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is a fresh schema in a running server.
type Database struct {
	// Pool has the schema first in its search path.
	Pool *pgxpool.Pool
	// Schema is the name of the schema, unquoted. It exists and is empty.
	Schema string

	config *pgxpool.Config
}

// The clusters of this process: the quick one and, for benchmarks, the one on a disk.
var (
	inMemory = sync.OnceValues(func() (string, error) { return start(memoryDir()) })
	onDisk   = sync.OnceValues(func() (string, error) { return start(os.TempDir()) })
)

// Open returns a database of the test's own. It is dropped with the test.
func Open(t testing.TB) *Database {
	t.Helper()
	return open(t, inMemory)
}

// OpenOnDisk is Open with its data on the disk, for a benchmark that wants to pay for every sync.
func OpenOnDisk(t testing.TB) *Database {
	t.Helper()
	return open(t, onDisk)
}

func open(t testing.TB, cluster func() (string, error)) *Database {
	t.Helper()
	d, err := connect(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// Connect is Open for who has no test at hand, such as an example. The caller closes it.
func Connect(ctx context.Context) (*Database, error) { return connect(ctx, inMemory) }

// ConnectOnDisk is OpenOnDisk for who has no test at hand. The caller closes it.
func ConnectOnDisk(ctx context.Context) (*Database, error) { return connect(ctx, onDisk) }

func connect(ctx context.Context, cluster func() (string, error)) (*Database, error) {
	dsn := os.Getenv("DATABASE_URL")
	if dsn == "" {
		var err error
		if dsn, err = cluster(); err != nil {
			return nil, err
		}
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgtest: DATABASE_URL: %w", err)
	}
	d := &Database{Schema: "scrip_test_" + strings.ToLower(rand.Text()[:12]), config: config}
	config.ConnConfig.RuntimeParams["search_path"] = d.quoted()
	if d.Pool, err = pgxpool.NewWithConfig(ctx, config.Copy()); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	if _, err := d.Pool.Exec(ctx, `CREATE SCHEMA `+d.quoted()); err != nil {
		d.Pool.Close()
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	return d, nil
}

func (d *Database) quoted() string { return pgx.Identifier{d.Schema}.Sanitize() }

// NewPool returns another pool on the same database, as another process would have. It is closed with the test. edit may
// change its configuration; it may be nil.
func (d *Database) NewPool(t testing.TB, edit func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := d.config.Copy()
	if edit != nil {
		edit(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Close drops the schema and closes the pool. Open has the test call it.
func (d *Database) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d.Pool.Close() // waits for what the test left under way, which would keep the schema locked
	conn, err := pgx.ConnectConfig(ctx, d.config.ConnConfig)
	if err != nil {
		return // the server is gone, and the schema with it
	}
	defer conn.Close(ctx)
	_, _ = conn.Exec(ctx, `DROP SCHEMA IF EXISTS `+d.quoted()+` CASCADE`)
}
