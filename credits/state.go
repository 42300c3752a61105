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

// BucketRef names a bucket.
type BucketRef struct {
	Account Account
	Number  int64
}

// AttemptRow is an attempt with the account whose it is.
type AttemptRow struct {
	Account Account
	*Attempt
}

// AccountRow is what a store keeps of an account. Posted is what remains of its buckets, less Debt.
type AccountRow struct {
	Account Account
	Posted  Amount
	Held    Amount   // the sum of holds in state Open, those that have expired since included
	Debt    Amount   // what was charged beyond what there was, and is not paid yet
	Entries int64    // the number of the last entry
	Head    [32]byte // the hash of the last entry
	Events  int64    // the number of the last event
	// AlertBelow is the account's Alert, and Alerted whether the balance is below it and that was told.
	AlertBelow Amount
	Alerted    bool
}

// State is the part of a ledger that a batch of mutations is decided on. A store locks and loads the rows, calls
// [State.Apply] for each mutation in order, and saves [State.Changes], all in one transaction. A State is for one
// goroutine, and for one batch unless it is [State.Reset].
//
// What must be loaded before Apply(op), for each r of [Refs](op):
//
//   - the account row of r.Account, if it exists, and all its caps;
//   - the hold of r, if it exists, with all attempts and, if the hold is settled, the receipt; otherwise the entry of r
//     that is a grant, a renewal, a refund or an adjustment, if there is one;
//   - every bucket of r.Account with something remaining, and those that the lots of a loaded hold name;
//   - if op [Renews], every bucket of r.Account of the kind [Plan] that no renewal has ended yet, used up or not;
//   - every open hold of r.Account whose ExpiresAt is not after now, with its key, so that it can be expired. It is loaded
//     after the others and needs no attempts;
//   - if op is a [Cap], what it counts; see [State.LoadUse].
type State struct {
	accounts map[Account]*AccountRow
	buckets  map[Account]*purse
	entries  map[Ref]*Entry
	holds    map[Ref]*Hold
	attempts map[Ref][]*Attempt
	receipts map[Ref]*Receipt
	sounded  map[Account]bool      // that were found sound
	due      map[Account]time.Time // no open hold expires earlier; absent if there is none
	touched  map[*Attempt]bool     // that are among the changes
	caps     map[Account][]*CapRow // by name
	used     map[Cap]Amount        // what caps that are to be set count, as stored
	uses     map[Account][]use     // what the batch changed of what caps count
	totals   map[totalKey]*UsageTotal

	changes Changes
}

// Changes is what a batch did, row by row, each row in its final form.
type Changes struct {
	Accounts map[Account]*AccountRow // insert or update
	Buckets  map[BucketRef]*Bucket   // insert or update
	Holds    map[Ref]*Hold           // insert or update
	Attempts []AttemptRow            // insert or update; those of a key in the order in which they were begun
	Entries  []Entry                 // insert
	Receipts []*Receipt              // insert, with their usage records
	Caps     map[CapRef]*CapRow      // insert or update; nil is to be deleted
	Totals   []*UsageTotal           // add to what is stored, as UsageTotal.Add does
	Events   []Event                 // insert
}

// NewState returns a State with nothing loaded.
func NewState() *State {
	return &State{
		accounts: map[Account]*AccountRow{},
		buckets:  map[Account]*purse{},
		entries:  map[Ref]*Entry{},
		holds:    map[Ref]*Hold{},
		attempts: map[Ref][]*Attempt{},
		receipts: map[Ref]*Receipt{},
		sounded:  map[Account]bool{},
		due:      map[Account]time.Time{},
		touched:  map[*Attempt]bool{},
		caps:     map[Account][]*CapRow{},
		used:     map[Cap]Amount{},
		uses:     map[Account][]use{},
		totals:   map[totalKey]*UsageTotal{},
		changes: Changes{Accounts: map[Account]*AccountRow{}, Buckets: map[BucketRef]*Bucket{}, Holds: map[Ref]*Hold{},
			Caps: map[CapRef]*CapRow{}},
	}
}

// Reset forgets everything and keeps the memory, for the next batch. What [State.Changes] and [State.Apply] returned
// before is the caller's, except for the maps of Changes.
func (s *State) Reset() {
	clear(s.accounts)
	clear(s.buckets)
	clear(s.entries)
	clear(s.holds)
	clear(s.attempts)
	clear(s.receipts)
	clear(s.sounded)
	clear(s.due)
	clear(s.touched)
	clear(s.caps)
	clear(s.used)
	clear(s.uses)
	clear(s.totals)
	c := s.changes
	clear(c.Accounts)
	clear(c.Buckets)
	clear(c.Holds)
	clear(c.Caps)
	s.changes = Changes{Accounts: c.Accounts, Buckets: c.Buckets, Holds: c.Holds, Caps: c.Caps}
}

// LoadAccount adds an account's row.
func (s *State) LoadAccount(a AccountRow) { s.accounts[a.Account] = &a }

// LoadBucket adds a bucket, unless it is loaded already.
func (s *State) LoadBucket(b Bucket) { s.purse(b.Account).add(&b) }

// LoadEntry adds the entry of a grant, a renewal, a refund or an adjustment, so that its key is answered again.
func (s *State) LoadEntry(e Entry) { s.entries[Ref{e.Account, e.Key}] = &e }

// LoadHold adds a hold with all attempts of its key, oldest first, unless it is loaded already. The hold's OpenAttempts
// are ignored.
func (s *State) LoadHold(h Hold, attempts []Attempt) {
	ref := Ref{h.Account, h.Key}
	if _, loaded := s.holds[ref]; loaded {
		return
	}
	h.OpenAttempts = nil
	s.holds[ref] = &h
	s.watch(&h)
	for _, a := range attempts {
		s.attempts[ref] = append(s.attempts[ref], &a)
	}
}

// LoadReceipt adds the receipt of a settled hold.
func (s *State) LoadReceipt(account Account, r Receipt) { s.receipts[Ref{account, r.Key}] = &r }

// Changes returns what the mutations applied so far did.
func (s *State) Changes() *Changes { return &s.changes }

// Op is a mutation as data: [Grant], [Adjust], [Refund], [Charge], [HoldRequest], [ExtendRequest], [SettleRequest],
// [ReleaseRequest], [BeginRequest], [FinishRequest], [Cap], [RemoveCap] or [Alert].
type Op interface {
	// Ref names the account and the key that the mutation is about.
	Ref() Ref
	// Validate checks the request by itself. A store calls it before it queues or locks anything. The error matches
	// ErrInvalid.
	Validate() error

	apply(s *State, now time.Time) (Outcome, error)
}

// Refs returns every key whose rows decide a mutation: its own, and for a refund the charge's.
func Refs(op Op) []Ref {
	if r, ok := op.(Refund); ok {
		return []Ref{r.Ref(), {r.Account, r.Charge}}
	}
	return []Ref{op.Ref()}
}

// Renews reports whether a mutation is a renewal, which ends all earlier plan buckets: also one that is used up, to which a
// refund may still come back.
func Renews(op Op) bool {
	g, ok := op.(Grant)
	return ok && g.Renew
}

// Outcome is what a mutation returns: the field that belongs to it is set.
type Outcome struct {
	Held    Held    // of a HoldRequest
	Hold    Hold    // of an ExtendRequest
	Receipt Receipt // of a SettleRequest or a Charge
	Entry   Entry   // of a Grant, an Adjust or a Refund
}

// Apply decides one mutation at the given time. An error means that nothing of it happened; the State stays usable for
// the next mutation of the batch.
func (s *State) Apply(op Op, now time.Time) (Outcome, error) {
	if err := op.Validate(); err != nil {
		return Outcome{}, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	account := op.Ref().Account
	if !s.sounded[account] {
		if err := s.sound(account); err != nil {
			return Outcome{}, err
		}
		s.sounded[account] = true
	}
	s.turnCaps(account, now)
	s.expire(account, now)
	out, err := op.apply(s, now)
	if err == nil {
		s.settleUp(account, now) // what came back may be due
	}
	if acc, known := s.accounts[account]; known {
		s.alert(acc, op.Ref().Key, now) // at last: what a mutation does in between is nobody's concern
	}
	return out, err
}

// Balance returns what a loaded account has at the given time. It needs the account, its buckets and the open holds that
// have expired, and leaves the State with what expired until then: use it for reading only. Of rows that contradict each
// other it says what the account's row says.
func (s *State) Balance(account Account, now time.Time) Balance {
	if _, known := s.accounts[account]; !known {
		return Balance{}
	}
	if s.sound(account) == nil {
		s.expire(account, now.UTC().Truncate(time.Microsecond))
	}
	a := s.account(account)
	return Balance{Posted: a.Posted, Held: a.Held, Available: a.Posted - a.Held}
}

// Buckets returns a loaded account's buckets of which anything remains at the given time, in burn order. It needs, and
// leaves, the State as Balance does.
func (s *State) Buckets(account Account, now time.Time) []Bucket {
	s.Balance(account, now)
	var out []Bucket
	for _, b := range s.purse(account).buckets {
		if b.Remaining() > 0 {
			out = append(out, *b)
		}
	}
	return out
}

// expire closes the account's open holds whose time has come, and then its buckets. It is a decision of its own and
// stays, whatever becomes of the mutation that caused it.
func (s *State) expire(account Account, now time.Time) {
	if due, open := s.due[account]; open && !due.After(now) { // a batch is not to walk its holds at every mutation
		delete(s.due, account)
		for ref, h := range s.holds {
			if ref.Account != account {
				continue
			}
			if h.State == Open && !h.ExpiresAt.After(now) {
				s.giveBack(h, Expired, now)
			}
			s.watch(h)
		}
	}
	s.settleUp(account, now)
}

// watch has expire look at a hold when its time has come.
func (s *State) watch(h *Hold) {
	if h.State != Open {
		return
	}
	if due, open := s.due[h.Account]; !open || h.ExpiresAt.Before(due) {
		s.due[h.Account] = h.ExpiresAt
	}
}

// giveBack ends an open hold and gives its credits back to their buckets.
func (s *State) giveBack(h *Hold, to HoldState, now time.Time) {
	s.count(h, -h.Amount, now)
	s.unpin(h.Account, h.Lots)
	acc := s.account(h.Account)
	acc.Held -= h.Amount
	s.touchAccount(acc)
	h.State, h.Lots = to, nil
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

func (s *State) touchHold(h *Hold) {
	s.changes.Holds[Ref{h.Account, h.Key}] = h
	s.watch(h)
}

func (s *State) touchAttempt(account Account, a *Attempt) {
	if !s.touched[a] {
		s.touched[a] = true
		s.changes.Attempts = append(s.changes.Attempts, AttemptRow{account, a})
	}
}

// next is the number that the account's next entry will have.
func (s *State) next(a Account) int64 { return s.account(a).Entries + 1 }

// post appends an entry. The caller has checked that the amount fits. made and kept are the digests of what belongs to
// the entry: its bucket, or its usage record and its receipt.
func (s *State) post(e Entry, made, kept [32]byte) Entry {
	acc := s.account(e.Account)
	acc.Posted += e.Amount
	acc.Entries++
	e.Number, e.BalanceAfter = acc.Entries, acc.Posted
	e.Hash = e.hash(acc.Head, made, kept)
	acc.Head = e.Hash
	s.touchAccount(acc)
	s.changes.Entries = append(s.changes.Entries, e)
	return e
}

// postKeyed appends an entry whose key is to be answered again. made is the digest of the bucket that it makes, if any.
func (s *State) postKeyed(e Entry, made [32]byte) Entry {
	e = s.post(e, made, [32]byte{})
	s.entries[Ref{e.Account, e.Key}] = &e
	return e
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
	s.touchAttempt(ref.Account, &a)
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
		s.touchAttempt(ref.Account, known)
		return nil
	}
	return fail("finish attempt", ref.Account, ref.Key, ErrNotFound, fmt.Sprintf("attempt %.40q was never begun", a.ID))
}

// finished reports whether an attempt of a key has ended.
func (s *State) finished(ref Ref, id string) bool {
	for _, a := range s.attempts[ref] {
		if a.ID == id {
			return a.Fate != ""
		}
	}
	return false
}

// receipt returns the receipt of a settled key. A store that has none is damaged, and must not be taken to mean that
// nothing was charged.
func (s *State) receipt(act string, ref Ref) (*Receipt, error) {
	r, ok := s.receipts[ref]
	if !ok {
		return nil, fail(act, ref.Account, ref.Key, ErrSettled, "its receipt is missing: verify the account")
	}
	if r.Pruned {
		return nil, fail(act, ref.Account, ref.Key, ErrResultPruned, "what it brought is gone; it is not charged again")
	}
	return r, nil
}

// view returns a copy of a hold for a caller, with its open attempts.
func (s *State) view(h *Hold, fresh bool) Hold {
	out := *h
	out.Fresh, out.OpenAttempts = fresh, nil
	out.Lots = append([]Lot(nil), h.Lots...)
	for _, a := range s.attempts[Ref{h.Account, h.Key}] {
		if a.Fate == "" {
			out.OpenAttempts = append(out.OpenAttempts, *a)
		}
	}
	return out
}
