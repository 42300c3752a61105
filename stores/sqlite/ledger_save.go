package sqlite

import (
	"context"

	"github.com/scrip-go/scrip/credits"
)

// save writes what a state changed of one account. A row comes after the rows that it names.
func save(ctx context.Context, t *txn, account credits.Account, c *credits.Changes) error {
	for _, a := range c.Accounts {
		if _, err := t.ExecContext(ctx, upsertAccount, accountFields(a)...); err != nil {
			return err
		}
	}
	for _, h := range c.Holds {
		if _, err := t.ExecContext(ctx, upsertHold, holdFields(h)...); err != nil {
			return err
		}
	}
	for _, a := range c.Attempts {
		if _, err := t.ExecContext(ctx, upsertAttempt, append(attemptFields(a), account)...); err != nil {
			return err
		}
	}
	for i := range c.Entries {
		if _, err := t.ExecContext(ctx, insertEntry, entryFields(&c.Entries[i])...); err != nil {
			return err
		}
	}
	for _, b := range c.Buckets {
		if _, err := t.ExecContext(ctx, upsertBucket, bucketFields(b)...); err != nil {
			return err
		}
	}
	for _, r := range c.Receipts {
		if err := saveReceipt(ctx, t, account, r); err != nil {
			return err
		}
	}
	return nil
}

const upsertAccount = `INSERT INTO scrip_accounts (` + accountColumns + `) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (account) DO UPDATE SET posted = excluded.posted, held = excluded.held, debt = excluded.debt,
	entries = excluded.entries, head = excluded.head`

const upsertBucket = `INSERT INTO scrip_buckets (` + bucketColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, number) DO UPDATE SET renewed_at = excluded.renewed_at, charged = excluded.charged,
	refunded = excluded.refunded, expired = excluded.expired, paid_debt = excluded.paid_debt, pinned = excluded.pinned`

const upsertHold = `INSERT INTO scrip_holds (` + holdColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, key) DO UPDATE SET operation = excluded.operation, scope = excluded.scope, state = excluded.state,
	amount = excluded.amount, holder = excluded.holder, fence = excluded.fence, lease = excluded.lease,
	lease_until = excluded.lease_until, expires_at = excluded.expires_at, pinned = excluded.pinned,
	created_at = excluded.created_at, lots = excluded.lots, refunded = excluded.refunded`

// upsertAttempt updates what finishing changes; who began it, and when, stays.
const upsertAttempt = `INSERT INTO scrip_attempts (` + attemptColumns + `, account)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, key, id) DO UPDATE SET job_id = excluded.job_id, request_id = excluded.request_id,
	fate = excluded.fate, error = excluded.error, input = excluded.input, cached_input = excluded.cached_input,
	cache_write = excluded.cache_write, image_input = excluded.image_input,
	cached_image_input = excluded.cached_image_input, output = excluded.output, reasoning = excluded.reasoning,
	image_output = excluded.image_output, images = excluded.images, cost = excluded.cost,
	reported_cost = excluded.reported_cost, finished_at = excluded.finished_at`

const entryColumns = `account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash`

func entryFields(e *credits.Entry) []any {
	return []any{&e.Account, &e.Number, &e.Kind, &e.Amount, &e.BalanceAfter, &e.Key, &e.Charge, &e.Operation, &e.Scope, &e.Who, &e.Note,
		list{&e.Lots}, instant{&e.At}, digest{&e.Hash}}
}

const insertEntry = `INSERT INTO scrip_entries (` + entryColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertRecord = `INSERT INTO scrip_usage_records (` + recordColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertReceipt = `INSERT INTO scrip_receipts (account, key, fingerprint, entry, charged, result, digest) VALUES (?, ?, ?, ?, ?, ?, ?)`

func saveReceipt(ctx context.Context, t *txn, account credits.Account, r *credits.Receipt) error {
	if _, err := t.ExecContext(ctx, insertRecord, recordFields(&r.Record)...); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, insertReceipt, account, r.Key, digest{&r.Fingerprint}, r.Entry, r.Charged, r.Result, digest{&r.Digest})
	return err
}
