package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// limited is a host in a bubble whose provider does what is said, within limits.
func limited(t *testing.T, l engine.Limits, b engine.Breaker, do text) *host {
	return newHost(t, setup{inProcess: true, engine: func(c *engine.Config) {
		with(do)(c)
		c.Limits, c.Breaker, c.Attempts = map[string]engine.Limits{"openai": l}, b, 1
	}})
}

func answer(context.Context, providers.TextRequest) (providers.TextResult, error) {
	return says(`{"echo":"x"}`)
}

func TestNoMoreRequestsAreUnderWayThanTheLimitSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		h := limited(t, engine.Limits{Concurrent: 3}, engine.Breaker{}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			return answer(ctx, r)
		})
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if _, err := h.echo(credits.Key(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		if b := h.balance(); b.Held == 0 || b.Held > 3*h.heldFor() {
			t.Errorf("%d are held while three requests are under way: who waits is to hold nothing", b.Held)
		}
		wg.Wait()
		if most.Load() != 3 || time.Since(began) != 4*time.Second {
			t.Errorf("at most %d at once, in %s; want 3, in 4 s", most.Load(), time.Since(began))
		}
		h.sound()
	})
}

// heldFor is what one call of echo holds.
func (h *host) heldFor() credits.Amount {
	for a, err := range h.ledger.Attempts(context.Background(), credits.AttemptQuery{Account: account}) {
		h.fatal(nil, err)
		held, err := h.ledger.Lookup(context.Background(), account, a.Key)
		if h.fatal(nil, err); held.Hold != nil {
			return held.Hold.Amount
		}
	}
	return 0
}

func TestRequestsBeginAtTheRateOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := limited(t, engine.Limits{PerMinute: 30}, engine.Breaker{}, answer)
		began := time.Now()
		for i := range 4 {
			if _, err := h.echo(credits.Key(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began).Round(time.Second); took != 6*time.Second {
			t.Errorf("four requests began within %s, want one each 2 s", took)
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	for name, l := range map[string]engine.Limits{"ForARoom": {Concurrent: 1}, "ForItsTime": {PerMinute: 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := limited(t, l, engine.Breaker{}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
					time.Sleep(10 * time.Second)
					return answer(ctx, r)
				})
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = h.echo("first") })
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := engine.Run(ctx, h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{prompt})
				if !errors.Is(err, context.DeadlineExceeded) || len(h.attempts("k")) != 0 {
					t.Errorf("Run = %v with attempts %+v, want the end of the context and no attempt", err, h.attempts("k"))
				}
				wg.Wait()
				if _, err := h.echo("k"); err != nil {
					t.Errorf("afterwards: %v", err)
				}
				h.sound()
			})
		})
	}
}

// TestASettledKeyWaitsForNothing repeats a call while no request gets through.
func TestASettledKeyWaitsForNothing(t *testing.T) {
	for name, block := range map[string]func(*testing.T, *host, *sync.WaitGroup){
		"ForARoom": func(t *testing.T, h *host, wg *sync.WaitGroup) {
			wg.Go(func() { _, _ = h.echo("slow") })
			synctest.Wait()
		},
		"ForABreaker": func(t *testing.T, h *host, wg *sync.WaitGroup) {
			for i := range 2 {
				_, _ = h.echo(credits.Key(fmt.Sprint("sick", i)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				h := limited(t, engine.Limits{Concurrent: 1}, engine.Breaker{Failures: 2}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
					if n++; n == 1 {
						return answer(ctx, r)
					}
					time.Sleep(time.Minute)
					return providers.TextResult{}, failure(providers.Upstream, providers.Rejected)
				})
				h.fatal(h.echo("settled"))
				var wg sync.WaitGroup
				block(t, h, &wg)
				began := time.Now()
				if got, err := h.echo("settled"); err != nil || !got.Replayed || time.Since(began) != 0 {
					t.Errorf("Run = %+v, %v after %s, want the receipt at once", got, err, time.Since(began))
				}
				wg.Wait()
				h.sound()
			})
		})
	}
}

func TestTheBreakerOpensAfterFailuresInARow(t *testing.T) {
	for _, c := range []struct {
		kind  providers.Kind
		fate  providers.Fate
		opens bool
	}{
		{providers.Network, providers.NotSent, true},
		{providers.Timeout, providers.Unknown, true},
		{providers.Overloaded, providers.Rejected, true},
		{providers.Upstream, providers.Unknown, true},
		{providers.Invalid, providers.Rejected, false},
		{providers.Blocked, providers.Executed, false},
		{providers.ContextTooLong, providers.Rejected, false},
		{providers.Auth, providers.Rejected, false},
		{providers.Quota, providers.Rejected, false},
		{providers.Malformed, providers.Executed, false},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent, sick := 0, true
				none := 0
				h := newHost(t, setup{inProcess: true, engine: func(cfg *engine.Config) {
					with(text(func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
						if sent++; sick {
							return providers.TextResult{}, failure(c.kind, c.fate)
						}
						return answer(ctx, r)
					}))(cfg)
					cfg.Breaker, cfg.Attempts, cfg.AmbiguousRepeats = engine.Breaker{Failures: 3, Pause: time.Minute}, 1, &none
				}})
				for i := range 5 {
					_, err := h.echo(credits.Key(fmt.Sprint(i)))
					var e *providers.Error
					if !errors.As(err, &e) {
						t.Fatalf("Run = %v", err)
					}
					if closed := c.opens && i >= 3; closed && (e.Fate != providers.NotSent || e.Kind != providers.Overloaded || e.RetryAfter != time.Minute ||
						!strings.Contains(e.Error(), "3 requests failed one after the other")) {
						t.Errorf("call %d: %+v, want to hear that nothing is sent", i, e)
					} else if closed && len(h.attempts(credits.Key(fmt.Sprint(i)))) != 0 {
						t.Errorf("call %d journalled an attempt of a request that was not sent", i)
					}
				}
				if want := map[bool]int{true: 3, false: 5}[c.opens]; sent != want {
					t.Errorf("%d requests, want %d", sent, want)
				}
				if !c.opens {
					h.sound()
					return
				}
				time.Sleep(time.Minute)
				_, _ = h.echo("tries") // still sick: closed for another pause
				if _, err := h.echo("closed"); sent != 4 || !errors.Is(err, providers.Overloaded) {
					t.Errorf("%d requests after the pause, and %v; want one that tries", sent, err)
				}
				time.Sleep(time.Minute)
				sick = false
				for i := range 3 {
					if _, err := h.echo(credits.Key(fmt.Sprint("well", i))); err != nil {
						t.Errorf("after it works again: %v", err)
					}
				}
				h.sound()
			})
		})
	}
}

// TestAnEndOfTheCallersOpensNoBreaker has callers give up on an upstream that is slow, which is not its failure.
func TestAnEndOfTheCallersOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := limited(t, engine.Limits{}, engine.Breaker{Failures: 1}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
			select {
			case <-ctx.Done():
				return providers.TextResult{}, failure(providers.Timeout, providers.Unknown)
			case <-time.After(2 * time.Second):
				return answer(ctx, r)
			}
		})
		for i := range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := engine.Run(ctx, h.Engine, echoing, engine.Call{Account: account, Key: credits.Key(fmt.Sprint(i))}, ask{prompt})
			cancel()
			if !errors.Is(err, providers.Timeout) {
				t.Errorf("Run = %v, want its timeout", err)
			}
		}
		if _, err := h.echo("patient"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestOthersWaitAsLongAsTheUpstreamAsked(t *testing.T) {
	for _, asked := range []time.Duration{20 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			h := limited(t, engine.Limits{}, engine.Breaker{}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
				if sent++; sent == 1 {
					return providers.TextResult{}, &providers.Error{Provider: "openai", Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: asked}
				}
				return answer(ctx, r)
			})
			_, _ = h.echo("first")
			began := time.Now()
			_, err := h.echo("second")
			if asked < time.Minute && (err != nil || time.Since(began) != asked) {
				t.Errorf("the second call: %v after %s, want an answer after %s", err, time.Since(began), asked)
			}
			var e *providers.Error
			if asked > time.Minute && (!errors.As(err, &e) || e.Kind != providers.RateLimited || e.Fate != providers.NotSent || e.RetryAfter != asked || sent != 1) {
				t.Errorf("the second call: %+v after %d requests, want to hear that nothing is sent for %s", err, sent, asked)
			}
			h.sound()
		})
	}
}

// TestWhatTheUpstreamAskedStands: what was under way when the upstream asked for 20 s says nothing against it, and what
// waited for its turn then waits on.
func TestWhatTheUpstreamAskedStands(t *testing.T) {
	refuse := func(after time.Duration) error {
		return &providers.Error{Provider: "openai", Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: after}
	}
	for _, tt := range []struct {
		name   string
		limits engine.Limits
		other  error // what comes of a request that was under way
	}{
		{"ThoughAnotherRequestWasAnswered", engine.Limits{}, nil},
		{"ThoughAnotherWasRefusedWithoutATime", engine.Limits{}, refuse(0)},
		{"ForWhoWaitsForARoom", engine.Limits{Concurrent: 2}, nil},
		{"ForWhoWaitsForItsTime", engine.Limits{PerMinute: 30}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int64
				h := limited(t, tt.limits, engine.Breaker{}, func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
					switch sent.Add(1) {
					case 1:
						if time.Sleep(5 * time.Second); tt.other != nil {
							return providers.TextResult{}, tt.other
						}
					case 2:
						time.Sleep(time.Second)
						return providers.TextResult{}, refuse(20 * time.Second)
					}
					return answer(ctx, r)
				})
				var wg sync.WaitGroup
				for i := range 2 {
					wg.Go(func() { _, _ = h.echo(credits.Key(fmt.Sprint(i))) })
				}
				synctest.Wait()
				if tt.limits == (engine.Limits{}) {
					wg.Wait()
				}
				if _, err := h.echo("next"); err != nil {
					t.Error(err)
				}
				wg.Wait()
				began, asked := time.Time{}, time.Time{}
				for _, a := range h.attempts("") {
					if a.Key == "next" {
						began = a.BegunAt
					} else if a.Fate == string(providers.Rejected) && (asked.IsZero() || a.FinishedAt.Before(asked)) {
						asked = a.FinishedAt
					}
				}
				if wait := began.Sub(asked); wait < 20*time.Second {
					t.Errorf("the next request began %s after the upstream had asked for 20 s", wait)
				}
				h.sound()
			})
		})
	}
}

// ownKeys is a source in which every account has a key of its own.
type ownKeys struct{}

func (ownKeys) Key(_ context.Context, account, _ string) (secret.Key, error) {
	return secret.Key{ID: account + "/own", Secret: secret.New(apiKey)}, nil
}

// TestOneKeysTroubleIsNobodyElses has two accounts with a key each, at a provider that serves only one of them.
func TestOneKeysTroubleIsNobodyElses(t *testing.T) {
	for name, trouble := range map[string]error{
		"a breaker that is open":      failure(providers.Network, providers.NotSent),
		"a pause that was asked for":  &providers.Error{Provider: "openai", Kind: providers.RateLimited, Fate: providers.Rejected, RetryAfter: time.Hour},
		"a limit of requests at once": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, engine: func(c *engine.Config) {
					with(text(func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
						switch {
						case r.Attempt.Key.ID != string(account)+"/own":
							return answer(ctx, r)
						case trouble != nil:
							return providers.TextResult{}, trouble
						}
						time.Sleep(time.Minute)
						return answer(ctx, r)
					}))(c)
					c.Keys, c.Attempts = ownKeys{}, 1
					c.Limits = map[string]engine.Limits{"openai": {Concurrent: 1}}
				}})
				h.fatal(h.ledger.Grant(t.Context(), credits.Grant{Account: "globex", Key: "grant", Kind: credits.Purchase, Amount: 1000}))
				var busy sync.WaitGroup
				for i := range 6 {
					if trouble != nil {
						_, _ = h.echo(credits.Key(fmt.Sprint(i)))
						continue
					}
					busy.Go(func() { _, _ = h.echo(credits.Key(fmt.Sprint(i))) })
				}
				synctest.Wait()
				began := time.Now()
				_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: "globex", Key: "k"}, ask{prompt})
				if waited := time.Since(began); err != nil || waited > 0 {
					t.Errorf("the other account: %v after %s, want an answer at once", err, waited)
				}
				busy.Wait()
			})
		})
	}
}

func TestABreakerOpensAfterFiveFailuresForHalfAMinuteByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		h := limited(t, engine.Limits{}, engine.Breaker{}, func(context.Context, providers.TextRequest) (providers.TextResult, error) {
			sent++
			return providers.TextResult{}, failure(providers.Network, providers.NotSent)
		})
		for i := range 10 {
			_, err := h.echo(credits.Key(fmt.Sprint(i)))
			var e *providers.Error
			if !errors.As(err, &e) || i >= 5 && e.RetryAfter != 30*time.Second {
				t.Errorf("call %d: %+v, want nothing sent before half a minute has passed", i+1, e)
			}
		}
		if sent != 5 {
			t.Errorf("%d requests, want 5", sent)
		}
	})
}

func TestTheBackoffIsJitteredAndTheUpstreamsWishIsTheLeast(t *testing.T) {
	for i, top := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second} {
		low, high := time.Duration(math.MaxInt64), time.Duration(0)
		for range 1000 {
			d := engine.Backoff(i+1, 0)
			low, high = min(low, d), max(high, d)
			if asked := engine.Backoff(i+1, top/2); asked < top/2 || asked >= top {
				t.Fatalf("the upstream asked for %s before try %d, and the wait is %s", top/2, i+2, asked)
			}
		}
		if low > top/4 || high < top*3/4 || high >= top {
			t.Errorf("waits before try %d are between %s and %s, want them all over 0 to %s", i+2, low, high, top)
		}
		if d := engine.Backoff(i+1, time.Hour); d != time.Hour {
			t.Errorf("the upstream asked for an hour, and the wait is %s", d)
		}
	}
}
