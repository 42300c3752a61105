package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

// Faces are the faces of one database that the automation's transactions span.
type Faces struct {
	Runs automation.Store
	// Content is the content store of the same database, and In gives it inside the transaction that completes a task.
	// Both are nil if the database keeps no content: the cases that are about it are then skipped.
	Content content.Store
	In      func(automation.Tx) (content.Store, error)
}

// RunAutomationStore checks an [automation.Store] against its contract. open returns an empty database that takes the
// time from now. It is called once for each case, and a second time by a case about transactions of another database.
func RunAutomationStore(t *testing.T, open func(t *testing.T, now func() time.Time) Faces) {
	for _, c := range automationCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			faces := open(t, clk.now)
			c.do(&runTest{tb: t, store: faces.Runs, faces: faces, clock: clk,
				another: func() Faces { return open(t, clk.now) }}, (*runTest).audit)
		})
	}
}

func automationCases() []testCase[*runTest] {
	return slices.Concat(runCases, stateCases, planCases, claimCases, errandCases, completeCases, failureCases, finishCases, txCases)
}

// runTest is a case under way.
type runTest struct {
	tb
	store   automation.Store
	faces   Faces
	clock   *clock
	another func() Faces // opens another database
}

const (
	worker = "worker"
	lease  = time.Minute
)

// newRun is a run of site "site" with the given stages.
func newRun(id string, stages ...string) automation.Run {
	return automation.Run{ID: id, Site: "site", Account: alice, Stages: stages, State: automation.Running, Estimate: 100}
}

func (t *runTest) create(r automation.Run) {
	t.Helper()
	must(t, t.store.CreateRun(t.Context(), r), fmt.Sprintf("CreateRun(%q)", r.ID))
}

// start creates run "r" with the given stages and plans the first with the given items.
func (t *runTest) start(stages []string, items ...string) {
	t.Helper()
	t.create(newRun("r", stages...))
	t.plan("r", stages[0], items...)
}

func items(ids ...string) []automation.Item {
	out := make([]automation.Item, len(ids))
	for i, id := range ids {
		out[i] = automation.Item{ID: id, Input: json.RawMessage(fmt.Sprintf(`{"for": %q}`, id))}
	}
	return out
}

// plan plans a stage in one page.
func (t *runTest) plan(run, stage string, ids ...string) {
	t.Helper()
	must(t, t.planned(run, stage, items(ids...)), fmt.Sprintf("Plan(%q, %q)", run, stage))
}

// planned plans a stage in one page and returns the error.
func (t *runTest) planned(run, stage string, page []automation.Item) error {
	_, err := t.store.Plan(t.Context(), run, stage, page, 0, true)
	return err
}

// page plans a page of stage "a" of run "r", the first of a planning if that is 0, and returns its number.
func (t *runTest) page(planning int64, last bool, ids ...string) int64 {
	t.Helper()
	planning, err := t.store.Plan(t.Context(), "r", "a", items(ids...), planning, last)
	must(t, err, "Plan")
	return planning
}

// claim leases the next n tasks to the worker.
func (t *runTest) claim(n int) []automation.Task {
	t.Helper()
	tasks, err := t.store.Claim(t.Context(), worker, lease, n)
	must(t, err, "Claim")
	if len(tasks) != n {
		t.Fatalf("Claim(%d) returns %d tasks: %+v", n, len(tasks), tasks)
	}
	return tasks
}

// claimOne leases the next task to the worker.
func (t *runTest) claimOne() automation.Task {
	t.Helper()
	return t.claim(1)[0]
}

// wantClaim checks what can be claimed now, by item, and leases it.
func (t *runTest) wantClaim(want ...string) []automation.Task {
	t.Helper()
	tasks, err := t.store.Claim(t.Context(), worker, lease, 100)
	must(t, err, "Claim")
	got := []string{}
	for _, task := range tasks {
		got = append(got, task.Ref.Item)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Claim = items %q, want %q", got, want)
	}
	return tasks
}

func nothing(automation.Tx) (int, error) { return 0, nil }

func (t *runTest) complete(task automation.Task) {
	t.Helper()
	must(t, t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, nothing), fmt.Sprintf("Complete(%q)", task.Ref.Item))
}

func (t *runTest) fail(task automation.Task) {
	t.Helper()
	must(t, t.store.Fail(t.Context(), worker, task.Ref, "no good"), fmt.Sprintf("Fail(%q)", task.Ref.Item))
}

// set changes the state of run "r", which must succeed.
func (t *runTest) set(from, to automation.State) {
	t.Helper()
	must(t, t.store.SetState(t.Context(), "r", from, to, automation.ByUser, ""), fmt.Sprintf("SetState(%s, %s)", from, to))
}

// wantRun checks where run "r" is.
func (t *runTest) wantRun(state automation.State, stage string) automation.Run {
	t.Helper()
	r, _, err := t.store.Run(t.Context(), "r")
	must(t, err, "Run")
	if r.State != state || r.Stage != stage {
		t.Errorf("Run = %s in stage %q, want %s in %q", r.State, r.Stage, state, stage)
	}
	if ended := !r.EndedAt.IsZero(); ended != r.State.Terminal() {
		t.Errorf("Run = %s and ended at %v: a run has an end if it is terminal", r.State, r.EndedAt)
	}
	return r
}

// count returns how far a stage of run "r" is.
func (t *runTest) count(stage string) automation.StageCount {
	t.Helper()
	_, counts, err := t.store.Run(t.Context(), "r")
	must(t, err, "Run")
	for _, c := range counts {
		if c.Stage == stage {
			return c
		}
	}
	t.Fatalf("Run has no stage %q: %+v", stage, counts)
	return automation.StageCount{}
}

func (t *runTest) wantCount(want automation.StageCount) {
	t.Helper()
	if got := t.count(want.Stage); got != want {
		t.Errorf("stage = %+v, want %+v", got, want)
	}
}

func (t *runTest) failed(run string) []automation.FailedTask {
	t.Helper()
	return collect(t, t.store.Failed(t.Context(), run), "Failed")
}

// audit is run after every case: a site has one unfinished run at most, errands aside, and every run is where its stages say.
func (t *runTest) audit() {
	t.Helper()
	live := map[string]string{}
	unfinished := map[string]bool{}
	for _, r := range collect(t, t.store.Unfinished(t.Context()), "Unfinished") {
		unfinished[r.ID] = true
	}
	for _, r := range collect(t, t.store.Runs(t.Context(), ""), "Runs") {
		if r.State.Terminal() == unfinished[r.ID] {
			t.Errorf("run %q is %s; Unfinished yields it: %v", r.ID, r.State, unfinished[r.ID])
		}
		if other := live[r.Site]; other != "" && !r.State.Terminal() && !r.Errand() {
			t.Errorf("site %q has two unfinished runs, %q and %q", r.Site, other, r.ID)
		}
		if !r.State.Terminal() && !r.Errand() {
			live[r.Site] = r.ID
		}
		t.auditStages(r)
	}
}

func (t *runTest) auditStages(r automation.Run) {
	t.Helper()
	_, counts, err := t.store.Run(t.Context(), r.ID)
	must(t, err, "Run")
	if len(counts) != len(r.Stages) {
		t.Fatalf("run %q has %d stages, want %d", r.ID, len(counts), len(r.Stages))
	}
	at := slices.Index(r.Stages, r.Stage)
	for i, c := range counts {
		done, begun := c.State == automation.StageDone, c.State != automation.StagePending
		switch {
		case c.Stage != r.Stages[i]:
			t.Errorf("run %q: stage %d is %q, want %q", r.ID, i, c.Stage, r.Stages[i])
		case i < at && !done, i > at && begun:
			t.Errorf("run %q is in stage %q, but stage %q is %s", r.ID, r.Stage, c.Stage, c.State)
		case c.Done+c.Failed > c.Total, done && c.Done+c.Failed != c.Total:
			t.Errorf("run %q: stage %q counts %d done and %d failed of %d", r.ID, c.Stage, c.Done, c.Failed, c.Total)
		case (done || r.State.Idle()) && c.Leased != 0:
			t.Errorf("run %q is %s, stage %q is %s, but %d tasks are leased", r.ID, r.State, c.Stage, c.State, c.Leased)
		}
	}
}
