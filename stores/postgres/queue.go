package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
)

const (
	// maxBatch is how many mutations share a transaction at most.
	maxBatch = 512
	// maxBytes is about how many bytes the pins and results of a batch may have, unless one alone has more.
	maxBytes = 8 << 20
)

// patience bounds how long a call waits for others: for its turn, for a connection, for a lock, for the answer to a
// commit. A call in the function of Complete that waits for what that very function keeps busy is ended by it.
const patience = 10 * time.Second

// call is a mutation on its way through the queue.
type call struct {
	ctx     context.Context
	op      credits.Op
	outcome credits.Outcome // set before done is closed
	err     error           // as outcome
	done    chan struct{}
}

// size is how many bytes a call's opaque parts have.
func (c *call) size() int {
	switch r := c.op.(type) {
	case credits.HoldRequest:
		return len(r.Pinned)
	case credits.SettleRequest:
		return len(r.Result)
	case credits.Charge:
		return len(r.Result)
	}
	return 0
}

// take takes the calls of the next transaction.
func (l *Ledger) take() []*call {
	size := 0
	return l.queue.Take(func(n int, c *call) bool {
		size += c.size()
		return n < maxBatch && (n == 0 || size <= maxBytes)
	})
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
		case l.turn <- struct{}{}:
			l.drain()
			continue // it was among them, unless more than a batch were ahead of it
		case <-ctx.Done():
			err = ctx.Err()
		case <-timer.C:
			err = busy("waited %s for its turn", l.db.patience)
		}
		if l.queue.Remove(c) {
			return credits.Outcome{}, err
		}
		// Another took it along already: what became of it is the database's to say, and until then its bytes are in use.
		<-c.done
		return c.outcome, c.err
	}
}

// drain commits what waits, up to a batch, and gives the turn back.
func (l *Ledger) drain() {
	defer func() { <-l.turn }()
	if l.lastBatch > 1 { // one that was alone waits for nobody
		l.queue.Gather(maxBatch)
	}
	batch := l.take()
	if len(batch) == 0 {
		return
	}
	l.lastBatch = len(batch)
	l.commit(batch)
	for _, c := range batch {
		close(c.done)
	}
}

// commit decides a batch in a transaction of its own, and if need be in several: what one call writes, or one account's
// lock, is not to make the others fail.
func (l *Ledger) commit(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*l.db.patience) // one caller's end is not the others'
	defer cancel()
	err := l.commitOnce(ctx, batch)
	if err == nil {
		return
	}
	var parts [][]*call
	switch {
	case isOnesFault(err):
		for i := range batch {
			parts = append(parts, batch[i:i+1])
		}
	case code(err) == lockNotAvailable:
		parts = byAccount(batch)
	}
	if len(parts) > 1 {
		for _, part := range parts {
			l.commit(part)
		}
		return
	}
	switch {
	case errors.Is(err, errUnanswered):
		err = fmt.Errorf("postgres: write: %w", errUnanswered)
	case ctx.Err() != nil:
		err = busy("the database did not answer in %s", 3*l.db.patience)
	default:
		err = translate(ctx, "write", err)
	}
	for _, c := range batch {
		c.outcome, c.err = credits.Outcome{}, err
	}
}

func byAccount(batch []*call) (parts [][]*call) {
	at := map[credits.Account]int{}
	for _, c := range batch {
		account := c.op.Ref().Account
		i, known := at[account]
		if !known {
			i = len(parts)
			at[account], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], c)
	}
	return parts
}

// commitOnce runs the transaction, again as long as that helps. One whose commit nobody answered for is run again only if
// it is known not to have happened: what it did may have been built upon since, and would be refused now.
func (l *Ledger) commitOnce(ctx context.Context, batch []*call) error {
	for n := 1; ; n++ {
		err := l.transact(ctx, batch)
		if errors.Is(err, errUnanswered) {
			last, unknown := l.lastCommitted(ctx)
			if unknown != nil {
				return err
			}
			if last == l.batches {
				return nil // it is as it was decided
			}
		}
		switch {
		case err == nil || n == tries:
			return err
		case isUndone(err), isTaken(err):
		case isConnection(err):
			if again(ctx, n) != nil {
				return err
			}
		default:
			return err
		}
	}
}

// again waits until a lost connection may be there again, the longer the more often it was not.
func again(ctx context.Context, n int) error {
	timer := time.NewTimer(time.Duration(n*n) * 20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
