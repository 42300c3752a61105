package credits

import (
	"bytes"
	"context"
	"slices"
)

// Mutations are the mutations of a [Ledger] over one function that runs them, for a store to embed. The function is called with
// what is valid by itself, under a context that is not over; what it returns is made the caller's own, so it may be what is
// stored, and shared. [Ledger.Acknowledge] and [Ledger.Prune] are no decisions and not among them.
type Mutations func(ctx context.Context, op Op) (Outcome, error)

func (m Mutations) run(ctx context.Context, op Op) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	if err := op.Validate(); err != nil {
		return Outcome{}, err
	}
	out, err := m(ctx, op)
	if err != nil {
		return Outcome{}, err
	}
	if out.Held.Hold != nil {
		h := out.Held.Hold.own()
		out.Held.Hold = &h
	}
	if out.Held.Receipt != nil {
		r := out.Held.Receipt.own()
		out.Held.Receipt = &r
	}
	out.Hold, out.Receipt = out.Hold.own(), out.Receipt.own()
	out.Entry.Lots = slices.Clone(out.Entry.Lots)
	return out, nil
}

func (h Hold) own() Hold {
	h.Pinned, h.Lots, h.OpenAttempts = bytes.Clone(h.Pinned), slices.Clone(h.Lots), slices.Clone(h.OpenAttempts)
	return h
}

func (r Receipt) own() Receipt {
	r.Result = bytes.Clone(r.Result)
	return r
}

// Hold implements [Gate].
func (m Mutations) Hold(ctx context.Context, r HoldRequest) (Held, error) {
	out, err := m.run(ctx, r)
	return out.Held, err
}

// Extend implements [Gate].
func (m Mutations) Extend(ctx context.Context, r ExtendRequest) (Hold, error) {
	out, err := m.run(ctx, r)
	return out.Hold, err
}

// Settle implements [Gate].
func (m Mutations) Settle(ctx context.Context, r SettleRequest) (Receipt, error) {
	out, err := m.run(ctx, r)
	return out.Receipt, err
}

// Release implements [Gate].
func (m Mutations) Release(ctx context.Context, r ReleaseRequest) error {
	_, err := m.run(ctx, r)
	return err
}

// Begin implements [AttemptLog].
func (m Mutations) Begin(ctx context.Context, r BeginRequest) error {
	_, err := m.run(ctx, r)
	return err
}

// Finish implements [AttemptLog].
func (m Mutations) Finish(ctx context.Context, r FinishRequest) error {
	_, err := m.run(ctx, r)
	return err
}

// Grant implements [Ledger].
func (m Mutations) Grant(ctx context.Context, g Grant) (Entry, error) {
	out, err := m.run(ctx, g)
	return out.Entry, err
}

// Adjust implements [Ledger].
func (m Mutations) Adjust(ctx context.Context, r Adjust) (Entry, error) {
	out, err := m.run(ctx, r)
	return out.Entry, err
}

// Refund implements [Ledger].
func (m Mutations) Refund(ctx context.Context, r Refund) (Entry, error) {
	out, err := m.run(ctx, r)
	return out.Entry, err
}

// Charge implements [Ledger].
func (m Mutations) Charge(ctx context.Context, r Charge) (Receipt, error) {
	out, err := m.run(ctx, r)
	return out.Receipt, err
}

// SetCap implements [Ledger].
func (m Mutations) SetCap(ctx context.Context, c Cap) error {
	_, err := m.run(ctx, c)
	return err
}

// RemoveCap implements [Ledger].
func (m Mutations) RemoveCap(ctx context.Context, r RemoveCap) error {
	_, err := m.run(ctx, r)
	return err
}

// SetAlert implements [Ledger].
func (m Mutations) SetAlert(ctx context.Context, r Alert) error {
	_, err := m.run(ctx, r)
	return err
}
