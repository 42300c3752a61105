package credits

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// purse is the loaded buckets of an account, in the order in which they are burned.
type purse struct{ buckets []*Bucket }

// burnOrder is by priority, then the earliest expiry, then the oldest.
func burnOrder(a, b *Bucket) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), compareExpiry(a.ExpiresAt, b.ExpiresAt), cmp.Compare(a.Number, b.Number))
}

func compareExpiry(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

func (p *purse) add(b *Bucket) {
	at, _ := slices.BinarySearchFunc(p.buckets, b, burnOrder)
	if at < len(p.buckets) && p.buckets[at].Number == b.Number {
		return
	}
	p.buckets = slices.Insert(p.buckets, at, b)
}

func (p *purse) find(number int64) *Bucket {
	for _, b := range p.buckets {
		if b.Number == number {
			return b
		}
	}
	return nil
}

func (b *Bucket) expired(now time.Time) bool {
	return !b.RenewedAt.IsZero() || !b.ExpiresAt.IsZero() && !b.ExpiresAt.After(now)
}

func (s *State) purse(account Account) *purse {
	p := s.buckets[account]
	if p == nil {
		p = &purse{}
		s.buckets[account] = p
	}
	return p
}

func (s *State) touchBucket(b *Bucket) { s.changes.Buckets[BucketRef{b.Account, b.Number}] = b }

// newBucket makes the bucket of the account's next entry, and returns its digest for that entry's hash.
func (s *State) newBucket(b Bucket) [32]byte {
	b.Number = s.next(b.Account)
	s.purse(b.Account).add(&b)
	s.touchBucket(&b)
	return b.digest()
}

// bucket returns the bucket of a lot, which is there, or sound would have refused the account.
func (s *State) bucket(account Account, number int64) *Bucket { return s.purse(account).find(number) }

// sound refuses an account whose loaded rows contradict each other, or are not all there, before anything is decided on
// them: what remains of the buckets is what the account has, what is pinned is what is held, and every lot has its bucket.
func (s *State) sound(account Account) error {
	broken := func(why string, args ...any) error {
		return fmt.Errorf("credits: account %q: %w: %s: verify it", account, ErrBroken, fmt.Sprintf(why, args...))
	}
	var remaining, pinned Amount
	for _, b := range s.purse(account).buckets {
		if b.Pinned < 0 || b.Free() < 0 {
			return broken("bucket %d has %d left and %d pinned", b.Number, b.Remaining(), b.Pinned)
		}
		remaining += b.Remaining()
		pinned += b.Pinned
	}
	acc := s.account(account)
	if acc.Posted != remaining-acc.Debt || acc.Held != pinned || acc.Debt < 0 {
		return broken("posted %d, held %d and debt %d, but its buckets have %d left and %d pinned", acc.Posted, acc.Held, acc.Debt, remaining, pinned)
	}
	for ref, h := range s.holds {
		if ref.Account != account {
			continue
		}
		var lots Amount
		for _, l := range h.Lots {
			if b := s.purse(account).find(l.Bucket); l.Bucket != 0 && b == nil || h.State == Open && (b == nil || b.Pinned < l.Amount) {
				return broken("hold %q has a lot of %d in bucket %d, which does not", h.Key, l.Amount, l.Bucket)
			}
			lots += l.Amount
		}
		if h.State == Open && lots != h.Amount {
			return broken("hold %q is of %d, but its lots are of %d", h.Key, h.Amount, lots)
		}
	}
	return nil
}

// free walks the buckets that have something to take, in burn order, and takes up to amount of them. take says what
// becomes of a bucket's part. It returns the lots, and what could not be taken.
func (s *State) free(account Account, amount Amount, take func(*Bucket, Amount)) (lots []Lot, rest Amount) {
	for _, b := range s.purse(account).buckets {
		part := min(b.Free(), amount)
		if part <= 0 {
			continue
		}
		take(b, part)
		s.touchBucket(b)
		lots = append(lots, Lot{b.Number, part})
		if amount -= part; amount == 0 {
			break
		}
	}
	return lots, amount
}

// pin sets the credits of a use aside, if there are enough and no cap is in the way, and returns the buckets they are of.
func (s *State) pin(ref Ref, u use, now time.Time) ([]Lot, error) {
	acc := s.account(ref.Account)
	if available := acc.Posted - acc.Held; available < u.amount {
		return nil, &InsufficientError{Account: ref.Account, Need: u.amount, Available: available, Held: acc.Held}
	}
	if err := s.admit(ref, u, now); err != nil {
		return nil, err
	}
	lots, _ := s.free(ref.Account, u.amount, func(b *Bucket, part Amount) { b.Pinned += part }) // all of it is there, see sound
	acc.Held += u.amount                                                                        // cannot overflow: Held + amount ≤ Posted
	s.touchAccount(acc)
	return lots, nil
}

// addLots puts further lots to those of a hold, and keeps them in burn order.
func (s *State) addLots(account Account, lots, more []Lot) []Lot {
	out := slices.Clone(lots)
	for _, l := range more {
		if i := slices.IndexFunc(out, func(o Lot) bool { return o.Bucket == l.Bucket }); i >= 0 {
			out[i].Amount += l.Amount
			continue
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Lot) int { return burnOrder(s.bucket(account, a.Bucket), s.bucket(account, b.Bucket)) })
	return out
}

func (s *State) unpin(account Account, lots []Lot) {
	for _, l := range lots {
		b := s.bucket(account, l.Bucket)
		b.Pinned -= l.Amount
		s.touchBucket(b)
	}
}

// burn charges so much of what is pinned, gives the rest back, and returns what each bucket was charged.
func (s *State) burn(account Account, pinned []Lot, amount Amount) (charged []Lot) {
	s.unpin(account, pinned)
	for _, l := range pinned {
		part := min(l.Amount, amount)
		if part == 0 {
			break
		}
		s.bucket(account, l.Bucket).Charged += part
		charged = append(charged, Lot{l.Bucket, part})
		amount -= part
	}
	return charged
}

// takeOrOwe charges what is available, and leaves the rest as debt.
func (s *State) takeOrOwe(account Account, amount Amount) []Lot {
	lots, rest := s.free(account, amount, func(b *Bucket, part Amount) { b.Charged += part })
	if rest > 0 {
		acc := s.account(account)
		acc.Debt += rest
		s.touchAccount(acc)
		lots = append(lots, Lot{0, rest})
	}
	return lots
}

// settleUp lets go what has expired and is not pinned, and pays debt out of what is free.
func (s *State) settleUp(account Account, now time.Time) {
	p := s.purse(account)
	for _, b := range p.buckets {
		gone := b.Free()
		if !b.expired(now) || gone == 0 {
			continue
		}
		b.Expired += gone
		s.touchBucket(b)
		s.post(Entry{Account: account, Kind: EntryExpired, Amount: -gone, Key: b.Key, Lots: []Lot{{b.Number, gone}}, At: now}, [32]byte{}, [32]byte{})
	}
	acc, ok := s.accounts[account]
	if !ok || acc.Debt == 0 {
		return
	}
	_, rest := s.free(account, acc.Debt, func(b *Bucket, part Amount) { b.PaidDebt += part })
	if rest != acc.Debt {
		acc.Debt = rest
		s.touchAccount(acc)
	}
}
