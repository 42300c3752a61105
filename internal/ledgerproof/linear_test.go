//go:build linux || darwin

package ledgerproof_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestCampaignLinearizable records histories and looks for an order of their calls that the model agrees with.
func TestCampaignLinearizable(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			wanted := int64(campaign(1_500, 350_000))
			rng := rand.New(rand.NewPCG(seed, 0))
			var ops, canceled, histories, longest int64
			effects, refusals := map[kind]int{}, map[string]int{}
			start := time.Now()
			for ops < wanted && !t.Failed() {
				// A database serves some histories, each on accounts of its own.
				t.Run("", func(t *testing.T) {
					c := &clock{}
					do := b.callers(t, c)
					for i := 0; i < 200 && ops < wanted && !t.Failed(); i++ {
						h := drawHistory(rng, c.at.Load())
						recorded := h.record(do, c, fmt.Sprint("h", i))
						began := time.Now()
						if why := check(recorded, h.begun); why != "" {
							t.Errorf("seed %d: history %+v is not linearizable: %s", seed, h, why)
						}
						longest = max(longest, int64(time.Since(began)))
						histories++
						for _, o := range recorded {
							if o.Input.(op).Kind == advance {
								continue
							}
							ops++
							switch said := o.Output.(answer).Err; said {
							case "":
								effects[o.Input.(op).Kind]++
							case errContext:
								canceled++
							default:
								refusals[said]++
							}
						}
					}
				})
			}
			t.Logf("seed %d: %s, %d processes: %d operations in %d histories, %d canceled, slowest check %s, violations: %s, total %s", seed, b.name, b.processes(), ops, histories, canceled,
				time.Duration(longest).Round(time.Millisecond), violations(t), time.Since(start).Round(time.Millisecond))
			t.Logf("  done: %v; refused: %v", effects, refusals)
		})
	}
}
