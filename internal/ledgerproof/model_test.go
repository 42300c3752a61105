package ledgerproof_test

import (
	"github.com/scrip-go/scrip/credits"
)

// slots is how many keys the model has.
const slots = 12

// state is the state of a key. A search copies rows a million times, so they are small and have no pointers.
type state uint8

const (
	unused state = iota
	granted
	isOpen
	isSettled
	isReleased
	isExpired
)

var stateNames = [...]credits.HoldState{isOpen: credits.Open, isSettled: credits.Settled, isReleased: credits.Released, isExpired: credits.Expired}

// row is what the model knows of a key.
type row struct {
	state              state
	print              uint8
	holder             int16
	fence              int32
	amount             int64 // granted or held
	lease, expires     int64 // microseconds since epoch
	pin                int64
	entry, posted      int64 // of the grant or of the settle
	charged, writtenOf int64
	result             int64
	tried              [maxAttempts]attempt
}

// account is the model: an account whose calls come one after the other. It is compared with ==.
type account struct {
	now, posted, entries int64
	rows                 [slots]row
}

// apply does what the rules say, and returns what the ledger has to answer.
func (a *account) apply(o op) answer {
	r := &a.rows[o.Key]
	switch o.Kind {
	case advance:
		a.now += o.Lease.Microseconds()
		for i := range a.rows {
			if r := &a.rows[i]; r.state == isOpen && r.expires <= a.now {
				r.state = isExpired
			}
		}
	case reopen:
		r.lease = min(r.lease, a.now)
	case grant:
		return a.grant(r, o)
	case hold:
		return a.hold(r, o)
	case extend:
		if refused := r.mine(o); refused != "" {
			return answer{Err: refused}
		}
		if o.Amount > r.amount {
			if refused, ok := a.covers(o.Amount - r.amount); !ok {
				return refused
			}
			r.amount = o.Amount
		}
		r.renew(a, o)
		if o.TTL > 0 {
			r.expires = a.now + o.TTL.Microseconds()
		}
		return r.held(false)
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
	case lookup:
		switch {
		case !r.wasHeld():
			return answer{Err: errNotFound}
		case r.state == isSettled:
			return r.receipt()
		}
		return r.held(false)
	case balance:
		return answer{Posted: a.posted, Held: a.held()}
	case statement:
		return answer{Posted: a.posted, Entry: a.entries}
	case attempts:
		return answer{Tried: r.tried}
	}
	return answer{}
}

func (a *account) held() (sum int64) {
	for i := range a.rows {
		if a.rows[i].state == isOpen {
			sum += a.rows[i].amount
		}
	}
	return sum
}

func (a *account) covers(amount int64) (answer, bool) {
	held := a.held()
	if a.posted-held < amount {
		return answer{Err: errInsufficient, Amount: amount, Posted: a.posted, Held: held}, false
	}
	return answer{}, true
}

func (a *account) post(r *row, amount int64) {
	a.posted += amount
	a.entries++
	r.entry, r.posted = a.entries, a.posted
}

func (a *account) grant(r *row, o op) answer {
	switch {
	case r.state == unused:
		r.state, r.amount = granted, o.Amount
		a.post(r, o.Amount)
	case r.state != granted || r.amount != o.Amount:
		return answer{Err: errKeyReused}
	}
	return answer{Entry: r.entry, Posted: r.posted}
}

func (a *account) hold(r *row, o op) answer {
	take := func() {
		r.state, r.holder, r.fence = isOpen, int16(o.Holder), int32(o.Fence)
		r.lease, r.expires = a.now+o.Lease.Microseconds(), a.now+o.TTL.Microseconds()
	}
	switch {
	case r.state == granted, r.state != unused && int(r.print) != o.Print:
		return answer{Err: errKeyReused}
	case r.state == unused, r.state == isReleased:
		if refused, ok := a.covers(o.Amount); !ok {
			return refused
		}
		r.amount, r.pin, r.print = o.Amount, o.ID, uint8(o.Print)
		take()
		if o.Attempt != 0 {
			r.begin(o)
		}
		return r.held(true)
	case r.state == isSettled:
		return r.receipt()
	case r.state == isExpired:
		if refused, ok := a.covers(r.amount); !ok {
			return refused
		}
		take()
	case r.isOf(o):
	case o.Fence > int64(r.fence), r.lease <= a.now:
		take()
	default:
		return answer{Err: errInProgress, Holder: int(r.holder), Lease: r.lease}
	}
	return r.held(false)
}

func (a *account) settle(r *row, o op) answer {
	if !r.wasHeld() || !r.finish(o) {
		return answer{Err: errNotFound}
	}
	if r.state != isSettled {
		r.state, r.result = isSettled, o.ID
		r.charged = min(o.Amount, r.amount)
		r.writtenOf = o.Amount - r.charged
		a.post(r, -r.charged)
	}
	return r.receipt()
}

func (r *row) isOf(o op) bool { return int(r.holder) == o.Holder && int64(r.fence) == o.Fence }

func (r *row) wasHeld() bool { return r.state != unused && r.state != granted }

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

func (r *row) held(fresh bool) answer {
	a := answer{State: stateNames[r.state], Amount: r.amount, Holder: int(r.holder), Fence: int64(r.fence), Print: int(r.print), Pin: r.pin, Fresh: fresh,
		Lease: r.lease, Expires: r.expires}
	for i, t := range r.tried {
		if t.Fate == open {
			a.Tried[i] = t
		}
	}
	return a
}

func (r *row) receipt() answer {
	return answer{State: credits.Settled, Print: int(r.print), Entry: r.entry, Charged: r.charged, Amount: r.writtenOf, Result: r.result}
}
