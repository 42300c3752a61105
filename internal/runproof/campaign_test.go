//go:build linux || darwin

package runproof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

// sized is a campaign's size: little in a plain run, a lot under `make prove`.
func sized(small, full int) int {
	if os.Getenv("SCRIP_PROVE") != "" {
		return full
	}
	return small
}

// TestCampaignTwoProcesses has two processes work on one run, kills one of them at random moments, or both, and starts it
// again, until the run is done. One that works beside another may be held up as well, until the other has taken over what it
// was at, and then goes on. When a run is over before all kills are used up, the rest goes to a further one. SCRIP_SEED
// repeats which process is killed after how many requests; the moments are the machine's.
func TestCampaignTwoProcesses(t *testing.T) {
	calm := newCampaign(t, "sqlite")
	calm.finish([]*process{start(t, calm.duty)})
	want, still := calm.audit()
	for _, on := range []struct {
		store string
		kills int
	}{
		{"postgres", sized(3, 300)}, // side by side
		{"sqlite", sized(3, 600)},   // in turn
	} {
		t.Run(on.store, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			if given := os.Getenv("SCRIP_SEED"); given != "" {
				if _, err := fmt.Sscan(given, &seed); err != nil {
					t.Fatalf("SCRIP_SEED: %v", err)
				}
			}
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			begun := time.Now()
			killed, frozen, runs := 0, 0, 0
			var total figures
			for killed < on.kills && !t.Failed() {
				runs++
				c := newCampaign(t, on.store)
				killed += c.disturb(rng, min(on.kills-killed, 12), still.requests+still.puts)
				frozen += c.frozen
				got, f := c.audit()
				same(t, got, want)
				total.requests += f.requests
				total.billable += f.billable
				total.attempts += f.attempts
				total.settles += f.settles
				total.puts += f.puts
				total.late += f.late
			}
			t.Logf("%s: %d kills and %d processes held up over %d runs of %d charges and %d articles: %d requests, %d billable, %d attempts, %d charges, "+
				"%d requests for what was charged already; %d posts put, %d of them again; %s",
				on.store, killed, frozen, runs, len(want.Charged), len(want.Posts), total.requests, total.billable, total.attempts, total.settles,
				total.late, total.puts, total.puts-runs*len(want.Posts), time.Since(begun).Round(time.Millisecond))
		})
	}
}

// campaign is one run on a database of its own.
type campaign struct {
	t      *testing.T
	duty   duty
	up     *providertest.Server
	site   *site
	frozen int // how often a process was held up
}

// newCampaign starts a run, which nobody works on yet.
func newCampaign(t *testing.T, name string) *campaign {
	t.Helper()
	c := &campaign{t: t, site: startSite(t)}
	c.up = providertest.Start(t, providertest.Config{Responder: functionstest.New(), Latency: latency, Remember: 1 << 16})
	c.duty = duty{Store: name, Database: stores[name].create(t), Blobs: filepath.Join(t.TempDir(), "blobs"), Upstream: c.up.BaseURL, Site: c.site.URL}
	ctx := t.Context()
	db, err := stores[name].open(ctx, c.duty.Database)
	must(t, err)
	defer db.close()
	must(t, db.migrate(ctx))
	_, err = db.models.Save(ctx, registry.Change{Who: "test", Why: "test", Next: configuration(t)})
	must(t, err)
	_, err = db.ledger.Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 100_000})
	must(t, err)
	w, err := c.duty.assemble(ctx, db)
	must(t, err)
	defer w.registry.Close()
	var keywords []pipeline.Keyword
	for _, plant := range []string{"tomatoes", "basil", "strawberries"} {
		for _, what := range []string{"on a balcony", "from seed", "in pots", "watering"} {
			keywords = append(keywords, pipeline.Keyword{Text: plant + " " + what})
		}
	}
	_, err = w.pipeline.AddKeywords(ctx, siteID, keywords)
	must(t, err)
	_, err = w.pipeline.Start(ctx, w.runner, pipeline.Request{ID: runID, Site: siteID, Account: account})
	must(t, err)
	return c
}

// configuration is the seed catalogue with small pictures.
func configuration(t *testing.T) registry.Configuration {
	t.Helper()
	set, err := registry.Catalogue(registry.Seed)
	must(t, err)
	for i := range set.Models {
		if m := &set.Models[i]; m.Kind == registry.Image {
			m.Sizes, m.LandscapeSize, m.SquareSize = nil, "64x48", "48x48"
		}
	}
	set.Settings.Images.PerArticle = new(1)
	return set
}

// seen counts what was asked of the upstream and of the site.
func (c *campaign) seen() int { return len(c.up.Journal()) + c.site.seen() }

// disturb kills the processes about so often while they do the run, which takes about so many requests, and lets them
// finish. It returns how often it killed one.
func (c *campaign) disturb(rng *rand.Rand, kills, requests int) (killed int) {
	c.t.Helper()
	two := []*process{start(c.t, c.duty), start(c.t, c.duty)}
	deadline := time.Now().Add(2 * time.Minute)
	for killed < kills {
		for enough := c.seen() + rng.IntN(1+2*requests/(kills+1)); c.seen() < enough && !two[0].over() && !two[1].over(); {
			if time.Now().After(deadline) {
				c.hangs(two)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rng.Int64N(int64(30 * time.Millisecond)))) // whatever it is at
		if two[0].over() || two[1].over() {
			break
		}
		doomed := rng.IntN(2)
		if !two[doomed].opened.Load() && rng.IntN(4) > 0 {
			doomed = 1 - doomed // the one that has the file
		}
		if c.duty.Store == "postgres" && rng.IntN(5) == 0 {
			c.freeze(two[doomed], lease+time.Duration(rng.Int64N(int64(time.Second))))
			if rng.IntN(2) == 0 {
				continue
			}
		}
		for i, p := range two {
			if i != doomed && rng.IntN(6) > 0 {
				continue
			}
			if p.kill() {
				killed++
			}
			two[i] = start(c.t, c.duty)
		}
	}
	c.finish(two)
	return killed
}

// freeze holds a process up for as long as that others take it for dead, and lets it go on with what it was at.
func (c *campaign) freeze(p *process, d time.Duration) {
	c.t.Helper()
	must(c.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(d)
	must(c.t, p.cmd.Process.Signal(syscall.SIGCONT))
	c.frozen++
}

// finish waits for processes to say that the run is done.
func (c *campaign) finish(processes []*process) {
	c.t.Helper()
	late := time.After(2 * time.Minute)
	for _, p := range processes {
		select {
		case <-p.done:
		case <-late:
			c.hangs(processes)
		}
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			c.t.Errorf("a process that nobody killed ends with %d:\n%s", code, p.stderr.String())
		}
	}
}

// hangs gives up a campaign that does not end.
func (c *campaign) hangs(processes []*process) {
	c.t.Helper()
	for _, p := range processes {
		p.kill()
		c.t.Errorf("a process was at work for two minutes:\n%s", p.stderr.String())
	}
	c.t.FailNow()
}

// audit looks at what the run has left, once nothing of a dead process is under way any more.
func (c *campaign) audit() (outcome, figures) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	must(c.t, stores[c.duty.Store].quiet(ctx, c.duty.Database))
	db, err := stores[c.duty.Store].open(ctx, c.duty.Database)
	must(c.t, err)
	defer db.close()
	return audit(c.t, db, c.up.Journal(), c.site, c.frozen > 0)
}
