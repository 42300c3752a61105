package ledgerproof_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// toy is a ledger that does what the model does, or what a mistake makes of it.
type toy struct {
	clock   *clock
	mistake func(t *toy, a *account, o op) (answer, bool)

	mu       sync.Mutex
	accounts map[string]*account // guarded by mu
	before   map[*account]account
	calls    int
}

func (t *toy) do(_ context.Context, o op, prefix string) answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := string(o.account(prefix))
	a := t.accounts[name]
	if a == nil {
		a = &account{}
		t.accounts[name] = a
	}
	if late := t.clock.at.Load() - a.now; late > 0 {
		a.apply(op{Kind: advance, Lease: time.Duration(late) * time.Microsecond})
	}
	t.calls++
	if t.mistake != nil {
		if said, done := t.mistake(t, a, o); done {
			return said
		}
	}
	if o.writes() {
		t.before[a] = *a
	}
	return a.apply(o)
}

// apart lets others go on for a while.
func (t *toy) apart() {
	t.mu.Unlock()
	for range 4 {
		runtime.Gosched()
	}
	t.mu.Lock()
}

var mistakes = []struct {
	name string
	make func(t *toy, a *account, o op) (answer, bool)
}{
	{"ChecksAndThenActs", func(t *toy, a *account, o op) (answer, bool) {
		seen := *a
		if o.Kind != hold || !seen.apply(o).Fresh {
			return answer{}, false
		}
		t.apart()
		a.posted += 1000 // there was enough a moment ago
		defer func() { a.posted -= 1000 }()
		return a.apply(o), true
	}},
	{"LosesAnUpdate", func(t *toy, a *account, o op) (answer, bool) {
		next := *a
		said := next.apply(o)
		t.apart()
		*a = next
		return said, true
	}},
	{"SettlesTwice", func(_ *toy, a *account, o op) (answer, bool) {
		if r := &a.rows[o.Key]; o.Kind == settle && r.state == isSettled {
			r.state = isReleased
		}
		return answer{}, false
	}},
	{"LosesARelease", func(t *toy, a *account, o op) (answer, bool) {
		next := *a
		return next.apply(o), o.Kind == release && t.calls%4 == 0
	}},
	{"GrantsTwice", func(_ *toy, a *account, o op) (answer, bool) {
		if r := &a.rows[o.Key]; o.Kind == grant && r.state == granted {
			r.state = unused
		}
		return answer{}, false
	}},
	{"IgnoresTheLease", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind == hold {
			a.rows[o.Key].lease = a.now
		}
		return answer{}, false
	}},
	{"ForgetsWhatIsHeld", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind != hold {
			return answer{}, false
		}
		held := a.held()
		a.posted += held
		defer func() { a.posted -= held }()
		return a.apply(o), true
	}},
	{"ReadsTheStateBefore", func(t *toy, a *account, o op) (answer, bool) {
		before := t.before[a]
		return before.apply(o), o.Kind == balance
	}},
	{"TakesAndRefuses", func(t *toy, a *account, o op) (answer, bool) {
		if o.Kind != hold || t.calls%8 != 0 {
			return answer{}, false
		}
		seen := *a
		if !a.apply(o).Fresh {
			return answer{}, false
		}
		return answer{Err: errInsufficient, Amount: o.Amount, Posted: seen.posted, Held: seen.held()}, true
	}},
}

// TestFindsBrokenLedgers shows that the search would find what it is for.
func TestFindsBrokenLedgers(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	judge := func(mistake func(t *toy, a *account, o op) (answer, bool), i int) string {
		c := &clock{}
		l := &toy{clock: c, mistake: mistake, accounts: map[string]*account{}, before: map[*account]account{}}
		h := history{seed: rng.Uint64(), goroutines: 8, ops: 15, accounts: 1, timed: i%2 == 0}
		return check(h.record(l.do, c, ""), 0)
	}
	t.Run("AndNoneInASoundOne", func(t *testing.T) {
		for i := range 20 {
			if why := judge(nil, i); why != "" {
				t.Fatal(why)
			}
		}
	})
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			for i := range 100 {
				if why := judge(m.make, i); strings.HasPrefix(why, "Illegal") {
					t.Logf("found in history %d", i+1)
					return
				}
			}
			t.Error("not found in 100 histories")
		})
	}
}
