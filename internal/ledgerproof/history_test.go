package ledgerproof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// clock is a time that stands still until it is moved, which it is only while no call is in flight: a call that read the
// clock early and took effect late would otherwise have two times.
type clock struct {
	calls sync.RWMutex // held for reading by each call
	at    atomic.Int64 // microseconds since epoch
}

func (c *clock) now() time.Time { return epoch.Add(time.Duration(c.at.Load()) * time.Microsecond) }

// history is a plan for one history.
type history struct {
	seed            uint64
	goroutines, ops int // ops of each goroutine
	accounts        int
	begun           int64 // by the clock
	timed           bool  // the clock moves, and leases and holds run out; otherwise some calls are canceled
}

func drawHistory(rng *rand.Rand, begun int64) history {
	h := history{seed: rng.Uint64(), begun: begun, goroutines: 8 << rng.IntN(4), timed: rng.IntN(2) == 0}
	h.accounts = max(1+rng.IntN(3), h.goroutines/16) // beyond some 16 calls at once of one account the search takes too long
	if rng.IntN(2) == 0 {                            // short: no more than the race for the first row of an account
		h.goroutines, h.ops, h.accounts = 8, 3, 1
		return h
	}
	h.ops = max(4, (100+rng.IntN(150))*h.accounts/h.goroutines)
	return h
}

// draw makes up the next op. progress goes from 0 to 1, and with it the keys that are in use: a settled key has little
// more to tell.
func (h history) draw(rng *rand.Rand, id int64, progress float64) op {
	const window = 3 // keys in use
	key := func(first, count, window int64) int64 {
		return first + int64(progress*float64(count-window+1)) + rng.Int64N(window)
	}
	toGrant := key(0, grantKeys, window)
	toRefund := key(grantKeys, refundKeys, 2)
	toHold := key(grantKeys+refundKeys, holdKeys, window)
	o := op{ID: id, Account: rng.IntN(h.accounts), Key: toHold, Holder: 1 + max(0, rng.IntN(6)-3), Fence: int64(1 + rng.IntN(12)/9), Lease: time.Hour, TTL: 2 * time.Hour}
	if h.timed {
		o.Lease = time.Duration(1+rng.IntN(20)) * time.Second
		o.TTL = o.Lease + time.Duration(rng.IntN(20))*time.Second
	}
	if rng.IntN(60) == 0 { // a key that is for something else
		o.Key = []int64{toGrant, toRefund}[rng.IntN(2)]
	}
	n := rng.IntN(100)
	if progress == 0 && n < 50 { // first there has to be something
		n = 65
	}
	switch {
	case n < 24:
		o.Kind, o.Amount, o.Attempt, o.Print, o.Op = hold, 1+rng.Int64N(30), rng.IntN(2), rng.IntN(20)/19, operation(rng.IntN(2))
	case n < 32:
		o.Kind, o.Amount = extend, 1+rng.Int64N(40)
		if rng.IntN(2) == 0 {
			o.TTL = 0
		}
	case n < 39:
		o.Kind, o.Amount, o.Attempt, o.Fate = settle, rng.Int64N(40), rng.IntN(6)/4, executed
	case n < 49:
		o.Kind, o.Attempt, o.Fate = release, rng.IntN(6)/4, rejected
	case n < 54:
		o.Kind, o.Attempt = begin, 1+rng.IntN(maxAttempts)
	case n < 60:
		o.Kind, o.Attempt, o.Fate = finish, 1+rng.IntN(maxAttempts), unknown+fate(rng.IntN(3))
	case n < 63:
		o.Kind, o.Amount, o.Print, o.Op = charge, 1+rng.Int64N(20), rng.IntN(20)/19, operation(rng.IntN(2))
	case n < 70:
		o.Kind, o.Key, o.Amount, o.Terms = h.drawGrant(toGrant)
		if rng.IntN(12) == 0 { // another request under the same key
			o.Amount++
		}
	case n < 77:
		o.Kind, o.Key, o.Charge, o.Amount = refund, toRefund, grantKeys+refundKeys+rng.Int64N(toHold-grantKeys-refundKeys+1), 1+rng.Int64N(8)
	case n < 80:
		o.Cap, o.Amount = 1+rng.IntN(maxCaps), 20+rng.Int64N(60)
		if o.Kind = setCap; rng.IntN(3) == 0 {
			o.Kind, o.Amount = removeCap, 0
		}
	case n < 84:
		o.Kind = lookup
	case n < 89:
		o.Kind = balance
	case n < 92:
		o.Kind = buckets
	case n < 95:
		o.Kind = caps
	case n < 98:
		o.Kind = statement
	default:
		o.Kind = attempts
	}
	return o
}

// drawGrant makes up what a key grants or adjusts, which is always the same.
func (h history) drawGrant(key int64) (kind, int64, int64, terms) {
	rng := rand.New(rand.NewPCG(h.seed, uint64(key)))
	t := terms{Class: class(rng.IntN(4)), Priority: int8(rng.IntN(3) - 1)}
	if h.timed && rng.IntN(3) > 0 {
		t.Until = h.begun + rng.Int64N(90)*time.Second.Microseconds()
	}
	switch n := rng.IntN(6); {
	case n == 0:
		return adjust, key, 5 + rng.Int64N(20), terms{}
	case n == 1:
		return adjust, key, -5 - rng.Int64N(30), terms{}
	case n < 4:
		t.Class = plan
		return renew, key, 20 + rng.Int64N(30), t
	}
	return grant, key, 20 + rng.Int64N(30), t
}

// caller makes a call of a ledger.
type caller func(ctx context.Context, o op, prefix string) answer

func (h handles) do(ctx context.Context, o op, prefix string) answer {
	return o.do(ctx, h.of(int(o.ID)), prefix)
}

// record runs the plan on a ledger and returns what was called, when, and what it said. Times are places in the order of
// all events, so that no two are the same.
func (h history) record(do caller, c *clock, prefix string) []porcupine.Operation {
	var events, ids atomic.Int64
	var wg sync.WaitGroup
	recorded := make([][]porcupine.Operation, h.goroutines)
	for g := range h.goroutines {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(h.seed, uint64(g)))
			for i := range h.ops {
				if h.timed && rng.IntN(16+2*h.goroutines) == 0 {
					c.calls.Lock()
					o := op{Kind: advance, Lease: time.Duration(1+rng.IntN(12)) * time.Second}
					c.at.Add(o.Lease.Microseconds())
					at := events.Add(1)
					for o.Account = range h.accounts { // every account sees it
						recorded[g] = append(recorded[g], porcupine.Operation{ClientId: g, Input: o, Call: at, Output: answer{}, Return: at})
					}
					c.calls.Unlock()
				}
				o := h.draw(rng, ids.Add(1), float64(i)/float64(h.ops))
				done := h.call(do, c, &events, rng, g, o, prefix)
				if said := done.Output.(answer).Err; said == errNoEffect || said == errContext && !o.writes() {
					continue // which tells nothing; if it had an effect after all, others see it
				}
				recorded[g] = append(recorded[g], done)
			}
		})
	}
	wg.Wait()
	return slices.Concat(recorded...)
}

func (h history) call(do caller, c *clock, events *atomic.Int64, rng *rand.Rand, g int, o op, prefix string) porcupine.Operation {
	c.calls.RLock()
	defer c.calls.RUnlock()
	ctx := context.Background()
	if !h.timed && rng.IntN(60) == 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(400))*time.Microsecond)
		defer cancel()
	}
	called := events.Add(1)
	if rng.IntN(2) == 0 {
		runtime.Gosched()
	}
	said := do(ctx, o, prefix)
	if rng.IntN(4) == 0 {
		runtime.Gosched()
	}
	done := porcupine.Operation{ClientId: g, Input: o, Call: called, Output: said, Return: events.Add(1)}
	if said.Err == errContext {
		done.Return = math.MaxInt64 // it may take effect at any later time; at the very end, it had none
	}
	return done
}
