package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// brokenLedger is a mistake that a store could make, with the case that has to catch it.
type brokenLedger struct {
	name string
	by   string
	open func(sound credits.Ledger) credits.Ledger
}

var brokenLedgers = append(brokenShadows, []brokenLedger{
	{"ForgetsTheKeyOfAGrant", "GrantsAKeyOnce", func(l credits.Ledger) credits.Ledger { return &forgetful{Ledger: l} }},
	{"ReleasesTwice", "GivesBackOnce", func(l credits.Ledger) credits.Ledger { return &generous{Ledger: l} }},
	{"SettlesInTwoSteps", "ChargesNothingIfTheAttemptIsUnknown", func(l credits.Ledger) credits.Ledger { return &stepwise{Ledger: l} }},
	{"IgnoresTheFence", "RefusesTheEarlierHolder", func(l credits.Ledger) credits.Ledger { return &fenceless{Ledger: l} }},
	{"TakesOverByAnEqualFence", "RefusesAnEqualFenceWhileTheLeaseRuns", func(l credits.Ledger) credits.Ledger { return &pushy{Ledger: l} }},
	{"ChecksAndThenActs", "NeverOverspends", func(l credits.Ledger) credits.Ledger { return &hasty{Ledger: l} }},
	{"LosesTheRemainder", "ChargesWhatWasUsed", func(l credits.Ledger) credits.Ledger { return &greedy{Ledger: l} }},
	{"ChargesAboveTheHold", "WritesOffWhatPassesTheHold", func(l credits.Ledger) credits.Ledger { return &unbounded{Ledger: l} }},
	{"KeepsNoFingerprint", "RefusesAKeyThatHeldSomethingElse", func(l credits.Ledger) credits.Ledger { return &indifferent{Ledger: l} }},
	{"ChargesEverySettle", "ChargesAKeyOnce", func(l credits.Ledger) credits.Ledger { return &repeating{Ledger: l} }},
	{"LosesALateSettle", "ChargesALateSettleAfterExpiry", func(l credits.Ledger) credits.Ledger { return &strict{Ledger: l} }},
	{"KeepsResultsAsText", "KeepsTheResultExactly", func(l credits.Ledger) credits.Ledger { return &textual{Ledger: l} }},
	{"KeepsNamesAsText", "MakesNoTwoNamesOne", func(l credits.Ledger) credits.Ledger { return &lettered{Ledger: l} }},
	{"PinsAnewOnTakeover", "LetsAHigherFenceTakeOverAtOnce", func(l credits.Ledger) credits.Ledger { return &repinning{Ledger: l} }},
	{"ExtendsByTheTotal", "ExtendsToATotal", func(l credits.Ledger) credits.Ledger { return &adding{Ledger: l} }},
	{"IgnoresTheContext", "LeavesNoEffectWithACancelledContext", func(l credits.Ledger) credits.Ledger { return &deaf{Ledger: l} }},
	{"SaysNotWhatIsMissing", "RefusesWhatTheAccountCannotCover", func(l credits.Ledger) credits.Ledger { return &terse{Ledger: l} }},
	{"RewritesAFinish", "KeepsTheFirstFinish", func(l credits.Ledger) credits.Ledger { return &rewriting{Ledger: l} }},
	{"SkipsAnEntryNumber", "NumbersEntriesWithoutGaps", func(l credits.Ledger) credits.Ledger { return &gappy{Ledger: l} }},
	{"ReadsFromTheBeginningOnly", "PagesEntries", func(l credits.Ledger) credits.Ledger { return &chronological{Ledger: l} }},
	{"NeverExpires", "GivesAnExpiredHoldBackAtReading", func(l credits.Ledger) credits.Ledger { return &eternal{Ledger: l} }},
	{"RoundsTwice", "ChargesWhatWasUsed", func(l credits.Ledger) credits.Ledger { return &rounding{Ledger: l} }},
	{"IgnoresPriorities", "BurnsTheLowerPriorityFirst", func(l credits.Ledger) credits.Ledger { return &levelling{Ledger: l} }},
	{"BurnsTheNewestFirst", "BurnsTheOldestFirst", func(l credits.Ledger) credits.Ledger { return &lastIn{Ledger: l} }},
	{"ForgetsExpiryAtReading", "ExpiresCreditsAtReading", func(l credits.Ledger) credits.Ledger { return &sweeping{Ledger: l} }},
	{"ShowsExpiredBuckets", "LeavesAHoldWhatExpiresUnderIt", func(l credits.Ledger) credits.Ledger { return &hoarding{Ledger: l} }},
	{"SpendsWhatHasExpired", "DoesNotSpendWhatHasExpired", func(l credits.Ledger) credits.Ledger { return &lasting{Ledger: l} }},
	{"RenewsOnlyWhatIsLeft", "EndsAlsoAPlanThatIsUsedUp", func(l credits.Ledger) credits.Ledger { return &shortsighted{Ledger: l} }},
	{"RenewsAndKeepsThePlan", "RenewsThePlanInOneDecision", func(l credits.Ledger) credits.Ledger { return &piling{Ledger: l} }},
	{"RefundsAboveTheCharge", "NeverRefundsMoreThanTheCharge", func(l credits.Ledger) credits.Ledger { return &obliging{Ledger: l} }},
	{"RefundsTwice", "RefundsAKeyOnce", func(l credits.Ledger) credits.Ledger { return &apologetic{Ledger: l} }},
	{"ChecksARefundAndThenActs", "RefundsAChargeOnceInARace", func(l credits.Ledger) credits.Ledger {
		return &unhurried{Ledger: l, left: map[credits.Key]credits.Amount{}}
	}},
	{"RefundsAsAGrant", "RefundsToTheBucketsThatWereCharged", func(l credits.Ledger) credits.Ledger { return &unbound{Ledger: l} }},
	{"LetsARefundShareAGrantsKey", "RefundsUnderAKeyOfItsOwn", func(l credits.Ledger) credits.Ledger { return &tabular{Ledger: l} }},
	{"ForgivesDebt", "ChargesALateSettleIntoDebt", func(l credits.Ledger) credits.Ledger { return &forgiving{Ledger: l} }},
	{"HoldsInDebt", "HoldsNothingInDebt", func(l credits.Ledger) credits.Ledger { return &trusting{Ledger: l} }},
	{"ChargesWithoutARecord", "ChargesInOneStep", func(l credits.Ledger) credits.Ledger { return &silent{Ledger: l} }},
	{"ChargesInTwoSteps", "ChargesInOneStepAllOrNothing", func(l credits.Ledger) credits.Ledger { return &twoStep{Ledger: l} }},
	{"ChecksAChargeAndThenActs", "NeverOverspendsInOneStep", func(l credits.Ledger) credits.Ledger { return &impatient{Ledger: l} }},
	{"AdjustsForNobody", "AdjustsUp", func(l credits.Ledger) credits.Ledger { return &anonymous{Ledger: l} }},
	{"KeepsNoLots", "BurnsTheLowerPriorityFirst", func(l credits.Ledger) credits.Ledger { return &lotless{Ledger: l} }},
	{"KeepsNoHashes", "KeepsTheHashChain", func(l credits.Ledger) credits.Ledger { return &chainless{Ledger: l} }},
	{"ChargesWhatItPruned", "PrunesResults", func(l credits.Ledger) credits.Ledger { return &careless{Ledger: l} }},
	{"LooksAtACapAndThenActs", "NeverPassesACapInARace", func(l credits.Ledger) credits.Ledger { return &racing{Ledger: l, caps: map[string]credits.Cap{}} }},
	{"BeginsAWindowInUTC", "BeginsAWindowAtTheZonesMidnight", func(l credits.Ledger) credits.Ledger { return &provincial{Ledger: l} }},
	{"TotalsTheDaysOfUTC", "TotalsUsageByTheZonesDays", func(l credits.Ledger) credits.Ledger { return &provincial{Ledger: l} }},
	{"BeginsACapWithNothing", "CountsWhatWasBeforeTheCap", func(l credits.Ledger) credits.Ledger {
		return &forward{Ledger: l, before: map[credits.Account]credits.Amount{}}
	}},
	{"LosesASettleToACap", "NeverLosesASettleToACap", func(l credits.Ledger) credits.Ledger { return &unpayable{Ledger: l} }},
	{"ChargesAboveACap", "CapsChargesAndExtensions", func(l credits.Ledger) credits.Ledger { return &uncapped{Ledger: l} }},
	{"CountsWhatWasRefunded", "CountsWhatWasCharged", func(l credits.Ledger) credits.Ledger { return &gross{Ledger: l} }},
	{"TotalsWithoutRefunds", "TotalsUsageLessRefunds", func(l credits.Ledger) credits.Ledger { return &gross{Ledger: l} }},
	{"TotalsWholeSlots", "TotalsUsageBetweenAnyTimes", func(l credits.Ledger) credits.Ledger { return &coarse{Ledger: l} }},
	{"TotalsEverybodysUsage", "RefusesUsageThatCannotBeTold", func(l credits.Ledger) credits.Ledger { return &indiscreet{Ledger: l} }},
	{"TellsALowBalanceAgainAndAgain", "TellsALowBalanceOnce", func(l credits.Ledger) credits.Ledger { return &nagging{Ledger: l} }},
	{"ForgetsWhatItTold", "KeepsEventsUntilTheyAreAcknowledged", func(l credits.Ledger) credits.Ledger { return &hurried{Ledger: l} }},
	{"WritesOffInSilence", "TellsWhatIsWrittenOff", func(l credits.Ledger) credits.Ledger { return &discreet{Ledger: l} }},
	{"SharesItsBytes", "KeepsTheBytesItWasGiven", func(l credits.Ledger) credits.Ledger { return &sharing{Ledger: l} }},
}...)

// forgetful takes every grant for a new one.
type forgetful struct {
	credits.Ledger
	n atomic.Int64
}

func (l *forgetful) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	if g.Key != "" {
		g.Key = credits.Key(fmt.Sprintf("%.390s#%d", g.Key, l.n.Add(1)))
	}
	return l.Ledger.Grant(ctx, g)
}

// generous gives a released hold back again.
type generous struct {
	credits.Ledger
	n atomic.Int64
}

func (l *generous) Release(ctx context.Context, r credits.ReleaseRequest) error {
	held, lookup := l.Lookup(ctx, r.Account, r.Key)
	err := l.Ledger.Release(ctx, r)
	if err == nil && lookup == nil && held.Hold != nil && held.Hold.State == credits.Released {
		_, err = l.Grant(ctx, credits.Grant{Account: r.Account, Key: credits.Key(fmt.Sprint("back/", l.n.Add(1))), Kind: credits.Bonus, Amount: held.Hold.Amount})
	}
	return err
}

// stepwise charges first and finishes the attempt afterwards.
type stepwise struct{ credits.Ledger }

func (l *stepwise) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	last := r.Last
	r.Last = credits.Attempt{}
	receipt, err := l.Ledger.Settle(ctx, r)
	if err == nil && last.ID != "" {
		err = l.Finish(ctx, credits.FinishRequest{Account: r.Account, Key: r.Key, Attempt: last})
	}
	return receipt, err
}

// fenceless takes everybody for the present holder.
type fenceless struct{ credits.Ledger }

func (l *fenceless) present(ctx context.Context, account credits.Account, key credits.Key, h credits.Holder) credits.Holder {
	if held, err := l.Lookup(ctx, account, key); err == nil && held.Hold != nil {
		return held.Hold.Holder
	}
	return h
}

func (l *fenceless) Extend(ctx context.Context, r credits.ExtendRequest) (credits.Hold, error) {
	r.Holder = l.present(ctx, r.Account, r.Key, r.Holder)
	return l.Ledger.Extend(ctx, r)
}

func (l *fenceless) Release(ctx context.Context, r credits.ReleaseRequest) error {
	r.Holder = l.present(ctx, r.Account, r.Key, r.Holder)
	return l.Ledger.Release(ctx, r)
}

func (l *fenceless) Begin(ctx context.Context, r credits.BeginRequest) error {
	r.Holder = l.present(ctx, r.Account, r.Key, r.Holder)
	return l.Ledger.Begin(ctx, r)
}

// pushy lets a holder with an equal fence take over at once.
type pushy struct{ credits.Ledger }

func (l *pushy) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	if errors.Is(err, credits.ErrInProgress) {
		if known, lookup := l.Lookup(ctx, r.Account, r.Key); lookup == nil && known.Hold != nil && known.Hold.Holder.Fence == r.Holder.Fence {
			r.Holder.Fence++
			return l.Ledger.Hold(ctx, r)
		}
	}
	return held, err
}

// hasty reads the balance and holds afterwards, whatever happened in between.
type hasty struct {
	credits.Ledger
	n atomic.Int64
}

func (l *hasty) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	b, err := l.Balance(ctx, r.Account)
	if err != nil || r.Validate() != nil || b.Available < r.Amount {
		return l.Ledger.Hold(ctx, r)
	}
	time.Sleep(time.Millisecond) // as long as a query to a database takes
	held, err := l.Ledger.Hold(ctx, r)
	if errors.Is(err, credits.ErrInsufficient) {
		if _, err := l.Grant(ctx, credits.Grant{Account: r.Account, Key: credits.Key(fmt.Sprint("hasty/", l.n.Add(1))), Kind: credits.Bonus, Amount: r.Amount}); err != nil {
			return held, err
		}
		return l.Ledger.Hold(ctx, r)
	}
	return held, err
}

// greedy charges the whole hold.
type greedy struct{ credits.Ledger }

func (l *greedy) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if held, err := l.Lookup(ctx, r.Account, r.Key); err == nil && held.Hold != nil && r.Amount >= 0 {
		r.Amount = max(r.Amount, held.Hold.Amount)
	}
	return l.Ledger.Settle(ctx, r)
}

// unbounded makes the hold as large as the charge.
type unbounded struct{ credits.Ledger }

func (l *unbounded) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if held, err := l.Lookup(ctx, r.Account, r.Key); err == nil && held.Hold != nil && r.Amount > held.Hold.Amount {
		_, _ = l.Ledger.Extend(ctx, credits.ExtendRequest{Account: r.Account, Key: r.Key, Holder: held.Hold.Holder, Total: r.Amount})
	}
	return l.Ledger.Settle(ctx, r)
}

// indifferent takes every request under a key for the same.
type indifferent struct{ credits.Ledger }

func (l *indifferent) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	r.Fingerprint = [32]byte{}
	return l.Ledger.Hold(ctx, r)
}

// repeating charges a settled key again.
type repeating struct {
	credits.Ledger
	n atomic.Int64
}

func (l *repeating) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	held, err := l.Lookup(ctx, r.Account, r.Key)
	if err == nil && held.Receipt != nil && r.Amount > 0 && r.Validate() == nil {
		again := request(credits.Key(fmt.Sprint("again/", l.n.Add(1))), r.Amount)
		if _, err := l.Ledger.Hold(ctx, again); err == nil {
			r.Key, r.Last = again.Key, credits.Attempt{}
		}
	}
	return l.Ledger.Settle(ctx, r)
}

// strict charges open holds only.
type strict struct{ credits.Ledger }

func (l *strict) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	held, err := l.Lookup(ctx, r.Account, r.Key)
	if err == nil && held.Hold != nil && held.Hold.State != credits.Open {
		return credits.Receipt{}, credits.ErrClosed
	}
	return l.Ledger.Settle(ctx, r)
}

// textual keeps results in a column for text.
type textual struct{ credits.Ledger }

func (l *textual) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	r.Result = []byte(strings.ToValidUTF8(string(r.Result), "?"))
	return l.Ledger.Settle(ctx, r)
}

// lettered keeps names in a column for text.
type lettered struct{ credits.Ledger }

func (l *lettered) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	r.Key = credits.Key(strings.ToValidUTF8(string(r.Key), "\uFFFD"))
	return l.Ledger.Hold(ctx, r)
}

// repinning returns the pin of whoever asks.
type repinning struct{ credits.Ledger }

func (l *repinning) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	if held.Hold != nil {
		held.Hold.Pinned = bytes.Clone(r.Pinned)
	}
	return held, err
}

// adding extends a hold by what it should extend it to.
type adding struct{ credits.Ledger }

func (l *adding) Extend(ctx context.Context, r credits.ExtendRequest) (credits.Hold, error) {
	if held, err := l.Lookup(ctx, r.Account, r.Key); err == nil && held.Hold != nil && r.Total > 0 {
		r.Total += held.Hold.Amount
	}
	return l.Ledger.Extend(ctx, r)
}

// deaf does not hear that a context has ended.
type deaf struct{ credits.Ledger }

func (l *deaf) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	return l.Ledger.Settle(context.WithoutCancel(ctx), r)
}

// terse returns the bare errors.
type terse struct{ credits.Ledger }

func (l *terse) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	for _, bare := range []error{credits.ErrInsufficient, credits.ErrInProgress} {
		if errors.Is(err, bare) {
			return held, bare
		}
	}
	return held, err
}

// rewriting shows how an attempt was finished last, not first.
type rewriting struct {
	credits.Ledger
	last atomic.Pointer[credits.Attempt]
}

func (l *rewriting) Finish(ctx context.Context, r credits.FinishRequest) error {
	err := l.Ledger.Finish(ctx, r)
	if err == nil {
		l.last.Store(&r.Attempt)
	}
	return err
}

func (l *rewriting) Attempts(ctx context.Context, q credits.AttemptQuery) iter.Seq2[credits.Attempt, error] {
	return func(yield func(credits.Attempt, error) bool) {
		for a, err := range l.Ledger.Attempts(ctx, q) {
			if last := l.last.Load(); last != nil && last.ID == a.ID {
				a.Fate, a.RequestID = last.Fate, last.RequestID
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// gappy numbers entries as a sequence does that a refused transaction has moved on.
type gappy struct {
	credits.Ledger
	refused atomic.Int64
}

func (l *gappy) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	if errors.Is(err, credits.ErrInsufficient) {
		l.refused.Add(1)
	}
	return held, err
}

func (l *gappy) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return func(yield func(credits.Entry, error) bool) {
		for e, err := range l.Ledger.Entries(ctx, q) {
			if e.Number > 1 {
				e.Number += l.refused.Load()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// chronological does not know that the last entries can be asked for first.
type chronological struct{ credits.Ledger }

func (l *chronological) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	q.Newest = false
	return l.Ledger.Entries(ctx, q)
}

// eternal holds for a hundred years.
type eternal struct{ credits.Ledger }

func (l *eternal) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	if r.TTL >= r.Holder.Lease {
		r.TTL += 100 * 365 * 24 * time.Hour
	}
	return l.Ledger.Hold(ctx, r)
}

// sharing hands its own bytes out.
type sharing struct {
	credits.Ledger
	pinned atomic.Pointer[[]byte]
}

func (l *sharing) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	if held.Hold != nil && held.Hold.Fresh {
		l.pinned.Store(&held.Hold.Pinned)
	}
	return held, err
}

func (l *sharing) Lookup(ctx context.Context, account credits.Account, key credits.Key) (credits.Held, error) {
	held, err := l.Ledger.Lookup(ctx, account, key)
	if p := l.pinned.Load(); p != nil && held.Hold != nil {
		held.Hold.Pinned = *p
	}
	return held, err
}
