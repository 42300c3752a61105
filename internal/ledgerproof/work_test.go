//go:build linux || darwin

package ledgerproof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/scrip-go/scrip/credits"
)

// keyAccounts is how many accounts a workload has. The account of a key is its remainder.
const keyAccounts = 3

func keyAccount(key int64) int { return int(key % keyAccounts) }

// What a key is for: grants and renewals, adjustments, and any other holds and charges.
func forGrants(key int64) bool      { return key%8 == 7 }
func forAdjustments(key int64) bool { return key%8 == 6 }

// refundKey is a key for a refund of a charge, of which there are two.
func refundKey(charge, n int64) int64 { return charge + n*(keyAccounts<<44) }

// capKey is what a cap of an account is known by, which has no key.
func capKey(account, n int) int64 { return int64(keyAccounts<<42 + keyAccounts*n + account) }

// capOf returns the cap that is known by a key, 0 if none is.
func capOf(key int64) int {
	if n := (key - capKey(0, 0)) / keyAccounts; n >= 0 && n <= maxCaps {
		return int(n)
	}
	return 0
}

// workload is random work on a ledger by many goroutines, who get into each other's way.
type workload struct {
	Seed    uint64 `json:"seed"`
	Base    int64  `json:"base"`    // its keys and ids begin here
	Workers int    `json:"workers"` // goroutines
	Ops     int64  `json:"ops"`     // how many calls; 0 is no end
	Leads   []lead `json:"leads"`   // of earlier work, to be gone on with
}

// line is what a workload says about a call: that it is about to be made, and what came of it.
type line struct {
	Call   *op     `json:"call,omitempty"`
	ID     int64   `json:"id,omitempty"`
	Answer *answer `json:"answer,omitempty"` // of the call with the ID
	At     int64   `json:"at"`               // see monotonic
	Failed string  `json:"failed,omitempty"`
}

// monotonic is a time that all processes of the machine agree about, in nanoseconds.
func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}

// lead is a key that was lately in use, with who held it, as far as is known.
type lead struct {
	Key    int64 `json:"key"`
	Holder int   `json:"holder"`
	Fence  int64 `json:"fence"`
}

// ring is what was lately in use.
type ring struct {
	mu    sync.Mutex
	leads [24]lead // guarded by mu
	next  int      // guarded by mu
}

func (r *ring) add(l lead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leads[r.next%len(r.leads)] = l
	r.next++
}

func (r *ring) pick(rng *rand.Rand) (lead, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == 0 {
		return lead{}, false
	}
	return r.leads[rng.IntN(min(r.next, len(r.leads)))], true
}

// run does the work until ctx ends or all ops are done. say is called by many goroutines.
func (w workload) run(ctx context.Context, l credits.Ledger, prefix string, say func(line)) {
	var recent ring
	for _, l := range w.Leads {
		recent.add(l)
	}
	var count atomic.Int64
	var wg sync.WaitGroup
	for g := range w.Workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(w.Seed, uint64(g)))
			for ctx.Err() == nil {
				n := count.Add(1)
				if w.Ops > 0 && n > w.Ops {
					return
				}
				o := w.draw(rng, &recent, w.Base+n, 1+g)
				say(line{Call: &o, At: monotonic()})
				said := o.do(context.Background(), l, prefix)
				say(line{ID: o.ID, Answer: &said, At: monotonic()})
			}
		})
	}
	wg.Wait()
}

func (w workload) draw(rng *rand.Rand, recent *ring, id int64, holder int) op {
	o := op{ID: id, Holder: holder, Fence: 1, Lease: time.Hour, TTL: 24 * time.Hour}
	at, known := recent.pick(rng)
	if !known || rng.IntN(100) < 30 {
		at, known = lead{Key: id}, false // a new key
	}
	o.Key, o.Account = at.Key, keyAccount(at.Key)
	switch n := rng.IntN(100); {
	case n < 2:
		o.Account, o.Cap = rng.IntN(keyAccounts), 1+rng.IntN(maxCaps)
		o.Key = capKey(o.Account, o.Cap)
		if o.Kind = removeCap; rng.IntN(4) == 0 { // what is capped is soon used up
			o.Kind, o.Amount = setCap, rng.Int64N(5000)
		}
		return o
	case forGrants(at.Key), forAdjustments(at.Key):
		o.Kind, o.Amount, o.Terms = w.grant(at.Key)
		if known && rng.IntN(8) == 0 {
			o.Amount++ // another request under the same key
		}
	case !known && n < 30, n < 5:
		o.Kind, o.Amount, o.Op = charge, 1+rng.Int64N(30), operation(rng.IntN(2))
	case !known, n < 13:
		o.Kind, o.Amount, o.Attempt, o.Op = hold, 1+rng.Int64N(60), 1, operation(rng.IntN(2))
		o.Fence += int64(rng.IntN(8) / 6) // some take over
	case n < 45:
		o.Kind, o.Amount, o.Attempt, o.Fate = settle, rng.Int64N(60), rng.IntN(2), executed
	case n < 56:
		o.Kind, o.Attempt, o.Fate = release, rng.IntN(2), rejected
	case n < 66:
		o.Kind, o.Amount = extend, 1+rng.Int64N(80)
	case n < 76:
		o.Kind, o.Attempt = begin, 1+rng.IntN(maxAttempts)
	case n < 86:
		o.Kind, o.Attempt, o.Fate = finish, 1+rng.IntN(maxAttempts), unknown+fate(rng.IntN(3))
	default:
		o.Kind, o.Key, o.Charge = refund, refundKey(at.Key, 1+rng.Int64N(2)), at.Key
		o.Amount = 1 + at.Key%20
	}
	switch o.Kind {
	case grant, renew, adjust, hold, charge:
		recent.add(lead{o.Key, o.Holder, o.Fence})
	case release, extend, begin:
		if rng.IntN(8) > 0 { // mostly for its holder, not by another
			o.Holder, o.Fence = at.Holder, at.Fence
		}
	}
	return o
}

// grant is what a key grants or adjusts, which is always the same. In the long run it is about what is charged, so that
// an account has sometimes enough and is sometimes in debt.
func (w workload) grant(key int64) (kind, int64, terms) {
	rng := rand.New(rand.NewPCG(0, uint64(key)))
	if forAdjustments(key) {
		amount := 20 + rng.Int64N(60)
		if rng.IntN(2) == 0 {
			amount = -50 - rng.Int64N(300)
		}
		return adjust, amount, terms{}
	}
	t := terms{Class: class(rng.IntN(4)), Priority: int8(rng.IntN(3))}
	if rng.IntN(2) == 0 {
		t.Until = (10_000*time.Hour + time.Duration(rng.IntN(1000))*time.Hour).Microseconds()
	}
	if t.Class == plan && rng.IntN(2) == 0 {
		return renew, 100 + rng.Int64N(200), t
	}
	return grant, 100 + rng.Int64N(200), t
}

// printer returns a say that writes lines. A line is one write, which a pipe takes whole or not at all.
func printer(out io.Writer) func(line) {
	return func(l line) {
		b, err := json.Marshal(l)
		if err != nil {
			b = fmt.Appendf(nil, `{"failed":%q}`, err)
		}
		_, _ = out.Write(append(b, '\n')) // nobody is left to hear of it
	}
}
