package ledgerproof_test

import (
	"github.com/scrip-go/scrip/credits"
)

// The keys of the model. Any key can do anything; this is what histories use them for.
const (
	grantKeys  = 6 // and for adjustments
	refundKeys = 4
	holdKeys   = 8 // and for charges
	slots      = grantKeys + refundKeys + holdKeys
)

// state is the state of a key. A search copies rows a million times, so they are small and have no pointers.
type state uint8

const (
	unused state = iota
	isGrant
	isRenewal
	isAdjustment
	isRefund
	isOpen
	isSettled
	isReleased
	isExpired
)

var stateNames = [...]credits.HoldState{isOpen: credits.Open, isSettled: credits.Settled, isReleased: credits.Released, isExpired: credits.Expired}

// row is what the model knows of a key.
type row struct {
	state          state
	print          uint8
	op             operation
	holder, of     int16 // of: the key whose charge was refunded
	fence          int32
	amount         int64 // posted or held
	lease, expires int64 // microseconds since epoch
	pin            int64
	entry, after   int64 // the entry's number, and what was posted after it
	charged        int64
	writtenOff     int64
	refunded       int64 // of the charge
	result         int64
	lots           lots // that an open hold has pinned, a settled one or an adjustment was charged to, or a refund went back to
	tried          [maxAttempts]attempt
}

// account is the model: an account whose calls come one after the other. It is compared with ==.
type account struct {
	now, entries int64
	purse        purse
	caps         [maxCaps]limit
	rows         [slots]row
}

type limit struct {
	set  bool
	most int64
}

// apply does what the rules say, and returns what the ledger has to answer.
func (a *account) apply(o op) answer {
	r := &a.rows[o.Key]
	switch o.Kind {
	case advance:
		a.now += o.Lease.Microseconds()
		return answer{}
	case reopen:
		r.lease = min(r.lease, a.now)
		return answer{}
	case statement: // what is written, and not what would be written now
		return answer{Posted: a.purse.posted(), Entry: a.entries, Amount: a.purse.expired}
	case attempts:
		return answer{Tried: r.tried}
	}
	if !o.writes() { // a reader sees what a decision would begin with
		seen := *a
		seen.expire()
		return seen.read(&seen.rows[o.Key], o)
	}
	a.expire() // and that stays, whatever is decided
	said := a.decide(r, o)
	if said.Err == "" {
		a.settleUp() // what came back may have expired, or be due
	}
	return said
}

func (a *account) read(r *row, o op) answer {
	switch o.Kind {
	case lookup:
		switch {
		case !r.wasHeld():
			return answer{Err: errNotFound}
		case r.state == isSettled:
			return r.receipt()
		}
		return a.held(r, false)
	case buckets:
		return answer{Lots: a.purse.remains()}
	case caps:
		var said answer
		for i, c := range a.caps {
			if c.set {
				said.Caps[i] = capUse{true, c.most, a.used(i)}
			}
		}
		return said
	}
	return answer{Posted: a.purse.posted(), Held: a.sumHeld()} // balance
}

func (a *account) decide(r *row, o op) answer {
	switch o.Kind {
	case grant, renew:
		return a.grant(r, o)
	case adjust:
		return a.adjust(r, o)
	case refund:
		return a.refund(r, o)
	case charge:
		return a.charge(r, o)
	case hold:
		return a.hold(r, o)
	case extend:
		return a.extend(r, o)
	case settle:
		return a.settle(r, o)
	case release:
		gone := (r.state == isReleased || r.state == isExpired) && r.isOf(o)
		if refused := r.mine(o); refused != "" && !gone {
			return answer{Err: refused}
		}
		if !r.finish(o) {
			return answer{Err: errNotFound}
		}
		if r.state == isOpen {
			a.purse.unpin(&r.lots)
		}
		r.state = isReleased
	case begin:
		if refused := r.mine(o); refused != "" {
			return answer{Err: refused}
		}
		r.begin(o)
		r.renew(a, o)
	case finish:
		if !r.wasHeld() || !r.finish(o) {
			return answer{Err: errNotFound}
		}
	case setCap:
		a.caps[o.Cap-1] = limit{true, o.Amount}
	case removeCap:
		a.caps[o.Cap-1] = limit{}
	}
	return answer{}
}

// expire ends what has run out of time: holds, which give their credits back, and then buckets.
func (a *account) expire() {
	for i := range a.rows {
		if r := &a.rows[i]; r.state == isOpen && r.expires <= a.now {
			r.state = isExpired
			a.purse.unpin(&r.lots)
		}
	}
	a.settleUp()
}

// settleUp writes off what has expired and nobody holds, an entry for each bucket, and pays debt out of what is free.
func (a *account) settleUp() { a.entries += a.purse.settleUp(a.now) }

func (a *account) sumHeld() (sum int64) {
	for i := range a.rows {
		if a.rows[i].state == isOpen {
			sum += a.rows[i].amount
		}
	}
	return sum
}

// used is what a cap counts.
func (a *account) used(c int) (sum int64) {
	for i := range a.rows {
		switch r := &a.rows[i]; {
		case c == 1 && r.op != paint:
		case r.state == isOpen:
			sum += r.amount
		case r.state == isSettled:
			sum += r.charged - r.refunded
		}
	}
	return sum
}

// covers says why an amount cannot be taken for an operation, if it cannot.
func (a *account) covers(op operation, amount int64) (refused answer, ok bool) {
	held, posted := a.sumHeld(), a.purse.posted()
	if posted-held < amount {
		return answer{Err: errInsufficient, Amount: amount, Posted: posted, Held: held}, false
	}
	for i, c := range a.caps {
		if used := a.used(i); c.set && (i == 0 || op == paint) && used+amount > c.most {
			return answer{Err: errCap, Cap: i + 1, Amount: amount, Posted: c.most, Held: used}, false
		}
	}
	return answer{}, true
}

// post writes the entry of a key.
func (a *account) post(r *row) {
	a.entries++
	r.entry, r.after = a.entries, a.purse.posted()
}

func (a *account) entry(r *row) answer {
	said := answer{Entry: r.entry, Posted: r.after}
	if r.state == isAdjustment || r.state == isRefund {
		said.Lots = a.purse.list(&r.lots, r.state == isRefund)
	}
	return said
}

func (a *account) grant(r *row, o op) answer {
	becomes := isGrant
	if o.Kind == renew {
		becomes = isRenewal
	}
	switch {
	case r.state == becomes && r.amount == o.Amount:
		return a.entry(r)
	case r.state != unused:
		return answer{Err: errKeyReused}
	case o.Terms.Until != 0 && o.Terms.Until <= a.now:
		return answer{Err: errInvalid}
	case o.Kind == renew:
		a.purse.endPlans(a.now)
		a.settleUp()
	}
	r.state, r.amount = becomes, o.Amount
	a.purse.add(o.Terms, a.entries+1, o.Amount)
	a.post(r)
	return a.entry(r)
}

func (a *account) adjust(r *row, o op) answer {
	switch {
	case r.state == isAdjustment && r.amount == o.Amount:
		return a.entry(r)
	case r.state != unused:
		return answer{Err: errKeyReused}
	}
	r.state, r.amount = isAdjustment, o.Amount
	if o.Amount > 0 {
		a.purse.add(terms{Class: adjustment}, a.entries+1, o.Amount)
	} else {
		r.lots = a.purse.takeOrOwe(-o.Amount)
	}
	a.post(r)
	return a.entry(r)
}

func (a *account) refund(r *row, o op) answer {
	c := &a.rows[o.Charge]
	switch {
	case r.state == isRefund && r.amount == o.Amount && int64(r.of) == o.Charge:
		return a.entry(r)
	case r.state != unused:
		return answer{Err: errKeyReused}
	case c.state != isSettled:
		return answer{Err: errNotFound}
	case c.refunded+o.Amount > c.charged:
		return answer{Err: errRefund}
	}
	r.state, r.amount, r.of = isRefund, o.Amount, int16(o.Charge)
	r.lots = a.purse.giveBack(&c.lots, c.refunded, o.Amount, a.entries+1)
	c.refunded += o.Amount
	a.post(r)
	return a.entry(r)
}
