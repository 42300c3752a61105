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

// misused reports whether the key names something else than the op's request.
func (r *row) misused(o op) bool {
	return r.state != unused && (!r.wasHeld() || int(r.print) != o.Print)
}

func (a *account) charge(r *row, o op) answer {
	switch {
	case r.misused(o):
		return answer{Err: errKeyReused}
	case r.state == isSettled:
		return r.receipt()
	case r.state == isOpen:
		return answer{Err: errInProgress, Holder: int(r.holder), Lease: r.lease}
	}
	if refused, ok := a.covers(o.Op, o.Amount); !ok {
		return refused
	}
	r.print, r.op, r.amount = uint8(o.Print), o.Op, o.Amount
	r.lots = a.purse.takeOrOwe(o.Amount)
	return a.charged(r, o)
}

// charged ends a key whose lots were charged.
func (a *account) charged(r *row, o op) answer {
	r.state, r.result = isSettled, o.ID
	r.charged = min(o.Amount, r.amount)
	r.writtenOff = o.Amount - r.charged
	a.post(r)
	return r.receipt()
}

func (a *account) hold(r *row, o op) answer {
	take := func() {
		r.state, r.holder, r.fence = isOpen, int16(o.Holder), int32(o.Fence)
		r.lease, r.expires = a.now+o.Lease.Microseconds(), a.now+o.TTL.Microseconds()
	}
	switch {
	case r.misused(o):
		return answer{Err: errKeyReused}
	case r.state == unused, r.state == isReleased:
		if refused, ok := a.covers(o.Op, o.Amount); !ok {
			return refused
		}
		r.amount, r.pin, r.print, r.op = o.Amount, o.ID, uint8(o.Print), o.Op
		r.lots = lots{}
		a.purse.pin(&r.lots, r.amount)
		take()
		if o.Attempt != 0 {
			r.begin(o)
		}
		return a.held(r, true)
	case r.state == isSettled:
		return r.receipt()
	case r.state == isExpired: // what it pinned stays, and with it what it was sized for
		if refused, ok := a.covers(r.op, r.amount); !ok {
			return refused
		}
		a.purse.pin(&r.lots, r.amount)
		take()
	case r.isOf(o):
	case o.Fence > int64(r.fence), r.lease <= a.now:
		take()
	default:
		return answer{Err: errInProgress, Holder: int(r.holder), Lease: r.lease}
	}
	return a.held(r, false)
}

func (a *account) extend(r *row, o op) answer {
	if refused := r.mine(o); refused != "" {
		return answer{Err: refused}
	}
	if more := o.Amount - r.amount; more > 0 {
		if refused, ok := a.covers(r.op, more); !ok {
			return refused
		}
		a.purse.pin(&r.lots, more)
		r.amount = o.Amount
	}
	r.renew(a, o)
	if o.TTL > 0 {
		r.expires = a.now + o.TTL.Microseconds()
	}
	return a.held(r, false)
}

func (a *account) settle(r *row, o op) answer {
	if !r.wasHeld() || !r.finish(o) {
		return answer{Err: errNotFound}
	}
	switch amount := min(o.Amount, r.amount); r.state {
	case isSettled:
		return r.receipt()
	case isOpen:
		r.lots = a.purse.chargePinned(&r.lots, amount)
	default: // late
		r.lots = a.purse.takeOrOwe(amount)
	}
	return a.charged(r, o)
}

func (r *row) isOf(o op) bool { return int(r.holder) == o.Holder && int64(r.fence) == o.Fence }

func (r *row) wasHeld() bool { return r.state >= isOpen }

// mine says why the op's holder may not act on the hold.
func (r *row) mine(o op) string {
	switch {
	case !r.wasHeld():
		return errNotFound
	case r.state == isSettled:
		return errSettled
	case !r.isOf(o):
		return errNotHolder
	case r.state != isOpen:
		return errClosed
	}
	return ""
}

func (r *row) renew(a *account, o op) {
	r.lease = a.now + o.Lease.Microseconds()
	r.expires = max(r.expires, r.lease)
}

func (r *row) begin(o op) {
	if t := &r.tried[o.Attempt-1]; t.Fate == absent {
		*t = attempt{Fate: open, Holder: r.holder}
	}
}

// finish reports whether the attempt that the op names, if it names one, was ever begun.
func (r *row) finish(o op) bool {
	if o.Attempt == 0 {
		return true
	}
	t := &r.tried[o.Attempt-1]
	if t.Fate == open || t.Fate == unknown {
		t.Fate = o.Fate
	}
	return t.Fate != absent
}

func (a *account) held(r *row, fresh bool) answer {
	said := answer{State: stateNames[r.state], Op: r.op, Amount: r.amount, Holder: int(r.holder), Fence: int64(r.fence), Print: int(r.print), Pin: r.pin,
		Fresh: fresh, Lease: r.lease, Expires: r.expires, Lots: a.purse.list(&r.lots, false)}
	for i, t := range r.tried {
		if t.Fate == open {
			said.Tried[i] = t
		}
	}
	return said
}

func (r *row) receipt() answer {
	return answer{State: credits.Settled, Op: r.op, Print: int(r.print), Entry: r.entry, Charged: r.charged, Amount: r.writtenOff, Result: r.result}
}
