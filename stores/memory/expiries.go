package memory

import (
	"container/heap"
	"time"
)

// expiries is a heap of open holds, the first to expire on top: the hold that has expired is found without a look at
// the thousands that have not.
type expiries []*holdRow

func (e *expiries) add(row *holdRow) { heap.Push((*expiryHeap)(e), row) }

func (e *expiries) fix(row *holdRow) { heap.Fix((*expiryHeap)(e), row.index) }

func (e *expiries) remove(row *holdRow) {
	if row.index >= 0 {
		heap.Remove((*expiryHeap)(e), row.index)
	}
}

// until visits the holds that expire at or before now.
func (e expiries) until(now time.Time, visit func(*holdRow)) { e.descend(0, now, visit) }

func (e expiries) descend(i int, now time.Time, visit func(*holdRow)) {
	if i >= len(e) || e[i].hold.ExpiresAt.After(now) {
		return // what lies below expires no earlier
	}
	visit(e[i])
	e.descend(2*i+1, now, visit)
	e.descend(2*i+2, now, visit)
}

// expiryHeap keeps the methods of heap.Interface out of the way of those above.
type expiryHeap expiries

func (h expiryHeap) Len() int { return len(h) }

func (h expiryHeap) Less(i, j int) bool { return h[i].hold.ExpiresAt.Before(h[j].hold.ExpiresAt) }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiryHeap) Push(x any) {
	row := x.(*holdRow)
	row.index = len(*h)
	*h = append(*h, row)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	row := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	row.index = -1
	return row
}
