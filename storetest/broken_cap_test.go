package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// racing looks at the caps first, and holds afterwards with none in the way.
type racing struct {
	credits.Ledger
	mu   sync.Mutex
	caps map[string]credits.Cap // guarded by mu
}

func (l *racing) SetCap(ctx context.Context, c credits.Cap) error {
	l.mu.Lock()
	l.caps[c.Name] = c
	l.mu.Unlock()
	c.Limit = 1 << 60
	return l.Ledger.SetCap(ctx, c)
}

func (l *racing) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	uses, err := l.Ledger.Caps(ctx, r.Account)
	if err != nil {
		return credits.Held{}, err
	}
	time.Sleep(time.Millisecond) // somebody else's turn
	for _, u := range uses {
		l.mu.Lock()
		limit := l.caps[u.Name].Limit
		l.mu.Unlock()
		if u.Used+r.Amount > limit {
			return credits.Held{}, &credits.CapError{Account: r.Account, Cap: u.Name, Limit: limit, Used: u.Used, Need: r.Amount}
		}
	}
	return l.Ledger.Hold(ctx, r)
}

// provincial takes every midnight for that of UTC.
type provincial struct{ credits.Ledger }

func (l *provincial) SetCap(ctx context.Context, c credits.Cap) error {
	if c.Zone == "Asia/Kolkata" {
		c.Zone = ""
	}
	return l.Ledger.SetCap(ctx, c)
}

func (l *provincial) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	if q.Zone == "Asia/Kathmandu" {
		q.Zone = ""
	}
	return l.Ledger.Usage(ctx, q)
}

// forward begins a cap with nothing, whatever was used before.
type forward struct {
	credits.Ledger
	before map[credits.Account]credits.Amount
}

func (l *forward) SetCap(ctx context.Context, c credits.Cap) error {
	err := l.Ledger.SetCap(ctx, c)
	if caps, _ := l.Ledger.Caps(ctx, c.Account); err == nil && len(caps) > 0 {
		l.before[c.Account] = caps[0].Used
	}
	return err
}

func (l *forward) Caps(ctx context.Context, account credits.Account) ([]credits.CapUse, error) {
	caps, err := l.Ledger.Caps(ctx, account)
	for i := range caps {
		caps[i].Used -= l.before[account]
	}
	return caps, err
}

// unpayable refuses a settle that a cap has no room for.
type unpayable struct{ credits.Ledger }

func (l *unpayable) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	held, _ := l.Lookup(ctx, r.Account, r.Key)
	caps, _ := l.Ledger.Caps(ctx, r.Account)
	for _, c := range caps {
		if held.Hold != nil && held.Hold.State != credits.Open && c.Used+r.Amount > c.Limit {
			return credits.Receipt{}, &credits.CapError{Account: r.Account, Cap: c.Name, Limit: c.Limit, Used: c.Used, Need: r.Amount}
		}
	}
	return l.Ledger.Settle(ctx, r)
}

// uncapped charges in one step without a look at the caps.
type uncapped struct{ credits.Ledger }

func (l *uncapped) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	caps, err := l.Ledger.Caps(ctx, r.Account)
	if err != nil {
		return credits.Receipt{}, err
	}
	for _, c := range caps {
		_ = l.RemoveCap(ctx, credits.RemoveCap{Account: r.Account, Name: c.Name})
	}
	receipt, err := l.Ledger.Charge(ctx, r)
	for _, c := range caps {
		_ = l.Ledger.SetCap(ctx, c.Cap)
	}
	return receipt, err
}

// gross counts what was refunded against a cap for ever.
type gross struct {
	credits.Ledger
	refunded atomic.Int64
}

func (l *gross) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	e, err := l.Ledger.Refund(ctx, r)
	if err == nil {
		l.refunded.Add(int64(r.Amount))
	}
	return e, err
}

func (l *gross) Caps(ctx context.Context, account credits.Account) ([]credits.CapUse, error) {
	caps, err := l.Ledger.Caps(ctx, account)
	for i := range caps {
		caps[i].Used += credits.Amount(l.refunded.Load())
	}
	return caps, err
}

func (l *gross) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	rows, err := l.Ledger.Usage(ctx, q)
	for i := range rows {
		rows[i].Refunded = 0
	}
	return rows, err
}

// coarse adds up whole slots, wherever the query cuts them.
type coarse struct{ credits.Ledger }

func (l *coarse) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	q.From, q.To = q.From.Truncate(credits.Slot), q.To.Truncate(credits.Slot)
	return l.Ledger.Usage(ctx, q)
}

// indiscreet takes a query without an account for one of all.
type indiscreet struct{ credits.Ledger }

func (l *indiscreet) Usage(ctx context.Context, q credits.UsageQuery) ([]credits.UsageRow, error) {
	q.AllAccounts = q.AllAccounts || q.Account == ""
	return l.Ledger.Usage(ctx, q)
}

// nagging tells a low balance at every charge.
type nagging struct {
	credits.Ledger
	alert credits.Alert
}

func (l *nagging) SetAlert(ctx context.Context, r credits.Alert) error {
	l.alert = r
	return l.Ledger.SetAlert(ctx, r)
}

func (l *nagging) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	receipt, err := l.Ledger.Charge(ctx, r)
	if err == nil && l.alert.Below > 0 {
		_ = l.Ledger.SetAlert(ctx, credits.Alert{Account: r.Account})
		_ = l.Ledger.SetAlert(ctx, l.alert)
	}
	return receipt, err
}

// hurried takes an event that was read for one that was dealt with.
type hurried struct{ credits.Ledger }

func (l *hurried) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	events, err := l.Ledger.Events(ctx, limit)
	for _, e := range events {
		_ = l.Acknowledge(ctx, credits.EventRef{Account: e.Account, Number: e.Number})
	}
	return events, err
}

// discreet says nothing of what was written off.
type discreet struct{ credits.Ledger }

func (l *discreet) Events(ctx context.Context, limit int) ([]credits.Event, error) {
	events, err := l.Ledger.Events(ctx, limit)
	kept := events[:0]
	for _, e := range events {
		if e.Kind != credits.WrittenOff {
			kept = append(kept, e)
		}
	}
	return kept, err
}
