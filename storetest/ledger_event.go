package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerEventCases = []testCase[*ledgerTest]{
	{"TellsALowBalanceOnce", "an event is told when what is posted falls below the alert, once until it has been above it; what is held does not matter",
		func(t *ledgerTest) {
			t.grant(100)
			must(t, t.SetAlert(t.Context(), credits.Alert{Account: alice, Below: 50}), "SetAlert")
			t.hold(request("k1", 80))
			t.wantEvents("")
			t.settle("k1", 60)
			t.wantEvents("1 low_balance k1 50 40")
			t.charge("k2", 5)
			t.wantEvents("1 low_balance k1 50 40")
			t.grant(20)
			t.charge("k3", 6)
			t.wantEvents("1 low_balance k1 50 40; 2 low_balance k3 50 49")
		}},
	{"TellsAtOnceWhatIsLow", "an alert on a balance that is low is told at once; the same alert again is not, and an alert of 0 is none",
		func(t *ledgerTest) {
			t.grant(10)
			for range 2 {
				must(t, t.SetAlert(t.Context(), credits.Alert{Account: alice, Below: 50}), "SetAlert")
			}
			t.wantEvents("1 low_balance  50 10")
			must(t, t.SetAlert(t.Context(), credits.Alert{Account: alice}), "SetAlert to none")
			t.charge("k", 10)
			t.wantEvents("1 low_balance  50 10")
			wantErr(t, t.SetAlert(t.Context(), credits.Alert{Account: alice, Below: -1}), credits.ErrInvalid, "SetAlert below a negative amount")
			wantErr(t, t.SetAlert(t.Context(), credits.Alert{Below: 1}), credits.ErrInvalid, "SetAlert of no account")
		}},
	{"TellsWhatACapComesTo", "a cap's warning and its first refusal are told, once in a window",
		func(t *ledgerTest) {
			t.grant(1000)
			t.clock.advance(untilMidnight(t.clock.now(), 0))
			t.setCap(credits.Cap{Name: "day", Window: credits.PerDay, Limit: 30, WarnAt: 20})
			t.charge("k1", 19)
			t.wantEvents("")
			t.charge("k2", 1)
			t.charge("k3", 5)
			for range 2 {
				_, err := t.Charge(t.Context(), charge("k4", 6))
				wantErr(t, err, credits.ErrCap, "Charge above the cap")
			}
			t.wantEvents("1 cap_warning k2 20 20 day; 2 cap_reached k4 30 25 day")
			t.clock.advance(24 * time.Hour)
			t.charge("k5", 25)
			t.wantEvents("1 cap_warning k2 20 20 day; 2 cap_reached k4 30 25 day; 3 cap_warning k5 20 25 day")
		}},
	{"TellsWhatIsWrittenOff", "what passes the hold is told with what was not charged",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 10))
			t.settle("k", 14)
			t.wantEvents("1 written_off k 4 90")
			t.settle("k", 14)
			t.wantEvents("1 written_off k 4 90")
		}},
	{"KeepsEventsUntilTheyAreAcknowledged", "an event stays until it is acknowledged, and its number is never used again; those of all accounts come in the order in which they happened",
		func(t *ledgerTest) {
			for i, account := range []credits.Account{alice, bob, alice} {
				_, err := t.Grant(t.Context(), credits.Grant{Account: account, Key: credits.Key(fmt.Sprint("g", i)), Kind: credits.Bonus, Amount: 10})
				must(t, err, "Grant")
				must(t, t.SetAlert(t.Context(), credits.Alert{Account: account, Below: credits.Amount(100 + i)}), "SetAlert")
				t.clock.advance(time.Second)
			}
			all, err := t.Events(t.Context(), 10)
			must(t, err, "Events")
			got := ""
			for _, e := range all {
				got += fmt.Sprintf("%s %d, ", e.Account, e.Number)
			}
			if want := "alice 1, bob 1, alice 2, "; got != want {
				t.Fatalf("Events = %q, want %q", got, want)
			}
			if some, err := t.Events(t.Context(), 2); err != nil || len(some) != 2 || some[1] != all[1] {
				t.Errorf("Events of 2 = %+v, %v, want the first two", some, err)
			}
			if none, err := t.Events(t.Context(), 0); err != nil || len(none) != 0 {
				t.Errorf("Events of 0 = %+v, %v, want none", none, err)
			}
			for range 2 {
				must(t, t.Acknowledge(t.Context(), credits.EventRef{Account: alice, Number: 1}, credits.EventRef{Account: alice, Number: 2}), "Acknowledge")
			}
			if left, err := t.Events(t.Context(), 10); err != nil || len(left) != 1 || left[0] != all[1] {
				t.Errorf("Events after Acknowledge = %+v, %v, want bob's", left, err)
			}
			must(t, t.SetAlert(t.Context(), credits.Alert{Account: alice, Below: 1000}), "SetAlert")
			t.wantEvents("3 low_balance  1000 20")
			must(t, t.Acknowledge(t.Context()), "Acknowledge of nothing")
		}},
}

// wantEvents checks alice's events: "number kind key amount now cap", separated by semicolons.
func (t *ledgerTest) wantEvents(want string) {
	t.Helper()
	all, err := t.Events(t.Context(), 1000)
	must(t, err, "Events")
	var got []string
	for _, e := range all {
		if e.Account != alice {
			continue
		}
		if e.At.After(t.clock.now()) || e.At.IsZero() {
			t.Errorf("event %d happened at %v", e.Number, e.At)
		}
		got = append(got, strings.TrimSuffix(fmt.Sprintf("%d %s %s %d %d %s", e.Number, e.Kind, e.Key, e.Amount, e.Now, e.Cap), " "))
	}
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("events are %q, want %q", text, want)
	}
}
