package credits_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// lasting makes a hold last for two days, so that it is there after midnight.
func lasting(r credits.HoldRequest) credits.HoldRequest {
	r.TTL = 48 * time.Hour
	return r
}

func TestACapLimitsWhatIsChargedAndHeld(t *testing.T) {
	t.Run("ToTheLastCreditAndNotOneMore", func(t *testing.T) {
		for what, op := range map[string]func(credits.Amount) credits.Op{
			"hold":   func(n credits.Amount) credits.Op { return named(hold(n, me), "more") },
			"charge": func(n credits.Amount) credits.Op { return named(charge(n), "more") },
		} {
			l := opened(t, 1000)
			l.must(capped("daily", 100))
			l.must(hold(60, me))
			err := l.refused(op(41), credits.ErrCap)
			var full *credits.CapError
			if !errors.As(err, &full) || *full != (credits.CapError{Account: acme, Cap: "daily", Limit: 100, Used: 60, Need: 41, Until: start.Add(12 * time.Hour)}) {
				t.Errorf("%s: error is %+v", what, err)
			}
			wantText(t, err, `account "acme"`, `"daily" is 100, used 60, need 41`, "raise the cap or wait until 2026-03-02T00:00:00Z")
			l.must(op(40))
			l.wantUsed("daily 100")
		}
	})
	t.Run("AlsoByAnExtension", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100))
		l.must(hold(60, me))
		l.refused(extend(101, me), credits.ErrCap)
		l.must(extend(100, me))
		l.must(extend(90, me)) // adds nothing
		l.wantUsed("daily 100")
	})
	t.Run("AlsoByAHoldThatIsReopened", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100))
		l.must(hold(60, me))
		l.pass(time.Minute)
		l.must(named(charge(41), "meanwhile"))
		l.refused(hold(60, other), credits.ErrCap)
		l.must(capped("daily", 101))
		l.must(hold(60, other))
		l.wantUsed("daily 101")
	})
	t.Run("AlsoByAHoldThatWasReleased", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100))
		l.must(hold(60, me))
		l.must(release(me))
		l.refused(hold(101, me), credits.ErrCap)
		l.must(hold(100, me))
		l.wantUsed("daily 100")
	})
	t.Run("AndZeroAllowsNothing", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("none", 0, per(credits.Ever)))
		wantText(t, l.refused(charge(1), credits.ErrCap), `"none" is 0, used 0, need 1: raise the cap`)
	})
	t.Run("AfterWhatThereIs", func(t *testing.T) { // what is missing is said first
		l := opened(t, 10)
		l.must(capped("daily", 0))
		l.refused(charge(11), credits.ErrInsufficient)
		l.refused(hold(11, me), credits.ErrInsufficient)
	})
	t.Run("ByTheFirstOfTheirNamesThatIsFull", func(t *testing.T) {
		l := opened(t, 1000)
		for _, c := range []credits.Cap{capped("c", 10), capped("b", 10), capped("a", 100)} {
			l.must(c)
		}
		wantText(t, l.refused(charge(11), credits.ErrCap), `"b" is 10`)
		wantText(t, l.refused(charge(101), credits.ErrCap), `"a" is 100`)
		l.wantUsed("a 0, b 0, c 0")
		l = opened(t, 1000) // also where they were set just now
		_, errs := l.book.apply(capped("c", 10), capped("b", 10), capped("a", 100), charge(11))
		wantText(t, errs[3], `"b" is 10`)
	})
	t.Run("OfItsOperationAndItsScope", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("all", 1000))
		l.must(capped("op", 1000, ofOperation("write")))
		l.must(capped("run", 1000, ofScope("run-1")))
		l.must(capped("both", 1000, ofOperation("write"), ofScope("run-1")))
		for i, of := range [][2]string{{"write", "run-1"}, {"write", ""}, {"draw", "run-1"}, {"draw", "run-2"}} {
			l.must(change(named(charge(1<<i), credits.Key(fmt.Sprint("k", i))), func(r *credits.Charge) { r.Operation, r.Scope = of[0], of[1] }))
		}
		l.wantUsed("all 15, both 1, op 3, run 5")
	})
	t.Run("OfItsAccount", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 0))
		l.must(credits.Grant{Account: "zeta", Key: "g", Kind: credits.Plan, Amount: 10})
		l.must(change(charge(10), func(r *credits.Charge) { r.Account = "zeta" }))
	})
}

func TestACapCountsWhatBecameOfAHold(t *testing.T) {
	for _, c := range []struct {
		rule string
		do   func(*ledger)
		want string
	}{
		{"WhatIsHeld", func(*ledger) {}, "daily 60"},
		{"WhatWasCharged", func(l *ledger) { l.must(settle(40)) }, "daily 40"},
		{"WhatWasWrittenOffIsNot", func(l *ledger) { l.must(settle(70)) }, "daily 60"},
		{"LessWhatWasRefunded", func(l *ledger) { l.must(settle(40)); l.must(refund("r", 15)) }, "daily 25"},
		{"WhatWasReleasedIsNot", func(l *ledger) { l.must(release(me)) }, "daily 0"},
		{"OnceHoweverOftenItIsReleased", func(l *ledger) { l.must(release(me)); l.must(release(me)) }, "daily 0"},
		{"WhatHasExpiredIsNot", func(l *ledger) { l.pass(time.Minute) }, "daily 0"},
		{"WhatHasExpiredIsNotAlsoOnceItIsFoundOut", func(l *ledger) { l.pass(time.Minute); l.expire(acme) }, "daily 0"},
		{"WhatWasChargedLate", func(l *ledger) { l.must(release(me)); l.must(settle(40)) }, "daily 40"},
		{"WhatWasReopened", func(l *ledger) { l.pass(time.Minute); l.must(hold(1, other)) }, "daily 60"},
		{"WhatAnotherTookOver", func(l *ledger) { l.must(hold(1, newer)) }, "daily 60"},
		{"WhatWasChargedAtOnce", func(l *ledger) { l.must(named(charge(5), "c")) }, "daily 65"},
		{"WhatWasAdjustedIsNot", func(l *ledger) { l.must(adjust("less", -5)) }, "daily 60"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := opened(t, 1000)
			l.must(capped("daily", 100))
			l.must(hold(60, me))
			c.do(l)
			l.wantUsed(c.want)
			l.must(change(capped("daily", 100), func(c *credits.Cap) { c.WarnAt = 100 })) // set anew, it counts the same
			l.wantUsed(c.want)
			l.expire(acme)
			l.wantUsed(c.want)
		})
	}
	t.Run("ASettleIsNeverRefused", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 60))
		l.must(hold(60, me))
		l.must(release(me))
		l.must(named(charge(50), "meanwhile"))
		l.must(settle(60))
		l.wantUsed("daily 110")
		wantText(t, l.refused(named(charge(1), "more"), credits.ErrCap), "used 110, need 1")
	})
}

func TestAnAmountBelongsToTheWindowOfItsHold(t *testing.T) {
	midnight := start.Add(12 * time.Hour)
	// late is a ledger in which 60 were held before midnight, and it is midnight now.
	late := func(t *testing.T, more ...func(*credits.Cap)) *ledger {
		l := opened(t, 1000)
		l.must(capped("daily", 100, more...))
		l.now = midnight.Add(-time.Second)
		l.must(lasting(hold(60, me)))
		l.wantUsed("daily 60")
		l.now = midnight
		return l
	}
	t.Run("WhichIsOverAtMidnight", func(t *testing.T) {
		l := late(t)
		l.wantUsed("daily 0")
		if c := l.uses(acme)[0]; !c.Since.Equal(midnight) || !c.Until.Equal(midnight.Add(24*time.Hour)) {
			t.Errorf("the window is from %v to %v", c.Since, c.Until)
		}
		l.must(named(charge(100), "c"))
		l.refused(named(charge(1), "more"), credits.ErrCap)
		l.wantUsed("daily 100")
	})
	t.Run("AndNotAMomentBefore", func(t *testing.T) {
		l := late(t)
		l.now = midnight.Add(-time.Microsecond)
		l.refused(named(charge(41), "c"), credits.ErrCap)
	})
	t.Run("AtTheMidnightOfItsZone", func(t *testing.T) {
		l := late(t, inZone("America/New_York"))
		l.wantUsed("daily 60")
		l.pass(5*time.Hour - time.Second)
		l.wantUsed("daily 60")
		l.pass(time.Second)
		l.wantUsed("daily 0")
	})
	for rule, op := range map[string]credits.Op{
		"WheneverItIsSettled":  settle(40),
		"WheneverItIsReleased": release(me),
		"WheneverItIsExtended": extend(500, me), // the day that it belongs to is over
	} {
		t.Run(rule, func(t *testing.T) {
			l := late(t)
			l.must(named(charge(7), "today"))
			l.must(op)
			l.wantUsed("daily 7")
		})
	}
	t.Run("WheneverItIsRefunded", func(t *testing.T) {
		l := late(t)
		l.now = midnight.Add(-time.Second)
		l.must(settle(40))
		l.now = midnight
		l.must(named(charge(7), "today"))
		l.must(refund("r", 40))
		l.wantUsed("daily 7")
	})
	t.Run("WhicheverDayItExpiresOn", func(t *testing.T) {
		l := late(t)
		l.must(named(charge(7), "today"))
		l.pass(48 * time.Hour)
		l.must(named(charge(8), "later"))
		l.wantUsed("daily 8")
	})
	t.Run("AndOnlyThatOfItsAccountExpires", func(t *testing.T) { // also where a batch is of two
		l := late(t)
		l.must(credits.Grant{Account: "zeta", Key: "g", Kind: credits.Plan, Amount: 10})
		l.must(change(hold(10, me), func(r *credits.HoldRequest) { r.Account = "zeta" }))
		l.pass(48 * time.Hour)
		_, errs := l.book.apply(named(charge(7), "today"), credits.Cap{Account: "zeta", Name: "ever", Window: credits.Ever, Limit: 10})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		l.wantUsed("daily 7")
		if got := l.uses("zeta"); len(got) != 1 || got[0].Used != 0 {
			t.Errorf("the caps of the other account are %+v, want one that counts nothing", got)
		}
	})
	t.Run("OfTheNewOneIfItIsReopened", func(t *testing.T) {
		l := late(t)
		l.pass(48 * time.Hour)
		l.must(hold(60, other))
		l.wantUsed("daily 60")
		l.must(settle(50))
		l.wantUsed("daily 50")
	})
	t.Run("AndOneThatNeverEndsKeepsIt", func(t *testing.T) {
		l := late(t, per(credits.Ever))
		l.pass(24 * time.Hour)
		l.must(settle(40))
		l.wantUsed("daily 40")
		if c := l.uses(acme)[0]; !c.Since.IsZero() || !c.Until.IsZero() {
			t.Errorf("a window that never begins anew is from %v to %v", c.Since, c.Until)
		}
	})
	t.Run("AClockThatGoesBackDoesNotBringItBack", func(t *testing.T) {
		l := late(t)
		l.must(named(charge(7), "today"))
		l.now = midnight.Add(-time.Second)
		l.must(settle(40))
		l.wantUsed("daily 7")
		l.now = midnight
		l.wantUsed("daily 7")
	})
	t.Run("AndWhatIsMadeByAClockThatWentBackIsOfThePresentOne", func(t *testing.T) {
		l := late(t)
		l.must(named(charge(7), "today"))
		l.now = midnight.Add(-time.Hour)
		until := midnight.Add(24 * time.Hour)
		if c := l.uses(acme)[0]; !c.Since.Equal(midnight) || !c.Until.Equal(until) {
			t.Errorf("the window is from %v to %v", c.Since, c.Until)
		}
		l.must(named(charge(40), "again"))
		l.must(named(hold(50, other), "held"))
		l.wantUsed("daily 97")
		var refused *credits.CapError
		if err := l.refused(named(charge(4), "more"), credits.ErrCap); !errors.As(err, &refused) || !refused.Until.Equal(until) {
			t.Errorf("%v, want a refusal until the window ends", err)
		}
		l.must(named(release(other), "held"))
		l.now = midnight
		l.wantUsed("daily 47")
	})
}

func TestSettingACapCountsWhatWasThere(t *testing.T) {
	// before is a ledger with holds of yesterday and of today, of every state.
	before := func(t *testing.T) *ledger {
		l := opened(t, 1000)
		l.now = start.Add(-24 * time.Hour)
		l.must(named(lasting(hold(100, me)), "yesterday"))
		l.now = start
		l.must(named(hold(1, me), "open"))
		l.must(named(hold(2, me), "settled"))
		l.must(named(settle(2), "settled"))
		l.must(charge(12))
		l.must(refund("r", 8))
		l.must(named(hold(8, me), "released"))
		l.must(named(release(me), "released"))
		return l
	}
	t.Run("InItsWindow", func(t *testing.T) {
		l := before(t)
		l.must(capped("daily", 10))
		l.must(capped("ever", 10, per(credits.Ever)))
		l.must(capped("run", 10, ofScope("run-2")))
		l.wantUsed("daily 7, ever 107, run 0")
		l.refused(named(charge(4), "more"), credits.ErrCap)
	})
	t.Run("AlsoWhatTheSameBatchDid", func(t *testing.T) {
		l := before(t)
		l.pass(time.Minute) // the open hold expires in the batch
		_, errs := l.book.apply(named(charge(16), "batch"), named(settle(40), "yesterday"), refund("r2", 1), named(change(charge(32), func(r *credits.Charge) { r.Operation = "draw" }), "draw"),
			capped("daily", 100), capped("ever", 1000, per(credits.Ever)), capped("op", 100, ofOperation("draw")))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		l.wantUsed("daily 53, ever 93, op 32")
	})
	t.Run("AndTheSameAgainChangesNothing", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 10, warning(5)))
		l.must(charge(6))
		l.refused(named(charge(5), "more"), credits.ErrCap)
		kept := l.copy()
		l.must(capped("daily", 10, warning(5)))
		if d := kept.diff(l.book); d != "" {
			t.Error("the same cap again changed:\n", d)
		}
	})
	t.Run("AndAnotherTakesThePlaceOfTheOneOfItsName", func(t *testing.T) {
		l := before(t)
		l.must(capped("a", 10))
		l.must(capped("a", 200, per(credits.Ever)))
		l.wantUsed("a 107")
		l.must(capped("a", 10, per(credits.PerMonth)))
		l.wantUsed("a 7")
	})
	t.Run("OfAnAccountThatHasNothingYet", func(t *testing.T) {
		l := opened(t, 0)
		l.must(capped("daily", 10))
		l.must(granted("g", 100))
		l.refused(charge(11), credits.ErrCap)
		l.wantUsed("daily 0")
	})
	t.Run("UntilItIsRemoved", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("a", 10))
		l.must(capped("b", 20))
		l.refused(charge(11), credits.ErrCap)
		for range 2 { // if there is none, nothing happens
			l.must(credits.RemoveCap{Account: acme, Name: "a"})
		}
		l.must(charge(11))
		l.wantUsed("b 11")
		l.must(capped("a", 20))
		l.wantUsed("a 11, b 11")
	})
	t.Run("AlsoInOneBatch", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("a", 10))
		_, errs := l.book.apply(credits.RemoveCap{Account: acme, Name: "a"}, charge(11), capped("a", 20), credits.RemoveCap{Account: acme, Name: "a"}, capped("a", 30))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		l.wantUsed("a 11")
	})
	t.Run("AndAnAccountHasAHundredAtMost", func(t *testing.T) {
		l := opened(t, 1000)
		for i := range credits.MaxCaps {
			l.must(capped(fmt.Sprintf("cap %02d", i), 100))
		}
		err := l.refused(capped("more", 100), credits.ErrInvalid)
		wantText(t, err, `cap "more"`, "the account has 100 caps, which is the most: remove one")
		l.must(capped("cap 00", 200))
		l.must(credits.RemoveCap{Account: acme, Name: "cap 99"})
		l.must(capped("more", 100))
	})
	t.Run("AndIsLoadedOnce", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 10))
		s := l.read(acme)
		if _, err := s.Apply(charge(6), l.now); err != nil {
			t.Fatal(err)
		}
		l.loadAccount(s, acme)
		_, err := s.Apply(named(charge(5), "more"), l.now)
		wantError(t, err, credits.ErrCap)
	})
}

func TestACapThatCountsAbsurdlyStaysWithinAnAmount(t *testing.T) { // somebody edited its row, which an audit tells
	l := opened(t, 1000)
	l.must(capped("daily", 100))
	l.must(hold(60, me))
	ref := credits.CapRef{Account: acme, Name: "daily"}
	row := l.caps[ref]
	row.Used = math.MinInt64
	l.caps[ref] = row
	l.must(release(me))
	if got := l.uses(acme)[0].Used; got != math.MinInt64 {
		t.Errorf("it counts %d, want the least there is", got)
	}
}

func TestACapOfAnAccountThatContradictsItselfIsRefused(t *testing.T) {
	l := opened(t, 1000)
	broken := l.accounts[acme]
	broken.Posted++
	l.accounts[acme] = broken
	for _, op := range []credits.Op{capped("daily", 100), credits.RemoveCap{Account: acme, Name: "daily"}, alert(5)} {
		_, err := l.try(op)
		wantError(t, err, credits.ErrBroken)
	}
	if len(l.caps) != 0 || len(l.events) != 0 {
		t.Errorf("there are %d caps and %d events, want none", len(l.caps), len(l.events))
	}
}

func TestOfWhatIsNotThereThereAreNoCaps(t *testing.T) {
	if got := newBook().uses("nobody"); len(got) != 0 {
		t.Errorf("the caps of an unknown account are %v", got)
	}
}
