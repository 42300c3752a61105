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
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

const fallbackModel = "gpt-4o-mini"

// falling configures a fallback, of another provider, at which a token costs so many times the credits of the first's.
func falling(times int64) func(*registry.Configuration) {
	return func(c *registry.Configuration) {
		c.Providers = append(c.Providers, registry.Provider{ID: "spare", Active: true})
		m := model(c, fallbackModel)
		m.Provider, m.Active, m.TokensPerCredit, m.MaxOutputTokens = "spare", true, 10/times, 100
		c.Settings.Functions = map[string]registry.FunctionSettings{"echo": {Model: textModel, Fallbacks: []string{fallbackModel}}}
	}
}

// withFallback has the providers of the two, the first of which has the given failure for an answer.
func withFallback(first func() error) func(*engine.Config) {
	return func(c *engine.Config) {
		c.Keys = secret.Static{"openai": {ID: "main", Secret: secret.New(apiKey)}, "spare": {ID: "main", Secret: secret.New(apiKey)}}
		c.Providers = []providers.Provider{
			text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
				return providers.TextResult{}, first()
			}),
			spare{func(context.Context, providers.TextRequest) (providers.TextResult, error) {
				return says(`{"echo":"from the fallback"}`)
			}},
		}
	}
}

func TestTheNextModelIsAskedWhenTheFirstCannotBe(t *testing.T) {
	for _, c := range []struct {
		kind  providers.Kind
		fate  providers.Fate
		falls bool
		first int // attempts of the first model
	}{
		{providers.RateLimited, providers.Rejected, true, 3},
		{providers.Overloaded, providers.Rejected, true, 3},
		{providers.Network, providers.NotSent, true, 3},
		{providers.Quota, providers.Rejected, true, 1},
		{providers.Auth, providers.Rejected, true, 1},
		{providers.Permission, providers.Rejected, true, 1},
		{providers.NotFound, providers.Rejected, true, 1},
		{providers.ContextTooLong, providers.Rejected, true, 1},
		{providers.Unsupported, providers.NotSent, true, 1},
		{providers.Invalid, providers.Rejected, false, 1},
		{providers.Blocked, providers.Rejected, false, 1},
		{providers.Blocked, providers.Executed, false, 1},
		{providers.Incomplete, providers.Executed, false, 1},
		{providers.Network, providers.Unknown, false, 2},
	} {
		t.Run(string(c.kind)+" "+string(c.fate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, configure: falling(1), engine: withFallback(func() error { return failure(c.kind, c.fate) })})
				got, err := h.echo("k")
				attempts := h.attempts("k")
				if !c.falls {
					if !errors.Is(err, c.kind) || len(attempts) != c.first {
						t.Errorf("%v after %s, want the failure after %d attempts", err, fates(attempts), c.first)
					}
					h.sound()
					return
				}
				if err != nil || got.Out.Echo != "from the fallback" || got.Charged != 5 || got.Record.Model != fallbackModel {
					t.Errorf("Run = %+v, %v, want what the fallback said, at its price", got, err)
				}
				if len(attempts) != c.first+1 || attempts[0].Model != textModel || attempts[c.first].Model != fallbackModel {
					t.Errorf("attempts %+v, want %d of the first and one of the fallback", attempts, c.first)
				}
				if h.balance().Posted != 1_000_000-5 {
					t.Errorf("balance %+v, want 5 less", h.balance())
				}
			})
		})
	}
}

func TestADearerFallbackExtendsTheHold(t *testing.T) {
	var during credits.Balance
	var h *host
	dear := func(c *engine.Config) {
		withFallback(func() error {
			during = h.balance()
			return failure(providers.Quota, providers.Rejected)
		})(c)
		c.Providers[1] = spare{func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			if now := h.balance(); now.Held < 8*during.Held {
				t.Errorf("%d are held for a fallback ten times as dear, and %d were for the first", now.Held, during.Held)
			}
			return says(`{"echo":"dear"}`)
		}}
	}
	h = newHost(t, setup{configure: falling(10), engine: dear})
	if got, err := h.echo("k"); err != nil || got.Charged != 50 {
		t.Errorf("charged %d, %v, want 50: the fallback's price", got.Charged, err)
	}
	h.sound()

	h = newHost(t, setup{configure: falling(10), engine: dear, grant: 2 * during.Held})
	_, err := h.echo("k")
	if !errors.Is(err, credits.ErrInsufficient) || !errors.Is(err, providers.Quota) {
		t.Errorf("Run = %v, want to hear that the credits do not suffice, and what for", err)
	}
	if b := h.balance(); b.Posted != 2*during.Held || b.Held != 0 {
		t.Errorf("balance %+v, want all of it back", b)
	}
	h.sound()
}

func TestTheModelOfACallHasNoFallback(t *testing.T) {
	h := newHost(t, setup{configure: falling(1), engine: withFallback(func() error { return failure(providers.Quota, providers.Rejected) })})
	_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Model: textModel}, ask{prompt})
	if !errors.Is(err, providers.Quota) {
		t.Errorf("Run = %v, want the first model's failure", err)
	}
}

func TestAFallbackThatCannotBeIsLeftOut(t *testing.T) {
	h := newHost(t, setup{configure: func(c *registry.Configuration) {
		falling(1)(c)
		model(c, fallbackModel).Provider = "runware" // which makes no texts
	}, engine: withFallback(func() error { return failure(providers.Quota, providers.Rejected) })})
	if _, err := h.echo("k"); !errors.Is(err, providers.Quota) {
		t.Errorf("Run = %v, want the first model's failure", err)
	}
	h.sound()
}

// TestATakeoverGoesTheRoutesThatWerePinned changes the configuration between a crash and the next try.
func TestATakeoverGoesTheRoutesThatWerePinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, configure: falling(1), engine: func(c *engine.Config) {
			withFallback(func() error { return failure(providers.Quota, providers.Rejected) })(c)
			c.Ledger = &mortal{Ledger: c.Ledger, dieAt: 3} // hold, finish, begin of the fallback
		}})
		if _, err := h.echo("k"); !errors.Is(err, errDead) {
			t.Fatalf("Run = %v, want the crash", err)
		}
		v := h.registry.Snapshot()
		next := *v.Configuration
		next.Settings.Functions = nil
		h.fatal(h.registry.Save(t.Context(), registry.Change{Base: v.Version, Who: "test", Why: "no fallbacks any more", Next: next}))
		time.Sleep(lease)
		e := h.another(func(c *engine.Config) { c.Ledger = h.ledger })
		got, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: "k"}, ask{prompt})
		if err != nil || got.Record.Model != fallbackModel {
			t.Errorf("Run = %+v, %v, want the fallback that the hold pinned", got, err)
		}
		h.sound()
	})
}
