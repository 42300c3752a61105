package engine

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

// attempt is a dispatch that is, or is about to be, journalled.
type attempt struct {
	journal credits.Attempt
	key     secret.Key
}

// newAttempt makes an attempt of the present route, when its request may be sent. queue and first are as for enter.
func (op *operation) newAttempt(ctx context.Context, queue time.Duration, first func() error) (*attempt, error) {
	model := &op.route().Rate.Model
	key, err := op.e.cfg.Keys.Key(ctx, string(op.j.call.Account), model.Provider)
	if err != nil {
		return nil, err
	}
	op.unused()
	if op.ticket, err = op.e.traffic.lane(model.Provider, key.ID).enter(ctx, model.Provider, model.Name, queue, first); err != nil {
		return nil, err
	}
	return &attempt{key: key, journal: credits.Attempt{ID: newUUID(), Provider: model.Provider, Model: model.Name, KeyID: key.ID}}, nil
}

// begin journals a further attempt and renews the lease, so that no attempt outlives it. With an error it may return
// the attempt, which was not refused and so may be stored.
func (op *operation) begin(ctx context.Context) (*attempt, error) {
	a, err := op.newAttempt(ctx, patience, func() error { return nil })
	if err != nil {
		return nil, err
	}
	c := op.j.call
	err = op.e.cfg.Ledger.Begin(ctx, credits.BeginRequest{Account: c.Account, Key: c.Key, Holder: op.holder, Attempt: a.journal})
	if final(err) {
		return nil, err
	}
	return a, err
}

// unsent says that an attempt ended before its request was sent.
func (op *operation) unsent(a *attempt) credits.Attempt {
	return op.failed(a.journal, &providers.Error{Provider: a.journal.Provider, Kind: providers.Canceled, Fate: providers.NotSent}, nil)
}

// unheld is for a hold that failed. Unless the ledger refused it, it may be stored all the same, because only the answer
// was lost, and nobody else could give it back before its time is over. A hold that does not have first in it is an
// earlier holder's: it stays for the next try, with what there is to be asked about it. So does one whose holder the
// caller named, who may have worked on it before.
func (op *operation) unheld(ctx context.Context, first *attempt, cause error) (outcome, error) {
	if final(cause) || first == nil || op.j.call.Holder.ID != "" {
		return outcome{}, cause
	}
	out, err := op.release(ctx, op.unsent(first), cause)
	if errors.Is(err, credits.ErrNotFound) {
		err = cause
	}
	return out, err
}

// unbegun is for an attempt that could not be begun; a is not nil if it may be stored all the same.
func (op *operation) unbegun(ctx context.Context, a *attempt, cause error) (outcome, error) {
	if a == nil {
		return op.lost(ctx, cause)
	}
	out, err := op.release(ctx, op.unsent(a), cause)
	if errors.Is(err, credits.ErrNotFound) {
		return op.release(ctx, credits.Attempt{}, cause)
	}
	return out, err
}

// failed says how an attempt ended that brought no answer, and what that cost us.
func (op *operation) failed(a credits.Attempt, failure *providers.Error, messages []providers.Message) credits.Attempt {
	a.Fate, a.Error, a.RequestID, a.Usage = string(failure.Fate), string(failure.Kind), failure.RequestID, possible(failure.Usage)
	switch {
	case failure.Fate == providers.NotSent || failure.Fate == providers.Rejected:
		a.Cost = decimal.NewNullDecimal(decimal.Zero)
	default: // it ran or may have run: what is known of it, or else the worst case
		way := op.req.routeOf(a)
		price, err := way.worst(messages, op.j.schema, op.req.Drawing)
		// What is not known is not nothing: not the half of a usage that is missing, and not a picture that could not be read.
		u := failure.Usage
		if failure.Fate == providers.Executed && (op.j.kind == registry.Image || u.Input.Known && u.Output.Known) {
			if known, quoteErr := way.Rate.Quote(u); quoteErr == nil && known.USD.IsPositive() {
				price, err = known, nil
			}
		}
		if err == nil {
			a.Cost = decimal.NewNullDecimal(price.USD)
		}
	}
	return a
}

// possible returns a usage, or nothing if it cannot be true: the ledger would refuse the attempt, and with it the end of
// its hold.
func possible(u usage.Usage) usage.Usage {
	if u.Validate() != nil {
		return usage.Usage{}
	}
	return u
}

// reported returns what a provider says that a call cost, or nothing if that cannot be a price: the ledger would refuse
// it, and with it what was delivered.
func reported(cost decimal.NullDecimal) decimal.NullDecimal {
	if !credits.Keepable(cost.Decimal) {
		return decimal.NullDecimal{}
	}
	return cost
}

// delivered says how an attempt ended that brought an answer; kind is empty if the answer is good.
func (op *operation) delivered(a credits.Attempt, got delivery, kind providers.Kind) credits.Attempt {
	a.Fate, a.Error = string(providers.Executed), string(kind)
	a.RequestID, a.Usage, a.ReportedCost = got.RequestID, possible(got.Usage), reported(got.Cost)
	if price, err := op.req.routeOf(a).Rate.Quote(got.Usage); err == nil {
		a.Cost = decimal.NewNullDecimal(price.USD)
	}
	return a
}

// unusable is what was wrong with an answer that was not settled: nothing if it was good and could not be kept.
func unusable(err error) providers.Kind {
	if errors.Is(err, ErrAnswer) {
		return providers.Malformed
	}
	return ""
}

// settle charges the answer. It happens whether or not the caller is still there.
func (op *operation) settle(ctx context.Context, a credits.Attempt, got delivery, result []byte) (outcome, error) {
	last := op.delivered(a, got, "")
	rate := &op.req.routeOf(a).Rate
	price, err := rate.Quote(got.billed())
	if err != nil {
		return op.release(ctx, last, err)
	}
	total, err := op.usage.Add(got.billed())
	if err != nil {
		return op.release(ctx, last, err)
	}
	price = op.price.Add(price)
	charge, err := price.Credits()
	if err != nil {
		return op.release(ctx, last, err)
	}
	op.observe(ctx, Event{Phase: PhaseSave, Attempt: a.ID, Usage: total})
	c := op.j.call
	req := credits.SettleRequest{Account: c.Account, Key: c.Key, Amount: charge, Last: last, Result: result,
		Record: credits.UsageRecord{Provider: a.Provider, Model: a.Model, Attempt: a.ID, Usage: total,
			Exact: price.Exact, Cost: op.price.USD.Add(cost(last)), ReportedCost: last.ReportedCost, PriceVersion: rate.Version,
			Shadow: op.shadow(registry.Priced{Rate: *rate, Usage: got.billed()})}}
	var receipt credits.Receipt
	err = persist(ctx, func(ctx context.Context) (err error) {
		receipt, err = op.e.cfg.Ledger.Settle(ctx, req)
		return err
	})
	switch {
	case errors.Is(err, credits.ErrResultPruned): // somebody else settled, and their receipt is gone: the call ran all the same
		return outcome{}, errors.Join(err, op.finish(ctx, last))
	case err != nil:
		return outcome{}, err // the hold stays until its lease ends: the next try of the key takes it over
	}
	return outcome{receipt, receipt.Record.Attempt != a.ID}, nil
}

// release gives the hold back because of cause, and finishes the last attempt if one is named.
func (op *operation) release(ctx context.Context, last credits.Attempt, cause error) (outcome, error) {
	c := op.j.call
	err := persist(ctx, func(ctx context.Context) error {
		return op.e.cfg.Ledger.Release(ctx, credits.ReleaseRequest{Account: c.Account, Key: c.Key, Holder: op.holder, Last: last})
	})
	switch {
	case err == nil:
		return outcome{}, cause
	case errors.Is(err, credits.ErrSettled), errors.Is(err, credits.ErrNotHolder):
		if last.ID != "" {
			if err := op.finish(ctx, last); err != nil {
				return outcome{}, errors.Join(cause, err)
			}
		}
		out, err := op.lost(ctx, err)
		if err != nil {
			err = errors.Join(cause, err)
		}
		return out, err
	}
	return outcome{}, errors.Join(cause, err)
}

// lost is for a pass that found its hold taken: if the other one settled, its receipt is the answer.
func (op *operation) lost(ctx context.Context, cause error) (outcome, error) {
	if errors.Is(cause, credits.ErrSettled) {
		known, err := op.e.cfg.Ledger.Lookup(context.WithoutCancel(ctx), op.j.call.Account, op.j.call.Key)
		switch {
		case err == nil && known.Receipt != nil && known.Receipt.Pruned:
			return outcome{}, credits.ErrResultPruned
		case err == nil && known.Receipt != nil:
			return outcome{*known.Receipt, true}, nil
		}
		return outcome{}, errors.Join(cause, err)
	}
	if errors.Is(cause, credits.ErrNotHolder) {
		return outcome{}, cause
	}
	return op.release(ctx, credits.Attempt{}, cause)
}

func cost(a credits.Attempt) decimal.Decimal { return a.Cost.Decimal }

func (op *operation) finish(ctx context.Context, ended credits.Attempt) error {
	c := op.j.call
	return persist(ctx, func(ctx context.Context) error {
		return op.e.cfg.Ledger.Finish(ctx, credits.FinishRequest{Account: c.Account, Key: c.Key, Attempt: ended})
	})
}

// persist makes a write that must not be lost because a caller went away or a store was busy for a moment. The writes it
// is for may be repeated.
func persist(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return repeat(ctx, write)
}

func repeat(ctx context.Context, write func(context.Context) error) error {
	wait := 50 * time.Millisecond
	for {
		err := write(ctx)
		if err == nil || final(err) || wait > time.Second {
			return err
		}
		if sleep(ctx, wait) != nil {
			return err
		}
		wait *= 2
	}
}

// final reports whether the ledger decided, as opposed to a store that could not be reached.
func final(err error) bool {
	for _, decided := range []error{credits.ErrInvalid, credits.ErrOverflow, credits.ErrInsufficient, credits.ErrCap, credits.ErrInProgress,
		credits.ErrKeyReused, credits.ErrResultPruned, credits.ErrNotFound, credits.ErrNotHolder, credits.ErrClosed, credits.ErrSettled} {
		if errors.Is(err, decided) {
			return true
		}
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
