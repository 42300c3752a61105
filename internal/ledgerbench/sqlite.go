package main

import (
	"context"
	"path/filepath"

	"github.com/scrip-go/scrip/internal/benchmark"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// sqlite measures one account, on both sides, in turns, each side in a file of its own; then Verify.
func (b *bench) sqlite(ctx context.Context) error {
	db, err := b.openSQLite(ctx, "scrip.db")
	if err != nil {
		return err
	}
	defer db.Close()
	plain, err := b.openNaiveSQLite(ctx)
	if err != nil {
		return err
	}
	defer plain.close()
	var version string
	if err := plain.first(ctx, `SELECT sqlite_version()`, &version); err != nil {
		return err
	}
	b.report.Note("SQLite %s: WAL, synchronous FULL", version)

	hot := accounts("hot", 1)
	if err := b.fund(ctx, db.Ledger(), hot...); err != nil {
		return err
	}
	for _, c := range []struct {
		op   operation
		bars map[int]benchmark.Bar // by callers
	}{
		{charges, map[int]benchmark.Bar{64: benchmark.AtLeast(15)}},
		{pairs, nil},
	} {
		for _, callers := range b.callers[:2] {
			name := "SQLite, " + c.op.name
			got, err := b.compare(ctx, name, callers, c.op.naive(plain, hot), c.op.scrip(db.Ledger(), hot))
			if err != nil {
				return err
			}
			b.report.Rows = append(b.report.Rows, benchmark.Row{What: name + ", one account", Callers: callers, Unit: benchmark.PerSecond,
				Scrip: rates(got[1]), Name: "naive", Against: rates(got[0]), Bar: c.bars[callers]})
			if callers == 1 {
				b.report.Rows = append(b.report.Rows, benchmark.Row{What: name + ", latency (p50)", Callers: callers, Unit: benchmark.Seconds,
					Scrip: latencies(got[1]), Name: "naive", Against: latencies(got[0]), Bar: benchmark.AtMost(1.5)})
			}
		}
	}
	own, err := naiveSQLite(ctx, db.Path())
	if err != nil {
		return err
	}
	defer own.close()
	return b.verify(ctx, "SQLite", db.Ledger(), own)
}

func (b *bench) openSQLite(ctx context.Context, name string) (*sqlite.DB, error) {
	db, err := sqlite.Open(ctx, filepath.Join(b.dir, name), nil)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// openNaiveSQLite has Scrip make the tables and the hot account, and leaves the file to the naive side.
func (b *bench) openNaiveSQLite(ctx context.Context) (*naive, error) {
	db, err := b.openSQLite(ctx, "naive.db")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := b.fund(ctx, db.Ledger(), accounts("hot", 1)...); err != nil {
		return nil, err
	}
	return naiveSQLite(ctx, db.Path())
}

// first reads the first row of a query.
func (n *naive) first(ctx context.Context, query string, dest ...any) error {
	found, err := n.query(ctx, query)
	if err != nil {
		return err
	}
	defer found.Close()
	if found.Next() {
		return found.Scan(dest...)
	}
	return found.Err()
}
