package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
)

const selectAccount = `SELECT posted, held, entries FROM scrip_accounts WHERE account = ?`

// load gives a state the rows that the calls, all of one account, are decided on; see [credits.State]. The holds that the
// calls name come first: a hold that is loaded as one that has expired comes without its attempts.
func load(ctx context.Context, t *txn, s *credits.State, account credits.Account, calls []*call, now time.Time) error {
	row := credits.AccountRow{Account: account}
	known, err := one(ctx, t, []any{&row.Posted, &row.Held, &row.Entries}, selectAccount, account)
	if err != nil || !known {
		return err // nothing of an account is there before its row is
	}
	s.LoadAccount(row)
	loaded := map[credits.Key]bool{}
	for _, c := range calls {
		ref := c.op.Ref()
		if loaded[ref.Key] {
			continue
		}
		loaded[ref.Key] = true
		if err := loadRef(ctx, t, s, ref); err != nil {
			return err
		}
	}
	expired, err := rows(ctx, t, holdFields, selectExpired, account, now.UnixMicro())
	for _, h := range expired {
		s.LoadHold(h, nil)
	}
	return err
}

func loadRef(ctx context.Context, t *txn, s *credits.State, ref credits.Ref) error {
	hold, attempts, err := loadHold(ctx, t, ref)
	if err != nil {
		return err
	}
	if hold == nil {
		return loadGrant(ctx, t, s, ref) // a key that was held never granted
	}
	s.LoadHold(*hold, attempts)
	if hold.State == credits.Settled {
		receipt, err := loadReceipt(ctx, t, ref)
		if err != nil {
			return err
		}
		s.LoadReceipt(ref.Account, receipt)
	}
	return nil
}

const holdColumns = `account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, pinned, created_at`

func holdFields(h *credits.Hold) []any {
	return []any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, digest{&h.Fingerprint},
		&h.Holder.ID, &h.Holder.Fence, span{&h.Holder.Lease}, instant{&h.LeaseUntil}, instant{&h.ExpiresAt},
		&h.Pinned, instant{&h.CreatedAt}}
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

const selectGrant = `SELECT g.kind, g.amount, g.note, e.number, e.kind, e.amount, e.balance_after, e.note, e.at
FROM scrip_grants g JOIN scrip_entries e ON e.account = g.account AND e.number = g.entry
WHERE g.account = ? AND g.key = ?`

func loadGrant(ctx context.Context, t *txn, s *credits.State, ref credits.Ref) error {
	g := credits.GrantRow{Grant: credits.Grant{Account: ref.Account, Key: ref.Key}, Entry: credits.Entry{Account: ref.Account, Key: ref.Key}}
	known, err := one(ctx, t, []any{&g.Kind, &g.Amount, &g.Note,
		&g.Entry.Number, &g.Entry.Kind, &g.Entry.Amount, &g.Entry.BalanceAfter, &g.Entry.Note, instant{&g.Entry.At}},
		selectGrant, ref.Account, ref.Key)
	if known {
		s.LoadGrant(g)
	}
	return err
}

const recordColumns = `account, key, entry, operation, scope, provider, model, attempt, ` + usageColumns +
	`, exact, charged, written_off, cost, reported_cost, price_version, at`

func recordFields(r *credits.UsageRecord) []any {
	fields := []any{&r.Account, &r.Key, &r.Entry, &r.Operation, &r.Scope, &r.Provider, &r.Model, &r.Attempt}
	fields = append(fields, usageFields(&r.Usage)...)
	return append(fields, &r.Exact, &r.Charged, &r.WrittenOff, &r.Cost, &r.ReportedCost, &r.PriceVersion, instant{&r.At})
}

const selectReceipt = `SELECT key, fingerprint, entry, charged, result FROM scrip_receipts WHERE account = ? AND key = ?`

const selectRecord = `SELECT ` + recordColumns + ` FROM scrip_usage_records WHERE account = ? AND entry = ?`

// loadReceipt returns the receipt of a settled hold.
func loadReceipt(ctx context.Context, r reader, ref credits.Ref) (credits.Receipt, error) {
	var receipt credits.Receipt
	known, err := one(ctx, r, []any{&receipt.Key, digest{&receipt.Fingerprint}, &receipt.Entry, &receipt.Charged, &receipt.Result},
		selectReceipt, ref.Account, ref.Key)
	if err == nil && known {
		known, err = one(ctx, r, recordFields(&receipt.Record), selectRecord, ref.Account, receipt.Entry)
	}
	if err == nil && !known { // foreign keys hold this off; a file that was edited without them may get here
		err = fmt.Errorf("sqlite: account %q: key %q: %w: it is settled and its receipt is missing", ref.Account, ref.Key, ErrCorrupt)
	}
	return receipt, err
}
