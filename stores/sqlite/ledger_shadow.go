package sqlite

import (
	"context"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// selectShadow adds up the upper and the lower halves of the amounts: SQLite adds in 64 bits and fails, or goes on in
// floats, where a sum does not fit.
const selectShadow = `SELECT account, operation, model, coalesce(shadow_reason, ''), count(*),
	sum((charged >> 32) + (written_off >> 32)), sum((charged & 4294967295) + (written_off & 4294967295)),
	coalesce(sum(shadow_credits >> 32), 0), coalesce(sum(shadow_credits & 4294967295), 0)
FROM scrip_usage_records WHERE shadow_version = ?1 AND at >= ?2 AND at < ?3`

const groupShadow = ` GROUP BY account, operation, model, shadow_reason`

// shadowRow is a row of selectShadow.
type shadowRow struct {
	credits.ShadowSum
	current, candidate [2]int64 // upper and lower half
}

func (r *shadowRow) fields() []any {
	return []any{&r.Account, &r.Operation, &r.Model, &r.Reason, &r.Records, &r.current[0], &r.current[1], &r.candidate[0], &r.candidate[1]}
}

// Shadow implements [credits.Ledger].
func (l *Ledger) Shadow(ctx context.Context, q credits.ShadowQuery) ([]credits.ShadowRow, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	r, err := l.reader()
	if err != nil {
		return nil, err
	}
	read := shadowQuery(q)
	found, err := rows(ctx, r, (*shadowRow).fields, read.text, read.args...)
	if err != nil {
		return nil, translate("shadow", err)
	}
	return credits.ShadowRows(func(yield func(credits.ShadowSum, error) bool) {
		for _, row := range found {
			row.Current, row.Candidate = joined(row.current), joined(row.candidate)
			if !yield(row.ShadowSum, nil) {
				return
			}
		}
	})
}

func shadowQuery(q credits.ShadowQuery) query {
	from, to := micros(credits.Span{From: q.From, To: q.To})
	out := query{selectShadow, []any{q.Version, from, to}}
	if q.Account != "" {
		out.text, out.args = out.text+` AND account = ?4`, append(out.args, q.Account)
	}
	out.text += groupShadow
	return out
}

func joined(halves [2]int64) decimal.Decimal {
	return decimal.NewFromInt(halves[0]).Mul(decimal.NewFromInt(1 << 32)).Add(decimal.NewFromInt(halves[1]))
}
