//go:build linux || darwin

package ledgerproof_test

import (
	"context"
	"maps"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/scrip-go/scrip/credits"
)

// call is what is known of a call that somebody made.
type call struct {
	op       op
	said     answer
	from, to int64 // by monotonic
}

// calls puts together what a workload said until it ended. A call without an answer is pending.
func calls(t reporter, lines []line, end int64) (out []call) {
	t.Helper()
	at := map[int64]int{}
	for _, l := range lines {
		switch {
		case l.Failed != "":
			t.Errorf("the workload failed: %s", l.Failed)
		case l.Call != nil:
			at[l.Call.ID] = len(out)
			out = append(out, call{*l.Call, answer{Err: errPending}, l.At, end})
		case l.Answer != nil:
			c := &out[at[l.ID]]
			c.said, c.to = *l.Answer, l.At
			if c.said.Err == errDoubt || c.said.Err == errContext {
				c.to = end
			}
		}
	}
	return out
}

// witness knows what was said about one database, and finds out whether it is true.
type witness struct {
	t      reporter
	prefix string
	keys   map[int64]*testimony
	ids    int64
	clock  int64 // no call has been made later

	figures
}

// reporter is the part of testing.T that a witness speaks to.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// figures is what a campaign counts.
type figures struct {
	acknowledged int // mutations that were answered, each of them checked
	replayed     int // mutations without an answer
	happened     int // of those, how many had happened nevertheless
	keysChecked  int
	audits       int
}

func (f *figures) add(g figures) {
	f.acknowledged += g.acknowledged
	f.replayed += g.replayed
	f.happened += g.happened
	f.keysChecked += g.keysChecked
	f.audits += g.audits
}

// testimony is everything that was said about a key and its refunds, or about a cap, and what the ledger has of it.
type testimony struct {
	calls []porcupine.Operation
	hold  answer // of the last look-up, or the cap when it was last looked at
	tried answer // of the last look at its attempts
	asked op     // the last grant, renewal or adjustment
	// entry is the entry that the key names, if it is not a charge, and refunded what its refunds come to: as of the last audit.
	entry    credits.Entry
	refunded int64
}

func newWitness(t reporter, prefix string) *witness {
	return &witness{t: t, prefix: prefix, keys: map[int64]*testimony{}, ids: 1 << 60}
}

func (w *witness) key(key int64) *testimony {
	k := w.keys[key]
	if k == nil {
		k = &testimony{}
		w.keys[key] = k
	}
	return k
}

// about is the key by which a testimony is known: a refund is about its charge.
func (o op) about() int64 {
	if o.Kind == refund {
		return o.Charge
	}
	return o.Key
}

func (k *testimony) add(c call) {
	switch c.op.Kind {
	case grant, renew, adjust:
		k.asked = c.op
	}
	k.calls = append(k.calls, porcupine.Operation{ClientId: c.op.Holder, Input: c.op, Call: c.from, Output: c.said, Return: c.to})
}

func (w *witness) tick() int64 {
	w.clock++
	return w.clock
}

// ask makes a call and keeps what it said.
func (w *witness) ask(l credits.Ledger, o op) answer {
	w.ids++
	if o.ID == 0 {
		o.ID = w.ids
	}
	o.Account = keyAccount(o.Key)
	from := w.tick()
	said := o.do(context.Background(), l, w.prefix)
	w.key(o.about()).add(call{o, said, from, w.tick()})
	return said
}

// examine compares a ledger with what was said of the calls, which ended before end, and does again what has no answer.
// Reopened says that it was opened to make the calls and again to look at them, which ended all leases.
func (w *witness) examine(l credits.Ledger, made []call, end int64, reopened bool) {
	w.t.Helper()
	touched := map[int64]bool{}
	var again []op
	for _, c := range made {
		key := c.op.about()
		if reopened && !touched[key] && len(w.key(key).calls) > 0 { // by who made the calls
			w.endLease(key)
		}
		touched[key] = true
		w.key(key).add(c)
		switch c.said.Err {
		case errPending, errDoubt:
			again = append(again, c.op)
		default:
			w.acknowledged++
		}
	}
	w.clock = max(w.clock, end)
	for _, key := range slices.Sorted(maps.Keys(touched)) {
		if reopened {
			w.endLease(key)
		}
		w.look(l, key)
	}
	before := w.entries(l)
	for _, o := range again {
		w.replayed++
		if w.has(before, o) {
			w.happened++
		}
		w.insist(l, o, touched)
	}
	for _, key := range slices.Sorted(maps.Keys(touched)) {
		w.look(l, key)
		w.judge(key)
	}
	w.audit(l, made)
}

// look reads all that there is about a key.
func (w *witness) look(l credits.Ledger, key int64) {
	k := w.key(key)
	if n := capOf(key); n > 0 {
		k.hold = w.ask(l, op{Kind: caps, Key: key, Cap: n}).plain(n)
		return
	}
	k.hold = w.ask(l, op{Kind: lookup, Key: key})
	k.tried = w.ask(l, op{Kind: attempts, Key: key})
}

// insist makes a call again until it is not for want of credits or of room under a cap that it is refused.
func (w *witness) insist(l credits.Ledger, o op, touched map[int64]bool) {
	for range 1 + 1 + maxCaps {
		mend := op{Kind: grant, Terms: terms{Class: purchase}}
		switch said := w.ask(l, o); said.Err {
		case errInsufficient:
			mend.Key, mend.Amount = w.grantKey(o.Account), said.Amount-(said.Posted-said.Held)
		case errCap:
			mend.Kind, mend.Key, mend.Cap = removeCap, capKey(o.Account, said.Cap), said.Cap
		default:
			return
		}
		if said := w.ask(l, mend); said.Err != "" {
			w.t.Errorf("%+v said %+v", mend, said)
		}
		touched[mend.Key] = true
	}
	w.t.Errorf("%+v is refused again and again", o)
}

// grantKey returns a new key for a grant.
func (w *witness) grantKey(account int) int64 {
	for !forGrants(w.ids) || keyAccount(w.ids) != account {
		w.ids++
	}
	return w.ids
}

// endLease notes that the database was opened again.
func (w *witness) endLease(key int64) {
	at := w.tick()
	w.key(key).add(call{op{Kind: reopen, Key: key}, answer{}, at, at})
}

// has reports whether a call without an answer left its mark.
func (w *witness) has(entries map[int64]credits.Entry, o op) bool {
	k := w.keys[o.about()]
	switch o.Kind {
	case grant, renew, adjust, refund:
		_, there := entries[o.Key]
		return there
	case setCap, removeCap:
		return k.hold.Caps[o.Cap-1] == capUse{Set: o.Kind == setCap, Limit: o.Amount}
	case hold:
		return k.hold.Pin == o.ID
	case settle, charge:
		return k.hold.Result == o.ID
	case begin:
		return k.tried.Tried[o.Attempt-1].Fate != absent
	case extend:
		return k.hold.Amount == o.Amount
	case release:
		return k.hold.State == credits.Released
	case finish:
		return k.tried.Tried[o.Attempt-1].Fate == o.Fate
	}
	return false
}

// entries returns all entries by the key that they answer to.
func (w *witness) entries(l credits.Ledger) map[int64]credits.Entry {
	out := map[int64]credits.Entry{}
	for account := range keyAccounts {
		list, err := collect(l.Entries(context.Background(), credits.EntryQuery{Account: accountName(w.prefix, account)}))
		if err != nil {
			w.t.Errorf("entries: %v", err)
		}
		for _, e := range list {
			if e.Kind != credits.EntryExpired {
				out[keyNumber(e.Key)] = e
			}
		}
	}
	return out
}

// plain leaves out what depends on other keys and other caps, and times by a clock that nobody controls.
func (a answer) plain(which int) answer {
	a.Entry, a.Posted, a.Held, a.Lease, a.Expires, a.Lots = 0, 0, 0, 0, 0, [maxLots]lot{}
	for i := range a.Caps {
		if a.Caps[i].Used = 0; i+1 != which {
			a.Caps[i] = capUse{}
		}
	}
	return a
}

// keyModel explains calls of one key and its refunds, or of one cap, in an account that has enough of everything. What
// other keys leave of the account, and what other caps leave room for, is not its business.
var keyModel = porcupine.NondeterministicModel{
	Init: func() []any {
		var a account
		a.purse.add(terms{Class: purchase}, 0, 1<<50)
		return []any{a}
	},
	Step: func(state, input, output any) []any {
		before, o, said := state.(account), input.(op), output.(answer)
		o.Key, o.Charge = o.Key-o.about(), 0
		o.Key /= refundKey(0, 1)
		after := before
		want := after.apply(o).plain(o.Cap)
		switch said.Err {
		case errPending, errDoubt, errContext:
			return []any{before, after}
		case errNoEffect:
			return []any{before}
		case errInsufficient, errCap:
			if (o.Kind == hold || o.Kind == extend || o.Kind == charge) && after.purse != before.purse {
				return []any{before}
			}
			return nil
		}
		if said.plain(o.Cap) != want {
			return nil
		}
		return []any{after}
	},
	Equal:             func(a, b any) bool { return a.(account) == b.(account) },
	DescribeOperation: describe,
}

// judge looks for an order of all that was said about a key.
func (w *witness) judge(key int64) {
	w.t.Helper()
	w.keysChecked++
	m := keyModel.ToModel()
	if result := porcupine.CheckOperationsTimeout(m, w.keys[key].calls, patience); result != porcupine.Ok {
		w.t.Errorf("%s, key %d: %s:\n%s", w.prefix, key, result, explain(m, w.keys[key].calls))
	}
}

// recheck looks at every key again: nothing that was found earlier has been lost since.
func (w *witness) recheck(l credits.Ledger) {
	w.t.Helper()
	for _, key := range slices.Sorted(maps.Keys(w.keys)) {
		k := w.keys[key]
		hold, tried := k.hold, k.tried
		w.look(l, key)
		if hold.Lease = k.hold.Lease; k.hold != hold || k.tried != tried {
			w.t.Errorf("%s, key %d: was %+v %+v, is %+v %+v", w.prefix, key, hold, tried, k.hold, k.tried)
		}
	}
	w.audit(l, nil)
}

// leads returns some keys that work can go on with, and lets go of what was said about all others.
func (w *witness) leads() (out []lead) {
	for key, k := range w.keys {
		if n := capOf(key); n > 0 {
			is := k.hold.Caps[n-1]
			o := op{Kind: setCap, Key: key, Cap: n, Amount: is.Limit}
			if !is.Set {
				o.Kind = removeCap
			}
			k.calls = nil
			k.add(call{o, answer{}, w.tick(), w.tick()}) // what it came to
			continue
		}
		if len(out) < 20 && len(k.calls) > 0 && len(k.calls) < 60 && (k.hold.State == credits.Open || k.hold.State == credits.Released || len(k.calls)%4 == 0) {
			out = append(out, lead{key, k.hold.Holder, k.hold.Fence})
			continue
		}
		k.calls = nil
	}
	return out
}
