package ledgerproof_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/credits"
)

// tape is calls that are made on every store. The calls of a step are of different accounts and are made at once, so that
// a store that puts them into one transaction does; the steps come one after the other. A step of one advance moves the
// clock.
type tape [][]op

const tapeAccounts = 3

func drawTape(rng *rand.Rand) tape {
	h := history{seed: rng.Uint64(), accounts: 1, timed: true}
	var out tape
	steps := campaign(10, 24)
	for i := range steps {
		if rng.IntN(6) == 0 {
			out = append(out, []op{{Kind: advance, Lease: time.Duration(1+rng.IntN(15)) * time.Second}})
		}
		var step []op
		for account := range tapeAccounts {
			if rng.IntN(4) == 0 {
				continue
			}
			o := h.draw(rng, int64(i*tapeAccounts+account+1), float64(i)/float64(steps))
			o.Account = account
			step = append(step, o)
		}
		out = append(out, step)
	}
	return out
}

func (t tape) String() string {
	var b strings.Builder
	for _, step := range t {
		fmt.Fprintf(&b, "  %s\n", text(step))
	}
	return b.String()
}

// heard is everything that a store said.
type heard struct {
	What  string
	Said  any
	Err   answer // what callers branch on
	Words string // of an error that the rules made, not the store
}

func hear(what string, said any, err error) heard {
	h := heard{What: what, Said: said}
	if err != nil {
		h.Said, h.Err = nil, refusal(err)
		if strings.HasPrefix(err.Error(), "credits: ") {
			h.Words = err.Error()
		}
	}
	return h
}

// play makes the calls and then reads all that there is to read.
func (t tape) play(l credits.Ledger, c *clock, prefix string) []heard {
	c.at.Store(0)
	ctx := context.Background()
	var out []heard
	for _, step := range t {
		said := make([]heard, len(step))
		var wg sync.WaitGroup
		for i, o := range step {
			if o.Kind == advance {
				c.at.Add(o.Lease.Microseconds())
				continue
			}
			wg.Go(func() {
				v, err := o.call(ctx, l, prefix)
				said[i] = hear(text(o), v, err)
			})
		}
		wg.Wait()
		out = append(out, said...)
	}
	keys := map[int]map[int64]bool{}
	for _, step := range t {
		for _, o := range step {
			if keys[o.Account] == nil {
				keys[o.Account] = map[int64]bool{}
			}
			keys[o.Account][o.Key] = true
		}
	}
	for account := range tapeAccounts {
		name := accountName(prefix, account)
		read := func(what string, said any, err error) {
			out = append(out, hear(fmt.Sprintf("account %d: %s", account, what), said, err))
		}
		for _, q := range []credits.EntryQuery{{Account: name}, {Account: name, After: 1, Limit: 2}} {
			entries, err := collect(l.Entries(ctx, q))
			read("entries", entries, err)
		}
		for _, q := range []credits.UsageQuery{{Account: name}, {Account: name, Scope: "run", From: epoch.Add(10 * time.Second), To: epoch.Add(40 * time.Second)}} {
			records, err := collect(l.Records(ctx, q))
			read("records", records, err)
		}
		for _, q := range []credits.ShadowQuery{{Version: 4, Account: name}, {Version: 5, Account: name, From: epoch.Add(10 * time.Second), To: epoch.Add(40 * time.Second)}} {
			rows, err := l.Shadow(ctx, q)
			read("shadow", rows, err)
		}
		tries, err := collect(l.Attempts(ctx, credits.AttemptQuery{Account: name}))
		read("attempts", tries, err)
		b, err := l.Balance(ctx, name)
		read("balance", b, err)
		report, err := l.Verify(ctx, name)
		read("audit", report, err)
		if !report.OK() {
			read("audit", report, fmt.Errorf("it is not sound in %s", prefix)) // differs, whatever the others say
		}
		for _, key := range slices.Sorted(maps.Keys(keys[account])) {
			held, err := l.Lookup(ctx, name, keyName(key))
			read("key "+string(keyName(key)), held, err)
		}
	}
	return out
}

// player is a backend that plays tapes, each on accounts of its own.
type player struct {
	ledger credits.Ledger
	clock  *clock
	played int
}

func (p *player) play(t tape) []heard {
	p.played++
	prefix := fmt.Sprintf("%05d", p.played)
	return t.play(p.ledger, p.clock, prefix)
}

// differ returns how the first player that differs from the first of all does.
func differ(players []*player, names []string, t tape) string {
	want := players[0].play(t)
	for i, p := range players[1:] {
		got := p.play(t)
		for j := range want {
			if diff := cmp.Diff(want[j], got[j]); diff != "" {
				return fmt.Sprintf("-%s +%s\n%s", names[0], names[i+1], diff)
			}
		}
	}
	return ""
}

// shrink leaves out what is not needed for the difference.
func shrink(t tape, differs func(tape) bool) tape {
	for smaller := true; smaller; {
		smaller = false
		for i := len(t) - 1; i >= 0; i-- {
			for j := len(t[i]) - 1; j >= 0; j-- {
				without := slices.Clone(t)
				without[i] = slices.Delete(slices.Clone(t[i]), j, j+1)
				if differs(without) {
					t, smaller = without, true
				}
			}
		}
	}
	return slices.DeleteFunc(t, func(step []op) bool { return len(step) == 0 })
}

// TestCampaignSameTape plays tapes on every backend and wants the same outcomes, entries, balances and attempts.
func TestCampaignSameTape(t *testing.T) {
	t.Parallel()
	tapes := campaign(15, 5000)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	begun, played, made := time.Now(), 0, 0
	var names []string
	for _, b := range backends {
		names = append(names, b.name)
	}
	for played < tapes && !t.Failed() {
		t.Run("", func(t *testing.T) { // some on one database
			var players []*player
			for _, b := range backends {
				c := &clock{}
				players = append(players, &player{ledger: b.open(t, c.now, false)[0], clock: c})
			}
			for range min(500, tapes-played) {
				tp := drawTape(rng)
				played++
				for _, step := range tp {
					made += len(step)
				}
				if differ(players, names, tp) != "" {
					tp = shrink(tp, func(tp tape) bool { return differ(players, names, tp) != "" })
					t.Fatalf("seed %d, tape %d: the stores differ: %s\n%s", seed, played, differ(players, names, tp), tp)
				}
			}
		})
	}
	t.Logf("seed %d: %d tapes, %d calls on each of %v, violations: %s, %s", seed, played, made, names, violations(t), time.Since(begun).Round(time.Millisecond))
}

// TestTapesDiffer shows that a difference would be found, and made small.
func TestTapesDiffer(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var players []*player
	for i := range 2 {
		c := &clock{}
		l := memoryBackend.open(t, c.now, false)[0]
		if i == 1 {
			l = &amnesiac{l}
		}
		players = append(players, &player{ledger: l, clock: c})
	}
	names := []string{"memory", "amnesiac"}
	for range 500 {
		tp := drawTape(rng)
		if differ(players, names, tp) == "" {
			continue
		}
		tp = shrink(tp, func(tp tape) bool { return differ(players, names, tp) != "" })
		if len(tp) > 5 {
			t.Errorf("the tape was not made small:\n%s", tp)
		}
		return
	}
	t.Error("no tape of 500 finds a ledger that forgets to finish attempts")
}

// amnesiac does not finish the attempt that a release or a settle names.
type amnesiac struct{ credits.Ledger }

func (l *amnesiac) Release(ctx context.Context, r credits.ReleaseRequest) error {
	r.Last = credits.Attempt{}
	return l.Ledger.Release(ctx, r)
}

func (l *amnesiac) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	r.Last = credits.Attempt{}
	return l.Ledger.Settle(ctx, r)
}
