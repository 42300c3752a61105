package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

var claimCases = []testCase[*runTest]{
	{"ClaimsInTheOrderOfPlanning", "tasks are claimed in the order in which they were planned, at most so many as asked for",
		func(t *runTest) {
			t.start([]string{"a"}, "b", "a", "c", "10", "9")
			if tasks := t.claim(2); tasks[0].Ref.Item != "b" || tasks[1].Ref.Item != "a" {
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
			if tasks[0].Ref.Generation != 2 || tasks[0].Attempts != 0 {
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
			kept, err = t.store.Extend(t.Context(), worker, []automation.TaskRef{tasks[1].Ref, again[0].Ref}, lease)
			if err != nil || !sameRefs(kept, []automation.TaskRef{again[0].Ref}) {
				t.Errorf("Extend of two generations = %+v, %v, want the newer one", kept, err)
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
	{"KeepsLeasesOfARunThatIsEnding", "while a run is pausing or canceling the leases of what is under way are extended as ever",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			task := t.claimOne()
			for _, to := range []automation.State{automation.Pausing, automation.Canceling} {
				r, _, err := t.store.Run(t.Context(), "r")
				must(t, err, "Run")
				t.set(r.State, to)
				t.clock.advance(lease - time.Microsecond)
				kept, err := t.store.Extend(t.Context(), worker, []automation.TaskRef{task.Ref}, lease)
				if err != nil || !sameRefs(kept, []automation.TaskRef{task.Ref}) {
					t.Errorf("Extend while the run is %s = %+v, %v, want the task", to, kept, err)
				}
			}
			t.clock.advance(lease - time.Microsecond)
			t.wantClaim()
			t.complete(task)
		}},
	{"RefusesALeaseThatIsNone", "a lease without an owner, or for no time, is ErrInvalid, and leases nothing",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			for name, bad := range map[string]struct {
				owner string
				lease time.Duration
			}{"no owner": {"", lease}, "no time": {worker, 0}, "less than no time": {worker, -1}} {
				_, err := t.store.Claim(t.Context(), bad.owner, bad.lease, 1)
				wantErr(t, err, automation.ErrInvalid, "Claim with "+name)
				_, err = t.store.Extend(t.Context(), bad.owner, []automation.TaskRef{{Run: "r", Stage: "a", Item: "1", Generation: 1}}, bad.lease)
				wantErr(t, err, automation.ErrInvalid, "Extend with "+name)
			}
			tasks, err := t.store.Claim(t.Context(), worker, lease, 0)
			if err != nil || len(tasks) != 0 {
				t.Errorf("Claim(0) = %+v, %v, want no task", tasks, err)
			}
			if task := t.claimOne(); task.Ref.Generation != 1 {
				t.Errorf("Claim = generation %d, want 1", task.Ref.Generation)
			}
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
	{"ClaimsFromAllRuns", "one claim takes from all running runs of an account, in the order of planning",
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
	{"ClaimsInTurnsOfAccounts", "accounts take turns: the next task is one of the account that has the fewest under way, and among equals the one that was planned first; a lease that has run out is not under way",
		func(t *runTest) {
			for id, account := range map[string]credits.Account{"a1": alice, "a2": alice, "b": bob, "c": "carol"} {
				r := newRun(id, "a")
				r.Site, r.Account = id, account
				t.create(r)
			}
			t.plan("a1", "a", "a1", "a2", "a3", "a4")
			t.plan("a2", "a", "a5")
			t.plan("b", "a", "b1", "b2", "b3")
			t.plan("c", "a", "c1")
			claim := func(n int, want string) (tasks []automation.Task) {
				t.Helper()
				tasks = t.claim(n)
				var got []string
				for _, task := range tasks {
					got = append(got, task.Ref.Item)
				}
				if strings.Join(got, " ") != want {
					t.Fatalf("Claim(%d) = %s, want %s", n, strings.Join(got, " "), want)
				}
				return tasks
			}
			first := claim(4, "a1 b1 c1 a2")
			claim(2, "b2 a3")
			t.complete(first[0])
			t.complete(first[3])
			claim(1, "a4") // alice has one under way, bob two
			t.clock.advance(lease)
			claim(3, "a3 b1 c1") // nobody has anything under way
			claim(4, "a4 b2 a5 b3")
		}},
	{"ClaimsOfCancelingRunsInTheirPlace", "tasks of canceling runs are claimed in the order of planning among those of the account's running ones, and count for the limit",
		func(t *runTest) {
			for _, id := range []string{"x", "y", "z"} {
				r := newRun(id, "a")
				r.Site = id
				t.create(r)
				t.plan(id, "a", id+"1", id+"2")
			}
			for _, task := range t.wantClaim("x1", "x2", "y1", "y2", "z1", "z2") {
				must(t, t.store.Retry(t.Context(), worker, task.Ref, "busy", 0, false), "Retry")
			}
			for _, id := range []string{"z", "y"} {
				must(t, t.store.SetState(t.Context(), id, automation.Running, automation.Canceling, automation.ByUser, ""), "SetState")
			}
			got := ""
			for _, task := range t.claim(5) {
				got += fmt.Sprint(task.Ref.Item, " ", task.Canceling, ", ")
			}
			if want := "x1 false, x2 false, y1 true, y2 true, z1 true, "; got != want {
				t.Errorf("Claim(5) = %s want %s", got, want)
			}
			t.wantClaim("z2")
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
