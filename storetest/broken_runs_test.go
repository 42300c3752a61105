package storetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// brokenRuns are mistakes that an automation store could make, each with the case that has to catch it.
var brokenRuns = []struct{ mistake, by string }{
	{"AcceptsASecondRun", "RefusesASecondUnfinishedRun"},
	{"NamesNoRunInTheWay", "RefusesASecondUnfinishedRun"},
	{"LooksForARunAndThenCreates", "StartsOneOfManyRuns"},
	{"FoldsNames", "KeepsNamesExactly"},
	{"AcceptsAnyStages", "RefusesARunThatIsNone"},
	{"ReplacesARunThatExists", "RefusesARunThatIsNone"},
	{"TellsNotThatARunExists", "TellsARunThatExistsFromAnother"},
	{"LooksForTheRunInTheWayFirst", "TellsARunThatExistsFromAnother"},
	{"SharesItsRuns", "KeepsRunsApart"},
	{"ForgetsWhatARunTakesUp", "KeepsWhatARunTakesUp"},
	{"SharesWhatARunTakesUp", "KeepsWhatARunTakesUp"},
	{"CreatesUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"ListsTheOldestRunFirst", "ListsRunsNewestFirst"},
	{"ListsTheRunsOfEverySite", "ListsRunsNewestFirst"},
	{"PollsWhatIsOver", "ListsRunsNewestFirst"},
	{"SkipsRunsOfOneMoment", "ListsManyRunsOfOneMoment"},
	{"RepeatsRunsOfOneMoment", "ListsManyRunsOfOneMoment"},
	{"SkipsUnfinishedRunsOfOneMoment", "ListsManyRunsOfOneMoment"},
	{"ForgetsWhenARunEnded", "KeepsTheReason"},

	{"SetsWithoutComparing", "ComparesBeforeItSets"},
	{"ComparesAndThenSets", "ChangesStateOnce"},
	{"GoesAnyWay", "GoesOnlyLegalWays"},
	{"KeepsTheEarlierReason", "KeepsTheReason"},
	{"PausesOverTasksUnderWay", "DoesNotEndWithTasksUnderWay"},
	{"CancelsOverTasksUnderWay", "DoesNotEndWithTasksUnderWay"},
	{"CancelsOverWhatMayBePaidFor", "DoesNotEndWithTasksUnderWay"},
	{"PausesForADeadWorkerNever", "DoesNotWaitForADeadWorker"},
	{"FailsForADeadWorkerNever", "DoesNotWaitForADeadWorker"},
	{"LosesTheEndOfACancelingRun", "CompletesWhatIsUnderWayOfAPausingRun"},

	{"PlansBehindAnotherPlanning", "EndsNoPlanningWithPagesOfTwo"},
	{"KeepsAnInterruptedPlanning", "RemovesWhatAnInterruptedPlanningLeft"},
	{"EndsPlanningWithTheFirstPage", "ClaimsNothingBeforePlanningEnds"},
	{"PlansAnyStage", "PlansOnlyAStageInPlanning"},
	{"PlansHalfAPage", "RefusesAnItemTwice"},
	{"RewritesInputs", "KeepsInputsExactly"},
	{"SharesItsInputs", "KeepsInputsExactly"},
	{"PlansUnderACancelledContext", "DoesNothingWithACancelledContext"},

	{"ClaimsATaskForTwo", "ClaimsATaskForOneWorker"},
	{"ClaimsTheLastFirst", "ClaimsInTheOrderOfPlanning"},
	{"ClaimsMoreThanItIsAsked", "ClaimsInTheOrderOfPlanning"},
	{"ClaimsByTheTimeThatIsDue", "KeepsThePlaceOfATaskWhoseTimeCame"},
	{"ClaimsNewTasksFirst", "KeepsThePlaceOfATaskWhoseTimeCame"},
	{"ClaimsRunByRun", "ClaimsFromAllRuns"},
	{"ClaimsAccountByAccount", "ClaimsInTurnsOfAccounts"},
	{"ClaimsCancelingRunsFirst", "ClaimsOfCancelingRunsInTheirPlace"},
	{"LeasesForAMoment", "ClaimsATaskAgainAfterItsLease"},
	{"LeasesForever", "ClaimsATaskAgainAfterItsLease"},
	{"LeasesToNobody", "RefusesALeaseThatIsNone"},
	{"RaisesNoGeneration", "ClaimsATaskAgainAfterItsLease"},
	{"ClaimsOfPausingRuns", "ClaimsFromRunningRunsOnly"},
	{"ClaimsOfCancelingRunsAsEver", "ClaimsFromRunningRunsOnly"},
	{"DoesNotSayThatItIsCanceling", "CancelsWhenEveryClaimedTaskHasAnEnd"},
	{"ClaimsUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"ExtendsForAnybody", "KeepsALeaseThatIsExtended"},
	{"ExtendsAnyGeneration", "KeepsALeaseThatIsExtended"},
	{"ExtendsFromTheEnd", "KeepsALeaseThatIsExtended"},
	{"ExtendsNothing", "KeepsALeaseThatIsExtended"},
	{"ExtendsLiveLeasesOnly", "RevivesALeaseThatNobodyTook"},
	{"ExtendsInRunningRunsOnly", "KeepsLeasesOfARunThatIsEnding"},

	{"IgnoresTheOwner", "DoesNotCompleteForAnEarlierClaim"},
	{"IgnoresTheGeneration", "KnowsAGenerationFromAnother"},
	{"SavesBeforeItLooks", "DoesNotCompleteForAnEarlierClaim"},
	{"SavesTwice", "CompletesATaskOnce"},
	{"LooksAndThenCompletes", "CompletesATaskOnce"},
	{"SavesNothing", "SavesContentWithItsTask"},
	{"SavesContentOnly", "SavesContentWithItsTask"},
	{"KeepsWhatAFailedSaveWrote", "UndoesContentWithItsTask"},
	{"KeepsWhatAPanicLeft", "UndoesContentOfASaveThatPanics"},
	{"SwallowsAPanic", "UndoesContentOfASaveThatPanics"},
	{"CompletesAfterAFailedSave", "LeavesNothingOfASaveThatFailed"},
	{"LosesTheErrorOfSave", "LeavesNothingOfASaveThatFailed"},
	{"TakesAnyTransaction", "RefusesAForeignTransaction"},
	{"KeepsATransactionOpen", "EndsATransactionWithItsFunction"},
	{"CountsNoRows", "CountsWhatWasDone"},
	{"CountsNoCredits", "CountsWhatWasDone"},
	{"CountsNoLeases", "ClaimsInTheOrderOfPlanning"},
	{"EndsAStageWithOpenTasks", "BeginsTheNextStageWithTheLastItem"},
	{"CompletesUnderACancelledContext", "DoesNothingWithACancelledContext"},

	{"ForgetsTheTries", "GivesATaskBackUntilItsTime"},
	{"CountsEveryTry", "CountsFailedTries"},
	{"CountsALostLeaseAsATry", "CountsFailedTries"},
	{"GivesBackAtOnce", "GivesATaskBackUntilItsTime"},
	{"PutsWhatIsGivenBackLast", "KeepsThePlaceOfATaskGivenBack"},
	{"FailsInSilence", "GivesATaskUp"},
	{"TriesAgainWhatWasGivenUp", "GivesATaskUp"},
	{"ListsFailuresOfEveryRun", "ListsFailuresOfTheRunOnly"},
	{"SkipsFailuresOfOneStage", "ListsManyFailures"},
	{"GoesOnWithoutItems", "FailsARunOfWhichAStageFailed"},
	{"FailsUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"DropsNothing", "CancelsWhenEveryClaimedTaskHasAnEnd"},
	{"DropsAnywhere", "DropsOnlyWhenCanceling"},
	{"DropsForAnybody", "DropsForItsOwnerOnly"},
	{"DropsAsDone", "CancelsWhenEveryClaimedTaskHasAnEnd"},
	{"DropsUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"ForgetsTheFinisher", "FinishesAStageLast"},
	{"CountsTheFinishTask", "FinishesAStageLast"},
	{"PaysForNoFinishTask", "FinishesAStageLast"},
}

// toyRuns is the memory store behind a mistake, or behind none.
type toyRuns struct {
	automation.Store
	content *memory.Content
	now     func() time.Time
	mistake string

	mu       sync.Mutex
	claims   map[automation.TaskRef]claim // by ref, without the generation; guarded by mu
	last     []automation.Task            // what was claimed last; guarded by mu
	inputs   map[string]json.RawMessage   // by item, as they were given; guarded by mu
	planning int64                        // guarded by mu
	stages   map[string][]string          // by run, as they were given; guarded by mu
	bounds   map[string]map[string]int64  // the same
	sites    map[string]string            // of runs that were replaced; guarded by mu
	ending   bool                         // whether a canceling run came to its end; guarded by mu
}

// claim is what a toyRuns knows of a task that was claimed.
type claim struct {
	owner      string // none once it was given back
	generation int64
	due        time.Time // when its lease ends, or its time comes
	lost       int       // leases that ran out
}

func newToyRuns(mistake string, now func() time.Time) *toyRuns {
	db := memory.New(&memory.Options{Now: now})
	return &toyRuns{Store: db.Runs(), content: db.Content(), now: now, mistake: mistake, claims: map[automation.TaskRef]claim{},
		inputs: map[string]json.RawMessage{}, stages: map[string][]string{}, bounds: map[string]map[string]int64{}, sites: map[string]string{}}
}

func (s *toyRuns) makes(mistakes ...string) bool { return slices.Contains(mistakes, s.mistake) }

// under returns the context to act under, and the error that is told after the act: a store that makes the mistake acts
// under a context that is over.
func (s *toyRuns) under(ctx context.Context, mistake string) (context.Context, error) {
	if s.makes(mistake) {
		return context.WithoutCancel(ctx), ctx.Err()
	}
	return ctx, nil
}

func (s *toyRuns) CreateRun(ctx context.Context, r automation.Run) error {
	ctx, over := s.under(ctx, "CreatesUnderACancelledContext")
	s.mu.Lock()
	s.stages[r.ID], s.bounds[r.ID] = r.Stages, r.MaxItems
	s.mu.Unlock()
	switch s.mistake {
	case "FoldsNames":
		r.Site = strings.ToLower(r.Site)
	case "AcceptsAnyStages":
		r.Stages = slices.Compact(slices.DeleteFunc(slices.Clone(r.Stages), func(name string) bool { return name == "" }))
		r.Finishers = slices.DeleteFunc(slices.Clone(r.Finishers), func(name string) bool { return !slices.Contains(r.Stages, name) })
	case "ForgetsTheFinisher":
		r.Finishers = nil
	case "ForgetsWhatARunTakesUp":
		r.MaxItems = maps.Clone(r.MaxItems)
		delete(r.MaxItems, r.Stages[0])
	case "LooksForARunAndThenCreates":
		for other := range s.Store.Unfinished(ctx) {
			if other.Site == r.Site {
				return &automation.RunExistsError{Site: r.Site, Run: other.ID}
			}
		}
		time.Sleep(time.Millisecond)
	}
	err := s.Store.CreateRun(ctx, r)
	switch {
	case errors.Is(err, automation.ErrRunExists) && s.makes("AcceptsASecondRun", "LooksForARunAndThenCreates"):
		return nil
	case errors.Is(err, automation.ErrRunExists) && s.makes("NamesNoRunInTheWay"):
		return automation.ErrRunExists
	case errors.Is(err, automation.ErrExists) && s.makes("TellsNotThatARunExists"):
		return automation.ErrInvalid
	case errors.Is(err, automation.ErrExists) && s.makes("LooksForTheRunInTheWayFirst"):
		for other := range s.Store.Unfinished(ctx) {
			if other.Site == r.Site {
				return &automation.RunExistsError{Site: r.Site, Run: other.ID}
			}
		}
	case err != nil && s.makes("ReplacesARunThatExists"):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sites[r.ID] = r.Site
	}
	return errors.Join(err, over)
}

func (s *toyRuns) Run(ctx context.Context, id string) (automation.Run, []automation.StageCount, error) {
	r, counts, err := s.Store.Run(ctx, id)
	if err != nil {
		return r, counts, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Site = cmp.Or(s.sites[id], r.Site)
	at := slices.Index(r.Stages, r.Stage)
	switch c := &counts[at]; s.mistake {
	case "SharesItsRuns":
		r.Stages = s.stages[id]
	case "SharesWhatARunTakesUp":
		r.MaxItems = s.bounds[id]
	case "ForgetsWhenARunEnded":
		r.EndedAt = time.Time{}
	case "LosesTheEndOfACancelingRun":
		if s.ending {
			r.State, r.EndedAt = automation.Canceling, time.Time{}
		}
	case "EndsAStageWithOpenTasks":
		if c.State == automation.StageRunning && c.Done > 0 && at+1 < len(counts) {
			c.State, counts[at+1].State, r.Stage = automation.StageDone, automation.StagePlanning, r.Stages[at+1]
		}
	case "CountsTheFinishTask":
		if c.State == automation.StageRunning && slices.Contains(r.Finishers, c.Stage) {
			c.Total++
		}
	case "CountsNoLeases":
		c.Leased = 0
	}
	return r, counts, nil
}

func (s *toyRuns) Runs(ctx context.Context, site string) iter.Seq2[automation.Run, error] {
	found := s.Store.Runs(ctx, site)
	switch s.mistake {
	case "ListsTheOldestRunFirst":
		return reversed(found)
	case "ListsTheRunsOfEverySite":
		return s.Store.Runs(ctx, "")
	case "SkipsRunsOfOneMoment":
		return skipping(found, ofOneMoment)
	case "RepeatsRunsOfOneMoment":
		return doubling(found)
	}
	return found
}

func (s *toyRuns) Unfinished(ctx context.Context) iter.Seq2[automation.Run, error] {
	switch s.mistake {
	case "PollsWhatIsOver":
		return reversed(s.Store.Runs(ctx, ""))
	case "SkipsUnfinishedRunsOfOneMoment":
		return skipping(s.Store.Unfinished(ctx), ofOneMoment)
	}
	return s.Store.Unfinished(ctx)
}

func ofOneMoment(a, b automation.Run) bool { return a.CreatedAt.Equal(b.CreatedAt) }

func (s *toyRuns) SetState(ctx context.Context, id string, from, to automation.State, reason automation.Reason, detail string) error {
	r, counts, err := s.Store.Run(ctx, id)
	if err != nil {
		return s.Store.SetState(ctx, id, from, to, reason, detail)
	}
	leased := int64(0)
	for _, c := range counts {
		leased += c.Leased
	}
	switch s.mistake {
	case "SetsWithoutComparing":
		from = r.State
	case "ComparesAndThenSets":
		if r.State == from {
			time.Sleep(time.Millisecond)
			if err := s.Store.SetState(ctx, id, from, to, reason, detail); !errors.Is(err, automation.ErrState) {
				return err
			}
			return nil
		}
	case "KeepsTheEarlierReason":
		reason, detail = cmp.Or(r.Reason, reason), cmp.Or(r.Detail, detail)
	case "PausesForADeadWorkerNever", "FailsForADeadWorkerNever":
		if leased > 0 && (to == automation.Paused && s.makes("PausesForADeadWorkerNever") || to == automation.Failed && s.makes("FailsForADeadWorkerNever")) {
			return automation.ErrState
		}
	case "ClaimsOfPausingRuns", "ClaimsOfCancelingRunsAsEver": // who claims is not told
		if to == automation.Pausing && s.makes("ClaimsOfPausingRuns") || to == automation.Canceling && s.makes("ClaimsOfCancelingRunsAsEver") {
			return nil
		}
	}
	err = s.Store.SetState(ctx, id, from, to, reason, detail)
	if errors.Is(err, automation.ErrState) && (s.makes("GoesAnyWay") ||
		s.makes("PausesOverTasksUnderWay") && to == automation.Paused && leased > 0 ||
		s.makes("CancelsOverTasksUnderWay") && to == automation.Cancelled && leased > 0 ||
		s.makes("CancelsOverWhatMayBePaidFor") && to == automation.Cancelled && leased == 0) {
		return nil
	}
	return err
}

const toyPage = 20

// skipping yields what a list yields that goes on behind each page with the place of its last row, and not with the row:
// what has the same place is skipped.
func skipping[T any](list iter.Seq2[T, error], same func(a, b T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last T
		n := 0
		for row, err := range list {
			if n > 0 && n%toyPage == 0 && same(row, last) {
				continue
			}
			if !yield(row, err) {
				return
			}
			last, n = row, n+1
		}
	}
}

// doubling yields the last row of each page once more.
func doubling[T any](list iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for row, err := range list {
			if !yield(row, err) {
				return
			}
			if n++; n%toyPage == 0 && !yield(row, err) {
				return
			}
		}
	}
}

// runFailures runs a case against an automation store and returns what it complains of.
func runFailures(ctx context.Context, c testCase[*runTest], mistake string) []string {
	clk := newClock()
	open := func() Faces {
		s := newToyRuns(mistake, clk.now)
		return Faces{Runs: s, Content: s.content, In: s.in}
	}
	return complaints(ctx, func(r *recorder) {
		faces := open()
		c.do(&runTest{tb: r, store: faces.Runs, faces: faces, clock: clk, another: open}, (*runTest).audit)
	})
}

func TestPassesASoundAutomationStore(t *testing.T) {
	for _, c := range automationCases() {
		if got := runFailures(t.Context(), c, ""); len(got) > 0 {
			t.Errorf("case %s fails with a store without a mistake: %q", c.name, got)
		}
	}
}

func TestCatchesBrokenAutomationStores(t *testing.T) {
	for _, broken := range brokenRuns {
		t.Run(broken.mistake, func(t *testing.T) {
			wantCaught(t, automationCases(), broken.by, func(c testCase[*runTest]) []string {
				return runFailures(t.Context(), c, broken.mistake)
			})
		})
	}
}
