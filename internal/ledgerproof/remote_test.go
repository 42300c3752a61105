//go:build linux || darwin

package ledgerproof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// request is a call that a process is to make for another.
type request struct {
	Op     op            `json:"op"`
	Prefix string        `json:"prefix"`
	Now    int64         `json:"now"`    // what the clock says, see clock
	Within time.Duration `json:"within"` // when the call is canceled; never if 0
}

// remote is a process that makes calls. Its clock is the caller's.
type remote struct {
	out io.WriteCloser

	mu      sync.Mutex
	waiting map[int64]chan answer // by the op's ID, guarded by mu
}

// processes is how many processes make the calls of a history.
func (b backend) processes() int {
	if b.shared == nil {
		return 1
	}
	return b.shared.writers
}

// callers returns a way to call a fresh ledger: by as many processes as may write to it at once.
func (b backend) callers(t *testing.T, c *clock) caller {
	t.Helper()
	if b.processes() == 1 {
		return b.open(t, c.now, false).do
	}
	name := b.shared.create(t, false)
	var all []*remote
	for range b.shared.writers {
		all = append(all, startRemote(t, child{Backend: b.name, Database: name, Serves: true}))
	}
	return func(ctx context.Context, o op, prefix string) answer {
		r := request{Op: o, Prefix: prefix, Now: c.at.Load()}
		if deadline, ok := ctx.Deadline(); ok {
			r.Within = max(1, time.Until(deadline))
		}
		return all[int(o.ID)%len(all)].do(r)
	}
}

func startRemote(t *testing.T, c child) *remote {
	t.Helper()
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(config))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{waiting: map[int64]chan answer{}}
	if r.out, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.listen(t, in)
	}()
	t.Cleanup(func() {
		r.out.Close()
		<-over
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process that made calls: %v", err)
		}
	})
	return r
}

func (r *remote) do(q request) answer {
	said := make(chan answer, 1)
	b, err := json.Marshal(q)
	if err != nil {
		return answer{Err: err.Error()}
	}
	r.mu.Lock()
	r.waiting[q.Op.ID] = said
	_, err = r.out.Write(append(b, '\n'))
	r.mu.Unlock()
	if err != nil {
		return answer{Err: err.Error()}
	}
	return <-said
}

// listen hands answers to who waits for them.
func (r *remote) listen(t *testing.T, in io.Reader) {
	for lines := bufio.NewReader(in); ; {
		text, err := lines.ReadBytes('\n')
		var l line
		if err == nil {
			err = json.Unmarshal(text, &l)
		}
		if err == io.EOF && len(text) == 0 {
			return
		}
		r.mu.Lock()
		switch {
		case err != nil || l.Answer == nil: // nobody is answered any more
			t.Errorf("a process that made calls said %q: %v", text, err)
			for id, said := range r.waiting {
				said <- answer{Err: "no answer"}
				delete(r.waiting, id)
			}
		default:
			r.waiting[l.ID] <- *l.Answer
			delete(r.waiting, l.ID)
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// serve makes the calls that are asked for, all at once, until nobody asks any more.
func serve(c child, b backend, in io.Reader, say func(line)) error {
	var now clock
	l, closeDB, err := b.shared.open(context.Background(), c.Database, now.now)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for lines := bufio.NewReader(in); ; {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			wg.Wait()
			return closeDB()
		}
		var r request
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		now.at.Store(r.Now) // which moves only while no call is in flight
		wg.Go(func() {
			ctx := context.Background()
			if r.Within > 0 {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, r.Within)
				defer cancel()
			}
			said := r.Op.do(ctx, l, r.Prefix)
			say(line{ID: r.Op.ID, Answer: &said})
		})
	}
}
