//go:build linux || darwin

package ledgerproof_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/credits"
)

// audit checks that the books of the whole database add up to what is known of each key, and nothing else.
func (w *witness) audit(l credits.Ledger, made []call) {
	w.t.Helper()
	w.audits++
	for account := range keyAccounts {
		w.auditAccount(l, account, made)
	}
}

func (w *witness) auditAccount(l credits.Ledger, account int, made []call) {
	w.t.Helper()
	ctx, name := context.Background(), accountName(w.prefix, account)
	wrong := func(format string, args ...any) {
		w.t.Helper()
		w.t.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
	entries, err := collect(l.Entries(ctx, credits.EntryQuery{Account: name}))
	if err != nil {
		wrong("entries: %v", err)
		return
	}
	records, err := collect(l.Records(ctx, credits.UsageQuery{Account: name}))
	if err != nil {
		wrong("records: %v", err)
	}
	tries, err := collect(l.Attempts(ctx, credits.AttemptQuery{Account: name}))
	if err != nil {
		wrong("attempts: %v", err)
	}

	byKey := map[int64]credits.Entry{}
	refunds := map[int64]int64{} // by charge
	var posted credits.Amount
	var settles []credits.Entry
	for i, e := range entries {
		posted += e.Amount
		if e.Number != int64(i+1) || e.BalanceAfter != posted {
			wrong("entry %+v is in place %d, and the sum is %d", e, i+1, posted)
		}
		if e.Kind == credits.EntryExpired { // see auditBuckets
			continue
		}
		key := keyNumber(e.Key)
		about := key
		if e.Kind == credits.EntryRefund {
			about = keyNumber(e.Charge)
		}
		k := w.keys[about]
		if _, twice := byKey[key]; twice || k == nil || keyAccount(key) != account {
			wrong("entry %+v is there twice, or nobody asked for it", e)
			continue
		}
		byKey[key] = e
		switch e.Kind {
		case credits.EntrySettle:
			if k.hold.State != credits.Settled || k.hold.Entry != e.Number || k.hold.Charged != -int64(e.Amount) {
				wrong("entry %+v: the key has %+v", e, k.hold)
			}
			settles = append(settles, e)
		case credits.EntryRefund:
			refunds[about] += int64(e.Amount)
		default:
			if k.entry.Number != 0 && !sameEntry(k.entry, e) || e.Kind != entryKinds[k.asked.Kind] {
				wrong("entry %+v: the key had %+v before, and %+v was asked for", e, k.entry, k.asked)
			}
			k.entry = e
		}
	}
	if len(records) != len(settles) {
		wrong("%d records for %d settles", len(records), len(settles))
		return
	}
	for i, r := range records {
		e := settles[i]
		if r.Entry != e.Number || r.Key != e.Key || r.Charged != -e.Amount || int64(r.Refunded) != refunds[keyNumber(r.Key)] || r.Refunded > r.Charged {
			wrong("entry %+v, of which %d was refunded, has the usage record %+v", e, refunds[keyNumber(r.Key)], r)
		}
	}

	var held, tried int64
	var used [maxCaps]int64
	for key, k := range w.keys {
		if keyAccount(key) != account || capOf(key) > 0 {
			continue
		}
		counts := k.hold.Charged - refunds[key]
		if k.hold.State == credits.Open {
			held += k.hold.Amount
			counts = k.hold.Amount
		}
		used[0] += counts
		if k.hold.Op == paint {
			used[1] += counts
		}
		if k.refunded > refunds[key] {
			wrong("key %d: %d was refunded, and %d before", key, refunds[key], k.refunded)
		}
		k.refunded = refunds[key]
		if _, there := byKey[key]; there != (k.hold.State == credits.Settled || k.entry.Number != 0) {
			wrong("key %d: %+v, entered %+v, has an entry: %v", key, k.hold, k.entry, there)
		}
		for _, a := range k.tried.Tried {
			if a.Fate != absent {
				tried++
			}
		}
	}
	if int64(len(tries)) != tried {
		wrong("%d attempts, want %d", len(tries), tried)
	}
	if !slices.IsSortedFunc(tries, func(a, b credits.Attempt) int { return a.BegunAt.Compare(b.BegunAt) }) {
		wrong("attempts are not the oldest first")
	}
	want := credits.Balance{Posted: posted, Held: credits.Amount(held), Available: posted - credits.Amount(held)}
	if b, err := l.Balance(ctx, name); err != nil || b != want {
		wrong("balance %+v, %v, want %+v", b, err, want)
	}
	w.auditBuckets(l, name, entries, want, wrong)
	if counted := (op{Kind: caps, Account: account}).do(ctx, l, w.prefix); counted.Err != "" {
		wrong("caps: %+v", counted)
	} else {
		for i, c := range counted.Caps {
			if is := w.keys[capKey(account, i+1)]; is != nil && is.hold.Caps[i] != (capUse{Set: c.Set, Limit: c.Limit}) || c.Set && c.Used != used[i] {
				wrong("cap %q is %+v and counts %d, want %+v", capNames[i], c, used[i], is)
			}
		}
	}
	if report, err := l.Verify(ctx, name); err != nil || !report.OK() {
		wrong("Verify = %+v, %v", report, err)
	}
	for _, c := range made { // what was acknowledged is where it was said to be
		if c.op.Account != account || c.said.Err != "" || c.said.Entry == 0 {
			continue
		}
		e, there := byKey[c.op.Key]
		if !there || e.Number != c.said.Entry || e.Kind != credits.EntrySettle && (int64(e.BalanceAfter) != c.said.Posted || parts(e.Lots) != c.said.Lots) {
			wrong("%+v said %+v, the entry is %+v", c.op, c.said, e)
		}
	}
}

func sameEntry(a, b credits.Entry) bool {
	return a.Number == b.Number && a.Kind == b.Kind && a.Amount == b.Amount && a.BalanceAfter == b.BalanceAfter && a.Hash == b.Hash
}

// auditBuckets adds up the buckets from the entries and compares them with those that the ledger says are left.
func (w *witness) auditBuckets(l credits.Ledger, name credits.Account, entries []credits.Entry, has credits.Balance, wrong func(string, ...any)) {
	w.t.Helper()
	left, err := l.Buckets(context.Background(), name)
	if err != nil {
		wrong("buckets: %v", err)
		return
	}
	all := map[int64]*credits.Bucket{0: {}} // 0 is debt
	var renewed int64                       // the last renewal
	for _, e := range entries {
		made := e.Amount
		for _, lot := range e.Lots {
			b := all[lot.Bucket]
			if b == nil || lot.Amount <= 0 {
				wrong("entry %+v: no such bucket", e)
				return
			}
			switch e.Kind {
			case credits.EntryRefund:
				b.Refunded += lot.Amount
				made -= lot.Amount
			case credits.EntryExpired:
				b.Expired += lot.Amount
				made += lot.Amount
			default:
				b.Charged += lot.Amount
				made += lot.Amount
			}
		}
		switch {
		case made > 0:
			all[e.Number] = &credits.Bucket{Number: e.Number, Key: e.Key, Amount: made}
		case made < 0:
			wrong("entry %+v: its lots do not add up to it", e)
		}
		if e.Kind == credits.EntryRenew {
			renewed = e.Number
		}
	}
	asked := map[int64]terms{}
	for _, k := range w.keys {
		if e := k.entry; e.Account == name && (e.Kind == credits.EntryGrant || e.Kind == credits.EntryRenew) {
			asked[e.Number] = k.asked.Terms
		}
	}
	var remaining, pinned credits.Amount
	for _, b := range left {
		remaining += b.Remaining()
		pinned += b.Pinned
		was := all[b.Number]
		if was == nil || b.Key != was.Key || b.Amount != was.Amount || b.Charged != was.Charged || b.Refunded != was.Refunded || b.Expired != was.Expired ||
			b.PaidDebt < 0 || b.Remaining() <= 0 || b.Free() < 0 {
			wrong("bucket %+v, by the entries it is %+v", b, was)
		}
		if t, ok := asked[b.Number]; ok && (b.Kind != classNames[t.Class] || b.Priority != int(t.Priority) || !b.ExpiresAt.Equal(t.expiresAt())) {
			wrong("bucket %+v, want %+v", b, t)
		}
		// What was used up when the plan was renewed was not ended by that, and may have got a refund since.
		if b.Kind == credits.Plan && b.Number < renewed && b.Free() > 0 && b.Refunded == 0 {
			wrong("bucket %+v was renewed by entry %d", b, renewed)
		}
	}
	debt := remaining - has.Posted
	if owed := all[0].Charged - all[0].Refunded; pinned != has.Held || debt < 0 || debt > owed || debt > 0 && remaining > pinned {
		wrong("the buckets have %d left and %d pinned, for %+v; %d was owed", remaining, pinned, has, owed)
	}
}
