package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// BenchmarkPair is a hold and its settle, each durable when it returns.
func BenchmarkPair(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("Callers%d", callers), func(b *testing.B) {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "scrip.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			ledger := db.Ledger()
			if _, err := ledger.Grant(b.Context(), credits.Grant{Account: "a", Key: "g", Kind: credits.Purchase, Amount: 1 << 40}); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(callers)
			pair := func() {
				i := n.Add(1)
				key := credits.Key(fmt.Sprintf("run/stage/item-%d/draft", i))
				attempt := credits.Attempt{ID: fmt.Sprintf("attempt-%d", i), Provider: "p", Model: "m"}
				_, err := ledger.Hold(b.Context(), credits.HoldRequest{Account: "a", Key: key, Operation: "op", Scope: "run", Amount: 10,
					Holder: credits.Holder{ID: "h", Fence: 1, Lease: time.Minute}, TTL: time.Hour, First: attempt, Pinned: make([]byte, 500)})
				if err != nil {
					b.Fatal(err)
				}
				attempt.Fate = "executed"
				_, err = ledger.Settle(b.Context(), credits.SettleRequest{Account: "a", Key: key, Amount: 7, Last: attempt,
					Record: credits.UsageRecord{Attempt: attempt.ID, Usage: usage.Tokens(100, 50)}, Result: make([]byte, 1000)})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			if callers == 1 {
				for b.Loop() {
					pair()
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						pair()
					}
				})
			}
			b.StopTimer()
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "pairs/s")
			report, err := ledger.Verify(b.Context(), "a")
			if err != nil || !report.OK() {
				b.Fatalf("Verify = %+v, %v", report, err)
			}
		})
	}
}
