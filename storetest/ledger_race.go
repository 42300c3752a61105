package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// These cases are as much for the race detector as for what they count.
var ledgerRaceCases = []testCase[*ledgerTest]{
	{"NeverOverspends", "however many holds race for a balance, only so many succeed as it covers, and the others are *InsufficientErrors",
		func(t *ledgerTest) {
			t.grant(10 * 10)
			errs := together(64, func(i int) error {
				_, err := t.Hold(t.Context(), request(credits.Key(fmt.Sprint("k", i)), 10))
				return err
			})
			if won, lost := matching(errs, nil), matching(errs, credits.ErrInsufficient); won != 10 || lost != 54 {
				t.Errorf("64 holds of 10 on a balance of 100: %d succeed, %d are insufficient, want 10 and 54: %v", won, lost, errors.Join(errs...))
			}
			t.wantBalance(100, 100)
		}},
	{"HoldsAKeyOnce", "of many holders that race for one key one gets it; the others are in progress, or get the receipt once it is settled",
		func(t *ledgerTest) {
			t.grant(1000)
			var mu sync.Mutex
			holds, receipts := 0, 0
			errs := together(32, func(i int) error {
				h := credits.Holder{ID: fmt.Sprint("holder ", i), Fence: 1, Lease: first.Lease}
				held, err := t.Hold(t.Context(), by(request("k", 10), h))
				if err != nil {
					return err
				}
				mu.Lock()
				if held.Receipt != nil {
					receipts++
				} else {
					holds++
				}
				mu.Unlock()
				if held.Hold != nil {
					_, err = t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 7})
				}
				return err
			})
			busy := matching(errs, credits.ErrInProgress)
			if holds != 1 || holds+receipts+busy != 32 {
				t.Errorf("32 holders of one key: %d hold it, %d get the receipt, %d are in progress, want one to hold it and no other answer: %v", holds, receipts, busy, errors.Join(errs...))
			}
			t.wantBalance(993, 0)
			t.wantEntries(2)
		}},
	{"TakesOverOnce", "of many holders that race for a key whose lease ran out one takes it over",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 10))
			t.clock.advance(first.Lease)
			errs := together(32, func(i int) error {
				h := credits.Holder{ID: fmt.Sprint("holder ", i), Fence: 1, Lease: first.Lease}
				_, err := t.Hold(t.Context(), by(request("k", 10), h))
				return err
			})
			if won, busy := matching(errs, nil), matching(errs, credits.ErrInProgress); won != 1 || busy != 31 {
				t.Errorf("32 takeovers: %d succeed, %d are in progress, want 1 and 31: %v", won, busy, errors.Join(errs...))
			}
			t.wantBalance(100, 10)
		}},
	{"SettlesAKeyOnce", "however many settles of one key race, one charges, and all get its receipt",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			var mu sync.Mutex
			seen := map[string]int{}
			errs := together(32, func(i int) error {
				result := fmt.Sprint("result ", i)
				r, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: credits.Amount(i), Result: []byte(result)})
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				seen[fmt.Sprintf("entry %d, %d charged, %q", r.Entry, r.Charged, r.Result)]++
				return nil
			})
			if won := matching(errs, nil); won != 32 || len(seen) != 1 {
				t.Errorf("32 settles: %d succeed with receipts %v, want all with the same: %v", won, seen, errors.Join(errs...))
			}
			t.wantEntries(2)
		}},
	{"GrantsAKeyOnceInARace", "however many grants of one key race, one adds credits",
		func(t *ledgerTest) {
			errs := together(32, func(int) error {
				_, err := t.Grant(t.Context(), credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 5})
				return err
			})
			if won := matching(errs, nil); won != 32 {
				t.Errorf("32 grants of one key: %d succeed, want all: %v", won, errors.Join(errs...))
			}
			t.wantBalance(5, 0)
			t.wantEntries(1)
		}},
	{"EndsAKeyOneWay", "a settle and a release that race for a key leave it settled and charged once, whichever was first",
		func(t *ledgerTest) {
			t.grant(1000)
			const keys = 20
			for i := range keys {
				t.hold(request(credits.Key(fmt.Sprint("k", i)), 10))
			}
			errs := together(3*keys, func(i int) error {
				key := credits.Key(fmt.Sprint("k", i/3))
				if i%3 == 0 {
					err := t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: key, Holder: first})
					if errors.Is(err, credits.ErrSettled) {
						return nil
					}
					return err
				}
				_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: key, Amount: 4})
				return err
			})
			if won := matching(errs, nil); won != len(errs) {
				t.Errorf("%d of %d calls succeed or are refused as settled, want all: %v", won, len(errs), errors.Join(errs...))
			}
			for i := range keys {
				t.wantState(credits.Key(fmt.Sprint("k", i)), credits.Settled)
			}
			t.wantBalance(1000-4*keys, 0)
			t.wantEntries(1 + keys)
		}},
	{"RefundsAChargeOnceInARace", "however many refunds of one charge race, together they give back no more than was charged, and the others are ErrRefund",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k", 50)
			errs := together(16, func(i int) error {
				_, err := t.Refund(t.Context(), refund(credits.Key(fmt.Sprint("r", i)), "k", 10))
				return err
			})
			if won, lost := matching(errs, nil), matching(errs, credits.ErrRefund); won != 5 || lost != 11 {
				t.Errorf("16 refunds of 10 of a charge of 50: %d succeed, %d are above the charge, want 5 and 11: %v", won, lost, errors.Join(errs...))
			}
			t.wantBalance(100, 0)
			t.wantLeft("grant/1 100")
			t.wantEntries(7)
		}},
	{"RefundsAKeyOnceInARace", "however many refunds under one key race, one gives credits back, and all get its entry",
		func(t *ledgerTest) {
			t.grant(100)
			t.charge("k", 50)
			errs := together(16, func(int) error {
				e, err := t.Refund(t.Context(), refund("r", "k", 10))
				if err == nil && e.Number != 3 {
					return fmt.Errorf("entry %d", e.Number)
				}
				return err
			})
			if won := matching(errs, nil); won != 16 {
				t.Errorf("16 refunds under one key: %d succeed with entry 3, want all: %v", won, errors.Join(errs...))
			}
			t.wantBalance(60, 0)
			t.wantEntries(3)
		}},
	{"NeverOverspendsInOneStep", "however many charges race for a balance, only so many succeed as it covers, and the others are *InsufficientErrors",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "a", Amount: 4})
			t.grantOf(credits.Grant{Key: "b", Amount: 6, Priority: -1})
			errs := together(64, func(i int) error {
				_, err := t.Charge(t.Context(), charge(credits.Key(fmt.Sprint("k", i)), 1))
				return err
			})
			if won, lost := matching(errs, nil), matching(errs, credits.ErrInsufficient); won != 10 || lost != 54 {
				t.Errorf("64 charges of 1 on a balance of 10: %d succeed, %d are insufficient, want 10 and 54: %v", won, lost, errors.Join(errs...))
			}
			t.wantBalance(0, 0)
			t.wantEntries(12)
			if n := len(t.records()); n != 10 {
				t.Errorf("Records yields %d, want 10", n)
			}
		}},
	{"ChargesAKeyOnceInARace", "however many charges of one key race, one charges, and all get its receipt",
		func(t *ledgerTest) {
			t.grant(100)
			errs := together(32, func(i int) error {
				r, err := t.Charge(t.Context(), charge("k", credits.Amount(7)))
				if err == nil && (r.Entry != 2 || r.Charged != 7) {
					return fmt.Errorf("receipt %+v", r)
				}
				return err
			})
			if won := matching(errs, nil); won != 32 {
				t.Errorf("32 charges of one key: %d succeed with the same receipt, want all: %v", won, errors.Join(errs...))
			}
			t.wantBalance(93, 0)
			t.wantEntries(2)
		}},
	{"RenewsOnceInARace", "however many renewals race beside holds, one plan is left of them, and what is held stays held",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "plan", Kind: credits.Plan, Amount: 100, Renew: true})
			errs := together(24, func(i int) error {
				if i%2 == 0 {
					_, err := t.Grant(t.Context(), credits.Grant{Account: alice, Key: credits.Key(fmt.Sprint("plan", i)), Kind: credits.Plan, Amount: 100, Renew: true})
					return err
				}
				_, err := t.Hold(t.Context(), request(credits.Key(fmt.Sprint("k", i)), 5))
				return err
			})
			if won := matching(errs, nil); won != 24 {
				t.Errorf("%d of 24 succeed, want all: %v", won, errors.Join(errs...))
			}
			b, err := t.Balance(t.Context(), alice)
			must(t, err, "Balance")
			if b.Held != 60 || b.Available > 100 || b.Posted > 160 {
				t.Errorf("Balance = %+v, want 60 held and at most one plan of 100 beside them", b)
			}
		}},
	{"ReadsBesideWrites", "reads beside mutations see committed state: at every moment the balance adds up and the entries have no gap",
		func(t *ledgerTest) {
			t.grant(1000)
			errs := together(16, func(i int) error {
				for j := range 8 {
					if i%2 == 0 {
						if err := t.pair(credits.Key(fmt.Sprint("k", i, "/", j))); err != nil {
							return err
						}
						continue
					}
					b, err := t.Balance(t.Context(), alice)
					if err != nil {
						return err
					}
					if b.Available != b.Posted-b.Held || b.Held < 0 || b.Held > 80 || b.Posted > 1000 {
						return fmt.Errorf("balance %+v", b)
					}
					if err := t.noGap(); err != nil {
						return err
					}
					if _, err := t.Prune(t.Context(), alice, t.in(time.Second)); err != nil {
						return err
					}
					for _, err := range t.Records(t.Context(), credits.UsageQuery{Account: alice}) {
						if err != nil {
							return err
						}
					}
					if buckets, err := t.Buckets(t.Context(), alice); err != nil || len(buckets) != 1 {
						return fmt.Errorf("buckets %+v, %v", buckets, err)
					}
				}
				return nil
			})
			if err := errors.Join(errs...); err != nil {
				t.Errorf("reads beside writes: %v", err)
			}
			t.wantBalance(1000-8*8*3, 0)
		}},
}

// pair holds ten credits and charges three.
func (t *ledgerTest) pair(key credits.Key) error {
	if _, err := t.Hold(t.Context(), request(key, 10)); err != nil {
		return err
	}
	_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: key, Amount: 3})
	return err
}

func (t *ledgerTest) noGap() error {
	var last credits.Entry
	for e, err := range t.Entries(t.Context(), credits.EntryQuery{Account: alice}) {
		if err != nil {
			return err
		}
		if e.Number != last.Number+1 || e.BalanceAfter != last.BalanceAfter+e.Amount {
			return fmt.Errorf("entry %+v after %+v", e, last)
		}
		last = e
	}
	return nil
}
