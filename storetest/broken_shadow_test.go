package storetest

import (
	"context"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// brokenShadows are mistakes with what a charge would have come to.
var brokenShadows = []brokenLedger{
	{"LosesTheShadow", "KeepsAShadow", func(l credits.Ledger) credits.Ledger { return &shadowless{Ledger: l} }},
	{"ShowsNoShadowInRecords", "KeepsAShadow", func(l credits.Ledger) credits.Ledger { return &dim{Ledger: l} }},
	{"ForgetsWhyAShadowDiffers", "KeepsAShadowWithoutAnAmount", func(l credits.Ledger) credits.Ledger { return &unreasoned{Ledger: l} }},
	{"ShowsTheLosersShadow", "KeepsTheFirstShadow", func(l credits.Ledger) credits.Ledger { return &latest{Ledger: l} }},
	{"TotalsShadowsOfEveryVersion", "SelectsShadows", func(l credits.Ledger) credits.Ledger { return &added{l, everyVersion} }},
	{"TotalsEverybodysShadows", "SelectsShadows", func(l credits.Ledger) credits.Ledger { return &added{l, everyAccount} }},
	{"TotalsShadowsToTheSecond", "SelectsShadows", func(l credits.Ledger) credits.Ledger { return &added{l, wholeSeconds} }},
	{"TotalsAllReasonsTogether", "TotalsShadows", func(l credits.Ledger) credits.Ledger { return &added{l, anyReason} }},
	{"TotalsShadowsInNoOrder", "TotalsShadows", func(l credits.Ledger) credits.Ledger { return &added{l, backwards} }},
	{"TotalsShadowsWithoutWhatWasWrittenOff", "ComparesWhatWasPriced", func(l credits.Ledger) credits.Ledger { return &added{l, chargedOnly} }},
	{"TakesRefundsOffShadows", "LeavesRefundsOutOfShadows", func(l credits.Ledger) credits.Ledger { return &added{l, lessRefunds} }},
	{"TakesWhatIsMissingForNothing", "CountsWhatIsMissing", func(l credits.Ledger) credits.Ledger { return &added{l, missingIsNothing} }},
	{"TakesNothingForMissing", "CountsWhatIsMissing", func(l credits.Ledger) credits.Ledger { return &added{l, nothingIsMissing} }},
	{"TotalsShadowsInFloats", "DoesNotOverflowAShadow", func(l credits.Ledger) credits.Ledger { return &added{l, inFloats} }},
	{"OverflowsAShadow", "DoesNotOverflowAShadow", func(l credits.Ledger) credits.Ledger { return &wrapping{Ledger: l} }},
	{"TotalsTheShadowsOfNoVersion", "RefusesAShadowThatCannotBe", func(l credits.Ledger) credits.Ledger { return &lenient{Ledger: l} }},
	{"KeepsAnyShadow", "RefusesAShadowThatCannotBe", func(l credits.Ledger) credits.Ledger { return &credulous{Ledger: l} }},
}

// shadowless knows no shadows.
type shadowless struct{ credits.Ledger }

func (l *shadowless) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if r.Record.Shadow.Version > 0 && r.Validate() == nil {
		r.Record.Shadow = credits.Shadow{}
	}
	return l.Ledger.Settle(ctx, r)
}

// dim reads records without the columns of the shadow.
type dim struct{ credits.Ledger }

func (l *dim) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return func(yield func(credits.UsageRecord, error) bool) {
		for r, err := range l.Ledger.Records(ctx, q) {
			r.Shadow = credits.Shadow{}
			if !yield(r, err) {
				return
			}
		}
	}
}

// unreasoned keeps the amounts of shadows.
type unreasoned struct{ credits.Ledger }

func (l *unreasoned) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if r.Validate() == nil {
		r.Record.Shadow.Reason = ""
	}
	return l.Ledger.Settle(ctx, r)
}

// latest answers with the shadow that it was told last.
type latest struct{ credits.Ledger }

func (l *latest) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	receipt, err := l.Ledger.Settle(ctx, r)
	receipt.Record.Shadow = r.Record.Shadow
	return receipt, err
}

// added adds shadows up by itself, with a mistake.
type added struct {
	credits.Ledger
	mistake shadowMistake
}

type shadowMistake int

const (
	everyVersion shadowMistake = iota
	everyAccount
	wholeSeconds
	anyReason
	backwards
	chargedOnly
	lessRefunds
	missingIsNothing
	nothingIsMissing
	inFloats
)

func (l *added) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if err := errors.Join(q.Validate(), ctx.Err()); err != nil {
		return nil, err
	}
	rows, err := credits.ShadowRows(func(yield func(credits.ShadowSum, error) bool) {
		for _, account := range []credits.Account{alice, bob} {
			if q.Account != "" && q.Account != account && l.mistake != everyAccount {
				continue
			}
			for r, err := range l.Records(ctx, credits.UsageQuery{Account: account}) {
				if l.selects(q, r) && !yield(l.sum(r), err) {
					return
				}
			}
		}
	})
	for i := range rows {
		r := &rows[i]
		switch {
		case l.mistake == missingIsNothing && r.Reason == credits.ShadowMissing:
			r.Difference = -r.Current
		case l.mistake == nothingIsMissing && r.Candidate == 0:
			r.Difference = 0
		case l.mistake == inFloats:
			r.Candidate = credits.Amount(math.Nextafter(float64(r.Candidate), 0))
		}
	}
	if l.mistake == backwards && len(rows) > 1 {
		rows[0], rows[1] = rows[1], rows[0]
	}
	return rows, err
}

func (l *added) selects(q credits.ShadowQuery, r credits.UsageRecord) bool {
	if r.Shadow.Version != q.Version && (l.mistake != everyVersion || r.Shadow.Version == 0) {
		return false
	}
	if l.mistake == wholeSeconds {
		q.From, q.To = q.From.Truncate(time.Second), q.To.Truncate(time.Second)
	}
	return credits.Span{From: q.From, To: q.To}.Contains(r.At)
}

func (l *added) sum(r credits.UsageRecord) credits.ShadowSum {
	switch l.mistake {
	case anyReason:
		r.Shadow.Reason = ""
	case chargedOnly:
		r.WrittenOff = 0
	case lessRefunds:
		r.Charged -= r.Refunded
	}
	return r.ShadowSum()
}

// wrapping adds up in 64 bits.
type wrapping struct{ credits.Ledger }

func (l *wrapping) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	rows, err := l.Ledger.Shadow(ctx, q)
	if errors.Is(err, credits.ErrOverflow) {
		return []credits.ShadowRow{{Candidate: math.MinInt64}}, nil
	}
	return rows, err
}

// lenient takes a query that names no version for one that selects nothing.
type lenient struct{ credits.Ledger }

func (l *lenient) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if q.Version == 0 {
		return nil, ctx.Err()
	}
	return l.Ledger.Shadow(ctx, q)
}

// credulous makes of a shadow that cannot be one that can.
type credulous struct{ credits.Ledger }

func (l *credulous) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	if r.Record.Shadow.Credits < 0 {
		r.Record.Shadow = credits.Shadow{}
	}
	return l.Ledger.Charge(ctx, r)
}
