package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// Phase is how far an operation is. The names are the original system's.
type Phase string

// The phases of an operation, in order. Failed takes the place of those that are not reached.
const (
	PhaseInit   Phase = "INIT"    // validated
	PhasePrep   Phase = "PREP"    // model, price and prompt are resolved, credits are held
	PhaseAICall Phase = "AI_CALL" // an attempt begins; there may be several
	PhaseParse  Phase = "PARSE"   // an attempt ended and its answer is read
	PhaseSave   Phase = "SAVE"    // the answer is good and is being settled
	PhaseDone   Phase = "DONE"    // settled, or found settled
	PhaseFailed Phase = "FAILED"  // released; Err says why
)

// Event is one step of an operation. It carries no prompt and no answer. Fields that are not known yet are zero.
type Event struct {
	Phase     Phase
	Account   credits.Account
	Key       credits.Key
	Scope     string
	Function  string
	Operation string
	Kind      registry.Kind // of what is asked for: a text, or pictures
	Provider  string
	Model     string
	Attempt   string // id of the attempt
	Attempts  int    // attempts begun by this call so far
	Held      credits.Amount
	Charged   credits.Amount // at PhaseDone
	Replayed  bool           // at PhaseDone: the key was settled before, nothing was called
	Usage     usage.Usage    // of the attempt at PhaseParse, of the operation at PhaseDone
	Elapsed   time.Duration  // since the operation began
	Err       error
}

// Observer hears the steps of operations, synchronously and from many goroutines: it must be quick.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// Tracer is an Observer that puts something into the context of what begins, such as a span, so that what happens within
// belongs to it. Package observe/otel has one.
type Tracer interface {
	Observer
	// Begin is called in place of Observe where something begins: at PhaseInit the operation, which ends at PhaseDone or
	// PhaseFailed, and at PhaseAICall an attempt, which ends at PhaseParse. What happens in between gets the context that
	// Begin returns, the ledger's and the provider's calls and Observe at the end included.
	Begin(ctx context.Context, e Event) context.Context
}

// ObserverFunc is a function as an Observer.
type ObserverFunc func(ctx context.Context, e Event)

// Observe implements [Observer].
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// Log returns an Observer that writes each operation's end to a logger, failures at level Warn, and its other steps at
// level Debug.
func Log(l *slog.Logger) Observer {
	return ObserverFunc(func(ctx context.Context, e Event) {
		level := slog.LevelDebug
		switch e.Phase {
		case PhaseDone:
			level = slog.LevelInfo
		case PhaseFailed:
			level = slog.LevelWarn
		}
		if !l.Enabled(ctx, level) {
			return
		}
		attrs := []slog.Attr{
			slog.String("phase", string(e.Phase)), slog.String("account", string(e.Account)), slog.String("key", string(e.Key)),
			slog.String("function", e.Function), slog.String("model", e.Model), slog.String("attempt", e.Attempt),
			slog.Int64("held", int64(e.Held)), slog.Int64("charged", int64(e.Charged)), slog.Duration("elapsed", e.Elapsed),
		}
		if e.Err != nil {
			attrs = append(attrs, slog.String("error", e.Err.Error()))
		}
		l.LogAttrs(ctx, level, "scrip operation", attrs...)
	})
}
