package memory

import (
	"bytes"
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// account holds the rows of one account. What a slice or a pointer in it leads to is never written to once it is here:
// a changed row is a new row. That is what lets a reader go on with a snapshot after it gave the lock back.
type account struct {
	row      credits.AccountRow
	keyed    map[credits.Key]int64 // the entries whose keys are answered again, by number
	buckets  map[int64]*credits.Bucket
	left     map[int64]bool // the buckets of which something remains
	holds    map[credits.Key]*holdRow
	expiring expiries           // the open holds
	entries  []credits.Entry    // by number
	receipts []*credits.Receipt // by the number of their entry
	attempts []attemptRef       // in the order in which they were begun
	caps     map[string]credits.CapRow
	totals   []credits.UsageTotal // each in its place for ever
	places   map[totalKey]int     // in totals
}

// totalKey says which total it is.
type totalKey struct {
	scoped                            bool
	slot                              int64 // microseconds since 1970
	scope, operation, provider, model string
}

type holdRow struct {
	hold     credits.Hold
	attempts []credits.Attempt
	receipt  *credits.Receipt
	index    int // in account.expiring; -1 if the hold is not open
}

// attemptRef names an attempt by its place, because finishing it puts another in its place.
type attemptRef struct {
	hold  *holdRow
	index int
}

func newAccounts() map[credits.Account]*account { return map[credits.Account]*account{} }

func newAccount(name credits.Account) *account {
	return &account{
		row:     credits.AccountRow{Account: name},
		keyed:   map[credits.Key]int64{},
		buckets: map[int64]*credits.Bucket{},
		left:    map[int64]bool{},
		holds:   map[credits.Key]*holdRow{},
		caps:    map[string]credits.CapRow{},
		places:  map[totalKey]int{},
	}
}

// load gives a state what it must know before a mutation is applied.
func (a *account) load(s *credits.State, op credits.Op, now time.Time) {
	a.loadPurse(s)
	if credits.Renews(op) {
		for _, b := range a.buckets {
			if b.Kind == credits.Plan && b.RenewedAt.IsZero() {
				s.LoadBucket(*b)
			}
		}
	}
	for _, ref := range credits.Refs(op) {
		if number, ok := a.keyed[ref.Key]; ok {
			s.LoadEntry(a.entries[number-1])
		}
		row := a.holds[ref.Key]
		if row == nil {
			continue
		}
		s.LoadHold(row.hold, row.attempts)
		if row.receipt != nil {
			s.LoadReceipt(a.row.Account, *row.receipt)
		}
		for _, l := range row.hold.Lots {
			if b := a.buckets[l.Bucket]; b != nil {
				s.LoadBucket(*b)
			}
		}
	}
	a.expiring.until(now, func(row *holdRow) { s.LoadHold(row.hold, nil) })
}

func (a *account) loadPurse(s *credits.State) {
	s.LoadAccount(a.row)
	for number := range a.left {
		s.LoadBucket(*a.buckets[number])
	}
	for _, c := range a.caps {
		s.LoadCap(c)
	}
}

// counted is what a cap that is to be set counts already.
func (a *account) counted(c credits.Cap, now time.Time) (used credits.Amount, err error) {
	start := c.Start(now)
	for _, row := range a.holds {
		h := &row.hold
		if !c.Counts(h.Operation, h.Scope) || h.CreatedAt.Before(start) {
			continue
		}
		amount := credits.Amount(0)
		switch h.State {
		case credits.Open:
			amount = h.Amount
		case credits.Settled:
			amount = row.receipt.Charged - h.Refunded
		}
		if used, err = used.Add(amount); err != nil {
			return 0, err
		}
	}
	return used, nil
}

// save writes what a mutation of ref changed, and reports whether that was anything.
func (a *account) save(c *credits.Changes, ref credits.Ref) bool {
	for _, row := range c.Accounts {
		a.row = *row
	}
	for _, bucket := range c.Buckets {
		a.buckets[bucket.Number] = bucket
		if bucket.Remaining() > 0 {
			a.left[bucket.Number] = true
		} else {
			delete(a.left, bucket.Number)
		}
	}
	for at, hold := range c.Holds {
		a.saveHold(at.Key, *hold)
	}
	for _, attempt := range c.Attempts {
		a.saveAttempt(a.holds[ref.Key], attempt.Attempt)
	}
	for _, e := range c.Entries {
		a.entries = append(a.entries, e)
		switch e.Kind {
		case credits.EntryGrant, credits.EntryRenew, credits.EntryRefund, credits.EntryAdjust:
			a.keyed[e.Key] = e.Number
		}
	}
	for _, receipt := range c.Receipts {
		receipt.Result = bytes.Clone(receipt.Result)
		a.holds[receipt.Key].receipt = receipt
		a.receipts = append(a.receipts, receipt)
	}
	for at, row := range c.Caps {
		if row == nil {
			delete(a.caps, at.Name)
		} else {
			a.caps[at.Name] = *row
		}
	}
	for _, t := range c.Totals {
		a.addTotal(t)
	}
	return len(c.Accounts)+len(c.Buckets)+len(c.Holds)+len(c.Attempts)+len(c.Receipts)+len(c.Caps) > 0
}

func (a *account) addTotal(t *credits.UsageTotal) {
	key := totalKey{t.Scoped, t.Slot.UnixMicro(), t.Scope, t.Operation, t.Provider, t.Model}
	if i, known := a.places[key]; known {
		a.totals[i].Add(t)
		return
	}
	a.places[key] = len(a.totals)
	a.totals = append(a.totals, *t)
}

func (a *account) saveHold(key credits.Key, hold credits.Hold) {
	row := a.holds[key]
	if row == nil {
		row = &holdRow{index: -1}
		a.holds[key] = row
	}
	if !sameBytes(row.hold.Pinned, hold.Pinned) {
		hold.Pinned = bytes.Clone(hold.Pinned) // it is the caller's
	}
	row.hold = hold
	switch {
	case hold.State != credits.Open:
		a.expiring.remove(row)
	case row.index < 0:
		a.expiring.add(row)
	default:
		a.expiring.fix(row)
	}
}

// sameBytes reports whether two slices are the same memory.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (a *account) saveAttempt(row *holdRow, attempt *credits.Attempt) {
	attempts := slices.Clone(row.attempts) // a reader may be looking at the old ones
	for i := range attempts {
		if attempts[i].ID == attempt.ID {
			attempts[i] = *attempt
			row.attempts = attempts
			return
		}
	}
	a.attempts = append(a.attempts, attemptRef{row, len(attempts)})
	row.attempts = append(attempts, *attempt)
}

// read gives a state what it must know to say what the account has.
func (a *account) read(now time.Time) *credits.State {
	s := credits.NewState()
	a.loadPurse(s)
	a.expiring.until(now, func(row *holdRow) { s.LoadHold(row.hold, nil) })
	return s
}
