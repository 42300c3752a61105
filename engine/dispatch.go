package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/usage"
)

// delivery is an answer of a provider, as it came.
type delivery struct {
	text      string
	images    []providers.Image
	delivered int64 // pictures that decoded and are stored, and those beyond what was asked for
	providers.Metering
}

// billed is the usage that the customer pays for, as far as the hold goes. A picture that did not decode was not delivered.
func (d delivery) billed() usage.Usage {
	u := d.Usage
	if d.images != nil {
		u.Images = usage.Exactly(d.delivered)
	}
	return u
}

// dispatch sends the request of an attempt that is journalled.
func (op *operation) dispatch(ctx context.Context, a *attempt, messages []providers.Message) (delivery, *providers.Error) {
	op.begun++
	a.journal.BegunAt = time.Now() // the ledger's own clock says when it was journalled
	ctx = op.enter(ctx, Event{Phase: PhaseAICall, Attempt: a.journal.ID})
	bounded, cancel := context.WithTimeout(ctx, op.e.timeout(op.j.kind))
	defer cancel()
	got, err := op.call(bounded, a, messages)
	if err != nil {
		failure := providers.AsError(a.journal.Provider, err)
		if ctx.Err() != nil { // the caller's end says nothing about the upstream
			op.unused()
		}
		op.leave(failure)
		op.observe(ctx, Event{Phase: PhaseParse, Attempt: a.journal.ID, Usage: failure.Usage, Err: failure})
		return delivery{}, failure
	}
	op.leave(nil)
	op.observe(ctx, Event{Phase: PhaseParse, Attempt: a.journal.ID, Usage: got.Usage})
	return got, nil
}

func (op *operation) call(ctx context.Context, a *attempt, messages []providers.Message) (delivery, error) {
	way := op.route()
	model := &way.Rate.Model
	to := providers.Attempt{ID: a.journal.ID, Key: a.key, BaseURL: way.BaseURL}
	if d := op.req.Drawing; d != nil {
		r, err := op.binding.GenerateImages(ctx, providers.ImageRequest{Attempt: to, Model: model.Name, Prompt: d.Prompt,
			NegativePrompt: d.Negative, Width: way.Width, Height: way.Height, N: d.N, Quality: way.Rate.Quality, Format: way.Format,
			Parameters: model.Profile.Parameters, Omit: model.Profile.Omit})
		return delivery{images: r.Images, Metering: r.Metering}, err
	}
	req := providers.TextRequest{Attempt: to, Model: model.Name, Messages: way.conversation(messages, op.j.schema), MaxOutput: way.MaxOutput,
		Parameters: model.Profile.Parameters, Omit: model.Profile.Omit}
	if op.req.Temperature != nil {
		req.Temperature = decimal.NewNullDecimal(*op.req.Temperature)
	}
	if way.strict() { // the answer is checked against it in any case
		req.Schema = &providers.Schema{Name: op.j.schema.name, JSON: op.j.schema.json}
	}
	r, err := op.binding.GenerateText(ctx, req)
	return delivery{text: r.Text, Metering: r.Metering}, err
}

// reconciler is a provider's [providers.Binding.Reconcile].
type reconciler = func(context.Context, providers.ReconcileRequest) (providers.Reconciled, error)

// maxQuestion bounds one question about an attempt: one that hangs must leave the time to ask again.
const maxQuestion = 20 * time.Second

// onItsWay is how long after an attempt began an upstream that does not know it may still be about to: the request may be
// in a connection's or a gateway's memory.
const onItsWay = 2 * time.Second

// ask finds out what became of an attempt of unknown fate, at a provider that can be asked, for at most as long as a
// request may take. Nothing is sent in the attempt's place before that is known.
func (op *operation) ask(ctx context.Context, reconcile reconciler, a credits.Attempt, failure *providers.Error) (delivery, *providers.Error) {
	key, err := op.e.cfg.Keys.Key(ctx, string(op.j.call.Account), a.Provider)
	if err != nil {
		return delivery{}, failure
	}
	c := op.j.call
	if _, err := op.e.cfg.Ledger.Extend(ctx, credits.ExtendRequest{Account: c.Account, Key: c.Key, Holder: op.holder, Total: op.held}); err != nil {
		return delivery{}, failure // the lease could not be renewed: do not outlive it
	}
	whole := op.e.timeout(op.j.kind)
	ctx, cancel := context.WithTimeout(ctx, whole)
	defer cancel()
	for wait := time.Second; ; wait = min(wait*3/2, 10*time.Second) {
		question, done := context.WithTimeout(ctx, min(whole/4, maxQuestion))
		r, err := reconcile(question, providers.ReconcileRequest{
			Attempt: providers.Attempt{ID: a.ID, Key: key, BaseURL: op.req.routeOf(a).BaseURL}, Model: a.Model, JobID: a.JobID})
		done()
		if err == nil {
			early := r.Fate == providers.NotSent && time.Since(a.BegunAt) < onItsWay
			if got, known, clear := clearly(r, failure); clear && !early {
				return got, known
			}
		} else if e := providers.AsError(a.Provider, err); e.Kind == providers.Auth || e.Kind == providers.Permission {
			return delivery{}, failure // no point in asking on
		}
		if sleep(ctx, wait) != nil {
			return delivery{}, failure
		}
	}
}

// clearly turns what a provider said of an attempt into an answer or a failure; clear is false if it did not know yet.
func clearly(r providers.Reconciled, failure *providers.Error) (got delivery, known *providers.Error, clear bool) {
	switch {
	case r.Fate == providers.Executed && r.Image != nil:
		return delivery{images: r.Image.Images, Metering: r.Image.Metering}, nil, true
	case r.Fate == providers.Executed && r.Text != nil:
		return delivery{text: r.Text.Text, Metering: r.Text.Metering}, nil, true
	case r.Fate == providers.Unknown:
		return delivery{}, failure, false
	}
	settled := *failure
	if r.Failure != nil {
		settled = *r.Failure
	}
	settled.Fate = r.Fate
	return delivery{}, &settled, true
}

// tries counts why a pass had to dispatch again.
type tries struct {
	refused   int // the upstream did not take the request, or was not reached, by way of the present route
	ambiguous int // it may have run
}

// again decides whether a failure is worth a further attempt, and after how long. If the upstream was asked and never
// saw the request, it is, whatever went wrong with it.
func (op *operation) again(ctx context.Context, t *tries, failure *providers.Error, asked bool) (wait time.Duration, again bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	switch {
	case failure.Fate == providers.Unknown && op.binding.Reconcile == nil:
		t.ambiguous++
		wait, again = backoff(t.ambiguous, failure.RetryAfter), t.ambiguous <= *op.e.cfg.AmbiguousRepeats
	case failure.Retryable(), asked && failure.Fate == providers.NotSent:
		t.refused++
		wait, again = backoff(t.refused, failure.RetryAfter), t.refused < op.e.cfg.Attempts
	}
	return wait, again && wait < grace/2 // a lease is not to be slept away
}

// backoff is full jitter between 0 and 0.5 s, 1 s, 2 s … 8 s, with what the upstream asked for as a minimum.
func backoff(n int, atLeast time.Duration) time.Duration {
	top := min(500*time.Millisecond<<min(n-1, 4), 8*time.Second)
	return max(time.Duration(rand.Int64N(int64(top))), atLeast)
}

// unfitError is an answer that came whole but cannot be used. Its text is told to the model by the repair call.
type unfitError struct{ why error }

func (e *unfitError) Error() string        { return fmt.Sprintf("%v: %v", ErrAnswer, e.why) }
func (e *unfitError) Is(target error) bool { return target == ErrAnswer }

// read makes the result of an answer.
func (op *operation) read(ctx context.Context, got *delivery) ([]byte, error) {
	var result []byte
	var err error
	if op.req.Drawing != nil {
		result, err = op.readPictures(ctx, got)
	} else if result, err = op.j.accept(got.text); err != nil {
		err = &unfitError{err}
	}
	if err == nil && len(result) > credits.MaxResult {
		return nil, fmt.Errorf("%w: its result has %d bytes, at most %d are kept", ErrAnswer, len(result), credits.MaxResult)
	}
	return result, err
}

// repairMessages is the conversation that asks the model to mend its answer.
func repairMessages(messages []providers.Message, answer string, unfit *unfitError) []providers.Message {
	out := append([]providers.Message{}, messages...)
	return append(out,
		providers.Message{Role: providers.Assistant, Text: answer},
		providers.Message{Role: providers.User, Text: "This answer cannot be used: " + unfit.why.Error() +
			". Answer again, completely, with nothing but the JSON object."})
}
