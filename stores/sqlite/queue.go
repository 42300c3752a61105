package sqlite

import (
	"context"
	"errors"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/scrip-go/scrip/credits"
)

// maxBatch is how many mutations share a commit at most. It bounds how long other writers wait.
const maxBatch = 256

// call is a mutation on its way through the queue.
type call struct {
	ctx     context.Context
	op      credits.Op
	outcome credits.Outcome // set before done is closed
	err     error           // as outcome
	done    chan struct{}
}

// enqueue waits until the mutation was decided, by this goroutine or by another that had the turn.
func (l *Ledger) enqueue(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	c := &call{ctx: ctx, op: op, done: make(chan struct{})}
	l.queue.Add(c)
	timer := time.NewTimer(l.db.patience)
	defer timer.Stop()
	for {
		select { // first, because select takes any that is ready: a turn for nothing would split the next batch
		case <-c.done:
			return c.outcome, c.err
		default:
		}
		var err error
		select {
		case <-c.done:
			return c.outcome, c.err
		case l.db.turn <- struct{}{}:
			l.drain()
			continue // it was among them, unless more than a batch were ahead of it
		case <-ctx.Done():
			err = ctx.Err()
		case <-l.db.closing:
			err = ErrClosed
		case <-timer.C:
			err = l.db.impatient()
		}
		if l.queue.Remove(c) {
			return credits.Outcome{}, err
		}
		<-c.done // another took it along already: what became of it is the database's to say
		return c.outcome, c.err
	}
}

// drain commits what waits, up to a batch, and gives the turn back.
func (l *Ledger) drain() {
	defer l.db.endTurn()
	if l.lastBatch > 1 { // one that was alone waits for nobody
		l.queue.Gather(maxBatch)
	}
	batch := l.queue.Take(func(n int, _ *call) bool { return n < maxBatch })
	if len(batch) == 0 {
		return
	}
	l.lastBatch = len(batch)
	l.commit(batch)
	for _, c := range batch {
		close(c.done)
	}
}

func (l *Ledger) commit(batch []*call) {
	ctx := context.Background() // one caller's end is not the others'
	if len(batch) == 1 {
		ctx = batch[0].ctx
	}
	err := l.db.transact(ctx, func(ctx context.Context, t *txn) error {
		return translate("write", l.decide(ctx, t, batch))
	})
	if err == nil {
		return
	}
	if len(batch) > 1 && isOnesFault(err) { // the others are not to suffer for it
		for i := range batch {
			l.commit(batch[i : i+1])
		}
		return
	}
	for _, c := range batch {
		c.outcome, c.err = credits.Outcome{}, err
	}
}

// isOnesFault reports whether a batch may have failed for what one of its mutations wrote.
func isOnesFault(err error) bool {
	if errors.Is(err, ErrFull) {
		return true
	}
	kind := code(err) & 0xff
	return kind == sqlite3.SQLITE_CONSTRAINT || kind == sqlite3.SQLITE_TOOBIG
}
