package credits_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// naive is what the comments of the package say, written down in the plainest way: it keeps every single credit with all
// that ever happened to it, and works everything out again from there whenever it is asked. A hold is never marked as
// expired; the clock says so.
type naive struct {
	happened []event              // of all accounts, in order
	pots     []*pot               // of all accounts, in order
	debts    []debtor             // every credit that was charged before there was one, of all accounts
	known    map[credits.Ref]*tag // what a key is used for
	met      map[string]int       // the rules that came into play, to see whether the tapes are any good
	limits   map[credits.CapRef]*limit
	bells    map[credits.Account]*bell
	told     []credits.Event // of all accounts, in order
}

// limit is a cap. What it counts is summed up over all holds whenever it is asked.
type limit struct {
	credits.Cap
	warned, reached map[string]bool // the windows, by the day on which they began, in which that was told
}

// bell is an alert.
type bell struct {
	below credits.Amount
	rang  bool
}

// event is a line of an account.
type event struct {
	account credits.Account
	kind    credits.EntryKind
	key     credits.Key
	of      credits.Key
	amount  credits.Amount
	who     string
	note    string
	op      string
	scope   string
	lots    string
	at      time.Time
}

// pot is credits that were added together.
type pot struct {
	account  credits.Account
	number   int64
	key      credits.Key
	kind     credits.GrantKind
	priority int
	expires  time.Time
	renewed  time.Time // when a renewal ended it; zero if none did
	credits  []*credit
}

// credit is one credit and its past.
type credit struct {
	of   *pot
	past []fate
}

type fate string

const (
	added     fate = "added"
	pinned    fate = "pinned"
	unpinned  fate = "unpinned"
	charged   fate = "charged"
	refunded  fate = "refunded"
	expired   fate = "expired"
	paidADebt fate = "paid a debt"
)

func (c *credit) last() fate { return c.past[len(c.past)-1] }

func (c *credit) free() bool {
	return c.last() == added || c.last() == unpinned || c.last() == refunded
}

func (c *credit) there() bool { return c.free() || c.last() == pinned }

func (c *credit) becomes(f fate) { c.past = append(c.past, f) }

func (p *pot) count(is func(*credit) bool) (n credits.Amount) {
	for _, c := range p.credits {
		if is(c) {
			n++
		}
	}
	return n
}

// ever counts how often something happened to the pot's credits.
func (p *pot) ever(f fate) (n credits.Amount) {
	for _, c := range p.credits {
		for _, past := range c.past {
			if past == f {
				n++
			}
		}
	}
	return n
}

func (p *pot) isOver(now time.Time) bool {
	return !p.renewed.IsZero() || !p.expires.IsZero() && !now.Before(p.expires)
}

// debtor is a credit that an account owes, until it is paid.
type debtor struct {
	account credits.Account
	paid    bool
}

// tag is a key in use: exactly one of the two.
type tag struct {
	done  credits.Op // a grant, an adjustment or a refund
	entry int64
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
	credits     []*credit         // that it has pinned, in the order in which they will be burned
	tries       []try
	bill        *bill
}

type try struct {
	id, holder, fate string
	begun, finished  time.Time
}

// bill is a charge.
type bill struct {
	entry               int64
	charged, writtenOff credits.Amount
	result              string
	at                  time.Time
	credits             []*credit // not refunded yet, in the order in which they were charged; nil for one that was owed
	back                credits.Amount
	record              credits.UsageRecord // as it was asked for
}

func newNaive() *naive {
	return &naive{known: map[credits.Ref]*tag{}, met: map[string]int{}, limits: map[credits.CapRef]*limit{}, bells: map[credits.Account]*bell{}}
}

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

func (n *naive) entries(a credits.Account) (count int64) {
	for _, e := range n.happened {
		if e.account == a {
			count++
		}
	}
	return count
}

func (n *naive) debt(a credits.Account) (sum credits.Amount) {
	for _, d := range n.debts {
		if d.account == a && !d.paid {
			sum++
		}
	}
	return sum
}

// inOrder is the account's pots in the order in which they are burned.
func (n *naive) inOrder(a credits.Account) (out []*pot) {
	for _, p := range n.pots {
		if p.account == a {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(x, y *pot) int { // they are in the order of their age
		switch {
		case x.priority != y.priority:
			return x.priority - y.priority
		case x.expires.Equal(y.expires):
			return 0
		case x.expires.IsZero():
			return 1
		case y.expires.IsZero():
			return -1
		}
		return x.expires.Compare(y.expires)
	})
	return out
}

// sight is what is left of a pot at some time.
type sight struct {
	number       int64
	left, pinned credits.Amount
}

// see works out what an account has at a time without anything being decided: who has a hold whose time has come has
// nothing any more, and what is in a pot whose time has come is nobody's. What comes free that way pays debt first.
func (n *naive) see(a credits.Account, now time.Time) (balance credits.Balance, sights []sight) {
	held := map[*credit]bool{}
	for ref, t := range n.known {
		if ref.Account == a && t.hold != nil && t.hold.state(now) == credits.Open {
			for _, c := range t.hold.credits {
				held[c] = true
			}
		}
	}
	owed := n.debt(a)
	balance.Posted = -owed
	for _, p := range n.inOrder(a) {
		s := sight{number: p.number}
		for _, c := range p.credits {
			switch {
			case held[c]:
				s.left++
				s.pinned++
			case c.there() && !p.isOver(now) && owed > 0:
				balance.Posted++ // and one less is owed
				owed--
			case c.there() && !p.isOver(now):
				s.left++
			}
		}
		balance.Posted += s.left
		balance.Held += s.pinned
		if s.left > 0 {
			sights = append(sights, s)
		}
	}
	balance.Available = balance.Posted - balance.Held
	return balance, sights
}

func (n *naive) available(a credits.Account, now time.Time) credits.Amount {
	b, _ := n.see(a, now)
	return b.Available
}

// verdict is what a mutation came to, in words that can be compared.
type verdict struct {
	class     error // the sentinel; nil if it was done
	need      credits.Amount
	available credits.Amount
	holder    string    // who has it, if it is in progress
	until     time.Time // for how long

	entry   int64 // of a grant, an adjustment or a refund
	receipt *bill
	hold    *promise
	lots    string // of a hold
	fresh   bool
	open    []string // ids of open attempts
}

func no(class error) verdict { return verdict{class: class} }

func insufficient(need, have credits.Amount) verdict {
	return verdict{class: credits.ErrInsufficient, need: need, available: have}
}

func (p *promise) shown(fresh bool) verdict {
	return verdict{hold: p, lots: lotsOf(p.credits), fresh: fresh, open: p.unfinished()}
}

// lotsOf says how many credits in a row are of one pot.
func lotsOf(list []*credit) string {
	var lots []credits.Lot
	for _, c := range list {
		number := int64(0)
		if c != nil {
			number = c.of.number
		}
		if len(lots) == 0 || lots[len(lots)-1].Bucket != number {
			lots = append(lots, credits.Lot{Bucket: number})
		}
		lots[len(lots)-1].Amount++
	}
	return fmt.Sprint(lots)
}

// apply decides one mutation.
func (n *naive) apply(op credits.Op, now time.Time) verdict {
	if op.Validate() != nil {
		return no(credits.ErrInvalid)
	}
	account := op.Ref().Account
	n.catchUp(account, now)
	v := n.decide(op, now)
	n.catchUp(account, now)
	n.warn(account, op.Ref().Key, now)
	n.ring(account, op.Ref().Key, now)
	return v
}

// day is a label of the window of a cap that a time is in: the civil day on which it begins.
func (l *limit) day(at time.Time) string {
	if l.Window == credits.Ever {
		return ""
	}
	year, month, day := at.In(zone(l.Zone)).Date()
	asked := civil{l.Window, l.FirstDay, year, month, day}
	if _, known := days[asked]; !known {
		begins, _ := naiveWindow(l.Cap, at)
		days[asked] = begins.Format(time.DateOnly)
	}
	return days[asked]
}

var days = map[civil]string{} // that were worked out before

type civil struct {
	window credits.Window
	first  int
	year   int
	month  time.Month
	day    int
}

// until is when the window of a time is over: the first quarter of an hour of the day on which the next begins.
func (l *limit) until(now time.Time) time.Time {
	if l.Window == credits.Ever {
		return time.Time{}
	}
	_, ends := naiveWindow(l.Cap, now)
	at := ends.Add(-12 * time.Hour) // no zone of the tapes is further from UTC
	for at.In(zone(l.Zone)).Format(time.DateOnly) != ends.Format(time.DateOnly) {
		at = at.Add(15 * time.Minute)
	}
	return at
}

func (l *limit) counts(p *promise, now time.Time) bool {
	if l.Operation != "" && l.Operation != p.operation || l.Scope != "" && l.Scope != p.scope {
		return false
	}
	return l.day(p.created) == l.day(now)
}

// used is what a cap counts: of the holds of its window what they have and what they were charged, less what came back.
func (n *naive) used(l *limit, now time.Time) (sum credits.Amount) {
	for ref, t := range n.known {
		switch p := t.hold; {
		case ref.Account != l.Account || p == nil || !l.counts(p, now):
		case p.bill != nil:
			sum += p.bill.charged - p.bill.back
		case p.state(now) == credits.Open:
			sum += p.amount
		}
	}
	return sum
}

// ofAccount is an account's caps by name.
func (n *naive) ofAccount(a credits.Account) (out []*limit) {
	for ref, l := range n.limits {
		if ref.Account == a {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(x, y *limit) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

func (n *naive) tell(e credits.Event) {
	for _, before := range n.told {
		if before.Account == e.Account {
			e.Number++
		}
	}
	e.Number++
	n.met["told of "+string(e.Kind)]++
	n.told = append(n.told, e)
}

// admit says whether the caps leave room for more of what a promise is of.
func (n *naive) admit(ref credits.Ref, p *promise, more credits.Amount, now time.Time) verdict {
	for _, l := range n.ofAccount(ref.Account) {
		used := n.used(l, now)
		if !l.counts(p, now) {
			n.met["a cap does not count it"]++
			continue
		}
		if used+more <= l.Limit {
			continue
		}
		if !l.reached[l.day(now)] {
			l.reached[l.day(now)] = true
			n.tell(credits.Event{Account: ref.Account, Kind: credits.CapReached, Key: ref.Key, Cap: l.Name, Amount: l.Limit, Now: used, At: now})
		}
		return verdict{class: credits.ErrCap, need: more, available: l.Limit - used, holder: l.Name, until: l.until(now)}
	}
	return verdict{}
}

// warn tells of the caps that have come to where they warn.
func (n *naive) warn(a credits.Account, k credits.Key, now time.Time) {
	for _, l := range n.ofAccount(a) {
		if used := n.used(l, now); l.WarnAt > 0 && used >= l.WarnAt && !l.warned[l.day(now)] {
			if len(l.warned) > 0 {
				n.met["a cap warns in a further window"]++
			}
			l.warned[l.day(now)] = true
			n.tell(credits.Event{Account: a, Kind: credits.CapWarning, Key: k, Cap: l.Name, Amount: l.WarnAt, Now: used, At: now})
		}
	}
}

func (n *naive) posted(a credits.Account) (sum credits.Amount) {
	for _, e := range n.happened {
		if e.account == a {
			sum += e.amount
		}
	}
	return sum
}

// ring tells of a balance that is low, until it no longer is.
func (n *naive) ring(a credits.Account, k credits.Key, now time.Time) {
	b := n.bells[a]
	if b == nil {
		return
	}
	posted := n.posted(a)
	low := b.below > 0 && posted < b.below
	if low && !b.rang {
		n.tell(credits.Event{Account: a, Kind: credits.LowBalance, Key: k, Amount: b.below, Now: posted, At: now})
	}
	b.rang = low
}

// records is the usage records of all accounts.
func (n *naive) records() (out []credits.UsageRecord) {
	for ref, t := range n.known {
		if t.hold == nil || t.hold.bill == nil {
			continue
		}
		b := t.hold.bill
		r := b.record
		r.Account, r.Key, r.Operation, r.Scope, r.Entry, r.At = ref.Account, ref.Key, t.hold.operation, t.hold.scope, b.entry, b.at
		r.Charged, r.WrittenOff, r.Refunded = b.charged, b.writtenOff, b.back
		out = append(out, r)
	}
	return out
}

// catchUp writes down what time has done to an account: it ends holds, then what is free in a pot that is over is gone,
// and what is left free pays debt.
func (n *naive) catchUp(a credits.Account, now time.Time) {
	for ref, t := range n.known {
		if ref.Account == a && t.hold != nil && t.hold.state(now) == credits.Expired {
			n.giveBack(t.hold, now)
		}
	}
	for _, p := range n.inOrder(a) {
		if !p.isOver(now) {
			continue
		}
		var gone []*credit
		for _, c := range p.credits {
			if c.free() {
				if c.last() != added {
					n.met["a credit expires after it was "+string(c.last())]++
				}
				c.becomes(expired)
				gone = append(gone, c)
			}
		}
		if len(gone) > 0 {
			n.happened = append(n.happened, event{account: a, kind: credits.EntryExpired, key: p.key, amount: credits.Amount(-len(gone)), lots: lotsOf(gone), at: now})
		}
	}
	for range n.debt(a) {
		c := n.nextFree(a)
		if c == nil {
			break
		}
		n.met["a debt is paid by a credit that was "+string(c.last())]++
		c.becomes(paidADebt)
		n.debts[slices.Index(n.debts, debtor{account: a})].paid = true
	}
}

func (n *naive) giveBack(p *promise, now time.Time) {
	for _, c := range p.credits {
		c.becomes(unpinned)
	}
	p.credits = nil
}

// nextFree is the free credit that is burned next; nil if there is none.
func (n *naive) nextFree(a credits.Account) *credit {
	for _, p := range n.inOrder(a) {
		for _, c := range p.credits {
			if c.free() {
				return c
			}
		}
	}
	return nil
}

// take takes so many free credits.
func (n *naive) take(a credits.Account, amount credits.Amount, f fate) (out []*credit) {
	for _, p := range n.inOrder(a) {
		for _, c := range p.credits {
			if c.free() && credits.Amount(len(out)) < amount {
				c.becomes(f)
				out = append(out, c)
			}
		}
	}
	return out
}

// takeOrOwe charges what there is, and owes the rest.
func (n *naive) takeOrOwe(a credits.Account, amount credits.Amount) []*credit {
	out := n.take(a, amount, charged)
	for credits.Amount(len(out)) < amount {
		n.debts = append(n.debts, debtor{account: a})
		out = append(out, nil)
	}
	return out
}

func (n *naive) newPot(p pot, amount credits.Amount) {
	p.number = n.entries(p.account) + 1
	for range amount {
		p.credits = append(p.credits, &credit{&p, []fate{added}})
	}
	n.pots = append(n.pots, &p)
}

func (n *naive) decide(op credits.Op, now time.Time) verdict {
	used := n.known[op.Ref()]
	switch r := op.(type) {
	case credits.Grant:
		return n.grant(used, r, now)
	case credits.Adjust:
		return n.adjust(used, r, now)
	case credits.Refund:
		return n.refund(used, r, now)
	case credits.Charge:
		return n.charge(used, r, now)
	case credits.HoldRequest:
		return n.hold(used, r, now)
	case credits.Cap:
		ref := credits.CapRef{Account: r.Account, Name: r.Name}
		if known := n.limits[ref]; known == nil || known.Cap != r {
			n.limits[ref] = &limit{r, map[string]bool{}, map[string]bool{}}
			if n.used(n.limits[ref], now) > 0 {
				n.met["a cap counts what was there"]++
			}
		}
		return verdict{}
	case credits.RemoveCap:
		delete(n.limits, credits.CapRef(r))
		return verdict{}
	case credits.Alert:
		if known := n.bells[r.Account]; known == nil || known.below != r.Below {
			n.bells[r.Account] = &bell{below: r.Below}
		}
		return verdict{}
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
				return insufficient(more, have)
			}
			if v := n.admit(r.Ref(), p, more, now); v.class != nil {
				return v
			}
			p.amount = r.Total
			p.credits = append(p.credits, n.take(r.Account, more, pinned)...)
			order := n.inOrder(r.Account)
			slices.SortStableFunc(p.credits, func(x, y *credit) int { return slices.Index(order, x.of) - slices.Index(order, y.of) })
		}
		p.workOn(r.Holder, now)
		if r.TTL > 0 {
			p.ends = now.Add(r.TTL)
		}
		return p.shown(false)
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

// again says whether a key was used before, and then what it came to.
func (n *naive) again(used *tag, op credits.Op, same func(before credits.Op) bool) (v verdict, again bool) {
	switch {
	case used == nil:
		return verdict{}, false
	case used.hold != nil, !same(used.done):
		return no(credits.ErrKeyReused), true
	}
	n.met[fmt.Sprintf("%T is repeated", op)]++
	return verdict{entry: used.entry}, true
}

// does writes down what a mutation with a key of its own did.
func (n *naive) does(op credits.Op, e event) verdict {
	n.happened = append(n.happened, e)
	number := n.entries(e.account)
	n.known[op.Ref()] = &tag{done: op, entry: number}
	return verdict{entry: number}
}

func (n *naive) grant(used *tag, g credits.Grant, now time.Time) verdict {
	if v, again := n.again(used, g, func(before credits.Op) bool {
		was, ok := before.(credits.Grant)
		// Of what is used up nobody remembers what it was.
		i := slices.IndexFunc(n.pots, func(p *pot) bool { return p.account == g.Account && p.number == used.entry })
		if ok && n.pots[i].count((*credit).there) == 0 {
			was.Kind, was.Priority, was.ExpiresAt = g.Kind, g.Priority, g.ExpiresAt
		}
		return ok && was == g
	}); again {
		return v
	}
	if !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) {
		return no(credits.ErrInvalid)
	}
	kind := credits.EntryGrant
	if g.Renew {
		kind = credits.EntryRenew
		for _, p := range n.pots {
			if p.account == g.Account && p.kind == credits.Plan && !p.isOver(now) {
				if p.count(func(c *credit) bool { return c.last() == pinned }) > 0 {
					n.met["a plan is renewed while some of it is held"]++
				}
				p.renewed = now
			}
		}
		n.catchUp(g.Account, now)
	}
	n.newPot(pot{account: g.Account, key: g.Key, kind: g.Kind, priority: g.Priority, expires: g.ExpiresAt}, g.Amount)
	return n.does(g, event{account: g.Account, kind: kind, key: g.Key, amount: g.Amount, note: g.Note, lots: lotsOf(nil), at: now})
}

func (n *naive) adjust(used *tag, r credits.Adjust, now time.Time) verdict {
	if v, again := n.again(used, r, func(before credits.Op) bool { return before == credits.Op(r) }); again {
		return v
	}
	var taken []*credit
	if r.Amount > 0 {
		n.newPot(pot{account: r.Account, key: r.Key, kind: credits.Adjustment}, r.Amount)
	} else {
		taken = n.takeOrOwe(r.Account, -r.Amount)
	}
	return n.does(r, event{account: r.Account, kind: credits.EntryAdjust, key: r.Key, amount: r.Amount, who: r.Who, note: r.Why, lots: lotsOf(taken), at: now})
}

func (n *naive) refund(used *tag, r credits.Refund, now time.Time) verdict {
	if v, again := n.again(used, r, func(before credits.Op) bool { return before == credits.Op(r) }); again {
		return v
	}
	of := n.known[credits.Ref{Account: r.Account, Key: r.Charge}]
	if of == nil || of.hold == nil || of.hold.bill == nil {
		return no(credits.ErrNotFound)
	}
	b := of.hold.bill
	if r.Amount > credits.Amount(len(b.credits)) {
		return no(credits.ErrRefund)
	}
	var back []*credit
	var extra credits.Amount
	for range r.Amount {
		c := b.credits[len(b.credits)-1]
		b.credits = b.credits[:len(b.credits)-1]
		switch i := slices.Index(n.debts, debtor{account: r.Account}); {
		case c != nil:
			c.becomes(refunded)
			back = append(back, c)
		case i >= 0:
			n.met["a refund pays what it owed itself"]++
			n.debts[i].paid = true
			back = append(back, nil)
		default:
			n.met["a refund of what somebody else paid"]++
			extra++
		}
	}
	b.back += r.Amount
	if extra > 0 {
		n.newPot(pot{account: r.Account, key: r.Key, kind: credits.Refunded}, extra)
	}
	return n.does(r, event{account: r.Account, kind: credits.EntryRefund, key: r.Key, of: r.Charge, amount: r.Amount, who: r.Who, note: r.Why,
		op: of.hold.operation, scope: of.hold.scope, lots: lotsOf(back), at: now})
}

func (n *naive) charge(used *tag, r credits.Charge, now time.Time) verdict {
	p := &promise{fingerprint: r.Fingerprint}
	if used != nil {
		if used.hold == nil || used.hold.fingerprint != r.Fingerprint {
			return no(credits.ErrKeyReused)
		}
		p = used.hold
	}
	if p.bill != nil {
		return verdict{receipt: p.bill}
	}
	if used != nil && p.state(now) == credits.Open {
		return verdict{class: credits.ErrInProgress, holder: p.holder.ID, until: p.lease}
	}
	if have := n.available(r.Account, now); have < r.Amount {
		return insufficient(r.Amount, have)
	}
	if v := n.admit(r.Ref(), &promise{operation: r.Operation, scope: r.Scope, created: now}, r.Amount, now); v.class != nil {
		return v
	}
	p.operation, p.scope, p.amount, p.created = r.Operation, r.Scope, r.Amount, now
	n.known[r.Ref()] = &tag{hold: p}
	n.bill(p, r.Ref(), n.take(r.Account, r.Amount, charged), r.Amount, string(r.Result), r.Record, now)
	return verdict{receipt: p.bill}
}

// bill writes down that credits were charged.
func (n *naive) bill(p *promise, ref credits.Ref, taken []*credit, used credits.Amount, result string, rec credits.UsageRecord, now time.Time) {
	amount := credits.Amount(len(taken))
	n.happened = append(n.happened, event{account: ref.Account, kind: credits.EntrySettle, key: ref.Key, amount: -amount,
		op: p.operation, scope: p.scope, lots: lotsOf(taken), at: now})
	p.over = credits.Settled
	p.bill = &bill{entry: n.entries(ref.Account), charged: amount, writtenOff: used - amount, result: result, at: now, credits: taken, record: rec}
	n.warn(ref.Account, ref.Key, now)
	if used > amount {
		n.tell(credits.Event{Account: ref.Account, Kind: credits.WrittenOff, Key: ref.Key, Amount: used - amount, Now: n.posted(ref.Account), At: now})
	}
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
		return verdict{receipt: p.bill}
	case credits.Released:
		return n.open(p, r, now)
	case credits.Expired:
		if have := n.available(r.Account, now); have < p.amount {
			return insufficient(p.amount, have)
		}
		if v := n.admit(r.Ref(), &promise{operation: p.operation, scope: p.scope, created: now}, p.amount, now); v.class != nil {
			n.met["a cap refuses to reopen"]++
			return v
		}
		p.credits, p.created = n.take(r.Account, p.amount, pinned), now
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
	return p.shown(false)
}

func (n *naive) open(p *promise, r credits.HoldRequest, now time.Time) verdict {
	if have := n.available(r.Account, now); have < r.Amount {
		return insufficient(r.Amount, have)
	}
	if v := n.admit(r.Ref(), &promise{operation: r.Operation, scope: r.Scope, created: now}, r.Amount, now); v.class != nil {
		return v
	}
	p.operation, p.scope, p.amount, p.pinned, p.created, p.over = r.Operation, r.Scope, r.Amount, string(r.Pinned), now, ""
	p.credits = n.take(r.Account, r.Amount, pinned)
	p.takenBy(r, now)
	n.known[r.Ref()] = &tag{hold: p}
	if r.First.ID != "" {
		p.begin(r.First.ID, now)
	}
	return p.shown(true)
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
	if p.bill != nil {
		return verdict{receipt: p.bill}
	}
	due := min(r.Amount, p.amount)
	var taken []*credit
	if p.state(now) == credits.Open {
		taken = slices.Clone(p.credits[:due])
		for _, c := range taken {
			if c.of.isOver(now) {
				n.met["a hold burns what has expired under it"]++
			}
			c.becomes(charged)
		}
		p.credits = p.credits[due:]
		n.giveBack(p, now)
	} else {
		taken = n.takeOrOwe(r.Account, due)
	}
	n.bill(p, r.Ref(), taken, r.Amount, string(r.Result), r.Record, now)
	return verdict{receipt: p.bill}
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
	n.giveBack(p, now)
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

// row is the pot as the state machine keeps it.
func (p *pot) row() credits.Bucket {
	return credits.Bucket{Account: p.account, Number: p.number, Key: p.key, Kind: p.kind, Priority: p.priority, ExpiresAt: p.expires, RenewedAt: p.renewed,
		Amount: credits.Amount(len(p.credits)), Charged: p.ever(charged), Refunded: p.ever(refunded), Expired: p.ever(expired),
		PaidDebt: p.ever(paidADebt), Pinned: p.count(func(c *credit) bool { return c.last() == pinned })}
}

// rows is the account's pots by number.
func (n *naive) rows(a credits.Account) (out []credits.Bucket) {
	for _, p := range n.pots {
		if p.account == a {
			out = append(out, p.row())
		}
	}
	slices.SortFunc(out, func(x, y credits.Bucket) int { return cmp.Compare(x.Number, y.Number) })
	return out
}
