package credits

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Window is how long a cap adds up before it begins anew.
type Window string

// The windows of a cap. They begin at midnight in the cap's zone.
const (
	Ever     Window = "ever" // never begins anew
	PerDay   Window = "day"
	PerWeek  Window = "week"
	PerMonth Window = "month"
)

// MaxCaps is how many caps an account can have: all of them are looked at whenever credits are held.
const MaxCaps = 100

// Cap limits what an account uses: the sum of what was charged, less refunds, and of what is held. It is checked in the
// same decision as a hold, a charge and an extension, which are refused with a [CapError]. A settle is never refused: it
// may bring a cap above its limit when it comes after its hold was given back.
//
// An amount belongs to the window in which its hold was made, whenever it is settled, released or refunded. If the clock goes
// back behind the beginning of a cap's window, what is made then belongs to that window.
type Cap struct {
	Account   Account `json:"account"`
	Name      string  `json:"name"`                // the host's, unique in the account, at most 200 bytes
	Operation string  `json:"operation,omitempty"` // counts only this operation; empty for all
	Scope     string  `json:"scope,omitempty"`     // counts only this scope; empty for all
	Window    Window  `json:"window"`
	// FirstDay is the day on which a week (1 is Monday, 7 is Sunday) or a month begins (a month without such a day on its
	// last one); the first if 0.
	FirstDay int    `json:"first_day,omitempty"`
	Zone     string `json:"zone,omitempty"`    // IANA name of the zone whose midnight it is; UTC if empty
	Limit    Amount `json:"limit"`             // credits; 0 allows nothing
	WarnAt   Amount `json:"warn_at,omitempty"` // credits at which there is an event, once in a window; none if 0
}

// CapUse is a cap and what its present window adds up to.
type CapUse struct {
	Cap
	Used  Amount    `json:"used"`           // credits
	Since time.Time `json:"since,omitzero"` // when the window began; zero for Ever
	Until time.Time `json:"until,omitzero"` // when it ends; zero for Ever
}

// RemoveCap removes a cap; if there is none of the name, nothing happens.
type RemoveCap struct {
	Account Account
	Name    string
}

// CapRow is what a store keeps of a cap.
type CapRow struct {
	Cap
	Used    Amount    // credits that are counted in the window that began at Since
	Since   time.Time // zero for Ever
	Warned  bool      // whether there was an event for WarnAt in this window
	Reached bool      // whether there was an event for a refusal in this window
}

// CapRef names a cap.
type CapRef struct {
	Account Account
	Name    string
}

// Ref implements [Op]. A cap has no key: its name says which it is.
func (c Cap) Ref() Ref { return Ref{Account: c.Account} }

// Ref implements [Op].
func (r RemoveCap) Ref() Ref { return Ref{Account: r.Account} }

// Counts reports whether the cap counts a hold of the operation and the scope.
func (c *Cap) Counts(operation, scope string) bool {
	return (c.Operation == "" || c.Operation == operation) && (c.Scope == "" || c.Scope == scope)
}

// use is a change of what is counted, in the window of a hold's creation.
type use struct {
	operation, scope string
	at               time.Time
	amount           Amount
}

func (c *CapRow) counts(u use) bool { return c.Counts(u.operation, u.scope) && !u.at.Before(c.Since) }

// LoadCap adds a cap of an account.
func (s *State) LoadCap(c CapRow) {
	caps := s.caps[c.Account]
	at, known := s.findCap(c.Account, c.Name)
	if known {
		return
	}
	s.caps[c.Account] = slices.Insert(caps, at, &c)
}

// findCap returns where a cap is among those of its account, which are in the order of their names, or where it would be.
func (s *State) findCap(account Account, name string) (at int, known bool) {
	return slices.BinarySearchFunc(s.caps[account], name, func(c *CapRow, name string) int { return cmp.Compare(c.Name, name) })
}

// LoadUse adds what a cap that is to be set counts already: the sum over the stored holds of its account that it counts
// and that were created at or after its [Cap.Start], of what is held by an open one, whether or not it has expired, and of
// the charge less its refunds of a settled one. A cap must be set in a batch that began with it loaded.
func (s *State) LoadUse(c Cap, used Amount) { s.used[c] = used }

func (s *State) touchCap(c *CapRow) { s.changes.Caps[CapRef{c.Account, c.Name}] = c }

// turnCaps begins the windows anew whose time has come. A clock that goes back does not bring an old window back: what is
// made then is of the present one; see made.
func (s *State) turnCaps(account Account, now time.Time) {
	for _, c := range s.caps[account] {
		if start := c.Start(now); start.After(c.Since) {
			c.Since, c.Used, c.Warned, c.Reached = start, 0, false, false
			s.touchCap(c)
		}
	}
}

// made is when credits that are taken now count as taken: not before a window that a cap is in. A clock that was wrong once
// would else leave the account without its caps until the time that it showed.
func (s *State) made(account Account, now time.Time) time.Time {
	for _, c := range s.caps[account] {
		now = c.notBefore(now)
	}
	return now
}

// notBefore returns a time that is not before the present window.
func (c *CapRow) notBefore(now time.Time) time.Time {
	if c.Since.After(now) {
		return c.Since
	}
	return now
}

// end is when the present window ends.
func (c *CapRow) end(now time.Time) time.Time { return c.End(c.notBefore(now)) }

// admit refuses to add to what caps count, if one does not leave room for it. What a refusal causes, an event, stays.
func (s *State) admit(ref Ref, more use, now time.Time) error {
	for _, c := range s.caps[ref.Account] {
		if !c.counts(more) {
			continue
		}
		if sum, err := c.Used.Add(more.amount); err == nil && sum <= c.Limit {
			continue
		}
		if !c.Reached {
			c.Reached = true
			s.touchCap(c)
			s.emit(Event{Account: ref.Account, Kind: CapReached, Key: ref.Key, Cap: c.Name, Amount: c.Limit, Now: c.Used, At: now})
		}
		return &CapError{Account: ref.Account, Cap: c.Name, Limit: c.Limit, Used: c.Used, Need: more.amount, Until: c.end(now)}
	}
	return nil
}

// count changes what caps count of a hold.
func (s *State) count(h *Hold, change Amount, now time.Time) {
	u := use{h.Operation, h.Scope, h.CreatedAt, change}
	s.uses[h.Account] = append(s.uses[h.Account], u)
	for _, c := range s.caps[h.Account] {
		if !c.counts(u) {
			continue
		}
		c.Used = c.Used.saturated(change)
		s.touchCap(c)
		s.warn(c, h.Key, now)
	}
}

func (s *State) warn(c *CapRow, key Key, now time.Time) {
	if c.WarnAt > 0 && c.Used >= c.WarnAt && !c.Warned {
		c.Warned = true
		s.touchCap(c)
		s.emit(Event{Account: c.Account, Kind: CapWarning, Key: key, Cap: c.Name, Amount: c.WarnAt, Now: c.Used, At: now})
	}
}

func (c Cap) apply(s *State, now time.Time) (Outcome, error) {
	i, known := s.findCap(c.Account, c.Name)
	if known && s.caps[c.Account][i].Cap == c {
		return Outcome{}, nil
	}
	if !known && len(s.caps[c.Account]) >= MaxCaps {
		return Outcome{}, failCap(c.Account, c.Name, fmt.Sprintf("the account has %d caps, which is the most: remove one", MaxCaps))
	}
	row := &CapRow{Cap: c, Since: c.Start(now), Used: s.used[c]}
	for _, u := range s.uses[c.Account] { // the batch has done this since it was loaded
		if row.counts(u) {
			row.Used = row.Used.saturated(u.amount)
		}
	}
	if known {
		s.caps[c.Account][i] = row
	} else {
		s.caps[c.Account] = slices.Insert(s.caps[c.Account], i, row)
	}
	s.touchAccount(s.account(c.Account)) // which may not have had anything yet
	s.touchCap(row)
	s.warn(row, "", now)
	return Outcome{}, nil
}

func (r RemoveCap) apply(s *State, _ time.Time) (Outcome, error) {
	if i, known := s.findCap(r.Account, r.Name); known {
		s.caps[r.Account] = slices.Delete(s.caps[r.Account], i, i+1)
		s.changes.Caps[CapRef(r)] = nil
	}
	return Outcome{}, nil
}

// Caps returns a loaded account's caps by name, with what they count at the given time. It needs, and leaves, the State as
// Balance does.
func (s *State) Caps(account Account, now time.Time) []CapUse {
	s.Balance(account, now)
	s.turnCaps(account, now)
	var out []CapUse
	for _, c := range s.caps[account] {
		out = append(out, CapUse{Cap: c.Cap, Used: c.Used, Since: c.Since, Until: c.end(now)})
	}
	return out
}
