package main

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers/providertest"
)

// TestCampaignRandomKills kills the program at random moments, again and again on one database, and lets it finish: each run
// ends with the report of one that nobody disturbed, for the same credits.
func TestCampaignRandomKills(t *testing.T) {
	kills := 8
	if os.Getenv("SCRIP_PROVE") != "" {
		kills = 300
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	calm := newDesk(t, providertest.Config{Latency: 20 * time.Millisecond})
	start := time.Now()
	if calm.kill(time.Minute, "-workers", "2") {
		t.Fatal("the program did not end in a minute")
	}
	length := time.Since(start)

	killed, runs := 0, 0
	var total figures
	for killed < kills {
		runs++
		d := newDesk(t, providertest.Config{Latency: 20 * time.Millisecond})
		for killed < kills && d.kill(length/4+time.Duration(rng.Int64N(int64(length/2))), "-workers", "2") {
			killed++
		}
		d.want(0, "-workers", "2")
		f := d.audit(d.up.Journal())
		total.billable, total.settled = total.billable+f.billable, total.settled+f.settled
		if f.settled != 12 || d.report() != calm.report() {
			t.Fatalf("after kill %d: %d charges, want 12, and the report\n%s\nwant\n%s", killed, f.settled, d.report(), calm.report())
		}
	}
	t.Logf("%d kills over %d runs: %d billable requests, %d charges", killed, runs, total.billable, total.settled)
}
