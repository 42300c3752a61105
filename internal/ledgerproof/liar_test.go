//go:build linux || darwin

package ledgerproof_test

import (
	"context"
	"slices"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

// count is a reporter that only counts.
type count int

func (c *count) Helper()               {}
func (c *count) Errorf(string, ...any) { *c++ }

// TestWitnessFindsLies shows that a witness would find what it is for: work is done on one ledger, and what was said is
// compared with another, on which all of it was done but for one thing.
func TestWitnessFindsLies(t *testing.T) {
	t.Parallel()
	const prefix = "lies"
	var c collector
	workload{Seed: 1, Base: 1 << 24, Workers: 1, Ops: 500}.run(context.Background(), memoryBackend.open(t, nil, false)[0], prefix, c.say)
	end := monotonic()
	made := calls(t, c.lines, end)
	// last is the last call of its kind that had an effect.
	last := func(k kind) int {
		for i, m := range slices.Backward(made) {
			o, said := m.op, m.said
			if o.Kind == k && said.Err == "" && (k != settle && k != charge || said.Result == o.ID) && (k != hold || said.Fresh) && (k != begin || o.Attempt > 1) {
				return i
			}
		}
		t.Fatalf("no %s", k)
		return 0
	}
	same := func(o op) int64 { return o.Key*10 + int64(o.Attempt) }
	without := func(k kind) func(int, op, func(op)) { // not even when it is said again
		missing := made[last(k)].op
		return func(_ int, o op, do func(op)) {
			if o.Kind != k || same(o) != same(missing) {
				do(o)
			}
		}
	}
	for _, lie := range []struct {
		name string
		do   func(i int, o op, do func(op)) // how the other ledger comes to do the call with number i
		true bool
	}{
		{"NothingIsMissing", func(_ int, o op, do func(op)) { do(o) }, true},
		{"AllIsSaidTwice", func(_ int, o op, do func(op)) { do(o); do(o) }, true},
		{"AGrantIsMissing", without(grant), false},
		{"ARenewalIsMissing", without(renew), false},
		{"AnAdjustmentIsMissing", without(adjust), false},
		{"AChargeIsMissing", without(charge), false},
		{"ARefundIsMissing", without(refund), false},
		{"ACapIsMissing", skip(last(setCap)), false},
		{"NoCapIsRemoved", never(removeCap), false},
		{"ASettleIsMissing", skip(last(settle)), false},
		{"AHoldIsMissing", skip(last(hold)), false},
		{"AReleaseIsMissing", skip(last(release)), false},
		{"AnAttemptIsMissing", without(begin), false},
		{"NoAttemptIsFinished", never(finish), false},
		{"ASettleHasAnotherResult", change(last(settle), func(o *op) { o.ID++ }), false},
		{"ASettleChargedLess", change(last(settle), func(o *op) { o.Amount /= 2 }), false},
		{"ARefundIsOfMore", change(last(refund), func(o *op) { o.Amount++ }), false},
		{"AnAdjustmentIsOfLess", changeAll(made[last(adjust)].op.Key, func(o *op) { o.Amount /= 2 }), false},
		{"AGrantHasAnotherPriority", changeAll(made[last(grant)].op.Key, func(o *op) { o.Terms.Priority++ }), false},
		{"AGrantExpires", changeAll(made[last(grant)].op.Key, func(o *op) { o.Terms.Until = 1 << 55 }), false},
		{"ARenewalEndsNothing", changeAll(made[last(renew)].op.Key, func(o *op) { o.Kind = grant }), false},
		{"ARefundIsThereTwice", func(i int, o op, do func(op)) {
			if do(o); i == last(refund) {
				o.Key += refundKey(0, 2)
				do(o)
			}
		}, false},
		{"AGrantIsThereTwice", func(i int, o op, do func(op)) {
			do(o)
			if i == last(grant) {
				o.Key += 8 * keyAccounts
				do(o)
			}
		}, false},
		{"AChargeIsThereTwice", func(i int, o op, do func(op)) {
			if do(o); i == last(settle) {
				o.Key = 1<<50 + o.Key%keyAccounts
				do(op{Kind: hold, ID: 1, Key: o.Key, Account: o.Account, Amount: 5, Holder: 1, Lease: 1e9, TTL: 1e9})
				do(o)
			}
		}, false},
	} {
		t.Run(lie.name, func(t *testing.T) {
			l := memoryBackend.open(t, nil, false)[0]
			for i, m := range made {
				lie.do(i, m.op, func(o op) { o.do(context.Background(), l, prefix) })
			}
			var found count
			newWitness(&found, prefix).examine(l, made, end, false)
			if lie.true != (found == 0) {
				t.Errorf("the witness has %d objections", found)
			}
		})
	}
	t.Run("AnEffectComesAfterTheKill", func(t *testing.T) {
		// What was pending when the process died may have happened, but then it is there at the first look.
		l := memoryBackend.open(t, nil, false)[0]
		late := op{Kind: release, ID: 1, Holder: 1, Fence: 1, Lease: 1e9}
		held := op{Kind: hold, ID: 2, Holder: 1, Fence: 1, Lease: 1e9, TTL: 1e12, Amount: 1}
		grant := op{Kind: grant, ID: 3, Key: 15, Amount: 10}
		said := []call{{grant, grant.do(t.Context(), l, prefix), 1, 2}, {held, held.do(t.Context(), l, prefix), 3, 4}, {late, answer{Err: errPending}, 5, 6}}
		var found count
		newWitness(&found, prefix).examine(&tardy{Ledger: l}, said, 6, false)
		if found == 0 {
			t.Error("the witness has no objection")
		}
	})
}

func skip(which int) func(int, op, func(op)) {
	return func(i int, o op, do func(op)) {
		if i != which {
			do(o)
		}
	}
}

func never(k kind) func(int, op, func(op)) {
	return func(_ int, o op, do func(op)) {
		if o.Kind != k {
			do(o)
		}
	}
}

func change(which int, how func(*op)) func(int, op, func(op)) {
	return func(i int, o op, do func(op)) {
		if i == which {
			how(&o)
		}
		do(o)
	}
}

// changeAll changes all calls of a key.
func changeAll(key int64, how func(*op)) func(int, op, func(op)) {
	return func(_ int, o op, do func(op)) {
		if o.Key == key {
			how(&o)
		}
		do(o)
	}
}

// tardy releases between two looks.
type tardy struct {
	credits.Ledger
	looked int
}

func (l *tardy) Lookup(ctx context.Context, account credits.Account, key credits.Key) (credits.Held, error) {
	held, err := l.Ledger.Lookup(ctx, account, key)
	if held.Hold == nil || held.Hold.State != credits.Open {
		return held, err
	}
	if l.looked++; l.looked == 1 {
		_ = l.Release(ctx, credits.ReleaseRequest{Account: account, Key: key, Holder: held.Hold.Holder})
		_, _ = l.Hold(ctx, credits.HoldRequest{Account: account, Key: key, Operation: "write", Fingerprint: held.Hold.Fingerprint,
			Amount: 2, Holder: held.Hold.Holder, TTL: held.Hold.Holder.Lease})
	}
	return held, err
}
