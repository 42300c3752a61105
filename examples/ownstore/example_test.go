package ownstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/examples/ownstore"
)

// What was charged is there when the journal is opened again, and the same key is the same charge.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ownstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "credits.journal")

	for range 2 {
		ledger, err := ownstore.Open(path, nil)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := ledger.Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 100}); err != nil {
			log.Fatal(err)
		}
		receipt, err := ledger.Charge(ctx, credits.Charge{Account: "alice", Key: "report-7", Operation: "reporting", Amount: 30})
		if err != nil {
			log.Fatal(err)
		}
		balance, err := ledger.Balance(ctx, "alice")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("entry", receipt.Entry, "charged", receipt.Charged, "left", balance.Available)
		if err := ledger.Close(); err != nil {
			log.Fatal(err)
		}
	}

	// Output:
	// entry 2 charged 30 left 70
	// entry 2 charged 30 left 70
}
