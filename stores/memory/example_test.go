package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
)

func Example() {
	ctx := context.Background()
	ledger := memory.New(nil).Ledger()
	_, err := ledger.Grant(ctx, credits.Grant{Account: "acme", Key: "invoice-1", Kind: credits.Purchase, Amount: 100})
	if err != nil {
		log.Fatal(err)
	}
	hold := credits.HoldRequest{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 70,
		Holder: credits.Holder{ID: "worker-1", Lease: time.Minute}, TTL: time.Hour}
	if _, err := ledger.Hold(ctx, hold); err != nil {
		log.Fatal(err)
	}
	// What is held is not there for another call, however many run at once.
	hold.Key, hold.Fingerprint = "article-8", [32]byte{8}
	_, err = ledger.Hold(ctx, hold)
	var short *credits.InsufficientError
	fmt.Println(errors.As(err, &short), short.Available)
	// Output: true 30
}
