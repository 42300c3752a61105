package credits

import (
	"fmt"
	"time"
)

// Ref implements [Op].
func (g Grant) Ref() Ref { return Ref{g.Account, g.Key} }

// Ref implements [Op].
func (r HoldRequest) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r ExtendRequest) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r SettleRequest) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r ReleaseRequest) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r BeginRequest) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r FinishRequest) Ref() Ref { return Ref{r.Account, r.Key} }

func (g Grant) apply(s *State, now time.Time) (Outcome, error) {
	if known, ok := s.grants[g.Ref()]; ok {
		if known.Grant != g {
			return Outcome{}, fail("grant", g.Account, g.Key, ErrKeyReused, "it granted "+known.Amount.String()+" before")
		}
		return Outcome{Entry: known.Entry}, nil
	}
	if _, held := s.holds[g.Ref()]; held {
		return Outcome{}, fail("grant", g.Account, g.Key, ErrKeyReused, "it names a hold")
	}
	acc := s.account(g.Account)
	if _, err := acc.Posted.Add(g.Amount); err != nil {
		return Outcome{}, fail("grant", g.Account, g.Key, err, "")
	}
	e := s.post(Entry{Account: g.Account, Kind: EntryGrant, Amount: g.Amount, Key: g.Key, Note: g.Note, At: now})
	row := &GrantRow{Grant: g, Entry: e}
	s.grants[g.Ref()] = row
	s.changes.Grants = append(s.changes.Grants, row)
	return Outcome{Entry: e}, nil
}

func (r HoldRequest) apply(s *State, now time.Time) (Outcome, error) {
	if _, granted := s.grants[r.Ref()]; granted {
		return Outcome{}, fail("hold", r.Account, r.Key, ErrKeyReused, "it names a grant")
	}
	h, known := s.holds[r.Ref()]
	if known && h.Fingerprint != r.Fingerprint {
		return Outcome{}, fail("hold", r.Account, r.Key, ErrKeyReused, "use a new key for a new request")
	}
	switch {
	case !known:
		h = &Hold{Account: r.Account, Key: r.Key, Fingerprint: r.Fingerprint}
		return r.open(s, h, now)
	case h.State == Settled:
		receipt, err := s.receipt("hold", r.Ref())
		return Outcome{Held: Held{Receipt: receipt}}, err
	case h.State == Released:
		return r.open(s, h, now)
	case h.State == Expired:
		return r.reopen(s, h, now)
	case h.Holder.ID == r.Holder.ID && h.Holder.Fence == r.Holder.Fence:
		// The same holder asks again, most likely because it did not hear the answer: nothing changes.
	case r.Holder.Fence > h.Holder.Fence, !h.LeaseUntil.After(now):
		r.take(h, now)
		s.touchHold(h)
	default:
		return Outcome{}, &InProgressError{Account: r.Account, Key: r.Key, Holder: h.Holder.ID, Until: h.LeaseUntil}
	}
	return r.held(s, h, false), nil
}

// open starts a fresh hold: what an earlier one of the same key pinned is of no interest, because its holder gave it up.
func (r HoldRequest) open(s *State, h *Hold, now time.Time) (Outcome, error) {
	if err := s.take(r.Account, r.Amount); err != nil {
		return Outcome{}, err
	}
	h.Operation, h.Scope, h.Amount, h.Pinned = r.Operation, r.Scope, r.Amount, r.Pinned
	h.CreatedAt, h.State = now, Open
	r.take(h, now)
	s.holds[r.Ref()] = h
	s.touchHold(h)
	if r.First.ID != "" {
		s.begin(r.Ref(), h, r.First, now)
	}
	return r.held(s, h, true), nil
}

// reopen takes over a hold that ran out of time. Its holder may still come with an answer priced by what it pinned, so
// the pin stays, and with it the amount that was sized for it.
func (r HoldRequest) reopen(s *State, h *Hold, now time.Time) (Outcome, error) {
	if err := s.take(r.Account, h.Amount); err != nil {
		return Outcome{}, err
	}
	h.State = Open
	r.take(h, now)
	s.touchHold(h)
	return r.held(s, h, false), nil
}

func (r HoldRequest) take(h *Hold, now time.Time) {
	h.Holder, h.LeaseUntil, h.ExpiresAt = r.Holder, now.Add(r.Holder.Lease), now.Add(r.TTL)
}

func (r HoldRequest) held(s *State, h *Hold, fresh bool) Outcome {
	view := s.view(h, fresh)
	return Outcome{Held: Held{Hold: &view}}
}

// mine returns the open hold of ref if holder is its holder.
func (s *State) mine(act string, ref Ref, holder Holder) (*Hold, error) {
	h, ok := s.holds[ref]
	switch {
	case !ok:
		return nil, fail(act, ref.Account, ref.Key, ErrNotFound, "hold it first")
	case h.State == Settled:
		return nil, fail(act, ref.Account, ref.Key, ErrSettled, "")
	case h.Holder.ID != holder.ID || h.Holder.Fence != holder.Fence:
		return nil, fail(act, ref.Account, ref.Key, ErrNotHolder, fmt.Sprintf("%q took it over", h.Holder.ID))
	case h.State != Open:
		return nil, fail(act, ref.Account, ref.Key, ErrClosed, "it is "+string(h.State))
	}
	return h, nil
}

// renew starts the holder's lease anew. The hold does not expire before its lease: while its holder works, its credits
// stay aside and its key is nobody else's.
func (h *Hold) renew(holder Holder, now time.Time) {
	h.LeaseUntil = now.Add(holder.Lease)
	if h.ExpiresAt.Before(h.LeaseUntil) {
		h.ExpiresAt = h.LeaseUntil
	}
}

func (r ExtendRequest) apply(s *State, now time.Time) (Outcome, error) {
	h, err := s.mine("extend", r.Ref(), r.Holder)
	if err != nil {
		return Outcome{}, err
	}
	if r.Total > h.Amount {
		if err := s.take(r.Account, r.Total-h.Amount); err != nil {
			return Outcome{}, err
		}
		h.Amount = r.Total
	}
	h.renew(r.Holder, now)
	if r.TTL > 0 {
		h.ExpiresAt = now.Add(r.TTL)
	}
	s.touchHold(h)
	return Outcome{Hold: s.view(h, false)}, nil
}

func (r SettleRequest) apply(s *State, now time.Time) (Outcome, error) {
	h, ok := s.holds[r.Ref()]
	if !ok {
		return Outcome{}, fail("settle", r.Account, r.Key, ErrNotFound, "hold it first")
	}
	if h.State == Settled {
		receipt, err := s.receipt("settle", r.Ref())
		if err != nil {
			return Outcome{}, err
		}
		if r.Last.ID != "" { // the loser's call ran and cost money, whoever won
			if err := s.finish(r.Ref(), r.Last, now); err != nil {
				return Outcome{}, err
			}
		}
		return Outcome{Receipt: *receipt}, nil
	}
	charged := min(r.Amount, h.Amount)
	if _, err := s.account(r.Account).Posted.Sub(charged); err != nil {
		return Outcome{}, fail("settle", r.Account, r.Key, err, "")
	}
	if r.Last.ID != "" {
		if err := s.finish(r.Ref(), r.Last, now); err != nil {
			return Outcome{}, err
		}
	}
	if h.State == Open {
		s.close(h, Settled)
	} else { // late: released or expired, its credits are back already; the charge comes out of what there is
		h.State = Settled
		s.touchHold(h)
	}
	e := s.post(Entry{Account: r.Account, Kind: EntrySettle, Amount: -charged, Key: r.Key,
		Operation: h.Operation, Scope: h.Scope, At: now})
	rec := r.Record
	rec.Account, rec.Key, rec.Entry, rec.At = r.Account, r.Key, e.Number, now
	rec.Operation, rec.Scope = h.Operation, h.Scope
	rec.Charged, rec.WrittenOff = charged, r.Amount-charged
	receipt := &Receipt{Key: r.Key, Fingerprint: h.Fingerprint, Entry: e.Number, Charged: charged, Record: rec, Result: r.Result}
	s.receipts[r.Ref()] = receipt
	s.changes.Receipts = append(s.changes.Receipts, receipt)
	return Outcome{Receipt: *receipt}, nil
}

func (r ReleaseRequest) apply(s *State, now time.Time) (Outcome, error) {
	h, ok := s.holds[r.Ref()]
	closed := ok && (h.State == Released || h.State == Expired) &&
		h.Holder.ID == r.Holder.ID && h.Holder.Fence == r.Holder.Fence
	if !closed {
		var err error
		if h, err = s.mine("release", r.Ref(), r.Holder); err != nil {
			return Outcome{}, err
		}
	}
	if r.Last.ID != "" {
		if err := s.finish(r.Ref(), r.Last, now); err != nil {
			return Outcome{}, err
		}
	}
	switch {
	case !closed:
		s.close(h, Released)
	case h.State == Expired: // given up after all: the next hold of the key starts afresh
		h.State = Released
		s.touchHold(h)
	}
	return Outcome{}, nil
}

func (r BeginRequest) apply(s *State, now time.Time) (Outcome, error) {
	h, err := s.mine("begin attempt", r.Ref(), r.Holder)
	if err != nil {
		return Outcome{}, err
	}
	s.begin(r.Ref(), h, r.Attempt, now)
	h.renew(r.Holder, now)
	s.touchHold(h)
	return Outcome{}, nil
}

func (r FinishRequest) apply(s *State, now time.Time) (Outcome, error) {
	if _, ok := s.holds[r.Ref()]; !ok {
		return Outcome{}, fail("finish attempt", r.Account, r.Key, ErrNotFound, "hold it first")
	}
	return Outcome{}, s.finish(r.Ref(), r.Attempt, now)
}
