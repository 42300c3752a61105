package ownstore

import (
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// rows are the rows of all accounts, as the journal's records have left them.
type rows struct {
	accounts map[credits.Account]*account
	events   []credits.Event // not acknowledged, as they happened
}

// account is the rows of one account. A row is replaced and never written to, so that what a reader has got stays as it was.
type account struct {
	row      credits.AccountRow
	buckets  map[int64]credits.Bucket
	holds    map[credits.Key]*hold
	open     map[credits.Key]*hold // those of holds that are open
	entries  []credits.Entry       // by number
	keyed    map[credits.Key]int64 // the entries that answer a key, by number
	attempts []credits.Attempt     // in the order in which they were begun
	settled  []*hold               // in the order of their entries
	caps     map[string]credits.CapRow
	totals   map[totalKey]*credits.UsageTotal
}

// hold is everything of a key that is not an entry.
type hold struct {
	credits.Hold
	attempts []int            // in account.attempts
	receipt  *credits.Receipt // nil unless it is settled
}

// totalKey is what tells a total from every other of its account.
type totalKey struct {
	scoped                            bool
	slot                              int64
	scope, operation, provider, model string
}

// account returns an account, which is made if it is not there.
func (r *rows) account(name credits.Account) *account {
	a := r.accounts[name]
	if a == nil {
		a = &account{row: credits.AccountRow{Account: name}, buckets: map[int64]credits.Bucket{}, holds: map[credits.Key]*hold{},
			open: map[credits.Key]*hold{}, keyed: map[credits.Key]int64{}, caps: map[string]credits.CapRow{}, totals: map[totalKey]*credits.UsageTotal{}}
		r.accounts[name] = a
	}
	return a
}

// load gives a state what decides a mutation: the list is in the comment of [credits.State]. Holds that are due come last, by
// loadDue, because a hold that is loaded already is not loaded again, and they come without their attempts.
func (a *account) load(s *credits.State, op credits.Op, now time.Time) error {
	a.loadPurse(s)
	for _, ref := range credits.Refs(op) {
		if number, ok := a.keyed[ref.Key]; ok {
			s.LoadEntry(a.entries[number-1])
		}
		h := a.holds[ref.Key]
		if h == nil {
			continue
		}
		s.LoadHold(h.Hold, a.attemptsOf(h))
		if h.receipt != nil {
			s.LoadReceipt(ref.Account, *h.receipt)
		}
		for _, lot := range h.Lots {
			if b, ok := a.buckets[lot.Bucket]; ok {
				s.LoadBucket(b)
			}
		}
	}
	if credits.Renews(op) {
		for _, b := range a.buckets {
			if b.Kind == credits.Plan && b.RenewedAt.IsZero() {
				s.LoadBucket(b)
			}
		}
	}
	if c, ok := op.(credits.Cap); ok {
		used, err := a.counted(c, now)
		if err != nil {
			return err
		}
		s.LoadUse(c, used)
	}
	return nil
}

// loadPurse loads what the account has: all that a balance needs besides the holds that are due.
func (a *account) loadPurse(s *credits.State) {
	s.LoadAccount(a.row)
	for _, c := range a.caps {
		s.LoadCap(c)
	}
	for _, b := range a.buckets { // a database has an index for this, over those of which something remains
		if b.Remaining() > 0 {
			s.LoadBucket(b)
		}
	}
}

// loadDue loads the open holds whose time has come, so that they are found expired.
func (a *account) loadDue(s *credits.State, now time.Time) {
	for _, h := range a.open { // and for this an index by the time
		if !h.ExpiresAt.After(now) {
			s.LoadHold(h.Hold, nil)
		}
	}
}

// counted is what a cap that is to be set counts already; see [credits.State.LoadUse].
func (a *account) counted(c credits.Cap, now time.Time) (used credits.Amount, err error) {
	for _, h := range a.holds {
		if !c.Counts(h.Operation, h.Scope) || h.CreatedAt.Before(c.Start(now)) {
			continue
		}
		switch h.State {
		case credits.Open:
			used, err = used.Add(h.Amount)
		case credits.Settled:
			used, err = used.Add(h.receipt.Charged - h.Refunded)
		}
		if err != nil {
			return 0, err
		}
	}
	return used, nil
}

func (a *account) attemptsOf(h *hold) []credits.Attempt {
	out := make([]credits.Attempt, len(h.attempts))
	for i, at := range h.attempts {
		out[i] = a.attempts[at]
	}
	return out
}

// install makes rows of a record: of one that was just written, or of one that was read.
func (r *rows) install(rec record) {
	for _, row := range rec.Accounts {
		r.account(row.Account).row = row
	}
	for _, b := range rec.Buckets {
		r.account(b.Account).buckets[b.Number] = b
	}
	for _, h := range rec.Holds {
		r.account(h.Account).saveHold(h)
	}
	for _, at := range rec.Attempts {
		r.account(at.Account).saveAttempt(*at.Attempt)
	}
	for _, e := range rec.Entries {
		a := r.account(e.Account)
		e.Entry.Hash = e.Hash
		a.entries = append(a.entries, e.Entry)
		if e.Kind != credits.EntrySettle && e.Kind != credits.EntryExpired { // whose key is a hold's, or a bucket's
			a.keyed[e.Key] = e.Number
		}
	}
	for _, receipt := range rec.Receipts {
		a := r.account(receipt.Record.Account)
		h := a.holds[receipt.Key]
		h.receipt = receipt
		a.settled = append(a.settled, h)
	}
	for _, c := range rec.Caps {
		r.account(c.Account).caps[c.Name] = c
	}
	for _, c := range rec.RemovedCaps {
		delete(r.account(c.Account).caps, c.Name)
	}
	for _, t := range rec.Totals {
		a, key := r.account(t.Account), totalKey{t.Scoped, t.Slot.UnixMicro(), t.Scope, t.Operation, t.Provider, t.Model}
		if known := a.totals[key]; known != nil {
			known.Add(t)
		} else {
			a.totals[key] = t
		}
	}
	for _, ref := range rec.Pruned {
		h := r.account(ref.Account).holds[ref.Key]
		gone := *h.receipt
		gone.Result, gone.Pruned = nil, true
		h.receipt = &gone
	}
	r.events = append(r.events, rec.Events...)
	r.events = slices.DeleteFunc(r.events, func(e credits.Event) bool {
		return slices.Contains(rec.Acknowledged, credits.EventRef{Account: e.Account, Number: e.Number})
	})
}

func (a *account) saveHold(row credits.Hold) {
	h := a.holds[row.Key]
	if h == nil {
		h = &hold{}
		a.holds[row.Key] = h
	}
	h.Hold = row
	if row.State == credits.Open {
		a.open[row.Key] = h
	} else {
		delete(a.open, row.Key)
	}
}

func (a *account) saveAttempt(row credits.Attempt) {
	h := a.holds[row.Key]
	for _, at := range h.attempts {
		if a.attempts[at].ID == row.ID {
			a.attempts[at] = row
			return
		}
	}
	h.attempts = append(h.attempts, len(a.attempts))
	a.attempts = append(a.attempts, row)
}
