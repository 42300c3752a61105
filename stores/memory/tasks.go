package memory

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
)

type run struct {
	row     automation.Run
	number  int // in the order of creation
	stages  []*stage
	current *stage // the one that row.Stage names
}

type stage struct {
	run      *run
	index    int // in run.stages
	count    automation.StageCount
	finisher bool
	planning int64 // counts how often its planning was begun
	tasks    map[string]*task
	finish   *task // the Finish task, once it was inserted
	failed   []automation.FailedTask
	queue    queue
	leased   map[*task]bool // as many as count.Leased
}

type task struct {
	stage      *stage
	item       automation.Item
	rows       []string // what it claims
	place      int64    // in the order of planning
	state      automation.TaskState
	owner      string
	generation int64
	attempts   int
	until      time.Time // when the lease runs out; of a ready task, when its time comes
	change     int       // counts changes of the above, so that the queue knows what is out of date
}

func newRun(row automation.Run, number int, now time.Time) *run {
	row = ownRun(row)
	row.CreatedAt, row.EndedAt, row.Stage = now, time.Time{}, row.Stages[0]
	r := &run{row: row, number: number}
	for i, name := range row.Stages {
		r.stages = append(r.stages, &stage{
			run:      r,
			index:    i,
			count:    automation.StageCount{Stage: name, State: automation.StagePending},
			finisher: slices.Contains(row.Finishers, name),
			tasks:    map[string]*task{},
			leased:   map[*task]bool{},
		})
	}
	r.begin(0)
	return r
}

func (r *run) begin(index int) {
	r.current = r.stages[index]
	r.current.count.State = automation.StagePlanning
	r.row.Stage = r.current.count.Stage
}

func (r *run) stage(name string) *stage {
	for _, st := range r.stages {
		if st.count.Stage == name {
			return st
		}
	}
	return nil
}

// clear removes what an interrupted planning left.
func (st *stage) clear() {
	clear(st.tasks)
	st.queue = queue{}
	st.count.Total = 0
}

// add inserts a task that may be claimed at once.
func (st *stage) add(item automation.Item, place int64) *task {
	rows := slices.Clone(item.Takes())
	item.Input, item.Rows = bytes.Clone(item.Input), nil
	t := &task{stage: st, item: item, rows: rows, place: place, state: automation.TaskReady}
	st.queue.ready(t)
	return t
}

// changed puts a task where the queue finds it again, in its present state.
func (t *task) changed(now time.Time) {
	t.change++
	if t.until.After(now) {
		t.stage.queue.wait(t)
		return
	}
	t.stage.queue.ready(t)
}

// claim leases the task.
func (t *task) claim(owner string, until, now time.Time) automation.Task {
	if t.state != automation.TaskLeased {
		t.stage.count.Leased++
		t.stage.leased[t] = true
	}
	t.state, t.owner, t.until = automation.TaskLeased, owner, until
	t.generation++
	t.changed(now)
	run := &t.stage.run.row
	item := t.item
	item.Input = bytes.Clone(item.Input)
	return automation.Task{
		Ref:     automation.TaskRef{Run: run.ID, Stage: t.stage.count.Stage, Item: item.ID, Generation: t.generation},
		Account: run.Account, Site: run.Site, Item: item, Attempts: t.attempts, Canceling: run.State == automation.Canceling,
	}
}

// leave ends the task's lease. The caller says where it goes from there.
func (t *task) leave(state automation.TaskState, until time.Time) {
	t.state, t.owner, t.until = state, "", until
	t.stage.count.Leased--
	delete(t.stage.leased, t)
	t.change++
	if t.over() {
		t.item.Input = nil // nobody will ask for it again
	}
}

// underway counts the tasks whose lease has not run out.
func (st *stage) underway(now time.Time) int {
	n := 0
	for t := range st.leased {
		if t.until.After(now) {
			n++
		}
	}
	return n
}

// giveBack makes every leased task ready; none is under way.
func (st *stage) giveBack() {
	for t := range st.leased {
		t.leave(automation.TaskReady, time.Time{})
		st.queue.ready(t)
	}
}

func (t *task) over() bool {
	return t.state != automation.TaskReady && t.state != automation.TaskLeased
}

// open reports whether the task was claimed before and has come to no end.
func (t *task) open() bool { return t.generation > 0 && !t.over() }

// unsaved counts the tasks that were claimed before and have come to no end.
func (st *stage) unsaved() (n int) {
	st.each(func(t *task) {
		if t.open() {
			n++
		}
	})
	return n
}

// salvageable returns the tasks that were claimed before and can be claimed now, in no order.
func (st *stage) salvageable(now time.Time) (out []*task) {
	st.each(func(t *task) {
		if t.open() && !t.until.After(now) {
			out = append(out, t)
		}
	})
	return out
}

func (st *stage) each(visit func(*task)) {
	for _, t := range st.tasks {
		visit(t)
	}
	if st.finish != nil {
		visit(st.finish)
	}
}

// advance moves the run on if the stage has nothing left to do: to the stage's Finish task, to the next stage, or to
// its end.
func (t *runTable) advance(st *stage, now time.Time) {
	if st.count.Done+st.count.Failed < st.count.Total {
		return
	}
	if st.finisher && st.finish == nil {
		st.finish = st.add(automation.Item{ID: automation.FinishItem}, t.place())
		st.finish.rows = nil // it takes up none
	}
	if st.finish != nil && !st.finish.over() {
		return
	}
	st.count.State = automation.StageDone
	st.queue = queue{}
	r := st.run
	switch {
	case st.count.Total > 0 && st.count.Failed == st.count.Total:
		detail := fmt.Sprintf("stage %q: every item was given up (%d of %d)", st.count.Stage, st.count.Failed, st.count.Total)
		t.set(r, automation.Failed, automation.ByItems, detail, now)
	case st.index+1 < len(r.stages):
		r.begin(st.index + 1)
	default:
		t.set(r, automation.Done, "", "", now)
	}
}

// place returns the next place in the order of planning.
func (t *runTable) place() int64 {
	t.planned++
	return t.planned
}
