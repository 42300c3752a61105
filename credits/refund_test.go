package credits_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

func TestAdjust(t *testing.T) {
	t.Run("UpIsABucketThatIsBurnedLastOfItsPriority", func(t *testing.T) {
		l := opened(t, 0)
		e := l.must(adjust("more", 10)).Entry
		want := credits.Entry{Account: acme, Number: 1, Kind: credits.EntryAdjust, Amount: 10, BalanceAfter: 10, Key: "more", Who: "ann", Note: "a mistake", At: start, Hash: e.Hash}
		if d := differ(want, e); d != "" {
			t.Error("the entry differs:\n", d)
		}
		l.must(granted("expires", 10, expiring(time.Hour)))
		l.must(charge(5))
		l.wantLeft("expires 5, more 10")
		b := l.buckets[credits.BucketRef{Account: acme, Number: 1}]
		if b.Kind != credits.Adjustment || b.Priority != 0 || !b.ExpiresAt.IsZero() || b.Key != "more" {
			t.Errorf("bucket is %+v", b)
		}
	})
	t.Run("DownTakesWhatIsAvailable", func(t *testing.T) {
		l := opened(t, 10)
		l.must(granted("first", 5, priority(-1)))
		l.must(adjust("less", -7))
		l.wantLines(3, "adjust -7 2:5 1:2")
		l.wantLeft("grant 8")
		l.wantBalance(8, 0)
		l.wantDebt(0)
	})
	t.Run("BelowZeroLeavesTheRestAsDebt", func(t *testing.T) {
		l := opened(t, 10)
		e := l.must(adjust("less", -15)).Entry
		if e.Amount != -15 || e.BalanceAfter != -5 {
			t.Errorf("entry is %+v", e)
		}
		l.wantLines(2, "adjust -15 1:10 0:5")
		l.wantBalance(-5, 0)
		l.wantDebt(5)
	})
	t.Run("TakesNothingOfWhatIsHeld", func(t *testing.T) {
		l := opened(t, 10)
		l.must(hold(8, me))
		l.must(adjust("less", -5))
		l.wantLines(2, "adjust -5 1:2 0:3")
		l.wantBalance(5, 8)
		l.wantDebt(3)
		l.must(settle(8))
		l.wantBalance(-3, 0)
	})
	t.Run("AgainIsTheSame", func(t *testing.T) {
		l := opened(t, 10)
		first := l.must(adjust("less", -15)).Entry
		before := l.copy()
		l.pass(time.Hour)
		if d := differ(first, l.must(adjust("less", -15)).Entry); d != "" {
			t.Error("the entry differs:\n", d)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("adjusting again changed:\n", d)
		}
	})
	t.Run("OfAnotherThingUnderTheKeyIsRefused", func(t *testing.T) {
		l := opened(t, 100)
		l.must(adjust("less", -15))
		l.must(hold(1, me))
		wantText(t, l.refused(adjust("less", -14), credits.ErrKeyReused), "credits: adjust", `account "acme"`, `key "less"`, "it already names an entry: adjust of -15")
		l.refused(change(adjust("less", -15), func(r *credits.Adjust) { r.Who = "bob" }), credits.ErrKeyReused)
		l.refused(change(adjust("less", -15), func(r *credits.Adjust) { r.Why = "another mistake" }), credits.ErrKeyReused)
		l.refused(adjust("grant", 100), credits.ErrKeyReused)
		wantText(t, l.refused(adjust(key, -15), credits.ErrKeyReused), "it names a hold")
	})
}

func TestCharge(t *testing.T) {
	t.Run("IsAHoldAndItsSettleInOneDecision", func(t *testing.T) {
		l := opened(t, 100)
		r := charge(40)
		r.Record = credits.UsageRecord{Account: "x", Key: "x", Entry: 9, Operation: "x", Scope: "x", Charged: 9, WrittenOff: 9, At: start.Add(1), Model: "m"}
		receipt := l.must(r).Receipt
		want := credits.UsageRecord{Account: acme, Key: key, Entry: 2, Operation: "write", Scope: "run-1", Charged: 40, At: start, Model: "m"}
		if d := differ(want, receipt.Record); d != "" {
			t.Error("the record differs:\n", d)
		}
		if receipt.Key != key || receipt.Charged != 40 || receipt.Entry != 2 || receipt.Fingerprint != [32]byte{1} || string(receipt.Result) != "result" {
			t.Errorf("receipt is %+v", receipt)
		}
		l.wantLines(2, "settle -40 1:40")
		l.wantState(credits.Settled)
		l.wantBalance(60, 0)
	})
	t.Run("TakesTheLastCreditAndNotOneMore", func(t *testing.T) {
		opened(t, 60).must(charge(60))
		l := opened(t, 100)
		l.must(named(hold(41, me), "held"))
		var short *credits.InsufficientError
		if err := l.refused(charge(60), credits.ErrInsufficient); !errors.As(err, &short) || *short != (credits.InsufficientError{Account: acme, Need: 60, Available: 59, Held: 41}) {
			t.Errorf("error is %+v", err)
		}
		l.must(charge(59))
	})
	t.Run("DoesNotGoIntoDebt", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.refused(named(charge(1), "next"), credits.ErrInsufficient)
	})
	for state, c := range map[string]struct {
		reach func(*ledger)
		want  error
	}{
		"Fresh":    {func(*ledger) {}, nil},
		"Open":     {func(l *ledger) { l.must(hold(60, me)) }, credits.ErrInProgress},
		"Released": {func(l *ledger) { l.must(hold(60, me)); l.must(release(me)) }, nil},
		"Expired":  {func(l *ledger) { l.must(hold(60, me)); l.pass(time.Minute) }, nil},
		"Granted":  {func(l *ledger) { l.must(granted(key, 1)) }, credits.ErrKeyReused},
		"Adjusted": {func(l *ledger) { l.must(adjust(key, 1)) }, credits.ErrKeyReused},
		"Refunded": {func(l *ledger) {
			l.must(named(charge(5), "other"))
			l.must(change(refund(key, 1), func(r *credits.Refund) { r.Charge = "other" }))
		}, credits.ErrKeyReused},
	} {
		t.Run("OfAKeyThatIs"+state, func(t *testing.T) {
			l := opened(t, 100)
			c.reach(l)
			if c.want == nil {
				posted := l.balance(acme).Posted
				if r := l.must(charge(40)).Receipt; r.Charged != 40 {
					t.Errorf("receipt is %+v", r)
				}
				l.wantBalance(posted-40, 0)
				l.wantState(credits.Settled)
				return
			}
			wantText(t, l.refused(charge(40), c.want), `account "acme"`, `key "k"`)
		})
	}
	t.Run("OfAnOpenKeySaysWhoHoldsIt", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		var busy *credits.InProgressError
		if err := l.refused(charge(40), credits.ErrInProgress); !errors.As(err, &busy) || *busy != (credits.InProgressError{Account: acme, Key: key, Holder: "me", Until: start.Add(me.Lease)}) {
			t.Errorf("error is %+v", err)
		}
	})
	t.Run("AgainIsTheFirstReceipt", func(t *testing.T) {
		l := opened(t, 50)
		first := l.must(charge(40)).Receipt
		before := l.copy()
		l.pass(time.Hour)
		again := charge(45)
		again.Result = nil
		if d := differ(first, l.must(again).Receipt); d != "" {
			t.Error("the receipt differs:\n", d)
		}
		if out := l.must(hold(40, me)).Held; out.Receipt == nil || out.Hold != nil || out.Receipt.Charged != 40 {
			t.Errorf("held is %+v, want the receipt", out)
		}
		if r := l.must(settle(7)).Receipt; r.Charged != 40 {
			t.Errorf("receipt is %+v, want the first", r)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("charging again changed:\n", d)
		}
	})
	t.Run("OfAHoldThatWasSettledIsItsReceipt", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(settle(40))
		if r := l.must(charge(10)).Receipt; r.Charged != 40 {
			t.Errorf("receipt is %+v, want the settle's", r)
		}
	})
	t.Run("OfAnotherRequestIsRefused", func(t *testing.T) {
		for state, reach := range map[string]func(*ledger){
			"charged":  func(l *ledger) { l.must(charge(10)) },
			"open":     func(l *ledger) { l.must(hold(10, me)) },
			"released": func(l *ledger) { l.must(hold(10, me)); l.must(release(me)) },
		} {
			l := opened(t, 100)
			reach(l)
			r := charge(10)
			r.Fingerprint = [32]byte{2}
			if err := l.refused(r, credits.ErrKeyReused); err == nil {
				t.Errorf("a key that is %s was charged for something else", state)
			}
		}
	})
	t.Run("WithoutAReceiptIsNotTakenForFree", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		s := credits.NewState()
		l.loadAccount(s, acme)
		s.LoadHold(l.holds[credits.Ref{Account: acme, Key: key}], nil)
		_, err := s.Apply(charge(10), start)
		wantError(t, err, credits.ErrSettled)
		wantText(t, err, "receipt is missing", "verify the account")
	})
	t.Run("WhoseResultWasPrunedIsNotChargedAgain", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		ref := credits.Ref{Account: acme, Key: key}
		receipt := l.receipts[ref]
		receipt.Result, receipt.Pruned = nil, true
		l.receipts[ref] = receipt
		for _, op := range []credits.Op{charge(10), hold(10, me), settle(10)} {
			wantText(t, l.refused(op, credits.ErrResultPruned), `account "acme"`, `key "k"`, "it is not charged again")
		}
		l.must(refund("r", 10)) // which asks for the charge, and not for what it brought
		l.wantBalance(100, 0)
	})
}

func TestRefund(t *testing.T) {
	// charged is an account whose key was charged 25: 10 of the first bucket, 15 of the second.
	charged := func(t *testing.T) *ledger {
		l := opened(t, 0)
		l.must(granted("a", 10))
		l.must(granted("b", 20))
		l.must(charge(25))
		l.wantLeft("b 5")
		return l
	}
	t.Run("IsAnEntryOfItsOwnThatNamesTheCharge", func(t *testing.T) {
		l := charged(t)
		l.pass(time.Second)
		e := l.must(refund("r", 25)).Entry
		want := credits.Entry{Account: acme, Number: 4, Kind: credits.EntryRefund, Amount: 25, BalanceAfter: 30, Key: "r", Charge: key, Operation: "write", Scope: "run-1",
			Who: "ann", Note: "it was bad", At: l.now, Lots: []credits.Lot{{Bucket: 2, Amount: 15}, {Bucket: 1, Amount: 10}}, Hash: e.Hash}
		if d := differ(want, e); d != "" {
			t.Error("the entry differs:\n", d)
		}
		l.wantBalance(30, 0)
		l.wantLeft("a 10, b 20")
	})
	t.Run("GoesBackToWhatWasChargedLastFirst", func(t *testing.T) {
		l := charged(t)
		for i, c := range []struct {
			amount      credits.Amount
			lines, left string
		}{
			{6, "refund 6 2:6", "b 11"},
			{12, "refund 12 2:9 1:3", "a 3, b 20"},
			{7, "refund 7 1:7", "a 10, b 20"},
		} {
			l.must(refund(credits.Key(fmt.Sprint("r", i)), c.amount))
			l.wantLines(4+i, c.lines)
			l.wantLeft(c.left)
		}
		l.wantBalance(30, 0)
	})
	t.Run("IsAtMostTheChargeInAll", func(t *testing.T) {
		l := charged(t)
		wantText(t, l.refused(refund("r1", 26), credits.ErrRefund), "credits: refund", `account "acme"`, `key "r1"`, `key "k" was charged 25, of which 25 can be refunded, not 26`)
		l.must(refund("r1", 20))
		wantText(t, l.refused(refund("r2", 6), credits.ErrRefund), "of which 5 can be refunded, not 6")
		l.must(refund("r2", 5))
		l.refused(refund("r3", 1), credits.ErrRefund)
		l.wantBalance(30, 0)
	})
	t.Run("AgainIsTheSame", func(t *testing.T) {
		l := charged(t)
		first := l.must(refund("r", 25)).Entry
		before := l.copy()
		l.pass(time.Hour)
		if d := differ(first, l.must(refund("r", 25)).Entry); d != "" {
			t.Error("the entry differs:\n", d)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("refunding again changed:\n", d)
		}
	})
	t.Run("OfAnotherThingUnderTheKeyIsRefused", func(t *testing.T) {
		l := charged(t)
		l.must(named(charge(5), "k2"))
		l.must(refund("r", 3))
		l.refused(refund("r", 4), credits.ErrKeyReused)
		l.refused(change(refund("r", 3), func(r *credits.Refund) { r.Charge = "k2" }), credits.ErrKeyReused)
		l.refused(change(refund("r", 3), func(r *credits.Refund) { r.Who = "bob" }), credits.ErrKeyReused)
		l.refused(change(refund("r", 3), func(r *credits.Refund) { r.Why = "no reason" }), credits.ErrKeyReused)
		wantText(t, l.refused(refund("a", 10), credits.ErrKeyReused), "it already names an entry: grant of 10")
		wantText(t, l.refused(refund("k2", 3), credits.ErrKeyReused), "it names a hold")
	})
	t.Run("OfWhatIsNotSettledIsRefused", func(t *testing.T) {
		for state, reach := range map[string]func(*ledger){
			"unknown":  func(*ledger) {},
			"granted":  func(l *ledger) { l.must(granted(key, 1)) },
			"open":     func(l *ledger) { l.must(hold(10, me)) },
			"released": func(l *ledger) { l.must(hold(10, me)); l.must(release(me)) },
		} {
			l := opened(t, 100)
			reach(l)
			wantText(t, l.refused(refund("r", 1), credits.ErrNotFound), `key "k" is not settled`)
			if t.Failed() {
				t.Fatal("of a key that is", state)
			}
		}
		l := opened(t, 100)
		l.must(hold(10, me))
		l.pass(time.Minute)
		l.refusedButExpired(refund("r", 1), credits.ErrNotFound)
	})
	t.Run("OfAChargeOfNothingIsRefused", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(10, me))
		l.must(settle(0))
		l.refused(refund("r", 1), credits.ErrRefund)
	})
	t.Run("OfASettledHoldIsOfWhatWasCharged", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(10, me))
		l.must(settle(25)) // 15 are written off
		l.refused(refund("r", 11), credits.ErrRefund)
		l.must(refund("r", 10))
		l.wantBalance(100, 0)
	})
	t.Run("IntoAnExpiredBucketExpiresAtOnce", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("a", 10))
		l.must(granted("b", 10, priority(1), expiring(time.Hour)))
		l.must(charge(15))
		l.pass(time.Hour)
		l.must(refund("r", 8))
		l.wantLines(4, "expired -5 2:5; refund 8 2:5 1:3; expired -5 2:5")
		l.wantLeft("a 3")
		l.wantBalance(3, 0)
	})
	t.Run("IntoARenewedPlanExpiresAtOnce", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("march", 10, renewing))
		l.must(charge(4))
		l.must(granted("april", 10, renewing))
		l.must(refund("r", 4))
		l.wantLeft("april 10")
		l.wantLines(5, "refund 4 1:4; expired -4 1:4")
	})
	t.Run("OfDebtBeforeItWasPaidPaysIt", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.must(refund("r", 20))
		l.wantLines(4, "refund 20 0:20")
		l.wantBalance(-40, 0)
		l.wantDebt(40)
		l.must(refund("r2", 40))
		l.wantBalance(0, 0)
		l.wantDebt(0)
		l.wantLeft("")
	})
	t.Run("OfDebtAfterItWasPaidIsABucketOfItsOwn", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.must(granted("pays", 100))
		l.wantLeft("pays 40")
		l.must(refund("r", 20))
		l.wantLines(5, "refund 20")
		l.wantLeft("pays 40, r 20")
		b := l.buckets[credits.BucketRef{Account: acme, Number: 5}]
		if b.Kind != credits.Refunded || b.Amount != 20 || b.Priority != 0 || !b.ExpiresAt.IsZero() {
			t.Errorf("bucket is %+v", b)
		}
		l.must(refund("r2", 40))
		l.wantBalance(100, 0)
		l.refused(refund("r3", 1), credits.ErrRefund)
	})
	t.Run("OfDebtThatWasPaidInPartDoesBoth", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.must(granted("pays", 50))
		l.wantDebt(10)
		l.must(refund("r", 30))
		l.wantLines(5, "refund 30 0:10")
		l.wantLeft("r 20")
		l.wantDebt(0)
		l.wantBalance(20, 0)
	})
	t.Run("OfAChargeThatIsHalfDebtRefundsTheDebtFirst", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(release(me))
		l.must(named(charge(70), "elsewhere"))
		l.must(settle(60))
		l.wantLines(3, "settle -60 1:30 0:30")
		l.wantDebt(30)
		l.must(refund("r", 40))
		l.wantLines(4, "refund 40 0:30 1:10")
		l.wantBalance(10, 0)
		l.wantLeft("grant 10")
	})
	t.Run("IntoABucketPaysDebtThatSomethingElseMade", func(t *testing.T) {
		l := opened(t, 10)
		l.must(charge(10))
		l.must(adjust("less", -6))
		l.wantDebt(6)
		l.must(refund("r", 10))
		l.wantDebt(0)
		l.wantBalance(4, 0)
		l.wantLeft("grant 4")
	})
	t.Run("AnswersTheKeyOfTheChargeAsBefore", func(t *testing.T) {
		l := charged(t)
		l.must(refund("r", 25))
		if r := l.must(charge(25)).Receipt; r.Charged != 25 || r.Entry != 3 {
			t.Errorf("receipt is %+v, want it unchanged", r)
		}
		l.wantBalance(30, 0)
	})
}

func TestDebt(t *testing.T) {
	t.Run("OfALateSettleLeavesOtherHoldsAlone", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(release(me))
		l.must(named(hold(90, me), "other"))
		l.must(settle(60))
		l.wantLines(2, "settle -60 1:10 0:50")
		l.wantBalance(40, 90)
		l.wantDebt(50)
		l.refused(named(hold(1, me), "next"), credits.ErrInsufficient)
		l.refused(named(charge(1), "next"), credits.ErrInsufficient)
		l.refused(named(extend(91, me), "other"), credits.ErrInsufficient)
		if r := l.must(named(settle(90), "other")).Receipt; r.Charged != 90 {
			t.Errorf("receipt is %+v, want all that was held", r)
		}
		l.wantBalance(-50, 0)
	})
	for by, pays := range map[string]func(*ledger){
		"ARelease":       func(l *ledger) { l.must(named(release(me), "other")) },
		"AnExpiry":       func(l *ledger) { l.pass(time.Minute); l.expire(acme) },
		"ASmallerCharge": func(l *ledger) { l.must(named(settle(0), "other")) },
	} {
		t.Run("IsPaidBy"+by+"First", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.must(release(me))
			l.must(named(hold(90, me), "other"))
			l.must(settle(60))
			pays(l)
			l.wantDebt(0)
			l.wantBalance(40, 0)
			l.wantLeft("grant 40")
			b := l.buckets[credits.BucketRef{Account: acme, Number: 1}]
			if b.PaidDebt != 50 || b.Charged != 10 {
				t.Errorf("bucket is %+v, want it to have paid 50", b)
			}
		})
	}
	for by, pays := range map[string]credits.Op{
		"AGrant":        granted("pays", 70),
		"ARenewal":      granted("pays", 70, renewing),
		"AnAdjustment":  adjust("pays", 70),
		"AnExpiringOne": granted("pays", 70, expiring(time.Hour)),
	} {
		t.Run("IsPaidBy"+by+"First", func(t *testing.T) {
			l := opened(t, 60)
			inDebt(l)
			l.must(pays)
			l.wantDebt(0)
			l.wantLeft("pays 10")
			l.wantBalance(10, 0)
		})
	}
	t.Run("IsPaidInPart", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.must(granted("pays", 25))
		l.wantDebt(35)
		l.wantLeft("")
		l.wantBalance(-35, 0)
		l.refused(named(hold(1, me), "next"), credits.ErrInsufficient)
	})
	t.Run("IsPaidByHoldsThatHaveExpiredAtReading", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(90, me))
		l.must(adjust("less", -30))
		l.wantDebt(20)
		l.pass(time.Minute)
		l.wantLeft("grant 70")
		l.wantBalance(70, 0)
		l.wantDebt(20) // nothing has been decided
	})
	t.Run("IsNotPaidByWhatHasExpired", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g", 10, expiring(30*time.Second)))
		l.must(hold(10, me))
		l.must(adjust("less", -4))
		l.pass(30 * time.Second)
		l.must(release(me))
		l.wantLines(3, "expired -10 1:10")
		l.wantBalance(-4, 0)
		l.wantDebt(4)
	})
}
