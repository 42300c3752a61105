package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// oracle is a provider of text that loses its first answer and can be asked about it.
type oracle struct {
	text
	knows func(n int) (providers.Reconciled, error) // the n-th question, from 1
	n     int
}

func (*oracle) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "openai", Text: true, Reconcile: true}
}

func (o *oracle) Reconcile(context.Context, providers.ReconcileRequest) (providers.Reconciled, error) {
	o.n++
	return o.knows(o.n)
}

func TestWhatTheUpstreamSaysOfALostRequestDecides(t *testing.T) {
	found := providers.Reconciled{Fate: providers.Executed, Text: &providers.TextResult{Text: `{"echo":"found"}`,
		Metering: providers.Metering{Usage: usage.Tokens(40, 10)}}}
	fate := func(f providers.Fate) func(int) (providers.Reconciled, error) {
		return func(int) (providers.Reconciled, error) { return providers.Reconciled{Fate: f}, nil }
	}
	ended := func(k providers.Kind, f providers.Fate) func(int) (providers.Reconciled, error) {
		return func(int) (providers.Reconciled, error) {
			return providers.Reconciled{Fate: f, Failure: &providers.Error{Provider: "openai", Kind: k, Fate: f}}, nil
		}
	}
	fails := func(k providers.Kind) func(int) (providers.Reconciled, error) {
		return func(int) (providers.Reconciled, error) { return providers.Reconciled{}, failure(k, providers.Unknown) }
	}
	for _, tt := range []struct {
		name     string
		knows    func(n int) (providers.Reconciled, error)
		want     error
		calls    int
		attempts string
		within   time.Duration
	}{
		{"ItHasTheAnswer", func(int) (providers.Reconciled, error) { return found, nil }, nil, 1, "executed", time.Second},
		{"ItHasTheAnswerLater", func(n int) (providers.Reconciled, error) {
			if n < 10 {
				return providers.Reconciled{Fate: providers.Unknown}, nil
			}
			return found, nil
		}, nil, 1, "executed", 2 * time.Minute},
		{"ItCannotBeReachedForAWhile", func(n int) (providers.Reconciled, error) {
			if n < 4 {
				return providers.Reconciled{}, failure(providers.Network, providers.Unknown)
			}
			return found, nil
		}, nil, 1, "executed", time.Minute},
		{"ItNeverSawIt", fate(providers.NotSent), nil, 2, "not_sent/upstream executed", time.Minute},
		{"ItRefusedIt", fate(providers.Rejected), providers.Upstream, 1, "rejected/upstream", time.Second},
		{"ItRanItAndLostTheAnswer", fate(providers.Executed), providers.Upstream, 1, "executed/upstream", time.Second},
		{"ItRefusedThePrompt", ended(providers.Blocked, providers.Rejected), providers.Blocked, 1, "rejected/blocked", time.Second},
		{"ItRefusedItForNow", ended(providers.RateLimited, providers.Rejected), nil, 2, "rejected/rate_limited executed", time.Minute},
		{"ItRanItAndRefusedWhatItMade", ended(providers.Blocked, providers.Executed), providers.Blocked, 1, "executed/blocked", time.Second},
		{"ItNeverKnows", fate(providers.Unknown), providers.Upstream, 1, "unknown/upstream", 3 * time.Minute},
		{"ItStaysAway", fails(providers.Network), providers.Upstream, 1, "unknown/upstream", 3 * time.Minute},
		{"ItRefusesTheKey", fails(providers.Auth), providers.Upstream, 1, "unknown/upstream", time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				o := &oracle{knows: tt.knows, text: func(context.Context, providers.TextRequest) (providers.TextResult, error) {
					if calls++; calls == 1 {
						return providers.TextResult{}, failure(providers.Upstream, providers.Unknown)
					}
					return says(`{"echo":"again"}`)
				}}
				h := newHost(t, setup{inProcess: true, engine: with(o)})
				began := time.Now()
				got, err := h.echo("k")
				if !errors.Is(err, tt.want) || calls != tt.calls || time.Since(began) > tt.within {
					t.Errorf("%v after %d calls and %s; want %v after %d", err, calls, time.Since(began), tt.want, tt.calls)
				}
				if a := fates(h.attempts("k")); a != tt.attempts || (err == nil) != (got.Charged == 5) {
					t.Errorf("attempts %q, charged %d; want %q", a, got.Charged, tt.attempts)
				}
				h.sound()
			})
		})
	}
}

// A request may be in a gateway's memory when the connection to it is gone: "never seen" is believed after a while only.
func TestARequestThatMayBeOnItsWayIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, began := 0, time.Now()
		o := &oracle{text: func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			calls++
			return providers.TextResult{}, failure(providers.Network, providers.Unknown)
		}}
		o.knows = func(int) (providers.Reconciled, error) {
			if time.Since(began) < 2*time.Second {
				return providers.Reconciled{Fate: providers.NotSent}, nil // it arrives a moment later
			}
			return providers.Reconciled{Fate: providers.Executed, Text: &providers.TextResult{Text: `{"echo":"found"}`,
				Metering: providers.Metering{Usage: usage.Tokens(40, 10)}}}, nil
		}
		h := newHost(t, setup{inProcess: true, engine: with(o)})
		if got, err := h.echo("k"); err != nil || got.Out.Echo != "found" || calls != 1 {
			t.Errorf("%q, %v after %d calls; want what the upstream had, after 1", got.Out.Echo, err, calls)
		}
		h.sound()
	})
}

// seer is a provider of pictures that says of everything that it never saw it.
type seer struct {
	images
	asked int
}

func (*seer) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "openai", Image: true, Reconcile: true}
}

func (s *seer) Reconcile(context.Context, providers.ReconcileRequest) (providers.Reconciled, error) {
	s.asked++
	return providers.Reconciled{Fate: providers.NotSent}, nil
}

func TestOnlyTheAdapterThatSentARequestIsAskedAboutIt(t *testing.T) {
	found := func(int) (providers.Reconciled, error) {
		return providers.Reconciled{Fate: providers.Executed, Text: &providers.TextResult{Text: `{"echo":"found"}`,
			Metering: providers.Metering{Usage: usage.Tokens(40, 10)}}}, nil
	}
	for _, pictureFirst := range []bool{false, true} {
		for name, want := range map[string]string{"ATextThatCannotBeAskedFor": "unknown/upstream unknown/upstream", "ATextThatCan": "executed"} {
			synctest.Test(t, func(t *testing.T) {
				loses := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
					return providers.TextResult{}, failure(providers.Upstream, providers.Unknown)
				})
				other := &seer{images: delivers(providers.Image{Data: picture(0)})}
				list := []providers.Provider{loses, other}
				if name == "ATextThatCan" {
					list[0] = &oracle{text: loses, knows: found}
				}
				if pictureFirst {
					list[0], list[1] = list[1], list[0]
				}
				h := newHost(t, setup{inProcess: true, engine: func(c *engine.Config) { c.Providers = list }})
				_, _ = h.echo("k")
				if got := fates(h.attempts("k")); got != want || other.asked > 0 {
					t.Errorf("%s, picture first %t: attempts %q, the other adapter was asked %d times; want %q", name, pictureFirst, got, other.asked, want)
				}
				h.sound()
			})
		}
	}
}

// flaky is a ledger whose first so many settles fail.
type flaky struct {
	engine.Ledger
	settles int
}

func (f *flaky) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if f.settles--; f.settles >= 0 {
		return credits.Receipt{}, errors.New("the database is away")
	}
	return f.Ledger.Settle(ctx, r)
}

func TestASettleThatFailsForAWhileIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		e := h.another(func(c *engine.Config) { c.Ledger = &flaky{h.ledger, 4} })
		if charged, replayed, err := (flow{}).run(h, e, credits.Holder{}); err != nil || charged != 3 || replayed {
			t.Errorf("charged %d, %t, %v; want 3", charged, replayed, err)
		}
		h.sound()
	})
}

func TestASettleThatCannotBeStoredLeavesTheHoldForTheNextTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		e := h.another(func(c *engine.Config) { c.Ledger = &flaky{h.ledger, 100} })
		if _, _, err := (flow{model: runwareModel}).run(h, e, credits.Holder{}); err == nil {
			t.Error("it was settled")
		}
		if h.balance().Held == 0 {
			t.Error("the hold was given back though the answer is there to be charged")
		}
		time.Sleep(3 * lease)
		if charged, _, err := (flow{model: runwareModel}).run(h, h.Engine, credits.Holder{}); err != nil || charged != 1 {
			t.Errorf("charged %d, %v", charged, err)
		}
		if _, billable := h.requests(); billable != 1 {
			t.Errorf("%d billable requests, want 1", billable)
		}
		h.sound()
	})
}

func TestAnAnswerAfterTheHoldExpiredIsChargedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, grant: 40, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			time.Sleep(25 * time.Hour) // a process that was asleep: its provider ignores the deadline
			return says(`{"echo":"late"}`)
		}))})
		if got, err := h.echo("k"); err != nil || got.Charged != 5 || h.balance() != (credits.Balance{Posted: 35, Available: 35}) {
			t.Errorf("charged %d, %v, balance %+v", got.Charged, err, h.balance())
		}
		h.sound()
	})
}

func TestTheNumberOfRepeatsIsTheConfigurations(t *testing.T) {
	for repeats, want := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, setup{inProcess: true, engine: func(c *engine.Config) { c.AmbiguousRepeats = &repeats }})
			h.faults(providertest.Fault{Kind: providertest.DropAfter})
			if _, err := h.echo("k"); !errors.Is(err, providers.Network) {
				t.Error(err)
			}
			if _, billable := h.requests(); billable != want || len(h.attempts("k")) != want {
				t.Errorf("%d repeats: %d billable requests, want %d", repeats, billable, want)
			}
			h.sound()
			h = newHost(t, setup{inProcess: true, engine: func(c *engine.Config) { c.AmbiguousRepeats = &repeats }})
			h.faults(providertest.Fault{Kind: providertest.Status503})
			_, _ = h.echo("k")
			if sent, _ := h.requests(); sent != 3 {
				t.Errorf("%d requests while overloaded, want 3 by default", sent)
			}
			h.sound()
		})
	}
}

func TestTheModelSaysWhichSizeAShapeIs(t *testing.T) {
	wide := sketchDefinition
	wide.Image = &engine.Image[sketch, gallery]{Result: sketchDefinition.Image.Result, Draw: func(engine.Env, sketch) (engine.Drawing, error) {
		return engine.Drawing{Prompt: prompt, Shape: engine.Landscape, N: 1}, nil
	}}
	for name, tt := range map[string]struct {
		minArea       int64
		width, height int
	}{"Landscape": {0, 64, 48}, "LandscapeThatIsTooSmallForTheModel": {64 * 49, 48, 48}} {
		h := newHost(t, setup{configure: func(c *registry.Configuration) { model(c, runwareModel).Profile.MinArea = tt.minArea }})
		got, err := engine.Run(t.Context(), h.Engine, must(engine.Define(wide)), engine.Call{Account: account, Key: "k", Model: runwareModel}, sketch{})
		if err != nil || got.Out.Pictures[0].Width != tt.width || got.Out.Pictures[0].Height != tt.height {
			t.Errorf("%s: %+v, %v; want %d × %d", name, got.Out, err, tt.width, tt.height)
		}
	}
}

func TestASchemaIsSentToModelsThatTakeOneAndToldToTheOthers(t *testing.T) {
	for _, takes := range []bool{true, false} {
		var sent *providers.Schema
		var told bool
		h := newHost(t, setup{
			engine: with(text(func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
				sent = r.Schema
				told = r.Messages[0].Role == providers.System && strings.Contains(r.Messages[0].Text, `"additionalProperties":false`)
				return says("Here you are: {\"echo\":\"a\"}")
			})),
			configure: func(c *registry.Configuration) {
				if !takes {
					model(c, textModel).Capabilities = nil
				}
			},
		})
		if got, err := h.echo("k"); err != nil || got.Out.Echo != "a" || (sent != nil) != takes || told == takes {
			t.Errorf("%+v, %v; sent %+v, told %t, takes one: %t", got, err, sent, told, takes)
		}
	}
}

func TestAFunctionThatCannotBuildItsRequestHoldsNothing(t *testing.T) {
	h := newHost(t, setup{})
	boom := errors.New("boom")
	for want, change := range map[error]func(*engine.Text[ask, echo]){
		engine.ErrInput: func(d *engine.Text[ask, echo]) {
			d.Messages = func(engine.Env, ask) ([]providers.Message, error) { return nil, boom }
		},
		engine.ErrConfig: func(d *engine.Text[ask, echo]) { d.MaxOutput = func(ask) int64 { return 0 } },
	} {
		d := askDefinition
		own := *d.Text
		change(&own)
		d.Text = &own
		if _, err := engine.Run(t.Context(), h.Engine, must(engine.Define(d)), engine.Call{Account: account, Key: "k"}, ask{prompt}); !errors.Is(err, want) || len(h.attempts("")) != 0 {
			t.Errorf("%v, want %v and nothing held", err, want)
		}
	}
}
