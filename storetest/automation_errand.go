package storetest

import (
	"errors"
	"slices"

	"github.com/scrip-go/scrip/automation"
)

// errand is a run of stage "a" of site "site" about some rows.
func errand(id string, rows ...string) automation.Run {
	r := newRun(id, "a")
	r.Items = rows
	return r
}

// wantClaimed checks that a row is refused, and names who has it.
func (t *runTest) wantClaimed(err error, row, run string) {
	t.Helper()
	var claimed *automation.ClaimedError
	if !errors.As(err, &claimed) || *claimed != (automation.ClaimedError{Site: "site", Stage: "a", Row: row, Run: run}) {
		t.Errorf("error = %v, want a *ClaimedError of row %q and run %q", err, row, run)
	}
}

// wantOthers checks which rows of stage "a" others than a run claim.
func (t *runTest) wantOthers(run string, want ...string) {
	t.Helper()
	got := slices.Sorted(slices.Values(collect(t, t.store.Claimed(t.Context(), "site", "a", run), "Claimed")))
	if !slices.Equal(got, want) {
		t.Errorf("Claimed for run %q = %q, want %q", run, got, want)
	}
}

var errandCases = []testCase[*runTest]{
	{"StartsErrandsBesideARun", "an errand is neither in the way of the site's run nor has it in its way, and keeps its rows in their order",
		func(t *runTest) {
			t.create(errand("e1", "2", "1"))
			t.create(newRun("r", "a"))
			t.create(errand("e2", "3"))
			e, _, err := t.store.Run(t.Context(), "e1")
			must(t, err, "Run")
			if !slices.Equal(e.Items, []string{"2", "1"}) {
				t.Errorf("Run = items %q, want 2 and 1", e.Items)
			}
			wantErr(t, t.store.CreateRun(t.Context(), newRun("another", "a")), automation.ErrRunExists, "CreateRun of a second run")
		}},
	{"RefusesAnErrandThatMakesNoSense", "an errand has one stage, and each of its rows once", func(t *runTest) {
		two := errand("e", "1")
		two.Stages = []string{"a", "b"}
		for _, bad := range []automation.Run{two, errand("e", "1", "1"), errand("e", "")} {
			wantErr(t, t.store.CreateRun(t.Context(), bad), automation.ErrInvalid, "CreateRun")
		}
	}},
	{"ClaimsRowsOfAnErrandAllOrNone", "an errand whose row is claimed is refused with the row and its run, and claims nothing", func(t *runTest) {
		t.create(errand("e1", "1", "2"))
		t.wantClaimed(t.store.CreateRun(t.Context(), errand("e2", "0", "2")), "2", "e1")
		_, _, err := t.store.Run(t.Context(), "e2")
		wantErr(t, err, automation.ErrNotFound, "Run of what was refused")
		t.create(errand("e3", "0"))
		t.wantOthers("e1", "0")
		other := errand("e4", "1")
		other.Site = "another"
		t.create(other)
		other = errand("e5", "1")
		other.Stages = []string{"b"}
		t.create(other)
	}},
	{"PlansNoRowOfAnother", "a page with a row that another run claims is refused with the row and its run, and nothing of it is inserted", func(t *runTest) {
		t.create(errand("e", "2"))
		t.create(newRun("r", "a"))
		t.wantClaimed(t.planned("r", "a", items("1", "2")), "2", "e")
		t.wantOthers("e")
		t.wantOthers("r", "2")
		t.plan("r", "a", "1")
		t.wantClaimed(t.store.CreateRun(t.Context(), errand("e2", "1")), "1", "r")
		t.plan("e", "a", "2")
		t.wantClaim("1", "2")
	}},
	{"ClaimsWhatAnItemTakesUp", "an item claims the rows that it names, and not its id; no two items of a run have the same row", func(t *runTest) {
		t.create(newRun("r", "a"))
		wantErr(t, t.planned("r", "a", []automation.Item{{ID: "x", Rows: []string{"1"}}, {ID: "y", Rows: []string{"1"}}}), automation.ErrInvalid, "Plan")
		must(t, t.planned("r", "a", []automation.Item{{ID: "batch", Rows: []string{"2", "1"}}}), "Plan")
		t.wantOthers("", "1", "2")
		t.create(errand("e", "batch"))
		t.wantClaimed(t.store.CreateRun(t.Context(), errand("e2", "1")), "1", "r")
		t.complete(t.claimOne())
		t.create(errand("e3", "1", "2"))
	}},
	{"PlansAnewWithTheRowsOfToday", "a planning that begins anew keeps no claim of the one before, but for an errand's own rows", func(t *runTest) {
		t.create(newRun("r", "a"))
		t.page(0, false, "1", "2")
		t.page(0, false, "2")
		t.wantOthers("", "2")
		t.create(errand("e", "1", "3"))
		_, err := t.store.Plan(t.Context(), "e", "a", items("1"), 0, false)
		must(t, err, "Plan")
		_, err = t.store.Plan(t.Context(), "e", "a", items("3"), 0, false)
		must(t, err, "Plan")
		t.wantOthers("r", "1", "3")
	}},
	{"EndsAClaimWithItsItem", "a row is free once its item is done, given up or dropped, though the run goes on; not when it is tried again", func(t *runTest) {
		t.start([]string{"a"}, "1", "2", "3", "4")
		tasks := t.claim(4)
		t.complete(tasks[0])
		t.fail(tasks[1])
		must(t, t.store.Retry(t.Context(), worker, tasks[2].Ref, "later", 0, true), "Retry")
		t.wantOthers("", "3", "4")
		t.set(automation.Running, automation.Canceling)
		must(t, t.store.Drop(t.Context(), worker, tasks[3].Ref), "Drop")
		t.wantOthers("", "3")
	}},
	{"EndsAllClaimsWithTheRun", "a run that is over claims nothing, whatever it has not done", func(t *runTest) {
		t.create(errand("r", "1", "2"))
		t.page(0, true, "1")
		t.set(automation.Running, automation.Canceling)
		t.set(automation.Canceling, automation.Cancelled)
		t.wantOthers("")
		t.create(errand("e", "2"))
		t.plan("e", "a")
		t.wantOthers("")
	}},
	{"KeepsARowThatIsTakenUpAnew", "an errand that ends takes no claim from another that has taken up one of its rows since", func(t *runTest) {
		t.create(errand("r", "1", "2"))
		t.plan("r", "a", "1", "2")
		tasks := t.claim(2)
		t.complete(tasks[0])
		t.create(errand("e", "1"))
		t.complete(tasks[1])
		t.wantRun(automation.Done, "a")
		t.wantOthers("", "1")
	}},
	{"ClaimsARowForOneOfMany", "of errands, and a run's planning, that want the same rows at once, one gets each", func(t *runTest) {
		const n = 8
		t.create(newRun("r", "a"))
		ids := []string{"1", "2", "3"}
		errs := together(n, func(i int) error {
			if i == 0 {
				return t.planned("r", "a", items("3", "1", "2"))
			}
			rows := slices.Clone(ids)
			if i%2 == 0 {
				slices.Reverse(rows)
			}
			return t.store.CreateRun(t.Context(), errand(string(rune('a'+i)), rows...))
		})
		if ok, refused := matching(errs, nil), matching(errs, automation.ErrClaimed); ok != 1 || refused != n-1 {
			t.Errorf("%d got the rows and %d were refused, want 1 and %d: %v", ok, refused, n-1, errs)
		}
		t.wantOthers("", ids...)
	}},
}
