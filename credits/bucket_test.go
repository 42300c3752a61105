package credits_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

func TestBurnOrder(t *testing.T) {
	for _, c := range []struct {
		rule   string
		grants []credits.Grant
		want   string // what a charge of 15 leaves of two grants of 10
	}{
		{"TheLowerPriorityGoesFirst", []credits.Grant{granted("late", 10, priority(2)), granted("early", 10, priority(1))}, "late 5"},
		{"ANegativePriorityGoesBeforeNone", []credits.Grant{granted("none", 10), granted("negative", 10, priority(-1))}, "none 5"},
		{"AmongEqualPrioritiesTheEarliestExpiryGoesFirst", []credits.Grant{granted("later", 10, expiring(2*time.Hour)), granted("sooner", 10, expiring(time.Hour))}, "later 5"},
		{"WhatNeverExpiresGoesAfterWhatDoes", []credits.Grant{granted("never", 10), granted("some time", 10, expiring(1000*time.Hour))}, "never 5"},
		{"AmongEqualExpiriesTheOldestGoesFirst", []credits.Grant{granted("b", 10, expiring(time.Hour)), granted("a", 10, expiring(time.Hour))}, "a 5"},
		{"AmongThoseThatNeverExpireTheOldestGoesFirst", []credits.Grant{granted("b", 10), granted("a", 10)}, "a 5"},
		{"PriorityGoesBeforeExpiry", []credits.Grant{granted("sooner", 10, priority(1), expiring(time.Hour)), granted("never", 10)}, "sooner 5"},
		{"TheKindDoesNotMatter", []credits.Grant{granted("purchase", 10), granted("promo", 10, ofKind(credits.Promo))}, "promo 5"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := opened(t, 0)
			for _, g := range c.grants {
				l.must(g)
			}
			l.must(charge(15))
			l.wantLeft(c.want)
			l.wantBalance(5, 0)
			l = opened(t, 0)
			for _, g := range c.grants {
				l.must(g)
			}
			l.must(hold(20, me)) // in the same order, and so is it burned
			l.must(settle(15))
			l.wantLeft(c.want)
		})
	}
	t.Run("AHoldSaysWhichBucketsItHas", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("a", 10, priority(2)))
		l.must(granted("b", 10, priority(1)))
		h := l.must(hold(15, me)).Held.Hold
		if d := differ([]credits.Lot{{Bucket: 2, Amount: 10}, {Bucket: 1, Amount: 5}}, h.Lots); d != "" {
			t.Error("the lots differ:\n", d)
		}
		l.wantLeft("b 10/10, a 10/5")
	})
	t.Run("AnExtensionKeepsTheOrder", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("a", 10, priority(2)))
		l.must(hold(5, me))
		l.must(granted("b", 10, priority(1)))
		h := l.must(extend(20, me)).Hold
		if d := differ([]credits.Lot{{Bucket: 2, Amount: 10}, {Bucket: 1, Amount: 10}}, h.Lots); d != "" {
			t.Error("the lots differ:\n", d)
		}
		l.must(settle(12))
		l.wantLeft("a 8")
		l.wantLines(3, "settle -12 2:10 1:2")
	})
	t.Run("WhatOneHoldHasAnotherDoesNotGet", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("a", 10))
		l.must(granted("b", 10))
		l.must(hold(10, me))
		l.must(named(hold(10, me), "k2"))
		l.must(named(settle(10), "k2"))
		l.wantLeft("a 10/10")
	})
}

func TestExpiry(t *testing.T) {
	t.Run("IsToTheMicrosecondAndNeedsNoSweeper", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(time.Hour)))
		l.pass(time.Hour - time.Microsecond)
		l.wantBalance(10, 0)
		l.wantLeft("g 10")
		l.pass(time.Microsecond)
		l.wantBalance(0, 0)
		l.wantLeft("")
		l.wantLines(2, "") // reading decides nothing
		l.refusedButExpired(charge(1), credits.ErrInsufficient)
		l.wantLines(2, "expired -10 1:10")
		if e := l.entries[acme][1]; e.Key != "g" || !e.At.Equal(l.now) {
			t.Errorf("entry is %+v, want it to name the grant", e)
		}
		l.wantBalance(0, 0)
	})
	t.Run("TakesOnlyWhatIsLeft", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(time.Hour)))
		l.must(charge(4))
		l.pass(time.Hour)
		l.expire(acme)
		l.wantLines(3, "expired -6 1:6")
	})
	t.Run("OfOneBucketTouchesNoOther", func(t *testing.T) {
		l := opened(t, 7)
		l.must(granted("g", 10, expiring(time.Hour)))
		l.pass(time.Hour)
		l.wantLeft("grant 7")
		l.wantBalance(7, 0)
	})
	t.Run("LeavesAHoldWhatItHas", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(6, me))
		l.pass(30 * time.Second)
		l.wantBalance(6, 6)
		l.wantLeft("g 6/6")
		l.refusedButExpired(extend(7, me), credits.ErrInsufficient)
		l.wantLines(2, "expired -4 1:4")
		l.must(settle(6))
		l.wantLines(3, "settle -6 1:6")
		l.wantBalance(0, 0)
	})
	t.Run("TakesTheRestOfASettledHoldAtOnce", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(6, me))
		l.pass(30 * time.Second)
		l.must(settle(5))
		l.wantLines(2, "expired -4 1:4; settle -5 1:5; expired -1 1:1")
		l.wantBalance(0, 0)
	})
	t.Run("TakesWhatIsReleasedIntoAnExpiredBucketAtOnce", func(t *testing.T) {
		l := opened(t, 5)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(12, me))
		l.pass(30 * time.Second)
		l.must(release(me))
		l.wantLines(3, "expired -10 2:10") // and the two of the grant are back
		l.wantBalance(5, 0)
		l.wantLeft("grant 5")
	})
	t.Run("OfAHoldAndItsBucketInOneDecision", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(6, me))
		l.pass(time.Minute)
		l.wantBalance(0, 0)
		l.expire(acme)
		l.wantState(credits.Expired)
		l.wantLines(2, "expired -10 1:10")
	})
	t.Run("OfWhatAHoldHasIsNotUndoneByReopeningIt", func(t *testing.T) {
		l := opened(t, 10)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(10, me))
		l.pass(time.Minute)
		l.must(hold(10, other))
		l.wantLeft("grant 10/10")
	})
	t.Run("OfSeveralIsInTheOrderInWhichTheyAreBurned", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("a", 1, priority(1), expiring(time.Second)))
		l.must(granted("b", 2, expiring(2*time.Second)))
		l.must(granted("c", 3, expiring(time.Second)))
		l.pass(time.Minute)
		l.expire(acme)
		l.wantLines(4, "expired -3 3:3; expired -2 2:2; expired -1 1:1")
	})
	t.Run("StaysThoughTheMutationThatFoundItIsRefused", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(time.Second)))
		l.pass(time.Second)
		l.refusedButExpired(settle(1), credits.ErrNotFound)
		l.wantLines(2, "expired -10 1:10")
	})
}

// refusedButExpired checks that a mutation is refused and does nothing besides what time does.
func (l *ledger) refusedButExpired(op credits.Op, want error) {
	l.Helper()
	alone := l.book.copy()
	alone.expire(acme)
	_, err := l.try(op)
	wantError(l.T, err, want)
	if d := alone.diff(l.book); d != "" {
		l.Errorf("Apply(%s) was refused, but changed:\n%s", describe(op), d)
	}
}

func TestGrantThatExpires(t *testing.T) {
	t.Run("MustNotHaveExpiredAlready", func(t *testing.T) {
		l := opened(t, 0)
		for _, after := range []time.Duration{-time.Hour, 0, 999 * time.Nanosecond} {
			wantText(t, l.refused(granted("g", 10, expiring(after)), credits.ErrInvalid), `account "acme"`, `key "g"`, "it has expired already")
		}
		l.must(granted("g", 10, expiring(time.Microsecond)))
	})
	t.Run("IsAnsweredAgainAfterItExpired", func(t *testing.T) {
		l := opened(t, 0)
		g := granted("g", 10, expiring(time.Second))
		first := l.must(g).Entry
		l.pass(time.Hour)
		if d := differ(first, l.must(g).Entry); d != "" {
			t.Error("the entry differs:\n", d)
		}
	})
	t.Run("IsKeptInUTC", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, func(g *credits.Grant) { g.ExpiresAt = start.Add(time.Hour + 1500).In(time.FixedZone("", 3600)) }))
		if got := l.buckets[credits.BucketRef{Account: acme, Number: 1}].ExpiresAt; got != start.Add(time.Hour+time.Microsecond) {
			t.Errorf("expires at %v", got)
		}
	})
	t.Run("OfWhichNothingIsLeftIsAnsweredByWhatItsEntrySaysAlsoInOneBatch", func(t *testing.T) { // a store need not load its bucket
		ops := []credits.Op{granted("g", 10), charge(10), granted("g", 10, priority(1))}
		alone := opened(t, 0)
		for _, op := range ops {
			alone.must(op)
		}
		if _, errs := newBook().apply(ops...); errors.Join(errs...) != nil {
			t.Errorf("errors of the batch are %v, want none", errs)
		}
	})
	t.Run("UnderItsKeyIsNothingElse", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, priority(1), expiring(time.Hour)))
		for _, g := range []credits.Grant{
			granted("g", 10, priority(2), expiring(time.Hour)),
			granted("g", 10, priority(1), expiring(2*time.Hour)),
			granted("g", 10, priority(1)),
			granted("g", 10, priority(1), expiring(time.Hour), renewing),
		} {
			l.refused(g, credits.ErrKeyReused)
		}
		for _, op := range []credits.Op{
			adjust("g", 10), refund("g", 10),
			named(charge(10), "g"), named(hold(10, me), "g"),
		} {
			l.refused(op, credits.ErrKeyReused)
		}
	})
}

func TestRenew(t *testing.T) {
	renew := func(k credits.Key, amount credits.Amount) credits.Grant { return granted(k, amount, renewing) }
	t.Run("EndsWhatIsLeftOfThePlanInTheSameDecision", func(t *testing.T) {
		l := opened(t, 3)
		l.must(renew("march", 10))
		l.must(charge(4))
		e := l.must(renew("april", 20)).Entry
		if e.Kind != credits.EntryRenew || e.Number != 5 || e.BalanceAfter != 20 {
			t.Errorf("entry is %+v, want a renewal after the expiry", e)
		}
		l.wantLines(3, "settle -4 1:3 2:1; expired -9 2:9; renew 20")
		l.wantLeft("april 20")
	})
	t.Run("LeavesOtherCreditsAlone", func(t *testing.T) {
		l := opened(t, 3)
		l.must(granted("bonus", 4, ofKind(credits.Bonus)))
		l.must(granted("promo", 5, ofKind(credits.Promo)))
		l.must(adjust("more", 6))
		l.must(granted("plan", 7, ofKind(credits.Plan)))
		l.must(renew("april", 8))
		l.wantLeft("grant 3, bonus 4, promo 5, more 6, april 8")
	})
	t.Run("EndsThePlanBeforeItsTime", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("march", 10, renewing, expiring(time.Hour)))
		l.must(granted("april", 10, renewing, expiring(2*time.Hour)))
		l.wantLeft("april 10")
		b := l.buckets[credits.BucketRef{Account: acme, Number: 1}]
		if !b.RenewedAt.Equal(l.now) || !b.ExpiresAt.Equal(start.Add(time.Hour)) || b.Expired != 10 {
			t.Errorf("bucket is %+v, want it ended now", b)
		}
	})
	t.Run("LeavesOpenHoldsWhatTheyHave", func(t *testing.T) {
		l := opened(t, 0)
		l.must(renew("march", 10))
		l.must(hold(6, me))
		l.must(named(hold(1, me), "k2"))
		l.must(renew("april", 20))
		l.wantLeft("march 7/7, april 20")
		l.wantBalance(27, 7)
		l.must(settle(5))
		l.wantLines(2, "expired -3 1:3; renew 20; settle -5 1:5; expired -1 1:1")
		l.must(named(release(me), "k2"))
		l.wantLines(6, "expired -1 1:1")
		l.wantBalance(20, 0)
	})
	t.Run("AgainIsTheSame", func(t *testing.T) {
		l := opened(t, 0)
		l.must(renew("march", 10))
		l.must(hold(6, me))
		first := l.must(renew("april", 20)).Entry
		before := l.copy()
		for _, g := range []credits.Grant{renew("april", 20), renew("march", 10)} { // also of the one that is over, and is held
			l.must(g)
		}
		if d := differ(first, l.must(renew("april", 20)).Entry); d != "" {
			t.Error("the entry differs:\n", d)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("renewing again changed:\n", d)
		}
		l.refused(granted("april", 20, ofKind(credits.Plan)), credits.ErrKeyReused)
		l.must(renew("may", 1)) // the third does not end the first again
		if b := l.buckets[credits.BucketRef{Account: acme, Number: 1}]; !b.RenewedAt.Equal(start) || b.Expired != 4 {
			t.Errorf("bucket is %+v", b)
		}
	})
	t.Run("EndsAlsoThePlanThatIsUsedUp", func(t *testing.T) { // a refund is as late there as where a credit was left
		l := opened(t, 0)
		l.must(renew("march", 4))
		l.must(charge(4))
		l.must(renew("april", 20))
		l.must(refund("r", 3))
		l.wantLines(4, "refund 3 1:3; expired -3 1:3")
		l.wantLeft("april 20")
	})
	t.Run("PaysDebtOutOfTheNewPlan", func(t *testing.T) {
		l := opened(t, 0)
		l.must(adjust("less", -5))
		l.must(renew("april", 20))
		l.wantLeft("april 15")
		l.wantDebt(0)
	})
}

// TestAStateThatWasResetLooksAgain reuses a State for a further batch, whose rows are others.
func TestAStateThatWasResetLooksAgain(t *testing.T) {
	s := credits.NewState()
	for _, posted := range []credits.Amount{10, 11} {
		s.Reset()
		s.LoadAccount(credits.AccountRow{Account: acme, Posted: posted, Entries: 1})
		s.LoadBucket(credits.Bucket{Account: acme, Number: 1, Key: "g", Kind: credits.Purchase, Amount: 10})
		_, err := s.Apply(charge(3), start)
		if sound := posted == 10; sound && err != nil || !sound && !errors.Is(err, credits.ErrBroken) {
			t.Errorf("Apply of an account that has 10 credits and says %d = %v", posted, err)
		}
	}
}

func TestRowsThatContradictEachOtherAreNotDecidedOn(t *testing.T) {
	held := func(t *testing.T) *ledger {
		l := opened(t, 10)
		l.must(granted("g", 10, priority(1)))
		l.must(hold(15, me))
		l.must(named(charge(3), "charged"))
		return l
	}
	first := credits.BucketRef{Account: acme, Number: 1}
	second := credits.BucketRef{Account: acme, Number: 2}
	bucket := func(l *ledger, ref credits.BucketRef, f func(*credits.Bucket)) {
		b := l.buckets[ref]
		f(&b)
		l.buckets[ref] = b
	}
	account := func(l *ledger, f func(*credits.AccountRow)) {
		a := l.accounts[acme]
		f(&a)
		l.accounts[acme] = a
	}
	theHold := func(l *ledger, f func(*credits.Hold)) {
		ref := credits.Ref{Account: acme, Key: key}
		h := l.holds[ref]
		f(&h)
		l.holds[ref] = h
	}
	for _, c := range []struct {
		broken string
		breaks func(*ledger)
		says   string
	}{
		{"AnAccountThatIsMissing", func(l *ledger) { delete(l.accounts, acme) }, "posted 0, held 0 and debt 0, but its buckets have 17 left and 15 pinned"},
		{"AnAccountThatHasMore", func(l *ledger) { account(l, func(a *credits.AccountRow) { a.Posted++ }) }, "posted 18, held 15 and debt 0, but its buckets have 17 left"},
		{"AnAccountThatHoldsLess", func(l *ledger) { account(l, func(a *credits.AccountRow) { a.Held = 0 }) }, "held 0 and debt 0, but its buckets have 17 left and 15 pinned"},
		{"AnAccountThatOwesMore", func(l *ledger) { account(l, func(a *credits.AccountRow) { a.Debt = 1 }) }, "debt 1"},
		{"AnAccountThatOwesLessThanNothing", func(l *ledger) { account(l, func(a *credits.AccountRow) { a.Debt, a.Posted = -1, a.Posted+1 }) }, "debt -1"},
		{"ABucketThatIsMissing", func(l *ledger) { delete(l.buckets, first) }, "but its buckets have 7 left and 5 pinned"},
		{"ABucketThatHasMore", func(l *ledger) { bucket(l, first, func(b *credits.Bucket) { b.Amount++ }) }, "but its buckets have 18 left"},
		{"ABucketThatWasChargedMore", func(l *ledger) { bucket(l, second, func(b *credits.Bucket) { b.Charged++ }) }, "but its buckets have 16 left"},
		{"ABucketThatIsPinnedBeyondWhatRemains", func(l *ledger) { bucket(l, first, func(b *credits.Bucket) { b.Pinned = 11 }) }, "bucket 1 has 10 left and 11 pinned"},
		{"ABucketThatIsPinnedLessThanNothing", func(l *ledger) { bucket(l, second, func(b *credits.Bucket) { b.Pinned = -1 }) }, "bucket 2 has 7 left and -1 pinned"},
		{"AHoldOfAnotherBucket", func(l *ledger) { theHold(l, func(h *credits.Hold) { h.Lots[0].Bucket = 9 }) }, `hold "k" has a lot of 10 in bucket 9, which does not`},
		{"AHoldOfNoBucket", func(l *ledger) { theHold(l, func(h *credits.Hold) { h.Lots[0].Bucket = 0 }) }, `hold "k" has a lot of 10 in bucket 0, which does not`},
		{"AHoldOfMoreThanIsPinned", func(l *ledger) { theHold(l, func(h *credits.Hold) { h.Lots[0].Amount, h.Amount = 11, 16 }) }, `hold "k" has a lot of 11 in bucket 1`},
		{"AHoldOfFewerLots", func(l *ledger) { theHold(l, func(h *credits.Hold) { h.Lots = nil }) }, `hold "k" is of 15, but its lots are of 0`},
	} {
		t.Run(c.broken, func(t *testing.T) {
			l := held(t)
			c.breaks(l)
			for _, op := range []credits.Op{settle(5), release(me), extend(16, me), hold(15, newer)} {
				wantText(t, l.refused(op, credits.ErrBroken), `account "acme"`, c.says, "verify it")
			}
		})
	}
	t.Run("AChargeWhoseBucketIsGoneIsNotRefunded", func(t *testing.T) {
		l := opened(t, 10)
		l.must(charge(10))
		delete(l.buckets, first)
		wantText(t, l.refused(refund("r", 1), credits.ErrBroken), `hold "k" has a lot of 10 in bucket 1, which does not`)
	})
	t.Run("ReadingThemDoesNotFail", func(t *testing.T) {
		l := held(t)
		delete(l.buckets, first)
		l.pass(time.Hour) // the hold expires, and its bucket is not there
		if got := l.balance(acme); got != (credits.Balance{Posted: 17, Held: 15, Available: 2}) {
			t.Errorf("balance is %+v, want what the row says", got)
		}
		l.wantLeft("g 7/5")
	})
	t.Run("AnAccountThatIsNotThereHasNothing", func(t *testing.T) {
		b := newBook()
		if got := b.balance(acme); got != (credits.Balance{}) {
			t.Errorf("balance is %+v", got)
		}
		if got := b.left(acme); got != nil {
			t.Errorf("left is %+v", got)
		}
	})
}

func TestTheLargestAmounts(t *testing.T) {
	l := opened(t, math.MaxInt64)
	l.must(hold(math.MaxInt64, me))
	l.must(release(me))
	l.must(charge(math.MaxInt64))
	l.wantBalance(0, 0)
	l.must(refund("r1", math.MaxInt64-1))
	l.wantBalance(math.MaxInt64-1, 0)
	l.must(granted("one", 1))
	if err := l.refused(refund("r2", 1), credits.ErrOverflow); !errors.Is(err, credits.ErrOverflow) {
		t.Error(err)
	}
	l.refused(adjust("more", 1), credits.ErrOverflow)
	l.must(adjust("less", -math.MaxInt64))
	l.wantBalance(0, 0)
	l.must(adjust("much less", -math.MaxInt64))
	l.wantBalance(-math.MaxInt64, 0)
	l.wantDebt(math.MaxInt64)
	l.refused(adjust("too much less", -1), credits.ErrOverflow)
	l.must(granted("all of it", math.MaxInt64))
	l.wantBalance(0, 0)
	l.wantDebt(0)
}

// TestADebtFitsBesideWhatIsHeld has a debt that would not fit although what is posted does.
func TestADebtFitsBesideWhatIsHeld(t *testing.T) {
	l := opened(t, 100)
	l.must(named(hold(50, me), "late"))
	l.must(named(release(me), "late"))
	l.must(hold(100, me))
	l.must(adjust("less", -math.MaxInt64))
	l.wantBalance(100-math.MaxInt64, 100)
	l.refused(adjust("still less", -1), credits.ErrOverflow)
	l.refused(named(settle(50), "late"), credits.ErrOverflow)
	l.must(settle(60))
	l.wantBalance(40-math.MaxInt64, 0)
	l.wantDebt(math.MaxInt64 - 40)
}
