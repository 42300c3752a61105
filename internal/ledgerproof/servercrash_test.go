//go:build linux || darwin

package ledgerproof_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// crashesInARow is how many crashes of the server its writers live through.
const crashesInARow = 3

// TestCampaignServerCrashes crashes the database server under two processes that write to a ledger, again and again, and
// has them go on with the server that comes back. What they were told must be there, and what they were not told is said
// again and must have happened once.
func TestCampaignServerCrashes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &crashes{t: t, b: postgresBackend, seed: uint64(time.Now().UnixNano())}
	c.rng = rand.New(rand.NewPCG(c.seed, 0))
	begun, crashed := time.Now(), map[string]int{}
	for wanted := campaign(crashesInARow, 102); c.kills < wanted && !t.Failed(); {
		c.serverSession(s, crashed)
	}
	var total figures
	for _, d := range c.databases {
		d.reopen(c)
		total.add(d.witness.figures)
	}
	t.Logf("seed %d: %d crashes of the server %v under %d databases: %d acknowledged mutations checked, %d without an answer replayed, %d of which had happened; "+
		"%d keys judged, %d audits, violations: %s, %s",
		c.seed, c.kills, crashed, len(c.databases), total.acknowledged, total.replayed, total.happened, total.keysChecked, total.audits, violations(t),
		time.Since(begun).Round(time.Millisecond))
}

// serverSession crashes the server some times under the same writers, and looks at what they leave.
func (c *crashes) serverSession(s *server, crashed map[string]int) {
	c.t.Helper()
	if len(c.databases) == 0 || c.rng.IntN(8) == 0 {
		schema := fmt.Sprint("crash_", len(c.databases))
		c.databases = append(c.databases, &database{name: s.create(c.t, schema), witness: newWitness(c.t, schema)})
	}
	d := c.databases[c.rng.IntN(len(c.databases))]
	c.sessions++
	writers := make([]*process, c.b.shared.writers)
	for i := range writers {
		work := workload{Seed: c.rng.Uint64(), Base: c.sessions<<24 + int64(i)<<22, Workers: 16, Leads: d.leads}
		writers[i] = start(c.t, child{Backend: c.b.name, Database: d.name, Prefix: d.witness.prefix, Work: work})
	}
	for _, p := range writers {
		c.goesOn(p)
	}
	for range crashesInARow {
		time.Sleep(life(300*time.Millisecond, c.rng.Float64()))
		accident := accidents[c.kills%len(accidents)]
		accident.make(c.t, s)
		c.kills++
		crashed[accident.name]++
		for _, p := range writers {
			c.goesOn(p)
		}
	}
	var all []line
	for _, p := range writers {
		all = append(all, p.kill()...)
	}
	c.examine(d, all)
}

// goesOn waits until something is acknowledged to a process from now on.
func (c *crashes) goesOn(p *process) {
	c.t.Helper()
	before := p.acknowledged.Load()
	for late := time.Now().Add(30 * time.Second); p.acknowledged.Load() == before; time.Sleep(time.Millisecond) {
		select {
		case <-p.done:
			c.t.Fatalf("a writer ended: %+v", p.lines[max(0, len(p.lines)-3):])
		default:
		}
		if time.Now().After(late) {
			c.t.Fatal("a writer does not go on")
		}
	}
}
