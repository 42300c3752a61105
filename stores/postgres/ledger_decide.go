package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrip-go/scrip/credits"
)

// bounds are the statements around a decision. They travel with the first and the last of its own, so that most decisions
// take two round trips: one to lock and load, one to save and commit.
type bounds struct {
	begin        []string
	commit, undo string
	done         string // the tag that the answer to commit has
}

// ofItsOwn are those of a transaction of the ledger's. It waits for a lock as long as a caller waits. What is loaded is
// always a few rows by their keys, so a plan that walks a table is wrong however small the table was when the plan was
// made, and one plan is as good for one batch as for the next.
func ofItsOwn(patience time.Duration) bounds {
	return bounds{
		begin: []string{`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`,
			fmt.Sprintf(`SELECT set_config('lock_timeout', '%d', true), set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`, patience.Milliseconds())},
		commit: `COMMIT`, undo: `ROLLBACK`, done: `COMMIT`,
	}
}

// inHosts are those of a mutation in a host's transaction.
var inHosts = bounds{
	begin:  []string{`SAVEPOINT scrip_ledger`},
	commit: `RELEASE SAVEPOINT scrip_ledger`, undo: `ROLLBACK TO SAVEPOINT scrip_ledger`, done: `RELEASE`,
}

// transact decides calls in a transaction of their own.
func (l *Ledger) transact(ctx context.Context, calls []*call) error {
	conn, err := l.db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // which closes a connection that is left in a transaction
	return l.decide(ctx, conn, calls, l.db.bounds)
}

// decide applies calls of any number of accounts in order, and saves what they changed. A call that the rules refuse
// keeps its error; the error returned is for a database that failed, and then nothing happened, unless it is errUnanswered.
func (l *Ledger) decide(ctx context.Context, q querier, calls []*call, b bounds) error {
	live := make([]*call, 0, len(calls))
	for _, c := range calls {
		if c.err = c.ctx.Err(); c.err == nil {
			live = append(live, c)
		}
	}
	if len(live) == 0 {
		return nil
	}
	loaded, err := l.load(ctx, q, live, b)
	if err != nil {
		return errors.Join(err, l.undo(ctx, q, b, err))
	}
	for _, c := range live {
		c.outcome, c.err = loaded.states[c.op.Ref().Account].Apply(c.op, loaded.now)
	}
	// Also after a refusal: it may have found holds that expired, and they stay expired.
	batch := &pgx.Batch{}
	if l.in == nil { // first, so that who asks for its fate waits for all of it
		l.sign(batch)
	}
	signed := batch.Len()
	if err := l.save(batch, loaded); err != nil || batch.Len() == signed {
		return errors.Join(err, l.undo(ctx, q, b, err))
	}
	batch.Queue(b.commit)
	if err := send(ctx, q, batch, b.done); err != nil {
		if l.in == nil && isConnection(err) && !pgconn.SafeToRetry(err) {
			return errors.Join(errUnanswered, err)
		}
		return errors.Join(err, l.undo(ctx, q, b, err))
	}
	return nil
}

// send runs a batch and checks that its last statement did what it says: COMMIT answers ROLLBACK if it could not.
func send(ctx context.Context, q querier, batch *pgx.Batch, done string) error {
	results := q.SendBatch(ctx, batch)
	defer results.Close()
	var tag pgconn.CommandTag
	var err error
	for range batch.Len() {
		if tag, err = results.Exec(); err != nil {
			return err
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if tag.String() != done {
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// undo ends a decision that is not to be saved. A connection that is lost has undone it already.
func (l *Ledger) undo(ctx context.Context, q querier, b bounds, cause error) error {
	if cause != nil && isConnection(cause) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.db.patience)
	defer cancel()
	if _, err := q.Exec(ctx, b.undo); err != nil && cause == nil {
		return err
	}
	return nil
}

// decision is what a batch is decided on.
type decision struct {
	now      time.Time
	accounts []string // sorted
	states   map[credits.Account]*credits.State
	known    map[credits.Account]bool // there already
	appeared bool                     // rows of an account were found after its own was not
}

// of returns the state that a row of an account is loaded into. What is not there cannot be locked: if others made the
// account after its row was looked for, the statements after that one see what they made, and there is nothing sound to
// decide on.
func (d *decision) of(account credits.Account) *credits.State {
	d.appeared = d.appeared || !d.known[account]
	return d.states[account]
}
