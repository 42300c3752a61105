package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

var runCases = []testCase[*runTest]{
	{"BeginsWithTheFirstStageInPlanning", "a new run is running, its first stage in planning and the others pending; the store sets its times",
		func(t *runTest) {
			r := newRun("r", "a", "b", "c")
			r.Finishers = []string{"b"}
			t.create(r)
			got, counts, err := t.store.Run(t.Context(), "r")
			must(t, err, "Run")
			if got.ID != "r" || got.Site != "site" || got.Account != alice || got.State != automation.Running || got.Stage != "a" || got.Estimate != 100 ||
				!slices.Equal(got.Stages, r.Stages) || !slices.Equal(got.Finishers, r.Finishers) || got.Reason != "" || got.Detail != "" {
				t.Errorf("Run = %+v, want it as it was created, in stage a", got)
			}
			if !got.CreatedAt.Equal(t.clock.now()) || !got.EndedAt.IsZero() {
				t.Errorf("Run = created %v, ended %v, want created %v and not ended", got.CreatedAt, got.EndedAt, t.clock.now())
			}
			want := []automation.StageCount{{Stage: "a", State: automation.StagePlanning}, {Stage: "b", State: automation.StagePending}, {Stage: "c", State: automation.StagePending}}
			if !slices.Equal(counts, want) {
				t.Errorf("stages = %+v, want %+v", counts, want)
			}
		}},
	{"RefusesARunThatIsNone", "a run needs id, site, account and stages, of no more bytes than a key has room for, is created running, and an id is used once; a stage is named once, a finisher is one of them, and so is a stage whose items are bounded, to at least 1: else ErrInvalid, and there is no such run",
		func(t *runTest) {
			for name, change := range map[string]func(*automation.Run){
				"no id":      func(r *automation.Run) { r.ID = "" },
				"no site":    func(r *automation.Run) { r.Site = "" },
				"no account": func(r *automation.Run) { r.Account = "" },
				"no stage":   func(r *automation.Run) { r.Stages = nil },
				"no state":   func(r *automation.Run) { r.State = "" },
				"paused":     func(r *automation.Run) { r.State = automation.Paused },

				"a long id":      func(r *automation.Run) { r.ID = strings.Repeat("i", 10_000) },
				"a long site":    func(r *automation.Run) { r.Site = strings.Repeat("s", 10_000) },
				"a long account": func(r *automation.Run) { r.Account = credits.Account(strings.Repeat("a", 10_000)) },
				"a long stage":   func(r *automation.Run) { r.Stages = []string{strings.Repeat("s", 10_000)} },

				"a stage twice":                      func(r *automation.Run) { r.Stages = []string{"a", "b", "a"} },
				"a stage without a name":             func(r *automation.Run) { r.Stages = []string{"a", ""} },
				"a finisher that is not a stage":     func(r *automation.Run) { r.Finishers = []string{"b"} },
				"a bound of a stage that it has not": func(r *automation.Run) { r.MaxItems = map[string]int64{"b": 1} },
				"a bound of nothing":                 func(r *automation.Run) { r.MaxItems = map[string]int64{"a": 0} },
			} {
				r := newRun("r", "a")
				change(&r)
				wantErr(t, t.store.CreateRun(t.Context(), r), automation.ErrInvalid, "CreateRun with "+name)
				_, _, err := t.store.Run(t.Context(), "r")
				wantErr(t, err, automation.ErrNotFound, "Run of one with "+name)
			}
			t.create(newRun("r", "a"))
			again := newRun("r", "a")
			again.Site = "another"
			wantErr(t, t.store.CreateRun(t.Context(), again), automation.ErrInvalid, "CreateRun with an id that exists")
			if r := t.wantRun(automation.Running, "a"); r.Site != "site" {
				t.Errorf("Run = of site %q, want that of the run that was there", r.Site)
			}
		}},
	{"KeepsWhatARunTakesUp", "MaxItems is read as it was written, by Run, Runs and Unfinished: stage by stage, and nil if there is none; it is the caller's own",
		func(t *runTest) {
			bounded, free := newRun("bounded", "a", "b", "c"), newRun("free", "a")
			bounded.MaxItems = map[string]int64{"a": 1, "c": 1 << 40}
			free.Site = "another"
			t.create(bounded)
			t.create(free)
			bounded.MaxItems["a"] = 7
			want := map[string]map[string]int64{"bounded": {"a": 1, "c": 1 << 40}, "free": nil}
			for range 2 {
				found := slices.Concat(collect(t, t.store.Runs(t.Context(), ""), "Runs"), collect(t, t.store.Unfinished(t.Context()), "Unfinished"))
				for id := range want {
					r, _, err := t.store.Run(t.Context(), id)
					must(t, err, "Run")
					found = append(found, r)
				}
				for _, r := range found {
					if !maps.Equal(r.MaxItems, want[r.ID]) || (r.MaxItems == nil) != (want[r.ID] == nil) {
						t.Errorf("run %s = MaxItems %#v, want %#v", r.ID, r.MaxItems, want[r.ID])
					}
					if r.MaxItems != nil {
						r.MaxItems["a"] = 7
					}
				}
			}
		}},
	{"TellsARunThatExistsFromAnother", "a new run with the id of one that exists is ErrExists, and that alone: also while that one is the unfinished run of the site, after it has ended, and while another one is unfinished",
		func(t *runTest) {
			refused := func(when string) {
				t.Helper()
				err := t.store.CreateRun(t.Context(), newRun("r", "a"))
				if !errors.Is(err, automation.ErrExists) || errors.Is(err, automation.ErrRunExists) {
					t.Errorf("CreateRun with an id that exists, %s, = %v, want ErrExists", when, err)
				}
			}
			t.create(newRun("r", "a"))
			refused("while the run is running")
			if err := t.store.CreateRun(t.Context(), newRun("r2", "a")); errors.Is(err, automation.ErrExists) {
				t.Errorf("CreateRun of another run of the site = %v, which matches ErrExists", err)
			}
			t.set(automation.Running, automation.Failed)
			refused("after the run has ended")
			t.create(newRun("r2", "a"))
			refused("while another run of the site is running")
			errs := together(16, func(int) error {
				r := newRun("r3", "a")
				r.Site = "another"
				return t.store.CreateRun(t.Context(), r)
			})
			if won, lost := matching(errs, nil), matching(errs, automation.ErrExists); won != 1 || lost != 15 {
				t.Errorf("16 runs of one id: %d begin, %d exist, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
		}},
	{"RefusesASecondUnfinishedRun", "a site has one run that is not terminal: another is a *RunExistsError that names it, also while it is paused; other sites are free",
		func(t *runTest) {
			t.create(newRun("r", "a"))
			refused := func() {
				t.Helper()
				err := t.store.CreateRun(t.Context(), newRun("r2", "a"))
				var e *automation.RunExistsError
				if !errors.As(err, &e) || !errors.Is(err, automation.ErrRunExists) || e.Site != "site" || e.Run != "r" {
					t.Errorf("CreateRun of a second one = %v, want a *RunExistsError that names run r of site", err)
				}
			}
			refused()
			other := newRun("other", "a")
			other.Site = "another"
			t.create(other)
			for _, step := range [][2]automation.State{{automation.Running, automation.Pausing}, {automation.Pausing, automation.Paused}, {automation.Paused, automation.Canceling}} {
				t.set(step[0], step[1])
				refused()
			}
			t.set(automation.Canceling, automation.Cancelled)
			t.create(newRun("r2", "a"))
		}},
	{"StartsOneOfManyRuns", "of many runs of one site that are created at once one begins, the others are *RunExistsErrors",
		func(t *runTest) {
			errs := together(16, func(i int) error { return t.store.CreateRun(t.Context(), newRun(fmt.Sprint("r", i), "a")) })
			if won, lost := matching(errs, nil), matching(errs, automation.ErrRunExists); won != 1 || lost != 15 {
				t.Errorf("16 runs of one site: %d begin, %d exist, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
		}},
	{"ListsRunsNewestFirst", "Runs yields a site's runs, or everyone's, newest first; Unfinished those that are not terminal, oldest first",
		func(t *runTest) {
			for i, site := range []string{"x", "y", "x", "z"} {
				r := newRun(fmt.Sprint("r", i), "a")
				r.Site = site
				t.create(r)
				if i == 0 {
					must(t, t.store.SetState(t.Context(), "r0", automation.Running, automation.Failed, automation.ByUser, ""), "SetState")
				}
				t.clock.advance(time.Second)
			}
			want := func(what string, seq func(func(automation.Run, error) bool), want ...string) {
				t.Helper()
				got := []string{}
				for _, r := range collect(t, seq, what) {
					got = append(got, r.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", what, got, want)
				}
			}
			want("Runs of all", t.store.Runs(t.Context(), ""), "r3", "r2", "r1", "r0")
			want("Runs of x", t.store.Runs(t.Context(), "x"), "r2", "r0")
			want("Runs of nobody", t.store.Runs(t.Context(), "nobody"))
			want("Unfinished", t.store.Unfinished(t.Context()), "r1", "r2", "r3")
		}},
	{"ListsManyRunsOfOneMoment", "Runs and Unfinished yield each run once, in the order of creation, also of runs that were created at the same time",
		func(t *runTest) {
			var oldest []string
			for i := range 60 {
				r := newRun(fmt.Sprintf("run %d", (i*7+3)%60), "a")
				r.Site = r.ID
				t.create(r)
				oldest = append(oldest, r.ID)
			}
			want := func(what string, seq func(func(automation.Run, error) bool), want []string) {
				t.Helper()
				var got []string
				for _, r := range collect(t, seq, what) {
					got = append(got, r.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", what, got, want)
				}
			}
			want("Unfinished", t.store.Unfinished(t.Context()), oldest)
			newest := slices.Clone(oldest)
			slices.Reverse(newest)
			want("Runs", t.store.Runs(t.Context(), ""), newest)
		}},
	{"KeepsNamesExactly", "runs, sites, stages and items are the same only if their names have the same bytes, and come back as they were given",
		func(t *runTest) {
			names := []string{"a", "A", "a ", " a", "é", "e\u0301", `it's "quoted"; --`, "%", "_", "größe ☃\t\n"}
			for _, name := range names {
				r := newRun(name, names...)
				r.Site = name
				t.create(r)
				t.plan(name, "a", names...)
			}
			for _, name := range names {
				r, counts, err := t.store.Run(t.Context(), name)
				must(t, err, fmt.Sprintf("Run(%q)", name))
				if r.ID != name || r.Site != name || !slices.Equal(r.Stages, names) || len(counts) != len(names) || counts[0].Total != int64(len(names)) {
					t.Errorf("Run(%q) = %+v, %+v, want its names and one task for each", name, r, counts)
				}
				if got := collect(t, t.store.Runs(t.Context(), name), "Runs"); len(got) != 1 || got[0].ID != name {
					t.Errorf("Runs(%q) = %+v, want the site's", name, got)
				}
				for i, task := range t.claim(len(names)) {
					if want := (automation.TaskRef{Run: name, Stage: "a", Item: names[i], Generation: 1}); task.Ref != want || task.Item.ID != names[i] {
						t.Errorf("Claim = %+v, want %+v", task.Ref, want)
					}
				}
			}
		}},
	{"KeepsRunsApart", "what a call was given or returned is the caller's: writing to it changes no run",
		func(t *runTest) {
			r := newRun("r", "a", "b")
			r.Finishers = []string{"b"}
			t.create(r)
			r.Stages[0], r.Finishers[0] = "spoiled", "spoiled"
			spoil := func(r automation.Run) {
				t.Helper()
				if !slices.Equal(r.Stages, []string{"a", "b"}) || !slices.Equal(r.Finishers, []string{"b"}) {
					t.Fatalf("the run has stages %q and finishers %q, want a, b and b", r.Stages, r.Finishers)
				}
				r.Stages[1], r.Finishers[0] = "spoiled", "spoiled"
			}
			for range 2 {
				got, counts, err := t.store.Run(t.Context(), "r")
				must(t, err, "Run")
				spoil(got)
				counts[0].Stage = "spoiled"
				for _, got := range collect(t, t.store.Runs(t.Context(), ""), "Runs") {
					spoil(got)
				}
				for _, got := range collect(t, t.store.Unfinished(t.Context()), "Unfinished") {
					spoil(got)
				}
			}
		}},
	{"DoesNotKnowOtherRuns", "a run that was never created is ErrNotFound",
		func(t *runTest) {
			_, _, err := t.store.Run(t.Context(), "r")
			wantErr(t, err, automation.ErrNotFound, "Run")
			err = t.store.SetState(t.Context(), "r", automation.Running, automation.Pausing, automation.ByUser, "")
			wantErr(t, err, automation.ErrNotFound, "SetState")
			err = t.planned("r", "a", nil)
			wantErr(t, err, automation.ErrNotFound, "Plan")
		}},
	{"DoesNothingWithACancelledContext", "a call whose context is over before it begins returns the context's error and does nothing",
		func(t *runTest) {
			for _, id := range []string{"planning", "canceling"} {
				r := newRun(id, "a")
				r.Site = id
				t.create(r)
			}
			t.plan("canceling", "a", "1")
			dropped := t.claimOne().Ref
			must(t, t.store.SetState(t.Context(), "canceling", automation.Running, automation.Canceling, automation.ByUser, ""), "SetState")
			t.start([]string{"a", "b"}, "1", "2")
			task := t.claimOne()
			ctx := cancelled(t)
			_, planErr := t.store.Plan(ctx, "planning", "a", items("1"), 0, true)
			for name, err := range map[string]error{
				"CreateRun": t.store.CreateRun(ctx, automation.Run{ID: "r2", Site: "another", Account: alice, Stages: []string{"a"}, State: automation.Running}),
				"SetState":  t.store.SetState(ctx, "r", automation.Running, automation.Pausing, automation.ByUser, ""),
				"Plan":      planErr,
				"Complete":  t.store.Complete(ctx, worker, task.Ref, automation.Outcome{}, nothing),
				"Retry":     t.store.Retry(ctx, worker, task.Ref, "", 0, true),
				"Fail":      t.store.Fail(ctx, worker, task.Ref, ""),
				"Drop":      t.store.Drop(ctx, worker, dropped),
			} {
				wantErr(t, err, context.Canceled, name)
			}
			_, err := t.store.Claim(ctx, worker, lease, 1)
			wantErr(t, err, context.Canceled, "Claim")
			_, err = t.store.Extend(ctx, worker, []automation.TaskRef{task.Ref}, lease)
			wantErr(t, err, context.Canceled, "Extend")
			_, _, err = t.store.Run(ctx, "r")
			wantErr(t, err, context.Canceled, "Run")
			wantOneError(t, "Runs", t.store.Runs(ctx, ""))
			wantOneError(t, "Unfinished", t.store.Unfinished(ctx))
			wantOneError(t, "Failed", t.store.Failed(ctx, "r"))
			t.wantRun(automation.Running, "a")
			t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 2, Leased: 1})
			t.complete(task)
			_, _, err = t.store.Run(t.Context(), "r2")
			wantErr(t, err, automation.ErrNotFound, "Run of one that was not created")
			must(t, t.planned("planning", "a", items("1")), "Plan")
			t.wantClaim("2", "1")
			must(t, t.store.Drop(t.Context(), worker, dropped), "Drop")
		}},
	{"UndoesACompletionThatIsCancelledUnderWay", "a context that ends while save runs either completes the task or leaves nothing of it",
		func(t *runTest) {
			t.start([]string{"a"}, "1", "2")
			task := t.claimOne()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := t.store.Complete(ctx, worker, task.Ref, automation.Outcome{}, func(automation.Tx) (int, error) {
				cancel()
				return 1, nil
			})
			c := t.count("a")
			if err == nil && (c.Done != 1 || c.Created != 1) || err != nil && (c.Done != 0 || c.Created != 0 || c.Leased != 1) {
				t.Errorf("Complete = %v and the stage is %+v, want all or nothing", err, c)
			}
		}},
}
