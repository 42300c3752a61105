package storetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// brokenSchedules are mistakes that a store of schedules could make, each with the case that has to catch it.
var brokenSchedules = []struct{ mistake, by string }{
	{"TakesTheCallersNextRun", "HasNoSayInWhatIsTheStores"},
	{"ForgetsTheLastRunOverASave", "HasNoSayInWhatIsTheStores"},
	{"ComputesByTheHostsClock", "ComputesTheNextRunByItsClock"},
	{"NeverMovesTheNextRun", "ComputesTheNextRunByItsClock"},
	{"MovesTheNextRunAtEverySave", "KeepsATimeThatHasComeOverAChange"},
	{"IsDueWhileItIsNotActive", "HasNoNextRunWhileItIsNotActive"},
	{"CatchesUpWhatWasNotActive", "HasNoNextRunWhileItIsNotActive"},
	{"SavesAnything", "RefusesAScheduleThatIsNone"},
	{"SaysTheFirstMistakeOnly", "RefusesAScheduleThatIsNone"},
	{"DeletesByMakingInactive", "DeletesASchedule"},
	{"DeletesInSilence", "BeginsEmpty"},
	{"RevivesADeletedSchedule", "DeletesASchedule"},
	{"FoldsIDs", "KeepsNamesExactly"},
	{"TrimsSites", "KeepsNamesExactly"},
	{"RewritesRequests", "KeepsEveryField"},
	{"ForgetsTheWindow", "KeepsEveryField"},
	{"SharesItsRequests", "KeepsBytesApart"},
	{"ListsTheSchedulesOfEverySite", "ListsSchedulesInOrder"},
	{"ListsActiveSchedulesOnly", "ListsSchedulesInOrder"},
	{"ListsInAnyOrder", "ListsSchedulesInOrder"},
	{"SavesUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"AdvancesUnderACancelledContext", "DoesNothingWithACancelledContext"},

	{"IsDueAMomentLate", "IsDueWhenItsTimeComes"},
	{"FindsByTheHostsClock", "IsDueWhenItsTimeComes"},
	{"IsDueForAWhile", "IsDueWhenItsTimeComes"},
	{"YieldsTheLatestFirst", "YieldsTheEarliestFirst"},
	{"YieldsOneTimeInAnyOrder", "YieldsTheEarliestFirst"},
	{"YieldsOneOfASite", "YieldsWhatIsDueOfEverySite"},
	{"SkipsSchedulesOfOneTime", "ListsManySchedules"},
	{"RepeatsSchedulesOfOneTime", "ListsManySchedules"},

	{"AdvancesWithoutComparing", "ComparesTheNextRun"},
	{"ComparesSeconds", "ComparesTheNextRun"},
	{"ComparesAndThenAdvances", "AdvancesOnce"},
	{"KeepsNoReason", "SetsTheNextRunAndTheLast"},
	{"KeepsWhenItWasNotWhenItWasDue", "SetsTheNextRunAndTheLast"},
	{"DealsWithOneTimeOnly", "DealsWithSeveralTimesAtOnce"},
	{"CountsTheNextRunFromNow", "LosesNoTimeThatCameMeanwhile"},
	{"TakesAnyResult", "RefusesAnOutcomeThatIsNone"},
	{"TakesATimeThatHasNotCome", "RefusesAnOutcomeThatIsNone"},
	{"CutsALetterInTwo", "KeepsTheBeginningOfALongDetail"},
	{"AddsADay", "GoesByItsZone"},
	{"MixesTwoSaves", "KeepsOneOfManySaves"},
	{"LosesAnAdvanceToASave", "LosesNoAdvanceToASave"},
}

// toySchedules is a short store with a mistake, or with none.
type toySchedules struct {
	now     func() time.Time
	mistake string

	mu      sync.Mutex
	rows    map[string]automation.Schedule // guarded by mu
	deleted map[string]automation.Schedule // guarded by mu
}

func newToySchedules(mistake string, now func() time.Time) *toySchedules {
	return &toySchedules{now: now, mistake: mistake, rows: map[string]automation.Schedule{}, deleted: map[string]automation.Schedule{}}
}

func (s *toySchedules) makes(mistake string) bool { return s.mistake == mistake }

func (s *toySchedules) key(id string) string {
	if s.makes("FoldsIDs") {
		return strings.ToLower(id)
	}
	return id
}

func (s *toySchedules) get(id string) (automation.Schedule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[s.key(id)]
	return row, ok
}

func (s *toySchedules) put(row automation.Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[s.key(row.ID)] = row
}

func (s *toySchedules) SaveSchedule(ctx context.Context, row automation.Schedule) (automation.Schedule, error) {
	if ctx.Err() != nil && !s.makes("SavesUnderACancelledContext") {
		return row, ctx.Err()
	}
	if s.makes("LosesAnAdvanceToASave") {
		old, _ := s.get(row.ID)
		time.Sleep(10 * time.Millisecond) // an advance comes in between, also on a machine that is busy
		saved, err := row.Saved(old, s.now())
		if err == nil {
			s.put(saved)
		}
		return s.own(saved), err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rows[s.key(row.ID)]
	now := s.now()
	given := row
	switch s.mistake {
	case "ComputesByTheHostsClock":
		now = time.Now()
	case "MovesTheNextRunAtEverySave":
		old.NextRun = time.Time{}
	case "RewritesRequests":
		var b bytes.Buffer
		if json.Compact(&b, row.Request) == nil {
			row.Request = b.Bytes()
		}
	case "ForgetsTheWindow":
		row.CatchUp = 0
	case "TrimsSites":
		row.Site = cmp.Or(strings.TrimSpace(row.Site), row.Site)
	case "RevivesADeletedSchedule":
		if old.ID == "" {
			old = s.deleted[row.ID]
		}
	case "SavesAnything":
		if row.Site == "" {
			row.Site = "site"
		}
	}
	if err := row.Validate(); err != nil && s.makes("SaysTheFirstMistakeOnly") {
		return row, err.(interface{ Unwrap() []error }).Unwrap()[0]
	}
	saved, err := row.Saved(old, now)
	if err != nil {
		return saved, err
	}
	switch s.mistake {
	case "TakesTheCallersNextRun":
		if !given.NextRun.IsZero() {
			saved.NextRun = given.NextRun
		}
	case "ForgetsTheLastRunOverASave":
		saved.LastRun, saved.LastResult, saved.LastDetail = time.Time{}, "", ""
	case "NeverMovesTheNextRun":
		if !old.NextRun.IsZero() {
			saved.NextRun = old.NextRun
		}
	case "IsDueWhileItIsNotActive":
		saved.NextRun = cmp.Or(saved.NextRun, old.NextRun)
	case "CatchesUpWhatWasNotActive":
		if old.ID != "" && !old.Active && saved.Active {
			saved.NextRun, _ = saved.Next(now.Add(-2 * day))
		}
	case "SharesItsRequests":
		saved.Request = given.Request
	case "MixesTwoSaves":
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
		if now, ok := s.rows[row.ID]; ok {
			saved.Request = now.Request
		}
	}
	s.rows[s.key(row.ID)] = saved
	return s.own(saved), ctx.Err()
}

func (s *toySchedules) own(row automation.Schedule) automation.Schedule {
	if !s.makes("SharesItsRequests") {
		row.Request = slices.Clone(row.Request)
	}
	return row
}

func (s *toySchedules) Schedule(ctx context.Context, id string) (automation.Schedule, error) {
	if ctx.Err() != nil {
		return automation.Schedule{}, ctx.Err()
	}
	row, ok := s.get(id)
	if !ok {
		return row, automation.ErrNotFound
	}
	return s.own(row), nil
}

// sorted yields rows in an order, as they are when the loop begins.
func (s *toySchedules) sorted(ctx context.Context, which func(automation.Schedule) bool, order func(a, b automation.Schedule) int) iter.Seq2[automation.Schedule, error] {
	return func(yield func(automation.Schedule, error) bool) {
		if ctx.Err() != nil {
			yield(automation.Schedule{}, ctx.Err())
			return
		}
		s.mu.Lock()
		var found []automation.Schedule
		for _, row := range s.rows {
			if which(row) {
				found = append(found, s.own(row))
			}
		}
		s.mu.Unlock()
		slices.SortFunc(found, order)
		for _, row := range found {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (s *toySchedules) Schedules(ctx context.Context, site string) iter.Seq2[automation.Schedule, error] {
	return s.sorted(ctx, func(row automation.Schedule) bool {
		return (site == "" || row.Site == site || s.makes("ListsTheSchedulesOfEverySite")) && (row.Active || !s.makes("ListsActiveSchedulesOnly"))
	}, func(a, b automation.Schedule) int {
		if s.makes("ListsInAnyOrder") {
			return cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
		}
		return cmp.Compare(a.ID, b.ID)
	})
}

func (s *toySchedules) Due(ctx context.Context) iter.Seq2[automation.DueSchedule, error] {
	now := s.now()
	sites := map[string]bool{}
	found := s.sorted(ctx, func(row automation.Schedule) bool {
		switch s.mistake {
		case "IsDueAMomentLate":
			return !row.NextRun.IsZero() && row.NextRun.Before(now)
		case "IsDueForAWhile":
			return !row.NextRun.After(now) && now.Sub(row.NextRun) < 30*day
		case "YieldsOneOfASite":
			taken := len(sites) > 0
			sites[row.Site] = true
			return !row.NextRun.After(now) && !taken
		}
		return !row.NextRun.IsZero() && !row.NextRun.After(now)
	}, func(a, b automation.Schedule) int {
		switch s.mistake {
		case "YieldsTheLatestFirst":
			a, b = b, a
		case "YieldsOneTimeInAnyOrder":
			return cmp.Or(a.NextRun.Compare(b.NextRun), -cmp.Compare(a.ID, b.ID))
		}
		return cmp.Or(a.NextRun.Compare(b.NextRun), cmp.Compare(a.ID, b.ID))
	})
	switch s.mistake {
	case "SkipsSchedulesOfOneTime":
		found = skipping(found, func(a, b automation.Schedule) bool { return a.NextRun.Equal(b.NextRun) })
	case "RepeatsSchedulesOfOneTime":
		found = doubling(found)
	case "FindsByTheHostsClock":
		now = time.Now()
	}
	return func(yield func(automation.DueSchedule, error) bool) {
		for row, err := range found {
			if !yield(automation.DueSchedule{Schedule: row, At: now}, err) {
				return
			}
		}
	}
}

func (s *toySchedules) DeleteSchedule(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[s.key(id)]
	switch {
	case !ok && s.makes("DeletesInSilence"):
		return nil
	case !ok:
		return automation.ErrNotFound
	case s.makes("DeletesByMakingInactive"):
		row.Active, row.NextRun = false, time.Time{}
		s.rows[id] = row
		return nil
	}
	s.deleted[id] = row
	delete(s.rows, s.key(id))
	return nil
}

func (s *toySchedules) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	if ctx.Err() != nil && !s.makes("AdvancesUnderACancelledContext") {
		return ctx.Err()
	}
	if s.makes("ComparesAndThenAdvances") {
		if row, _ := s.get(id); row.NextRun.Equal(from) {
			time.Sleep(time.Millisecond)
			row, err := row.Advanced(from, f, s.now())
			if err == nil {
				s.put(row)
			}
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[s.key(id)]
	if !ok {
		return automation.ErrNotFound
	}
	now := s.now()
	switch s.mistake {
	case "AdvancesWithoutComparing":
		from = row.NextRun
	case "ComparesSeconds":
		from = from.Truncate(time.Second)
	case "KeepsNoReason":
		f.Detail = ""
	case "DealsWithOneTimeOnly":
		f.Due = row.NextRun
	case "TakesAnyResult":
		if f.Result != automation.Skipped {
			f.Result = automation.Started
		}
	case "TakesATimeThatHasNotCome":
		now = f.Due
	}
	advanced, err := row.Advanced(from, f, now)
	if err != nil {
		return err
	}
	switch s.mistake {
	case "CountsTheNextRunFromNow":
		advanced.NextRun, _ = row.Next(now)
	case "KeepsWhenItWasNotWhenItWasDue":
		advanced.LastRun = now.Add(time.Second)
	case "CutsALetterInTwo":
		advanced.LastDetail = f.Detail[:min(len(f.Detail), 999)]
	case "AddsADay":
		advanced.NextRun = f.Due.Add(day)
	}
	s.rows[s.key(id)] = advanced
	return ctx.Err()
}

// scheduleFailures runs a case against a store of schedules and returns what it complains of.
func scheduleFailures(ctx context.Context, c testCase[*scheduleTest], open func(now func() time.Time) automation.ScheduleStore) []string {
	clk := newClock()
	return complaints(ctx, func(r *recorder) {
		c.do(&scheduleTest{tb: r, ScheduleStore: open(clk.now), clock: clk}, (*scheduleTest).audit)
	})
}

func TestPassesASoundScheduleStore(t *testing.T) {
	for name, open := range map[string]func(now func() time.Time) automation.ScheduleStore{
		"memory": func(now func() time.Time) automation.ScheduleStore {
			return memory.New(&memory.Options{Now: now}).Schedules()
		},
		"no mistake": func(now func() time.Time) automation.ScheduleStore { return newToySchedules("", now) },
	} {
		for _, c := range scheduleCases() {
			if got := scheduleFailures(t.Context(), c, open); len(got) > 0 {
				t.Errorf("case %s fails with a store with %s: %q", c.name, name, got)
			}
		}
	}
}

func TestCatchesBrokenScheduleStores(t *testing.T) {
	for _, broken := range brokenSchedules {
		t.Run(broken.mistake, func(t *testing.T) {
			wantCaught(t, scheduleCases(), broken.by, func(c testCase[*scheduleTest]) []string {
				return scheduleFailures(t.Context(), c, func(now func() time.Time) automation.ScheduleStore { return newToySchedules(broken.mistake, now) })
			})
		})
	}
}
