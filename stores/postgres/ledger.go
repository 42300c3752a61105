package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

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

	db    *DB
	queue *dbstore.Queue[*call]
	in    pgx.Tx        // the host's transaction; nil if mutations have their own
	turn  chan struct{} // held by the one who commits

	writer    string // names this handle
	batches   int64  // the number of the last batch, for who has the turn
	lastBatch int    // how many mutations it had, for who has the turn
}

// In returns the ledger inside a transaction that the host began on the same database: what it does is committed or
// rolled back with tx. It is for grants, and for holds that the host makes itself, that belong together with rows of the
// host. Each mutation happens whole or not at all in tx too.
//
// While tx is open it keeps the rows of the accounts that it changed locked, and whoever else changes them waits, so it
// should be short; a host that changes several accounts in one transaction takes them in the order of their names, or
// the server may undo it for the sake of another. Beside it, tx should be read committed, PostgreSQL's default: at the
// stricter levels the server undoes it when somebody else was first. The result is for one goroutine and must not be used
// after tx ended.
func (l *Ledger) In(tx pgx.Tx) credits.Ledger {
	within := &Ledger{db: l.db, in: tx}
	within.mutations = within.apply
	return within
}

// apply runs one mutation: in the host's transaction, or in one that it shares with the mutations that wait beside it.
func (l *Ledger) apply(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	op, err := credits.AsText(op)
	if err != nil {
		return credits.Outcome{}, err
	}
	if l.in != nil {
		return l.applyIn(ctx, op)
	}
	if err := l.db.readable(ctx); err != nil {
		return credits.Outcome{}, err
	}
	return l.enqueue(ctx, op)
}

func (l *Ledger) applyIn(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	if !l.db.current.Load() { // through tx: the host's pool may have no other connection
		if err := l.db.checkSchema(ctx, l.in); err != nil {
			return credits.Outcome{}, translate(ctx, "look at the schema", err)
		}
	}
	c := &call{ctx: ctx, op: op}
	for n := 1; ; n++ {
		err := l.decide(ctx, l.in, []*call{c}, inHosts)
		switch {
		case err == nil:
			return c.outcome, c.err
		case n == tries || !isTaken(err) && !errors.Is(err, errAppeared): // what else was undone, was undone with all of tx
			return credits.Outcome{}, translate(ctx, "write", err)
		}
	}
}

const deleteEvents = `DELETE FROM scrip.events e USING unnest($1::text[], $2::bigint[]) AS n (account, number)
WHERE e.account = n.account AND e.number = n.number`

// Acknowledge implements [credits.Ledger].
func (l *Ledger) Acknowledge(ctx context.Context, events ...credits.EventRef) error {
	q, err := l.querier(ctx)
	if err != nil {
		return err
	}
	var accounts []string
	var numbers []int64
	for _, e := range events {
		accounts, numbers = append(accounts, clean(string(e.Account))), append(numbers, e.Number)
	}
	_, err = exec(ctx, q, l.db.sql(deleteEvents), accounts, numbers)
	return translate(ctx, "acknowledge", err)
}
