package storetest

import (
	"encoding/json"
	"fmt"

	"github.com/scrip-go/scrip/automation"
)

var planCases = []testCase[*runTest]{
	{"ClaimsNothingBeforePlanningEnds", "no task of a stage can be claimed before its last page was planned",
		func(t *runTest) {
			t.create(newRun("r", "a", "b"))
			planning := t.page(0, false, "1", "2")
			t.wantClaim()
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StagePlanning, Total: 2})
			t.page(planning, true, "3")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 3})
			t.wantClaim("1", "2", "3")
		}},
	{"RemovesWhatAnInterruptedPlanningLeft", "the first page removes the tasks of an earlier planning that did not end",
		func(t *runTest) {
			t.create(newRun("r", "a", "b"))
			t.page(0, false, "1", "2", "old")
			planning := t.page(0, false, "2", "1")
			t.page(planning, true, "3")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 3})
			t.wantClaim("2", "1", "3")
		}},
	{"EndsNoPlanningWithPagesOfTwo", "once another planning has begun, a further page of the one before it is ErrStale and plans nothing",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			old := t.page(0, false, "1", "2")
			t.page(old, false, "3")
			planning := t.page(0, false, "1", "2")
			for _, last := range []bool{false, true} {
				_, err := t.store.Plan(t.Context(), "r", "a", items("4"), old, last)
				wantErr(t, err, automation.ErrStale, "Plan of a page of the planning before")
				t.wantCount(automation.StageCount{Stage: "a", State: automation.StagePlanning, Total: 2})
			}
			planning = t.page(planning, false, "3")
			t.page(planning, true, "4")
			t.wantClaim("1", "2", "3", "4")
		}},
	{"EndsAPlanningWithAnEmptyPage", "the last page may be empty, after pages that were not",
		func(t *runTest) {
			t.create(newRun("r", "a", "b"))
			t.page(t.page(0, false, "1"), true)
			t.wantRun(automation.Running, "a")
			t.wantClaim("1")
		}},
	{"PlansOnlyAStageInPlanning", "a stage that is pending, running or done, or of a run that is over, is not planned: ErrState; an unknown one is ErrNotFound",
		func(t *runTest) {
			t.create(newRun("r", "a", "b"))
			wantErr(t, t.planned("r", "b", items("1")), automation.ErrState, "Plan of a pending stage")
			wantErr(t, t.planned("r", "c", items("1")), automation.ErrNotFound, "Plan of an unknown stage")
			t.plan("r", "a", "1")
			wantErr(t, t.planned("r", "a", items("1")), automation.ErrState, "Plan of a running stage")
			t.complete(t.claimOne())
			wantErr(t, t.planned("r", "a", items("1")), automation.ErrState, "Plan of a stage that is done")
			t.set(automation.Running, automation.Canceling)
			t.set(automation.Canceling, automation.Cancelled)
			wantErr(t, t.planned("r", "b", items("1")), automation.ErrState, "Plan of a cancelled run")
		}},
	{"RefusesAnItemTwice", "an item twice, in a page or in two, or without an id, is ErrInvalid, and nothing of that page is planned",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			planning := t.page(0, false, "1")
			for _, c := range []struct {
				name     string
				page     []automation.Item
				planning int64
			}{
				{"twice in a page", items("2", "3", "2"), planning},
				{"in two pages", items("2", "1"), planning},
				{"without an id", items("2", ""), planning},
				{"twice from first", items("2", "2"), 0},
			} {
				_, err := t.store.Plan(t.Context(), "r", "a", c.page, c.planning, true)
				wantErr(t, err, automation.ErrInvalid, "Plan of an item "+c.name)
				t.wantCount(automation.StageCount{Stage: "a", State: automation.StagePlanning, Total: 1})
			}
			t.page(planning, true, "2")
			t.wantClaim("1", "2")
		}},
	{"SkipsAStageWithNothingToDo", "a stage that is planned empty is done at once and the next one is planned; after the last one the run is done",
		func(t *runTest) {
			t.create(newRun("r", "a", "b"))
			t.plan("r", "a")
			t.wantRun(automation.Running, "b")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageDone})
			t.wantCount(automation.StageCount{Stage: "b", State: automation.StagePlanning})
			t.plan("r", "b")
			if r := t.wantRun(automation.Done, "b"); !r.EndedAt.Equal(t.clock.now()) {
				t.Errorf("Run = ended %v, want %v", r.EndedAt, t.clock.now())
			}
		}},
	{"KeepsInputsExactly", "a task's input comes back byte by byte: what a call asks for must not change between two tries",
		func(t *runTest) {
			inputs := []string{`{"b":1, "a": 2.50, "a":"é\u00e9\u0000"}`, `[]`, `null`, ` 1e400 `}
			t.create(newRun("r", "a"))
			page := []automation.Item{{ID: "none"}}
			for i, in := range inputs {
				page = append(page, automation.Item{ID: fmt.Sprint(i), Input: json.RawMessage(in)})
			}
			must(t, t.planned("r", "a", page), "Plan")
			for i := range page {
				clear(page[i].Input)
			}
			for range 2 { // the second time it is claimed, too
				tasks := t.claim(len(page))
				if len(tasks[0].Item.Input) != 0 {
					t.Errorf("input = %q, want none", tasks[0].Item.Input)
				}
				for i, in := range inputs {
					if got := string(tasks[i+1].Item.Input); got != in {
						t.Errorf("input = %q, want %q", got, in)
					}
					clear(tasks[i+1].Item.Input)
				}
				t.clock.advance(lease)
			}
		}},
}
