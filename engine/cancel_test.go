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
)

// at returns an observer that cancels when a phase is seen, some time later if that is not zero.
func at(phase engine.Phase, after time.Duration, cancel func()) engine.Observer {
	return engine.ObserverFunc(func(_ context.Context, e engine.Event) {
		if e.Phase == phase {
			if after > 0 {
				time.AfterFunc(after, cancel)
			} else {
				cancel()
			}
		}
	})
}

func TestACancelledCallIsReleasedOrSettled(t *testing.T) {
	slow := providertest.Config{Latency: 10 * time.Second}
	for _, tt := range []struct {
		name     string
		flow     flow
		upstream providertest.Config
		phase    engine.Phase // at which the context is cancelled
		after    time.Duration
		settled  bool
		attempts string
	}{
		{"BeforeTheHold", flow{}, slow, engine.PhaseInit, 0, false, ""},
		{"BetweenHoldAndCall", flow{}, slow, engine.PhasePrep, 0, false, "not_sent/canceled"},
		{"DuringTheCall", flow{}, slow, engine.PhaseAICall, time.Second, false, "unknown/canceled"},
		{"DuringAPicturesCall", flow{model: dalleModel}, slow, engine.PhaseAICall, time.Second, false, "unknown/canceled"},
		{"DuringACallThatCanBeAskedFor", flow{model: runwareModel}, slow, engine.PhaseAICall, time.Second, false, "unknown/canceled"},
		{"WhenTheAnswerIsThere", flow{}, slow, engine.PhaseParse, 0, true, "executed"},
		{"WhenThePictureIsThere", flow{model: dalleModel}, slow, engine.PhaseParse, 0, true, "executed"},
		{"BeforeTheSettle", flow{}, slow, engine.PhaseSave, 0, true, "executed"},
		{"AfterTheSettle", flow{}, slow, engine.PhaseDone, 0, true, "executed"},
		{"DuringBackOff", flow{faults: []providertest.Fault{{Kind: providertest.Status429, RetryAfter: 5 * time.Second}}},
			providertest.Config{}, engine.PhaseParse, time.Second, false, "rejected/rate_limited"},
		{"DuringBackOffOfAnUnknownFate", flow{faults: []providertest.Fault{{Kind: providertest.Status500}}},
			providertest.Config{}, engine.PhaseParse, 0, false, "unknown/upstream"},
		{"WhenAnAnswerNeedsRepair", flow{faults: []providertest.Fault{{Kind: providertest.NotJSON}}},
			providertest.Config{}, engine.PhaseParse, 0, false, "executed/malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, upstream: tt.upstream})
				h.faults(tt.flow.faults...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				e := h.another(func(c *engine.Config) { c.Observer = at(tt.phase, tt.after, cancel) })
				_, _, err := tt.flow.in(ctx, e, credits.Holder{})
				if (err == nil) != tt.settled || len(h.settles()) == 1 != tt.settled {
					t.Errorf("%v, %d settles; settled should be %t", err, len(h.settles()), tt.settled)
				}
				if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, providers.Upstream) && !errors.Is(err, engine.ErrAnswer) {
					t.Errorf("%v, want it to match %v, or what failed before", err, context.Canceled)
				}
				if got := fates(h.attempts("k")); got != tt.attempts {
					t.Errorf("attempts %q, want %q", got, tt.attempts)
				}
				h.sound()
			})
		})
	}
}

// doubtful is a ledger whose answer to a call is lost, once, because the caller went away meanwhile: stored, or not.
type doubtful struct {
	engine.Ledger
	step   string
	stored bool
	cancel func()
}

func (d *doubtful) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	if d.step != "hold" {
		return d.Ledger.Hold(ctx, r)
	}
	if d.stored {
		_, _ = d.Ledger.Hold(ctx, r)
	}
	d.cancel()
	return credits.Held{}, ctx.Err()
}

func (d *doubtful) Begin(ctx context.Context, r credits.BeginRequest) error {
	if d.step != "begin" {
		return d.Ledger.Begin(ctx, r)
	}
	if d.stored {
		_ = d.Ledger.Begin(ctx, r)
	}
	d.cancel()
	return ctx.Err()
}

func TestACallCancelledInDoubtHoldsNothing(t *testing.T) {
	for _, tt := range []struct {
		name, step string
		stored     bool
		attempts   string
	}{
		{"AHoldThatWasStored", "hold", true, "not_sent/canceled"},
		{"AHoldThatWasNot", "hold", false, ""},
		{"AnAttemptThatWasStored", "begin", true, "rejected/rate_limited not_sent/canceled"},
		{"AnAttemptThatWasNot", "begin", false, "rejected/rate_limited"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true})
				h.faults(providertest.Fault{Kind: providertest.Status429, Count: 1})
				ctx, cancel := context.WithCancel(t.Context())
				e := h.another(func(c *engine.Config) {
					c.Ledger = &doubtful{Ledger: h.ledger, step: tt.step, stored: tt.stored, cancel: cancel}
				})
				if _, _, err := (flow{}).in(ctx, e, credits.Holder{}); !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want it to match %v", err, context.Canceled)
				}
				if got := fates(h.attempts("k")); got != tt.attempts {
					t.Errorf("attempts %q, want %q", got, tt.attempts)
				}
				h.sound()
			})
		})
	}
}

func TestAHoldInDoubtThatIsNotOursIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		f := flow{model: runwareModel}
		first := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		if _, _, err := f.run(h, first, credits.Holder{}); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		time.Sleep(3 * lease)
		ctx, cancel := context.WithCancel(t.Context())
		second := h.another(func(c *engine.Config) {
			c.Ledger = &doubtful{Ledger: h.ledger, step: "hold", stored: true, cancel: cancel}
		})
		if _, _, err := f.in(ctx, second, credits.Holder{}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		time.Sleep(3 * lease)
		if _, _, err := f.run(h, h.Engine, credits.Holder{}); err != nil {
			t.Error(err)
		}
		if _, billable := h.requests(); billable != 1 {
			t.Errorf("%d billable requests, want 1: the task of the first was there to be asked for", billable)
		}
		h.sound()
	})
}

func TestAHoldInDoubtOfANamedHolderWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		ctx, cancel := context.WithCancel(t.Context())
		e := h.another(func(c *engine.Config) {
			c.Ledger = &doubtful{Ledger: h.ledger, step: "hold", stored: true, cancel: cancel}
		})
		holder := credits.Holder{ID: "worker", Fence: 7}
		if _, _, err := (flow{}).in(ctx, e, holder); !errors.Is(err, context.Canceled) || h.balance().Held == 0 {
			t.Errorf("%v, balance %+v; want the hold left to its holder, who may have worked on it before", err, h.balance())
		}
		if charged, _, err := (flow{}).run(h, h.Engine, holder); err != nil || charged != 3 {
			t.Errorf("charged %d, %v", charged, err)
		}
		h.sound()
	})
}

func TestALongRetryAfterIsNotWaitedFor(t *testing.T) {
	for name, err := range map[string]error{
		"OfARefusal":      &providers.Error{Provider: "openai", Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: time.Hour},
		"OfAnUnknownFate": &providers.Error{Provider: "openai", Kind: providers.Upstream, Fate: providers.Unknown, RetryAfter: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
					return providers.TextResult{}, err
				}))})
				began := time.Now()
				if _, got := h.echo("k"); !errors.Is(got, err) || time.Since(began) > time.Minute {
					t.Errorf("%v after %s, want the failure at once: the lease is shorter than the wait", got, time.Since(began))
				}
				h.sound()
			})
		})
	}
}
