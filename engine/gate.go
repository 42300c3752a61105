package engine

import (
	"context"
	"errors"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// operation is one pass of a job through the gate. It belongs to one goroutine.
type operation struct {
	e       *Engine
	j       *job
	holder  credits.Holder
	started time.Time

	req     request
	at      int               // the present route
	binding providers.Binding // its provider
	ticket  *ticket           // lets the next request through; nil if there is none to be sent
	held    credits.Amount
	begun   int // attempts begun by this pass

	// What the customer pays for besides the answer that is delivered: the call whose answer was repaired.
	price    registry.Price
	usage    usage.Usage
	calls    []registry.Priced
	repaired bool
}

// outcome is how a pass ended well.
type outcome struct {
	receipt  credits.Receipt
	replayed bool // somebody else settled the key
}

func (e *Engine) operation(j *job) *operation {
	op := &operation{e: e, j: j, started: time.Now(), holder: j.call.Holder}
	if op.holder.ID == "" {
		op.holder.ID = newUUID()
	}
	op.holder.Lease = e.timeout(j.kind) + grace
	return op
}

// asking is the hold request of the job but for what is resolved: the amount, what is pinned, the first attempt.
func (op *operation) asking() credits.HoldRequest {
	call := op.j.call
	return credits.HoldRequest{Account: call.Account, Key: call.Key, Operation: op.j.operation, Scope: call.Scope,
		Fingerprint: op.j.fingerprint, Holder: op.holder, TTL: max(op.e.cfg.HoldTTL, op.holder.Lease)}
}

// run takes a job through the gate.
func (e *Engine) run(ctx context.Context, j *job) (credits.Receipt, bool, error) {
	op := e.operation(j)
	ctx = op.enter(ctx, Event{Phase: PhaseInit})
	out, err := op.pass(ctx)
	if err != nil {
		op.observe(ctx, Event{Phase: PhaseFailed, Err: err})
		return credits.Receipt{}, false, err
	}
	op.observe(ctx, Event{Phase: PhaseDone, Charged: out.receipt.Charged, Usage: out.receipt.Record.Usage,
		Attempt: out.receipt.Record.Attempt, Replayed: out.replayed})
	return out.receipt, out.replayed, nil
}

func (op *operation) pass(ctx context.Context) (outcome, error) {
	defer op.unused()
	ask, first, err := op.prepare(ctx)
	if err != nil {
		return outcome{}, err
	}
	held, err := op.e.cfg.Ledger.Hold(ctx, ask)
	if err != nil {
		return op.unheld(ctx, first, err)
	}
	if held.Receipt != nil {
		return outcome{*held.Receipt, true}, nil
	}
	if err := op.take(held.Hold, first != nil); err != nil {
		return op.release(ctx, credits.Attempt{}, errors.Join(err, op.abandon(ctx, held.Hold.OpenAttempts)))
	}
	op.observe(ctx, Event{Phase: PhasePrep})
	if !held.Hold.Fresh {
		first = nil
		op.unused()
		for _, earlier := range held.Hold.OpenAttempts {
			if out, settled, err := op.inherit(ctx, earlier); settled || err != nil {
				return out, err
			}
		}
	}
	return op.work(ctx, first)
}

// prepare resolves the request and says what to hold for it. If it cannot be resolved any more, but the key is known to
// the ledger, what was pinned then will do: a change of configuration strands nothing.
func (op *operation) prepare(ctx context.Context) (credits.HoldRequest, *attempt, error) {
	call, ask := op.j.call, op.asking()
	first, err := op.resolve(ctx, &ask)
	if err == nil {
		return ask, first, nil
	}
	known, lookupErr := op.e.cfg.Ledger.Lookup(ctx, call.Account, call.Key)
	switch {
	case lookupErr != nil:
		return credits.HoldRequest{}, nil, err
	case known.Hold != nil && known.Hold.State == credits.Released:
		return credits.HoldRequest{}, nil, err
	case known.Hold != nil:
		ask.Amount, ask.Pinned = known.Hold.Amount, known.Hold.Pinned
	case known.Receipt != nil:
		ask.Amount = 1 // nothing is held: the answer to the hold is the receipt, if the fingerprint is the same
	}
	return ask, nil, nil
}

func (op *operation) resolve(ctx context.Context, ask *credits.HoldRequest) (first *attempt, err error) {
	if op.req, err = op.e.resolve(ctx, op.j); err != nil {
		return nil, err
	}
	if first, err = op.firstAttempt(ctx); err != nil {
		return nil, err
	}
	worst, err := op.route().worst(op.req.Messages, op.j.schema, op.req.Drawing)
	if err != nil {
		return nil, err
	}
	if ask.Amount, err = amount(worst); err != nil {
		return nil, err
	}
	if ask.Pinned, err = op.req.encode(); err != nil {
		return nil, err
	}
	ask.First = first.journal
	return first, nil
}

// firstAttempt makes the attempt that is begun with the hold, of the first route that lets a request through. A key that
// is settled already need not wait for that.
func (op *operation) firstAttempt(ctx context.Context) (*attempt, error) {
	settled := func() error {
		known, err := op.e.cfg.Ledger.Lookup(ctx, op.j.call.Account, op.j.call.Key)
		if err == nil && known.Receipt != nil {
			return credits.ErrSettled
		}
		return nil
	}
	if err := op.turn(0); err != nil {
		return nil, err
	}
	var closed error // what was in the way of the first
	for {
		a, err := op.newAttempt(ctx, 0, settled)
		if _, refused := err.(*providers.Error); !refused {
			return a, err
		}
		if closed == nil {
			closed = err
		}
		if !op.turnToNext() {
			return nil, closed
		}
	}
}

// route is where the next request goes.
func (op *operation) route() *route { return &op.req.Routes[op.at] }

// turn takes a route.
func (op *operation) turn(to int) error {
	binding, err := op.e.binding(&op.req.Routes[to])
	if err == nil {
		op.at, op.binding = to, binding
	}
	return err
}

// turnToNext takes the next route whose provider there is, and reports whether there is one.
func (op *operation) turnToNext() bool {
	for to := op.at + 1; to < len(op.req.Routes); to++ {
		if op.turn(to) == nil {
			return true
		}
	}
	return false
}

// fallBack takes the next route because of what failed on the present one, and extends the hold by what that one can
// cost at most. It returns an error if there is none, or none that the failure is a reason for.
func (op *operation) fallBack(ctx context.Context, messages []providers.Message, failure *providers.Error) error {
	if !elsewhere(failure) || !op.turnToNext() {
		return failure
	}
	worst, err := op.route().worst(messages, op.j.schema, op.req.Drawing)
	if err == nil {
		err = op.extend(ctx, op.price.Add(worst))
	}
	if err != nil {
		return errors.Join(err, failure)
	}
	return nil
}

// elsewhere reports whether another model may do what one did not: nothing ran, and what was in the way is not the
// request itself.
func elsewhere(failure *providers.Error) bool {
	if failure.Fate != providers.NotSent && failure.Fate != providers.Rejected {
		return false
	}
	switch failure.Kind {
	case providers.Invalid, providers.Blocked, providers.Canceled:
		return false
	}
	return true
}

// extend holds as much as a price, if that is more than is held.
func (op *operation) extend(ctx context.Context, p registry.Price) error {
	total, err := amount(p)
	if err != nil || total <= op.held {
		return err
	}
	h, err := op.e.cfg.Ledger.Extend(ctx, credits.ExtendRequest{Account: op.j.call.Account, Key: op.j.call.Key, Holder: op.holder, Total: total})
	if err == nil {
		op.held = h.Amount
	}
	return err
}

// unused gives back the ticket of a request that is not sent.
func (op *operation) unused() {
	if op.ticket != nil {
		op.ticket.unused()
		op.ticket = nil
	}
}

// leave gives back the ticket of a request with what came of it.
func (op *operation) leave(failure *providers.Error) {
	if op.ticket != nil {
		op.ticket.leave(failure)
		op.ticket = nil
	}
}

// take adopts a hold: from here on, what it pinned is the request. A fresh one pinned what was resolved, or else, if its
// earlier holder gave it up after it was looked up, what that one had pinned.
func (op *operation) take(h *credits.Hold, resolved bool) (err error) {
	op.held = h.Amount
	if h.Fresh && resolved {
		return nil
	}
	if op.req, err = decodeRequest(h.Pinned); err != nil {
		return err
	}
	return op.turn(0)
}

// work dispatches attempts until one delivers, and settles; or gives up, and releases. first is begun already, or nil.
func (op *operation) work(ctx context.Context, a *attempt) (outcome, error) {
	messages := op.req.Messages
	var tries tries
	for {
		if a == nil {
			var err error
			a, err = op.begin(ctx)
			if refused, ok := err.(*providers.Error); ok {
				if err := op.fallBack(ctx, messages, refused); err != nil {
					return op.release(ctx, credits.Attempt{}, err)
				}
				tries.refused = 0
				continue
			}
			if err != nil {
				return op.unbegun(ctx, a, err)
			}
		}
		got, failure := op.dispatch(ctx, a, messages)
		asked := failure != nil && failure.Fate == providers.Unknown && op.binding.Reconcile != nil
		if asked {
			got, failure = op.ask(ctx, op.binding.Reconcile, a.journal, failure)
		}
		if failure != nil {
			ended := op.failed(a.journal, failure, messages)
			wait, again := op.again(ctx, &tries, failure, asked)
			if !again {
				if err := op.fallBack(ctx, messages, failure); err != nil {
					return op.release(ctx, ended, err)
				}
				tries.refused, wait = 0, 0
			}
			if err := op.finish(ctx, ended); err != nil {
				return op.release(ctx, credits.Attempt{}, err)
			}
			if err := sleep(ctx, wait); err != nil {
				return op.release(ctx, credits.Attempt{}, err)
			}
			a = nil
			continue
		}
		result, err := op.read(ctx, &got)
		if err == nil {
			return op.settle(ctx, a.journal, got, result)
		}
		ended := op.delivered(a.journal, got, unusable(err))
		var unfit *unfitError
		if op.repaired || !errors.As(err, &unfit) {
			return op.release(ctx, ended, err)
		}
		if messages, err = op.prepareRepair(ctx, got, unfit); err != nil {
			return op.release(ctx, ended, err)
		}
		if err := op.finish(ctx, ended); err != nil {
			return op.release(ctx, credits.Attempt{}, err)
		}
		a = nil
	}
}

// prepareRepair keeps what the unfit answer cost, extends the hold by what asking again can cost at most, and returns
// the conversation that asks.
func (op *operation) prepareRepair(ctx context.Context, got delivery, unfit *unfitError) ([]providers.Message, error) {
	call := registry.Priced{Rate: op.route().Rate, Usage: got.Usage}
	price, err := call.Rate.Quote(call.Usage)
	if err != nil {
		return nil, err
	}
	op.calls = append(op.calls, call)
	if op.usage, err = op.usage.Add(got.Usage); err != nil {
		return nil, err
	}
	op.price, op.repaired = op.price.Add(price), true
	messages := repairMessages(op.req.Messages, got.text, unfit)
	worst, err := op.route().worst(messages, op.j.schema, nil)
	if err != nil {
		return nil, err
	}
	return messages, op.extend(ctx, op.price.Add(worst))
}

// inherit deals with an attempt that an earlier holder of the key left open. If the provider can be asked and has the
// answer, that answer is settled. Otherwise the attempt is closed with what is known, and the caller goes on.
func (op *operation) inherit(ctx context.Context, earlier credits.Attempt) (out outcome, settled bool, err error) {
	failure := &providers.Error{Provider: earlier.Provider, Kind: providers.Upstream, Fate: providers.Unknown,
		Detail: "its process ended before the answer was kept"}
	way := op.req.routeOf(earlier)
	binding, gone := op.e.binding(way)
	if gone == nil && binding.Reconcile != nil && earlier.Provider == way.Rate.Model.Provider {
		var got delivery
		if got, failure = op.ask(ctx, binding.Reconcile, earlier, failure); failure == nil {
			result, err := op.read(ctx, &got)
			if err == nil {
				out, err = op.settle(ctx, earlier, got, result)
				return out, true, err
			}
			ended := op.delivered(earlier, got, unusable(err))
			if !errors.Is(err, ErrAnswer) { // the answer is good and cannot be kept: another one could not be either
				out, err = op.release(ctx, ended, err)
				return out, err == nil, err
			}
			return op.closed(ctx, ended)
		}
		if failure.Fate == providers.Unknown { // it may still come: nothing may be sent in its place
			out, err = op.release(ctx, op.failed(earlier, failure, op.req.Messages), failure)
			return out, err == nil, err
		}
	}
	return op.closed(ctx, op.failed(earlier, failure, op.req.Messages))
}

func (op *operation) closed(ctx context.Context, ended credits.Attempt) (outcome, bool, error) {
	if err := op.finish(ctx, ended); err != nil {
		out, err := op.release(ctx, credits.Attempt{}, err)
		return out, err == nil, err
	}
	return outcome{}, false, nil
}

// enter tells the observer of something that begins, and returns the context in which it goes on.
func (op *operation) enter(ctx context.Context, ev Event) context.Context {
	if t, ok := op.e.cfg.Observer.(Tracer); ok {
		return t.Begin(ctx, op.event(ev))
	}
	op.observe(ctx, ev)
	return ctx
}

func (op *operation) observe(ctx context.Context, ev Event) {
	if op.e.cfg.Observer != nil {
		op.e.cfg.Observer.Observe(ctx, op.event(ev))
	}
}

// event fills in what all events of the operation have.
func (op *operation) event(ev Event) Event {
	c := op.j.call
	ev.Account, ev.Key, ev.Scope = c.Account, c.Key, c.Scope
	ev.Function, ev.Operation, ev.Kind = op.j.function, op.j.operation, op.j.kind
	if len(op.req.Routes) > 0 {
		model := &op.route().Rate.Model
		ev.Provider, ev.Model = model.Provider, model.Name
	}
	ev.Attempts, ev.Held, ev.Elapsed = op.begun, op.held, time.Since(op.started)
	return ev
}
