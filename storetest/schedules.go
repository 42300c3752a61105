package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
)

// RunScheduleStore checks an [automation.ScheduleStore] against its contract. open returns an empty store that takes the
// time from now; it is called once for each case.
func RunScheduleStore(t *testing.T, open func(t *testing.T, now func() time.Time) automation.ScheduleStore) {
	for _, c := range scheduleCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&scheduleTest{tb: t, ScheduleStore: open(t, clk.now), clock: clk}, (*scheduleTest).audit)
		})
	}
}

func scheduleCases() []testCase[*scheduleTest] {
	return slices.Concat(scheduleSaveCases, scheduleDueCases, scheduleAdvanceCases, scheduleRaceCases)
}

type scheduleTest struct {
	tb
	automation.ScheduleStore
	clock *clock // at 12:00 on Sunday, the 1st of March 2026
}

// newSchedule is one that fires every day at 13:00, an hour after the clock of a case.
func newSchedule(id string) automation.Schedule {
	return automation.Schedule{ID: id, Site: "site", Account: alice, Every: automation.Daily, Hour: 13, CatchUp: 2 * time.Hour, Active: true,
		Request: json.RawMessage(fmt.Sprintf(`{"for": %q}`, id))}
}

func (t *scheduleTest) save(s automation.Schedule) automation.Schedule {
	t.Helper()
	saved, err := t.SaveSchedule(t.Context(), s)
	must(t, err, fmt.Sprintf("SaveSchedule(%q)", s.ID))
	return saved
}

func (t *scheduleTest) read(id string) automation.Schedule {
	t.Helper()
	s, err := t.Schedule(t.Context(), id)
	must(t, err, fmt.Sprintf("Schedule(%q)", id))
	return s
}

// in is a time from that at which a case begins.
func in(d time.Duration) time.Time { return newClock().at.Add(d) }

const day = 24 * time.Hour

// started is that a time has started a run.
func started(due time.Time) automation.Fired {
	return automation.Fired{Due: due, Result: automation.Started}
}

func (t *scheduleTest) advance(id string, from time.Time, f automation.Fired) {
	t.Helper()
	must(t, t.Advance(t.Context(), id, from, f), fmt.Sprintf("Advance(%q)", id))
}

// wantSchedule looks at a schedule as it was returned and as it is read.
func (t *scheduleTest) wantSchedule(got, want automation.Schedule) {
	t.Helper()
	for what, got := range map[string]automation.Schedule{"returned": got, "read": t.read(want.ID)} {
		if !sameSchedule(got, want) {
			t.Errorf("the schedule that is %s is\n%+v, want\n%+v", what, got, want)
		}
	}
}

func sameSchedule(a, b automation.Schedule) bool {
	same := a.NextRun.Equal(b.NextRun) && a.LastRun.Equal(b.LastRun) && string(a.Request) == string(b.Request)
	a.NextRun, a.LastRun, a.Request, b.NextRun, b.LastRun, b.Request = time.Time{}, time.Time{}, nil, time.Time{}, time.Time{}, nil
	return same && fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// wantDue checks which schedules are due, and when they are said to have been found so.
func (t *scheduleTest) wantDue(want ...string) []automation.DueSchedule {
	t.Helper()
	found := collect(t, t.Due(t.Context()), "Due")
	got := []string{}
	for _, d := range found {
		got = append(got, d.ID)
		if !d.At.Equal(t.clock.now()) {
			t.Errorf("Due found %q at %v, want the store's time %v", d.ID, d.At, t.clock.now())
		}
	}
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Fatalf("Due = %q, want %q", got, want)
	}
	return found
}

func (t *scheduleTest) wantListed(site string, want ...string) {
	t.Helper()
	got := []string{}
	for _, s := range collect(t, t.Schedules(t.Context(), site), "Schedules") {
		got = append(got, s.ID)
	}
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("Schedules(%q) = %q, want %q", site, got, want)
	}
}

// audit is what must hold after every case: a schedule has a next run if it is active, and that is one of its times; and
// lists have schedules as they are read.
func (t *scheduleTest) audit() {
	t.Helper()
	for _, s := range collect(t, t.Schedules(t.Context(), ""), "Schedules") {
		if !sameSchedule(s, t.read(s.ID)) {
			t.Errorf("schedule %q is listed as %+v and read as %+v", s.ID, s, t.read(s.ID))
		}
		if s.Active == s.NextRun.IsZero() || s.LastRun.IsZero() != (s.LastResult == "") {
			t.Errorf("schedule %q is active: %t, and its next run is at %v; its last run was at %v with result %q", s.ID, s.Active, s.NextRun, s.LastRun, s.LastResult)
		}
		if !s.Active {
			continue
		}
		if next, err := s.Next(s.NextRun.Add(-time.Second)); err != nil || !next.Equal(s.NextRun) {
			t.Errorf("schedule %q has its next run at %v, which is none of its times: %v, %v", s.ID, s.NextRun, next, err)
		}
	}
}
