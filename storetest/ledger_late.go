package storetest

import (
	"github.com/scrip-go/scrip/credits"
)

var ledgerLateCases = []testCase[*ledgerTest]{
	{"ChargesALateSettleAfterRelease", "an answer that comes after the hold was released is charged all the same, once, at most what was held",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.release("k", first)
			for range 2 {
				if r := t.settle("k", 40); r.Charged != 30 || r.Record.WrittenOff != 10 {
					t.Errorf("late Settle(40) of a hold of 30 = charged %d, written off %d, want 30 and 10", r.Charged, r.Record.WrittenOff)
				}
				t.wantBalance(70, 0)
			}
			t.wantEntries(2)
			t.wantState("k", credits.Settled)
		}},
	{"ChargesALateSettleAfterExpiry", "an answer that comes after the hold expired is charged all the same, once",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(ttl)
			for range 2 {
				if r := t.settle("k", 12); r.Charged != 12 {
					t.Errorf("late Settle(12) = charged %d", r.Charged)
				}
				t.wantBalance(88, 0)
			}
			t.wantEntries(2)
		}},
	{"ChargesALateSettleIntoDebt", "a charge is never lost: if the credits are gone in the meantime, what is posted becomes negative",
		func(t *ledgerTest) {
			t.grant(100)
			for _, key := range []credits.Key{"expired", "released"} {
				t.hold(request(key, 50))
			}
			t.release("released", first)
			t.clock.advance(ttl)
			t.hold(request("other", 100))
			t.settle("other", 100)
			t.settle("expired", 50)
			t.wantBalance(-50, 0)
			t.settle("released", 20)
			t.wantBalance(-70, 0)
		}},
	{"HoldsNothingInDebt", "an account in debt gets no new hold; the error says by how much it is in debt",
		func(t *ledgerTest) {
			t.intoDebt()
			_, err := t.Hold(t.Context(), request("k", 1))
			t.wantInsufficient(err, 1, -50, 0)
		}},
	{"PaysDebtWithTheNextGrant", "a grant pays the debt first; only what is left may be held",
		func(t *ledgerTest) {
			t.intoDebt()
			t.grant(50)
			t.wantBalance(0, 0)
			_, err := t.Hold(t.Context(), request("k", 1))
			t.wantInsufficient(err, 1, 0, 0)
			t.grant(10)
			t.hold(request("k", 10))
			t.wantBalance(10, 10)
		}},
	{"ChargesALateSettleBesideOtherHolds", "a late charge takes nothing from what others hold: available becomes negative, their holds stay and settle",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("late", 80))
			t.release("late", first)
			t.hold(request("other", 90))
			t.settle("late", 80)
			t.wantBalance(20, 90)
			_, err := t.Hold(t.Context(), request("k", 1))
			t.wantInsufficient(err, 1, -70, 90)
			if r := t.settle("other", 90); r.Charged != 90 {
				t.Errorf("Settle of the other hold = charged %d, want 90", r.Charged)
			}
			t.wantBalance(-70, 0)
		}},
	{"SettlesAHoldThatWasTakenOverAfterExpiry", "a late answer settles the key for the holder who reopened it as well",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(ttl)
			t.hold(by(request("k", 30), equal))
			t.settle("k", 10)
			t.wantBalance(90, 0)
			held, err := t.Hold(t.Context(), by(request("k", 30), equal))
			must(t, err, "Hold")
			if held.Receipt == nil {
				t.Errorf("Hold of a settled key = %+v, want its receipt", held)
			}
		}},
}

// intoDebt leaves alice with 50 less than nothing.
func (t *ledgerTest) intoDebt() {
	t.Helper()
	t.grant(100)
	t.hold(request("debt/late", 50))
	t.release("debt/late", first)
	t.hold(request("debt/other", 100))
	t.settle("debt/other", 100)
	t.settle("debt/late", 50)
	t.wantBalance(-50, 0)
}
