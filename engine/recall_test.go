package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

func (h *host) recall(fence int64) (engine.Result[echo], bool, error) {
	return engine.Recall(h.tb.Context(), h.Engine, echoing,
		engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "recaller", Fence: fence}}, ask{prompt})
}

func TestRecallGivesWhatWasBoughtAndBuysNothing(t *testing.T) {
	h := newHost(t, setup{})
	if got, paid, err := h.recall(0); err != nil || paid || len(h.attempts("")) != 0 {
		t.Errorf("a key never used: %+v, %t, %v", got, paid, err)
	}
	h.faults(providertest.Fault{Kind: providertest.Status401, Count: 1})
	_, _ = h.echo("k")
	if got, paid, err := h.recall(0); err != nil || paid {
		t.Errorf("a key released: %+v, %t, %v", got, paid, err)
	}
	want, err := h.echo("k")
	h.fatal(nil, err)
	h.change(func(c *registry.Configuration) { c.Operations = c.Operations[:3] }) // what was bought does not depend on it
	got, paid, err := h.recall(0)
	if err != nil || !paid || !got.Replayed || got.Out != want.Out || got.Charged != want.Charged {
		t.Errorf("a key settled: %+v, %t, %v; want %+v", got, paid, err, want)
	}
	_, _, err = engine.Recall(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{"else"})
	if !errors.Is(err, credits.ErrKeyReused) {
		t.Errorf("another request: %v, want %v", err, credits.ErrKeyReused)
	}
	if sent, _ := h.requests(); sent != 2 || len(h.settles()) != 1 {
		t.Errorf("%d requests, %d settles", sent, len(h.settles()))
	}
	h.sound()
}

func TestRecallReleasesWhatADeadHolderLeft(t *testing.T) {
	for name, after := range map[string]time.Duration{"AHigherFenceAtOnce": 0, "AnEqualFenceAfterTheLease": 3 * lease, "AfterTheHoldExpired": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, upstream: priced})
				dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
				if _, _, err := (flow{}).run(h, dying, credits.Holder{ID: "first", Fence: 1}); !errors.Is(err, errDead) {
					t.Fatal(err)
				}
				if _, _, err := h.recall(1); !errors.Is(err, credits.ErrInProgress) {
					t.Errorf("while the lease runs: %v, want %v", err, credits.ErrInProgress)
				}
				fence := int64(2)
				if after > 0 {
					fence = 1
					time.Sleep(after)
				}
				if got, paid, err := h.recall(fence); err != nil || paid {
					t.Errorf("%+v, %t, %v; want nothing paid", got, paid, err)
				}
				if a := h.attempts("k"); after < 48*time.Hour && (fates(a) != "unknown/canceled" || !a[0].Cost.Decimal.IsPositive()) {
					t.Errorf("attempts %+v, want an unknown fate at the worst case", a)
				}
				if h.balance() != (credits.Balance{Posted: 1_000_000, Available: 1_000_000}) {
					t.Errorf("balance %+v, want nothing held", h.balance())
				}
				if got, err := h.echo("k"); err != nil || got.Charged != 3 { // the key may be used again
					t.Errorf("%+v, %v", got, err)
				}
				h.sound()
			})
		})
	}
}

func TestAnAnswerThatComesAfterARecallIsSettledLate(t *testing.T) {
	asked, answer := make(chan bool), make(chan bool)
	h := newHost(t, setup{engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
		asked <- true
		<-answer
		return says(`{"echo":"late"}`)
	}))})
	done := make(chan error, 1)
	go func() {
		_, err := engine.Run(context.WithoutCancel(t.Context()), h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "first", Fence: 1}}, ask{prompt})
		done <- err
	}()
	<-asked
	if _, paid, err := h.recall(2); err != nil || paid {
		t.Errorf("%t, %v; want nothing paid", paid, err)
	}
	answer <- true
	if err := <-done; err != nil {
		t.Errorf("the holder with the answer: %v", err)
	}
	if got, paid, err := h.recall(3); err != nil || !paid || got.Out.Echo != "late" || len(h.settles()) != 1 {
		t.Errorf("%+v, %t, %v; want the late answer, charged once", got, paid, err)
	}
	h.sound()
}
