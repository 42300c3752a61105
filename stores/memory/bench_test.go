package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
)

// The pair has to cost a few microseconds, and no more with many holds of the same account, open and settled.
func BenchmarkHoldSettle(b *testing.B) {
	for _, holds := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("beside %d holds", holds), func(b *testing.B) {
			ctx := b.Context()
			ledger := memory.New(nil).Ledger()
			if _, err := ledger.Grant(ctx, credits.Grant{Account: "a", Key: "g", Kind: credits.Plan, Amount: 1 << 50}); err != nil {
				b.Fatal(err)
			}
			hold := func(key string) {
				_, err := ledger.Hold(ctx, credits.HoldRequest{Account: "a", Key: credits.Key(key), Operation: "op", Amount: 10,
					Holder: credits.Holder{ID: "h", Lease: time.Minute}, TTL: time.Hour, First: credits.Attempt{ID: key}})
				if err != nil {
					b.Fatal(err)
				}
			}
			for i := range holds {
				hold(fmt.Sprint("before/", i))
			}
			i := 0
			for b.Loop() {
				key := fmt.Sprint("key/", i)
				i++
				hold(key)
				_, err := ledger.Settle(ctx, credits.SettleRequest{Account: "a", Key: credits.Key(key), Amount: 7,
					Last: credits.Attempt{ID: key, Fate: "executed"}})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
