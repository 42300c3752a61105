package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

const accountColumns = `account, posted, held, debt, entries, head`

func accountFields(a *credits.AccountRow) []any {
	return []any{&a.Account, &a.Posted, &a.Held, &a.Debt, &a.Entries, digest{&a.Head}}
}

const selectAccount = `SELECT ` + accountColumns + ` FROM scrip_accounts WHERE account = ?`

const bucketColumns = `account, number, key, kind, priority, expires_at, renewed_at, amount, charged, refunded, expired, paid_debt, pinned`

func bucketFields(b *credits.Bucket) []any {
	return []any{&b.Account, &b.Number, &b.Key, &b.Kind, &b.Priority, instant{&b.ExpiresAt}, instant{&b.RenewedAt}, &b.Amount, &b.Charged, &b.Refunded,
		&b.Expired, &b.PaidDebt, &b.Pinned}
}

const selectBuckets = `SELECT ` + bucketColumns + ` FROM scrip_buckets
WHERE account = ? AND amount + refunded - charged - expired - paid_debt > 0`

const selectBucket = `SELECT ` + bucketColumns + ` FROM scrip_buckets WHERE account = ? AND number = ?`

// loadPurse gives a state what an account has: its row, the buckets of which something remains, and the holds that have
// expired. It reports whether the account is known.
func loadPurse(ctx context.Context, r reader, s *credits.State, account credits.Account, now time.Time) (known bool, err error) {
	var row credits.AccountRow
	if known, err = one(ctx, r, accountFields(&row), selectAccount, account); err != nil || !known {
		return false, err // nothing of an account is there before its row is
	}
	s.LoadAccount(row)
	buckets, err := rows(ctx, r, bucketFields, selectBuckets, account)
	if err != nil {
		return false, err
	}
	for _, b := range buckets {
		s.LoadBucket(b)
	}
	expired, err := rows(ctx, r, holdFields, selectExpired, account, now.UnixMicro())
	for _, h := range expired {
		s.LoadHold(h, nil)
	}
	return true, err
}

// load gives a state the rows that the calls, all of one account, are decided on; see [credits.State]. The holds that the
// calls name come first: a hold that is loaded as one that has expired comes without its attempts.
func load(ctx context.Context, t *txn, s *credits.State, account credits.Account, calls []*call, now time.Time) error {
	var keys []credits.Key
	seen := map[credits.Key]bool{}
	for _, c := range calls {
		for _, ref := range credits.Refs(c.op) {
			if !seen[ref.Key] {
				seen[ref.Key] = true
				keys = append(keys, ref.Key)
			}
		}
	}
	if err := loadKeys(ctx, t, s, account, keys); err != nil {
		return err
	}
	_, err := loadPurse(ctx, t, s, account, now)
	return err
}

// loadKeys loads what the account's keys name: their holds with what belongs to them, and their entries.
func loadKeys(ctx context.Context, t *txn, s *credits.State, account credits.Account, keys []credits.Key) error {
	entries, err := keyed(ctx, t, entryFields, selectKeyed, account, keys)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.LoadEntry(e)
	}
	holds, err := keyed(ctx, t, holdFields, selectHold, account, keys)
	if err != nil || len(holds) == 0 {
		return err
	}
	attempts, err := keyed(ctx, t, attemptFields, selectAttempts, account, keys)
	if err != nil {
		return err
	}
	of := map[credits.Key][]credits.Attempt{}
	for _, a := range attempts {
		of[a.Key] = append(of[a.Key], a)
	}
	for _, h := range holds {
		s.LoadHold(h, of[h.Key])
		if err := loadLots(ctx, t, s, account, h.Lots); err != nil {
			return err
		}
		if h.State == credits.Settled {
			receipt, err := loadReceipt(ctx, t, credits.Ref{Account: account, Key: h.Key})
			if err != nil {
				return err
			}
			s.LoadReceipt(account, receipt)
		}
	}
	return nil
}

// keyed runs a query over "TABLE WHERE account = ? AND key = ?" for one key, or for many at once. Many are joined from the
// left, because SQLite would rather walk all of an account's rows than look each of them up.
func keyed[T any](ctx context.Context, r reader, scan func(*T) []any, query string, account credits.Account, keys []credits.Key) ([]T, error) {
	if len(keys) == 1 {
		return rows(ctx, r, scan, query, account, keys[0])
	}
	return rows(ctx, r, scan, ofMany(query), list{keys}, account)
}

func ofMany(query string) string {
	columns, rest, _ := strings.Cut(query, " FROM ")
	table, condition, _ := strings.Cut(rest, " WHERE account = ? AND key = ?")
	return columns + " FROM (SELECT value AS wanted FROM json_each(?)) CROSS JOIN " + table + " ON account = ? AND key = wanted WHERE true" + condition
}

func loadLots(ctx context.Context, t *txn, s *credits.State, account credits.Account, lots []credits.Lot) error {
	for _, l := range lots {
		var b credits.Bucket
		known, err := one(ctx, t, bucketFields(&b), selectBucket, account, l.Bucket)
		if err != nil {
			return err
		}
		if known {
			s.LoadBucket(b)
		}
	}
	return nil
}

const selectKeyed = `SELECT ` + entryColumns + ` FROM scrip_entries WHERE account = ? AND key = ?
AND kind IN ('grant', 'renew', 'refund', 'adjust')`

const holdColumns = `account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, pinned, created_at, lots, refunded`

func holdFields(h *credits.Hold) []any {
	return []any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, digest{&h.Fingerprint},
		&h.Holder.ID, &h.Holder.Fence, span{&h.Holder.Lease}, instant{&h.LeaseUntil}, instant{&h.ExpiresAt},
		&h.Pinned, instant{&h.CreatedAt}, list{&h.Lots}, &h.Refunded}
}

const selectHold = `SELECT ` + holdColumns + ` FROM scrip_holds WHERE account = ? AND key = ?`

const selectExpired = `SELECT ` + holdColumns + ` FROM scrip_holds WHERE account = ? AND state = 'open' AND expires_at <= ?`

// selectAttempts sorts by an expression: for a plain seq SQLite would walk all attempts of the account, which are in that
// order already, rather than sort the few of the key.
const selectAttempts = `SELECT ` + attemptColumns + ` FROM scrip_attempts WHERE account = ? AND key = ? ORDER BY +seq`

// loadHold returns a hold with all attempts of its key, nil if there is none.
func loadHold(ctx context.Context, r reader, ref credits.Ref) (*credits.Hold, []credits.Attempt, error) {
	var hold credits.Hold
	known, err := one(ctx, r, holdFields(&hold), selectHold, ref.Account, ref.Key)
	if err != nil || !known {
		return nil, nil, err
	}
	attempts, err := rows(ctx, r, attemptFields, selectAttempts, ref.Account, ref.Key)
	return &hold, attempts, err
}

const attemptColumns = `key, id, scope, holder, provider, model, key_id, job_id, request_id, fate, error, ` + usageColumns +
	`, cost, reported_cost, begun_at, finished_at`

func attemptFields(a *credits.Attempt) []any {
	fields := []any{&a.Key, &a.ID, &a.Scope, &a.Holder, &a.Provider, &a.Model, &a.KeyID, &a.JobID, &a.RequestID, &a.Fate, &a.Error}
	fields = append(fields, usageFields(&a.Usage)...)
	return append(fields, &a.Cost, &a.ReportedCost, instant{&a.BegunAt}, instant{&a.FinishedAt})
}

const recordColumns = `account, key, entry, operation, scope, provider, model, attempt, ` + usageColumns +
	`, exact, charged, written_off, cost, reported_cost, price_version, at`

func recordFields(r *credits.UsageRecord) []any {
	fields := []any{&r.Account, &r.Key, &r.Entry, &r.Operation, &r.Scope, &r.Provider, &r.Model, &r.Attempt}
	fields = append(fields, usageFields(&r.Usage)...)
	return append(fields, &r.Exact, &r.Charged, &r.WrittenOff, &r.Cost, &r.ReportedCost, &r.PriceVersion, instant{&r.At})
}

const selectReceipt = `SELECT key, fingerprint, entry, charged, result, digest, pruned FROM scrip_receipts WHERE account = ? AND key = ?`

const selectRecord = `SELECT ` + recordColumns + ` FROM scrip_usage_records WHERE account = ? AND entry = ?`

// loadReceipt returns the receipt of a settled hold.
func loadReceipt(ctx context.Context, r reader, ref credits.Ref) (credits.Receipt, error) {
	var receipt credits.Receipt
	known, err := one(ctx, r, []any{&receipt.Key, digest{&receipt.Fingerprint}, &receipt.Entry, &receipt.Charged, &receipt.Result, digest{&receipt.Digest}, &receipt.Pruned},
		selectReceipt, ref.Account, ref.Key)
	if err == nil && known {
		known, err = one(ctx, r, recordFields(&receipt.Record), selectRecord, ref.Account, receipt.Entry)
	}
	if err == nil && !known { // foreign keys hold this off; a file that was edited without them may get here
		err = fmt.Errorf("sqlite: account %q: key %q: %w: it is settled and its receipt is missing", ref.Account, ref.Key, ErrCorrupt)
	}
	return receipt, err
}
