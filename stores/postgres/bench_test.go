package postgres_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/usage"
)

// fundedLedger is a ledger on the disk with credits in n accounts.
func fundedLedger(b *testing.B, n int) *postgres.Ledger {
	l := handle(b, pgtest.OpenOnDisk(b), nil, nil).Ledger()
	for i := range n {
		grant(b, l, credits.Account(fmt.Sprint("a", i)), "g", 1<<40)
	}
	return l
}

// callers runs f by so many goroutines at once and reports how often it ran.
func callers(b *testing.B, n int, what string, f func(i int64)) {
	var count atomic.Int64
	b.SetParallelism(max(1, n/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	if n == 1 {
		for b.Loop() {
			f(count.Add(1))
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				f(count.Add(1))
			}
		})
	}
	b.StopTimer()
	b.ReportMetric(float64(count.Load())/b.Elapsed().Seconds(), what)
}

// BenchmarkPair is a hold and its settle, each durable when it returns.
func BenchmarkPair(b *testing.B) {
	for _, c := range []struct{ callers, accounts int }{{1, 1}, {64, 1}, {512, 1}, {512, 1000}} {
		b.Run(fmt.Sprintf("Callers%dAccounts%d", c.callers, c.accounts), func(b *testing.B) {
			l := fundedLedger(b, c.accounts)
			callers(b, c.callers, "pairs/s", func(i int64) {
				account, key := credits.Account(fmt.Sprint("a", i%int64(c.accounts))), credits.Key(fmt.Sprintf("run/stage/item-%d/draft", i))
				attempt := credits.Attempt{ID: fmt.Sprintf("attempt-%d", i), Provider: "p", Model: "m"}
				_, err := l.Hold(b.Context(), credits.HoldRequest{Account: account, Key: key, Operation: "op", Scope: "run", Amount: 10,
					Holder: credits.Holder{ID: "h", Fence: 1, Lease: time.Minute}, TTL: time.Hour, First: attempt, Pinned: make([]byte, 500)})
				if err != nil {
					b.Fatal(err)
				}
				attempt.Fate = "executed"
				_, err = l.Settle(b.Context(), credits.SettleRequest{Account: account, Key: key, Amount: 7, Last: attempt,
					Record: credits.UsageRecord{Attempt: attempt.ID, Usage: usage.Tokens(100, 50)}, Result: make([]byte, 1000)})
				if err != nil {
					b.Fatal(err)
				}
			})
			verify(b, l, "a0")
		})
	}
}

// BenchmarkCharge is a charge on one account, durable when it returns, and beside it what a host would write itself: a
// transaction for each charge that locks the account and writes the same rows.
func BenchmarkCharge(b *testing.B) {
	request := func(i int64) credits.Charge {
		return credits.Charge{Account: "a0", Key: credits.Key(fmt.Sprintf("run/stage/item-%d/draft", i)), Operation: "op", Scope: "run", Amount: 7,
			Record: credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(100, 50)}, Result: make([]byte, 1000)}
	}
	for _, n := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("Callers%d", n), func(b *testing.B) {
			l := fundedLedger(b, 1)
			callers(b, n, "charges/s", func(i int64) {
				if _, err := l.Charge(b.Context(), request(i)); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run(fmt.Sprintf("Naive%d", n), func(b *testing.B) {
			d := pgtest.OpenOnDisk(b)
			grant(b, handle(b, d, nil, nil).Ledger(), "a0", "g", 1<<40)
			pool := d.NewPool(b, func(c *pgxpool.Config) { c.MaxConns = 32 })
			callers(b, n, "charges/s", func(i int64) {
				if err := naive(b.Context(), pool, request(i)); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// naive writes what a charge writes, statement by statement.
func naive(ctx context.Context, pool *pgxpool.Pool, r credits.Charge) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	var posted, entries int64
	if err := tx.QueryRow(ctx, `SELECT posted, entries FROM accounts WHERE account = $1 FOR UPDATE`, r.Account).Scan(&posted, &entries); err != nil {
		return err
	}
	posted, entries = posted-int64(r.Amount), entries+1
	hash := make([]byte, 32)
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO holds (account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, created_at, lots, refunded)
VALUES ($1, $2, $3, $4, 'settled', $5, $6, 'h', 0, 1, now(), now(), now(), '[{"bucket":1,"amount":7}]', 0)`, []any{r.Account, r.Key, r.Operation, r.Scope, r.Amount, hash}},
		{`INSERT INTO entries (account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash)
VALUES ($1, $2, 'settle', $3, $4, $5, '', $6, $7, '', '', '[{"bucket":1,"amount":7}]', now(), $8)`, []any{r.Account, entries, -r.Amount, posted, r.Key, r.Operation, r.Scope, hash}},
		{`UPDATE buckets SET charged = charged + $3 WHERE account = $1 AND number = $2`, []any{r.Account, 1, r.Amount}},
		{`INSERT INTO usage_records (account, entry, key, operation, scope, provider, model, attempt, input, output, exact, charged, written_off, cost, price_version, at)
VALUES ($1, $2, $3, $4, $5, 'p', 'm', '', 100, 50, 7, $6, 0, 0, 0, now())`, []any{r.Account, entries, r.Key, r.Operation, r.Scope, r.Amount}},
		{`INSERT INTO receipts (account, key, fingerprint, entry, charged, result, digest, pruned) VALUES ($1, $2, $3, $4, $5, $6, $3, false)`,
			[]any{r.Account, r.Key, hash, entries, r.Amount, r.Result}},
		{`UPDATE accounts SET posted = $2, entries = $3 WHERE account = $1`, []any{r.Account, posted, entries}},
	} {
		if _, err := tx.Exec(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}
