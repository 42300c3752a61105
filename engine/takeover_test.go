package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// TestTwoAnswersOfOneKeyAreOneCharge lets a second holder take over while the first still waits for its answer. Both get
// one, in the order given.
func TestTwoAnswersOfOneKeyAreOneCharge(t *testing.T) {
	for _, firstWins := range []bool{true, false} {
		name := map[bool]string{true: "TheFirstIsQuicker", false: "TheSecondIsQuicker"}[firstWins]
		t.Run(name, func(t *testing.T) {
			asked, answers := make(chan string), map[string]chan string{"1": make(chan string), "2": make(chan string)}
			n := 0
			p := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
				n++ // one after the other, see below
				id := map[int]string{1: "1", 2: "2"}[n]
				asked <- id
				return says(<-answers[id])
			})
			h := newHost(t, setup{engine: with(p)})
			type end struct {
				got engine.Result[echo]
				err error
			}
			ends := map[string]chan end{}
			start := func(id string, fence int64) {
				c := make(chan end, 1)
				ends[id] = c
				go func() {
					got, err := engine.Run(context.WithoutCancel(t.Context()), h.Engine, echoing,
						engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: id, Fence: fence}}, ask{prompt})
					c <- end{got, err}
				}()
				<-asked
			}
			start("1", 1)
			start("2", 2)
			first, second := "1", "2"
			if !firstWins {
				first, second = "2", "1"
			}
			answers[first] <- `{"echo":"from ` + first + `"}`
			winner := <-ends[first]
			answers[second] <- `{"echo":"from ` + second + `"}`
			loser := <-ends[second]
			if winner.err != nil || winner.got.Replayed || winner.got.Out.Echo != "from "+first {
				t.Errorf("the winner got %+v, %v", winner.got, winner.err)
			}
			if loser.err != nil || !loser.got.Replayed || loser.got.Out != winner.got.Out || loser.got.Charged != winner.got.Charged {
				t.Errorf("the loser got %+v, %v; want the winner's receipt", loser.got, loser.err)
			}
			if len(h.settles()) != 1 || h.balance().Posted != 1_000_000-5 {
				t.Errorf("%d settles, balance %+v; want one charge of 5", len(h.settles()), h.balance())
			}
			// The second closed the first's attempt when it took over: unknown, at the worst case. When its answer
			// comes after all, that is known.
			if got := fates(h.attempts("k")); got != "executed executed" {
				t.Errorf("attempts %q", got)
			}
			h.sound()
		})
	}
}

// TestWhatComesAfterTheWinnersResultWasPrunedIsJournalled has no receipt to give, and still cost what it cost.
func TestWhatComesAfterTheWinnersResultWasPrunedIsJournalled(t *testing.T) {
	for name, late := range map[string]error{"AnAnswer": nil, "AFailure": failure(providers.Incomplete, providers.Executed)} {
		t.Run(name, func(t *testing.T) {
			var h *host
			n := 0
			h = newHost(t, setup{engine: with(text(func(ctx context.Context, _ providers.TextRequest) (providers.TextResult, error) {
				if n++; n > 1 {
					return says(`{"echo":"a"}`)
				}
				if _, err := engine.Run(ctx, h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "2", Fence: 2}}, ask{prompt}); err != nil {
					t.Error(err)
				}
				if pruned, err := h.ledger.Prune(ctx, account, time.Now().Add(time.Hour)); pruned != 1 || err != nil {
					t.Errorf("Prune = %d, %v, want 1", pruned, err)
				}
				if late != nil {
					return providers.TextResult{}, late
				}
				return says(`{"echo":"b"}`)
			}))})
			_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "1", Fence: 1}}, ask{prompt})
			attempts := h.attempts("k")
			if !errors.Is(err, credits.ErrResultPruned) || attempts[0].Fate != "executed" || attempts[1].Fate != "executed" || !attempts[0].Cost.Decimal.IsPositive() {
				t.Errorf("Run = %v, attempts %+v; want %v, and both with what they cost us", err, attempts, credits.ErrResultPruned)
			}
			h.sound()
		})
	}
}

func TestTheHolderThatLostItsHoldAndFailedSaysSo(t *testing.T) {
	release, asked := make(chan error), make(chan bool)
	n := 0
	p := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
		if n++; n == 1 {
			asked <- true
			return providers.TextResult{}, <-release
		}
		return says(`{"echo":"second"}`)
	})
	h := newHost(t, setup{engine: with(p)})
	done := make(chan error, 1)
	var first engine.Result[echo]
	go func() {
		var err error
		first, err = engine.Run(context.WithoutCancel(t.Context()), h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "1", Fence: 1}}, ask{prompt})
		done <- err
	}()
	<-asked
	second, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Holder: credits.Holder{ID: "2", Fence: 2}}, ask{prompt})
	h.fatal(nil, err)
	release <- failure(providers.Blocked, providers.Executed)
	if err := <-done; err != nil || !first.Replayed || first.Out != second.Out {
		t.Errorf("the first got %+v, %v; want the second's receipt", first, err)
	}
	h.sound()
}

func TestALiveHolderIsNotOvertakenByItsEqual(t *testing.T) {
	for _, tt := range []struct {
		flow  flow
		delay time.Duration
		at    time.Duration // when another looks in
	}{
		{flow{name: "InItsSecondAttempt"}, 119 * time.Second, 200 * time.Second},
		{flow{name: "AskingForALateTask", model: runwareModel}, 590 * time.Second, 500 * time.Second},
	} {
		t.Run(tt.flow.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true})
				h.faults(providertest.Fault{Kind: providertest.Slow, Count: 1, Delay: 150 * time.Second}, providertest.Fault{Kind: providertest.Slow, Delay: tt.delay})
				if tt.flow.model != "" {
					h.faults(providertest.Fault{Kind: providertest.Slow, Delay: tt.delay})
				}
				done := make(chan error)
				go func() {
					_, _, err := tt.flow.run(h, h.Engine, credits.Holder{ID: "first", Fence: 1})
					done <- err
				}()
				time.Sleep(tt.at)
				if _, _, err := tt.flow.run(h, h.Engine, credits.Holder{ID: "second", Fence: 1}); !errors.Is(err, credits.ErrInProgress) {
					t.Errorf("after %s: %v, want %v", tt.at, err, credits.ErrInProgress)
				}
				if err := <-done; err != nil || len(h.settles()) != 1 {
					t.Errorf("the holder: %v, %d settles", err, len(h.settles()))
				}
				h.sound()
			})
		})
	}
}

// TestAHoldIsLeasedForTheRequestAndAMinute looks at the hold while its request is under way.
func TestAHoldIsLeasedForTheRequestAndAMinute(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		model                string
		configure            func(*engine.Config)
		request, lease, life time.Duration
	}{
		"a text":                        {"", func(*engine.Config) {}, 120 * time.Second, 180 * time.Second, day},
		"a picture":                     {dalleModel, func(*engine.Config) {}, 300 * time.Second, 360 * time.Second, day},
		"a text by the configuration":   {"", func(c *engine.Config) { c.TextTimeout = 10 * time.Second }, 10 * time.Second, 70 * time.Second, day},
		"a picture by it":               {dalleModel, func(c *engine.Config) { c.ImageTimeout = time.Hour }, time.Hour, time.Hour + time.Minute, day},
		"a life by it":                  {"", func(c *engine.Config) { c.HoldTTL = time.Hour }, 120 * time.Second, 180 * time.Second, time.Hour},
		"a life shorter than the lease": {"", func(c *engine.Config) { c.HoldTTL = time.Second }, 120 * time.Second, 180 * time.Second, 180 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h *host
				looked := false
				look := func(ctx context.Context) {
					looked = true
					known, err := h.ledger.Lookup(ctx, account, "k")
					ends, bounded := ctx.Deadline()
					if err != nil || known.Hold == nil || !bounded {
						t.Fatalf("Lookup = %+v, %v, the request is bounded: %t", known, err, bounded)
					}
					now := time.Now()
					if got := ends.Sub(now); got != tt.request {
						t.Errorf("the request may take %s, want %s", got, tt.request)
					}
					if got := known.Hold.LeaseUntil.Sub(now); got != tt.lease {
						t.Errorf("the lease is %s, want %s", got, tt.lease)
					}
					if got := known.Hold.ExpiresAt.Sub(now); got != tt.life {
						t.Errorf("the hold expires after %s, want %s", got, tt.life)
					}
				}
				h = newHost(t, setup{inProcess: true, engine: func(c *engine.Config) {
					c.Providers = []providers.Provider{both{
						func(ctx context.Context, _ providers.TextRequest) (providers.TextResult, error) {
							look(ctx)
							return says(`{"echo":"a"}`)
						},
						func(ctx context.Context, _ providers.ImageRequest) (providers.ImageResult, error) {
							look(ctx)
							return providers.ImageResult{}, failure(providers.Blocked, providers.Rejected)
						},
					}}
					tt.configure(c)
				}})
				_, _, err := flow{model: tt.model}.run(h, h.Engine, credits.Holder{})
				if !looked || (err == nil) != (tt.model == "") {
					t.Errorf("the request was sent: %t, %v", looked, err)
				}
				h.sound()
			})
		})
	}
}

func TestAHolderThatWasOvertakenStopsAndLeavesTheHoldAlone(t *testing.T) {
	for name, first := range map[string]error{"AtItsFailure": failure(providers.Blocked, providers.Executed), "BeforeItsRetry": failure(providers.RateLimited, providers.Rejected)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				h := newHost(t, setup{inProcess: true, engine: with(text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
					if n.Add(1) == 1 {
						time.Sleep(10 * time.Second)
						return providers.TextResult{}, first
					}
					time.Sleep(60 * time.Second)
					return says(`{"echo":"second"}`)
				}))})
				done := make(chan error)
				go func() {
					_, _, err := flow{}.run(h, h.Engine, credits.Holder{ID: "first", Fence: 1})
					done <- err
				}()
				time.Sleep(time.Second)
				go func() {
					_, _, err := flow{}.run(h, h.Engine, credits.Holder{ID: "second", Fence: 2})
					done <- err
				}()
				if err := <-done; !errors.Is(err, credits.ErrNotHolder) || h.balance().Held == 0 {
					t.Errorf("the first: %v, balance %+v; want %v and the second's hold in place", err, h.balance(), credits.ErrNotHolder)
				}
				if err := <-done; err != nil || n.Load() != 2 || len(h.settles()) != 1 {
					t.Errorf("the second: %v after %d calls", err, n.Load())
				}
				h.sound()
			})
		})
	}
}

func TestATaskWhosePictureIsNoPictureIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		h.faults(providertest.Fault{Kind: providertest.BadPicture, Count: 1})
		f := flow{model: runwareModel}
		dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		if _, _, err := f.run(h, dying, credits.Holder{ID: "first", Fence: 1}); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		charged, _, err := f.run(h, h.Engine, credits.Holder{ID: "second", Fence: 2})
		if got := fates(h.attempts("k")); err != nil || charged != 1 || got != "executed/malformed executed" {
			t.Errorf("charged %d, %v, attempts %q", charged, err, got)
		}
		h.sound()
	})
}

// TestATakeoverThatCannotGoOnLeavesNoAttemptOpen: a program without the adapter gives the hold up, and with it what
// nobody will ask about any more.
func TestATakeoverThatCannotGoOnLeavesNoAttemptOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		f := flow{model: runwareModel}
		dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		if _, _, err := f.run(h, dying, credits.Holder{ID: "first", Fence: 1}); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		without := h.another(func(c *engine.Config) { c.Providers = c.Providers[:1] })
		if _, _, err := f.run(h, without, credits.Holder{ID: "second", Fence: 2}); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("%v, want %v", err, engine.ErrConfig)
		}
		a := h.attempts("k")
		if got := fates(a); got != "unknown/canceled" || !a[0].Cost.Decimal.IsPositive() {
			t.Errorf("attempts %q at %s USD, want one of unknown fate at what it may have cost", got, a[0].Cost.Decimal)
		}
		h.sound()
	})
}
