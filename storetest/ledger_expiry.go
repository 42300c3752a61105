package storetest

import (
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerExpiryCases = []testCase[*ledgerTest]{
	{"GivesAnExpiredHoldBackAtReading", "a hold ends by itself when its time has come, to the microsecond, without anything having to sweep",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(ttl - time.Microsecond)
			t.wantBalance(100, 30)
			t.wantState("k", credits.Open)
			t.clock.advance(time.Microsecond)
			t.wantBalance(100, 0)
			t.wantState("k", credits.Expired)
			if held, err := t.Lookup(t.Context(), alice, "k"); err != nil || len(held.Hold.Lots) > 0 {
				t.Errorf("Lookup = %+v, %v, want a hold that has nothing any more", held.Hold, err)
			}
			t.wantEntries(1)
		}},
	{"LetsOthersHaveWhatExpired", "what an expired hold had is there for the next hold, in the same decision",
		func(t *ledgerTest) {
			t.grant(100)
			for _, key := range []credits.Key{"a", "b", "c"} {
				t.hold(request(key, 30))
				t.clock.advance(time.Minute)
			}
			t.clock.advance(ttl - 2*time.Minute) // a and b are over, c has a minute left
			t.wantBalance(100, 30)
			_, err := t.Hold(t.Context(), request("d", 71))
			t.wantInsufficient(err, 71, 70, 30)
			t.hold(request("d", 70))
			t.wantBalance(100, 100)
			t.wantState("a", credits.Expired)
			t.wantState("c", credits.Open)
		}},
	{"ReopensAnExpiredHoldWithItsPin", "a key whose hold expired is taken over, not held afresh: pin and amount stay, because the earlier holder may still come with an answer priced by them",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(ttl)
			h := t.hold(by(request("k", 80), equal))
			if h.Fresh || h.Amount != 30 || string(h.Pinned) != "pin of k" || h.Holder != equal || h.State != credits.Open {
				t.Errorf("Hold after expiry = %+v, want amount 30 and the first pin, not fresh", h)
			}
			t.wantBalance(100, 30)
		}},
	{"ReopensOnlyWhatIsCovered", "reopening takes the credits again, and is refused if they are gone",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 60))
			t.clock.advance(ttl)
			t.hold(request("other", 50))
			_, err := t.Hold(t.Context(), by(request("k", 10), equal))
			t.wantInsufficient(err, 60, 50, 50)
			t.wantState("k", credits.Expired)
			t.wantBalance(100, 50)
		}},
	{"DoesNotExpireWhatIsClosed", "a hold that was settled or released stays what it is when its time comes",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("settled", 30))
			t.settle("settled", 20)
			t.hold(request("released", 30))
			t.release("released", first)
			t.clock.advance(2 * ttl)
			t.wantState("settled", credits.Settled)
			t.wantState("released", credits.Released)
			t.hold(request("k", 80))
			t.wantBalance(80, 80)
		}},
}
