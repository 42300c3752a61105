package gateproof_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

// operation is what a campaign asks for under one key. Its seed and its number decide all of it, so that a process that
// goes on where another was killed asks for the same.
type operation struct {
	n       int
	dish    dish
	account credits.Account
	key     credits.Key

	named    bool          // its holder is the process, with the generation as its fence
	deadline time.Duration // the caller gives up after this, and then asks once more and waits; 0 if it waits at once
	twice    bool          // two callers ask at the same time
	replay   bool          // it is asked for again when it has succeeded
}

// accounts pay for the operations in turn; the last one runs out of credits.
var accounts = []credits.Account{"acme", "birch", "cedar", "poor"}

// poorShare is one operation in how many is the poor account's.
const poorShare = 32

func plan(seed uint64, n int, store string) operation {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	op := operation{n: n, dish: menu[rng.IntN(len(menu))], key: credits.Key(fmt.Sprint("op-", n)), account: accounts[rng.IntN(len(accounts)-1)]}
	if rng.IntN(poorShare) == 0 {
		op.account = accounts[len(accounts)-1]
	}
	// PostgreSQL does not know that a process is dead: only a higher fence takes over before the lease is over.
	op.named = store == "postgres" || rng.IntN(2) == 0
	switch kind := rng.IntN(100); {
	case kind < 4 && (!op.named || op.dish.model != runwareModel): // else two calls would have one holder's name
		op.deadline = time.Duration(1 + rng.Int64N(int64(300*time.Millisecond)))
	case kind < 8 && !op.named:
		op.twice = true
	}
	op.replay = rng.IntN(20) == 0
	return op
}

// report is how an operation ended, as a process tells it.
type report struct {
	N        int            `json:"n"`
	Outcome  string         `json:"outcome"`
	Charged  credits.Amount `json:"charged,omitempty"`
	Digest   string         `json:"digest,omitempty"` // of the result
	Replayed bool           `json:"replayed,omitempty"`
	Wrong    []string       `json:"wrong,omitempty"` // what the process saw that must not be
	Finished bool           `json:"finished,omitempty"`
}

const delivered = "delivered"

// run asks for the operation as often as its plan says.
func (op operation) run(ctx context.Context, e *engine.Engine, generation int64) report {
	calls := 1
	if op.twice {
		calls = 2
	}
	got := make([]report, calls)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = op.once(ctx, e, generation) })
	}
	wg.Wait()
	r := got[0]
	for _, other := range got[1:] {
		r.Wrong = append(r.Wrong, other.Wrong...)
		switch {
		case r.Outcome != delivered:
			other.Wrong = r.Wrong
			r = other
		case other.Outcome == delivered && (other.Charged != r.Charged || other.Digest != r.Digest || other.Replayed == r.Replayed && !r.Replayed):
			r.wrong("two callers of one key got %+v and %+v", r, other)
		}
	}
	if op.replay && r.Outcome == delivered {
		if again := op.call(ctx, e, generation); again.Outcome != delivered || again.Charged != r.Charged || again.Digest != r.Digest || !again.Replayed {
			r.wrong("bought as %+v, and the same key again is %+v", r, again)
		}
	}
	return r
}

func (r *report) wrong(format string, args ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
}

// once asks until there is an end: a caller that had a deadline asks once more, and one that comes second waits.
func (op operation) once(ctx context.Context, e *engine.Engine, generation int64) report {
	if op.deadline > 0 {
		bounded, cancel := context.WithTimeout(ctx, op.deadline)
		r := op.call(bounded, e, generation)
		ended := bounded.Err() != nil
		cancel()
		if r.Outcome == delivered || !ended {
			return r
		}
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		r := op.call(ctx, e, generation)
		if r.Outcome != inProgress {
			return r
		}
		if time.Since(begun) > time.Minute {
			r.wrong("it was in progress for a minute")
			return r
		}
	}
}

const inProgress = "in progress"

func (op operation) call(ctx context.Context, e *engine.Engine, generation int64) report {
	c := op.dish.call(op.account, op.key)
	c.Scope = fmt.Sprint("scope-", op.n%10)
	if op.named {
		c.Holder = credits.Holder{ID: fmt.Sprint("process-", generation), Fence: generation}
	}
	got, err := e.Execute(ctx, op.dish.name, c, op.dish.input(op.n))
	r := report{N: op.n, Outcome: ended(err)}
	if err == nil {
		sum := sha256.Sum256(got.Out)
		r.Charged, r.Replayed, r.Digest = got.Charged, got.Replayed, hex.EncodeToString(sum[:])
		return r
	}
	if r.Outcome == "" {
		r.wrong("an error without a type: %v", err)
	}
	for _, leak := range leaksOf(err) {
		r.wrong("an error gives %q away", leak)
	}
	return r
}

// ended is outcome with the ends that a matrix does not have.
func ended(err error) string {
	var short *credits.InsufficientError
	var failure *providers.Error
	switch {
	case errors.Is(err, credits.ErrInProgress):
		return inProgress
	case errors.As(err, &short):
		return "fails: insufficient credits"
	case errors.As(err, &failure):
		return outcome(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "fails: given up"
	}
	return outcome(err)
}
