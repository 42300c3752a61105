package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// flow is a way through the gate with the ledger's calls on it, each of which a process can die at.
type flow struct {
	name   string
	model  string // empty for the text function
	faults []providertest.Fault
	steps  []string // the ledger's calls
	fails  bool     // the undisturbed operation fails
}

var flows = []flow{
	{name: "Text", steps: []string{"hold", "settle"}},
	{name: "TextAfterARateLimit", faults: []providertest.Fault{{Kind: providertest.Status429, Count: 1}},
		steps: []string{"hold", "finish", "begin", "settle"}},
	{name: "TextAfterALostAnswer", faults: []providertest.Fault{{Kind: providertest.DropAfter, Count: 1}},
		steps: []string{"hold", "finish", "begin", "settle"}},
	{name: "TextRepaired", faults: []providertest.Fault{{Kind: providertest.NotJSON, Count: 1}},
		steps: []string{"hold", "extend", "finish", "begin", "settle"}},
	{name: "TextRefused", faults: []providertest.Fault{{Kind: providertest.Status401, Count: 1}},
		steps: []string{"hold", "release"}, fails: true},
	{name: "Picture", model: dalleModel, steps: []string{"hold", "settle"}},
	{name: "PictureThatCanBeAskedFor", model: runwareModel, steps: []string{"hold", "settle"}},
	{name: "PictureAskedForAfterALostAnswer", model: runwareModel, faults: []providertest.Fault{{Kind: providertest.DropAfter, Count: 1}},
		steps: []string{"hold", "extend", "settle"}},
	{name: "PictureThatNeverArrived", model: runwareModel, faults: []providertest.Fault{{Kind: providertest.DropBefore, Count: 1}},
		steps: []string{"hold", "extend", "finish", "begin", "settle"}},
}

// run takes the flow's function through an engine.
func (f flow) run(h *host, e *engine.Engine, holder credits.Holder) (charged credits.Amount, replayed bool, err error) {
	return f.in(h.tb.Context(), e, holder)
}

func (f flow) in(ctx context.Context, e *engine.Engine, holder credits.Holder) (charged credits.Amount, replayed bool, err error) {
	call := engine.Call{Account: account, Key: "k", Model: f.model, Holder: holder}
	if f.model == "" {
		got, err := engine.Run(ctx, e, echoing, call, ask{prompt})
		return got.Charged, got.Replayed, err
	}
	got, err := engine.Run(ctx, e, sketching, call, sketch{prompt, 1})
	return got.Charged, got.Replayed, err
}

// successor is how the work goes on after a crash.
type successor struct {
	name   string
	holder credits.Holder
	waits  bool // for the dead holder's lease
}

var successors = []successor{
	{"AHigherFenceAtOnce", credits.Holder{ID: "second", Fence: 2}, false},
	{"TheSameFenceAfterTheLease", credits.Holder{ID: "second", Fence: 1}, true},
	{"TheSameHolderAtOnce", credits.Holder{ID: "first", Fence: 1}, false},
}

func TestACrashAtAnyLedgerStepChargesOnce(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			var undisturbed int
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true})
				h.faults(f.faults...)
				m := &mortal{Ledger: h.ledger}
				_, _, err := f.run(h, h.another(func(c *engine.Config) { c.Ledger = m }), credits.Holder{})
				if (err != nil) != f.fails || !slices.Equal(m.steps, f.steps) {
					t.Fatalf("steps %q, %v; want %q", m.steps, err, f.steps)
				}
				_, undisturbed = h.requests()
				h.sound()
			})
			for k := range f.steps {
				for _, after := range []bool{false, true} {
					for _, next := range successors {
						when := map[bool]string{false: "Before", true: "After"}[after]
						t.Run(fmt.Sprintf("%s%s%d/%s", when, f.steps[k], k+1, next.name), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) { f.crash(t, k+1, after, next, undisturbed) })
						})
					}
				}
			}
		})
	}
}

// crash lets a first process die, a second go on, and looks at what there is.
func (f flow) crash(t *testing.T, k int, after bool, next successor, undisturbed int) {
	h := newHost(t, setup{inProcess: true})
	h.faults(f.faults...)
	m := &mortal{Ledger: h.ledger, dieAt: k, after: after}
	if _, _, err := f.run(h, h.another(func(c *engine.Config) { c.Ledger = m }), credits.Holder{ID: "first", Fence: 1}); !errors.Is(err, errDead) {
		t.Fatalf("the first process: %v, want it dead", err)
	}
	sent, billable := h.requests()
	stored := len(h.settles()) == 1
	if want := after && f.steps[k-1] == "settle"; stored != want {
		t.Fatalf("settled is %t, want %t", stored, want)
	}
	h.faults() // what struck the first process has passed
	if next.waits {
		if known, err := h.ledger.Lookup(t.Context(), account, "k"); err == nil && known.Hold != nil && known.Hold.State == credits.Open {
			if _, _, err := f.run(h, h.Engine, next.holder); !errors.Is(err, credits.ErrInProgress) {
				t.Errorf("while the lease runs: %v, want %v", err, credits.ErrInProgress)
			}
		}
		time.Sleep(3 * lease) // a picture's is longer
	}
	charged, replayed, err := f.run(h, h.Engine, next.holder)
	if err != nil {
		t.Fatalf("the second process: %v", err)
	}
	again, _, err := f.run(h, h.Engine, credits.Holder{ID: "third"})
	if settles := h.settles(); err != nil || again != charged || len(settles) != 1 || -settles[0].Amount != charged {
		t.Errorf("settles %+v, charged %d, then %d, %v; want one charge", settles, charged, again, err)
	}
	sentAfter, billableAfter := h.requests()
	switch {
	case stored && (sentAfter != sent || !replayed):
		t.Errorf("%d requests after the settle was stored, replayed is %t", sentAfter-sent, replayed)
	case f.model == runwareModel && billableAfter != 1:
		t.Errorf("%d billable requests, want 1: the upstream can be asked", billableAfter)
	case billableAfter > max(undisturbed, 1)+1 || billableAfter > billable+1:
		t.Errorf("%d billable requests after %d, %d undisturbed; want at most one repeat", billableAfter, billable, undisturbed)
	}
	h.sound()
}

func TestNothingIsSentInThePlaceOfATaskThatMayStillCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		f := flow{model: runwareModel}
		dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		if _, _, err := f.run(h, dying, credits.Holder{ID: "first", Fence: 1}); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		h.faults(providertest.Fault{Kind: providertest.Status500, Route: providertest.RoutePoll})
		_, _, err := f.run(h, h.Engine, credits.Holder{ID: "second", Fence: 2})
		if sent, billable := h.requests(); !errors.Is(err, providers.Upstream) || sent != 1 || billable != 1 || fates(h.attempts("k")) != "unknown/upstream" {
			t.Errorf("%v after %d requests, attempts %q; want it given up", err, sent, fates(h.attempts("k")))
		}
		h.sound()
	})
}

func TestAQuestionThatHangsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		h.faults(providertest.Fault{Kind: providertest.DropAfter, Count: 1},
			providertest.Fault{Kind: providertest.Slow, Route: providertest.RoutePoll, Count: 1, Delay: time.Hour})
		begun := time.Now()
		charged, _, err := flow{model: runwareModel}.run(h, h.Engine, credits.Holder{})
		if took := time.Since(begun); err != nil || charged != 1 || took > time.Minute || fates(h.attempts("k")) != "executed" {
			t.Errorf("charged %d, %v after %s, attempts %q; want the picture that was made", charged, err, took, fates(h.attempts("k")))
		}
		h.sound()
	})
}
