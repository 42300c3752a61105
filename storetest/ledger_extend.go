package storetest

import (
	"time"

	"github.com/scrip-go/scrip/credits"
)

func extend(key credits.Key, total credits.Amount) credits.ExtendRequest {
	return credits.ExtendRequest{Account: alice, Key: key, Holder: first, Total: total}
}

var ledgerExtendCases = []testCase[*ledgerTest]{
	{"ExtendsToATotal", "Extend names what the hold shall amount to, so that the same call again adds nothing",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			for range 3 {
				h, err := t.Extend(t.Context(), extend("k", 50))
				must(t, err, "Extend")
				if h.Amount != 50 || h.State != credits.Open || string(h.Pinned) != "pin of k" {
					t.Errorf("Extend = %+v, want amount 50", h)
				}
				t.wantBalance(100, 50)
			}
		}},
	{"DoesNotShrinkAHold", "a total below what is held changes nothing but the lease",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			h, err := t.Extend(t.Context(), extend("k", 1))
			must(t, err, "Extend")
			if h.Amount != 30 {
				t.Errorf("Extend = amount %d, want 30", h.Amount)
			}
			t.wantBalance(100, 30)
		}},
	{"RenewsTheLeaseByExtending", "Extend renews the lease; without a TTL the expiry stays, with one it counts from now",
		func(t *ledgerTest) {
			t.grant(100)
			created := t.clock.now()
			t.hold(request("k", 30))
			t.clock.advance(30 * time.Second)
			h, err := t.Extend(t.Context(), extend("k", 30))
			must(t, err, "Extend")
			if want := t.clock.now().Add(time.Minute); !h.LeaseUntil.Equal(want) || !h.ExpiresAt.Equal(created.Add(ttl)) {
				t.Errorf("Extend = lease until %v, expires %v, want %v and %v", h.LeaseUntil, h.ExpiresAt, want, created.Add(ttl))
			}
			r := extend("k", 30)
			r.TTL = 2 * ttl
			h, err = t.Extend(t.Context(), r)
			must(t, err, "Extend")
			if want := t.clock.now().Add(2 * ttl); !h.ExpiresAt.Equal(want) {
				t.Errorf("Extend = expires %v, want %v", h.ExpiresAt, want)
			}
			t.clock.advance(ttl)
			t.wantBalance(100, 30)
			t.clock.advance(ttl)
			t.wantBalance(100, 0)
		}},
	{"RefusesToExtendBeyondTheBalance", "an extension that cannot be covered is an *InsufficientError about what was missing, and the hold stays as it is",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			_, err := t.Extend(t.Context(), extend("k", 101))
			t.wantInsufficient(err, 71, 70, 30)
			t.wantBalance(100, 30)
			_, err = t.Extend(t.Context(), extend("k", 100))
			wantErr(t, err, nil, "Extend to all there is")
		}},
	{"ExtendsOpenHoldsOnly", "a hold that was settled is ErrSettled, released or expired ErrClosed, unknown ErrNotFound",
		func(t *ledgerTest) {
			t.grant(100)
			try := func(key credits.Key, want error) {
				t.Helper()
				_, err := t.Extend(t.Context(), extend(key, 50))
				wantErr(t, err, want, "Extend of "+string(key))
			}
			try("unknown", credits.ErrNotFound)
			t.hold(request("settled", 10))
			t.settle("settled", 10)
			try("settled", credits.ErrSettled)
			t.hold(request("released", 10))
			t.release("released", first)
			try("released", credits.ErrClosed)
			t.hold(request("expired", 10))
			t.clock.advance(ttl)
			try("expired", credits.ErrClosed)
			t.wantBalance(90, 0)
		}},
	{"ChargesWhatWasExtended", "a settle may charge up to the extended total",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			_, err := t.Extend(t.Context(), extend("k", 50))
			must(t, err, "Extend")
			if r := t.settle("k", 45); r.Charged != 45 || r.Record.WrittenOff != 0 {
				t.Errorf("Settle = charged %d, written off %d, want 45 and 0", r.Charged, r.Record.WrittenOff)
			}
			t.wantBalance(55, 0)
		}},
}
