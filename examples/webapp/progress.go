package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
)

// progress hands the steps of calls to whoever watches them. It is the engine's Observer, so it never waits for a watcher.
type progress struct {
	stopped  chan struct{}
	stop     func()
	mu       sync.Mutex
	last     map[credits.Ref]engine.Phase // of the calls under way in this process; guarded by mu
	watchers map[credits.Ref]map[chan engine.Phase]bool
}

func newProgress() *progress {
	p := &progress{stopped: make(chan struct{}), last: map[credits.Ref]engine.Phase{}, watchers: map[credits.Ref]map[chan engine.Phase]bool{}}
	p.stop = sync.OnceFunc(func() { close(p.stopped) })
	return p
}

// Observe implements [engine.Observer]. After a double click two calls have one key: that the later one is refused is no end of
// the other.
func (p *progress) Observe(_ context.Context, e engine.Event) {
	if e.Phase == engine.PhaseInit || errors.Is(e.Err, credits.ErrInProgress) {
		return
	}
	ref := credits.Ref{Account: e.Account, Key: e.Key}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[ref] = e.Phase; e.Phase == engine.PhaseDone || e.Phase == engine.PhaseFailed {
		delete(p.last, ref)
	}
	for w := range p.watchers[ref] {
		select {
		case w <- e.Phase:
		default: // a watcher that is behind misses a step
		}
	}
}

// watch returns the steps of a call from now on, beginning with the one that it is in.
func (p *progress) watch(ref credits.Ref) (steps <-chan engine.Phase, leave func()) {
	w := make(chan engine.Phase, 16) // more than a call has without a repair
	p.mu.Lock()
	defer p.mu.Unlock()
	if phase, ok := p.last[ref]; ok {
		w <- phase
	}
	if p.watchers[ref] == nil {
		p.watchers[ref] = map[chan engine.Phase]bool{}
	}
	p.watchers[ref][w] = true
	return w, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if delete(p.watchers[ref], w); len(p.watchers[ref]) == 0 {
			delete(p.watchers, ref)
		}
	}
}

// words are the phases for a person. The last two end the stream.
var words = map[engine.Phase]string{
	engine.PhasePrep:   "Credits are set aside …",
	engine.PhaseAICall: "The model is writing …",
	engine.PhaseParse:  "The answer is read …",
	engine.PhaseSave:   "It is kept, and charged …",
	engine.PhaseDone:   "Done.",
	engine.PhaseFailed: "That did not work.",
}

// getProgress streams the steps of a call as server-sent events.
func (a *app) getProgress(w http.ResponseWriter, r *http.Request, account credits.Account) {
	steps, leave := a.progress.watch(credits.Ref{Account: account, Key: key(r.FormValue("key"))})
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for phase := engine.Phase(""); phase != engine.PhaseDone && phase != engine.PhaseFailed; {
		if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil || out.Flush() != nil { // a comment, which the browser skips
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-a.progress.stopped:
			return
		case <-alive.C:
		case phase = <-steps:
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", phase, words[phase])
		}
	}
}
