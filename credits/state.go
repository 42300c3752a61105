package credits

import (
	"fmt"
	"time"
)

// Ref names the row that a mutation is about.
type Ref struct {
	Account Account
	Key     Key
}

// AttemptRef names an attempt: its id tells it from the others of its key.
type AttemptRef struct {
	Ref
	ID string
}

// AccountRow is what a store keeps of an account.
type AccountRow struct {
	Account Account
	Posted  Amount
	Held    Amount // the sum of holds in state Open, those that have expired since included
	Entries int64  // the number of the last entry
}

// GrantRow is what a store keeps of a grant: enough to answer the same key again.
type GrantRow struct {
	Grant
	Entry Entry
}

// State is the part of a ledger that a batch of mutations is decided on. A store locks and loads the rows, calls
// [State.Apply] for each mutation in order, and saves [State.Changes], all in one transaction. A State is for one
// batch and one goroutine.
//
// What must be loaded before Apply(op), with r := op.Ref():
//
//   - the account row of r.Account, if it exists;
//   - the hold and the grant of r, if they exist, with all attempts and, if the hold is settled, the receipt;
//   - every open hold of r.Account whose ExpiresAt is not after now, so that it can be expired. These come last and
//     without attempts: a hold that is loaded already stays as it is.
type State struct {
	accounts map[Account]*AccountRow
	grants   map[Ref]*GrantRow
	holds    map[Ref]*Hold
	attempts map[Ref][]*Attempt
	receipts map[Ref]*Receipt

	changes Changes
}

// Changes is what a batch did, row by row, each row in its final form.
type Changes struct {
	Accounts map[Account]*AccountRow // insert or update
	Grants   []*GrantRow             // insert
	Holds    map[Ref]*Hold           // insert or update
	Attempts map[AttemptRef]*Attempt // insert or update
	Entries  []Entry                 // insert
	Receipts []*Receipt              // insert, with their usage records
}

// NewState returns a State with nothing loaded.
func NewState() *State {
	return &State{
		accounts: map[Account]*AccountRow{},
		grants:   map[Ref]*GrantRow{},
		holds:    map[Ref]*Hold{},
		attempts: map[Ref][]*Attempt{},
		receipts: map[Ref]*Receipt{},
		changes:  Changes{Accounts: map[Account]*AccountRow{}, Holds: map[Ref]*Hold{}, Attempts: map[AttemptRef]*Attempt{}},
	}
}

// LoadAccount adds an account's row.
func (s *State) LoadAccount(a AccountRow) { s.accounts[a.Account] = &a }

// LoadGrant adds a grant's row.
func (s *State) LoadGrant(g GrantRow) { s.grants[Ref{g.Account, g.Key}] = &g }

// LoadHold adds a hold with all attempts of its key, oldest first. The hold's OpenAttempts are ignored.
func (s *State) LoadHold(h Hold, attempts []Attempt) {
	ref := Ref{h.Account, h.Key}
	if _, loaded := s.holds[ref]; loaded {
		return
	}
	h.OpenAttempts = nil
	s.holds[ref] = &h
	for _, a := range attempts {
		s.attempts[ref] = append(s.attempts[ref], &a)
	}
}

// LoadReceipt adds the receipt of a settled hold.
func (s *State) LoadReceipt(account Account, r Receipt) { s.receipts[Ref{account, r.Key}] = &r }

// Changes returns what the mutations applied so far did.
func (s *State) Changes() *Changes { return &s.changes }

// Op is a mutation as data: [Grant], [HoldRequest], [ExtendRequest], [SettleRequest], [ReleaseRequest],
// [BeginRequest] or [FinishRequest].
type Op interface {
	// Ref names the account and the key that the mutation is about.
	Ref() Ref
	// Validate checks the request by itself. A store calls it before it queues or locks anything. The error matches
	// ErrInvalid.
	Validate() error

	apply(s *State, now time.Time) (Outcome, error)
}

// Outcome is what a mutation returns: the field that belongs to it is set.
type Outcome struct {
	Held    Held    // of a HoldRequest
	Hold    Hold    // of an ExtendRequest
	Receipt Receipt // of a SettleRequest
	Entry   Entry   // of a Grant
}

// Apply decides one mutation at the given time. An error means that nothing of it happened; the State stays usable for
// the next mutation of the batch.
func (s *State) Apply(op Op, now time.Time) (Outcome, error) {
	if err := op.Validate(); err != nil {
		return Outcome{}, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	s.expire(op.Ref().Account, now)
	return op.apply(s, now)
}

// expire closes the account's open holds whose time has come. It is a decision of its own and stays, whatever becomes
// of the mutation that caused it.
func (s *State) expire(account Account, now time.Time) {
	for ref, h := range s.holds {
		if ref.Account == account && h.State == Open && !h.ExpiresAt.After(now) {
			s.close(h, Expired)
		}
	}
}

// close ends an open hold and gives its credits back.
func (s *State) close(h *Hold, to HoldState) {
	acc := s.account(h.Account)
	acc.Held -= h.Amount
	s.touchAccount(acc)
	h.State = to
	s.touchHold(h)
}

func (s *State) account(a Account) *AccountRow {
	acc, ok := s.accounts[a]
	if !ok {
		acc = &AccountRow{Account: a}
		s.accounts[a] = acc
	}
	return acc
}

func (s *State) touchAccount(a *AccountRow) { s.changes.Accounts[a.Account] = a }

func (s *State) touchHold(h *Hold) { s.changes.Holds[Ref{h.Account, h.Key}] = h }

// post appends an entry. The caller has checked that the amount fits.
func (s *State) post(e Entry) Entry {
	acc := s.account(e.Account)
	acc.Posted += e.Amount
	acc.Entries++
	e.Number, e.BalanceAfter = acc.Entries, acc.Posted
	s.touchAccount(acc)
	s.changes.Entries = append(s.changes.Entries, e)
	return e
}

// take sets credits aside, if there are enough.
func (s *State) take(account Account, amount Amount) error {
	acc := s.account(account)
	available, err := acc.Posted.Sub(acc.Held)
	if err != nil {
		return fmt.Errorf("credits: account %q: %w", account, err)
	}
	if available < amount {
		return &InsufficientError{Account: account, Need: amount, Available: available, Held: acc.Held}
	}
	acc.Held += amount // cannot overflow: Held + amount ≤ Posted
	s.touchAccount(acc)
	return nil
}

// begin journals an attempt; one with the same id is there already if the call is repeated.
func (s *State) begin(ref Ref, h *Hold, a Attempt, now time.Time) {
	for _, known := range s.attempts[ref] {
		if known.ID == a.ID {
			return
		}
	}
	a.Key, a.Scope, a.Holder, a.Fate = ref.Key, h.Scope, h.Holder.ID, ""
	a.BegunAt, a.FinishedAt = now, time.Time{}
	s.attempts[ref] = append(s.attempts[ref], &a)
	s.changes.Attempts[AttemptRef{ref, a.ID}] = &a
}

// unknown is the fate, a providers.Fate, of an attempt of which nobody could tell whether it ran.
const unknown = "unknown"

// finish records how an attempt ended. What was journalled is not rewritten, unless it was that nobody could tell and
// somebody can now: a holder that was taken over may still come with its answer.
func (s *State) finish(ref Ref, a Attempt, now time.Time) error {
	for _, known := range s.attempts[ref] {
		if known.ID != a.ID {
			continue
		}
		if known.Fate != "" && (known.Fate != unknown || a.Fate == unknown) {
			return nil
		}
		known.Fate, known.Error, known.RequestID = a.Fate, a.Error, a.RequestID
		known.Usage, known.Cost, known.ReportedCost = a.Usage, a.Cost, a.ReportedCost
		if a.JobID != "" {
			known.JobID = a.JobID
		}
		known.FinishedAt = now
		s.changes.Attempts[AttemptRef{ref, a.ID}] = known
		return nil
	}
	return fail("finish attempt", ref.Account, ref.Key, ErrNotFound, fmt.Sprintf("attempt %.40q was never begun", a.ID))
}

// receipt returns the receipt of a settled key. A store that has none is damaged, and must not be taken to mean that
// nothing was charged.
func (s *State) receipt(act string, ref Ref) (*Receipt, error) {
	r, ok := s.receipts[ref]
	if !ok {
		return nil, fail(act, ref.Account, ref.Key, ErrSettled, "its receipt is missing: verify the account")
	}
	return r, nil
}

// view returns a copy of a hold for a caller, with its open attempts.
func (s *State) view(h *Hold, fresh bool) Hold {
	out := *h
	out.Fresh, out.OpenAttempts = fresh, nil
	for _, a := range s.attempts[Ref{h.Account, h.Key}] {
		if a.Fate == "" {
			out.OpenAttempts = append(out.OpenAttempts, *a)
		}
	}
	return out
}
