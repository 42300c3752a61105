package memory

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scrip-go/scrip/automation"
)

// work is what the runs and the content share: a lock, so that one transaction spans both.
type work struct {
	now  func() time.Time
	mu   sync.Mutex
	rows *rows   // guarded by mu
	undo journal // of the transaction under way, guarded by mu
}

func (w *work) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	return nil
}

// journal holds the way back, one step for each row that was written.
type journal []func()

func (j *journal) back(to int) {
	for len(*j) > to {
		last := len(*j) - 1
		(*j)[last]()
		*j = (*j)[:last]
	}
}

// scope is where a table's call takes place: on its own, or inside a transaction.
type scope interface {
	enter(ctx context.Context) error
	leave()
}

// enter implements scope for calls outside a transaction.
func (w *work) enter(ctx context.Context) error { return w.lock(ctx) }

func (w *work) leave() {
	w.undo = nil // what was written stays
	w.mu.Unlock()
}

var errEnded = errors.New("memory: the transaction has ended")

// transaction is the automation.Tx of a completing task. Its maker holds work.mu from before it begins until after it
// has ended.
type transaction struct {
	work *work

	mu    sync.Mutex
	ended bool // guarded by mu
}

// Unwrap implements [automation.Tx].
func (tx *transaction) Unwrap() any { return tx }

// enter implements scope for calls inside the transaction. It keeps out a call that another goroutine makes after the
// end: work.mu is not the transaction's any more then.
func (tx *transaction) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx.mu.Lock()
	if tx.ended {
		tx.mu.Unlock()
		return errEnded
	}
	return nil
}

func (tx *transaction) leave() { tx.mu.Unlock() }

// transact calls f with a transaction, and undoes what f wrote if it fails, panics or is cancelled. The caller holds
// w.mu.
func (w *work) transact(ctx context.Context, f func(automation.Tx) error) error {
	tx := &transaction{work: w}
	kept := false
	defer func() {
		tx.mu.Lock()
		defer tx.mu.Unlock()
		tx.ended = true
		if !kept {
			w.undo.back(0)
		}
		w.undo = nil
	}()
	if err := f(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	kept = true
	return nil
}
