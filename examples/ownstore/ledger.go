package ownstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var (
	// ErrLocked is a journal that another ledger has open.
	ErrLocked = errors.New("another process has the journal open")
	// ErrClosed is a ledger that was closed.
	ErrClosed = errors.New("the ledger is closed")
)

var _ credits.Ledger = (*Ledger)(nil)

// Ledger is a [credits.Ledger] in a journal. It is safe for concurrent use.
type Ledger struct {
	credits.Mutations // by apply

	now func() time.Time

	queue struct {
		sync.Mutex
		calls []*call // guarded by the mutex
	}
	writing sync.Mutex     // held by who decides and writes
	journal *journal       // guarded by writing
	state   *credits.State // guarded by writing

	reading sync.RWMutex // held to read the rows, and, by who has writing as well, to change them
	rows    rows         // guarded by reading; who has writing may read them without
}

// call is a mutation that waits for its turn.
type call struct {
	ctx     context.Context
	op      credits.Op
	decided bool // guarded by Ledger.writing, as are the others
	outcome credits.Outcome
	err     error
}

// Open opens the journal at path, or makes one. The clock of leases and expiries is now; time.Now if nil. Errors: ErrLocked,
// ErrDamaged.
func Open(path string, now func() time.Time) (*Ledger, error) {
	if now == nil {
		now = time.Now
	}
	// A moment is kept in UTC and to the microsecond, and decided by as it is kept.
	l := &Ledger{now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }, state: credits.NewState(),
		rows: rows{accounts: map[credits.Account]*account{}}}
	l.Mutations = l.apply
	var err error
	if l.journal, err = openJournal(path, l.rows.install); err != nil {
		return nil, fmt.Errorf("ownstore: open %q: %w", path, err)
	}
	return l, nil
}

// Close waits for what is being written and gives the journal up. Mutations are refused with ErrClosed from then on.
func (l *Ledger) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if errors.Is(l.journal.err, ErrClosed) {
		return nil
	}
	l.journal.err = fmt.Errorf("ownstore: %w", ErrClosed)
	return l.journal.file.Close()
}

// maxBatch is how many mutations share a line at most.
const maxBatch = 64

// apply waits until a mutation was decided and is durable, by this goroutine or by another that had the turn.
func (l *Ledger) apply(ctx context.Context, op credits.Op) (credits.Outcome, error) {
	op, err := credits.AsText(op) // JSON keeps text, and makes one of two names that differ in other bytes
	if err != nil {
		return credits.Outcome{}, err
	}
	c := &call{ctx: ctx, op: op}
	l.queue.Lock()
	l.queue.calls = append(l.queue.calls, c)
	l.queue.Unlock()

	l.writing.Lock()
	defer l.writing.Unlock()
	for !c.decided { // once, unless more than a batch are ahead of it
		l.queue.Lock()
		n := min(len(l.queue.calls), maxBatch)
		batch := slices.Clone(l.queue.calls[:n])
		l.queue.calls = slices.Delete(l.queue.calls, 0, n)
		l.queue.Unlock()
		l.decide(batch)
	}
	return c.outcome, c.err
}

// decide loads, applies and saves a batch: one transaction. The lock is that of the one writer.
func (l *Ledger) decide(batch []*call) {
	now := l.now()
	defer l.state.Reset()
	for _, c := range batch {
		c.decided = true
		if c.err = c.ctx.Err(); c.err == nil {
			c.err = l.load(c.op, now)
		}
	}
	for _, c := range batch { // when everything else is loaded
		if a := l.rows.accounts[c.op.Ref().Account]; a != nil {
			a.loadDue(l.state, now)
		}
	}
	for _, c := range batch {
		if c.err == nil {
			c.outcome, c.err = l.state.Apply(c.op, now)
		}
	}
	// Also if all were refused: a refusal may have found holds that are expired, and an event that says so.
	if err := l.commit(changed(l.state.Changes())); err != nil {
		for _, c := range batch {
			c.outcome, c.err = credits.Outcome{}, err
		}
	}
}

func (l *Ledger) load(op credits.Op, now time.Time) error {
	if a := l.rows.accounts[op.Ref().Account]; a != nil {
		return a.load(l.state, op, now)
	}
	return nil
}

// commit writes a record and then changes the rows. The caller has the turn to write.
func (l *Ledger) commit(r record) error {
	if r.empty() && l.journal.err == nil { // a key that came again
		return nil
	}
	// What is installed is what was read back: an aliased slice, and a field that the journal does not keep, are seen at once.
	r, err := l.journal.write(r)
	if err != nil {
		return err
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	l.rows.install(r)
	return nil
}

func (r *record) empty() bool {
	return len(r.Accounts)+len(r.Buckets)+len(r.Holds)+len(r.Attempts)+len(r.Entries)+len(r.Receipts)+len(r.Caps)+
		len(r.RemovedCaps)+len(r.Totals)+len(r.Events)+len(r.Acknowledged)+len(r.Pruned) == 0
}

// Acknowledge implements [credits.Ledger]. It is no decision, and needs no state.
func (l *Ledger) Acknowledge(ctx context.Context, events ...credits.EventRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.commit(record{Acknowledged: events})
}

// Prune implements [credits.Ledger].
func (l *Ledger) Prune(ctx context.Context, account credits.Account, before time.Time) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	var r record
	if a := l.rows.accounts[account]; a != nil {
		for _, h := range a.settled {
			if !h.receipt.Pruned && h.receipt.Record.At.Before(before) {
				r.Pruned = append(r.Pruned, credits.Ref{Account: account, Key: h.Key})
			}
		}
	}
	if err := l.commit(r); err != nil {
		return 0, err
	}
	return int64(len(r.Pruned)), nil
}
