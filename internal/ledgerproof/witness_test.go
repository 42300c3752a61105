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

// testimony is everything that was said about a key, and what the ledger has of it.
type testimony struct {
	calls []porcupine.Operation
	hold  answer // of the last look-up
	tried answer // of the last look at its attempts
	grant int64  // what the key granted, once there is an entry of it
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

func (k *testimony) add(c call) {
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
	w.key(o.Key).add(call{o, said, from, w.tick()})
	return said
}

// examine compares a ledger with what was said of the calls, which ended before end, and does again what has no answer.
// Reopened says that it was opened to make the calls and again to look at them, which ended all leases.
func (w *witness) examine(l credits.Ledger, made []call, end int64, reopened bool) {
	w.t.Helper()
	touched := map[int64]bool{}
	var again []op
	for _, c := range made {
		if reopened && !touched[c.op.Key] && len(w.key(c.op.Key).calls) > 0 { // by who made the calls
			w.endLease(c.op.Key)
		}
		touched[c.op.Key] = true
		w.key(c.op.Key).add(c)
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
		if said := w.ask(l, o); said.Err == errInsufficient { // others had the credits; now there are some
			w.topUp(l, o.Account, touched)
			w.ask(l, o)
		}
	}
	for _, o := range again {
		w.look(l, o.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(touched)) {
		w.judge(key)
	}
	w.audit(l, made)
}

// look reads all that there is about a key.
func (w *witness) look(l credits.Ledger, key int64) {
	k := w.key(key)
	k.hold = w.ask(l, op{Kind: lookup, Key: key})
	k.tried = w.ask(l, op{Kind: attempts, Key: key})
}

func (w *witness) topUp(l credits.Ledger, account int, touched map[int64]bool) {
	key := w.ids
	for !forGrants(key) || keyAccount(key) != account {
		key++
	}
	w.ids = key
	if said := w.ask(l, op{Kind: grant, Key: key, Amount: 5000}); said.Err != "" {
		w.t.Errorf("top-up: %+v", said)
	}
	w.look(l, key)
	touched[key] = true
}

// endLease notes that the database was opened again.
func (w *witness) endLease(key int64) {
	at := w.tick()
	w.key(key).add(call{op{Kind: reopen, Key: key}, answer{}, at, at})
}

// has reports whether a call without an answer left its mark.
func (w *witness) has(entries map[int64]credits.Entry, o op) bool {
	k := w.keys[o.Key]
	switch o.Kind {
	case grant:
		_, there := entries[o.Key]
		return there
	case hold:
		return k.hold.Pin == o.ID
	case settle:
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

// entries returns all entries by their key.
func (w *witness) entries(l credits.Ledger) map[int64]credits.Entry {
	out := map[int64]credits.Entry{}
	for account := range keyAccounts {
		list, err := collect(l.Entries(context.Background(), credits.EntryQuery{Account: accountName(w.prefix, account)}))
		if err != nil {
			w.t.Errorf("entries: %v", err)
		}
		for _, e := range list {
			out[keyNumber(e.Key)] = e
		}
	}
	return out
}

// plain leaves out what depends on other keys, and times by a clock that nobody controls.
func (a answer) plain() answer {
	a.Entry, a.Posted, a.Held, a.Lease, a.Expires = 0, 0, 0, 0, 0
	return a
}

// keyModel explains calls of one key in an account that has enough of everything.
var keyModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{account{posted: 1 << 50}} },
	Step: func(state, input, output any) []any {
		before, o, said := state.(account), input.(op), output.(answer)
		o.Key = 0
		after := before
		want := after.apply(o).plain()
		switch said.Err {
		case errPending, errDoubt, errContext:
			return []any{before, after}
		case errNoEffect:
			return []any{before}
		case errInsufficient:
			if want.Err == "" && (o.Kind == hold || o.Kind == extend) {
				return []any{before}
			}
			return nil
		}
		if said.plain() != want {
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
		if len(out) < 20 && len(k.calls) > 0 && len(k.calls) < 60 && (k.hold.State == credits.Open || k.hold.State == credits.Released || len(k.calls)%4 == 0) {
			out = append(out, lead{key, k.hold.Holder, k.hold.Fence})
			continue
		}
		k.calls = nil
	}
	return out
}
