package storetest

import (
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/automation"
)

// routes lead from Running to each state.
var routes = map[automation.State][]automation.State{
	automation.Running:   {},
	automation.Pausing:   {automation.Pausing},
	automation.Paused:    {automation.Pausing, automation.Paused},
	automation.Canceling: {automation.Canceling},
	automation.Cancelled: {automation.Canceling, automation.Cancelled},
	automation.Failed:    {automation.Failed},
}

var stateCases = []testCase[*runTest]{
	{"GoesOnlyLegalWays", "a run changes its state as State.CanBecome says; any other change is ErrState and leaves it",
		func(t *runTest) {
			n := 0
			for from, route := range routes {
				for to := range routes {
					n++
					id := fmt.Sprint("r", n)
					r := newRun(id, "a")
					r.Site = id
					t.create(r)
					at := automation.Running
					for _, next := range route {
						must(t, t.store.SetState(t.Context(), id, at, next, automation.ByUser, ""), fmt.Sprintf("SetState(%s, %s)", at, next))
						at = next
					}
					want, after := automation.ErrState, from
					if from.CanBecome(to) {
						want, after = nil, to
					}
					wantErr(t, t.store.SetState(t.Context(), id, from, to, "", ""), want, fmt.Sprintf("SetState(%s, %s)", from, to))
					got, _, err := t.store.Run(t.Context(), id)
					must(t, err, "Run")
					if got.State != after {
						t.Errorf("after SetState(%s, %s) the run is %s, want %s", from, to, got.State, after)
					}
				}
			}
		}},
	{"ComparesBeforeItSets", "a change that does not start from the state the run is in is ErrState",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			err := t.store.SetState(t.Context(), "r", automation.Pausing, automation.Canceling, automation.ByUser, "")
			wantErr(t, err, automation.ErrState, "SetState from a state it is not in")
			t.wantRun(automation.Running, "a")
		}},
	{"KeepsTheReason", "a change of state takes its reason and its detail in place of the earlier ones, and the end of a run has its time",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			must(t, t.store.SetState(t.Context(), "r", automation.Running, automation.Pausing, automation.ByCredits, "grant 12 more"), "SetState")
			if r := t.wantRun(automation.Pausing, "a"); r.Reason != automation.ByCredits || r.Detail != "grant 12 more" {
				t.Errorf("Run = because of %q, %q, want %q, %q", r.Reason, r.Detail, automation.ByCredits, "grant 12 more")
			}
			must(t, t.store.SetState(t.Context(), "r", automation.Pausing, automation.Running, "", ""), "SetState")
			if r := t.wantRun(automation.Running, "a"); r.Reason != "" || r.Detail != "" {
				t.Errorf("Run = because of %q, %q, want none", r.Reason, r.Detail)
			}
			t.clock.advance(lease)
			must(t, t.store.SetState(t.Context(), "r", automation.Running, automation.Failed, automation.ByProvider, "no key"), "SetState")
			if r := t.wantRun(automation.Failed, "a"); r.Reason != automation.ByProvider || !r.EndedAt.Equal(t.clock.now()) {
				t.Errorf("Run = because of %q, ended %v, want %q at %v", r.Reason, r.EndedAt, automation.ByProvider, t.clock.now())
			}
		}},
	{"DoesNotEndWithTasksUnderWay", "a run does not become paused, cancelled or failed while a worker has a task of it: ErrState until that is over",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1", "2")
			task := t.claimOne()
			refused := func(from, to automation.State) {
				t.Helper()
				wantErr(t, t.store.SetState(t.Context(), "r", from, to, automation.ByUser, ""), automation.ErrState, fmt.Sprintf("SetState(%s, %s) with a task under way", from, to))
			}
			refused(automation.Running, automation.Failed)
			t.set(automation.Running, automation.Pausing)
			refused(automation.Pausing, automation.Paused)
			t.complete(task)
			t.set(automation.Pausing, automation.Paused)
			t.set(automation.Paused, automation.Running)
			task = t.claimOne()
			t.set(automation.Running, automation.Canceling)
			refused(automation.Canceling, automation.Cancelled)
			must(t, t.store.Retry(t.Context(), worker, task.Ref, "", 0, false), "Retry")
			refused(automation.Canceling, automation.Cancelled) // it may have been paid for
		}},
	{"CancelsWhenEveryClaimedTaskHasAnEnd", "of a canceling run only tasks that were claimed before are claimed; it is cancelled once each of those is done, failed or dropped",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2", "3", "4", "5")
			tasks := t.claim(4)
			t.complete(tasks[3])
			must(t, t.store.Retry(t.Context(), worker, tasks[2].Ref, "", 0, false), "Retry")
			t.set(automation.Running, automation.Canceling)
			again := t.wantClaim("3")
			t.clock.advance(lease)
			again = append(again, t.wantClaim("1", "2", "3")[:2]...)
			for _, task := range again {
				if !task.Canceling {
					t.Errorf("Claim of item %q of a canceling run does not say so", task.Ref.Item)
				}
			}
			wantErr(t, t.store.SetState(t.Context(), "r", automation.Canceling, automation.Cancelled, automation.ByUser, ""), automation.ErrState, "SetState with tasks under way")
			wantErr(t, t.store.Drop(t.Context(), worker, again[0].Ref), automation.ErrStale, "Drop in an earlier generation")
			t.complete(again[1])
			t.fail(again[2])
			t.clock.advance(lease)
			wantErr(t, t.store.SetState(t.Context(), "r", automation.Canceling, automation.Cancelled, automation.ByUser, ""), automation.ErrState, "SetState with a task that may have been paid for")
			last := t.wantClaim("3")
			must(t, t.store.Drop(t.Context(), worker, last[0].Ref), "Drop")
			t.wantClaim()
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 5, Done: 2, Failed: 1})
			t.set(automation.Canceling, automation.Cancelled)
			t.wantRun(automation.Cancelled, "a")
		}},
	{"DropsOnlyWhenCanceling", "a task is dropped in a canceling run only; elsewhere ErrState leaves it as it is",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			task := t.claimOne()
			if task.Canceling {
				t.Errorf("Claim of a running run says that it is canceling")
			}
			wantErr(t, t.store.Drop(t.Context(), worker, task.Ref), automation.ErrState, "Drop in a running run")
			t.complete(task)
			t.wantRun(automation.Done, "a")
		}},
	{"DropsForItsOwnerOnly", "a task that another has claimed, or that is over, is not dropped: ErrStale",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			tasks := t.claim(2)
			t.set(automation.Running, automation.Canceling)
			wantErr(t, t.store.Drop(t.Context(), "another", tasks[0].Ref), automation.ErrStale, "Drop by another")
			t.complete(tasks[0])
			wantErr(t, t.store.Drop(t.Context(), worker, tasks[0].Ref), automation.ErrStale, "Drop of a task that is done")
			must(t, t.store.Drop(t.Context(), worker, tasks[1].Ref), "Drop")
			wantErr(t, t.store.Drop(t.Context(), worker, tasks[1].Ref), automation.ErrStale, "Drop again")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Done: 1})
			t.set(automation.Canceling, automation.Cancelled)
		}},
	{"DoesNotWaitForADeadWorker", "a lease that ran out does not keep a run from pausing or from failing: its task is given back, and the dead worker's report is stale",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			task := t.claimOne()
			t.set(automation.Running, automation.Pausing)
			t.clock.advance(lease)
			t.set(automation.Pausing, automation.Paused)
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2})
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, nothing)
			wantErr(t, err, automation.ErrStale, "Complete of a task that was given back")
			t.set(automation.Paused, automation.Running)
			tasks := t.wantClaim("1", "2")
			if tasks[0].Ref.Generation != 2 {
				t.Errorf("Claim = generation %d, want 2", tasks[0].Ref.Generation)
			}
			t.clock.advance(lease)
			t.set(automation.Running, automation.Failed)
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2})
			t.wantStale(worker, tasks[0].Ref)
		}},
	{"ChangesStateOnce", "of many equal changes of state that race one succeeds, the others are ErrState",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			errs := together(16, func(int) error {
				return t.store.SetState(t.Context(), "r", automation.Running, automation.Pausing, automation.ByUser, "")
			})
			if won, lost := matching(errs, nil), matching(errs, automation.ErrState); won != 1 || lost != 15 {
				t.Errorf("16 changes: %d succeed, %d are refused, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
		}},
}
