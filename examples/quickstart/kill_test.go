package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers/providertest"
)

// TestCampaignRandomKills kills the program at random moments, again and again on one database, and lets it finish. If a
// run is over before all kills are used up, the rest goes to a further one.
func TestCampaignRandomKills(t *testing.T) {
	kills := campaign(2, 20)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	up := startUpstream(t, providertest.Config{Latency: 50 * time.Millisecond})
	args := []string{"-limit", "15", "-workers", "4"}
	calm := newProgram(t, up, args...)
	start := time.Now()
	calm.want(exitDone)
	length := time.Since(start)
	startup := up.Journal()[0].Time.Sub(start)
	want := tree(t, calm.out())

	killed, runs := 0, 0
	var total figures
	var slowest time.Duration
	for killed < kills {
		runs++
		before := len(up.Journal())
		p := newProgram(t, up, args...)
		for code := -1; code == -1 && killed < kills; {
			// Some die before they begin, and the others do about their share of the work.
			life := startup/2 + time.Duration(rng.Int64N(int64(startup/2+2*length/time.Duration(kills))))
			r := p.run(life)
			slowest = max(slowest, resumedAfter(r))
			if code = r.code; code == -1 {
				killed++
			}
		}
		slowest = max(slowest, resumedAfter(p.want(exitDone)))
		f := p.audit(up.Journal()[before:])
		sameSite(t, tree(t, p.out()), want)
		total.requests += f.requests
		total.billable += f.billable
		total.attempts += f.attempts
		total.settled += f.settled
	}
	t.Logf("%d kills over %d runs: %d requests, %d billable, %d attempts, %d settled keys; slowest first item after a start: %s",
		killed, runs, total.requests, total.billable, total.attempts, total.settled, slowest)
}

var firstItem = regexp.MustCompile(`the first item was done (\S+) after the start`)

// resumedAfter says how long after its start a resumed program had an item done; 0 if it did not come to that.
func resumedAfter(r result) time.Duration {
	m := firstItem.FindStringSubmatch(r.stderr)
	if m == nil {
		return 0
	}
	d, _ := time.ParseDuration(m[1])
	return d
}

// TestCampaignKillAtEveryWrite kills a small run before and after its every write to the database and to the pictures,
// each time on a database of its own, and lets it finish.
func TestCampaignKillAtEveryWrite(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	args := []string{"-limit", "5", "-workers", "2"}
	calm := newProgram(t, up, args...)
	count := filepath.Join(t.TempDir(), "count")
	calm.env = []string{countWrites + "=" + count}
	calm.want(exitDone)
	b, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 50 {
		t.Fatalf("the run has %q writes, want many", b)
	}
	want := tree(t, calm.out())

	step := max(1, n/campaign(3, n))
	killed := 0
	var total figures
	for at := 1; at <= n; at += step {
		p := newProgram(t, up, args...)
		before := len(up.Journal())
		p.env = []string{killAtWrite + "=" + strconv.Itoa(at)}
		if r := p.run(0); r.code != -1 {
			continue // two workers do not write in the same order every time, so the last writes may not come
		}
		killed++
		p.env = nil
		p.want(exitDone)
		f := p.audit(up.Journal()[before:])
		total.billable += f.billable
		total.settled += f.settled
		sameSite(t, tree(t, p.out()), want)
		if t.Failed() {
			t.Fatalf("killed at write %d of %d", at, n)
		}
	}
	t.Logf("%d writes, killed at %d of them: %d billable requests for %d settled keys", n, killed, total.billable, total.settled)
	if killed < n/step*9/10 {
		t.Errorf("killed %d times, want about %d", killed, n/step)
	}
}
