package credits

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Ref implements [Op].
func (g Grant) Ref() Ref { return Ref{g.Account, g.Key} }

// Ref implements [Op].
func (r Adjust) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r Refund) Ref() Ref { return Ref{r.Account, r.Key} }

// Ref implements [Op].
func (r Charge) Ref() Ref { return Ref{r.Account, r.Key} }

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

// answered returns the entry of a key that was posted before by a mutation of the given kinds, or an error if the key
// names something else.
func (s *State) answered(act string, ref Ref, same func(Entry) bool) (Entry, bool, error) {
	if known, ok := s.entries[ref]; ok {
		if !same(*known) {
			return Entry{}, false, fail(act, ref.Account, ref.Key, ErrKeyReused, fmt.Sprintf("it already names an entry: %s of %d", known.Kind, known.Amount))
		}
		return *known, true, nil
	}
	if _, held := s.holds[ref]; held {
		return Entry{}, false, fail(act, ref.Account, ref.Key, ErrKeyReused, "it names a hold")
	}
	return Entry{}, false, nil
}

func (g Grant) kind() EntryKind {
	if g.Renew {
		return EntryRenew
	}
	return EntryGrant
}

func (g Grant) apply(s *State, now time.Time) (Outcome, error) {
	expires := g.ExpiresAt
	if !expires.IsZero() {
		expires = expires.UTC().Truncate(time.Microsecond)
	}
	known, again, err := s.answered("grant", g.Ref(), func(e Entry) bool {
		if e.Kind != g.kind() || e.Amount != g.Amount || e.Note != g.Note {
			return false
		}
		b := s.purse(g.Account).find(e.Number) // need not be loaded once nothing of it remains
		return b == nil || b.Remaining() == 0 || b.Kind == g.Kind && b.Priority == g.Priority && b.ExpiresAt.Equal(expires)
	})
	if again || err != nil {
		return Outcome{Entry: known}, err
	}
	if !expires.IsZero() && !expires.After(now) {
		return Outcome{}, fail("grant", g.Account, g.Key, ErrInvalid, "it has expired already")
	}
	if _, err := s.account(g.Account).Posted.Add(g.Amount); err != nil {
		return Outcome{}, fail("grant", g.Account, g.Key, err, "")
	}
	if g.Renew {
		for _, b := range s.purse(g.Account).buckets {
			if b.Kind == Plan && !b.expired(now) {
				b.RenewedAt = now
				s.touchBucket(b)
			}
		}
		s.settleUp(g.Account, now)
	}
	made := s.newBucket(Bucket{Account: g.Account, Key: g.Key, Kind: g.Kind, Priority: g.Priority, ExpiresAt: expires, Amount: g.Amount})
	return Outcome{Entry: s.postKeyed(Entry{Account: g.Account, Kind: g.kind(), Amount: g.Amount, Key: g.Key, Note: g.Note, At: now}, made)}, nil
}

func (r Adjust) apply(s *State, now time.Time) (Outcome, error) {
	known, again, err := s.answered("adjust", r.Ref(), func(e Entry) bool {
		return e.Kind == EntryAdjust && e.Amount == r.Amount && e.Who == r.Who && e.Note == r.Why
	})
	if again || err != nil {
		return Outcome{Entry: known}, err
	}
	acc := s.account(r.Account)
	if r.Amount > 0 {
		_, err = acc.Posted.Add(r.Amount)
	} else {
		_, err = acc.Debt.Sub(r.Amount) // who is in debt has nothing free
	}
	if err != nil {
		return Outcome{}, fail("adjust", r.Account, r.Key, err, "")
	}
	e := Entry{Account: r.Account, Kind: EntryAdjust, Amount: r.Amount, Key: r.Key, Who: r.Who, Note: r.Why, At: now}
	var made [32]byte
	if r.Amount > 0 {
		made = s.newBucket(Bucket{Account: r.Account, Key: r.Key, Kind: Adjustment, Amount: r.Amount})
	} else {
		e.Lots = s.takeOrOwe(r.Account, -r.Amount)
	}
	return Outcome{Entry: s.postKeyed(e, made)}, nil
}

func (r Refund) apply(s *State, now time.Time) (Outcome, error) {
	known, again, err := s.answered("refund", r.Ref(), func(e Entry) bool {
		return e.Kind == EntryRefund && e.Amount == r.Amount && e.Charge == r.Charge && e.Who == r.Who && e.Note == r.Why
	})
	if again || err != nil {
		return Outcome{Entry: known}, err
	}
	h, receipt := s.holds[Ref{r.Account, r.Charge}], s.receipts[Ref{r.Account, r.Charge}]
	if h == nil || h.State != Settled {
		return Outcome{}, fail("refund", r.Account, r.Key, ErrNotFound, fmt.Sprintf("key %q is not settled", r.Charge))
	}
	if receipt == nil {
		return Outcome{}, fail("refund", r.Account, r.Key, ErrBroken, fmt.Sprintf("the receipt of key %q is missing: verify the account", r.Charge))
	}
	charged := sum(h.Lots)
	if left := charged - h.Refunded; r.Amount > left {
		return Outcome{}, fail("refund", r.Account, r.Key, ErrRefund, fmt.Sprintf("key %q was charged %d, of which %d can be refunded, not %d", r.Charge, charged, left, r.Amount))
	}
	if _, err := s.account(r.Account).Posted.Add(r.Amount); err != nil {
		return Outcome{}, fail("refund", r.Account, r.Key, err, "")
	}
	lots := refundLots(h.Lots, h.Refunded, r.Amount)
	var made [32]byte
	for i, l := range lots {
		if l.Bucket != 0 {
			b := s.bucket(r.Account, l.Bucket)
			b.Refunded += l.Amount
			s.touchBucket(b)
			continue
		}
		acc := s.account(r.Account)
		paid := min(acc.Debt, l.Amount)
		acc.Debt -= paid
		s.touchAccount(acc)
		if paid < l.Amount { // the debt was paid meanwhile
			made = s.newBucket(Bucket{Account: r.Account, Key: r.Key, Kind: Refunded, Amount: l.Amount - paid})
		}
		lots[i].Amount = paid
	}
	h.Refunded += r.Amount
	s.touchHold(h)
	s.count(h, -r.Amount, now)
	s.addTotals(refundTotal(&receipt.Record, r.Amount))
	e := s.postKeyed(Entry{Account: r.Account, Kind: EntryRefund, Amount: r.Amount, Key: r.Key, Charge: r.Charge,
		Operation: h.Operation, Scope: h.Scope, Who: r.Who, Note: r.Why, Lots: slices.DeleteFunc(lots, func(l Lot) bool { return l.Amount == 0 }), At: now}, made)
	return Outcome{Entry: e}, nil
}

func sum(lots []Lot) (total Amount) {
	for _, l := range lots {
		total += l.Amount
	}
	return total
}

// refundLots says where so much of a charge goes back to: the lots that were charged last go first, after what was
// refunded before.
func refundLots(charged []Lot, before, amount Amount) (out []Lot) {
	for _, l := range slices.Backward(charged) {
		skip := min(before, l.Amount)
		before -= skip
		part := min(l.Amount-skip, amount)
		if part > 0 {
			out = append(out, Lot{l.Bucket, part})
			amount -= part
		}
	}
	return out
}

func (r Charge) apply(s *State, now time.Time) (Outcome, error) {
	ref := r.Ref()
	if _, posted := s.entries[ref]; posted {
		return Outcome{}, fail("charge", r.Account, r.Key, ErrKeyReused, "it names another entry")
	}
	h, known := s.holds[ref]
	switch {
	case known && h.Fingerprint != r.Fingerprint:
		return Outcome{}, fail("charge", r.Account, r.Key, ErrKeyReused, "use a new key for a new request")
	case known && h.State == Settled:
		receipt, err := s.receipt("charge", ref)
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Receipt: *receipt}, nil
	case known && h.State == Open:
		return Outcome{}, &InProgressError{Account: r.Account, Key: r.Key, Holder: h.Holder.ID, Until: h.LeaseUntil}
	case !known:
		h = &Hold{Account: r.Account, Key: r.Key, Fingerprint: r.Fingerprint}
	}
	acc := s.account(r.Account)
	if available := acc.Posted - acc.Held; available < r.Amount {
		return Outcome{}, &InsufficientError{Account: r.Account, Need: r.Amount, Available: available, Held: acc.Held}
	}
	made := s.made(r.Account, now)
	if err := s.admit(ref, use{r.Operation, r.Scope, made, r.Amount}, now); err != nil {
		return Outcome{}, err
	}
	h.Operation, h.Scope, h.Amount, h.CreatedAt = r.Operation, r.Scope, r.Amount, made
	h.Holder, h.LeaseUntil, h.ExpiresAt = Holder{ID: chargeHolder, Lease: time.Microsecond}, now, now
	s.holds[ref] = h
	h.Lots = s.takeOrOwe(r.Account, r.Amount) // all of it is there
	return Outcome{Receipt: *s.charge(h, r.Amount, r.Amount, r.Record, r.Result, now)}, nil
}

// chargeHolder is the holder of what was held for no time.
const chargeHolder = "charge"

// charge posts the settle of a hold whose lots are charged, and keeps its receipt.
func (s *State) charge(h *Hold, charged, used Amount, rec UsageRecord, result []byte, now time.Time) *Receipt {
	counted := Amount(0)
	if h.State == Open {
		counted = h.Amount
	}
	s.count(h, charged-counted, now)
	h.State = Settled
	s.touchHold(h)
	rec.Account, rec.Key, rec.Entry, rec.At = h.Account, h.Key, s.next(h.Account), now
	rec.Operation, rec.Scope = h.Operation, h.Scope
	rec.Charged, rec.WrittenOff = charged, used-charged
	receipt := &Receipt{Key: h.Key, Fingerprint: h.Fingerprint, Entry: rec.Entry, Charged: charged, Record: rec, Result: result, Digest: sha256.Sum256(result)}
	s.post(Entry{Account: h.Account, Kind: EntrySettle, Amount: -charged, Key: h.Key, Operation: h.Operation, Scope: h.Scope,
		Lots: slices.Clone(h.Lots), At: now}, rec.digest(), receipt.chain())
	s.receipts[Ref{h.Account, h.Key}] = receipt
	s.changes.Receipts = append(s.changes.Receipts, receipt)
	s.addTotals(recordTotal(&receipt.Record))
	if rec.WrittenOff > 0 {
		s.emit(Event{Account: h.Account, Kind: WrittenOff, Key: h.Key, Amount: rec.WrittenOff, Now: s.account(h.Account).Posted, At: now})
	}
	return receipt
}

func (r HoldRequest) apply(s *State, now time.Time) (Outcome, error) {
	if known, posted := s.entries[r.Ref()]; posted {
		return Outcome{}, fail("hold", r.Account, r.Key, ErrKeyReused, "it names a "+string(known.Kind))
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
	made := s.made(r.Account, now)
	lots, err := s.pin(r.Ref(), use{r.Operation, r.Scope, made, r.Amount}, now)
	if err != nil {
		return Outcome{}, err
	}
	h.Operation, h.Scope, h.Amount, h.Pinned, h.Lots = r.Operation, r.Scope, r.Amount, r.Pinned, lots
	h.CreatedAt, h.State = made, Open
	r.take(h, now)
	s.holds[r.Ref()] = h
	s.touchHold(h)
	s.count(h, h.Amount, now)
	if r.First.ID != "" {
		s.begin(r.Ref(), h, r.First, now)
	}
	return r.held(s, h, true), nil
}

// reopen takes over a hold that ran out of time. Its holder may still come with an answer priced by what it pinned, so
// the pin stays, and with it the amount that was sized for it.
func (r HoldRequest) reopen(s *State, h *Hold, now time.Time) (Outcome, error) {
	made := s.made(r.Account, now)
	lots, err := s.pin(r.Ref(), use{h.Operation, h.Scope, made, h.Amount}, now)
	if err != nil {
		return Outcome{}, err
	}
	h.State, h.Lots, h.CreatedAt = Open, lots, made
	r.take(h, now)
	s.touchHold(h)
	s.count(h, h.Amount, now)
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
		more := r.Total - h.Amount
		lots, err := s.pin(r.Ref(), use{h.Operation, h.Scope, h.CreatedAt, more}, now)
		if err != nil {
			return Outcome{}, err
		}
		h.Amount, h.Lots = r.Total, s.addLots(r.Account, h.Lots, lots)
		s.count(h, more, now)
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
	if a := r.Record.Attempt; a != "" && a != r.Last.ID && !s.finished(r.Ref(), a) {
		return Outcome{}, fail("settle", r.Account, r.Key, ErrNotFound, fmt.Sprintf("the record names attempt %.40q, which has not ended", a))
	}
	charged := min(r.Amount, h.Amount)
	if h.State != Open {
		if _, err := s.account(r.Account).Debt.Add(charged); err != nil { // who is in debt has nothing free
			return Outcome{}, fail("settle", r.Account, r.Key, err, "")
		}
	}
	if r.Last.ID != "" {
		if err := s.finish(r.Ref(), r.Last, now); err != nil {
			return Outcome{}, err
		}
	}
	if h.State == Open {
		h.Lots = s.burn(r.Account, h.Lots, charged)
		acc := s.account(r.Account)
		acc.Held -= h.Amount
		s.touchAccount(acc)
	} else { // late: released or expired, its credits are back already; the charge comes out of what there is
		h.Lots = s.takeOrOwe(r.Account, charged)
	}
	return Outcome{Receipt: *s.charge(h, charged, r.Amount, r.Record, r.Result, now)}, nil
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
		s.giveBack(h, Released, now)
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
