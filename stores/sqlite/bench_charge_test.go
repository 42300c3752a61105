package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// BenchmarkCharge compares charges on one hot account, each durable before it is acknowledged, with a transaction of
// database/sql for each that writes the same rows without any rules. Read the charges per second side by side.
func BenchmarkCharge(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("Naive/Callers%d", callers), func(b *testing.B) { benchmarkCharge(b, callers, naiveCharge) })
		b.Run(fmt.Sprintf("Scrip/Callers%d", callers), func(b *testing.B) { benchmarkCharge(b, callers, scripCharge) })
	}
}

func benchmarkCharge(b *testing.B, callers int, open func(testing.TB, *sqlite.DB, string) func(context.Context, int64) error) {
	path := filepath.Join(b.TempDir(), "scrip.db")
	db, err := sqlite.Open(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	charge := open(b, db, path)
	var n atomic.Int64
	b.SetParallelism((callers + 1) / 2) // times GOMAXPROCS
	b.ResetTimer()
	if callers == 1 {
		for b.Loop() {
			if err := charge(b.Context(), n.Add(1)); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := charge(b.Context(), n.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.StopTimer()
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "charges/s")
}

func scripCharge(tb testing.TB, db *sqlite.DB, _ string) func(context.Context, int64) error {
	l := db.Ledger()
	grant(tb, l, "acme", "g", 1<<40)
	return func(ctx context.Context, i int64) error {
		_, err := l.Charge(ctx, credits.Charge{Account: "acme", Key: credits.Key(fmt.Sprintf("run/stage/item-%d/call", i)), Operation: "op", Scope: "run",
			Amount: 7, Record: credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(100, 50)}, Result: make([]byte, 500)})
		return err
	}
}

// naiveCharge is what a host would write: lock the account's row, check, insert what belongs to a charge, commit.
func naiveCharge(tb testing.TB, _ *sqlite.DB, path string) func(context.Context, int64) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&"+hostSettings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1) // waiting in Go is quicker than in SQLite
	execute(tb, db, `CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT, WITHOUT ROWID`)
	execute(tb, db, `CREATE TABLE charge (id TEXT PRIMARY KEY, account TEXT NOT NULL, amount INTEGER NOT NULL, balance_after INTEGER NOT NULL,
		operation TEXT NOT NULL, model TEXT NOT NULL, input INTEGER, output INTEGER, result BLOB) STRICT`)
	execute(tb, db, `INSERT INTO account VALUES ('acme', 1 << 40)`)
	result := make([]byte, 500)
	return func(ctx context.Context, i int64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		var balance int64
		if err := tx.QueryRowContext(ctx, `SELECT balance FROM account WHERE id = 'acme'`).Scan(&balance); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account SET balance = ? WHERE id = 'acme'`, balance-7); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO charge VALUES (?, 'acme', 7, ?, 'op', 'm', 100, 50, ?)`,
			fmt.Sprintf("run/stage/item-%d/call", i), balance-7, result); err != nil {
			return err
		}
		return tx.Commit()
	}
}
