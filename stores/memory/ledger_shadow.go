package memory

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/scrip-go/scrip/credits"
)

// Shadow implements [credits.Ledger].
func (l *Ledger) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	accounts := []credits.Account{q.Account}
	if q.Account == "" {
		accounts = slices.Collect(maps.Keys(l.accounts))
	}
	return credits.ShadowRows(l.shadows(accounts, q))
}

// shadows yields the sum of each record that the query selects. The lock is held.
func (l *Ledger) shadows(accounts []credits.Account, q credits.ShadowQuery) iter.Seq2[credits.ShadowSum, error] {
	span := credits.Span{From: q.From, To: q.To}
	return func(yield func(credits.ShadowSum, error) bool) {
		for _, name := range accounts {
			acc := l.accounts[name]
			if acc == nil {
				continue
			}
			for _, receipt := range acc.receipts {
				r := &receipt.Record
				if r.Shadow.Version == q.Version && span.Contains(r.At) && !yield(r.ShadowSum(), nil) {
					return
				}
			}
		}
	}
}
