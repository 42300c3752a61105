package credits_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// tape draws mutations. There are so few accounts, keys and holders that they collide all the time.
type tape struct {
	*rapid.T
	*book             // what there is, so that not every draw misses it
	last  credits.Ref // what the last mutation was about
	past  []credits.Op
}

// pick draws one of n, each as often as the others: rapid's own ranges prefer the small ones.
func (t tape) pick(label string, n int) (i int) {
	for range 7 {
		i *= 2
		if rapid.Bool().Draw(t.T, label) {
			i++
		}
	}
	return i % n
}

func (t tape) once(label string, of int) bool { return t.pick(label, of) == 0 }

func (t tape) amount(most int64) credits.Amount {
	if t.once("odd", 25) {
		return credits.Amount(rapid.Int64Range(-1, 0).Draw(t.T, "no amount"))
	}
	return credits.Amount(rapid.Int64Range(1, most).Draw(t.T, "amount"))
}

// holder draws a holder; every other time the one that has the key.
func (t tape) holder(ref credits.Ref) credits.Holder {
	if h, ok := t.holds[ref]; ok && t.once("mine", 2) {
		return h.Holder
	}
	return credits.Holder{ID: []string{"h1", "h2"}[t.pick("holder", 2)], Fence: int64(t.pick("fence", 3)),
		Lease: time.Duration(1+t.pick("lease", 4)) * time.Second}
}

// attempt draws an attempt, mostly one of the key.
func (t tape) attempt(ref credits.Ref, absent bool) credits.Attempt {
	n := t.pick("attempt", 4)
	if absent && t.once("absent", 2) {
		return credits.Attempt{}
	}
	if known := len(t.attempts[ref]); known > 0 && !t.once("any", 4) {
		n = int(t.attempts[ref][t.pick("known", known)].ID[0] - '0')
	}
	return credits.Attempt{ID: fmt.Sprintf("%d", n), Provider: "p", Fate: []string{"executed", "rejected", "unknown"}[t.pick("fate", 3)],
		Usage: usage.Tokens(int64(n), 1)}
}

func (t *tape) op() credits.Op {
	if len(t.past) > 0 && t.once("the same again", 12) {
		op := t.past[max(0, len(t.past)-1-t.pick("which", 16))]
		t.last = op.Ref()
		return op
	}
	op := t.fresh()
	t.past = append(t.past, op)
	return op
}

func (t *tape) fresh() credits.Op {
	account := credits.Account([]string{"a", "b"}[t.pick("account", 2)])
	// What is settled stays so: later mutations are about other keys.
	name := credits.Key(fmt.Sprintf("k%d/%d", t.pick("key", 4), len(t.past)/40))
	if t.last.Key != "" && t.once("again", 2) {
		account, name = t.last.Account, t.last.Key
	}
	op := t.pick("op", 25)
	if unsettled := t.unsettled(account, op >= 10 && op <= 12 && t.once("late", 2)); op >= 8 && op <= 14 && len(unsettled) > 0 && !t.once("any", 3) {
		name = unsettled[t.pick("hold", len(unsettled))]
	}
	ref := credits.Ref{Account: account, Key: name}
	t.last = ref
	switch op {
	case 0:
		if t.once("fresh key", 2) {
			name += "+"
		}
		return t.grant(credits.Grant{Account: account, Key: name, Kind: credits.Plan, Amount: t.amount(40)})
	case 1, 2: // of a key that nobody holds, so that there is something to hold
		return t.grant(credits.Grant{Account: account, Key: credits.Key(fmt.Sprintf("g%d", t.pick("grant", 50))),
			Kind: []credits.GrantKind{credits.Bonus, credits.Plan}[t.pick("kind", 2)], Amount: t.amount(60), Note: "n"})
	case 3, 4, 5, 6, 7:
		r := credits.HoldRequest{Account: account, Key: name, Operation: t.operation(), Scope: []string{"", "s"}[t.pick("scope", 2)],
			Amount: t.amount(60), Fingerprint: [32]byte{1}, Holder: t.holder(ref), First: t.attempt(ref, true)}
		if t.once("other request", 8) {
			r.Fingerprint[0] = 2
		}
		r.Pinned = fmt.Appendf(nil, "pin of %s at %d", r.Holder.ID, r.Amount)
		r.TTL = r.Holder.Lease + time.Duration(t.pick("ttl", 16)-1)*time.Second // one in sixteen is shorter than the lease
		return r
	case 8, 9:
		r := credits.ExtendRequest{Account: account, Key: name, Holder: t.holder(ref), Total: t.amount(100)}
		if t.once("longer", 2) {
			r.TTL = r.Holder.Lease + time.Second
		}
		return r
	case 10, 11, 12:
		r := credits.SettleRequest{Account: account, Key: name, Amount: t.amount(80), Last: t.attempt(ref, true)}
		r.Record = t.record()
		r.Record.Attempt, r.Result = r.Last.ID, fmt.Appendf(nil, "result for %d", r.Amount)
		return r
	case 13:
		return credits.ReleaseRequest{Account: account, Key: name, Holder: t.holder(ref), Last: t.attempt(ref, true)}
	case 14:
		return credits.BeginRequest{Account: account, Key: name, Holder: t.holder(ref), Attempt: t.attempt(ref, false)}
	case 15:
		r := credits.Charge{Account: account, Key: name, Operation: t.operation(), Scope: []string{"", "s"}[t.pick("scope", 2)], Amount: t.amount(40), Fingerprint: [32]byte{1},
			Record: t.record()}
		if t.once("other request", 8) {
			r.Fingerprint[0] = 2
		}
		r.Result = fmt.Appendf(nil, "charged %d", r.Amount)
		return r
	case 16, 17:
		r := credits.Refund{Account: account, Key: credits.Key(fmt.Sprintf("r%d", t.pick("refund", 30))), Charge: name, Amount: t.amount(20), Who: "w", Why: "y"}
		if charges := t.charges(account, t.once("what was owed", 2)); len(charges) > 0 && !t.once("any", 6) {
			r.Charge = charges[t.pick("charge", len(charges))]
		}
		if t.once("a key that is used", 6) {
			r.Key = name
		}
		for _, e := range t.entries[account] { // the last refund again
			if e.Kind == credits.EntryRefund && t.once("again", 6) {
				r.Key, r.Charge, r.Amount = e.Key, e.Charge, e.Amount
			}
		}
		return r
	case 18:
		r := credits.Adjust{Account: account, Key: credits.Key(fmt.Sprintf("d%d", t.pick("adjust", 30))), Amount: t.amount(40), Who: "w", Why: "y"}
		if t.once("a key that is used", 6) {
			r.Key = name
		}
		if !t.once("more", 3) {
			r.Amount = -r.Amount
		}
		return r
	case 20, 21, 22:
		return t.cap(account)
	case 23:
		if t.once("a cap", 2) {
			return credits.RemoveCap{Account: account, Name: fmt.Sprint("c", t.pick("cap", 4))}
		}
		return credits.Alert{Account: account, Below: t.amount(150)}
	}
	return credits.FinishRequest{Account: account, Key: name, Attempt: t.attempt(ref, false)}
}

func (t *tape) operation() string { return []string{"op", "op", "op", "other"}[t.pick("operation", 4)] }

// record draws what a charge was for.
func (t *tape) record() credits.UsageRecord {
	n := int64(t.pick("record", 8))
	return credits.UsageRecord{Provider: []string{"p", "q"}[n%2], Model: []string{"m", "n"}[n/2%2], Cost: decimal.New(n, -2), Usage: usage.Tokens(n, 1)}
}

// cap draws a cap: of much, or it would be all that a tape is about.
func (t *tape) cap(account credits.Account) credits.Cap {
	c := credits.Cap{Account: account, Name: fmt.Sprint("c", t.pick("cap", 4)), Operation: []string{"", "op", "other"}[t.pick("of operation", 3)],
		Scope: []string{"", "s"}[t.pick("of scope", 2)], Limit: t.amount(300), Zone: append(zoned, "", "", "")[t.pick("zone", len(zoned)+3)],
		Window: []credits.Window{credits.Ever, credits.PerDay, credits.PerDay, credits.PerWeek, credits.PerMonth}[t.pick("window", 5)]}
	if c.Window == credits.PerWeek || c.Window == credits.PerMonth {
		c.FirstDay = t.pick("first day", 9) // there is no eighth day of a week
	}
	if t.once("warns", 2) {
		c.WarnAt = t.amount(60)
	}
	return c
}

// zoned are zones whose days begin at three hours, one of which is sometimes skipped.
var zoned = []string{"", "Asia/Kolkata", "America/Havana"}

// query draws a question about usage.
func (t *tape) query() credits.UsageQuery {
	q := credits.UsageQuery{Account: "a", Scope: []string{"", "s"}[t.pick("scope", 2)], Zone: zoned[t.pick("zone", len(zoned))]}
	if t.once("all", 2) {
		q.Account, q.AllAccounts = "", true
	}
	for _, d := range []credits.Dimension{credits.ByAccount, credits.ByOperation, credits.ByModel, credits.ByProvider, credits.ByScope, credits.ByDay} {
		if t.once("by", 3) {
			q.GroupBy = append(q.GroupBy, d)
		}
	}
	if t.once("from", 2) {
		q.From = t.now.Add(-time.Duration(t.pick("ago", 100)) * time.Second)
	}
	if t.once("to", 2) {
		q.To = t.now.Add(-time.Duration(t.pick("ago", 100)) * time.Second)
	}
	return q
}

// unsettled is the keys of an account that were held and not charged; late are those that are not held any more.
func (t *tape) unsettled(account credits.Account, late bool) (keys []credits.Key) {
	for ref, h := range t.holds {
		if ref.Account == account && h.State != credits.Settled && (!late || h.State != credits.Open) {
			keys = append(keys, ref.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// charges is the settled keys of an account; owed are those that were charged into debt.
func (t *tape) charges(account credits.Account, owed bool) (keys []credits.Key) {
	for ref, h := range t.holds {
		if ref.Account == account && h.State == credits.Settled && (!owed || h.Lots != nil && h.Lots[len(h.Lots)-1].Bucket == 0) {
			keys = append(keys, ref.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// grant draws the rest of a grant.
func (t *tape) grant(g credits.Grant) credits.Grant {
	g.Priority = t.pick("priority", 3) - 1
	if !t.once("for ever", 3) {
		g.ExpiresAt = t.now.Add(time.Duration(t.pick("expires", 16)) * time.Second) // one in sixteen has expired already
	}
	g.Renew = g.Kind == credits.Plan && t.once("renew", 2)
	return g
}

func (t tape) step() time.Duration {
	if t.once("towards midnight", 40) {
		local := t.now.In(zone(zoned[t.pick("zone", len(zoned))]))
		midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, local.Location())
		return max(0, midnight.Sub(t.now)-time.Duration(t.pick("before", 4))*time.Second)
	}
	return []time.Duration{0, 0, 0, time.Microsecond, time.Second / 2, time.Second, 2 * time.Second}[t.pick("time", 7)]
}

// TestTheStateMachineDoesWhatTheCommentsSay plays random tapes to the state machine, behind a store that loads the state
// afresh for each mutation, and to a naive model of the rules.
func TestTheStateMachineDoesWhatTheCommentsSay(t *testing.T) {
	seen := map[string]int{}
	play := func(rt *rapid.T) {
		b, model, watch := newBook(), newNaive(), &watcher{settled: map[credits.Ref]credits.Receipt{}}
		drawn := &tape{T: rt, book: b}
		for n := range rapid.IntRange(50, 300).Draw(rt, "length") {
			b.now = b.now.Add(drawn.step())
			op := drawn.op()
			before := b.copy()
			before.now = b.now
			outs, errs := b.apply(op)
			want := model.apply(op, b.now)
			got := judge(rt, op, outs[0], errs[0], b.accounts[op.Ref().Account].Held)
			seen[fmt.Sprintf("%T %v", op, want.class)]++
			if d := differ(want.print(), got.print()); d != "" {
				rt.Fatalf("Apply(%T %+v) at %v came to something else than the rules say:\n%s", op, op, b.now.Sub(start), d)
			}
			watch.check(rt, op, before, b, errs[0])
			if n%4 == 0 { // what is not the same stays so
				sameLedger(rt, b, model)
				sameCaps(rt, b, model, op.Ref().Account)
			}
			if n%20 == 0 {
				sameUsage(rt, b, model, drawn.query())
			}
			if n > 30 && n%20 != 0 { // an audit reads everything
				continue
			}
			if r := b.audit(op.Ref().Account); !r.OK() {
				rt.Fatalf("after Apply(%T %+v) the audit finds %+v", op, op, r.Problems)
			}
		}
		sameLedger(rt, b, model)
		sameUsage(rt, b, model, credits.UsageQuery{AllAccounts: true})
		for name := range b.accounts {
			if r := b.audit(name); !r.OK() {
				rt.Fatalf("the audit of %q finds %+v", name, r.Problems)
			}
		}
		for rule, n := range model.met {
			seen[rule] += n
		}
	}
	// A tape that never gets somewhere proves nothing about it.
	classes := []string{
		"credits.Grant <nil>", "credits.Grant key reused for a different request", "credits.Grant invalid request",
		"credits.HoldRequest <nil>", "credits.HoldRequest insufficient credits", "credits.HoldRequest operation in progress",
		"credits.HoldRequest key reused for a different request", "credits.HoldRequest invalid request",
		"credits.ExtendRequest <nil>", "credits.ExtendRequest insufficient credits", "credits.ExtendRequest not the holder",
		"credits.ExtendRequest hold is closed", "credits.ExtendRequest already settled", "credits.ExtendRequest no such key",
		"credits.SettleRequest <nil>", "credits.SettleRequest no such key", "credits.ReleaseRequest <nil>",
		"credits.ReleaseRequest not the holder", "credits.ReleaseRequest already settled", "credits.ReleaseRequest no such key",
		"credits.BeginRequest <nil>", "credits.BeginRequest not the holder", "credits.BeginRequest hold is closed",
		"credits.FinishRequest <nil>", "credits.FinishRequest no such key",
		"credits.Adjust <nil>", "credits.Adjust key reused for a different request", "credits.Adjust invalid request",
		"credits.Refund <nil>", "credits.Refund key reused for a different request", "credits.Refund invalid request",
		"credits.Refund refund above the charge", "credits.Refund no such key",
		"credits.Charge <nil>", "credits.Charge key reused for a different request", "credits.Charge invalid request",
		"credits.Charge insufficient credits", "credits.Charge operation in progress",
		"credits.Grant is repeated", "credits.Adjust is repeated", "credits.Refund is repeated",
		"a credit expires after it was unpinned", "a credit expires after it was refunded", "a debt is paid by a credit that was added",
		"a debt is paid by a credit that was unpinned", "a refund pays what it owed itself",
		"credits.Cap <nil>", "credits.Cap invalid request", "credits.RemoveCap <nil>", "credits.Alert <nil>", "credits.Alert invalid request",
		"credits.HoldRequest cap reached", "credits.ExtendRequest cap reached", "credits.Charge cap reached", "a cap refuses to reopen",
		"a cap counts what was there", "a cap does not count it", "a cap warns in a further window",
		"told of low_balance", "told of cap_warning", "told of cap_reached", "told of written_off",
		"a refund of what somebody else paid", "a plan is renewed while some of it is held", "a hold burns what has expired under it",
	}
	missed := func() []string {
		return slices.DeleteFunc(slices.Clone(classes), func(class string) bool { return seen[class] > 0 })
	}
	for range 5 { // the rarest classes are met three times in a hundred tapes, and sometimes not at all
		rapid.Check(t, play)
		total := 0
		for _, n := range seen {
			total += n
		}
		if total < 3000 || t.Failed() { // somebody asked for fewer checks
			return
		}
		if len(missed()) == 0 {
			return
		}
	}
	t.Errorf("no tape came to %q", missed())
}

// print is a verdict as something that cmp may look into.
func (v verdict) print() string {
	text := fmt.Sprintf("class %v need %d available %d holder %q until %v entry %d lots %s fresh %t open %q",
		v.class, v.need, v.available, v.holder, v.until.Sub(start), v.entry, v.lots, v.fresh, v.open)
	if r := v.receipt; r != nil {
		text += fmt.Sprintf("\nreceipt of entry %d, %d and %d, %q at %v", r.entry, r.charged, r.writtenOff, r.result, r.at.Sub(start))
	}
	if v.hold != nil {
		text += fmt.Sprintf("\nhold %s", v.hold.print())
	}
	return text
}

func (p promise) print() string {
	return fmt.Sprintf("%v %s %s %d %s created %v by %+v lease %v ends %v", p.fingerprint[0], p.operation, p.scope, p.amount, p.pinned,
		p.created.Sub(start), p.holder, p.lease.Sub(start), p.ends.Sub(start))
}

// judge turns what the state machine said into a verdict.
func judge(rt *rapid.T, op credits.Op, out credits.Outcome, err error, held credits.Amount) (v verdict) {
	if err != nil {
		if !reflect.DeepEqual(out, credits.Outcome{}) {
			rt.Fatalf("Apply(%T) returned an error and %+v", op, out)
		}
		for _, class := range []error{credits.ErrInvalid, credits.ErrOverflow, credits.ErrInsufficient, credits.ErrInProgress,
			credits.ErrCap, credits.ErrKeyReused, credits.ErrNotFound, credits.ErrNotHolder, credits.ErrClosed, credits.ErrSettled, credits.ErrRefund} {
			if !errors.Is(err, class) {
				continue
			}
			if v.class != nil {
				rt.Fatalf("%v matches %v and %v", err, v.class, class)
			}
			v.class = class
		}
		if v.class == nil {
			rt.Fatalf("Apply(%T) = %v, which matches no sentinel", op, err)
		}
		var short *credits.InsufficientError
		if errors.As(err, &short) {
			v.need, v.available = short.Need, short.Available
			if short.Held != held || short.Account != op.Ref().Account {
				rt.Fatalf("error %+v: the account holds %d", short, held)
			}
		}
		var full *credits.CapError
		if errors.As(err, &full) {
			v.need, v.available, v.holder, v.until = full.Need, full.Limit-full.Used, full.Cap, full.Until
			if full.Account != op.Ref().Account {
				rt.Fatalf("error %+v is of another account", full)
			}
		}
		var busy *credits.InProgressError
		if errors.As(err, &busy) {
			v.holder, v.until = busy.Holder, busy.Until
		}
		return v
	}
	switch op.(type) {
	case credits.Grant, credits.Adjust, credits.Refund:
		v.entry = out.Entry.Number
	case credits.HoldRequest:
		if (out.Held.Hold == nil) == (out.Held.Receipt == nil) {
			rt.Fatalf("not exactly one of hold and receipt is set: %+v", out.Held)
		}
		if out.Held.Receipt != nil {
			v.receipt = brief(*out.Held.Receipt)
		} else {
			v.show(*out.Held.Hold)
		}
	case credits.ExtendRequest:
		v.show(out.Hold)
	case credits.SettleRequest, credits.Charge:
		v.receipt = brief(out.Receipt)
	}
	return v
}

func (v *verdict) show(h credits.Hold) {
	v.fresh, v.lots = h.Fresh, fmt.Sprint(h.Lots)
	v.hold = &promise{fingerprint: h.Fingerprint, operation: h.Operation, scope: h.Scope, amount: h.Amount, pinned: string(h.Pinned),
		created: h.CreatedAt, holder: h.Holder, lease: h.LeaseUntil, ends: h.ExpiresAt}
	for _, a := range h.OpenAttempts {
		v.open = append(v.open, a.ID)
	}
}

func brief(r credits.Receipt) *bill {
	return &bill{entry: r.Entry, charged: r.Charged, writtenOff: r.Record.WrittenOff, result: string(r.Result), at: r.Record.At}
}

// watcher checks what must hold after every mutation, whatever the model says.
type watcher struct {
	settled map[credits.Ref]credits.Receipt // as first seen
}

func (w *watcher) check(rt *rapid.T, op credits.Op, before, b *book, err error) {
	name := op.Ref().Account
	if err != nil {
		if op.Validate() == nil {
			before.expire(name) // that is a decision of its own
		}
		after := b.copy()
		before.forget()
		after.forget()
		if d := before.diff(after); d != "" {
			rt.Fatalf("Apply(%T) = %v, but it changed:\n%s", op, err, d)
		}
	}
	for account, row := range b.accounts {
		var posted, held credits.Amount
		settles := map[credits.Key]int{}
		for i, e := range b.entries[account] {
			posted += e.Amount
			if e.Number != int64(i+1) || e.BalanceAfter != posted || e.Account != account {
				rt.Fatalf("entry %d of %q is %+v, want number %d and balance after %d", i, account, e, i+1, posted)
			}
			if e.Kind == credits.EntrySettle {
				settles[e.Key]++
			}
		}
		for ref, h := range b.holds {
			if ref.Account == account && h.State == credits.Open {
				held += h.Amount
			}
			if h.ExpiresAt.Before(h.LeaseUntil) {
				rt.Fatalf("hold %q expires at %v, before its lease ends at %v", ref.Key, h.ExpiresAt, h.LeaseUntil)
			}
			if ref.Account == account && (h.State == credits.Settled) != (settles[ref.Key] == 1) {
				rt.Fatalf("hold %q is %s and has %d settle entries", ref.Key, h.State, settles[ref.Key])
			}
		}
		var remaining, pinned credits.Amount
		for ref, bucket := range b.buckets {
			if ref.Account != account {
				continue
			}
			if left := bucket.Remaining(); bucket.Pinned < 0 || left < bucket.Pinned || left > bucket.Amount+bucket.Refunded ||
				min(bucket.Charged, bucket.Refunded, bucket.Expired, bucket.PaidDebt) < 0 || bucket.Refunded > bucket.Charged {
				rt.Fatalf("bucket %+v has %d left", bucket, left)
			}
			remaining += bucket.Remaining()
			pinned += bucket.Pinned
		}
		back := map[credits.Key]credits.Amount{}
		for _, e := range b.entries[account] {
			if e.Kind == credits.EntryRefund {
				back[e.Charge] += e.Amount
			}
		}
		for of, sum := range back {
			ref := credits.Ref{Account: account, Key: of}
			if sum > b.receipts[ref].Charged || sum != b.holds[ref].Refunded {
				rt.Fatalf("%d of key %q are refunded, %d were charged, and the hold says %d", sum, of, b.receipts[ref].Charged, b.holds[ref].Refunded)
			}
		}
		if row.Posted != remaining-row.Debt || row.Held != pinned || row.Debt < 0 || row.Debt > 0 && remaining > pinned {
			rt.Fatalf("account row is %+v, but %d are left and %d pinned", row, remaining, pinned)
		}
		if last := b.entries[account]; len(last) > 0 && last[len(last)-1].Hash != row.Head {
			rt.Fatalf("the head is not the hash of the last entry")
		}
		if row.Posted != posted || row.Held != held || row.Entries != int64(len(b.entries[account])) {
			rt.Fatalf("account row is %+v, want posted %d, held %d and %d entries", row, posted, held, len(b.entries[account]))
		}
	}
	if took := b.accounts[name].Held > before.accounts[name].Held; took && b.balance(name).Available < 0 {
		rt.Fatalf("Apply(%T) set aside what was not there: %+v", op, b.balance(name))
	}
	for ref, r := range b.receipts {
		first, known := w.settled[ref]
		if !known {
			w.settled[ref] = r
		} else if !reflect.DeepEqual(first, r) {
			rt.Fatalf("the receipt of %v changed from %+v to %+v", ref, first, r)
		}
	}
	if len(w.settled) != len(b.receipts) {
		rt.Fatalf("a receipt is gone: there were %d, there are %d", len(w.settled), len(b.receipts))
	}
}

// sameCaps compares what the caps of an account count with what the model works out.
func sameCaps(rt *rapid.T, b *book, model *naive, account credits.Account) {
	got, limits := b.uses(account), model.ofAccount(account)
	same := len(got) == len(limits)
	for i := 0; same && i < len(got); i++ {
		same = got[i].Cap == limits[i].Cap && got[i].Used == model.used(limits[i], b.now) && got[i].Until.Equal(limits[i].until(b.now))
	}
	if same {
		return
	}
	var want []string
	for _, l := range limits {
		want = append(want, fmt.Sprintf("%+v %d until %v", l.Cap, model.used(l, b.now), l.until(b.now)))
	}
	rt.Fatalf("the caps of %q are %+v, want %q", account, got, want)
}

// forget lets go of what was told: the model knows what a refusal tells.
func (b *book) forget() {
	b.events = nil
	for name, a := range b.accounts {
		a.Events = 0
		b.accounts[name] = a
	}
	for ref, c := range b.caps {
		c.Reached = false
		b.caps[ref] = c
	}
}

// sameUsage compares the totals of usage, and what a question comes to, with sums over all charges.
func sameUsage(rt *rapid.T, b *book, model *naive, q credits.UsageQuery) {
	got, err := b.usage(q)
	if d := differ(naiveUsage(model.records(), q), got); err != nil || d != "" {
		rt.Fatalf("usage of %+v is not the sum of the records (%v):\n%s", q, err, d)
	}
	sums := map[string]credits.UsageTotal{}
	row := func(t credits.UsageTotal) string {
		return fmt.Sprintf("%q %t %q %v %q %q %q", t.Account, t.Scoped, t.Scope, t.Slot, t.Operation, t.Provider, t.Model)
	}
	for _, r := range model.records() {
		for _, scoped := range []bool{false, true} {
			t := credits.UsageTotal{Account: r.Account, Scoped: scoped, Operation: r.Operation, Provider: r.Provider, Model: r.Model,
				Slot:       time.Date(r.At.Year(), r.At.Month(), r.At.Day(), r.At.Hour(), r.At.Minute()/15*15, 0, 0, time.UTC),
				FirstEntry: r.Entry, LastEntry: r.Entry}
			if scoped {
				t.Scope = r.Scope
			}
			if known, ok := sums[row(t)]; ok {
				t = known
			}
			sum := plus(rt, credits.UsageRow{Records: t.Records, Charged: t.Charged, WrittenOff: t.WrittenOff, Refunded: t.Refunded, Cost: t.Cost, Usage: t.Usage},
				credits.UsageRow{Records: 1, Charged: r.Charged, WrittenOff: r.WrittenOff, Refunded: r.Refunded, Cost: r.Cost, Usage: r.Usage})
			t.FirstEntry, t.LastEntry = min(t.FirstEntry, r.Entry), max(t.LastEntry, r.Entry)
			t.Records, t.Charged, t.WrittenOff, t.Refunded, t.Cost, t.Usage = sum.Records, sum.Charged, sum.WrittenOff, sum.Refunded, sum.Cost, sum.Usage
			sums[row(t)] = t
		}
	}
	kept := map[string]credits.UsageTotal{}
	for _, t := range b.totals {
		kept[row(t)] = t
	}
	if d := differ(sums, kept); d != "" || len(kept) != len(b.totals) {
		rt.Fatalf("%d totals are not the sums of the records:\n%s", len(b.totals), d)
	}
}

// sameLedger compares every row with what the model works out.
func sameLedger(rt *rapid.T, b *book, model *naive) {
	for _, account := range []credits.Account{"a", "b"} {
		want, sights := model.see(account, b.now)
		if got := b.balance(account); got != want {
			rt.Fatalf("balance of %q is %+v, want %+v", account, got, want)
		}
		var got []sight
		for _, bucket := range b.left(account) {
			got = append(got, sight{bucket.Number, bucket.Remaining(), bucket.Pinned})
		}
		if !slices.Equal(got, sights) {
			rt.Fatalf("what %q has left is %+v, want %+v", account, got, sights)
		}
		if got, want := b.accounts[account].Debt, model.debt(account); got != want {
			rt.Fatalf("the debt of %q is %d, want %d", account, got, want)
		}
		if d := differ(model.rows(account), b.rows(account).buckets); d != "" {
			rt.Fatalf("the buckets of %q are not what the rules say:\n%s", account, d)
		}
	}
	if !slices.Equal(b.events, model.told) {
		rt.Fatalf("the events are %+v, want %+v", b.events, model.told)
	}
	var entries []event
	for _, e := range slices.Concat(b.entries["a"], b.entries["b"]) {
		entries = append(entries, event{e.Account, e.Kind, e.Key, e.Charge, e.Amount, e.Who, e.Note, e.Operation, e.Scope, fmt.Sprint(e.Lots), e.At})
	}
	want := slices.Clone(model.happened)
	slices.SortStableFunc(want, func(x, y event) int { return int(x.account[0]) - int(y.account[0]) })
	if !slices.Equal(entries, want) {
		rt.Fatalf("entries are %+v, want %+v", entries, want)
	}
	keyed := 0
	for _, e := range entries {
		if e.kind != credits.EntrySettle && e.kind != credits.EntryExpired {
			keyed++
		}
	}
	if len(b.holds)+keyed != len(model.known) {
		rt.Fatalf("%d holds and %d entries with a key of their own, want %d keys", len(b.holds), keyed, len(model.known))
	}
	for ref, h := range b.holds {
		p := model.known[ref].hold
		state := h.State
		if state == credits.Open && !h.ExpiresAt.After(b.now) {
			state = credits.Expired
		}
		if state != p.state(b.now) {
			rt.Fatalf("hold %v is %s, want %s", ref, state, p.state(b.now))
		}
		var tries []try
		for _, a := range b.attempts[ref] {
			tries = append(tries, try{a.ID, a.Holder, a.Fate, a.BegunAt, a.FinishedAt})
			if a.Key != ref.Key || a.Scope != "" && a.Scope != "s" {
				rt.Fatalf("attempt %+v is not of %v", a, ref)
			}
		}
		if !slices.Equal(tries, p.tries) {
			rt.Fatalf("attempts of %v are %+v, want %+v", ref, tries, p.tries)
		}
	}
}

// TestABatchIsItsMutationsOneByOne compares a transaction of several mutations of an account with as many transactions.
func TestABatchIsItsMutationsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		batched, single := newBook(), newBook()
		drawn := &tape{T: rt, book: single}
		for range rapid.IntRange(5, 40).Draw(rt, "batches") {
			batched.now = batched.now.Add(drawn.step())
			single.now = batched.now
			var ops []credits.Op
			for range rapid.IntRange(1, 6).Draw(rt, "size") {
				ops = append(ops, drawn.op())
			}
			outs, errs := batched.apply(ops...)
			for i, op := range ops {
				out, err := single.apply(op)
				if fmt.Sprint(errs[i]) != fmt.Sprint(err[0]) {
					rt.Fatalf("mutation %d: %v, alone %v", i, errs[i], err[0])
				}
				if d := differ(out[0], outs[i]); d != "" {
					rt.Fatalf("mutation %d came to something else than alone:\n%s", i, d)
				}
			}
			if d := single.diff(batched); d != "" {
				rt.Fatalf("the batch left something else:\n%s", d)
			}
		}
	})
}
