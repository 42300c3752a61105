//go:build linux || darwin

package gateproof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/registry"
)

// processVariable makes the test binary a process that runs operations. It holds what that process has to do.
const processVariable = "SCRIP_GATEPROOF_PROCESS"

// duty is what a process has to do: the operations that others left unfinished, and then those of a range.
type duty struct {
	Store      string `json:"store"`
	Database   string `json:"database"`
	Blobs      string `json:"blobs"` // directory
	Upstream   string `json:"upstream"`
	Seed       uint64 `json:"seed"`
	Generation int64  `json:"generation"` // higher than that of every process before
	Unfinished []int  `json:"unfinished"`
	From       int    `json:"from"`
	To         int    `json:"to"` // exclusive
	Callers    int    `json:"callers"`
	Log        string `json:"log"` // file; none if empty
}

func TestMain(m *testing.M) {
	config := os.Getenv(processVariable)
	if config == "" {
		os.Exit(m.Run())
	}
	out := json.NewEncoder(os.Stdout) // a line is one write
	var mu sync.Mutex
	say := func(r report) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(r)
	}
	var d duty
	err := json.Unmarshal([]byte(config), &d)
	if err == nil {
		err = d.do(context.Background(), say)
	}
	last := report{N: -1, Finished: err == nil}
	if err != nil {
		last.wrong("the process failed: %v", err)
	}
	say(last)
}

func (d duty) do(ctx context.Context, say func(report)) error {
	db, err := stores[d.Store].open(ctx, d.Database)
	if err != nil {
		return err
	}
	models, err := registry.Open(ctx, db.models, nil)
	if err != nil {
		return err
	}
	defer models.Close()
	kept, err := blobs.Open(d.Blobs)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: d.Callers}}
	e, err := newEngine(db.ledger, models, d.Upstream, client, kept, func(c *engine.Config) {
		c.TextTimeout, c.ImageTimeout = 3*time.Second, 3*time.Second
		c.Breaker.Pause = 100 * time.Millisecond // half a minute would let thousands fail unsent
		if d.Log != "" {
			file, err := os.OpenFile(d.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			c.Observer = observer{file}
		}
	})
	if err != nil {
		return err
	}
	next := make(chan int)
	go func() {
		defer close(next)
		for _, n := range d.Unfinished {
			next <- n
		}
		for n := d.From; n < d.To; n++ {
			next <- n
		}
	}()
	var wg sync.WaitGroup
	for range d.Callers {
		wg.Go(func() {
			for n := range next {
				say(plan(d.Seed, n, d.Store).run(ctx, e, d.Generation))
			}
		})
	}
	wg.Wait()
	return db.close()
}

// process is one that runs.
type process struct {
	cmd     *exec.Cmd
	done    chan struct{} // closed at its end
	reports []report      // may be read once done is closed
	ended   atomic.Int64  // operations
	reached chan struct{} // closed when that many have ended, or at its end
}

// start starts a process and lets it be known when so many operations have ended.
func start(t *testing.T, d duty, enough int64) *process {
	t.Helper()
	config, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{}), reached: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), processVariable+"="+string(config))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		reached := sync.OnceFunc(func() { close(p.reached) })
		defer reached()
		for in := bufio.NewReader(out); ; {
			text, err := in.ReadBytes('\n')
			if err != nil { // a line that was cut was not said
				return
			}
			var r report
			if err := json.Unmarshal(text, &r); err != nil {
				r = report{N: -1, Wrong: []string{fmt.Sprintf("it said %q: %v", text, err)}}
			}
			p.reports = append(p.reports, r)
			if p.ended.Add(1) >= enough {
				reached()
			}
		}
	}()
	return p
}

// kill ends the process with SIGKILL, if it has not ended by itself, and reports whether it did.
func (p *process) kill() (killed bool) {
	_ = p.cmd.Process.Kill()
	<-p.done
	_ = p.cmd.Wait() // a killed process has no good end
	return !p.cmd.ProcessState.Exited()
}
