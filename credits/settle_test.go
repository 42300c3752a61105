package credits_test

import (
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		rule                string
		amount              credits.Amount
		charged, writtenOff credits.Amount
	}{
		{"ChargesWhatWasUsedAndGivesTheRestBack", 40, 40, 0},
		{"ChargesAllThatWasHeld", 60, 60, 0},
		{"WritesOffWhatPassesTheHold", 75, 60, 15},
		{"ChargesNothingForNothing", 0, 0, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			r := l.must(settle(c.amount)).Receipt
			if r.Charged != c.charged || r.Record.Charged != c.charged || r.Record.WrittenOff != c.writtenOff || r.Entry != 2 {
				t.Errorf("receipt is %+v, want %d charged and %d written off in entry 2", r, c.charged, c.writtenOff)
			}
			l.wantState(credits.Settled)
			l.wantBalance(100-c.charged, 0)
			e := l.entries[acme][1]
			want := credits.Entry{Account: acme, Number: 2, Kind: credits.EntrySettle, Amount: -c.charged, BalanceAfter: 100 - c.charged,
				Key: key, Operation: "write", Scope: "run-1", At: start, Hash: l.accounts[acme].Head}
			if c.charged > 0 {
				want.Lots = []credits.Lot{{Bucket: 1, Amount: c.charged}}
			}
			if d := differ(want, e); d != "" {
				t.Error("the entry differs:\n", d)
			}
		})
	}
	t.Run("RecordsWhatWasMeasuredAndFillsInTheRest", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(begin("a1", me))
		l.pass(time.Second)
		r := settle(40)
		r.Last = credits.Attempt{ID: "a1", Fate: "executed", RequestID: "req", Usage: usage.Tokens(10, 20), Cost: decimal.NewNullDecimal(decimal.New(5, -3))}
		r.Record = credits.UsageRecord{Account: "x", Key: "x", Entry: 9, Operation: "x", Scope: "x", Charged: 9, WrittenOff: 9, At: start, // not the caller's
			Provider: "p", Model: "m", Attempt: "a1", Usage: usage.Tokens(10, 20), Exact: decimal.New(395, -1), Cost: decimal.New(5, -3), PriceVersion: 3}
		receipt := l.must(r).Receipt
		want := credits.UsageRecord{Account: acme, Key: key, Entry: 2, Operation: "write", Scope: "run-1", Charged: 40, At: l.now,
			Provider: "p", Model: "m", Attempt: "a1", Usage: usage.Tokens(10, 20), Exact: decimal.New(395, -1), Cost: decimal.New(5, -3), PriceVersion: 3}
		if d := differ(want, receipt.Record); d != "" {
			t.Error("the record differs:\n", d)
		}
		if receipt.Fingerprint != [32]byte{1} || receipt.Key != key || string(receipt.Result) != "result" {
			t.Errorf("receipt is %+v", receipt)
		}
		if a := l.attempts[r.Ref()][0]; a.Fate != "executed" || a.RequestID != "req" || a.Usage != usage.Tokens(10, 20) || !a.FinishedAt.Equal(l.now) {
			t.Errorf("attempt is %+v, want it finished", a)
		}
		l.wantBalance(60, 0)
	})
	t.Run("ASecondTimeReturnsTheFirstReceipt", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		first := l.must(settle(40)).Receipt
		before := l.copy()
		l.pass(time.Hour)
		second := settle(7)
		second.Result = []byte("another result")
		if d := differ(first, l.must(second).Receipt); d != "" {
			t.Error("the second receipt differs:\n", d)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("the second settle changed:\n", d)
		}
	})
	t.Run("TheLosersAttemptIsFinishedAndNotCharged", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(begin("a1", me))
		l.must(hold(60, newer))
		l.must(begin("a2", newer))
		winner, loser := settle(40), settle(50)
		winner.Last, loser.Last = ended("a2"), ended("a1")
		l.must(winner)
		if r := l.must(loser).Receipt; r.Charged != 40 {
			t.Errorf("the loser's receipt is %+v, want the winner's", r)
		}
		for _, a := range l.attempts[winner.Ref()] {
			if a.Fate != "executed" {
				t.Errorf("attempt %q is open: what it cost is lost", a.ID)
			}
		}
		l.wantBalance(60, 0)
		loser.Last = ended("a3")
		l.refused(loser, credits.ErrNotFound)
	})
	t.Run("IsNotFenced", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(begin("a1", me))
		l.must(hold(60, newer))
		r := settle(40) // from the earlier holder, which knows nothing of the newer one
		r.Last = ended("a1")
		l.must(r)
		l.wantBalance(60, 0)
		l.refused(release(newer), credits.ErrSettled)
	})
	late := map[string]func(*ledger){
		"Release": func(l *ledger) { l.must(release(me)) },
		"Expiry":  func(l *ledger) { l.pass(time.Hour) },
	}
	for after, close := range late {
		t.Run("ChargesAfter"+after+"ExactlyOnce", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			close(l)
			for range 2 {
				if r := l.must(settle(75)).Receipt; r.Charged != 60 || r.Record.WrittenOff != 15 {
					t.Errorf("receipt is %+v, want 60 charged and 15 written off", r)
				}
				l.wantState(credits.Settled)
				l.wantBalance(40, 0)
			}
		})
		t.Run("ChargesAfter"+after+"IntoDebt", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			close(l)
			r := hold(100, me)
			r.Key = "elsewhere"
			l.must(r)
			l.must(settle(60))
			l.wantBalance(40, 100)
			charge := settle(100)
			charge.Key = "elsewhere"
			l.must(charge)
			l.wantBalance(-60, 0)
		})
	}
	t.Run("BeforeAHoldIsRefused", func(t *testing.T) {
		wantText(t, opened(t, 100).refused(settle(1), credits.ErrNotFound), "credits: settle", `account "acme"`, `key "k"`, "hold it first")
	})
	t.Run("WithAnAttemptThatWasNeverBegunChangesNothing", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		r := settle(40)
		r.Last = ended("a1")
		l.refused(r, credits.ErrNotFound)
		l.wantBalance(100, 60)
	})
	t.Run("ForAnAttemptThatHasNotEndedChangesNothing", func(t *testing.T) { // no audit would find the account sound afterwards
		for _, id := range []string{"a1", "never begun"} {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.must(begin("a1", me))
			r := settle(40)
			r.Record.Attempt = id
			l.refused(r, credits.ErrNotFound)
			l.wantBalance(100, 60)
			l.must(finish("a1"))
			r.Record.Attempt = "a1"
			l.must(r)
			l.wantBalance(60, 0)
		}
	})
	t.Run("IntoADebtThatCannotBeCountedIsRefused", func(t *testing.T) {
		s := credits.NewState()
		s.LoadAccount(credits.AccountRow{Account: acme, Posted: -math.MaxInt64, Debt: math.MaxInt64, Entries: 1})
		s.LoadHold(credits.Hold{Account: acme, Key: key, State: credits.Released, Amount: 60}, nil)
		_, err := s.Apply(settle(60), start)
		wantError(t, err, credits.ErrOverflow)
	})
}

func TestGrant(t *testing.T) {
	g := credits.Grant{Account: acme, Key: "g", Kind: credits.Plan, Amount: 100, Note: "March"}
	t.Run("IsAnEntryOfItsOwn", func(t *testing.T) {
		l := opened(t, 5)
		want := credits.Entry{Account: acme, Number: 2, Kind: credits.EntryGrant, Amount: 100, BalanceAfter: 105, Key: "g", Note: "March", At: start}
		e := l.must(g).Entry
		want.Hash = l.accounts[acme].Head
		if d := differ(want, e); d != "" {
			t.Error("the entry differs:\n", d)
		}
		l.wantBalance(105, 0)
	})
	t.Run("AgainReturnsTheFirstEntry", func(t *testing.T) {
		l := opened(t, 0)
		first := l.must(g).Entry
		before := l.copy()
		l.pass(time.Hour)
		if d := differ(first, l.must(g).Entry); d != "" {
			t.Error("the entry differs:\n", d)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("granting again changed:\n", d)
		}
	})
	t.Run("OfAnotherThingUnderTheKeyIsRefused", func(t *testing.T) {
		l := opened(t, 0)
		l.must(g)
		for _, change := range []func(*credits.Grant){
			func(g *credits.Grant) { g.Amount++ },
			func(g *credits.Grant) { g.Kind = credits.Promo },
			func(g *credits.Grant) { g.Note = "" },
		} {
			other := g
			change(&other)
			wantText(t, l.refused(other, credits.ErrKeyReused), "credits: grant", `account "acme"`, `key "g"`, "it already names an entry: grant of 100")
		}
	})
	t.Run("UnderAKeyThatHoldsIsRefused", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		other := g
		other.Key = key
		wantText(t, l.refused(other, credits.ErrKeyReused), "it names a hold")
	})
	t.Run("FitsToTheLastCredit", func(t *testing.T) {
		l := opened(t, math.MaxInt64-100)
		l.must(g)
		l.wantBalance(math.MaxInt64, 0)
		other := g
		other.Key, other.Amount = "one more", 1
		l.refused(other, credits.ErrOverflow)
	})
	t.Run("PaysDebtFirst", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		l.must(g)
		l.wantBalance(40, 0)
	})
}
