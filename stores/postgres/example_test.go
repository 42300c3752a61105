package postgres_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

func Example() {
	ctx := context.Background()
	server, err := pgtest.Connect(ctx) // a host has a pool of its own
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	db, err := postgres.New(ctx, server.Pool, &postgres.Options{Schema: server.Schema})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	ledger := db.Ledger()
	_, err = ledger.Grant(ctx, credits.Grant{Account: "acme", Key: "invoice-1", Kind: credits.Purchase, Amount: 100})
	if err != nil {
		log.Fatal(err)
	}
	// Set aside what the call may cost at most …
	_, err = ledger.Hold(ctx, credits.HoldRequest{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 40,
		Holder: credits.Holder{ID: "worker-1", Lease: time.Minute}, TTL: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	// … and charge what it did cost, together with what it brought.
	receipt, err := ledger.Settle(ctx, credits.SettleRequest{Account: "acme", Key: "article-7", Amount: 25, Result: []byte("the article")})
	if err != nil {
		log.Fatal(err)
	}
	balance, err := ledger.Balance(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("charged %d for %q, available %d\n", receipt.Charged, receipt.Result, balance.Available)
	// Output: charged 25 for "the article", available 75
}

// A purchase and its credits are committed together, or neither is.
func ExampleLedger_In() {
	ctx := context.Background()
	server, err := pgtest.Connect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	db, err := postgres.New(ctx, server.Pool, &postgres.Options{Schema: server.Schema})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Migrate(ctx); err != nil {
		log.Fatal(err)
	}

	tx, err := server.Pool.Begin(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // does nothing after the commit
	if _, err := tx.Exec(ctx, `CREATE TABLE invoices AS SELECT 'invoice-1' AS id, 100 AS credits`); err != nil {
		log.Fatal(err)
	}
	_, err = db.Ledger().In(tx).Grant(ctx, credits.Grant{Account: "acme", Key: "invoice-1", Kind: credits.Purchase, Amount: 100})
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	balance, err := db.Ledger().Balance(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(balance.Available)
	// Output: 100
}
