package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

func Example() {
	dir, err := os.MkdirTemp("", "scrip")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "scrip.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
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
