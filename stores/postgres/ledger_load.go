package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// lockAccounts locks in the order of the names, so that nobody waits in a circle. Everything else of an account is
// changed by who has its row. The lock does not keep out a row of the host's that refers to the account.
const lockAccounts = `SELECT ` + dbstore.AccountColumns + ` FROM scrip.accounts WHERE account = ANY($1) ORDER BY account FOR NO KEY UPDATE`

const selectAccounts = `SELECT ` + dbstore.AccountColumns + ` FROM scrip.accounts WHERE account = ANY($1)`

// The statements below find rows by the keys that a batch names, two arrays of equal length.
const named = ` FROM unnest($1::text[], $2::text[]) AS n (account, key) `

var selectHolds = `SELECT ` + dbstore.Of("h", dbstore.HoldColumns) + named + `JOIN scrip.holds h ON h.account = n.account AND h.key = n.key`

var selectAttempts = `SELECT ` + dbstore.Of("a", attemptColumns) + named + `JOIN scrip.attempts a ON a.account = n.account AND a.key = n.key ORDER BY a.seq`

var selectKeyed = `SELECT ` + dbstore.Of("e", dbstore.EntryColumns) + named + `JOIN scrip.entries e ON e.account COLLATE "POSIX" = n.account AND e.key = n.key
AND e.kind IN ('grant', 'renew', 'refund', 'adjust')`

// selectReceipts finds the receipts first, for sure: the planner might begin with all usage records of the account.
var selectReceipts = `WITH r AS MATERIALIZED (SELECT ` + dbstore.Of("r", dbstore.ReceiptColumns) + named + `JOIN scrip.receipts r ON r.account = n.account AND r.key = n.key)
SELECT ` + dbstore.Of("r", dbstore.ReceiptColumns) + `, ` + dbstore.Of("u", dbstore.RecordColumns) + ` FROM r JOIN scrip.usage_records u ON u.account = r.account AND u.entry = r.entry`

// selectChargedBuckets are those of settled holds, which may be empty; of an open hold none is.
var selectChargedBuckets = `WITH l AS MATERIALIZED (
	SELECT DISTINCT h.account, (l->>'bucket')::bigint AS number` + named + `JOIN scrip.holds h ON h.account = n.account AND h.key = n.key
	CROSS JOIN LATERAL json_array_elements(CASE json_typeof(h.lots) WHEN 'array' THEN h.lots ELSE '[]' END) l
	WHERE h.state = 'settled'
)
SELECT ` + dbstore.Of("b", dbstore.BucketColumns) + ` FROM l JOIN scrip.buckets b ON b.account = l.account AND b.number = l.number`

const selectBuckets = `SELECT ` + dbstore.BucketColumns + ` FROM scrip.buckets
WHERE account = ANY($1) AND amount + refunded - charged - expired - paid_debt > 0`

const selectCaps = `SELECT ` + dbstore.CapColumns + ` FROM scrip.caps WHERE account = ANY($1)`

// selectExpired may find a hold that expired since the time was asked for; that does no harm.
const selectExpired = `SELECT ` + dbstore.HoldColumns + ` FROM scrip.holds
WHERE account = ANY($1) AND state = 'open' AND expires_at <= (SELECT coalesce($2::timestamptz, clock_timestamp()))`

// receiptRow is a receipt with its usage record.
type receiptRow struct{ credits.Receipt }

// receiptRowFields reads the account last from the record, whose field both share.
func receiptRowFields(r *receiptRow) []any {
	return append(dbstore.ReceiptFields(&r.Receipt), recordFields(&r.Record)...)
}

// load locks the accounts of the calls and loads what these are decided on, in one round trip; see [credits.State].
func (l *Ledger) load(ctx context.Context, q querier, calls []*call, b bounds) (*decision, error) {
	d := &decision{states: map[credits.Account]*credits.State{}, known: map[credits.Account]bool{}}
	var accounts, keys []string
	seen := map[credits.Ref]bool{}
	for _, c := range calls {
		for _, ref := range credits.Refs(c.op) {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			accounts, keys = append(accounts, string(ref.Account)), append(keys, string(ref.Key))
			if d.states[ref.Account] == nil {
				d.states[ref.Account] = credits.NewState()
				d.accounts = append(d.accounts, string(ref.Account))
			}
		}
	}
	slices.Sort(d.accounts)

	db, batch := l.db, &pgx.Batch{}
	for _, text := range b.begin {
		batch.Queue(text)
	}
	queuePurse(batch, db, lockAccounts, d.accounts)
	batch.Queue(db.sql(selectHolds), accounts, keys)
	batch.Queue(db.sql(selectAttempts), accounts, keys)
	batch.Queue(db.sql(selectKeyed), accounts, keys)
	batch.Queue(db.sql(selectReceipts), accounts, keys)
	batch.Queue(db.sql(selectChargedBuckets), accounts, keys)
	results := q.SendBatch(ctx, batch)
	defer results.Close()
	for range b.begin {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	purse, err := readPurse(results, d)
	if err != nil {
		return nil, err
	}
	if err := d.readNamed(results); err != nil {
		return nil, err
	}
	purse.expired(d) // last, because they come without their attempts
	if d.appeared {
		return nil, errAppeared
	}
	if err := results.Close(); err != nil {
		return nil, err
	}
	for _, c := range calls {
		if toSet, ok := c.op.(credits.Cap); ok {
			if err := d.loadUse(ctx, q, db, toSet); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// selectUse walks the account's holds, because a cap is set once in a while.
const selectUse = `SELECT coalesce(sum(CASE h.state WHEN 'open' THEN h.amount WHEN 'settled' THEN r.charged - h.refunded END), 0)::bigint
FROM scrip.holds h LEFT JOIN scrip.receipts r ON r.account = h.account AND r.key = h.key
WHERE h.account = $1 AND h.created_at >= $2 AND $3 IN ('', h.operation) AND $4 IN ('', h.scope)`

// loadUse loads what a cap that is to be set counts already. Its window is known only now that the database's time is.
func (d *decision) loadUse(ctx context.Context, q querier, db *DB, c credits.Cap) error {
	var used credits.Amount
	_, err := one(ctx, q, []any{&used}, db.sql(selectUse), string(c.Account), c.Start(d.now), c.Operation, c.Scope)
	d.states[c.Account].LoadUse(c, used)
	return err
}

// queuePurse asks for what accounts have: their rows, the time, what remains in their buckets and the holds that have
// expired.
func queuePurse(batch *pgx.Batch, db *DB, selectRows string, accounts []string) {
	batch.Queue(db.sql(selectRows), accounts)
	batch.Queue(selectNow, db.at())
	batch.Queue(db.sql(selectBuckets), accounts)
	batch.Queue(db.sql(selectCaps), accounts)
	batch.Queue(db.sql(selectExpired), accounts, db.at())
}

// purse is what is loaded of accounts and not yet in their states.
type purse struct{ holds []credits.Hold }

// readPurse reads the answers to queuePurse into the states.
func readPurse(results pgx.BatchResults, d *decision) (p purse, err error) {
	found, err := next(results, dbstore.AccountFields)
	if err != nil {
		return p, err
	}
	for _, a := range found {
		d.known[a.Account] = true
		d.of(a.Account).LoadAccount(a)
	}
	if err := results.QueryRow().Scan(instant{&d.now}); err != nil {
		return p, err
	}
	buckets, err := next(results, bucketFields)
	if err != nil {
		return p, err
	}
	for _, b := range buckets {
		d.of(b.Account).LoadBucket(b)
	}
	caps, err := next(results, capFields)
	if err != nil {
		return p, err
	}
	for _, c := range caps {
		d.of(c.Account).LoadCap(c)
	}
	p.holds, err = next(results, holdFields)
	return p, err
}

func (p purse) expired(d *decision) {
	for _, h := range p.holds {
		d.of(h.Account).LoadHold(h, nil)
	}
}

// readNamed reads what belongs to the keys that the calls name.
func (d *decision) readNamed(results pgx.BatchResults) error {
	holds, err := next(results, holdFields)
	if err != nil {
		return err
	}
	attempts, err := next(results, attemptFields)
	if err != nil {
		return err
	}
	journal := map[credits.Ref][]credits.Attempt{}
	for _, a := range attempts {
		ref := credits.Ref{Account: a.account, Key: a.Key}
		journal[ref] = append(journal[ref], a.Attempt)
	}
	for _, h := range holds {
		d.of(h.Account).LoadHold(h, journal[credits.Ref{Account: h.Account, Key: h.Key}])
	}
	entries, err := next(results, entryFields)
	if err != nil {
		return err
	}
	for _, e := range entries {
		d.of(e.Account).LoadEntry(e)
	}
	receipts, err := next(results, receiptRowFields)
	if err != nil {
		return err
	}
	for _, r := range receipts {
		d.of(r.Record.Account).LoadReceipt(r.Record.Account, r.Receipt)
	}
	buckets, err := next(results, bucketFields)
	for _, b := range buckets {
		d.of(b.Account).LoadBucket(b)
	}
	return err
}

// next collects the rows of the next answer of a batch.
func next[T any](results pgx.BatchResults, fields func(*T) []any) ([]T, error) {
	found, err := results.Query()
	if err != nil {
		return nil, err
	}
	return collect(found, fields)
}
