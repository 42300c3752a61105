package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation"
)

var failureCases = []testCase[*runTest]{
	{"GivesATaskBackUntilItsTime", "a task that is given back can be claimed once the time has passed, not before, in a higher generation",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			task := t.claimOne()
			must(t, t.store.Retry(t.Context(), worker, task.Ref, "busy", time.Minute, true), "Retry")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2})
			t.wantStale(worker, task.Ref)
			t.wantClaim("2")
			t.clock.advance(time.Minute - time.Microsecond)
			t.wantClaim()
			t.clock.advance(time.Microsecond)
			again := t.claimOne()
			if again.Ref.Item != "1" || again.Ref.Generation != 2 || again.Attempts != 1 {
				t.Errorf("Claim = %+v, want item 1 in generation 2 after 1 failed try", again)
			}
		}},
	{"CountsFailedTries", "a try counts as failed if Retry says so, and a lease that ran out does not",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			for i, counts := range []bool{true, false, true} {
				task := t.claimOne()
				if want := []int{0, 1, 1}[i]; task.Attempts != want {
					t.Errorf("claim %d: %d failed tries, want %d", i, task.Attempts, want)
				}
				must(t, t.store.Retry(t.Context(), worker, task.Ref, "busy", 0, counts), "Retry")
			}
			t.claimOne()
			t.clock.advance(lease)
			if task := t.claimOne(); task.Attempts != 2 || task.Ref.Generation != 5 {
				t.Errorf("Claim = %d failed tries, generation %d, want 2 and 5", task.Attempts, task.Ref.Generation)
			}
		}},
	{"KeepsThePlaceOfATaskGivenBack", "a task that is given back keeps its place in the order of planning",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2", "3")
			task := t.claimOne()
			must(t, t.store.Retry(t.Context(), worker, task.Ref, "busy", 0, false), "Retry")
			t.wantClaim("1", "2", "3")
		}},
	{"KeepsThePlaceOfATaskWhoseTimeCame", "tasks whose time has come and tasks whose lease ran out are claimed among the others in the order of planning, whatever became due first",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2", "3", "4", "5")
			tasks := t.claim(3)
			must(t, t.store.Retry(t.Context(), worker, tasks[0].Ref, "busy", time.Hour, true), "Retry")
			must(t, t.store.Retry(t.Context(), worker, tasks[2].Ref, "busy", time.Second, true), "Retry")
			t.clock.advance(time.Hour)
			t.wantClaim("1", "2", "3", "4", "5")
		}},
	{"GivesATaskUp", "a task that is given up is counted, listed with its cause and its tries, and not claimed again; the stage goes on",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1", "2", "3")
			task := t.claimOne()
			must(t, t.store.Retry(t.Context(), worker, task.Ref, "first", 0, true), "Retry")
			task = t.claimOne()
			must(t, t.store.Fail(t.Context(), worker, task.Ref, "second"), "Fail")
			t.wantStale(worker, task.Ref)
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 3, Failed: 1})
			want := []automation.FailedTask{{Stage: "a", Item: "1", Attempts: 2, Cause: "second"}}
			if got := t.failed("r"); !slices.Equal(got, want) {
				t.Errorf("Failed = %+v, want %+v", got, want)
			}
			for _, task := range t.wantClaim("2", "3") {
				t.complete(task)
			}
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone, Total: 3, Done: 2, Failed: 1})
		}},
	{"EndsAStageWithAFailedItem", "for the end of a stage a task that was given up counts as one that was done",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			tasks := t.claim(2)
			t.complete(tasks[0])
			t.fail(tasks[1])
			t.wantRun(automation.Done, "a")
		}},
	{"FailsARunOfWhichAStageFailed", "if every item of a stage was given up the run has failed by its items, says in which stage, and the next stage does not begin",
		func(t *runTest) {
			t.start([]string{"first", "second"}, "1", "2")
			for _, task := range t.claim(2) {
				t.fail(task)
			}
			r := t.wantRun(automation.Failed, "first")
			if r.Reason != automation.ByItems || !strings.Contains(r.Detail, "first") || !r.EndedAt.Equal(t.clock.now()) {
				t.Errorf("Run = failed by %q, %q, at %v, want by %q, a detail that names the stage, at %v", r.Reason, r.Detail, r.EndedAt, automation.ByItems, t.clock.now())
			}
			if got := t.failed("r"); len(got) != 2 {
				t.Errorf("Failed = %+v, want two tasks", got)
			}
			t.create(newRun("next", "a"))
		}},
	{"ListsManyFailures", "Failed yields every task that was given up once, however many there are",
		func(t *runTest) {
			var ids []string
			for i := range 60 {
				ids = append(ids, fmt.Sprintf("item %02d", i))
			}
			t.start([]string{"a"}, ids...)
			for _, task := range t.claim(len(ids)) {
				t.fail(task)
			}
			var got []string
			for _, task := range t.failed("r") {
				got = append(got, task.Item)
			}
			if slices.Sort(got); !slices.Equal(got, ids) {
				t.Errorf("Failed = %q, want each of %d tasks once", got, len(ids))
			}
		}},
	{"ListsFailuresOfTheRunOnly", "Failed yields the run's own tasks, of every stage",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1", "2")
			tasks := t.claim(2)
			t.fail(tasks[0])
			t.complete(tasks[1])
			t.plan("r", "b", "1", "2")
			t.fail(t.claimOne())
			got := t.failed("r")
			if len(got) != 2 || got[0].Stage+got[1].Stage != "ab" && got[0].Stage+got[1].Stage != "ba" {
				t.Errorf("Failed = %+v, want one task of each stage", got)
			}
			if got := t.failed("another"); len(got) != 0 {
				t.Errorf("Failed of another run = %+v, want none", got)
			}
		}},
}

// withFinisher creates run "r" with stages a, which ends with a Finish task, and b, and plans a.
func (t *runTest) withFinisher(ids ...string) {
	t.Helper()
	r := newRun("r", "a", "b")
	r.Finishers = []string{"a"}
	t.create(r)
	t.plan("r", "a", ids...)
}

var finishCases = []testCase[*runTest]{
	{"FinishesAStageLast", "a stage with a finisher gets its Finish task once all others are done or given up; it is claimed like any other, counts in what was made and charged, and not in total, done or failed",
		func(t *runTest) {
			t.withFinisher("1", "2")
			tasks := t.claim(2)
			t.complete(tasks[0])
			t.wantClaim()
			t.fail(tasks[1])
			t.wantRun(automation.Running, "a")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Done: 1, Failed: 1})
			finish := t.wantClaim(automation.FinishItem)
			if ref := finish[0].Ref; ref.Stage != "a" || ref.Generation != 1 || finish[0].Account != alice || finish[0].Site != "site" {
				t.Errorf("Claim = %+v, want the Finish task of stage a", finish[0])
			}
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Done: 1, Failed: 1, Leased: 1})
			out := automation.Outcome{Charged: 5}
			must(t, t.store.Complete(t.Context(), worker, finish[0].Ref, out, func(automation.Tx) (int, error) { return 2, nil }), "Complete")
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone, Total: 2, Done: 1, Failed: 1, Created: 2, Credits: 5})
		}},
	{"FinishesAStageWithoutItems", "a stage with a finisher and nothing to do has its Finish task all the same",
		func(t *runTest) {
			t.withFinisher()
			t.wantRun(automation.Running, "a")
			t.complete(t.wantClaim(automation.FinishItem)[0])
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone})
		}},
	{"FinishesAgainAfterALease", "a Finish task whose worker died is claimed again, and there is one only",
		func(t *runTest) {
			t.withFinisher("1")
			t.complete(t.claimOne())
			old := t.wantClaim(automation.FinishItem)[0]
			t.clock.advance(lease)
			again := t.wantClaim(automation.FinishItem)[0]
			if again.Ref.Generation != 2 {
				t.Errorf("Claim = generation %d, want 2", again.Ref.Generation)
			}
			t.wantStale(worker, old.Ref)
			must(t, t.store.Retry(t.Context(), worker, again.Ref, "busy", 0, true), "Retry")
			t.complete(t.wantClaim(automation.FinishItem)[0])
			t.wantRun(automation.Running, "b")
		}},
	{"GoesOnAfterAFailedFinish", "a Finish task that is given up is listed as failed but not counted, and ends the stage",
		func(t *runTest) {
			t.withFinisher("1")
			t.complete(t.claimOne())
			t.fail(t.wantClaim(automation.FinishItem)[0])
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone, Total: 1, Done: 1})
			if got := t.failed("r"); len(got) != 1 || got[0].Item != automation.FinishItem {
				t.Errorf("Failed = %+v, want the Finish task", got)
			}
		}},
	{"FailsARunAfterItsFinish", "a stage of which every item was given up is finished first, and then the run has failed",
		func(t *runTest) {
			t.withFinisher("1", "2")
			for _, task := range t.claim(2) {
				t.fail(task)
			}
			t.wantRun(automation.Running, "a")
			t.complete(t.wantClaim(automation.FinishItem)[0])
			if r := t.wantRun(automation.Failed, "a"); r.Reason != automation.ByItems {
				t.Errorf("Run = failed by %q, want %q", r.Reason, automation.ByItems)
			}
		}},
	{"KeepsTheFinishItemFree", "an item of a stage with a finisher cannot have the Finish task's id: ErrInvalid",
		func(t *runTest) {
			r := newRun("r", "a")
			r.Finishers = []string{"a"}
			t.create(r)
			err := t.planned("r", "a", items("1", automation.FinishItem))
			wantErr(t, err, automation.ErrInvalid, "Plan with the Finish task's id")
		}},
}
