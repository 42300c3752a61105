package storetest

import (
	"errors"
	"sync/atomic"

	"github.com/scrip-go/scrip/automation"
)

var completeCases = []testCase[*runTest]{
	{"CountsWhatWasDone", "a completed task counts as done, with the rows that save made and the credits that were charged",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2", "3")
			for i, task := range t.claim(2) {
				out := automation.Outcome{Charged: 5}
				must(t, t.store.Complete(t.Context(), worker, task.Ref, out, func(automation.Tx) (int, error) { return 3 + i, nil }), "Complete")
			}
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 3, Done: 2, Created: 7, Credits: 10})
		}},
	{"BeginsTheNextStageWithTheLastItem", "the last item of a stage ends it and the next one is planned; the last of the last stage ends the run",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1", "2")
			tasks := t.claim(2)
			t.complete(tasks[1])
			t.wantRun(automation.Running, "a")
			t.complete(tasks[0])
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone, Total: 2, Done: 2})
			t.wantCount(automation.StageCount{Stage: "b", State: automation.StagePlanning})
			t.plan("r", "b", "1") // the same id as in the stage before
			t.clock.advance(lease)
			t.complete(t.claimOne())
			if r := t.wantRun(automation.Done, "b"); !r.EndedAt.Equal(t.clock.now()) || r.Reason != "" || r.Detail != "" {
				t.Errorf("Run = ended %v because of %q, %q, want %v and no reason", r.EndedAt, r.Reason, r.Detail, t.clock.now())
			}
			t.create(newRun("next", "a"))
		}},
	{"DoesNotCompleteForAnEarlierClaim", "once a task was claimed by another its earlier owner is stale: ErrStale, and save is not called",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			old := t.claimOne()
			t.clock.advance(lease)
			tasks, err := t.store.Claim(t.Context(), "another", lease, 1)
			if err != nil || len(tasks) != 1 || tasks[0].Ref.Item != "1" {
				t.Fatalf("Claim = %+v, %v, want item 1", tasks, err)
			}
			t.wantStale(worker, old.Ref)
			t.wantStale(worker, tasks[0].Ref) // the right generation, but not its owner
			t.wantStale("another", old.Ref)   // the right owner, but not its generation
			err = t.store.Complete(t.Context(), "another", tasks[0].Ref, automation.Outcome{}, nothing)
			wantErr(t, err, nil, "Complete by the present owner")
			t.wantStale("another", tasks[0].Ref) // it is done
		}},
	{"KnowsAGenerationFromAnother", "the same owner under an earlier generation is stale as well",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			old := t.claimOne()
			t.clock.advance(lease)
			task := t.claimOne()
			t.wantStale(worker, old.Ref)
			t.complete(task)
		}},
	{"LeavesNothingOfASaveThatFailed", "if save fails Complete returns its error and nothing happened: the task is still the owner's",
		func(t *runTest) {
			t.start([]string{"a"}, "1")
			task := t.claimOne()
			broken := errors.New("broken")
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{Charged: 5}, func(automation.Tx) (int, error) { return 3, broken })
			wantErr(t, err, broken, "Complete with a save that fails")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 1, Leased: 1})
			t.complete(task)
			t.wantRun(automation.Done, "a")
		}},
	{"CompletesWhatIsUnderWayOfAPausingRun", "what is under way is saved while a run is pausing or canceling, and the last item of all ends the run",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1")
			task := t.claimOne()
			t.set(automation.Running, automation.Pausing)
			t.complete(task)
			t.wantRun(automation.Pausing, "b")
			t.set(automation.Pausing, automation.Running)
			t.plan("r", "b", "1")
			task = t.claimOne()
			must(t, t.store.SetState(t.Context(), "r", automation.Running, automation.Pausing, automation.ByCredits, "out of credits"), "SetState")
			t.complete(task)
			if r := t.wantRun(automation.Done, "b"); r.Reason != "" || r.Detail != "" {
				t.Errorf("Run = done because of %q, %q, want no reason", r.Reason, r.Detail)
			}
			next := newRun("next", "a", "b")
			t.create(next)
			t.plan("next", "a", "1")
			task = t.claimOne()
			must(t, t.store.SetState(t.Context(), "next", automation.Running, automation.Canceling, automation.ByUser, ""), "SetState")
			t.complete(task)
			if r, _, err := t.store.Run(t.Context(), "next"); err != nil || r.State != automation.Canceling || r.Stage != "b" {
				t.Errorf("Run = %s in stage %q, %v, want it canceling in b", r.State, r.Stage, err)
			}
			must(t, t.store.SetState(t.Context(), "next", automation.Canceling, automation.Cancelled, automation.ByUser, ""), "SetState")
			t.create(newRun("last", "a"))
			t.plan("last", "a", "1")
			task = t.claimOne()
			must(t, t.store.SetState(t.Context(), "last", automation.Running, automation.Canceling, automation.ByUser, ""), "SetState")
			t.complete(task)
			if r, _, err := t.store.Run(t.Context(), "last"); err != nil || r.State != automation.Done || r.EndedAt.IsZero() {
				t.Errorf("Run = %s, ended %v, %v, want it done", r.State, r.EndedAt, err)
			}
		}},
	{"CompletesATaskOnce", "of many completions of one claim that race one saves, the others are stale",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			task := t.claimOne()
			var saved atomic.Int32
			errs := together(16, func(int) error {
				return t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{Charged: 1}, func(automation.Tx) (int, error) {
					saved.Add(1)
					return 1, nil
				})
			})
			if won, lost := matching(errs, nil), matching(errs, automation.ErrStale); won != 1 || lost != 15 || saved.Load() != 1 {
				t.Errorf("16 completions: %d succeed, %d are stale, %d saved, want 1, 15 and 1: %v", won, lost, saved.Load(), errors.Join(errs...))
			}
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Done: 1, Created: 1, Credits: 1})
		}},
	{"EndsAStageOnce", "when the last items of a stage are completed at once the next stage begins, once",
		func(t *runTest) {
			t.start([]string{"a", "b"}, "1", "2", "3", "4", "5", "6", "7", "8")
			tasks := t.claim(8)
			errs := together(len(tasks), func(i int) error {
				return t.store.Complete(t.Context(), worker, tasks[i].Ref, automation.Outcome{Charged: 1}, nothing)
			})
			must(t, errors.Join(errs...), "Complete of all at once")
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone, Total: 8, Done: 8, Credits: 8})
		}},
}

// wantStale checks that no act on a claim is let through, and that save is not called.
func (t *runTest) wantStale(owner string, ref automation.TaskRef) {
	t.Helper()
	err := t.store.Complete(t.Context(), owner, ref, automation.Outcome{}, func(automation.Tx) (int, error) {
		t.Errorf("Complete of a stale claim calls save")
		return 0, nil
	})
	wantErr(t, err, automation.ErrStale, "Complete of a stale claim")
	wantErr(t, t.store.Retry(t.Context(), owner, ref, "", 0, true), automation.ErrStale, "Retry of a stale claim")
	wantErr(t, t.store.Fail(t.Context(), owner, ref, ""), automation.ErrStale, "Fail of a stale claim")
}
