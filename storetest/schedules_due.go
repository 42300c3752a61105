package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrip-go/scrip/automation"
)

var scheduleDueCases = []testCase[*scheduleTest]{
	{"IsDueWhenItsTimeComes", "a schedule is due from the very instant of its next run by the store's clock, until it is advanced",
		func(t *scheduleTest) {
			s := newSchedule("a")
			t.save(s)
			t.wantDue()
			t.clock.advance(time.Hour - time.Microsecond)
			t.wantDue()
			t.clock.advance(time.Microsecond)
			s.NextRun = in(time.Hour)
			if found := t.wantDue("a"); !sameSchedule(found[0].Schedule, s) {
				t.Errorf("Due = %+v, want the schedule as it is stored", found[0].Schedule)
			}
			t.clock.advance(100 * day)
			t.wantDue("a")
		}},
	{"YieldsTheEarliestFirst", "Due yields schedules by their next run, and those of one time by the bytes of their ids",
		func(t *scheduleTest) {
			for i, id := range []string{"d", "b", "a", "B", "c"} {
				s := newSchedule(id)
				s.Minute = []int{0, 2, 1, 2, 2}[i]
				t.save(s)
			}
			t.clock.advance(time.Hour + time.Minute)
			t.wantDue("d", "a")
			t.clock.advance(time.Minute)
			t.wantDue("d", "a", "B", "b", "c")
		}},
	{"YieldsWhatIsDueOfEverySite", "Due yields the schedules of all sites and accounts",
		func(t *scheduleTest) {
			for _, id := range []string{"a", "b", "c"} {
				s := newSchedule(id)
				s.Site = "site of " + id
				t.save(s)
			}
			t.clock.advance(time.Hour)
			t.wantDue("a", "b", "c")
		}},
}

var scheduleAdvanceCases = []testCase[*scheduleTest]{
	{"SetsTheNextRunAndTheLast", "Advance keeps the time that was dealt with, its result and why, and sets the first time after it as the next run",
		func(t *scheduleTest) {
			want := newSchedule("a")
			t.save(want)
			for i, f := range []automation.Fired{{Result: automation.Started}, {Result: automation.Skipped, Detail: `run "x" is not finished: größe ☃`}, {Result: automation.Started}} {
				f.Due = in(time.Hour + time.Duration(i)*day)
				t.clock.advance(f.Due.Sub(t.clock.now()))
				t.advance("a", f.Due, f)
				want.NextRun, want.LastRun, want.LastResult, want.LastDetail = f.Due.Add(day), f.Due, f.Result, f.Detail
				t.wantSchedule(t.read("a"), want)
				t.wantDue()
			}
		}},
	{"ComparesTheNextRun", "Advance from any other time than the next run is ErrStale, also by a microsecond or less, and changes nothing; a time is the same in another zone",
		func(t *scheduleTest) {
			want := newSchedule("a")
			t.save(want)
			t.clock.advance(2 * day)
			want.NextRun = in(time.Hour)
			for _, from := range []time.Time{{}, in(time.Hour - day), in(time.Hour + day), in(time.Hour + time.Microsecond), in(time.Hour + 1), in(time.Hour - 1)} {
				wantErr(t, t.Advance(t.Context(), "a", from, started(in(time.Hour+day))), automation.ErrStale, fmt.Sprintf("Advance from %v", from))
			}
			t.wantSchedule(t.read("a"), want)
			t.advance("a", in(time.Hour).In(time.FixedZone("east", 3600)), started(in(time.Hour).In(time.FixedZone("west", -3600))))
			wantErr(t, t.Advance(t.Context(), "a", in(time.Hour), started(in(time.Hour))), automation.ErrStale, "Advance again")
			want.NextRun, want.LastRun, want.LastResult = in(time.Hour+day), in(time.Hour), automation.Started
			t.wantSchedule(t.read("a"), want)
		}},
	{"DealsWithSeveralTimesAtOnce", "Advance by a later time that has come deals with those before it as well",
		func(t *scheduleTest) {
			want := newSchedule("a")
			t.save(want)
			t.clock.advance(10*day + 2*time.Hour)
			t.advance("a", in(time.Hour), started(in(10*day+time.Hour)))
			want.NextRun, want.LastRun, want.LastResult = in(11*day+time.Hour), in(10*day+time.Hour), automation.Started
			t.wantSchedule(t.read("a"), want)
			t.wantDue()
		}},
	{"LosesNoTimeThatCameMeanwhile", "the next run is the first time after the one that was dealt with, not after the store's time: one that has come since is due at once",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.clock.advance(time.Hour + day)
			t.advance("a", in(time.Hour), started(in(time.Hour)))
			if found := t.wantDue("a"); !found[0].NextRun.Equal(in(time.Hour + day)) {
				t.Errorf("Due = %v, want %v", found[0].NextRun, in(time.Hour+day))
			}
		}},
	{"RefusesAnOutcomeThatIsNone", "a result that is none, and a time that is before the next run or has not come by the store's clock, is ErrInvalid and changes nothing",
		func(t *scheduleTest) {
			want := newSchedule("a")
			t.save(want)
			t.clock.advance(time.Hour)
			for name, f := range map[string]automation.Fired{
				"no result":           {Due: in(time.Hour)},
				"another result":      {Due: in(time.Hour), Result: "perhaps"},
				"no time":             {Result: automation.Started},
				"a time before":       started(in(time.Hour - day)),
				"a time that is next": started(in(time.Hour + day)),
			} {
				wantErr(t, t.Advance(t.Context(), "a", in(time.Hour), f), automation.ErrInvalid, "Advance with "+name)
			}
			want.NextRun = in(time.Hour)
			t.wantSchedule(t.read("a"), want)
			t.wantDue("a")
		}},
	{"KeepsTheBeginningOfALongDetail", "of a detail at most 1,000 bytes are kept, as text: whole letters, and nothing that cannot be stored",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.clock.advance(time.Hour)
			t.advance("a", in(time.Hour), automation.Fired{Due: in(time.Hour), Result: automation.Skipped, Detail: "\x00\xff" + strings.Repeat("ö", 5000)})
			got := t.read("a").LastDetail
			if len(got) < 900 || len(got) > 1000 || !utf8.ValidString(got) || strings.Contains(got, "\x00") || !strings.HasSuffix(got, "öö") {
				t.Errorf("the detail has %d bytes and ends with %q", len(got), got[max(0, len(got)-10):])
			}
		}},
	{"GoesByItsZone", "the next run is by the clocks of the schedule's zone, also over the day on which they are changed",
		func(t *scheduleTest) {
			s := newSchedule("a")
			s.Hour, s.Minute, s.Zone = 2, 30, "Europe/Berlin"
			t.save(s)
			for _, due := range []time.Time{time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC)} {
				t.clock.advance(due.Sub(t.clock.now()))
				t.advance("a", t.read("a").NextRun, started(due))
				want, _ := s.Next(due)
				if got := t.read("a").NextRun; !got.Equal(want) {
					t.Errorf("after %v the next run is at %v, want %v", due, got, want)
				}
			}
		}},
}

var scheduleRaceCases = []testCase[*scheduleTest]{
	{"AdvancesOnce", "of many advances from one time one is done, the others are ErrStale",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.clock.advance(time.Hour)
			errs := together(16, func(i int) error {
				return t.Advance(t.Context(), "a", in(time.Hour), automation.Fired{Due: in(time.Hour), Result: automation.Skipped, Detail: fmt.Sprint("by ", i)})
			})
			won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
			if matching(errs, nil) != 1 || matching(errs, automation.ErrStale) != 15 {
				t.Fatalf("16 advances from one time: %d are done, %d stale, want 1 and 15: %v", matching(errs, nil), matching(errs, automation.ErrStale), errors.Join(errs...))
			}
			if s := t.read("a"); s.LastDetail != fmt.Sprint("by ", won) || !s.NextRun.Equal(in(time.Hour+day)) {
				t.Errorf("the schedule is %+v, want it as advance %d left it", s, won)
			}
		}},
	{"KeepsOneOfManySaves", "of saves of one id that race, new or not, one is stored whole, with a next run of its own times",
		func(t *scheduleTest) {
			for round := range 3 {
				errs := together(16, func(i int) error {
					s := newSchedule("a")
					s.Site, s.Minute = fmt.Sprint("site ", i), round*16+i
					s.Request = fmt.Appendf(nil, "%d", i)
					_, err := t.SaveSchedule(t.Context(), s)
					return err
				})
				must(t, errors.Join(errs...), "SaveSchedule")
				got := t.read("a")
				i := got.Minute - round*16
				want := newSchedule("a")
				want.Site, want.Minute, want.NextRun = fmt.Sprint("site ", i), got.Minute, in(time.Hour+time.Duration(got.Minute)*time.Minute)
				want.Request = fmt.Appendf(nil, "%d", i)
				t.wantSchedule(got, want)
			}
		}},
	{"LosesNoAdvanceToASave", "a save that races with an advance, and does not move the times, leaves what became of the last time and the next run that the advance has set",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			for i := range 8 {
				due := in(time.Hour + time.Duration(i)*day)
				t.clock.advance(due.Sub(t.clock.now()))
				errs := together(9, func(n int) error {
					s := newSchedule("a")
					s.Site = fmt.Sprint("site ", n)
					_, err := t.SaveSchedule(t.Context(), s)
					if n == 4 { // when others are at their second save
						return errors.Join(err, t.Advance(t.Context(), "a", due, started(due)))
					}
					_, again := t.SaveSchedule(t.Context(), s)
					return errors.Join(err, again)
				})
				must(t, errors.Join(errs...), "SaveSchedule and Advance")
				if s := t.read("a"); !s.LastRun.Equal(due) || !s.NextRun.Equal(due.Add(day)) || s.LastResult != automation.Started {
					t.Fatalf("the schedule is %+v, want it advanced from %v", s, due)
				}
			}
		}},
}
