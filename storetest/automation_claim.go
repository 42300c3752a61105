package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/automation"
)

var claimCases = []testCase[*runTest]{
	{"ClaimsInTheOrderOfPlanning", "tasks are claimed in the order in which they were planned, at most so many as asked for",
		func(t *runTest) {
			t.start([]string{"a"}, "b", "a", "c", "10", "9")
			if tasks := t.claim(2); len(tasks) != 2 || tasks[0].Ref.Item != "b" || tasks[1].Ref.Item != "a" {
				t.Errorf("Claim(2) = %+v, want items b and a", tasks)
			}
			t.wantClaim("c", "10", "9")
			t.wantClaim()
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 5, Leased: 5})
		}},
	{"ClaimsATaskWithAllItNeeds", "a claimed task has its run's account and site, its item, and generation 1",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			task := t.claimOne()
			want := automation.TaskRef{Run: "r", Stage: "a", Item: "1", Generation: 1}
			if task.Ref != want || task.Account != alice || task.Site != "site" || task.Item.ID != "1" || string(task.Item.Input) != `{"for": "1"}` || task.Attempts != 0 {
				t.Errorf("Claim = %+v, want ref %+v, account alice, site, the item and no attempts", task, want)
			}
		}},
	{"ClaimsATaskAgainAfterItsLease", "a task whose lease ran out, by the store's clock, is claimed again in a higher generation; not before",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			t.claimOne()
			t.clock.advance(lease - time.Microsecond)
			t.wantClaim("2")
			t.clock.advance(time.Microsecond)
			tasks := t.wantClaim("1")
			if len(tasks) == 1 && (tasks[0].Ref.Generation != 2 || tasks[0].Attempts != 0) {
				t.Errorf("Claim = generation %d after %d failed tries, want 2 and 0", tasks[0].Ref.Generation, tasks[0].Attempts)
			}
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Leased: 2})
		}},
	{"KeepsALeaseThatIsExtended", "an extended lease counts from now; Extend returns the tasks that the owner still has and no other",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2", "3", "4")
			tasks := t.claim(4)
			t.complete(tasks[3])
			t.clock.advance(lease / 2)
			refs := []automation.TaskRef{tasks[0].Ref, tasks[1].Ref, tasks[3].Ref, tasks[2].Ref}
			refs[1].Generation++
			kept, err := t.store.Extend(t.Context(), worker, refs, lease)
			must(t, err, "Extend")
			if want := []automation.TaskRef{tasks[0].Ref, tasks[2].Ref}; !sameRefs(kept, want) {
				t.Errorf("Extend = %+v, want %+v", kept, want)
			}
			kept, err = t.store.Extend(t.Context(), "another", []automation.TaskRef{tasks[1].Ref}, lease)
			if err != nil || len(kept) != 0 {
				t.Errorf("Extend by another owner = %+v, %v, want nothing", kept, err)
			}
			t.clock.advance(lease / 2)
			again := t.wantClaim("2")
			t.clock.advance(lease / 2)
			t.wantClaim("1", "3")
			if len(again) == 1 {
				kept, err = t.store.Extend(t.Context(), worker, []automation.TaskRef{tasks[1].Ref, again[0].Ref}, lease)
				if err != nil || !sameRefs(kept, []automation.TaskRef{again[0].Ref}) {
					t.Errorf("Extend of two generations = %+v, %v, want the newer one", kept, err)
				}
			}
		}},
	{"RevivesALeaseThatNobodyTook", "a lease that ran out and was taken by nobody is still the owner's to extend or to complete",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			tasks := t.claim(2)
			t.clock.advance(2 * lease)
			kept, err := t.store.Extend(t.Context(), worker, []automation.TaskRef{tasks[0].Ref}, lease)
			if err != nil || !sameRefs(kept, []automation.TaskRef{tasks[0].Ref}) {
				t.Errorf("Extend = %+v, %v, want the task", kept, err)
			}
			t.complete(tasks[1])
			t.wantClaim()
			t.complete(tasks[0])
			t.wantRun(automation.Done, "a")
		}},
	{"ClaimsFromRunningRunsOnly", "no task of a run that is pausing or paused is claimed, and none of a canceling run that was not claimed before",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			t.set(automation.Running, automation.Pausing)
			t.wantClaim()
			t.set(automation.Pausing, automation.Paused)
			t.wantClaim()
			t.set(automation.Paused, automation.Running)
			task := t.claimOne()
			t.complete(task)
			t.set(automation.Running, automation.Canceling)
			t.wantClaim()
			t.set(automation.Canceling, automation.Cancelled)
			t.wantClaim()
		}},
	{"ClaimsFromAllRuns", "one claim takes from all running runs, in the order of planning",
		func(t *runTest) {
			for _, id := range []string{"x", "y"} {
				r := newRun(id, "a")
				r.Site = id
				t.create(r)
			}
			t.plan("y", "a", "y1", "y2")
			t.plan("x", "a", "x1")
			t.wantClaim("y1", "y2", "x1")
		}},
	{"ClaimsATaskForOneWorker", "however many workers claim at once, each task is claimed by one",
		func(t *runTest) {
			var ids []string
			for i := range 40 {
				ids = append(ids, fmt.Sprint("item ", i))
			}
			t.start([]string{"a"}, ids...)
			var mu sync.Mutex
			var got []string
			errs := together(16, func(i int) error {
				for {
					tasks, err := t.store.Claim(t.Context(), fmt.Sprint("worker ", i), lease, 3)
					if err != nil || len(tasks) == 0 {
						return err
					}
					mu.Lock()
					for _, task := range tasks {
						got = append(got, task.Ref.Item)
					}
					mu.Unlock()
				}
			})
			must(t, errors.Join(errs...), "Claim by many")
			slices.Sort(got)
			slices.Sort(ids)
			if !slices.Equal(got, ids) {
				t.Errorf("16 workers claimed %d tasks %q, want each of %d once", len(got), got, len(ids))
			}
		}},
}

// sameRefs compares without regard to the order.
func sameRefs(got, want []automation.TaskRef) bool {
	if len(got) != len(want) {
		return false
	}
	for _, ref := range want {
		if !slices.Contains(got, ref) {
			return false
		}
	}
	return true
}
