package automation

import "slices"

// nextStates holds every change of state that [Store.SetState] may be asked for. Done is in none of them, and Failed by
// items neither: a run gets there by the store's own hand, with the last task.
var nextStates = map[State][]State{
	Running:   {Pausing, Canceling, Failed},
	Pausing:   {Pausing, Paused, Running, Canceling}, // to itself for another reason
	Paused:    {Running, Canceling},
	Canceling: {Cancelled},
}

// CanBecome reports whether a run in state s may be set to next. A store refuses any other change with [ErrState].
//
// It also refuses Paused, Cancelled and Failed as long as a worker has a task of the run under a lease that has not run
// out: in these states nothing is under way. A lease that did run out is no obstacle, or a dead worker would keep the
// run from ever ending; its task is given back in the same transaction, and what the worker may still report is stale.
// Cancelled waits for more: for every task that was ever claimed to be done, failed or dropped, because a task that was
// claimed may have been paid for.
func (s State) CanBecome(next State) bool { return slices.Contains(nextStates[s], next) }

// Idle reports whether nothing is under way in a run that is in this state: it is paused or terminal.
func (s State) Idle() bool { return s == Paused || s.Terminal() }
