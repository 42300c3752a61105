package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/scrip-go/scrip/providers"
)

// Limits bound what an engine sends to one provider with one API key. Calls beyond them wait, for as long as their
// contexts say. Engines in other processes count for themselves.
type Limits struct {
	Concurrent int // requests under way at once; no bound if 0
	PerMinute  int // requests begun in a minute, evenly; no bound if 0
}

// Breaker says when an engine stops sending requests to a model with an API key, because those before failed one after
// the other: the upstream was not reached, timed out, was overloaded or broke. What is wrong with a request, with the key
// or with its account does not count: who mends it is not to wait.
type Breaker struct {
	Failures int           // in a row, after which nothing is sent for a while; 5 if 0
	Pause    time.Duration // how long that is; one request then tries whether it works again; 30 s if 0
}

// traffic is what an engine knows of its upstreams beyond one call. It is safe for concurrent use.
type traffic struct {
	limits  map[string]Limits // by the provider's name
	breaker Breaker

	mu    sync.Mutex
	lanes map[laneKey]*lane
}

type laneKey struct{ provider, keyID string }

// lane is what goes to a provider with one key.
type lane struct {
	under   *semaphore.Weighted // nil without a bound
	starts  *rate.Limiter       // nil without a bound
	breaker Breaker

	mu     sync.Mutex
	models map[string]*circuit // by the model's name, of which there is something to know
}

// circuit is what happened to a model.
type circuit struct {
	failures int       // in a row
	opened   time.Time // when the last of too many failures came; zero while requests go through
	trying   bool      // a request tries whether it works again
	limited  time.Time // until then the upstream wants no more
}

func newTraffic(limits map[string]Limits, b Breaker) *traffic {
	if b.Failures == 0 {
		b.Failures = 5
	}
	if b.Pause == 0 {
		b.Pause = 30 * time.Second
	}
	return &traffic{limits: limits, breaker: b, lanes: map[laneKey]*lane{}}
}

// maxLanes is how many lanes are kept at most, for hosts whose accounts bring keys of their own. To forget one is to
// forget what failed on it.
const maxLanes = 4096

func (t *traffic) lane(provider, keyID string) *lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := laneKey{provider, keyID}
	if l := t.lanes[key]; l != nil {
		return l
	}
	if len(t.lanes) >= maxLanes {
		for k := range t.lanes { // any: which one is as good as another
			delete(t.lanes, k)
			break
		}
	}
	l := &lane{breaker: t.breaker, models: map[string]*circuit{}}
	if n := t.limits[provider].Concurrent; n > 0 {
		l.under = semaphore.NewWeighted(int64(n))
	}
	if n := t.limits[provider].PerMinute; n > 0 {
		l.starts = rate.NewLimiter(rate.Every(time.Minute/time.Duration(n)), 1)
	}
	t.lanes[key] = l
	return l
}

// patience is how long a request waits for a lane that is closed.
const patience = grace / 2

// ticket lets one request through. It is given back with what came of it.
type ticket struct {
	lane  *lane
	model string
}

// enter waits until a request may be sent, for at most as long as queue says in the limits, or as ctx does if that is 0.
// first is called before it waits at all, and may call it off. It returns a *providers.Error of a request that was not
// sent if there is no getting through, and the error of the context.
func (l *lane) enter(ctx context.Context, provider, model string, queue time.Duration, first func() error) (*ticket, error) {
	began := time.Now()
	for {
		if err := l.wait(ctx, model, queue, first); err != nil {
			return nil, named(provider, err)
		}
		now, most := time.Now(), patience
		if queue > 0 {
			most = queue - now.Sub(began)
		}
		pause, err := l.pause(model, now, most) // what the upstream asked for while this request waited for its turn
		if err == nil && pause == 0 {
			if err = l.admit(model, now); err == nil {
				return &ticket{l, model}, nil
			}
		}
		l.release()
		if err != nil {
			return nil, named(provider, err)
		}
	}
}

func named(provider string, err error) error {
	if refused, ok := err.(*providers.Error); ok {
		refused.Provider = provider
	}
	return err
}

func (l *lane) release() {
	if l.under != nil {
		l.under.Release(1)
	}
}

// wait takes one of the requests that may be under way, when the next one may begin.
func (l *lane) wait(ctx context.Context, model string, queue time.Duration, first func() error) error {
	pause, err := l.pause(model, time.Now(), patience)
	if err == nil && pause > 0 {
		if err = first(); err == nil {
			err = sleep(ctx, pause)
		}
	}
	if err != nil {
		return err
	}
	if l.under != nil && !l.under.TryAcquire(1) {
		if err := first(); err != nil {
			return err
		}
		if err := l.acquire(ctx, queue); err != nil {
			return err
		}
	}
	if l.starts == nil {
		return nil
	}
	turn := l.starts.Reserve()
	wait := turn.Delay()
	if wait > 0 {
		if err = first(); err == nil && queue > 0 && wait > queue {
			err = full(wait)
		}
		if err == nil {
			err = sleep(ctx, wait)
		}
	}
	if err != nil {
		turn.Cancel()
		l.release()
	}
	return err
}

// pause returns how long a model is to be left alone, or an error if that is longer than the caller waits at most.
func (l *lane) pause(model string, now time.Time, most time.Duration) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.models[model]
	if c == nil || !now.Before(c.limited) {
		return 0, nil
	}
	if wait := c.limited.Sub(now); wait <= most {
		return wait, nil
	}
	return 0, later(providers.RateLimited, "the provider wants no more for now", now, c.limited)
}

// later is a request that is not sent.
func later(kind providers.Kind, why string, now, until time.Time) error {
	return &providers.Error{Kind: kind, Fate: providers.NotSent, RetryAfter: max(until.Sub(now), 0),
		Detail: why + ": nothing is sent before " + until.UTC().Format(time.RFC3339)}
}

func (l *lane) acquire(ctx context.Context, queue time.Duration) error {
	if queue == 0 {
		return l.under.Acquire(ctx, 1)
	}
	bounded, cancel := context.WithTimeout(ctx, queue)
	defer cancel()
	err := l.under.Acquire(bounded, 1)
	if err != nil && ctx.Err() == nil {
		err = full(0)
	}
	return err
}

func full(wait time.Duration) error {
	return &providers.Error{Kind: providers.RateLimited, Fate: providers.NotSent, RetryAfter: wait, Detail: "the engine's own limit is reached"}
}

// admit asks the model's circuit.
func (l *lane) admit(model string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.models[model]
	if c == nil || c.opened.IsZero() {
		return nil
	}
	if until := c.opened.Add(l.breaker.Pause); now.Before(until) || c.trying {
		return later(providers.Overloaded, fmt.Sprintf("%d requests failed one after the other", c.failures), now, until)
	}
	c.trying = true
	return nil
}

// unused gives a ticket back that no request was sent for, or of whose upstream nothing was learned.
func (t *ticket) unused() {
	t.lane.release()
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	if c := t.lane.models[t.model]; c != nil {
		c.trying = false
	}
}

// leave gives a ticket back with what came of the request: nil if it was answered.
func (t *ticket) leave(failure *providers.Error) {
	l, now := t.lane, time.Now()
	l.release()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.models[t.model]
	if failure == nil {
		if c != nil && now.Before(c.limited) { // the request was under way when the upstream asked for a pause
			*c = circuit{limited: c.limited}
		} else {
			delete(l.models, t.model)
		}
		return
	}
	if c == nil {
		c = &circuit{}
		l.models[t.model] = c
	}
	c.trying = false
	switch failure.Kind {
	case providers.Network, providers.Timeout, providers.Overloaded, providers.Upstream: // it does not work
		if c.failures++; c.failures >= l.breaker.Failures {
			c.opened = now
		}
		return
	case providers.RateLimited:
		if until := now.Add(failure.RetryAfter); until.After(c.limited) {
			c.limited = until
		}
	}
	c.failures, c.opened = 0, time.Time{} // it works, whatever is wrong with the request
}
