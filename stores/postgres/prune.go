package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
)

// pruneStep is how many results are let go in one transaction.
const pruneStep = 500

// pruneReceipts goes on behind the entry at which the last step ended, so that no step walks what others pruned. What it
// looks up for each record is materialized first, and so cannot be taken for a walk of the account.
const pruneReceipts = `WITH old AS MATERIALIZED (
	SELECT u.account, u.key, u.entry FROM scrip.usage_records u WHERE u.account = $1 AND u.entry > $2 AND u.at < $3 AND EXISTS (
		SELECT 1 FROM scrip.receipts r WHERE r.account = u.account AND r.key = u.key AND NOT r.pruned OFFSET 0)
	ORDER BY u.entry LIMIT $4
)
UPDATE scrip.receipts r SET result = NULL, pruned = true FROM old WHERE r.account = old.account AND r.key = old.key RETURNING r.entry`

// Prune implements [credits.Ledger]. It takes no lock that another mutation of the account waits for.
func (l *Ledger) Prune(ctx context.Context, account credits.Account, before time.Time) (pruned int64, err error) {
	last := int64(0)
	for {
		var found []int64
		step := func(q querier) (err error) {
			found, err = rows(ctx, q, func(n *int64) []any { return []any{n} }, l.db.sql(pruneReceipts),
				name(string(account)), last, ceilMicro(before), pruneStep)
			return err
		}
		if l.in != nil {
			err = savepoint(ctx, l.in, func(tx pgx.Tx) error { return step(tx) })
		} else if err = l.db.readable(ctx); err == nil {
			err = step(l.db.pool)
		}
		if err != nil {
			return pruned, translate(ctx, "prune", err)
		}
		pruned += int64(len(found))
		if len(found) < pruneStep {
			return pruned, nil
		}
		last = slices.Max(found)
	}
}
