package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// open returns a handle on a schema of the test's own, with the tables in place.
func open(t testing.TB, o *postgres.Options) *postgres.DB {
	t.Helper()
	return handle(t, pgtest.Open(t), nil, o)
}

// handle returns a handle on the test's schema; the pool of the database if pool is nil.
func handle(t testing.TB, d *pgtest.Database, pool *pgxpool.Pool, o *postgres.Options) *postgres.DB {
	t.Helper()
	if o == nil {
		o = &postgres.Options{}
	}
	if o.Schema == "" {
		o.Schema = d.Schema
	}
	if pool == nil {
		pool = d.Pool
	}
	db, err := postgres.New(t.Context(), pool, o)
	if err != nil {
		t.Fatalf("New = %v", err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate = %v", err)
	}
	return db
}

func grant(t testing.TB, l credits.Ledger, account credits.Account, key credits.Key, amount credits.Amount) {
	t.Helper()
	if _, err := l.Grant(t.Context(), credits.Grant{Account: account, Key: key, Kind: credits.Purchase, Amount: amount}); err != nil {
		t.Fatalf("Grant(%q, %q) = %v", account, key, err)
	}
}

func holdRequest(account credits.Account, key credits.Key, amount credits.Amount) credits.HoldRequest {
	return credits.HoldRequest{Account: account, Key: key, Operation: "clustering", Scope: "run-1", Amount: amount,
		Holder: credits.Holder{ID: "worker", Fence: 1, Lease: time.Hour}, TTL: 2 * time.Hour, Pinned: []byte("pinned")}
}

func wantBalance(t testing.TB, l credits.Ledger, account credits.Account, want credits.Balance) {
	t.Helper()
	got, err := l.Balance(t.Context(), account)
	if err != nil || got != want {
		t.Errorf("Balance(%q) = %+v, %v, want %+v", account, got, err, want)
	}
}

// verify fails unless every rule of the account holds.
func verify(t testing.TB, l credits.Ledger, account credits.Account) {
	t.Helper()
	report, err := l.Verify(context.WithoutCancel(t.Context()), account)
	if err != nil || !report.OK() {
		t.Errorf("Verify(%q) = %+v, %v, want no problem", account, report, err)
	}
}

func execute(t testing.TB, d *pgtest.Database, query string, args ...any) {
	t.Helper()
	if _, err := d.Pool.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func keyword(id, site string, position int64) content.Keyword {
	return content.Keyword{Base: content.Base{ID: id, Site: site, Position: position, Status: content.New}, Text: "text of " + id}
}
