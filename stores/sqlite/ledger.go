package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ credits.Ledger = (*Ledger)(nil)

// mutations has another name here so that the field is not a host's to set.
type mutations = credits.Mutations

// Ledger is the [credits.Ledger] of a [DB], or, from [Ledger.In], of a host's transaction. It is safe for concurrent use;
// one of a transaction is not.
type Ledger struct {
	mutations // by apply

	db        *DB
	queue     *dbstore.Queue[*call]
	lastBatch int  // how many mutations the last commit had; guarded by db.turn
	in        *txn // the host's transaction; nil if mutations have their own
}

// In returns the ledger inside a transaction that the host began on the same database: what it does is committed or
// rolled back with tx. It is for grants, and for holds that the host makes itself, that belong together with rows of the
// host. Each mutation happens whole or not at all in tx too.
//
// While tx is open it has the database's only write lock, so it should be short, and nothing else of the handle may write
// before it ends. It should be begun with _txlock=immediate, or write before it reads; otherwise the first mutation may
// return [ErrBusy]. The result is for one goroutine and must not be used after tx ended.
func (l *Ledger) In(tx *sql.Tx) credits.Ledger {
	within := &Ledger{db: l.db, in: &txn{tx: tx}}
	within.mutations = within.apply
	return within
}

// apply runs one mutation: in the host's transaction, or in one that it shares with the mutations that wait beside it.
func (l *Ledger) apply(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	if l.in != nil {
		return l.applyIn(ctx, op)
	}
	if err := l.db.writable(ctx); err != nil {
		return credits.Outcome{}, err
	}
	return l.enqueue(ctx, op)
}

func (l *Ledger) applyIn(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	if l.db.readOnly || l.db.closed.Load() {
		return credits.Outcome{}, l.db.writable(ctx)
	}
	if !l.db.current.Load() { // through tx: the host's pool may have no other connection
		if err := checkSchema(ctx, l.in); err != nil {
			return credits.Outcome{}, translate("look at the schema", err)
		}
	}
	c := &call{ctx: ctx, op: op}
	err := l.in.savepoint(ctx, func() error {
		return l.decide(ctx, l.in, []*call{c})
	})
	if err != nil {
		return credits.Outcome{}, translate("write", err)
	}
	return c.outcome, c.err
}

// decide applies calls of any number of accounts in order, and saves what they changed. A call that the rules refuse
// keeps its error; the error returned is for a database that failed.
func (l *Ledger) decide(ctx context.Context, t *txn, calls []*call) error {
	now := l.db.now()
	byAccount := map[credits.Account][]*call{}
	var order []credits.Account
	for _, c := range calls {
		if c.err = c.ctx.Err(); c.err != nil {
			continue
		}
		account := c.op.Ref().Account
		if byAccount[account] == nil {
			order = append(order, account)
		}
		byAccount[account] = append(byAccount[account], c)
	}
	for _, account := range order {
		// A state for each account: load and save work on one at a time.
		state := credits.NewState()
		if err := load(ctx, t, state, account, byAccount[account], now); err != nil {
			return fmt.Errorf("load account %q: %w", account, err)
		}
		for _, c := range byAccount[account] {
			c.outcome, c.err = state.Apply(c.op, now)
		}
		// Also after a refusal: it may have found holds that expired, and they stay expired.
		if err := save(ctx, t, account, state.Changes()); err != nil {
			return fmt.Errorf("save account %q: %w", account, err)
		}
	}
	return nil
}

const deleteEvent = `DELETE FROM scrip_events WHERE account = ? AND number = ?`

// Acknowledge implements [credits.Ledger].
func (l *Ledger) Acknowledge(ctx context.Context, events ...credits.EventRef) error {
	do := func(ctx context.Context, t *txn) error {
		for _, e := range events {
			if _, err := t.ExecContext(ctx, deleteEvent, e.Account, e.Number); err != nil {
				return err
			}
		}
		return nil
	}
	if l.in != nil {
		return translate("acknowledge", do(ctx, l.in))
	}
	return translate("acknowledge", l.db.write(ctx, do))
}

// pruneStep is how many results are let go in one transaction: other writers wait for it.
const pruneStep = 500

const pruneReceipts = `UPDATE scrip_receipts SET result = NULL, pruned = 1 WHERE account = ?1 AND pruned = 0 AND entry IN (
	SELECT u.entry FROM scrip_usage_records u JOIN scrip_receipts r ON r.account = u.account AND r.entry = u.entry
	WHERE u.account = ?1 AND u.at < ?2 AND r.pruned = 0 LIMIT ?3)`

// Prune implements [credits.Ledger].
func (l *Ledger) Prune(ctx context.Context, account credits.Account, before time.Time) (pruned int64, err error) {
	for {
		var n int64
		step := func(ctx context.Context, t *txn) error {
			result, err := t.ExecContext(ctx, pruneReceipts, account, ceilMicro(before), pruneStep)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		}
		if l.in != nil {
			err = step(ctx, l.in)
		} else {
			err = l.db.write(ctx, step)
		}
		if err != nil {
			return pruned, translate("prune", err)
		}
		if pruned += n; n < pruneStep {
			return pruned, nil
		}
	}
}
