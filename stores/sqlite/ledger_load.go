package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

const selectAccount = `SELECT ` + dbstore.AccountColumns + ` FROM scrip_accounts WHERE account = ?`

const selectBuckets = `SELECT ` + dbstore.BucketColumns + ` FROM scrip_buckets
WHERE account = ? AND amount + refunded - charged - expired - paid_debt > 0`

// selectPlans walks an account's buckets, because a plan is renewed once in a while.
const selectPlans = `SELECT ` + dbstore.BucketColumns + ` FROM scrip_buckets WHERE account = ? AND kind = 'plan' AND renewed_at IS NULL`

const selectCaps = `SELECT ` + dbstore.CapColumns + ` FROM scrip_caps WHERE account = ?`

const selectBucket = `SELECT ` + dbstore.BucketColumns + ` FROM scrip_buckets WHERE account = ? AND number = ?`

// selectPurse is an account's row and what else there is of it: something that some keys name, caps, holds that have expired.
// Most of the time there is none of it, and one statement says so in place of four.
const selectPurse = `SELECT ` + dbstore.AccountColumns + `,
	EXISTS (SELECT 1 FROM ` + wantedKeys + ` CROSS JOIN scrip_holds ON account = ?1 AND key = wanted)
		OR EXISTS (SELECT 1 FROM ` + wantedKeys + ` CROSS JOIN scrip_entries ON account = ?1 AND key = wanted AND kind <> 'settle' AND kind <> 'expired'),
	EXISTS (SELECT 1 FROM scrip_caps WHERE account = ?1),
	EXISTS (SELECT 1 FROM scrip_holds WHERE account = ?1 AND state = 'open' AND expires_at <= ?3)
FROM scrip_accounts WHERE account = ?1`

// wantedKeys is a list of keys, the parameter 2, as a table. See listed.
const wantedKeys = `(SELECT CAST(unhex(value) AS TEXT) AS wanted FROM json_each(?2))`

// listed is keys as the parameter of a statement.
func listed(keys []credits.Key) dbstore.List {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = hexed(k)
	}
	return dbstore.List{V: list}
}

// loadPurse gives a state what an account has: its row, what the keys name, the buckets of which something remains, the
// caps, and the holds that have expired. It reports whether the account is known.
func loadPurse(ctx context.Context, r reader, s *credits.State, account credits.Account, keys []credits.Key, now time.Time) (known bool, err error) {
	var row credits.AccountRow
	var named, capped, expiring bool
	known, err = one(ctx, r, append(dbstore.AccountFields(&row), &named, &capped, &expiring),
		selectPurse, account, listed(keys), now.UnixMicro())
	if err != nil || !known {
		return false, err // nothing of an account is there before its row is
	}
	s.LoadAccount(row)
	if named { // first, because a hold that is loaded as one that has expired comes without its attempts
		if err := loadKeys(ctx, r, s, account, keys); err != nil {
			return false, err
		}
	}
	if err := loadBuckets(ctx, r, s, selectBuckets, account); err != nil {
		return false, err
	}
	if capped {
		caps, err := rows(ctx, r, capFields, selectCaps, account)
		if err != nil {
			return false, err
		}
		for _, c := range caps {
			s.LoadCap(c)
		}
	}
	if expiring {
		expired, err := rows(ctx, r, holdFields, selectExpired, account, now.UnixMicro())
		if err != nil {
			return false, err
		}
		for _, h := range expired {
			s.LoadHold(h, nil)
		}
	}
	return true, nil
}

func loadBuckets(ctx context.Context, r reader, s *credits.State, query string, account credits.Account) error {
	buckets, err := rows(ctx, r, bucketFields, query, account)
	for _, b := range buckets {
		s.LoadBucket(b)
	}
	return err
}

// load gives a state the rows that the calls, all of one account, are decided on; see [credits.State].
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
	for _, c := range calls {
		if toSet, ok := c.op.(credits.Cap); ok {
			if err := loadUse(ctx, t, s, toSet, now); err != nil {
				return err
			}
		}
	}
	known, err := loadPurse(ctx, t, s, account, keys, now)
	if known && slices.ContainsFunc(calls, func(c *call) bool { return credits.Renews(c.op) }) {
		err = loadBuckets(ctx, t, s, selectPlans, account)
	}
	return err
}

// selectUse walks the account's holds, because a cap is set once in a while.
const selectUse = `SELECT coalesce(sum(CASE h.state WHEN 'open' THEN h.amount WHEN 'settled' THEN r.charged - h.refunded END), 0)
FROM scrip_holds h LEFT JOIN scrip_receipts r ON r.account = h.account AND r.key = h.key
WHERE h.account = ? AND h.created_at >= ? AND ?3 IN ('', h.operation) AND ?4 IN ('', h.scope)`

// loadUse loads what a cap that is to be set counts already.
func loadUse(ctx context.Context, t *txn, s *credits.State, c credits.Cap, now time.Time) error {
	from := int64(math.MinInt64)
	if start := c.Start(now); !start.IsZero() {
		from = start.UnixMicro()
	}
	var used credits.Amount
	if _, err := one(ctx, t, []any{&used}, selectUse, c.Account, from, c.Operation, c.Scope); err != nil {
		return err
	}
	s.LoadUse(c, used)
	return nil
}

// loadKeys loads what the account's keys name: their holds with what belongs to them, and their entries.
func loadKeys(ctx context.Context, r reader, s *credits.State, account credits.Account, keys []credits.Key) error {
	entries, err := keyed(ctx, r, entryFields, selectKeyed, account, keys)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.LoadEntry(e)
	}
	holds, err := keyed(ctx, r, holdFields, selectHold, account, keys)
	if err != nil || len(holds) == 0 {
		return err
	}
	attempts, err := keyed(ctx, r, attemptFields, selectAttempts, account, keys)
	if err != nil {
		return err
	}
	of := map[credits.Key][]credits.Attempt{}
	for _, a := range attempts {
		of[a.Key] = append(of[a.Key], a)
	}
	for _, h := range holds {
		s.LoadHold(h, of[h.Key])
		if err := loadLots(ctx, r, s, account, h.Lots); err != nil {
			return err
		}
		if h.State == credits.Settled {
			receipt, err := loadReceipt(ctx, r, credits.Ref{Account: account, Key: h.Key})
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
	return rows(ctx, r, scan, ofMany(query), account, listed(keys))
}

func ofMany(query string) string {
	columns, rest, _ := strings.Cut(query, " FROM ")
	table, condition, _ := strings.Cut(rest, " WHERE account = ? AND key = ?")
	return columns + " FROM " + wantedKeys + " CROSS JOIN " + table + " ON account = ?1 AND key = wanted WHERE true" + condition
}

func loadLots(ctx context.Context, r reader, s *credits.State, account credits.Account, lots []credits.Lot) error {
	for _, l := range lots {
		var b credits.Bucket
		known, err := one(ctx, r, bucketFields(&b), selectBucket, account, l.Bucket)
		if err != nil {
			return err
		}
		if known {
			s.LoadBucket(b)
		}
	}
	return nil
}

const selectKeyed = `SELECT ` + dbstore.EntryColumns + ` FROM scrip_entries WHERE account = ? AND key = ?
AND kind <> 'settle' AND kind <> 'expired'`

const selectHold = `SELECT ` + dbstore.HoldColumns + ` FROM scrip_holds WHERE account = ? AND key = ?`

const selectExpired = `SELECT ` + dbstore.HoldColumns + ` FROM scrip_holds WHERE account = ? AND state = 'open' AND expires_at <= ?`

// selectAttempts sorts by an expression: for a plain seq SQLite would walk all attempts of the account, which are in that
// order already, rather than sort the few of the key.
const selectAttempts = `SELECT ` + dbstore.AttemptColumns + ` FROM scrip_attempts WHERE account = ? AND key = ? ORDER BY +seq`

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

const selectReceipt = `SELECT ` + dbstore.ReceiptColumns + ` FROM scrip_receipts WHERE account = ? AND key = ?`

const selectRecord = `SELECT ` + dbstore.RecordColumns + ` FROM scrip_usage_records WHERE account = ? AND entry = ?`

// loadReceipt returns the receipt of a settled hold.
func loadReceipt(ctx context.Context, r reader, ref credits.Ref) (credits.Receipt, error) {
	var receipt credits.Receipt
	known, err := one(ctx, r, dbstore.ReceiptFields(&receipt),
		selectReceipt, ref.Account, ref.Key)
	if err == nil && known {
		known, err = one(ctx, r, recordFields(&receipt.Record), selectRecord, ref.Account, receipt.Entry)
	}
	if err == nil && !known { // foreign keys hold this off; a file that was edited without them may get here
		err = fmt.Errorf("sqlite: account %q: key %q: %w: it is settled and its receipt is missing", ref.Account, ref.Key, ErrCorrupt)
	}
	return receipt, err
}
