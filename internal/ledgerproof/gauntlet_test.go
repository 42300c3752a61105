package ledgerproof_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A gauntlet is many callers who want one operation each of an account that can pay for some of them.
const (
	covered = 10
	price   = 7
)

// granted is what there is for them, in buckets that no price fits.
var granted = []int64{20, 30, 2, covered*price - 52}

// runners are what a caller may do to get its operation. Each reports whether it was charged.
var runners = []struct {
	name string
	run  func(g *gauntlet, caller int) bool
}{
	{"hold and settle", func(g *gauntlet, caller int) bool {
		return g.hold(caller, 0) && g.settle(caller, 0)
	}},
	{"with releases", func(g *gauntlet, caller int) bool {
		for try := 0; ; try++ {
			switch {
			case !g.hold(caller, try):
				if g.over() {
					return false
				}
				time.Sleep(4 * time.Millisecond << min(try, 4)) // others hold it and may give it back
			case try < 2 && caller%2 == 0:
				g.release(caller, try)
			default:
				return g.settle(caller, try)
			}
		}
	}},
	{"all said twice", func(g *gauntlet, caller int) bool {
		held := g.twice(func() bool { return g.hold(caller, 0) })
		return held && g.twice(func() bool { return g.settle(caller, 0) })
	}},
	{"charge", func(g *gauntlet, caller int) bool { return g.take(g.op(charge, caller, 0)) }},
}

type gauntlet struct {
	t       *testing.T
	ledger  handles
	prefix  string
	refused atomic.Int64
	ended   atomic.Bool
}

func (g *gauntlet) do(o op) answer {
	return o.do(context.Background(), g.ledger.of(o.Holder), g.prefix)
}

func (g *gauntlet) op(k kind, caller, try int) op {
	key := int64(caller*1000 + try)
	return op{Kind: k, ID: key, Key: key, Holder: caller, Fence: 1, Lease: time.Hour, TTL: time.Hour, Amount: price}
}

func (g *gauntlet) hold(caller, try int) bool { return g.take(g.op(hold, caller, try)) }

// take makes a call that takes credits, and reports whether there were any.
func (g *gauntlet) take(o op) bool {
	switch said := g.do(o); said.Err {
	case "":
		return true
	case errInsufficient:
		g.refused.Add(1)
		if said.Held == 0 { // nobody can give anything back any more
			g.ended.Store(true)
		}
	default:
		g.t.Errorf("%s: %+v", o.Kind, said)
		g.ended.Store(true)
	}
	return false
}

func (g *gauntlet) over() bool { return g.ended.Load() }

func (g *gauntlet) settle(caller, try int) bool {
	said := g.do(g.op(settle, caller, try))
	if said.Err != "" || said.Charged != price {
		g.t.Errorf("settle: %+v, want a charge of %d", said, price)
	}
	return said.Err == ""
}

func (g *gauntlet) release(caller, try int) {
	if said := g.do(g.op(release, caller, try)); said.Err != "" {
		g.t.Errorf("release: %+v", said)
	}
}

// twice does something twice at once, as a caller does who lost the answer, and reports whether either was granted.
func (g *gauntlet) twice(do func() bool) bool {
	other := make(chan bool)
	go func() { other <- do() }()
	mine := do()
	return <-other || mine
}

// race sends the callers off together and returns how many were charged.
func (g *gauntlet) race(callers int, run func(g *gauntlet, caller int) bool) int64 {
	for i, amount := range granted {
		said := g.do(op{Kind: grant, Key: int64(i), Amount: amount, Terms: terms{Class: class(i), Priority: int8(i % 2)}})
		if said.Err != "" {
			g.t.Fatalf("grant: %+v", said)
		}
	}
	var charged atomic.Int64
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for caller := 1; caller <= callers; caller++ {
		wg.Go(func() {
			<-gate
			if run(g, caller) {
				charged.Add(1)
			}
		})
	}
	close(gate)
	wg.Wait()
	return charged.Load()
}

// TestCampaignOverspend: exactly as many operations are charged as there are credits for, whoever asks, and nothing is
// left over.
func TestCampaignOverspend(t *testing.T) {
	t.Parallel()
	rounds := campaign(1, 100)
	t.Logf("%-8s %-16s %7s %7s %9s %9s %9s %8s", "store", "callers do", "callers", "rounds", "charged", "refusals", "overspent", "ms/round")
	for _, b := range backends {
		l := b.open(t, nil, true)
		for _, runner := range runners {
			for _, callers := range []int{64, 1000} {
				least, most, overspent := int64(callers), int64(0), 0
				refused := int64(0)
				start := time.Now()
				for round := range rounds {
					g := &gauntlet{t: t, ledger: l, prefix: fmt.Sprintf("%s/%d/%d", runner.name, callers, round)}
					charged := g.race(callers, runner.run)
					least, most = min(least, charged), max(most, charged)
					refused += g.refused.Load()
					if !g.settled(charged) {
						overspent++
					}
				}
				t.Logf("%-8s %-16s %7d %7d %4d … %-2d %9d %9d %8d", b.name, runner.name, callers, rounds, least, most, refused, overspent,
					time.Since(start).Milliseconds()/int64(rounds))
			}
		}
	}
}

// settled checks what is left after a race.
func (g *gauntlet) settled(charged int64) bool {
	b := g.do(op{Kind: balance})
	s := g.do(op{Kind: statement})
	report, err := g.ledger[0].Verify(g.t.Context(), op{}.account(g.prefix))
	if charged == covered && b == (answer{}) && s == (answer{Entry: int64(len(granted)) + covered}) && err == nil && report.OK() {
		return true
	}
	g.t.Errorf("%s: %d were charged, the balance is %+v, the statement %+v, the audit %+v %v; want %d, nothing, and %d entries",
		g.prefix, charged, b, s, report, err, covered, len(granted)+covered)
	return false
}
