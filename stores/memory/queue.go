package memory

import (
	"container/heap"
	"time"
)

// queue finds the tasks of a stage that can be claimed, in the order of planning, without a look at those that cannot.
//
// A task that changes is not searched for: it is put in anew, and the older entry is skipped when it comes to the top,
// because its change is not the task's any more.
type queue struct {
	now   places // can be claimed, by place
	later times  // leased or put off, by time
}

type queued struct {
	task   *task
	change int
	until  time.Time // as it was put in: a heap must not change its order under way
}

func (q queued) stale() bool { return q.change != q.task.change || q.task.over() }

func (q *queue) ready(t *task) { heap.Push(&q.now, queued{task: t, change: t.change}) }

func (q *queue) wait(t *task) { heap.Push(&q.later, queued{t, t.change, t.until}) }

// next returns the first task that can be claimed at the given time, and leaves it in the queue. It returns nil if there
// is none.
func (q *queue) next(now time.Time) *task {
	for q.later.Len() > 0 && !q.later.entries[0].until.After(now) {
		if e := heap.Pop(&q.later).(queued); !e.stale() {
			heap.Push(&q.now, e)
		}
	}
	for q.now.Len() > 0 && q.now.entries[0].stale() {
		heap.Pop(&q.now)
	}
	if q.now.Len() == 0 {
		return nil
	}
	return q.now.entries[0].task
}

type entries []queued

func (e entries) Len() int { return len(e) }

func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

func (e *entries) Push(x any) { *e = append(*e, x.(queued)) }

func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = queued{}
	*e = (*e)[:last]
	return x
}

type places struct{ entries }

func (p places) Less(i, j int) bool { return p.entries[i].task.place < p.entries[j].task.place }

type times struct{ entries }

func (t times) Less(i, j int) bool { return t.entries[i].until.Before(t.entries[j].until) }
