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
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// announce saves a change that takes effect later, as another process does, and waits until this one has polled.
func (h *host) announce(after time.Duration, change func(*registry.Configuration)) registry.Version {
	h.tb.Helper()
	base, err := h.models.Latest(h.tb.Context())
	h.fatal(nil, err)
	next := configuration()
	change(&next)
	v, err := h.models.Save(h.tb.Context(), registry.Change{Base: base, EffectiveAt: time.Now().Add(after), Who: "test", Why: "test", Next: next})
	h.fatal(nil, err)
	time.Sleep(time.Second)
	return v
}

// shadows is the report of a version, a line for each row.
func (h *host) shadows(version int64) (lines []string) {
	h.tb.Helper()
	rows, err := h.ledger.Shadow(h.tb.Context(), credits.ShadowQuery{Version: version})
	h.fatal(nil, err)
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%s %s %q: %d of %d, %d, %+d", r.Operation, r.Model, r.Reason, r.Records, r.Current, r.Candidate, r.Difference))
	}
	return lines
}

func ratio(n int64) func(*registry.Configuration) {
	return func(c *registry.Configuration) { model(c, textModel).TokensPerCredit = n }
}

func TestAPriceChangeIsKnownBeforeItIsCharged(t *testing.T) {
	const good = `{"echo":"x"}` // 40 tokens read and 10 produced
	withoutModel := func(c *registry.Configuration) {
		c.Models = slices.DeleteFunc(c.Models, func(m registry.Model) bool { return m.Name == textModel })
		model(c, "gpt-4o-mini").Default = true
	}
	for _, tt := range []struct {
		says    string
		answers []string // of the provider, those of one call; none for pictures
		change  func(*registry.Configuration)
		now     credits.Amount
		next    credits.Amount
		reason  registry.Reason
		report  string // after three calls
	}{
		{"ARatio", []string{good}, ratio(4), 5, 13, registry.ReasonRatio, `idea_generation gpt-5.1 "ratio": 3 of 15, 39, +24`},
		{"AMinimum", []string{good}, func(c *registry.Configuration) { c.Operations[3].MinCredits = 8 }, 5, 8, registry.ReasonMinimum, `idea_generation gpt-5.1 "minimum": 3 of 15, 24, +9`},
		{"Nothing", []string{good}, func(c *registry.Configuration) { c.Settings.Images.Style = "linocut" }, 5, 5, registry.ReasonNone, `idea_generation gpt-5.1 "": 3 of 15, 15, +0`},
		{"ARepairedAnswer", []string{"No.", good}, ratio(4), 10, 25, registry.ReasonRatio, `idea_generation gpt-5.1 "ratio": 3 of 30, 75, +45`}, // and not 2 × 13
		{"Pictures", nil, func(c *registry.Configuration) { model(c, dalleModel).CreditsPerImage = 7 }, 10, 14, registry.ReasonPerImage, `image_generation dall-e-3 "per_image": 3 of 30, 42, +12`},
		{"AModelThatIsGone", []string{good}, withoutModel, 5, 0, registry.ReasonMissing, `idea_generation gpt-5.1 "missing": 3 of 15, 0, +0`},
	} {
		t.Run(tt.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setup{inProcess: true}
				if tt.answers != nil {
					n := 0
					s.engine = with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
						n++
						return says(tt.answers[(n-1)%len(tt.answers)])
					}))
				}
				h := newHost(t, s)
				run := func(key credits.Key) credits.UsageRecord {
					t.Helper()
					if tt.answers == nil {
						got, err := h.sketch(key, dalleModel, 2)
						h.fatal(nil, err)
						return got.Record
					}
					got, err := h.echo(key)
					h.fatal(nil, err)
					return got.Record
				}
				if r := run("before"); r.Charged != tt.now || r.Shadow != (credits.Shadow{}) {
					t.Errorf("before there is a candidate: %+v, want %d and no shadow", r, tt.now)
				}
				v := h.announce(time.Hour, tt.change)
				for i := range 3 {
					r := run(credits.Key(fmt.Sprint("beside ", i)))
					if want := (credits.Shadow{Version: v.Number, Credits: tt.next, Reason: string(tt.reason)}); r.Charged != tt.now || r.PriceVersion != 1 || r.Shadow != want {
						t.Errorf("beside the candidate: %+v, want %d by version 1 and the shadow %+v", r, tt.now, want)
					}
				}
				if got := h.shadows(v.Number); len(got) != 1 || got[0] != tt.report {
					t.Errorf("the report says %q, want %q", got, tt.report)
				}
				if tt.reason != registry.ReasonMissing {
					time.Sleep(time.Hour)
					if r := run("after"); r.Charged != tt.next || r.PriceVersion != v.Number || r.Shadow != (credits.Shadow{}) {
						t.Errorf("after it took force: %+v, want %d by version %d and no shadow", r, tt.next, v.Number)
					}
				}
				if got := h.shadows(v.Number); len(got) != 1 || got[0] != tt.report {
					t.Errorf("the report says %q later, want %q", got, tt.report)
				}
				if again := run("beside 0"); again.Shadow != (credits.Shadow{Version: v.Number, Credits: tt.next, Reason: string(tt.reason)}) {
					t.Errorf("the receipt has the shadow %+v", again.Shadow)
				}
				h.sound()
			})
		})
	}
}

func TestAShadowIsOfWhatWasPricedNotOfWhatTheHoldAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			return providers.TextResult{Text: `{"echo":"x"}`, Metering: providers.Metering{Usage: usage.Tokens(4000, 10)}}, nil
		}))})
		v := h.announce(time.Hour, ratio(5))
		got, err := h.echo("k")
		r := got.Record
		if err != nil || r.WrittenOff == 0 || r.Charged+r.WrittenOff != 401 || r.Shadow != (credits.Shadow{Version: v.Number, Credits: 802, Reason: "ratio"}) {
			t.Errorf("%+v, %v: want 401 priced, not all of it charged, and 802 beside it", r, err)
		}
		if got := h.shadows(v.Number); len(got) != 1 || got[0] != `idea_generation gpt-5.1 "ratio": 1 of 401, 802, +401` {
			t.Errorf("the report says %q", got)
		}
		h.sound()
	})
}

// process is another process of the host, with a registry of its own.
func (h *host) process(poll time.Duration) (*engine.Engine, *registry.Registry) {
	h.tb.Helper()
	r, err := registry.Open(h.tb.Context(), h.models, &registry.Options{Poll: poll})
	h.fatal(nil, err)
	h.tb.Cleanup(r.Close)
	return h.another(func(c *engine.Config) { c.Registry = r }), r
}

func TestEveryProcessSeesTheCandidateAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			return says(`{"echo":"x"}`)
		}))})
		other, _ := h.process(0)
		n := 0
		want := func(shadow credits.Shadow) {
			t.Helper()
			for name, e := range map[string]*engine.Engine{"one": h.Engine, "other": other} {
				n++
				got, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: credits.Key(fmt.Sprint("k", n))}, ask{prompt})
				if err != nil || got.Record.Shadow != shadow || got.Charged != 5 {
					t.Errorf("process %s: %+v, %v, want 5 and the shadow %+v", name, got.Record, err, shadow)
				}
			}
		}
		want(credits.Shadow{})
		h.announce(2*time.Hour, ratio(4))
		want(credits.Shadow{Version: 2, Credits: 13, Reason: "ratio"})
		h.announce(time.Hour, ratio(2)) // in its place
		want(credits.Shadow{Version: 3, Credits: 25, Reason: "ratio"})
		if _, err := h.registry.Rollback(t.Context(), 1, "eve", "not this week"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want(credits.Shadow{})
		time.Sleep(3 * time.Hour)
		want(credits.Shadow{})
		if a, b := h.shadows(2), h.shadows(3); len(a) != 1 || len(b) != 1 || a[0] != `idea_generation gpt-5.1 "ratio": 2 of 10, 26, +16` || b[0] != `idea_generation gpt-5.1 "ratio": 2 of 10, 50, +40` {
			t.Errorf("the reports say %q and %q", a, b)
		}
		h.sound()
	})
}

func TestATakeoverIsBilledByWhatWasPinnedBesideTheCandidateOfItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			return says(`{"echo":"x"}`)
		}))})
		h.announce(time.Hour, ratio(4))
		stale, _ := h.process(100 * time.Hour)
		die := func(key credits.Key) {
			t.Helper()
			dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
			if _, err := engine.Run(t.Context(), dying, echoing, engine.Call{Account: account, Key: key}, ask{prompt}); !errors.Is(err, errDead) {
				t.Fatal(err)
			}
		}
		resume := func(e *engine.Engine, key credits.Key) credits.UsageRecord {
			t.Helper()
			got, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: key, Holder: credits.Holder{ID: "second", Fence: 1}}, ask{prompt})
			h.fatal(nil, err)
			return got.Record
		}
		die("another candidate")
		h.announce(30*time.Minute, ratio(2))
		if r := resume(h.Engine, "another candidate"); r.Charged != 5 || r.PriceVersion != 1 || r.Shadow != (credits.Shadow{Version: 3, Credits: 25, Reason: "ratio"}) {
			t.Errorf("%+v, want 5 by what was pinned, beside version 3", r)
		}
		die("in force meanwhile")
		time.Sleep(30 * time.Minute) // version 3 takes force, and version 2 after it never
		if r := resume(h.Engine, "in force meanwhile"); r.Charged != 5 || r.PriceVersion != 1 || r.Shadow != (credits.Shadow{}) {
			t.Errorf("%+v, want 5 by what was pinned, and nothing beside it", r)
		}
		die("a process that is behind")
		if r := resume(stale, "a process that is behind"); r.Charged != 25 || r.PriceVersion != 3 || r.Shadow != (credits.Shadow{}) {
			t.Errorf("%+v, want 25 by what was pinned, and not beside what this process still takes for a candidate", r)
		}
		h.sound()
	})
}

func TestAShadowIsOfThePicturesThatAreCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, engine: with(delivers(providers.Image{Data: picture(0)}, providers.Image{Data: []byte("no")}))})
		v := h.announce(time.Hour, func(c *registry.Configuration) { model(c, dalleModel).CreditsPerImage = 7 })
		got, err := h.sketch("k", dalleModel, 2)
		if want := (credits.Shadow{Version: v.Number, Credits: 7, Reason: "per_image"}); err != nil || got.Charged != 5 || got.Record.Shadow != want {
			t.Errorf("%+v, %v, want 5 for one of two pictures and the shadow %+v", got.Record, err, want)
		}
		h.sound()
	})
}
