package credits_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

func TestHold(t *testing.T) {
	t.Run("SetsCreditsAsideAndPinsWhatItWasGiven", func(t *testing.T) {
		l := opened(t, 100)
		r := hold(60, me)
		r.First = credits.Attempt{ID: "a1", Provider: "p", Fate: "executed", FinishedAt: start}
		h := l.must(r).Held.Hold
		l.wantBalance(100, 60)
		if !h.Fresh || h.State != credits.Open || h.Amount != 60 || string(h.Pinned) != "pin of me" || h.Operation != "write" ||
			h.Scope != "run-1" || h.Holder != me || !h.CreatedAt.Equal(start) || !h.LeaseUntil.Equal(start.Add(me.Lease)) ||
			!h.ExpiresAt.Equal(start.Add(time.Minute)) {
			t.Errorf("hold is %+v", h)
		}
		if len(h.OpenAttempts) != 1 || h.OpenAttempts[0].Key != key || h.OpenAttempts[0].Holder != "me" || h.OpenAttempts[0].Scope != "run-1" ||
			h.OpenAttempts[0].Fate != "" || !h.OpenAttempts[0].FinishedAt.IsZero() || !h.OpenAttempts[0].BegunAt.Equal(start) {
			t.Errorf("open attempts are %+v, want the first one, begun and open", h.OpenAttempts)
		}
	})
	t.Run("TakesTheLastCreditAndNotOneMore", func(t *testing.T) {
		opened(t, 60).must(hold(60, me))
		l := opened(t, 59)
		err := l.refused(hold(60, me), credits.ErrInsufficient)
		var short *credits.InsufficientError
		if !errors.As(err, &short) || *short != (credits.InsufficientError{Account: acme, Need: 60, Available: 59}) {
			t.Errorf("error is %+v, want need 60 and available 59", err)
		}
		wantText(t, err, `account "acme"`, "need 60, available 59, in open holds 0", "grant more")
	})
	t.Run("SaysWhatOtherHoldsHaveWhenItIsRefused", func(t *testing.T) {
		l := opened(t, 100)
		first := hold(70, me)
		first.Key = "first"
		l.must(first)
		err := l.refused(hold(60, me), credits.ErrInsufficient)
		var short *credits.InsufficientError
		if !errors.As(err, &short) || *short != (credits.InsufficientError{Account: acme, Need: 60, Available: 30, Held: 70}) {
			t.Errorf("error is %+v", err)
		}
	})
	t.Run("AnswersTheSameHolderAgainAndChangesNothing", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Second)
		before := l.copy()
		again := hold(90, me) // what a key amounts to was decided when it was held
		again.First = credits.Attempt{ID: "a1"}
		h := l.must(again).Held.Hold
		if h.Fresh || h.Amount != 60 || len(h.OpenAttempts) != 0 || !h.LeaseUntil.Equal(start.Add(me.Lease)) {
			t.Errorf("hold is %+v, want the first one unchanged", h)
		}
		if d := before.diff(l.book); d != "" {
			t.Error("asking again changed:\n", d)
		}
	})
	t.Run("IsTakenOverByAHigherFenceAtOnce", func(t *testing.T) {
		l := opened(t, 100)
		first := hold(60, me)
		first.First = credits.Attempt{ID: "a1"}
		l.must(first)
		l.pass(time.Second)
		r := hold(80, newer)
		r.First = credits.Attempt{ID: "a2"}
		h := l.must(r).Held.Hold
		if h.Fresh || h.Amount != 60 || string(h.Pinned) != "pin of me" || h.Holder != newer ||
			!h.LeaseUntil.Equal(l.now.Add(newer.Lease)) || !h.ExpiresAt.Equal(l.now.Add(time.Minute)) {
			t.Errorf("hold is %+v, want the new holder with the old amount and pin", h)
		}
		if len(h.OpenAttempts) != 1 || h.OpenAttempts[0].ID != "a1" || h.OpenAttempts[0].Holder != "me" {
			t.Errorf("open attempts are %+v, want the one that the earlier holder left", h.OpenAttempts)
		}
		l.wantBalance(100, 60)
	})
	for _, c := range []struct {
		rule string
		by   credits.Holder
	}{
		{"AnEqualFence", other},
		{"ALowerFence", credits.Holder{ID: "older", Fence: 0, Lease: time.Second}},
		{"TheSameNameWithALowerFence", credits.Holder{ID: "me", Fence: 0, Lease: time.Second}},
	} {
		t.Run("IsKeptFrom"+c.rule+"WhileTheLeaseRuns", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.pass(me.Lease - time.Microsecond)
			err := l.refused(hold(60, c.by), credits.ErrInProgress)
			var busy *credits.InProgressError
			if !errors.As(err, &busy) || *busy != (credits.InProgressError{Account: acme, Key: key, Holder: "me", Until: start.Add(me.Lease)}) {
				t.Errorf("error is %+v", err)
			}
			wantText(t, err, `account "acme"`, `key "k"`, `held by "me" until 2026-03-01T12:00:10Z`)
		})
		t.Run("IsTakenOverBy"+c.rule+"AfterTheLease", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.pass(me.Lease)
			if h := l.must(hold(60, c.by)).Held.Hold; h.Fresh || h.Holder != c.by || string(h.Pinned) != "pin of me" {
				t.Errorf("hold is %+v", h)
			}
			l.wantBalance(100, 60)
		})
	}
	t.Run("StartsAfreshAfterARelease", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(release(me))
		l.pass(time.Second)
		r := hold(30, other)
		r.Operation, r.Scope = "rewrite", "run-2"
		h := l.must(r).Held.Hold
		if !h.Fresh || h.Amount != 30 || string(h.Pinned) != "pin of other" || h.Operation != "rewrite" || h.Scope != "run-2" || !h.CreatedAt.Equal(l.now) {
			t.Errorf("hold is %+v, want everything new", h)
		}
		l.wantBalance(100, 30)
	})
	t.Run("IsReopenedWithTheOldPinAndAmountAfterItExpired", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Minute)
		l.wantBalance(100, 0)
		r := hold(90, other)
		r.First = credits.Attempt{ID: "a1"}
		h := l.must(r).Held.Hold
		if h.Fresh || h.Amount != 60 || string(h.Pinned) != "pin of me" || h.Holder != other || !h.CreatedAt.Equal(l.now) || len(h.OpenAttempts) != 0 {
			t.Errorf("hold is %+v, want the old one in new hands, with credits that were taken just now", h)
		}
		l.wantBalance(100, 60)
	})
	t.Run("IsNotReopenedWithoutTheCredits", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Minute)
		taken := hold(50, me)
		taken.Key = "taken"
		l.must(taken)
		l.refused(hold(60, other), credits.ErrInsufficient)
		l.wantState(credits.Expired)
		l.wantBalance(100, 50)
	})
	t.Run("IsTheReceiptOfASettledKey", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(settle(40))
		out := l.must(hold(60, newer)).Held
		if out.Hold != nil || out.Receipt == nil || out.Receipt.Charged != 40 || string(out.Receipt.Result) != "result" {
			t.Errorf("held is %+v, want the receipt alone", out)
		}
		l.wantBalance(60, 0)
	})
	t.Run("IsRefusedForAnotherRequestInEveryState", func(t *testing.T) {
		reused := hold(60, newer)
		reused.Fingerprint = [32]byte{2}
		for state, reach := range map[credits.HoldState]func(*ledger){
			credits.Open:     func(*ledger) {},
			credits.Released: func(l *ledger) { l.must(release(me)) },
			credits.Settled:  func(l *ledger) { l.must(settle(1)) },
		} {
			l := opened(t, 100)
			l.must(hold(60, me))
			reach(l)
			l.wantState(state)
			wantText(t, l.refused(reused, credits.ErrKeyReused), `account "acme"`, `key "k"`, "use a new key")
		}
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Minute)
		_, err := l.try(reused)
		wantError(t, err, credits.ErrKeyReused)
		l.wantState(credits.Expired)
	})
	t.Run("IsRefusedForAKeyThatGranted", func(t *testing.T) {
		r := hold(60, me)
		r.Key = "grant"
		wantText(t, opened(t, 100).refused(r, credits.ErrKeyReused), "it names a grant")
	})
	t.Run("OfAnAccountInDebtIsRefused", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		r := hold(1, me)
		r.Key = "next"
		var short *credits.InsufficientError
		if err := l.refused(r, credits.ErrInsufficient); !errors.As(err, &short) || short.Available != -60 {
			t.Errorf("error is %+v, want -60 available", err)
		}
		l.must(credits.Grant{Account: acme, Key: "debt", Kind: credits.Plan, Amount: 60})
		l.refused(r, credits.ErrInsufficient)
		l.must(credits.Grant{Account: acme, Key: "more", Kind: credits.Plan, Amount: 1})
		l.must(r)
	})
	t.Run("OfASettledKeyWithoutAReceiptIsNotTakenForFree", func(t *testing.T) {
		for _, op := range []credits.Op{hold(60, me), settle(10)} {
			s := credits.NewState()
			s.LoadHold(credits.Hold{Account: acme, Key: key, State: credits.Settled, Fingerprint: [32]byte{1}, Amount: 60}, nil)
			_, err := s.Apply(op, start)
			wantError(t, err, credits.ErrSettled)
			wantText(t, err, `key "k"`, "receipt is missing", "verify the account")
		}
	})
}

// inDebt spends 60 credits twice: the hold expires, its credits go elsewhere, and then its answer comes.
func inDebt(l *ledger) {
	l.Helper()
	l.must(hold(60, me))
	l.pass(time.Minute)
	elsewhere := hold(60, me)
	elsewhere.Key = "elsewhere"
	l.must(elsewhere)
	charge := settle(60)
	charge.Key = "elsewhere"
	l.must(charge)
	l.must(settle(60))
	l.wantBalance(-60, 0)
}

func TestExtend(t *testing.T) {
	t.Run("GrowsToATotalOnceHoweverOftenItIsAsked", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		for range 2 {
			if h := l.must(extend(90, me)).Hold; h.Amount != 90 || h.Fresh {
				t.Errorf("hold is %+v, want 90", h)
			}
			l.wantBalance(100, 90)
		}
	})
	t.Run("DoesNotShrink", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Second)
		if h := l.must(extend(1, me)).Hold; h.Amount != 60 || !h.LeaseUntil.Equal(l.now.Add(me.Lease)) {
			t.Errorf("hold is %+v, want 60 and a new lease", h)
		}
	})
	t.Run("RenewsTheLeaseAndWithATTLTheExpiry", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(5 * time.Second)
		if h := l.must(extend(60, me)).Hold; !h.LeaseUntil.Equal(l.now.Add(me.Lease)) || !h.ExpiresAt.Equal(start.Add(time.Minute)) {
			t.Errorf("lease until %v, expires %v; want a new lease and the old expiry", h.LeaseUntil, h.ExpiresAt)
		}
		r := extend(60, me)
		r.TTL = time.Hour
		if h := l.must(r).Hold; !h.ExpiresAt.Equal(l.now.Add(time.Hour)) {
			t.Errorf("expires %v, want an hour from now", h.ExpiresAt)
		}
	})
	t.Run("NeedsWhatIsMissingOnly", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		var short *credits.InsufficientError
		err := l.refused(extend(101, me), credits.ErrInsufficient)
		if !errors.As(err, &short) || *short != (credits.InsufficientError{Account: acme, Need: 41, Available: 40, Held: 60}) {
			t.Errorf("error is %+v", err)
		}
		l.must(extend(100, me))
	})
	t.Run("ShowsTheAttemptsThatAreOpen", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		for _, id := range []string{"a1", "a2", "a3"} {
			l.must(begin(id, me))
		}
		l.must(finish("a2"))
		h := l.must(extend(60, me)).Hold
		if len(h.OpenAttempts) != 2 || h.OpenAttempts[0].ID != "a1" || h.OpenAttempts[1].ID != "a3" {
			t.Errorf("open attempts are %+v, want a1 and a3", h.OpenAttempts)
		}
	})
}

// TestOnlyTheHolderMayWork has the rules that extending, releasing and beginning share.
func TestOnlyTheHolderMayWork(t *testing.T) {
	acts := map[string]func(by credits.Holder) credits.Op{
		"extend":        func(by credits.Holder) credits.Op { return extend(70, by) },
		"release":       func(by credits.Holder) credits.Op { return release(by) },
		"begin attempt": func(by credits.Holder) credits.Op { return begin("a1", by) },
	}
	for act, op := range acts {
		t.Run("Before"+act+"SomethingIsHeld", func(t *testing.T) {
			err := opened(t, 100).refused(op(me), credits.ErrNotFound)
			wantText(t, err, "credits: "+act, `account "acme"`, `key "k"`, "hold it first")
		})
		for _, by := range []credits.Holder{other, newer, {ID: "me", Fence: 2, Lease: time.Second}} {
			t.Run("IsRefusedTo"+act+"For"+by.ID, func(t *testing.T) {
				l := opened(t, 100)
				l.must(hold(60, me))
				wantText(t, l.refused(op(by), credits.ErrNotHolder), "credits: "+act, `"me" took it over`)
			})
		}
		t.Run("IsRefusedTo"+act+"ForAHolderThatLostIt", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.must(hold(60, newer))
			wantText(t, l.refused(op(me), credits.ErrNotHolder), `"newer" took it over`)
			l.must(op(newer))
		})
		t.Run("IsRefusedTo"+act+"WhatIsSettled", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.must(settle(1))
			l.refused(op(me), credits.ErrSettled)
			l.refused(op(other), credits.ErrSettled)
		})
		if act == "release" {
			continue // releasing again is no error
		}
		t.Run("IsRefusedTo"+act+"WhatIsReleased", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.must(release(me))
			wantText(t, l.refused(op(me), credits.ErrClosed), "it is released")
		})
		t.Run("IsRefusedTo"+act+"WhatHasExpired", func(t *testing.T) {
			l := opened(t, 100)
			l.must(hold(60, me))
			l.pass(time.Minute)
			_, err := l.try(op(me))
			wantError(t, err, credits.ErrClosed)
			wantText(t, err, "it is expired")
			l.wantState(credits.Expired) // found out by the way, and it stays
			l.wantBalance(100, 0)
		})
	}
}

func TestRelease(t *testing.T) {
	t.Run("GivesEverythingBackAndFinishesTheLastAttempt", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(begin("a1", me))
		r := release(me)
		r.Last = ended("a1")
		l.must(r)
		l.wantState(credits.Released)
		l.wantBalance(100, 0)
		if a := l.attempts[r.Ref()][0]; a.Fate != "executed" || !a.FinishedAt.Equal(start) {
			t.Errorf("attempt is %+v, want it finished", a)
		}
	})
	t.Run("AgainIsNoError", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(release(me))
		before := l.copy()
		l.must(release(me))
		if d := before.diff(l.book); d != "" {
			t.Error("releasing again changed:\n", d)
		}
		l.refused(release(other), credits.ErrNotHolder)
	})
	t.Run("OfAnExpiredHoldLetsTheKeyStartAfresh", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(time.Minute)
		l.must(release(me))
		l.wantState(credits.Released)
		l.wantBalance(100, 0)
		if h := l.must(hold(10, other)).Held.Hold; !h.Fresh || h.Amount != 10 {
			t.Errorf("hold is %+v, want a fresh one", h)
		}
	})
	t.Run("WithAnAttemptThatWasNeverBegunChangesNothing", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		r := release(me)
		r.Last = ended("a1")
		wantText(t, l.refused(r, credits.ErrNotFound), `attempt "a1" was never begun`)
		l.wantState(credits.Open)
	})
}

func TestAttempts(t *testing.T) {
	t.Run("BeginRenewsTheLeaseAndIsTheSameAgain", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.pass(5 * time.Second)
		l.must(begin("a1", me))
		begun := l.now
		l.pass(9 * time.Second)
		l.refused(hold(60, other), credits.ErrInProgress)
		l.must(begin("a1", me))
		list := l.attempts[begin("a1", me).Ref()]
		if len(list) != 1 || !list[0].BegunAt.Equal(begun) || list[0].Holder != "me" || list[0].Key != key || list[0].Provider != "p" {
			t.Errorf("attempts are %+v, want one, begun once", list)
		}
	})
	for act, op := range map[string]credits.Op{"Begin": begin("a1", me), "Extend": extend(60, me)} {
		t.Run(act+"KeepsTheHoldForAsLongAsTheLease", func(t *testing.T) {
			l := opened(t, 100)
			r := hold(60, me)
			r.TTL = me.Lease
			l.must(r)
			l.pass(9 * time.Second)
			l.must(op)
			l.pass(9 * time.Second) // beyond the TTL, within the lease
			l.refused(hold(60, other), credits.ErrInProgress)
			l.wantBalance(100, 60)
			l.pass(time.Second)
			l.wantBalance(100, 0)
		})
	}
	t.Run("KeysAndAccountsKeepTheirOwnAlsoInOneBatch", func(t *testing.T) {
		b := newBook()
		var ops []credits.Op
		for _, account := range []credits.Account{"x", "y"} {
			ops = append(ops, credits.Grant{Account: account, Key: "g", Kind: credits.Plan, Amount: 10})
			for _, k := range []credits.Key{"k1", "k2"} {
				r := hold(1, me)
				r.Account, r.Key, r.First = account, k, credits.Attempt{ID: "the same id"}
				ops = append(ops, r)
			}
		}
		if _, errs := b.apply(ops...); errors.Join(errs...) != nil {
			t.Fatal(errs)
		}
		if len(b.attempts) != 4 {
			t.Errorf("attempts are %+v, want one for each of four keys", b.attempts)
		}
	})
	t.Run("FinishIsNotFencedAndTheFirstThatKnowsStays", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		l.must(begin("a1", me))
		l.must(hold(60, newer))
		l.must(release(newer))
		l.pass(time.Second)
		r := finish("a1")
		r.Attempt.JobID = "job"
		for i, step := range []struct{ finish, want string }{{"unknown", "unknown"}, {"unknown", "unknown"}, {"rejected", "rejected"}, {"unknown", "rejected"}, {"executed", "rejected"}} {
			before := l.attempts[r.Ref()][0]
			r.Attempt.Fate, r.Attempt.Error, r.Attempt.RequestID = step.finish, "because of "+step.finish, "req"
			l.must(r)
			a := l.attempts[r.Ref()][0]
			if a.Fate != step.want || a.JobID != "job" || a.RequestID != "req" || a.Error != "because of "+step.want {
				t.Errorf("step %d: attempt is %+v, want %s", i, a, step.want)
			}
			if changed := step.want != before.Fate; changed != !a.FinishedAt.Equal(before.FinishedAt) {
				t.Errorf("step %d: finished at %s, before at %s", i, a.FinishedAt, before.FinishedAt)
			}
			l.pass(time.Second)
		}
	})
	t.Run("FinishKeepsTheJobThatBeginNamed", func(t *testing.T) {
		l := opened(t, 100)
		l.must(hold(60, me))
		r := begin("a1", me)
		r.Attempt.JobID = "job"
		l.must(r)
		l.must(finish("a1"))
		if a := l.attempts[r.Ref()][0]; a.JobID != "job" {
			t.Errorf("attempt is %+v, want its job", a)
		}
	})
	t.Run("WhatWasNotBegunIsNotFinished", func(t *testing.T) {
		l := opened(t, 100)
		wantText(t, l.refused(finish("a1"), credits.ErrNotFound), `account "acme"`, `key "k"`, "hold it first")
		l.must(hold(60, me))
		wantText(t, l.refused(finish("a1"), credits.ErrNotFound), "never begun")
	})
}

func TestTimeIsToTheMicrosecondAndUTC(t *testing.T) {
	s := credits.NewState()
	s.LoadAccount(credits.AccountRow{Account: acme, Posted: 100, Entries: 1})
	s.LoadBucket(credits.Bucket{Account: acme, Number: 1, Amount: 100})
	zone := time.FixedZone("", 3600)
	out, err := s.Apply(hold(60, me), start.Add(1999*time.Nanosecond).In(zone))
	if at := out.Held.Hold.CreatedAt; err != nil || at != start.Add(time.Microsecond) {
		t.Errorf("created at %v (%v), want the microsecond in UTC", at, err)
	}
}

func TestARefusalLeavesTheStateUsableForTheRestOfTheBatch(t *testing.T) {
	b := newBook()
	_, errs := b.apply(
		hold(60, me), // nothing is there yet
		credits.Grant{Account: acme, Key: "g", Kind: credits.Plan, Amount: 100},
		hold(60, me),
		hold(60, other),
		settle(10),
		credits.Grant{Account: acme, Key: "g", Kind: credits.Plan, Amount: 7},
	)
	want := []error{credits.ErrInsufficient, nil, nil, credits.ErrInProgress, nil, credits.ErrKeyReused}
	if !slices.EqualFunc(errs, want, errors.Is) {
		t.Errorf("errors are %v, want %v", errs, want)
	}
	if got := b.balance(acme); got != (credits.Balance{Posted: 90, Available: 90}) {
		t.Errorf("balance is %+v, want 90", got)
	}
}

func TestAHoldIsAsOfATime(t *testing.T) {
	h := credits.Hold{State: credits.Open, ExpiresAt: start, Lots: []credits.Lot{{Bucket: 1, Amount: 5}}}
	if now := h.AsOf(start.Add(-1)); now.State != credits.Open || len(now.Lots) != 1 {
		t.Errorf("before its time: %+v, want it open", now)
	}
	if now := h.AsOf(start); now.State != credits.Expired || now.Lots != nil {
		t.Errorf("at its time: %+v, want it expired and without lots", now)
	}
	for _, closed := range []credits.HoldState{credits.Settled, credits.Released} {
		h.State = closed
		if now := h.AsOf(start); now.State != closed || len(now.Lots) != 1 {
			t.Errorf("%s: %+v, want it as it is", closed, now)
		}
	}
}
