package automation

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// Stage is one step of a pipeline. Its methods are called from many goroutines at once.
type Stage interface {
	// Name is unique in the pipeline and never changes: keys and rows carry it.
	Name() string
	// Plan yields the items of the stage, each id once, and the same ids if it is called again before the first of
	// them was done. It makes no paid call. After an error it is called again; one that is marked with [Pause] or [Permanent],
	// and an item that cannot be (without an id, twice, or with that of the Finish task), pauses the run first.
	Plan(ctx context.Context, in Inputs) iter.Seq2[Item, error]
	// Do does the work of an item. It is called at least once; every paid effect goes through the gate under c.Key, so
	// that it is paid once. How an error is taken is said by [Retry], [Pause] and [Permanent].
	Do(ctx context.Context, c Call) (Outcome, error)
	// Save writes what Do brought, in the transaction that completes the task, and returns how many rows it made. It
	// must use tx for everything it reads and writes.
	Save(ctx context.Context, tx Tx, c Call, out json.RawMessage) (created int, err error)
	// Policy says how failures are taken.
	Policy() Policy
}

// Finisher is implemented by a stage with something to do once all its items are done or failed.
type Finisher interface {
	// Finish is called at least once.
	Finish(ctx context.Context, c Call) error
}

// Salvager is implemented by a stage that pays. When a run is cancelled or an item is given up, what the item has paid for is
// saved all the same, and what it holds is given back.
type Salvager interface {
	// Salvage returns what Do paid for, without paying for anything itself; paid is false if nothing was. It releases
	// what is held for the item. It is called at least once.
	Salvage(ctx context.Context, c Call) (out Outcome, paid bool, err error)
}

// Inputs is what a stage plans from.
type Inputs struct {
	Run, Site string
	Account   credits.Account
	// MaxItems is how much of what waits the run takes up; 0 for everything. A stage counts what it plans from, which need not be
	// its items: one that makes an item of twenty rows may count rows, and says so.
	MaxItems int64
	// Items are the rows to make items of, and of no others; everything that waits if there are none.
	Items []string
	// Claimed are rows that other runs have taken up at this stage, to be left out: an item with one of them is refused, and
	// the stage planned anew. If there are Items, there are none: those are the run's own.
	Claimed map[string]bool
}

// Call is one try of an item.
type Call struct {
	Ref     TaskRef
	Account credits.Account
	Site    string
	Item    Item
	Attempt int  // failed tries of the item before this one
	Last    bool // the item is given up if this try fails as well and counts, see Policy
	// Holder is to be handed to the gate: its fence is the task's generation.
	Holder credits.Holder
}

// Key names a paid effect of the item. It is the same for every try of the item.
func (c Call) Key(effect string) credits.Key {
	return credits.Key(strings.Join([]string{c.Ref.Run, c.Ref.Stage, c.Ref.Item, effect}, "/"))
}

// Policy says how a stage's failures are taken. The zero Policy is usable.
type Policy struct {
	Attempts int           // tries of an item before it is given up; 3 if zero
	Backoff  time.Duration // before the second try, doubled before each further one; 500 ms if zero
}

func (p Policy) attempts() int {
	if p.Attempts == 0 {
		return 3
	}
	return p.Attempts
}

func (p Policy) backoff(failed int) time.Duration {
	d := p.Backoff
	if d == 0 {
		d = 500 * time.Millisecond
	}
	return min(d<<min(failed-1, 10), 5*time.Minute)
}
