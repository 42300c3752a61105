package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var _ credits.Ledger = (*Ledger)(nil)

// mutations has another name here so that the field is not a host's to set.
type mutations = credits.Mutations

// Ledger is the [credits.Ledger] of a [DB].
type Ledger struct {
	mutations // by apply

	now func() time.Time

	mu       sync.Mutex
	accounts map[credits.Account]*account // guarded by mu
	events   []credits.Event              // not acknowledged, as they happened; guarded by mu
	state    *credits.State               // that mutations are decided on, one after the other; guarded by mu
}

// apply runs one mutation as one transaction.
func (l *Ledger) apply(_ context.Context, op credits.Op) (credits.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, ref := l.now(), op.Ref()
	acc, known := l.accounts[ref.Account]
	if !known {
		acc = newAccount(ref.Account)
	}
	state := l.state
	defer state.Reset()
	acc.load(state, op, now)
	if c, ok := op.(credits.Cap); ok {
		used, err := acc.counted(c, now)
		if err != nil {
			return credits.Outcome{}, err
		}
		state.LoadUse(c, used)
	}
	out, err := state.Apply(op, now)
	// A refused mutation may still have found expired holds, and they stay expired.
	if acc.save(state.Changes(), ref) && !known {
		l.accounts[ref.Account] = acc
	}
	l.events = append(l.events, state.Changes().Events...)
	return out, err
}

// Acknowledge implements [credits.Ledger].
func (l *Ledger) Acknowledge(ctx context.Context, events ...credits.EventRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	gone := map[credits.EventRef]bool{}
	for _, e := range events {
		gone[e] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = slices.DeleteFunc(l.events, func(e credits.Event) bool { return gone[credits.EventRef{Account: e.Account, Number: e.Number}] })
	return nil
}

// Prune implements [credits.Ledger].
func (l *Ledger) Prune(ctx context.Context, name credits.Account, before time.Time) (pruned int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	acc := l.accounts[name]
	if acc == nil {
		return 0, nil
	}
	acc.receipts = slices.Clone(acc.receipts) // a reader may be looking at the old ones
	for i, r := range acc.receipts {
		if !r.Pruned && r.Record.At.Before(before) {
			gone := *r
			gone.Result, gone.Pruned = nil, true
			acc.receipts[i], acc.holds[r.Key].receipt = &gone, &gone
			pruned++
		}
	}
	return pruned, nil
}

func ownEntry(e credits.Entry) credits.Entry {
	e.Lots = slices.Clone(e.Lots)
	return e
}

// Lookup implements [credits.Gate]. A hold whose time has come is shown as expired, whether or not a mutation has closed
// it since.
func (l *Ledger) Lookup(ctx context.Context, name credits.Account, key credits.Key) (credits.Held, error) {
	if err := ctx.Err(); err != nil {
		return credits.Held{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	acc := l.accounts[name]
	if acc == nil || acc.holds[key] == nil {
		return credits.Held{}, fmt.Errorf("memory: look up: account %q: key %q: %w", name, key, credits.ErrNotFound)
	}
	row := acc.holds[key]
	if row.receipt != nil {
		receipt := *row.receipt
		return ownHeld(credits.Held{Receipt: &receipt}), nil
	}
	hold := row.hold.AsOf(l.now())
	for _, a := range row.attempts {
		if a.Fate == "" {
			hold.OpenAttempts = append(hold.OpenAttempts, a)
		}
	}
	return ownHeld(credits.Held{Hold: &hold}), nil
}

// ownHeld makes the answer the caller's own. The struct is a copy already; its bytes are the ledger's.
func ownHeld(h credits.Held) credits.Held {
	if h.Hold != nil {
		h.Hold.Pinned, h.Hold.Lots = bytes.Clone(h.Hold.Pinned), slices.Clone(h.Hold.Lots)
	}
	if h.Receipt != nil {
		h.Receipt.Result = bytes.Clone(h.Receipt.Result)
	}
	return h
}
