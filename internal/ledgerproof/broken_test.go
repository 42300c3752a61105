package ledgerproof_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
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

// with does something to an account for the time of a call that the name of a mistake is about.
func with(do func(a *account, o op) (undo func()), kinds ...kind) func(*toy, *account, op) (answer, bool) {
	return func(_ *toy, a *account, o op) (answer, bool) {
		if !slices.Contains(kinds, o.Kind) {
			return answer{}, false
		}
		a.expire()
		undo := do(a, o)
		defer undo()
		return a.apply(o), true
	}
}

// inBuckets changes all buckets for the time of a call.
func inBuckets(a *account, change func(*bucket)) (undo func()) {
	before := a.purse.buckets
	for i := range a.purse.made {
		change(&a.purse.buckets[i])
	}
	return func() {
		for i, b := range before {
			if b.number != 0 {
				a.purse.buckets[i].terms, a.purse.buckets[i].renewed = b.terms, b.renewed
			}
		}
	}
}

// lend lets an account have more for the time of a call.
func lend(a *account, amount int64) (undo func()) {
	a.purse.owed -= amount
	return func() { a.purse.owed += amount }
}

var mistakes = []struct {
	name string
	make func(t *toy, a *account, o op) (answer, bool)
}{
	{"ChecksAndThenActs", func(t *toy, a *account, o op) (answer, bool) {
		seen := *a
		if said := seen.apply(o); (o.Kind != hold || !said.Fresh) && (o.Kind != charge || said.Result != o.ID) {
			return answer{}, false
		}
		t.apart()
		defer lend(a, 1000)() // there was enough a moment ago
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
		if o.Kind != grant || a.rows[o.Key].state != isGrant {
			return answer{}, false
		}
		said := a.apply(o)
		for i := range a.purse.buckets {
			if b := &a.purse.buckets[i]; b.number == said.Entry && said.Err == "" {
				b.left += o.Amount
			}
		}
		return said, true
	}},
	{"IgnoresTheLease", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind == hold {
			a.rows[o.Key].lease = a.now
		}
		return answer{}, false
	}},
	{"ForgetsWhatIsHeld", with(func(a *account, _ op) func() { return lend(a, a.sumHeld()) }, hold)},
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
		seen.expire()
		return answer{Err: errInsufficient, Amount: o.Amount, Posted: seen.purse.posted(), Held: seen.sumHeld()}, true
	}},
	{"BurnsTheNewestFirst", with(func(a *account, _ op) func() {
		order := a.purse.order
		slices.Reverse(a.purse.order[:a.purse.made])
		return func() { a.purse.order = order }
	}, hold, charge)},
	{"IgnoresPriorities", with(func(a *account, _ op) func() {
		order := a.purse.order
		slices.Sort(a.purse.order[:a.purse.made])
		return func() { a.purse.order = order }
	}, hold, charge)},
	{"SpendsWhatHasExpired", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind != hold && o.Kind != charge {
			return answer{}, false
		}
		defer inBuckets(a, func(b *bucket) { b.Until = 0 })()
		return a.apply(o), true
	}},
	{"GivesBackWhatHasExpired", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind == release || o.Kind == settle {
			inBuckets(a, func(b *bucket) {
				if b.isOver(a.now) && b.pinned > 0 {
					b.Until, b.renewed = 0, false
				}
			})
		}
		return answer{}, false
	}},
	{"RenewsAndKeepsThePlan", with(func(a *account, _ op) func() {
		return inBuckets(a, func(b *bucket) { b.Class = bonus })
	}, renew)},
	{"RenewsWithTheRemainder", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind != renew || a.rows[o.Key].state != unused {
			return answer{}, false
		}
		a.expire()
		expired := a.purse.expired
		said := a.apply(o)
		for i := range a.purse.buckets {
			if b := &a.purse.buckets[i]; b.number == said.Entry && said.Err == "" {
				b.left += a.purse.expired - expired
			}
		}
		return said, true
	}},
	{"RefundsAboveTheCharge", with(func(a *account, o op) func() {
		r := &a.rows[o.Charge]
		before := *r
		r.refunded = 0
		return func() { r.refunded += before.refunded }
	}, refund)},
	{"RefundsForNothing", func(_ *toy, a *account, o op) (answer, bool) {
		if o.Kind != refund || a.rows[o.Key].state != unused {
			return answer{}, false
		}
		before := a.purse
		said := a.apply(o)
		if said.Err == "" {
			a.purse = before // the entry is there, and the credits are not
		}
		return said, said.Err == ""
	}},
	{"ForgetsDebt", with(func(a *account, _ op) func() {
		a.purse.owed = 0
		return func() {}
	}, grant, renew, hold)},
	{"HoldsInDebt", with(func(a *account, _ op) func() { return lend(a, a.purse.owed) }, hold, charge)},
	{"LosesALateSettle", func(_ *toy, a *account, o op) (answer, bool) {
		a.expire()
		r := &a.rows[o.Key]
		if o.Kind != settle || r.state != isReleased && r.state != isExpired {
			return answer{}, false
		}
		before := a.purse
		said := a.apply(o)
		if said.Err == "" {
			a.purse = before
		}
		return said, true
	}},
	{"ChargesAboveACap", with(func(a *account, _ op) func() {
		caps := a.caps
		a.caps = [maxCaps]limit{}
		return func() { a.caps = caps }
	}, hold, charge, extend)},
	{"CountsWhatWasRefunded", with(func(a *account, _ op) func() {
		rows := a.rows
		for i := range a.rows {
			a.rows[i].refunded = 0
		}
		return func() { a.rows = rows }
	}, caps)},
	{"KeepsARemovedCap", func(_ *toy, _ *account, o op) (answer, bool) { return answer{}, o.Kind == removeCap }},
}

// TestFindsBrokenLedgers shows that the search would find what it is for.
func TestFindsBrokenLedgers(t *testing.T) {
	t.Parallel()
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
			for i := range 1000 {
				if why := judge(m.make, i); strings.HasPrefix(why, "Illegal") {
					t.Logf("found in history %d", i+1)
					return
				}
			}
			t.Error("not found in 1000 histories")
		})
	}
}
