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
	grants   map[credits.Key]*credits.GrantRow
	holds    map[credits.Key]*holdRow
	expiring expiries           // the open holds
	entries  []credits.Entry    // by number
	receipts []*credits.Receipt // by the number of their entry
	attempts []attemptRef       // in the order in which they were begun
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
		row:    credits.AccountRow{Account: name},
		grants: map[credits.Key]*credits.GrantRow{},
		holds:  map[credits.Key]*holdRow{},
	}
}

// load gives a state what it must know before a mutation of ref is applied.
func (a *account) load(s *credits.State, ref credits.Ref, now time.Time) {
	s.LoadAccount(a.row)
	if grant := a.grants[ref.Key]; grant != nil {
		s.LoadGrant(*grant)
	}
	if row := a.holds[ref.Key]; row != nil {
		s.LoadHold(row.hold, row.attempts)
		if row.receipt != nil {
			s.LoadReceipt(a.row.Account, *row.receipt)
		}
	}
	a.expiring.until(now, func(row *holdRow) { s.LoadHold(row.hold, nil) })
}

// save writes what a mutation of ref changed, and reports whether that was anything.
func (a *account) save(c *credits.Changes, ref credits.Ref) bool {
	for _, row := range c.Accounts {
		a.row = *row
	}
	for _, grant := range c.Grants {
		a.grants[grant.Key] = grant
	}
	for at, hold := range c.Holds {
		a.saveHold(at.Key, *hold)
	}
	for _, attempt := range c.Attempts {
		a.saveAttempt(a.holds[ref.Key], attempt)
	}
	a.entries = append(a.entries, c.Entries...)
	for _, receipt := range c.Receipts {
		receipt.Result = bytes.Clone(receipt.Result)
		a.holds[receipt.Key].receipt = receipt
		a.receipts = append(a.receipts, receipt)
	}
	return len(c.Accounts)+len(c.Grants)+len(c.Holds)+len(c.Attempts)+len(c.Receipts) > 0
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

// balance is the account's balance with the open holds whose time has come given back.
func (a *account) balance(now time.Time) credits.Balance {
	var expired credits.Amount
	a.expiring.until(now, func(row *holdRow) { expired += row.hold.Amount })
	return a.row.Balance(expired)
}
