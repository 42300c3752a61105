//go:build linux || darwin

package ledgerproof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// childVariable makes the test binary a process that works on a ledger and tells what it does. It holds a child.
const childVariable = "SCRIP_LEDGERPROOF_CHILD"

// child is what such a process has to do.
type child struct {
	Backend  string   `json:"backend"`
	Database string   `json:"database"`
	Prefix   string   `json:"prefix"`
	Work     workload `json:"work"`
	Fault    string   `json:"fault"`  // what befalls it, see faults
	Serves   bool     `json:"serves"` // it makes the calls that it is asked for, instead of work
}

func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		say := printer(os.Stdout)
		if err := runChild(config, say); err != nil {
			say(line{Failed: err.Error()})
		}
		return
	}
	os.Exit(m.Run())
}

func runChild(config string, say func(line)) error {
	var c child
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	for _, b := range backends {
		if b.name != c.Backend {
			continue
		}
		if c.Serves {
			return serve(c, b, os.Stdin, say)
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		if fault := faults[c.Fault]; fault != nil {
			var err error
			if say, err = fault(c, stop, say); err != nil {
				return err
			}
		}
		l, closeDB, err := b.shared.open(ctx, c.Database, nil)
		if err != nil {
			return err
		}
		c.Work.run(ctx, l, c.Prefix, say)
		return closeDB()
	}
	return fmt.Errorf("no backend %q", c.Backend)
}

// process is a child that runs.
type process struct {
	cmd   *exec.Cmd
	first chan struct{} // closed at its first line, or at its end
	works chan struct{} // closed when something was acknowledged to it, or at its end
	done  chan struct{} // closed at its end
	lines []line        // may be read once done is closed

	acknowledged atomic.Int64 // calls that had their effect
}

func start(t *testing.T, c child) *process {
	t.Helper()
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), first: make(chan struct{}), works: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(config))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.listen(out)
	return p
}

func (p *process) listen(out io.Reader) {
	defer close(p.done)
	began := sync.OnceFunc(func() { close(p.first) })
	works := sync.OnceFunc(func() { close(p.works) })
	defer began()
	defer works()
	for in := bufio.NewReader(out); ; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			l.Failed = fmt.Sprintf("it said %q: %v", text, err)
		}
		p.lines = append(p.lines, l)
		if l.Answer != nil && l.Answer.Err == "" {
			p.acknowledged.Add(1)
			works()
		}
		began()
	}
}

// kill ends the process with SIGKILL and returns what it said until then.
func (p *process) kill() []line {
	_ = p.cmd.Process.Kill()
	return p.wait()
}

func (p *process) wait() []line {
	<-p.done
	_ = p.cmd.Wait() // a killed process has no good end
	return p.lines
}

// TestCampaignKills kills processes that write to a ledger, at random moments, again and again on a growing number of
// databases, and looks each time whether the database says what they were told.
func TestCampaignKills(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		if b.shared == nil {
			t.Logf("%s: skipped, nothing outlives its process", b.name)
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			c := &crashes{t: t, b: b, seed: uint64(time.Now().UnixNano())}
			c.rng = rand.New(rand.NewPCG(c.seed, 0))
			begun, kills := time.Now(), campaign(6, 300)
			for c.kills < kills && !t.Failed() {
				c.session()
			}
			var total figures
			for _, d := range c.databases {
				d.reopen(c)
				total.add(d.witness.figures)
			}
			t.Logf("seed %d: %s: %d kills (%d before the first call) of %d databases: %d acknowledged mutations checked, %d without an answer replayed, %d of which had happened; "+
				"%d keys judged, %d audits, %d second writers refused, violations: %s, %s",
				c.seed, b.name, c.kills, c.early, len(c.databases), total.acknowledged, total.replayed, total.happened,
				total.keysChecked, total.audits, c.refused, violations(t), time.Since(begun).Round(time.Millisecond))
		})
	}
}

// crashes is a campaign on one backend.
type crashes struct {
	t         *testing.T
	b         backend
	seed      uint64
	rng       *rand.Rand
	databases []*database
	sessions  int64
	kills     int
	early     int // kills before the first call
	refused   int // attempts of a further process to write
}

type database struct {
	name    string
	witness *witness
	leads   []lead
}

// session starts as many processes as the backend lets write at once, kills each when its time has come, and looks at
// what they leave.
func (c *crashes) session() {
	c.t.Helper()
	if len(c.databases) == 0 || c.rng.IntN(campaign(6, 20)) == 0 {
		c.databases = append(c.databases, &database{name: c.b.shared.create(c.t, true), witness: newWitness(c.t, fmt.Sprint("d", len(c.databases)))})
	}
	d := c.databases[c.rng.IntN(len(c.databases))]
	c.sessions++
	made := make([][]line, c.b.shared.writers)
	var wg sync.WaitGroup
	for i := range c.b.shared.writers {
		work := workload{Seed: c.rng.Uint64(), Base: c.sessions<<24 + int64(i)<<22, Workers: 16, Leads: d.leads}
		p := start(c.t, child{Backend: c.b.name, Database: d.name, Prefix: d.witness.prefix, Work: work})
		when, lives, probe := c.rng.IntN(8), life(time.Duration(campaign(200, 500))*time.Millisecond, c.rng.Float64()), c.rng.IntN(8) == 0 || c.kills == 0
		wg.Go(func() {
			switch when {
			case 0: // it dies while it opens the database
			case 1: // while it makes its first calls
				<-p.first
			default:
				<-p.works
			}
			if probe && when > 0 && c.b.shared.refused != nil {
				c.probe(d.name)
			}
			time.Sleep(lives)
			made[i] = p.kill()
		})
		c.kills++
	}
	wg.Wait()
	var all []line
	for _, lines := range made {
		if len(lines) == 0 {
			c.early++
		}
		all = append(all, lines...)
	}
	c.examine(d, all)
}

// examine looks at what writers that are dead left.
func (c *crashes) examine(d *database, all []line) {
	c.t.Helper()
	if quiet := c.b.shared.quiet; quiet != nil {
		if err := quiet(context.Background(), d.name); err != nil {
			c.t.Fatal(err)
		}
	}
	end := monotonic()
	l, closeDB, err := c.b.shared.open(context.Background(), d.name, nil)
	if err != nil {
		c.t.Fatalf("seed %d: open after a crash: %v", c.seed, err)
	}
	d.witness.examine(l, calls(c.t, all, end), end, c.b.shared.endsLeases)
	if err := closeDB(); err != nil {
		c.t.Errorf("close: %v", err)
	}
	d.leads = d.witness.leads()
	if c.t.Failed() {
		c.t.Errorf("seed %d, session %d, database %s", c.seed, c.sessions, d.name)
	}
}

// probe tries to be one writer too many.
func (c *crashes) probe(name string) {
	_, closeDB, err := c.b.shared.open(context.Background(), name, nil)
	switch {
	case err == nil:
		c.t.Errorf("a further process could open %s for writing", name)
		closeDB()
	case !c.b.shared.refused(err):
		c.t.Errorf("open by a further process = %v, want a refusal", err)
	default:
		c.refused++
	}
}

// reopen looks at everything once more.
func (d *database) reopen(c *crashes) {
	c.t.Helper()
	l, closeDB, err := c.b.shared.open(context.Background(), d.name, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer closeDB()
	d.witness.recheck(l)
}

// life is a random time, most often short.
func life(longest time.Duration, x float64) time.Duration {
	return time.Duration(x * x * float64(longest))
}
