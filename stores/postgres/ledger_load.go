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

// selectFurther is the time, asked for after the locks were waited for, and whether there is something by the keys (some
// of which cannot have a hold unless they were used before), caps, or holds that have expired. Most of the time there is
// none of it, and one statement says so in place of six.
const selectFurther = `SELECT clock.now,
	EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS n (account, key) JOIN scrip.entries e ON e.account COLLATE "POSIX" = n.account AND e.key = n.key
		AND e.kind IN ('grant', 'renew', 'refund', 'adjust'))
	OR EXISTS (SELECT FROM unnest($5::text[], $6::text[]) AS n (account, key) JOIN scrip.holds h ON h.account = n.account AND h.key = n.key),
	EXISTS (SELECT FROM scrip.caps WHERE account = ANY($2)),
	EXISTS (SELECT FROM scrip.holds WHERE account = ANY($2) AND state = 'open' AND expires_at <= clock.now)
FROM (SELECT coalesce($1::timestamptz, clock_timestamp()) AS now) clock`

const selectBuckets = `SELECT ` + dbstore.BucketColumns + ` FROM scrip.buckets
WHERE account = ANY($1) AND amount + refunded - charged - expired - paid_debt > 0`

// selectBucketsToRenew are also the plans that are used up. It walks the accounts' buckets, because a plan is renewed once in a
// while.
const selectBucketsToRenew = `SELECT ` + dbstore.BucketColumns + ` FROM scrip.buckets
WHERE account = ANY($1) AND (amount + refunded - charged - expired - paid_debt > 0 OR kind = 'plan' AND renewed_at IS NULL)`

const selectCaps = `SELECT ` + dbstore.CapColumns + ` FROM scrip.caps WHERE account = ANY($1)`

// selectExpired takes the database's time if it gets none. It may then find a hold that expired since the time was asked
// for; that does no harm.
const selectExpired = `SELECT ` + dbstore.HoldColumns + ` FROM scrip.holds
WHERE account = ANY($1) AND state = 'open' AND expires_at <= (SELECT coalesce($2::timestamptz, clock_timestamp()))`

// receiptRow is a receipt with its usage record.
type receiptRow struct{ credits.Receipt }

// receiptRowFields reads the account last from the record, whose field both share.
func receiptRowFields(r *receiptRow) []any {
	return append(dbstore.ReceiptFields(&r.Receipt), recordFields(&r.Record)...)
}

// names are keys of accounts as the two arrays of a statement.
type names struct{ accounts, keys []string }

func (n *names) add(ref credits.Ref) {
	n.accounts, n.keys = append(n.accounts, string(ref.Account)), append(n.keys, string(ref.Key))
}

// asked is what calls name: the keys of holds to go on with, and others, which are new as a rule.
type asked struct {
	held, fresh, all names
	renewal          bool // there is one among them
}

// ask begins the decision about calls.
func ask(calls []*call) (*decision, asked) {
	d := &decision{states: map[credits.Account]*credits.State{}, known: map[credits.Account]bool{}}
	var a asked
	seen := map[credits.Ref]bool{}
	for _, c := range calls {
		a.renewal = a.renewal || credits.Renews(c.op)
		for _, ref := range credits.Refs(c.op) {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			a.all.add(ref)
			switch c.op.(type) {
			case credits.ExtendRequest, credits.SettleRequest, credits.ReleaseRequest, credits.BeginRequest, credits.FinishRequest:
				a.held.add(ref)
			default:
				a.fresh.add(ref)
			}
			if d.states[ref.Account] == nil {
				d.states[ref.Account] = credits.NewState()
				d.accounts = append(d.accounts, string(ref.Account))
			}
		}
	}
	slices.Sort(d.accounts)
	return d, a
}

// load locks the accounts of the calls and loads what these are decided on; see [credits.State]. That takes one round trip,
// and another one if there is more than most accounts and keys have.
func (l *Ledger) load(ctx context.Context, q querier, calls []*call, b bounds) (*decision, error) {
	d, a := ask(calls)
	more, err := d.loadPurse(ctx, q, l.db, a, b)
	if err != nil {
		return nil, err
	}
	if more != (further{}) {
		if err := d.loadFurther(ctx, q, l.db, a, more); err != nil {
			return nil, err
		}
	}
	if d.appeared {
		return nil, errAppeared
	}
	for _, c := range calls {
		if toSet, ok := c.op.(credits.Cap); ok {
			if err := d.loadUse(ctx, q, l.db, toSet); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// further is what there is beyond what the first round trip loads.
type further struct {
	named    bool // something has one of the keys that are new as a rule
	settled  bool // one of the holds to go on with is settled
	capped   bool
	expiring bool // holds have expired
}

// loadPurse begins and locks, and loads what the accounts have to spend and the holds to go on with.
func (d *decision) loadPurse(ctx context.Context, q querier, db *DB, a asked, b bounds) (more further, err error) {
	batch := &pgx.Batch{}
	for _, text := range b.begin {
		batch.Queue(text)
	}
	batch.Queue(db.sql(lockAccounts), d.accounts)
	batch.Queue(db.sql(selectFurther), db.at(), d.accounts, a.all.accounts, a.all.keys, a.fresh.accounts, a.fresh.keys)
	buckets := selectBuckets
	if a.renewal {
		buckets = selectBucketsToRenew
	}
	batch.Queue(db.sql(buckets), d.accounts)
	if len(a.held.keys) > 0 {
		queueHolds(batch, db, a.held)
	}
	results := q.SendBatch(ctx, batch)
	defer results.Close()
	for range b.begin {
		if _, err := results.Exec(); err != nil {
			return more, err
		}
	}
	if err := d.readAccounts(results); err != nil {
		return more, err
	}
	if err := results.QueryRow().Scan(instant{&d.now}, &more.named, &more.capped, &more.expiring); err != nil {
		return more, err
	}
	if err := read(results, bucketFields, d.loadBucket); err != nil {
		return more, err
	}
	if len(a.held.keys) > 0 {
		if more.settled, err = d.readHolds(results); err != nil {
			return more, err
		}
	}
	return more, results.Close()
}

// loadFurther loads the rest.
func (d *decision) loadFurther(ctx context.Context, q querier, db *DB, a asked, more further) error {
	batch := &pgx.Batch{}
	if more.named {
		batch.Queue(db.sql(selectKeyed), a.all.accounts, a.all.keys)
		queueHolds(batch, db, a.fresh)
	}
	if more.named || more.settled {
		batch.Queue(db.sql(selectReceipts), a.all.accounts, a.all.keys)
		batch.Queue(db.sql(selectChargedBuckets), a.all.accounts, a.all.keys)
	}
	if more.capped {
		batch.Queue(db.sql(selectCaps), d.accounts)
	}
	if more.expiring {
		batch.Queue(db.sql(selectExpired), d.accounts, d.now)
	}
	results := q.SendBatch(ctx, batch)
	defer results.Close()
	if more.named {
		if err := read(results, entryFields, func(e credits.Entry) { d.of(e.Account).LoadEntry(e) }); err != nil {
			return err
		}
		if _, err := d.readHolds(results); err != nil {
			return err
		}
	}
	if more.named || more.settled {
		err := read(results, receiptRowFields, func(r receiptRow) { d.of(r.Record.Account).LoadReceipt(r.Record.Account, r.Receipt) })
		if err != nil {
			return err
		}
		if err := read(results, bucketFields, d.loadBucket); err != nil {
			return err
		}
	}
	if more.capped {
		if err := read(results, capFields, d.loadCap); err != nil {
			return err
		}
	}
	if more.expiring { // last, because they come without their attempts
		if err := read(results, holdFields, d.loadExpired); err != nil {
			return err
		}
	}
	return results.Close()
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

// queueHolds asks for holds and their attempts.
func queueHolds(batch *pgx.Batch, db *DB, n names) {
	batch.Queue(db.sql(selectAttempts), n.accounts, n.keys)
	batch.Queue(db.sql(selectHolds), n.accounts, n.keys)
}

// readHolds reads the answers to queueHolds, and reports whether one of the holds is settled.
func (d *decision) readHolds(results pgx.BatchResults) (settled bool, err error) {
	journal := map[credits.Ref][]credits.Attempt{}
	err = read(results, attemptFields, func(a attempt) {
		ref := credits.Ref{Account: a.account, Key: a.Key}
		journal[ref] = append(journal[ref], a.Attempt)
	})
	if err != nil {
		return false, err
	}
	err = read(results, holdFields, func(h credits.Hold) {
		d.of(h.Account).LoadHold(h, journal[credits.Ref{Account: h.Account, Key: h.Key}])
		settled = settled || h.State == credits.Settled
	})
	return settled, err
}

func (d *decision) readAccounts(results pgx.BatchResults) error {
	return read(results, dbstore.AccountFields, func(a credits.AccountRow) {
		d.known[a.Account] = true
		d.of(a.Account).LoadAccount(a)
	})
}

func (d *decision) loadBucket(b credits.Bucket) { d.of(b.Account).LoadBucket(b) }

func (d *decision) loadCap(c credits.CapRow) { d.of(c.Account).LoadCap(c) }

func (d *decision) loadExpired(h credits.Hold) { d.of(h.Account).LoadHold(h, nil) }

// read gives the rows of the next answer of a batch to load.
func read[T any](results pgx.BatchResults, fields func(*T) []any, load func(T)) error {
	found, err := next(results, fields)
	if err != nil {
		return err
	}
	for _, row := range found {
		load(row)
	}
	return nil
}

// next collects the rows of the next answer of a batch.
func next[T any](results pgx.BatchResults, fields func(*T) []any) ([]T, error) {
	found, err := results.Query()
	if err != nil {
		return nil, err
	}
	return collect(found, fields)
}
