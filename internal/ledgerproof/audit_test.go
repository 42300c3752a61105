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
	var posted, grants, charges, used credits.Amount
	settles := 0
	for i, e := range entries {
		posted += e.Amount
		key := keyNumber(e.Key)
		k := w.keys[key]
		if e.Number != int64(i+1) || e.BalanceAfter != posted {
			wrong("entry %+v is in place %d, and the sum is %d", e, i+1, posted)
		}
		if _, twice := byKey[key]; twice || k == nil || keyAccount(key) != account {
			wrong("entry %+v is there twice, or nobody asked for it", e)
			continue
		}
		byKey[key] = e
		switch e.Kind {
		case credits.EntryGrant:
			grants += e.Amount
			if k.grant != 0 && k.grant != int64(e.Amount) || !forGrants(key) {
				wrong("entry %+v: the key granted %d before", e, k.grant)
			}
			k.grant = int64(e.Amount)
		case credits.EntrySettle:
			charges -= e.Amount
			if k.hold.State != credits.Settled || k.hold.Entry != e.Number || k.hold.Charged != -int64(e.Amount) {
				wrong("entry %+v: the key has %+v", e, k.hold)
			}
			if settles >= len(records) || records[settles].Entry != e.Number || records[settles].Key != e.Key || records[settles].Charged != -e.Amount {
				wrong("entry %+v has no usage record of its own", e)
			}
			settles++
		default:
			wrong("entry %+v", e)
		}
	}
	for _, r := range records {
		used += r.Charged
	}
	if len(records) != settles || used != charges || posted != grants-charges {
		wrong("%d records for %d settles; %d used, %d charged; %d posted, %d granted", len(records), settles, used, charges, posted, grants)
	}

	var held, tried int64
	for key, k := range w.keys {
		if keyAccount(key) != account {
			continue
		}
		if k.hold.State == credits.Open {
			held += k.hold.Amount
		}
		if _, there := byKey[key]; there != (k.hold.State == credits.Settled || k.grant != 0) {
			wrong("key %d: %+v, granted %d, has an entry: %v", key, k.hold, k.grant, there)
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
	if report, err := l.Verify(ctx, name); err != nil || !report.OK() {
		wrong("Verify = %+v, %v", report, err)
	}
	for _, c := range made { // what was acknowledged is where it was said to be
		if c.op.Account != account || c.said.Err != "" || c.said.Entry == 0 {
			continue
		}
		e, there := byKey[c.op.Key]
		if !there || e.Number != c.said.Entry || c.op.Kind == grant && int64(e.BalanceAfter) != c.said.Posted {
			wrong("%+v said %+v, the entry is %+v", c.op, c.said, e)
		}
	}
}
