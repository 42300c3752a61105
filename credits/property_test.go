package credits_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// tape draws mutations. There are so few accounts, keys and holders that they collide all the time.
type tape struct {
	*rapid.T
	*book             // what there is, so that not every draw misses it
	last  credits.Ref // what the last mutation was about
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
	if t.once("odd", 40) {
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
	account := credits.Account([]string{"a", "b"}[t.pick("account", 2)])
	name := credits.Key([]string{"k1", "k2", "k3"}[t.pick("key", 3)])
	if t.last.Key != "" && t.once("again", 2) {
		account, name = t.last.Account, t.last.Key
	}
	ref := credits.Ref{Account: account, Key: name}
	t.last = ref
	switch t.pick("op", 13) {
	case 0:
		if t.once("fresh key", 2) {
			name += "+"
		}
		return credits.Grant{Account: account, Key: name, Kind: credits.Plan, Amount: t.amount(40)}
	case 1: // of a key that nobody holds, so that there is something to hold
		return credits.Grant{Account: account, Key: credits.Key(fmt.Sprintf("g%d", t.pick("grant", 50))), Kind: credits.Bonus, Amount: t.amount(100), Note: "n"}
	case 2, 3, 4, 5:
		r := credits.HoldRequest{Account: account, Key: name, Operation: "op", Scope: []string{"", "s"}[t.pick("scope", 2)],
			Amount: t.amount(60), Fingerprint: [32]byte{1}, Holder: t.holder(ref), First: t.attempt(ref, true)}
		if t.once("other request", 8) {
			r.Fingerprint[0] = 2
		}
		r.Pinned = fmt.Appendf(nil, "pin of %s at %d", r.Holder.ID, r.Amount)
		r.TTL = r.Holder.Lease + time.Duration(t.pick("ttl", 16)-1)*time.Second // one in sixteen is shorter than the lease
		return r
	case 6, 7:
		r := credits.ExtendRequest{Account: account, Key: name, Holder: t.holder(ref), Total: t.amount(150)}
		if t.once("longer", 2) {
			r.TTL = r.Holder.Lease + time.Second
		}
		return r
	case 8, 9:
		r := credits.SettleRequest{Account: account, Key: name, Amount: t.amount(80), Last: t.attempt(ref, true)}
		r.Record.Attempt, r.Result = r.Last.ID, fmt.Appendf(nil, "result for %d", r.Amount)
		return r
	case 10:
		return credits.ReleaseRequest{Account: account, Key: name, Holder: t.holder(ref), Last: t.attempt(ref, true)}
	case 11:
		return credits.BeginRequest{Account: account, Key: name, Holder: t.holder(ref), Attempt: t.attempt(ref, false)}
	}
	return credits.FinishRequest{Account: account, Key: name, Attempt: t.attempt(ref, false)}
}

func (t tape) step() time.Duration {
	return []time.Duration{0, 0, 0, time.Microsecond, time.Second / 2, time.Second, 2 * time.Second}[t.pick("time", 7)]
}

// TestTheStateMachineDoesWhatTheCommentsSay plays random tapes to the state machine, behind a store that loads the state
// afresh for each mutation, and to a naive model of the rules.
func TestTheStateMachineDoesWhatTheCommentsSay(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		b, model, watch := newBook(), newNaive(), &watcher{settled: map[credits.Ref]credits.Receipt{}}
		drawn := &tape{T: rt, book: b}
		for range rapid.IntRange(20, 150).Draw(rt, "length") {
			b.now = b.now.Add(drawn.step())
			op := drawn.op()
			before := b.copy()
			outs, errs := b.apply(op)
			want := model.apply(op, b.now)
			got := judge(rt, op, outs[0], errs[0], b.accounts[op.Ref().Account].Held)
			seen[fmt.Sprintf("%T %v", op, want.class)]++
			if d := differ(want.print(), got.print()); d != "" {
				rt.Fatalf("Apply(%T %+v) at %v came to something else than the rules say:\n%s", op, op, b.now.Sub(start), d)
			}
			watch.check(rt, op, before, b, errs[0])
			sameLedger(rt, b, model)
		}
		for name := range b.accounts {
			if r := b.audit(name); !r.OK() {
				rt.Fatalf("the audit of %q finds %+v", name, r.Problems)
			}
		}
	})
	total := 0
	for _, n := range seen {
		total += n
	}
	if total < 3000 || t.Failed() { // somebody asked for fewer checks
		return
	}
	// A tape that never gets somewhere proves nothing about it.
	for _, class := range []string{
		"credits.Grant <nil>", "credits.Grant key reused for a different request", "credits.Grant invalid request",
		"credits.HoldRequest <nil>", "credits.HoldRequest insufficient credits", "credits.HoldRequest operation in progress",
		"credits.HoldRequest key reused for a different request", "credits.HoldRequest invalid request",
		"credits.ExtendRequest <nil>", "credits.ExtendRequest insufficient credits", "credits.ExtendRequest not the holder",
		"credits.ExtendRequest hold is closed", "credits.ExtendRequest already settled", "credits.ExtendRequest no such key",
		"credits.SettleRequest <nil>", "credits.SettleRequest no such key", "credits.ReleaseRequest <nil>",
		"credits.ReleaseRequest not the holder", "credits.ReleaseRequest already settled", "credits.ReleaseRequest no such key",
		"credits.BeginRequest <nil>", "credits.BeginRequest not the holder", "credits.BeginRequest hold is closed",
		"credits.FinishRequest <nil>", "credits.FinishRequest no such key",
	} {
		if seen[class] == 0 {
			t.Errorf("no tape came to %q", class)
		}
	}
}

// print is a verdict as something that cmp may look into.
func (v verdict) print() string {
	text := fmt.Sprintf("class %v need %d available %d holder %q until %v entry %d fresh %t open %q",
		v.class, v.need, v.available, v.holder, v.until.Sub(start), v.entry, v.fresh, v.open)
	if v.receipt != nil {
		text += fmt.Sprintf("\nreceipt %+v", *v.receipt)
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
			credits.ErrKeyReused, credits.ErrNotFound, credits.ErrNotHolder, credits.ErrClosed, credits.ErrSettled} {
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
		var busy *credits.InProgressError
		if errors.As(err, &busy) {
			v.holder, v.until = busy.Holder, busy.Until
		}
		return v
	}
	switch op.(type) {
	case credits.Grant:
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
	case credits.SettleRequest:
		v.receipt = brief(out.Receipt)
	}
	return v
}

func (v *verdict) show(h credits.Hold) {
	v.fresh = h.Fresh
	v.hold = &promise{fingerprint: h.Fingerprint, operation: h.Operation, scope: h.Scope, amount: h.Amount, pinned: string(h.Pinned),
		created: h.CreatedAt, holder: h.Holder, lease: h.LeaseUntil, ends: h.ExpiresAt}
	for _, a := range h.OpenAttempts {
		v.open = append(v.open, a.ID)
	}
}

func brief(r credits.Receipt) *charge {
	return &charge{entry: r.Entry, charged: r.Charged, writtenOff: r.Record.WrittenOff, result: string(r.Result), at: r.Record.At}
}

// watcher checks what must hold after every mutation, whatever the model says.
type watcher struct {
	settled map[credits.Ref]credits.Receipt // as first seen
}

func (w *watcher) check(rt *rapid.T, op credits.Op, before, b *book, err error) {
	name := op.Ref().Account
	if err != nil {
		if !errors.Is(err, credits.ErrInvalid) {
			before.expire(name) // that is a decision of its own
		}
		if d := before.diff(b); d != "" {
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

// sameLedger compares every row with what the model works out.
func sameLedger(rt *rapid.T, b *book, model *naive) {
	for _, account := range []credits.Account{"a", "b"} {
		want := credits.Balance{Posted: model.posted(account), Held: model.held(account, b.now), Available: model.available(account, b.now)}
		if got := b.balance(account); got != want {
			rt.Fatalf("balance of %q is %+v, want %+v", account, got, want)
		}
	}
	var entries []event
	for _, e := range slices.Concat(b.entries["a"], b.entries["b"]) {
		entries = append(entries, event{e.Account, e.Kind, e.Key, e.Amount, e.Note, e.Operation, e.Scope, e.At})
	}
	want := slices.Clone(model.happened)
	slices.SortStableFunc(want, func(x, y event) int { return int(x.account[0]) - int(y.account[0]) })
	if !slices.Equal(entries, want) {
		rt.Fatalf("entries are %+v, want %+v", entries, want)
	}
	if len(b.holds)+len(b.grants) != len(model.known) {
		rt.Fatalf("%d holds and %d grants, want %d keys", len(b.holds), len(b.grants), len(model.known))
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
		for range rapid.IntRange(3, 15).Draw(rt, "batches") {
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
			for ref, list := range batched.attempts { // begun at the same time: in no order
				slices.SortFunc(list, byID)
				slices.SortFunc(single.attempts[ref], byID)
			}
			if d := single.diff(batched); d != "" {
				rt.Fatalf("the batch left something else:\n%s", d)
			}
		}
	})
}

func byID(a, b credits.Attempt) int { return int(a.ID[0]) - int(b.ID[0]) }
