package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// BenchmarkCharge compares charges on one hot account, each durable before it is acknowledged, with a transaction of
// database/sql for each that writes the same rows to the same tables without any rules. Read the charges per second side
// by side.
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

// naiveCharge is what a host would write itself: lock the account's row, check, write the rows of a charge, commit. It is a
// statement for each row, prepared once, and adds to the sums in SQL. It knows no keys that come again, no holds that
// expire, no caps and no hashes.
func naiveCharge(tb testing.TB, l *sqlite.DB, path string) func(context.Context, int64) error {
	grant(tb, l.Ledger(), "acme", "g", 1<<40)
	db := raw(tb, path, "_txlock=immediate&"+hostSettings)
	db.SetMaxOpenConns(1) // waiting in Go is quicker than in SQLite
	prepare := func(text string) *sql.Stmt {
		s, err := db.PrepareContext(tb.Context(), text)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { s.Close() })
		return s
	}
	const total = `INSERT INTO scrip_usage_totals (account, scoped, slot, scope, operation, provider, model, first_entry, last_entry,
			records, charged, written_off, refunded, input, output, cost)
		VALUES (?1, ?2, ?3, ?4, 'op', 'p', 'm', ?5, ?5, 1, ?6, 0, 0, 100, 50, '0')
		ON CONFLICT (account, scoped, slot, scope, operation, provider, model) DO UPDATE SET last_entry = excluded.last_entry,
			records = records + 1, charged = charged + excluded.charged, input = input + excluded.input, output = output + excluded.output`
	var (
		account = prepare(`SELECT posted, entries FROM scrip_accounts WHERE account = ?`)
		post    = prepare(`UPDATE scrip_accounts SET posted = ?2, entries = ?3 WHERE account = ?1`)
		burn    = prepare(`UPDATE scrip_buckets SET charged = charged + ?2 WHERE account = ?1 AND number = 1`)
		hold    = prepare(`INSERT INTO scrip_holds (account, key, operation, scope, state, amount, fingerprint, holder, fence, lease,
				lease_until, expires_at, created_at, lots, refunded)
			VALUES (?1, ?2, 'op', 'run', 'settled', ?3, ?4, 'h', 0, 1, ?5, ?5, ?5, ?6, 0)`)
		entry = prepare(`INSERT INTO scrip_entries (account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash)
			VALUES (?1, ?2, 'settle', ?3, ?4, ?5, '', 'op', 'run', '', '', ?6, ?7, ?8)`)
		record = prepare(`INSERT INTO scrip_usage_records (account, entry, key, operation, scope, provider, model, attempt, input, output,
				exact, charged, written_off, cost, price_version, at)
			VALUES (?1, ?2, ?3, 'op', 'run', 'p', 'm', '', 100, 50, '0', ?4, 0, '0', 0, ?5)`)
		receipt = prepare(`INSERT INTO scrip_receipts (account, key, fingerprint, entry, charged, result, digest, pruned)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3, 0)`)
		ofAccount, ofScope = prepare(total), prepare(total)
	)
	const amount, lots = 7, `[{"bucket":1,"amount":7}]`
	hash, result := make([]byte, 32), make([]byte, 500)
	return func(ctx context.Context, i int64) error {
		key, now := fmt.Sprintf("run/stage/item-%d/call", i), time.Now()
		slot := now.Truncate(credits.Slot).UnixMicro()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		var posted, number int64
		if err := tx.StmtContext(ctx, account).QueryRowContext(ctx, "acme").Scan(&posted, &number); err != nil {
			return err
		}
		if posted < amount {
			return credits.ErrInsufficient
		}
		posted, number = posted-amount, number+1
		for _, s := range []struct {
			*sql.Stmt
			args []any
		}{
			{post, []any{"acme", posted, number}},
			{burn, []any{"acme", amount}},
			{hold, []any{"acme", key, amount, hash, now.UnixMicro(), lots}},
			{entry, []any{"acme", number, -amount, posted, key, lots, now.UnixMicro(), hash}},
			{record, []any{"acme", number, key, amount, now.UnixMicro()}},
			{receipt, []any{"acme", key, hash, number, amount, result}},
			{ofAccount, []any{"acme", 0, slot, "", number, amount}},
			{ofScope, []any{"acme", 1, slot, "run", number, amount}},
		} {
			if _, err := tx.StmtContext(ctx, s.Stmt).ExecContext(ctx, s.args...); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
}
