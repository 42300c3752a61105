package credits_test

import (
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// naive is what the comments of the package say, written down in the plainest way: it keeps what happened and works
// everything out again from there whenever it is asked. A hold is never marked as expired; the clock says so.
type naive struct {
	happened []event              // of all accounts, in order
	known    map[credits.Ref]*tag // what a key is used for
}

// event is a line of an account.
type event struct {
	account credits.Account
	kind    credits.EntryKind
	key     credits.Key
	amount  credits.Amount
	note    string
	op      string
	scope   string
	at      time.Time
}

// tag is a key in use: exactly one of the two.
type tag struct {
	grant *credits.Grant
	hold  *promise
}

type promise struct {
	fingerprint [32]byte
	operation   string
	scope       string
	amount      credits.Amount
	pinned      string
	created     time.Time
	holder      credits.Holder
	lease, ends time.Time
	over        credits.HoldState // settled or released; empty if only time can end it
	tries       []try
	charge      *charge
}

type try struct {
	id, holder, fate string
	begun, finished  time.Time
}

type charge struct {
	entry               int64
	charged, writtenOff credits.Amount
	result              string
	at                  time.Time
}

func newNaive() *naive { return &naive{known: map[credits.Ref]*tag{}} }

func (p *promise) state(now time.Time) credits.HoldState {
	switch {
	case p.over != "":
		return p.over
	case now.Before(p.ends):
		return credits.Open
	}
	return credits.Expired
}

func (p *promise) isBy(h credits.Holder) bool {
	return p.holder.ID == h.ID && p.holder.Fence == h.Fence
}

func (n *naive) posted(a credits.Account) (sum credits.Amount) {
	for _, e := range n.happened {
		if e.account == a {
			sum += e.amount
		}
	}
	return sum
}

func (n *naive) entries(a credits.Account) (count int64) {
	for _, e := range n.happened {
		if e.account == a {
			count++
		}
	}
	return count
}

func (n *naive) held(a credits.Account, now time.Time) (sum credits.Amount) {
	for ref, t := range n.known {
		if ref.Account == a && t.hold != nil && t.hold.state(now) == credits.Open {
			sum += t.hold.amount
		}
	}
	return sum
}

func (n *naive) available(a credits.Account, now time.Time) credits.Amount {
	return n.posted(a) - n.held(a, now)
}

// verdict is what a mutation came to, in words that can be compared.
type verdict struct {
	class     error // the sentinel; nil if it was done
	need      credits.Amount
	available credits.Amount
	holder    string    // who has it, if it is in progress
	until     time.Time // for how long

	entry   int64 // of a grant, and of a receipt
	receipt *charge
	hold    *promise
	fresh   bool
	open    []string // ids of open attempts
}

func no(class error) verdict { return verdict{class: class} }

// apply decides one mutation.
func (n *naive) apply(op credits.Op, now time.Time) verdict {
	if op.Validate() != nil {
		return no(credits.ErrInvalid)
	}
	used := n.known[op.Ref()]
	switch r := op.(type) {
	case credits.Grant:
		return n.grant(used, r, now)
	case credits.HoldRequest:
		return n.hold(used, r, now)
	}
	if used == nil || used.hold == nil {
		return no(credits.ErrNotFound)
	}
	p := used.hold
	switch r := op.(type) {
	case credits.SettleRequest:
		return n.settle(p, r, now)
	case credits.FinishRequest:
		return n.finish(p, r.Attempt, now)
	case credits.ReleaseRequest:
		return n.release(p, r, now)
	case credits.ExtendRequest:
		if v := work(p, r.Holder, now); v.class != nil {
			return v
		}
		if more := r.Total - p.amount; more > 0 {
			if have := n.available(r.Account, now); have < more {
				return verdict{class: credits.ErrInsufficient, need: more, available: have}
			}
			p.amount = r.Total
		}
		p.workOn(r.Holder, now)
		if r.TTL > 0 {
			p.ends = now.Add(r.TTL)
		}
		return verdict{hold: p, open: p.unfinished()}
	case credits.BeginRequest:
		if v := work(p, r.Holder, now); v.class != nil {
			return v
		}
		p.begin(r.Attempt.ID, now)
		p.workOn(r.Holder, now)
		return verdict{}
	}
	panic("an unknown mutation")
}

func (n *naive) grant(used *tag, g credits.Grant, now time.Time) verdict {
	ref := g.Ref()
	if used != nil && (used.grant == nil || *used.grant != g) {
		return no(credits.ErrKeyReused)
	}
	if used == nil {
		n.known[ref] = &tag{grant: &g}
		n.happened = append(n.happened, event{account: g.Account, kind: credits.EntryGrant, key: g.Key, amount: g.Amount, note: g.Note, at: now})
	}
	number := int64(0)
	for _, e := range n.happened {
		if e.account == g.Account {
			number++
			if e.key == g.Key && e.kind == credits.EntryGrant {
				return verdict{entry: number}
			}
		}
	}
	panic("the grant has no entry")
}

func (n *naive) hold(used *tag, r credits.HoldRequest, now time.Time) verdict {
	if used == nil {
		return n.open(&promise{fingerprint: r.Fingerprint}, r, now)
	}
	p := used.hold
	if p == nil || p.fingerprint != r.Fingerprint {
		return no(credits.ErrKeyReused)
	}
	switch p.state(now) {
	case credits.Settled:
		return verdict{receipt: p.charge}
	case credits.Released:
		return n.open(p, r, now)
	case credits.Expired:
		if have := n.available(r.Account, now); have < p.amount {
			return verdict{class: credits.ErrInsufficient, need: p.amount, available: have}
		}
		p.takenBy(r, now)
	case credits.Open:
		switch {
		case p.isBy(r.Holder): // the same question
		case r.Holder.Fence > p.holder.Fence || !now.Before(p.lease):
			p.takenBy(r, now)
		default:
			return verdict{class: credits.ErrInProgress, holder: p.holder.ID, until: p.lease}
		}
	}
	return verdict{hold: p, open: p.unfinished()}
}

func (n *naive) open(p *promise, r credits.HoldRequest, now time.Time) verdict {
	if have := n.available(r.Account, now); have < r.Amount {
		return verdict{class: credits.ErrInsufficient, need: r.Amount, available: have}
	}
	p.operation, p.scope, p.amount, p.pinned, p.created, p.over = r.Operation, r.Scope, r.Amount, string(r.Pinned), now, ""
	p.takenBy(r, now)
	n.known[r.Ref()] = &tag{hold: p}
	if r.First.ID != "" {
		p.begin(r.First.ID, now)
	}
	return verdict{hold: p, fresh: true, open: p.unfinished()}
}

func (p *promise) takenBy(r credits.HoldRequest, now time.Time) {
	p.holder, p.lease, p.ends = r.Holder, now.Add(r.Holder.Lease), now.Add(r.TTL)
}

func (p *promise) workOn(h credits.Holder, now time.Time) {
	p.lease = now.Add(h.Lease)
	if p.lease.After(p.ends) { // a hold does not end while its holder works
		p.ends = p.lease
	}
}

// work says whether a holder may work on an open hold.
func work(p *promise, h credits.Holder, now time.Time) verdict {
	switch state := p.state(now); {
	case state == credits.Settled:
		return no(credits.ErrSettled)
	case !p.isBy(h):
		return no(credits.ErrNotHolder)
	case state != credits.Open:
		return no(credits.ErrClosed)
	}
	return verdict{}
}

func (n *naive) settle(p *promise, r credits.SettleRequest, now time.Time) verdict {
	if r.Last.ID != "" {
		if v := n.finish(p, r.Last, now); v.class != nil {
			return v
		}
	}
	if p.charge == nil {
		charged := min(r.Amount, p.amount)
		n.happened = append(n.happened, event{account: r.Account, kind: credits.EntrySettle, key: r.Key, amount: -charged,
			op: p.operation, scope: p.scope, at: now})
		p.over = credits.Settled
		p.charge = &charge{entry: n.entries(r.Account), charged: charged, writtenOff: r.Amount - charged, result: string(r.Result), at: now}
	}
	return verdict{receipt: p.charge}
}

func (n *naive) release(p *promise, r credits.ReleaseRequest, now time.Time) verdict {
	if v := work(p, r.Holder, now); v.class != nil && v.class != credits.ErrClosed {
		return v
	}
	if r.Last.ID != "" {
		if v := n.finish(p, r.Last, now); v.class != nil {
			return v
		}
	}
	p.over = credits.Released
	return verdict{}
}

func (p *promise) begin(id string, now time.Time) {
	if p.index(id) < 0 {
		p.tries = append(p.tries, try{id: id, holder: p.holder.ID, begun: now})
	}
}

func (n *naive) finish(p *promise, a credits.Attempt, now time.Time) verdict {
	i := p.index(a.ID)
	if i < 0 {
		return no(credits.ErrNotFound)
	}
	if known := p.tries[i].fate; known == "" || known == "unknown" && a.Fate != "unknown" {
		p.tries[i].fate, p.tries[i].finished = a.Fate, now
	}
	return verdict{}
}

func (p *promise) index(id string) int {
	return slices.IndexFunc(p.tries, func(t try) bool { return t.id == id })
}

func (p *promise) unfinished() (ids []string) {
	for _, t := range p.tries {
		if t.fate == "" {
			ids = append(ids, t.id)
		}
	}
	return ids
}
