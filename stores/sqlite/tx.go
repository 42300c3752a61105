package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// patience bounds the wait for this process's own writer. A call inside the function of Complete that does not use its
// transaction waits for itself, and this ends it.
const patience = 10 * time.Second

// reader is what reading needs: a pool, a snapshot or a writing transaction.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// txn is a writing transaction: one that a method of this package began, or one that the host did.
type txn struct {
	tx         *sql.Tx
	statements map[string]*sql.Stmt // prepared on the pool; nil in a host's transaction
	wanted     map[string]bool      // those that are to be prepared for the next one, as statements
	ended      atomic.Bool          // its function has returned: a face that kept it may not go on

	mu     sync.Mutex
	bound  map[string]*sql.Stmt // those of statements that were used in this transaction
	failed error                // after which SQLite may have rolled back by itself
}

func (d *DB) impatient() error {
	return fmt.Errorf("sqlite: write: %w: waited %s for it; inside a transaction, use the transaction", ErrBusy, d.patience)
}

func (d *DB) takeTurn(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
	default:
		timer := time.NewTimer(d.patience)
		defer timer.Stop()
		select {
		case d.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.closing:
			return ErrClosed
		case <-timer.C:
			return d.impatient()
		}
	}
	return nil
}

func (d *DB) endTurn() { <-d.turn }

// write runs fn in a transaction of its own, one at a time in this process. If fn returns an error, or ctx ends before
// the commit, nothing happened. What fn gets is not canceled in the middle of a statement, and once COMMIT was sent its
// answer counts and not the context.
func (d *DB) write(ctx context.Context, fn func(context.Context, *txn) error) error {
	if err := d.writable(ctx); err != nil {
		return err
	}
	if err := d.takeTurn(ctx); err != nil {
		return err
	}
	defer d.endTurn()
	return d.transact(ctx, fn)
}

// writable says why there is nothing to write to.
func (d *DB) writable(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.closed.Load():
		return ErrClosed
	case d.readOnly:
		return fmt.Errorf("sqlite: write %q: %w: open it without Options.ReadOnly", d.path, ErrReadOnly)
	}
	return d.readable(ctx)
}

// readable says why there is nothing to read from.
func (d *DB) readable(ctx context.Context) error {
	switch {
	case d.closed.Load():
		return ErrClosed
	case d.current.Load():
		return nil
	}
	if err := checkSchema(ctx, d.reader); err != nil {
		return translate("look at the schema", err)
	}
	if d.readOnly { // a writer has migrated it in the meantime
		d.current.Store(true)
	}
	return nil
}

// transact is write for who has the turn.
func (d *DB) transact(ctx context.Context, fn func(context.Context, *txn) error) (err error) {
	if d.closed.Load() {
		return ErrClosed
	}
	if err := d.prepare(ctx); err != nil {
		return translate("prepare", err)
	}
	conn, err := d.writer.Conn(ctx) // a host's pool may have none to spare
	if err != nil {
		return translate("begin", err)
	}
	defer conn.Close()
	apart := context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(apart, nil)
	if err != nil {
		return translate("begin", err)
	}
	t := &txn{tx: tx, statements: d.statements, wanted: d.wanted, bound: map[string]*sql.Stmt{}}
	d.open.Store(t)
	committed := false
	defer func() {
		t.ended.Store(true)
		d.open.Store(nil)
		if !committed {
			tx.Rollback()
		}
	}()
	if _, err := t.statement(apart, lockForWriting).ExecContext(ctx); err != nil {
		return translate("begin", err)
	}
	if err := fn(apart, t); err != nil {
		return err
	}
	if err := t.broken(); err != nil {
		return translate("write", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.ended.Store(true)
	committed = true // whatever it returns: the driver has rolled back if it failed
	return translate("commit", tx.Commit())
}

// lockForWriting changes nothing and takes the database's write lock, as BEGIN IMMEDIATE does: a transaction that read
// first and found another writer's commit when it came to write would fail. Unlike BEGIN IMMEDIATE it does not depend on
// how the host opened its pool, and the wait for the lock ends with the caller's context.
const lockForWriting = `DELETE FROM scrip_migrations WHERE number < 0`

// hot are the statements of the paths that every call and every task goes. One that was run is prepared before the next
// transaction: parsing it again and again would take longer than running it.
var hot = append(slices.Concat(slices.Collect(maps.Values(bulkInserts))...),
	lockForWriting, upsertAccount, selectCaps, upsertCap, selectSums, insertEvent,
	selectPurse, selectHold, selectAttempts, selectExpired, selectBuckets, selectBucket, selectKeyed, selectReceipt, selectRecord,
	ofMany(selectHold), ofMany(selectAttempts), ofMany(selectKeyed),
	insertTask, selectActive, selectCandidates, selectBusy, selectTouched, claimTask, countClaimed, extendTask,
	completeTask, selectCredits, countCompleted, retryTask, countRetried,
	keywords.selectByID, clusters.selectByID, ideas.selectByID, tasks.selectByID, articles.selectByID, images.selectByID,
	keywords.insert, clusters.insert, ideas.insert, tasks.insert, articles.insert, images.insert,
	keywords.update, clusters.update, ideas.update, tasks.update, articles.update, images.update,
)

var isHot = func() map[string]bool {
	set := make(map[string]bool, len(hot))
	for _, text := range hot {
		set[text] = true
	}
	return set
}()

// prepare prepares the hot statements that were run since it was called last. It is called with the turn and outside a
// transaction, because a pool of one connection has none to spare inside.
func (d *DB) prepare(ctx context.Context) error {
	for text := range d.wanted {
		s, err := d.writer.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("%w: %q", err, text)
		}
		d.statements[text] = s
		delete(d.wanted, text)
	}
	return nil
}

// read runs fn on one snapshot.
func (d *DB) read(ctx context.Context, fn func(reader) error) error {
	if err := d.readable(ctx); err != nil {
		return err
	}
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return translate("read", err)
	}
	defer tx.Rollback()
	return fn(tx)
}

// statement returns the prepared statement of a hot text, nil for any other and for one that was never run.
func (t *txn) statement(ctx context.Context, query string) *sql.Stmt {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.bound[query]; s != nil {
		return s
	}
	prepared := t.statements[query]
	if prepared == nil {
		if t.wanted != nil && isHot[query] {
			t.wanted[query] = true
		}
		return nil
	}
	s := t.tx.StmtContext(ctx, prepared)
	t.bound[query] = s
	return s
}

// ExecContext implements part of what sql.Tx does. The context ends the wait before the statement, not the statement:
// SQLite rolls a whole transaction back if it is interrupted in a write, and the next statement would then run, and
// commit, by itself.
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	if ctx, err = t.usable(ctx); err != nil {
		return nil, err
	}
	if s := t.statement(ctx, query); s != nil {
		result, err = s.ExecContext(ctx, args...)
	} else {
		result, err = t.tx.ExecContext(ctx, query, args...)
	}
	return result, t.note(err)
}

// QueryContext implements reader.
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	if ctx, err = t.usable(ctx); err != nil {
		return nil, err
	}
	if s := t.statement(ctx, query); s != nil {
		rows, err = s.QueryContext(ctx, args...)
	} else {
		rows, err = t.tx.QueryContext(ctx, query, args...)
	}
	return rows, t.note(err)
}

func (t *txn) usable(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.ended.Load() {
		return nil, sql.ErrTxDone
	}
	if err := t.broken(); err != nil {
		return nil, err
	}
	return context.WithoutCancel(ctx), nil
}

func (t *txn) broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *txn) note(err error) error {
	if err != nil && endsTransaction(err) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.failed = err
	}
	return err
}

// savepoint runs fn in a host's transaction so that it happens whole or not at all there too.
func (t *txn) savepoint(ctx context.Context, fn func() error) error {
	if _, err := t.ExecContext(ctx, `SAVEPOINT scrip`); err != nil {
		return err
	}
	err := fn()
	end := `RELEASE scrip`
	if err != nil {
		end = `ROLLBACK TO scrip; RELEASE scrip`
	}
	if _, endErr := t.tx.ExecContext(context.WithoutCancel(ctx), end); err == nil {
		err = endErr
	}
	return err
}

// rows collects what a query yields. It closes the query before it returns, so that the caller may write, or wait, with
// what it got.
func rows[T any](ctx context.Context, r reader, scan func(*T) []any, query string, args ...any) ([]T, error) {
	found, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []T
	for found.Next() {
		var row T
		if err := found.Scan(scan(&row)...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, found.Err()
}

// query is a text with its arguments.
type query struct {
	text string
	args []any
}

// stream yields what a query yields, row by row, while the query is open; nothing if it has no text.
func stream[T any](ctx context.Context, r reader, scan func(*T) []any, q query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if q.text == "" {
			return
		}
		found, err := r.QueryContext(ctx, q.text, q.args...)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		defer found.Close()
		dbstore.Each(found, scan, yield)
	}
}

// one reads the first row of a query into dest, and reports whether there is one.
func one(ctx context.Context, r reader, dest []any, query string, args ...any) (bool, error) {
	found, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer found.Close()
	if !found.Next() {
		return false, found.Err()
	}
	if err := found.Scan(dest...); err != nil {
		return false, err
	}
	return true, found.Close()
}
