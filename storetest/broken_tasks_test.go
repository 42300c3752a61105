package storetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
)

func (s *toyRuns) Plan(ctx context.Context, run, stage string, page []automation.Item, planning int64, last bool) (int64, error) {
	ctx, over := s.under(ctx, "PlansUnderACancelledContext")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mistake {
	case "EndsPlanningWithTheFirstPage":
		last = true
	case "KeepsAnInterruptedPlanning":
		planning = cmp.Or(planning, s.planning)
		page = slices.DeleteFunc(slices.Clone(page), func(i automation.Item) bool { return s.inputs[i.ID] != nil })
	case "RewritesInputs":
		page = slices.Clone(page)
		for i := range page {
			var b bytes.Buffer
			if json.Compact(&b, page[i].Input) == nil {
				page[i].Input = b.Bytes()
			}
		}
	}
	for _, item := range page {
		s.inputs[item.ID] = item.Input
	}
	began, err := s.Store.Plan(ctx, run, stage, page, planning, last)
	switch {
	case errors.Is(err, automation.ErrStale) && s.makes("PlansBehindAnotherPlanning"):
		began, err = s.Store.Plan(ctx, run, stage, page, s.planning, last)
	case errors.Is(err, automation.ErrState) && s.makes("PlansAnyStage"):
		return planning, nil
	case errors.Is(err, automation.ErrInvalid) && s.makes("PlansHalfAPage"):
		_, _ = s.Store.Plan(ctx, run, stage, page[:1], planning, false)
	}
	if err == nil {
		s.planning = began
	}
	return began, errors.Join(err, over)
}

// of is a task's ref without the generation.
func of(ref automation.TaskRef) automation.TaskRef {
	ref.Generation = 0
	return ref
}

func (s *toyRuns) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]automation.Task, error) {
	ctx, over := s.under(ctx, "ClaimsUnderACancelledContext")
	switch s.mistake {
	case "LeasesForAMoment":
		lease = time.Microsecond
	case "LeasesForever":
		lease *= 1000
	case "LeasesToNobody":
		owner, lease = cmp.Or(owner, "nobody"), max(lease, 1)
	case "ClaimsMoreThanItIsAsked":
		limit++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks, err := s.Store.Claim(ctx, owner, lease, limit)
	if err != nil {
		return nil, err
	}
	if len(tasks) == 0 && s.makes("ClaimsATaskForTwo") {
		tasks, s.last = s.last, nil
		return tasks, nil
	}
	s.last = tasks
	s.order(tasks)
	for i := range tasks {
		s.claimed(&tasks[i], owner, lease)
	}
	return tasks, over
}

// order puts what is claimed in the order of a store that makes a mistake with it.
func (s *toyRuns) order(tasks []automation.Task) {
	sortBy := func(rank func(automation.Task) int64) {
		slices.SortStableFunc(tasks, func(a, b automation.Task) int { return cmp.Compare(rank(a), rank(b)) })
	}
	number := func(yes bool) int64 {
		if yes {
			return 1
		}
		return 0
	}
	switch s.mistake {
	case "ClaimsTheLastFirst":
		slices.Reverse(tasks)
	case "ClaimsByTheTimeThatIsDue":
		sortBy(func(t automation.Task) int64 { return max(s.claims[of(t.Ref)].due.UnixMicro(), 0) })
	case "ClaimsNewTasksFirst":
		sortBy(func(t automation.Task) int64 { return number(s.claims[of(t.Ref)].owner != "") })
	case "PutsWhatIsGivenBackLast":
		sortBy(func(t automation.Task) int64 {
			return number(t.Ref.Generation > 1 && s.claims[of(t.Ref)].owner == "")
		})
	case "ClaimsRunByRun":
		slices.SortStableFunc(tasks, func(a, b automation.Task) int { return cmp.Compare(a.Ref.Run, b.Ref.Run) })
	case "ClaimsAccountByAccount":
		slices.SortStableFunc(tasks, func(a, b automation.Task) int { return cmp.Compare(a.Account, b.Account) })
	case "ClaimsCancelingRunsFirst":
		sortBy(func(t automation.Task) int64 { return number(!t.Canceling) })
	}
}

// claimed notes a claim, and makes a mistake with what is told of it.
func (s *toyRuns) claimed(t *automation.Task, owner string, lease time.Duration) {
	before := s.claims[of(t.Ref)]
	now := claim{owner: owner, generation: t.Ref.Generation, due: s.now().Add(lease), lost: before.lost}
	if before.owner != "" {
		now.lost++
	}
	s.claims[of(t.Ref)] = now
	switch s.mistake {
	case "RaisesNoGeneration":
		t.Ref.Generation = 1
	case "DoesNotSayThatItIsCanceling":
		t.Canceling = false
	case "ForgetsTheTries":
		t.Attempts = 0
	case "CountsALostLeaseAsATry":
		t.Attempts += now.lost
	case "SharesItsInputs":
		t.Item.Input = s.inputs[t.Item.ID]
	}
}

func (s *toyRuns) Extend(ctx context.Context, owner string, refs []automation.TaskRef, lease time.Duration) ([]automation.TaskRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := []automation.TaskRef{}
	for _, ref := range refs {
		c, owner, lease := s.claims[of(ref)], owner, lease
		switch s.mistake {
		case "LeasesToNobody":
			owner, lease = cmp.Or(owner, "nobody"), max(lease, 1)
		case "ExtendsForAnybody":
			owner = cmp.Or(c.owner, owner)
		case "ExtendsAnyGeneration":
			ref.Generation = c.generation
		case "ExtendsFromTheEnd":
			lease += max(c.due.Sub(s.now()), 0)
		case "ExtendsNothing":
			lease = max(c.due.Sub(s.now()), 1)
		case "ExtendsLiveLeasesOnly":
			if !c.due.After(s.now()) {
				continue
			}
		case "ExtendsInRunningRunsOnly":
			if r, _, err := s.Store.Run(ctx, ref.Run); err == nil && r.State != automation.Running {
				continue
			}
		}
		got, err := s.Store.Extend(ctx, owner, []automation.TaskRef{ref}, lease)
		if err != nil {
			return nil, err
		}
		kept = append(kept, got...)
	}
	return kept, nil
}

// ended notes that a claim was given back until a time, or that its task is over, and is called with mu.
func (s *toyRuns) ended(ref automation.TaskRef, due time.Time) {
	c := s.claims[of(ref)]
	c.owner, c.due = "", due
	s.claims[of(ref)] = c
}

// mine returns in whose name, and in which generation, a store acts that makes a mistake with either.
func (s *toyRuns) mine(owner string, ref automation.TaskRef) (string, automation.TaskRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.claims[of(ref)]
	if s.makes("IgnoresTheOwner") {
		owner = cmp.Or(c.owner, owner)
	}
	if s.makes("IgnoresTheGeneration") {
		ref.Generation = c.generation
	}
	return owner, ref
}

func (s *toyRuns) Retry(ctx context.Context, owner string, ref automation.TaskRef, cause string, after time.Duration, attempt bool) error {
	owner, ref = s.mine(owner, ref)
	if s.makes("GivesBackAtOnce") {
		after = 0
	}
	err := s.Store.Retry(ctx, owner, ref, cause, after, attempt || s.makes("CountsEveryTry"))
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended(ref, s.now().Add(after))
	}
	return err
}

func (s *toyRuns) Fail(ctx context.Context, owner string, ref automation.TaskRef, cause string) error {
	ctx, over := s.under(ctx, "FailsUnderACancelledContext")
	owner, ref = s.mine(owner, ref)
	if s.makes("TriesAgainWhatWasGivenUp") {
		return s.Store.Retry(ctx, owner, ref, cause, 0, true)
	}
	if _, counts, err := s.Store.Run(ctx, ref.Run); err == nil && s.makes("GoesOnWithoutItems") {
		for _, c := range counts {
			if c.Stage == ref.Stage && c.Failed+1 == c.Total {
				return s.Store.Complete(ctx, owner, ref, automation.Outcome{}, nothing)
			}
		}
	}
	return errors.Join(s.Store.Fail(ctx, owner, ref, cause), over)
}

func (s *toyRuns) Failed(ctx context.Context, run string) iter.Seq2[automation.FailedTask, error] {
	switch s.mistake {
	case "ListsFailuresOfEveryRun":
		for r := range s.Store.Runs(ctx, "") {
			run = r.ID
		}
	case "SkipsFailuresOfOneStage":
		return skipping(s.Store.Failed(ctx, run), func(a, b automation.FailedTask) bool { return a.Stage == b.Stage })
	case "FailsInSilence":
		return func(yield func(automation.FailedTask, error) bool) {
			for task, err := range s.Store.Failed(ctx, run) {
				task.Cause = ""
				if !yield(task, err) {
					return
				}
			}
		}
	}
	return s.Store.Failed(ctx, run)
}

func (s *toyRuns) Drop(ctx context.Context, owner string, ref automation.TaskRef) error {
	ctx, over := s.under(ctx, "DropsUnderACancelledContext")
	switch s.mistake {
	case "DropsNothing":
		return s.Store.Retry(ctx, owner, ref, "", 0, false)
	case "DropsAsDone":
		return s.Store.Complete(ctx, owner, ref, automation.Outcome{}, nothing)
	case "DropsForAnybody":
		s.mu.Lock()
		owner = cmp.Or(s.claims[of(ref)].owner, owner)
		s.mu.Unlock()
	}
	err := s.Store.Drop(ctx, owner, ref)
	if errors.Is(err, automation.ErrState) && s.makes("DropsAnywhere") {
		return nil
	}
	return errors.Join(err, over)
}
