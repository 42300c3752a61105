package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

// recorder is a Responder that remembers what it was asked, in the words of the wire.
type recorder struct {
	providertest.Echo
	mu    sync.Mutex
	texts []providertest.TextCall
}

func (r *recorder) Text(c providertest.TextCall) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, c)
	return r.Echo.Text(c)
}

// change saves a new version of the configuration.
func (h *host) change(change func(*registry.Configuration)) {
	h.tb.Helper()
	s := h.registry.Snapshot()
	next := configuration()
	next.Settings = s.Configuration.Settings
	change(&next)
	h.fatal(h.registry.Save(h.tb.Context(), registry.Change{Base: s.Version, Who: "test", Why: "test", Next: next}))
}

func model(c *registry.Configuration, name string) *registry.Model {
	return &c.Models[slices.IndexFunc(c.Models, func(m registry.Model) bool { return m.Name == name })]
}

func withPrompt(text string) func(*registry.Configuration) {
	return func(c *registry.Configuration) {
		warm := decimal.RequireFromString("0.7")
		model(c, textModel).Profile.Omit = nil
		c.Settings.Functions = map[string]registry.FunctionSettings{"echo": {Model: textModel, Prompt: text, MaxTokens: 90, Temperature: &warm}}
	}
}

func TestWhatTheHoldPinnedOutlivesAnyChangeOfTheRegistry(t *testing.T) {
	for name, change := range map[string]func(*registry.Configuration){
		"AnotherPrice": func(c *registry.Configuration) {
			model(c, textModel).TokensPerCredit = 1
			dear := decimal.NewFromInt(1000)
			model(c, textModel).Prices = registry.Prices{Input: &dear, Output: &dear}
		},
		"AnotherPrompt":    withPrompt("Say something else entirely."),
		"ALowerBound":      func(c *registry.Configuration) { model(c, textModel).MaxOutputTokens = 10 },
		"NoSettings":       func(c *registry.Configuration) { c.Settings.Functions = nil },
		"AnotherMinimum":   func(c *registry.Configuration) { c.Operations[3].MinCredits = 500 },
		"OperationRemoved": func(c *registry.Configuration) { c.Operations = c.Operations[:3] },
		"AnotherDefaultAndTheModelSwitchedOff": func(c *registry.Configuration) {
			c.Settings.Functions = nil
			model(c, textModel).Active, model(c, textModel).Default = false, false
			model(c, "gpt-4o-mini").Default = true
		},
		"TheModelRemoved": func(c *registry.Configuration) {
			c.Settings.Functions = nil
			c.Models = slices.DeleteFunc(c.Models, func(m registry.Model) bool { return m.Name == textModel })
			model(c, "gpt-4o-mini").Default = true
		},
	} {
		for _, died := range []string{"BeforeTheRequest", "BeforeTheSettle"} {
			t.Run(name+"/"+died, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					undisturbed := newHost(t, setup{inProcess: true, configure: withPrompt("Echo!")})
					want, err := undisturbed.echo("k")
					undisturbed.fatal(nil, err)

					heard := &recorder{}
					h := newHost(t, setup{inProcess: true, configure: withPrompt("Echo!"), upstream: providertest.Config{Responder: heard}})
					m := &mortal{Ledger: h.ledger, dieAt: 1, after: true}
					if died == "BeforeTheSettle" {
						m.dieAt, m.after = 2, false
					}
					f := flow{}
					if _, _, err := f.run(h, h.another(func(c *engine.Config) { c.Ledger = m }), credits.Holder{}); !errors.Is(err, errDead) {
						t.Fatal(err)
					}
					h.change(change)
					got, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "second", Fence: 1}}, ask{prompt})
					if err != nil || got.Charged != want.Charged || !got.Record.Cost.Equal(want.Record.Cost) || got.Record.PriceVersion != 1 || got.Record.Model != textModel {
						t.Errorf("charged %d for %s USD by version %d, %v; want %d for %s USD by version 1", got.Charged, got.Record.Cost, got.Record.PriceVersion, err, want.Charged, want.Record.Cost)
					}
					for _, c := range heard.texts {
						if c.Model != textModel || c.MaxOutput != 90 || c.Messages[0].Text != "Echo!" || c.SchemaName != "echo" || string(c.Schema) != string(heard.texts[0].Schema) {
							t.Errorf("the upstream was asked %+v, want what the first hold pinned", c)
						}
					}
					h.sound()
				})
			})
		}
	}
}

func TestAChangedConfigurationCountsForANewHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		h.faults(providertest.Fault{Kind: providertest.Status401, Count: 1})
		if _, err := h.echo("k"); !errors.Is(err, providers.Auth) {
			t.Fatal(err)
		}
		h.change(func(c *registry.Configuration) { model(c, textModel).TokensPerCredit = 1 })
		got, err := h.echo("k")
		if err != nil || got.Charged != 27 || got.Record.PriceVersion != 2 {
			t.Errorf("charged %d by version %d, %v; want 27 by version 2: the first hold was given up", got.Charged, got.Record.PriceVersion, err)
		}
		h.faults(providertest.Fault{Kind: providertest.Status401, Count: 1})
		_, _ = h.echo("l")
		h.change(func(c *registry.Configuration) { c.Operations = c.Operations[:3] })
		sent, _ := h.requests()
		if _, err := h.echo("l"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("without the operation: %v, want %v", err, registry.ErrNotFound)
		}
		if now, _ := h.requests(); now != sent {
			t.Errorf("%d requests by what a hold that was given up had pinned", now-sent)
		}
		h.sound()
	})
}

func TestAReceiptIsReadWhateverBecameOfTheModel(t *testing.T) {
	h := newHost(t, setup{})
	first, err := h.echo("k")
	h.fatal(nil, err)
	h.change(func(c *registry.Configuration) {
		model(c, textModel).Active, model(c, textModel).Default = false, false
		model(c, "gpt-4o-mini").Active = false
	})
	again, err := h.echo("k")
	if err != nil || !again.Replayed || again.Out != first.Out {
		t.Errorf("%+v, %v: want the receipt", again, err)
	}
	if _, err := h.echo("new"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a new key: %v, want %v", err, registry.ErrNotFound)
	}
	if _, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{"else"}); !errors.Is(err, credits.ErrKeyReused) {
		t.Errorf("other input: %v, want %v", err, credits.ErrKeyReused)
	}
	h.sound()
}

// givingUp is a ledger whose holder gives up what is looked up, before the answer is heard.
type givingUp struct{ engine.Ledger }

func (g givingUp) Lookup(ctx context.Context, a credits.Account, k credits.Key) (credits.Held, error) {
	h, err := g.Ledger.Lookup(ctx, a, k)
	if err == nil && h.Hold != nil {
		err = g.Release(ctx, credits.ReleaseRequest{Account: a, Key: k, Holder: h.Hold.Holder, Last: neverSent(h.Hold.OpenAttempts[0])})
	}
	return h, err
}

func neverSent(a credits.Attempt) credits.Attempt {
	a.Fate = string(providers.NotSent)
	return a
}

// TestWhatWasPinnedWillDoIfItsHolderGivesUpMeanwhile: the registry has nothing to go by any more, and the hold that was
// looked up in its place is a fresh one when it is asked for.
func TestWhatWasPinnedWillDoIfItsHolderGivesUpMeanwhile(t *testing.T) {
	h := newHost(t, setup{})
	m := &mortal{Ledger: h.ledger, dieAt: 1, after: true}
	if _, _, err := (flow{}).run(h, h.another(func(c *engine.Config) { c.Ledger = m }), credits.Holder{}); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	h.change(func(c *registry.Configuration) { c.Operations = c.Operations[:3] })
	e := h.another(func(c *engine.Config) { c.Ledger = givingUp{h.ledger} })
	got, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "second", Fence: 1}}, ask{prompt})
	if err != nil || got.Record.Model != textModel || got.Record.PriceVersion != 1 {
		t.Errorf("%+v, %v: want an answer by version 1", got.Record, err)
	}
	h.sound()
}
