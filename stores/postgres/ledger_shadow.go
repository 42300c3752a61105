package postgres

import (
	"context"

	"github.com/scrip-go/scrip/credits"
)

// selectShadow adds up as numeric, in which every sum fits.
const selectShadow = `SELECT account, operation, model, coalesce(shadow_reason, ''), count(*),
	sum(charged) + sum(written_off), coalesce(sum(shadow_credits), 0)
FROM scrip.usage_records WHERE shadow_version = ?`

const groupShadow = ` GROUP BY account, operation, model, shadow_reason`

func shadowFields(s *credits.ShadowSum) []any {
	return []any{&s.Account, &s.Operation, &s.Model, &s.Reason, &s.Records, &s.Current, &s.Candidate}
}

// Shadow implements [credits.Ledger].
func (l *Ledger) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	from, err := l.querier(ctx)
	if err != nil {
		return nil, err
	}
	c := shadowQuery(q)
	found, err := rows(ctx, from, shadowFields, l.db.sql(c.text), c.args...)
	if err != nil {
		return nil, translate(ctx, "shadow", err)
	}
	return credits.ShadowRows(func(yield func(credits.ShadowSum, error) bool) {
		for _, sum := range found {
			if !yield(sum, nil) {
				return
			}
		}
	})
}

func shadowQuery(q credits.ShadowQuery) (c conditions) {
	c.add(selectShadow, q.Version)
	if q.Account != "" {
		c.add(` AND account = ?`, name(string(q.Account)))
	}
	c.span("at", credits.Span{From: q.From, To: q.To})
	c.text += groupShadow
	return c
}
