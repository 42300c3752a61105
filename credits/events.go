package credits

import "time"

// EventKind is what an event tells.
type EventKind string

// The kinds of event.
const (
	// LowBalance: what is posted fell below what the account's [Alert] says. It is told again once the balance has been at
	// or above that.
	LowBalance EventKind = "low_balance"
	// CapWarning: what a cap counts came to its WarnAt. It is told once in a window.
	CapWarning EventKind = "cap_warning"
	// CapReached: a cap refused something. It is told once in a window.
	CapReached EventKind = "cap_reached"
	// WrittenOff: an operation used more than its hold; the excess was not charged.
	WrittenOff EventKind = "written_off"
)

// Event is something that the host may want to act on: tell a customer, page somebody. It is written in the transaction
// that causes it, and stays until it is acknowledged.
type Event struct {
	Account Account   `json:"account"`
	Number  int64     `json:"number"` // 1, 2, 3 … without gaps in an account, in the order in which they happened
	Kind    EventKind `json:"kind"`
	Key     Key       `json:"key,omitempty"` // of the mutation that caused it, if that has one
	Cap     string    `json:"cap,omitempty"` // the cap's name
	Amount  Amount    `json:"amount"`        // credits: what was written off; otherwise the bound that was met
	Now     Amount    `json:"now"`           // credits: what is posted, or what the cap counts
	At      time.Time `json:"at"`
}

// EventRef names an event.
type EventRef struct {
	Account Account
	Number  int64
}

// Alert asks for a [LowBalance] event. An account has one; another replaces it.
type Alert struct {
	Account Account
	Below   Amount // credits: there is an event when what is posted falls below it; no event if 0
}

// Ref implements [Op]. An alert has no key: an account has one.
func (r Alert) Ref() Ref { return Ref{Account: r.Account} }

func (r Alert) apply(s *State, now time.Time) (Outcome, error) {
	acc := s.account(r.Account)
	if acc.AlertBelow != r.Below {
		acc.AlertBelow, acc.Alerted = r.Below, false
		s.touchAccount(acc)
		s.alert(acc, "", now)
	}
	return Outcome{}, nil
}

// alert tells that a balance is low, once until it no longer is.
func (s *State) alert(acc *AccountRow, key Key, now time.Time) {
	switch low := acc.AlertBelow > 0 && acc.Posted < acc.AlertBelow; {
	case !low:
		acc.Alerted = false
	case !acc.Alerted:
		acc.Alerted = true
		s.emit(Event{Account: acc.Account, Kind: LowBalance, Key: key, Amount: acc.AlertBelow, Now: acc.Posted, At: now})
	}
}

// emit numbers an event and adds it to the changes.
func (s *State) emit(e Event) {
	acc := s.account(e.Account)
	acc.Events++
	e.Number = acc.Events
	s.touchAccount(acc)
	s.changes.Events = append(s.changes.Events, e)
}
