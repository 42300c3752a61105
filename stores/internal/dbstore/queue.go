package dbstore

import (
	"runtime"
	"slices"
	"sync"
)

// Queue holds the mutations that wait while a transaction is in flight. Whoever gets the turn to write next takes them
// along: a commit costs about the same for one mutation as for many, and no one waits for a timer. It is safe for
// concurrent use, and its zero value is empty.
type Queue[C comparable] struct {
	mu    sync.Mutex
	calls []C // guarded by mu
}

// Add puts a call at the end.
func (q *Queue[C]) Add(c C) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, c)
}

// Len returns how many calls wait.
func (q *Queue[C]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls)
}

// yields is how often Gather lets others run, and none of them comes, before it takes it that nobody will. One is not enough:
// whoever yields may be run again at once by a processor that had nothing to do, beside the one that others wait for.
const yields = 16

// Gather lets those run whose mutations were just committed: they are about to come back, each with its next one, and the
// first of them would else go without the others. It ends when there are so many, or when no more come. There is no timer,
// so it costs who waits for nobody some microseconds.
func (q *Queue[C]) Gather(most int) {
	for n, idle := 0, 0; n < most && idle < yields; idle++ {
		if now := q.Len(); now > n {
			n, idle = now, 0
		}
		runtime.Gosched()
	}
}

// Remove takes a call back, and reports whether it was still waiting.
func (q *Queue[C]) Remove(c C) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.calls, c)
	if i >= 0 {
		q.calls = slices.Delete(q.calls, i, i+1)
	}
	return i >= 0
}

// Take takes the first calls: as many as come before the first that does not fit. fits is asked in order.
func (q *Queue[C]) Take(fits func(n int, c C) bool) []C {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.calls) && fits(n, q.calls[n]) {
		n++
	}
	batch := slices.Clone(q.calls[:n])
	q.calls = slices.Delete(q.calls, 0, n)
	return batch
}
