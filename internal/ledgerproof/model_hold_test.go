package ledgerproof_test

import (
	"github.com/scrip-go/scrip/credits"
)

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
