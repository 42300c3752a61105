package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// naive is what a host would write itself: a transaction for each operation, in the store's own tables, with prepared
// statements. One statement checks the balance, locks the account's row and changes it, and the others write the rows that
// Scrip writes. It does less than Scrip: it computes no hash chain, burns one bucket, looks at no caps, expires nothing, and
// a repeated key is an error instead of an answer.
type naive struct {
	begin func(context.Context) (transaction, error)
	query func(ctx context.Context, text string, args ...any) (rows, error)
	at    func(*time.Time) any // how a time is kept: an argument and a destination
	close func()
}

// transaction is what there is in both drivers.
type transaction interface {
	exec(ctx context.Context, text string, args ...any) error
	one(ctx context.Context, text string, args []any, dest ...any) error // ErrNoRows if there is none
	commit(ctx context.Context) error
	rollback()
}

// rows is what there is in both drivers.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

var errNoCredits = errors.New("naive: not enough credits")

// Statements are as PostgreSQL has them; those of SQLite differ in the names of tables and in the sign of parameters.
const (
	naiveCharged = `UPDATE accounts SET posted = posted - $2, entries = entries + 1, head = $3
WHERE account = $1 AND posted - held >= $2 RETURNING posted, entries`

	naiveHeld = `UPDATE accounts SET held = held + $2 WHERE account = $1 AND posted - held >= $2 RETURNING posted, entries`

	naiveSettled = `UPDATE accounts SET posted = posted - $2, held = held - $3, entries = entries + 1, head = $4
WHERE account = $1 RETURNING posted, entries`

	naiveHold = `INSERT INTO holds (account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, pinned, created_at, lots, refunded)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)`

	naiveCloseHold = `UPDATE holds SET state = 'settled', lots = $3 WHERE account = $1 AND key = $2`

	naiveAttempt = `INSERT INTO attempts (account, key, id, scope, holder, provider, model, key_id, job_id, request_id, fate, error, begun_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', '', '', '', $8)`

	naiveFinish = `UPDATE attempts SET fate = $4, input = $5, output = $6, cost = $7, finished_at = $8 WHERE account = $1 AND key = $2 AND id = $3`

	naiveEntry = `INSERT INTO entries (account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash)
VALUES ($1, $2, 'settle', $3, $4, $5, '', $6, $7, '', '', $8, $9, $10)`

	naivePin = `UPDATE buckets SET pinned = pinned + $3 WHERE account = $1 AND number = $2`

	naiveBurn = `UPDATE buckets SET charged = charged + $3, pinned = pinned - $4 WHERE account = $1 AND number = $2`

	naiveRecord = `INSERT INTO usage_records (account, entry, key, operation, scope, provider, model, attempt, input, output, exact, charged, written_off, cost, price_version, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, 0, $14)`

	naiveReceipt = `INSERT INTO receipts (account, key, fingerprint, entry, charged, result, digest, pruned) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	// naiveTotals adds the account's total and the scope's. In SQLite the cost becomes a float, which is quicker than the
	// exact sum that Scrip keeps, and wrong.
	naiveTotals = `INSERT INTO usage_totals AS t (account, scoped, slot, scope, operation, provider, model,
	first_entry, last_entry, records, charged, written_off, refunded, input, output, cost)
VALUES ($1, $2, $4, '', $6, $7, $8, $9, $9, 1, $10, 0, 0, $11, $12, $13), ($1, $3, $4, $5, $6, $7, $8, $9, $9, 1, $10, 0, 0, $11, $12, $13)
ON CONFLICT (account, scoped, slot, scope, operation, provider, model) DO UPDATE SET last_entry = excluded.last_entry,
	records = t.records + 1, charged = t.charged + excluded.charged, input = t.input + excluded.input, output = t.output + excluded.output,
	cost = t.cost + excluded.cost`
)

var naiveStatements = []string{naiveCharged, naiveHeld, naiveSettled, naiveHold, naiveCloseHold, naiveAttempt, naiveFinish,
	naiveEntry, naivePin, naiveBurn, naiveRecord, naiveReceipt, naiveTotals}

// noHash stands for what only Scrip computes: fingerprints of requests and the chain of hashes.
var noHash = make([]byte, sha256.Size)

func naiveCharge(n *naive, accounts []credits.Account) work {
	return func(ctx context.Context, number int64) error {
		account, key, now := string(turn(accounts, number)), string(keyOf(number)), time.Now().UTC()
		return n.within(ctx, func(tx transaction) error {
			var posted, entry int64
			if err := tx.one(ctx, naiveCharged, []any{account, charged, noHash}, &posted, &entry); err != nil {
				return err
			}
			err := tx.exec(ctx, naiveHold, account, key, "op", "run", "settled", charged, noHash, "charge", 0, 1, n.at(&now), n.at(&now), nil, n.at(&now), lots(charged))
			if err != nil {
				return err
			}
			return n.post(ctx, tx, account, key, "", now, posted, entry, 0)
		})
	}
}

// naivePair is two transactions, with the call to a provider between them in a host.
func naivePair(n *naive, accounts []credits.Account) work {
	return func(ctx context.Context, number int64) error {
		account, key, attempt := string(turn(accounts, number)), string(keyOf(number)), attemptOf(number)
		err := n.within(ctx, func(tx transaction) error {
			now := time.Now().UTC()
			lease, expires := now.Add(time.Minute), now.Add(time.Hour)
			var posted, entries int64
			if err := tx.one(ctx, naiveHeld, []any{account, held}, &posted, &entries); err != nil {
				return err
			}
			err := tx.exec(ctx, naiveHold, account, key, "op", "run", "open", held, noHash, "h", 1, time.Minute.Microseconds(),
				n.at(&lease), n.at(&expires), pinned, n.at(&now), lots(held))
			if err != nil {
				return err
			}
			if err := tx.exec(ctx, naiveAttempt, account, key, attempt, "run", "h", "p", "m", n.at(&now)); err != nil {
				return err
			}
			return tx.exec(ctx, naivePin, account, 1, held)
		})
		if err != nil {
			return err
		}
		return n.within(ctx, func(tx transaction) error {
			now := time.Now().UTC()
			var posted, entry int64
			if err := tx.one(ctx, naiveSettled, []any{account, charged, held, noHash}, &posted, &entry); err != nil {
				return err
			}
			if err := tx.exec(ctx, naiveCloseHold, account, key, lots(charged)); err != nil {
				return err
			}
			if err := tx.exec(ctx, naiveFinish, account, key, attempt, "executed", input, output, cost.String(), n.at(&now)); err != nil {
				return err
			}
			return n.post(ctx, tx, account, key, attempt, now, posted, entry, held)
		})
	}
}

// post writes what a charge leaves behind, of a hold of so many credits.
func (n *naive) post(ctx context.Context, tx transaction, account, key, attempt string, now time.Time, posted, entry, pinned int64) error {
	slot, digest := now.Truncate(credits.Slot), sha256.Sum256(result)
	for _, s := range []struct {
		text string
		args []any
	}{
		{naiveEntry, []any{account, entry, -charged, posted, key, "op", "run", lots(charged), n.at(&now), noHash}},
		{naiveBurn, []any{account, 1, charged, pinned}},
		{naiveRecord, []any{account, entry, key, "op", "run", "p", "m", attempt, input, output, exact.String(), charged, cost.String(), n.at(&now)}},
		{naiveReceipt, []any{account, key, noHash, entry, charged, result, digest[:], false}},
		{naiveTotals, []any{account, false, true, n.at(&slot), "run", "op", "p", "m", entry, charged, input, output, cost.String()}},
	} {
		if err := tx.exec(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

func (n *naive) within(ctx context.Context, do func(transaction) error) error {
	tx, err := n.begin(ctx)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		tx.rollback()
		if errors.Is(err, sql.ErrNoRows) {
			return errNoCredits
		}
		return err
	}
	return tx.commit(ctx)
}

// lots says that the credits came out of the first bucket, the only one there is.
func lots(amount credits.Amount) string {
	text, _ := json.Marshal([]credits.Lot{{Bucket: 1, Amount: amount}})
	return string(text)
}
