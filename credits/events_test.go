package credits_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

func TestALowBalanceIsTold(t *testing.T) {
	t.Run("OnceWhenItFallsBelow", func(t *testing.T) {
		l := opened(t, 100)
		l.must(alert(50))
		l.must(named(charge(50), "k1")) // is at it
		l.wantEvents("")
		l.must(named(charge(1), "k2"))
		l.wantEvents("low_balance 50/49 k2")
		l.must(named(charge(1), "k3"))
		l.wantEvents("low_balance 50/49 k2")
	})
	t.Run("AgainOnceItHasBeenAtItOrAbove", func(t *testing.T) {
		l := opened(t, 100)
		l.must(alert(50))
		l.must(named(charge(60), "k1"))
		l.must(granted("less than enough", 9))
		l.must(named(charge(1), "k2"))
		l.wantEvents("low_balance 50/40 k1")
		l.must(granted("enough", 2))
		l.must(named(charge(1), "k3"))
		l.wantEvents("low_balance 50/40 k1; low_balance 50/49 k3")
	})
	t.Run("OfWhatIsPostedAndNotOfWhatIsHeld", func(t *testing.T) {
		l := opened(t, 100)
		l.must(alert(50))
		l.must(hold(100, me))
		l.wantEvents("")
		l.must(settle(51))
		l.wantEvents("low_balance 50/49 k")
	})
	t.Run("AtTheEndOfAMutation", func(t *testing.T) { // what is renewed is gone for a moment
		l := opened(t, 0)
		l.must(granted("march", 100, renewing))
		l.must(alert(50))
		l.must(granted("april", 100, renewing))
		l.wantEvents("")
	})
	t.Run("AlsoByAMutationThatIsRefused", func(t *testing.T) { // because time has done it
		l := opened(t, 10)
		l.must(granted("promo", 90, expiring(time.Minute)))
		l.must(alert(50))
		l.pass(time.Minute)
		_, err := l.try(charge(11))
		wantError(t, err, credits.ErrInsufficient)
		l.wantEvents("low_balance 50/10 k")
	})
	t.Run("AtOnceIfItIsLowAlready", func(t *testing.T) {
		l := opened(t, 10)
		l.must(alert(50))
		l.must(alert(50)) // the same again changes nothing
		l.wantEvents("low_balance 50/10")
		l.must(alert(20)) // another replaces it
		l.wantEvents("low_balance 50/10; low_balance 20/10")
		l.must(alert(5))
		l.must(charge(6))
		l.wantEvents("low_balance 50/10; low_balance 20/10; low_balance 5/4 k")
	})
	t.Run("ADebtToo", func(t *testing.T) {
		l := opened(t, 1)
		l.must(alert(1))
		l.must(adjust("less", -3))
		l.wantEvents("low_balance 1/-2 less")
	})
	t.Run("AndNotIfNobodyAsks", func(t *testing.T) {
		l := opened(t, 100)
		l.must(alert(50))
		l.must(alert(0))
		l.must(charge(100))
		l.must(adjust("less", -1))
		l.wantEvents("")
	})
	t.Run("OfAnAccountThatHasNothingYet", func(t *testing.T) {
		l := opened(t, 0)
		l.must(alert(5))
		l.wantEvents("low_balance 5/0")
		l.must(granted("g", 5))
		l.must(charge(1))
		l.wantEvents("low_balance 5/0; low_balance 5/4 k")
	})
	t.Run("OncePerBatchToo", func(t *testing.T) {
		l := opened(t, 100)
		l.must(alert(50))
		l.book.apply(named(charge(60), "k1"), named(charge(1), "k2"), granted("g", 100), named(charge(99), "k3"))
		l.wantEvents("low_balance 50/40 k1; low_balance 50/40 k3")
	})
}

func TestACapTellsWhatComesToIt(t *testing.T) {
	t.Run("AWarningOnceInAWindow", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100, warning(80)))
		l.must(named(charge(79), "k1"))
		l.wantEvents("")
		l.must(named(hold(1, me), "k2"))
		l.wantEvents("cap_warning daily 80/80 k2")
		l.must(named(release(me), "k2"))
		l.must(named(charge(21), "k3"))
		l.wantEvents("cap_warning daily 80/80 k2")
		l.pass(12 * time.Hour)
		l.must(named(charge(100), "k4"))
		l.wantEvents("cap_warning daily 80/80 k2; cap_warning daily 80/100 k4")
	})
	t.Run("AWarningAtOnceIfItIsThereAlready", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(charge(80))
		l.must(capped("daily", 100, warning(81)))
		l.must(capped("ever", 100, warning(80), per(credits.Ever)))
		l.wantEvents("cap_warning ever 80/80")
	})
	t.Run("AWarningOfALateSettleThatComesAboveTheLimit", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 60, warning(70)))
		l.must(hold(60, me))
		l.must(release(me))
		l.must(named(charge(60), "meanwhile"))
		l.must(settle(60))
		l.wantEvents("cap_warning daily 70/120 k")
	})
	t.Run("ARefusalOnceInAWindow", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100))
		l.must(charge(60))
		l.refused(named(charge(41), "k1"), credits.ErrCap)
		l.refused(named(hold(42, me), "k2"), credits.ErrCap)
		l.wantEvents("cap_reached daily 100/60 k1")
		l.pass(12 * time.Hour)
		l.must(named(charge(1), "k3"))
		l.refused(named(hold(100, me), "k4"), credits.ErrCap)
		l.wantEvents("cap_reached daily 100/60 k1; cap_reached daily 100/1 k4")
	})
	t.Run("BothOfEachCap", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("b", 100, warning(50)))
		l.must(capped("a", 200, warning(60)))
		l.must(named(charge(60), "k1"))
		l.refused(named(charge(50), "k2"), credits.ErrCap)
		l.wantEvents("cap_warning a 60/60 k1; cap_warning b 50/60 k1; cap_reached b 100/60 k2")
	})
	t.Run("AndAWarningAtNothingIsNone", func(t *testing.T) {
		l := opened(t, 1000)
		l.must(capped("daily", 100))
		l.must(charge(100))
		l.wantEvents("")
	})
}

func TestWhatIsWrittenOffIsTold(t *testing.T) {
	l := opened(t, 100)
	l.must(alert(50))
	l.must(hold(60, me))
	l.must(settle(75))
	l.wantEvents("written_off 15/40 k; low_balance 50/40 k")
	l.must(settle(75)) // is answered again
	l.must(named(hold(10, me), "k2"))
	l.must(named(settle(10), "k2"))
	l.wantEvents("written_off 15/40 k; low_balance 50/40 k")
	if e := l.events[0]; !e.At.Equal(start) {
		t.Errorf("it happened at %v, want %v", e.At, start)
	}
}

func TestEventsAreNumberedInAnAccount(t *testing.T) {
	l := opened(t, 100)
	for range 2 {
		for i, name := range []credits.Account{acme, "zeta"} {
			l.must(credits.Alert{Account: name, Below: credits.Amount(200 + i + len(l.events))})
		}
	}
	var got []int64
	for _, e := range l.events {
		got = append(got, e.Number)
	}
	if len(got) != 4 || got[0] != 1 || got[1] != 1 || got[2] != 2 || got[3] != 2 {
		t.Errorf("the numbers are %v, want 1 and 2 in either account", got)
	}
}
