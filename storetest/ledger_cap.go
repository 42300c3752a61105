package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerCapCases = []testCase[*ledgerTest]{
	{"CapsWhatIsHeld", "a hold that a cap has no room for is a *CapError, and leaves nothing; one that just fits is taken",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "all", Window: credits.Ever, Limit: 30})
			t.hold(request("k1", 20))
			_, err := t.Hold(t.Context(), request("k2", 11))
			t.wantCapError(err, credits.CapError{Account: alice, Cap: "all", Limit: 30, Used: 20, Need: 11})
			_, err = t.Lookup(t.Context(), alice, "k2")
			wantErr(t, err, credits.ErrNotFound, "Lookup of what a cap refused")
			t.wantBalance(100, 20)
			t.hold(request("k3", 10))
			t.wantUsed("all", 30)
		}},
	{"CapsChargesAndExtensions", "a charge and an extension meet the cap as a hold does",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "all", Window: credits.Ever, Limit: 30})
			t.hold(request("k", 20))
			_, err := t.Charge(t.Context(), charge("c", 11))
			wantErr(t, err, credits.ErrCap, "Charge above the cap")
			_, err = t.Extend(t.Context(), credits.ExtendRequest{Account: alice, Key: "k", Holder: first, Total: 31})
			wantErr(t, err, credits.ErrCap, "Extend above the cap")
			_, err = t.Extend(t.Context(), credits.ExtendRequest{Account: alice, Key: "k", Holder: first, Total: 25})
			must(t, err, "Extend within the cap")
			t.charge("c", 5)
			t.wantUsed("all", 30)
			t.wantBalance(95, 25)
		}},
	{"CountsWhatWasCharged", "a cap counts what is held, or charged less what was refunded: settling, releasing, expiry and refunds make room",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "all", Window: credits.Ever, Limit: 60})
			for _, key := range []credits.Key{"settled", "released", "expired"} {
				t.hold(request(key, 20))
			}
			t.wantUsed("all", 60)
			t.settle("settled", 12)
			t.wantUsed("all", 52)
			t.release("released", first)
			t.wantUsed("all", 32)
			t.refund("back", "settled", 5)
			t.wantUsed("all", 27)
			t.clock.advance(ttl)
			t.wantUsed("all", 7)
			t.hold(request("k", 53))
		}},
	{"NeverLosesASettleToACap", "a settle that comes late is charged although the cap is used up, and counts",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "all", Window: credits.Ever, Limit: 30})
			t.hold(request("late", 20))
			t.clock.advance(ttl)
			t.hold(request("k", 30))
			if r := t.settle("late", 20); r.Charged != 20 {
				t.Errorf("Settle = %+v, want 20 charged", r)
			}
			t.wantUsed("all", 50)
		}},
	{"CapsAnOperationOrAScope", "a cap counts its operation and its scope only, and every cap must have room",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "writing", Operation: "writing", Window: credits.Ever, Limit: 20})
			t.setCap(credits.Cap{Name: "run-2", Scope: "run-2", Window: credits.Ever, Limit: 10})
			t.hold(request("w1", 15)) // writing, run-1
			other := request("w2", 6)
			other.Scope = "run-2"
			_, err := t.Hold(t.Context(), other)
			t.wantCapError(err, credits.CapError{Account: alice, Cap: "writing", Limit: 20, Used: 15, Need: 6})
			other = request("r1", 11)
			other.Operation, other.Scope = "reading", "run-2"
			_, err = t.Hold(t.Context(), other)
			t.wantCapError(err, credits.CapError{Account: alice, Cap: "run-2", Limit: 10, Need: 11})
			other.Scope = "run-3"
			t.hold(other)
			t.wantUsed("writing", 15)
			t.wantUsed("run-2", 0)
		}},
	{"BeginsAWindowAtTheZonesMidnight", "an amount belongs to the window of its hold's creation, in the cap's zone: a new day has room, and what comes back from yesterday is not today's",
		func(t *ledgerTest) {
			t.grant(1000)
			t.setCap(credits.Cap{Name: "day", Window: credits.PerDay, Zone: "Asia/Kolkata", Limit: 30})
			t.clock.advance(untilMidnight(t.clock.now(), 5*time.Hour+30*time.Minute) - time.Minute)
			t.hold(request("before", 30))
			_, err := t.Hold(t.Context(), request("refused", 1))
			wantErr(t, err, credits.ErrCap, "Hold on a day that is used up")
			var refused *credits.CapError
			if errors.As(err, &refused) && !refused.Until.Equal(t.clock.now().Add(time.Minute)) {
				t.Errorf("CapError.Until = %v, want midnight in Kolkata, a minute after %v", refused.Until, t.clock.now())
			}
			t.clock.advance(time.Minute)
			t.wantUsed("day", 0)
			t.hold(request("after", 30))
			t.release("before", first)
			_, err = t.Hold(t.Context(), request("refused", 1))
			wantErr(t, err, credits.ErrCap, "Hold after yesterday's was released")
			t.settle("after", 29)
			t.refund("back", "after", 4)
			t.wantUsed("day", 25)
		}},
	{"CountsWhatWasBeforeTheCap", "a cap that is set counts what its present window has already, and another under its name takes its place",
		func(t *ledgerTest) {
			t.grant(1000)
			t.clock.advance(untilMidnight(t.clock.now(), 0))
			t.hold(request("yesterday", 50))
			t.clock.advance(24 * time.Hour)
			t.hold(request("open", 10))
			t.hold(request("settled", 10))
			t.settle("settled", 7)
			t.refund("back", "settled", 2)
			t.setCap(credits.Cap{Name: "c", Window: credits.PerDay, Limit: 100})
			t.wantUsed("c", 15)
			t.setCap(credits.Cap{Name: "c", Operation: "reading", Window: credits.PerDay, Limit: 100})
			t.wantUsed("c", 0)
			t.setCap(credits.Cap{Name: "c", Window: credits.Ever, Limit: 16})
			t.wantUsed("c", 15) // the hold of yesterday has expired
			_, err := t.Hold(t.Context(), request("k", 2))
			wantErr(t, err, credits.ErrCap, "Hold above the cap that took the other's place")
		}},
	{"KeepsCapsApart", "caps are of one account, and a removed one is gone; removing it again is no error",
		func(t *ledgerTest) {
			t.grant(100)
			t.setCap(credits.Cap{Name: "b", Window: credits.PerMonth, FirstDay: 15, Zone: "Europe/Berlin", Limit: 5, WarnAt: 4})
			t.setCap(credits.Cap{Name: "a", Window: credits.Ever, Limit: 5})
			must(t, t.SetCap(t.Context(), credits.Cap{Account: bob, Name: "a", Window: credits.Ever}), "SetCap of bob")
			caps := t.caps(alice)
			if len(caps) != 2 || caps[0].Name != "a" || caps[1].Cap != (credits.Cap{Account: alice, Name: "b", Window: credits.PerMonth, FirstDay: 15, Zone: "Europe/Berlin", Limit: 5, WarnAt: 4}) {
				t.Errorf("Caps = %+v, want a and b", caps)
			}
			for range 2 {
				must(t, t.RemoveCap(t.Context(), credits.RemoveCap{Account: alice, Name: "a"}), "RemoveCap")
				must(t, t.RemoveCap(t.Context(), credits.RemoveCap{Account: alice, Name: "b"}), "RemoveCap")
			}
			t.hold(request("k", 50))
			if caps := t.caps(alice); len(caps) != 0 {
				t.Errorf("Caps after RemoveCap = %+v, want none", caps)
			}
			if caps := t.caps(bob); len(caps) != 1 {
				t.Errorf("Caps of bob = %+v, want one", caps)
			}
		}},
	{"RefusesACapThatIsNone", "a cap needs an account, a name, a window with a first day that it can have, a zone and no negative number: else ErrInvalid",
		func(t *ledgerTest) {
			for name, change := range map[string]func(*credits.Cap){
				"no account":       func(c *credits.Cap) { c.Account = "" },
				"no name":          func(c *credits.Cap) { c.Name = "" },
				"unknown window":   func(c *credits.Cap) { c.Window = "year" },
				"unknown zone":     func(c *credits.Cap) { c.Zone = "Europe/Atlantis" },
				"no such weekday":  func(c *credits.Cap) { c.Window, c.FirstDay = credits.PerWeek, 8 },
				"negative limit":   func(c *credits.Cap) { c.Limit = -1 },
				"negative warning": func(c *credits.Cap) { c.WarnAt = -1 },
			} {
				c := credits.Cap{Account: alice, Name: "c", Window: credits.Ever, Limit: 5}
				change(&c)
				wantErr(t, t.SetCap(t.Context(), c), credits.ErrInvalid, "SetCap with "+name)
			}
			if caps := t.caps(alice); len(caps) != 0 {
				t.Errorf("Caps = %+v, want none", caps)
			}
		}},
	{"NeverPassesACapInARace", "of many calls at once, on one cap with room for some, exactly those are taken",
		func(t *ledgerTest) {
			t.grant(1000)
			t.setCap(credits.Cap{Name: "all", Window: credits.PerDay, Limit: 100})
			var wg sync.WaitGroup
			var mu sync.Mutex
			taken := 0
			for i := range 40 {
				wg.Go(func() {
					_, err := t.Hold(t.Context(), request(credits.Key(fmt.Sprint("k", i)), 10))
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						taken++
					} else if !errors.Is(err, credits.ErrCap) {
						t.Errorf("Hold = %v, want ErrCap", err)
					}
				})
			}
			wg.Wait()
			if taken != 10 {
				t.Errorf("%d holds of 10 were taken under a cap of 100, want 10", taken)
			}
			t.wantUsed("all", 100)
		}},
}

// untilMidnight is how long it is to the next midnight of a zone that is so far east of UTC.
func untilMidnight(now time.Time, east time.Duration) time.Duration {
	const day = 24 * time.Hour
	return day - now.UTC().Add(east).Sub(now.UTC().Add(east).Truncate(day))
}

// setCap sets a cap of alice's.
func (t *ledgerTest) setCap(c credits.Cap) {
	t.Helper()
	c.Account = alice
	must(t, t.SetCap(t.Context(), c), fmt.Sprintf("SetCap(%q)", c.Name))
}

func (t *ledgerTest) caps(account credits.Account) []credits.CapUse {
	t.Helper()
	caps, err := t.Caps(t.Context(), account)
	must(t, err, fmt.Sprintf("Caps(%q)", account))
	return caps
}

// wantUsed checks what a cap of alice's counts.
func (t *ledgerTest) wantUsed(name string, want credits.Amount) {
	t.Helper()
	for _, c := range t.caps(alice) {
		if c.Name == name {
			if c.Used != want {
				t.Errorf("cap %q counts %d, want %d", name, c.Used, want)
			}
			return
		}
	}
	t.Errorf("Caps has no cap %q", name)
}

func (t *ledgerTest) wantCapError(err error, want credits.CapError) {
	t.Helper()
	var got *credits.CapError
	if !errors.As(err, &got) {
		t.Errorf("error is %v, want a *CapError", err)
		return
	}
	wantErr(t, err, credits.ErrCap, "a *CapError")
	if *got != want {
		t.Errorf("error is %+v, want %+v", *got, want)
	}
}
