package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

var scheduleSaveCases = []testCase[*scheduleTest]{
	{"BeginsEmpty", "a new store has no schedule: Schedule and DeleteSchedule are ErrNotFound, and nothing is listed or due",
		func(t *scheduleTest) {
			_, err := t.Schedule(t.Context(), "none")
			wantErr(t, err, automation.ErrNotFound, "Schedule")
			wantErr(t, t.DeleteSchedule(t.Context(), "none"), automation.ErrNotFound, "DeleteSchedule")
			wantErr(t, t.Advance(t.Context(), "none", in(0), started(in(0))), automation.ErrNotFound, "Advance")
			t.wantListed("")
			t.wantDue()
		}},
	{"KeepsEveryField", "a schedule comes back as it was saved, with the first of its times after the store's as its next run, and with no last run",
		func(t *scheduleTest) {
			weekly := automation.Schedule{ID: "weekly", Site: "other", Account: "bob", Every: automation.Weekly, Weekday: time.Saturday, Hour: 23, Minute: 59,
				Zone: "Europe/Berlin", Active: true}
			monthly := automation.Schedule{ID: "monthly", Site: "site", Account: alice, Every: automation.Monthly, Day: 31, Minute: 5, CatchUp: 90 * time.Second,
				Active: true, Request: json.RawMessage(` { "a": 1, "a": 2.50 } `)}
			want := map[string]automation.Schedule{}
			for _, s := range []automation.Schedule{weekly, monthly, newSchedule("daily")} {
				got := t.save(s)
				s.NextRun = map[string]time.Time{"weekly": time.Date(2026, 3, 7, 22, 59, 0, 0, time.UTC),
					"monthly": time.Date(2026, 3, 31, 0, 5, 0, 0, time.UTC), "daily": in(time.Hour)}[s.ID]
				t.wantSchedule(got, s)
				want[s.ID] = s
			}
			for id, s := range want {
				t.wantSchedule(t.read(id), s)
			}
		}},
	{"HasNoSayInWhatIsTheStores", "the next run, and what became of the last one, are not what the caller says",
		func(t *scheduleTest) {
			s := newSchedule("a")
			s.NextRun, s.LastRun, s.LastResult, s.LastDetail = in(5*day), in(-day), automation.Skipped, "made up"
			want := newSchedule("a")
			want.NextRun = in(time.Hour)
			t.wantSchedule(t.save(s), want)
			t.clock.advance(time.Hour)
			t.advance("a", in(time.Hour), automation.Fired{Due: in(time.Hour), Result: automation.Skipped, Detail: "no credits"})
			want.NextRun, want.LastRun, want.LastResult, want.LastDetail = in(time.Hour+day), in(time.Hour), automation.Skipped, "no credits"
			t.wantSchedule(t.save(s), want)
		}},
	{"ComputesTheNextRunByItsClock", "a schedule that is new, or comes round at other times than before, has its next run after the store's time: a time of today that has passed is tomorrow's",
		func(t *scheduleTest) {
			s := newSchedule("a")
			for _, c := range []struct {
				at, hour int
				want     time.Duration
			}{{12, 13, time.Hour}, {14, 13, time.Hour}, {14, 12, day}, {14, 15, 3 * time.Hour}, {15, 14, day + 2*time.Hour}} {
				t.clock.advance(in(time.Duration(c.at-12) * time.Hour).Sub(t.clock.now()))
				s.Hour = c.hour
				want := s
				want.NextRun = in(c.want)
				t.wantSchedule(t.save(s), want)
			}
			for _, change := range []func(*automation.Schedule){
				func(s *automation.Schedule) { s.Every = automation.Weekly },
				func(s *automation.Schedule) { s.Weekday = time.Monday },
				func(s *automation.Schedule) { s.Every, s.Day = automation.Monthly, 2 },
				func(s *automation.Schedule) { s.Day = 3 },
				func(s *automation.Schedule) { s.Zone = "Europe/Berlin" },
				func(s *automation.Schedule) { s.Minute = 1 },
			} {
				t.clock.advance(60 * day)
				change(&s)
				want := s
				want.NextRun, _ = s.Next(t.clock.now())
				t.wantSchedule(t.save(s), want)
			}
		}},
	{"KeepsATimeThatHasComeOverAChange", "a change of what does not move its times keeps the next run: a time that has just come is not lost, and is due with what was changed",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.clock.advance(2 * time.Hour)
			s := newSchedule("a")
			s.Site, s.Account, s.CatchUp, s.Request, s.Weekday, s.Day = "other", "bob", 0, json.RawMessage(`2`), time.Friday, 7
			want := s
			want.NextRun = in(time.Hour)
			t.wantSchedule(t.save(s), want)
			if found := t.wantDue("a"); !sameSchedule(found[0].Schedule, want) {
				t.Errorf("Due = %+v, want the schedule as it was changed", found[0])
			}
		}},
	{"HasNoNextRunWhileItIsNotActive", "a schedule that is not active has no next run and is not due; when it becomes active its next run is after that, and what was missed is not caught up",
		func(t *scheduleTest) {
			s := newSchedule("a")
			t.save(s)
			s.Active = false
			t.wantSchedule(t.save(s), s)
			t.clock.advance(3 * day)
			t.wantDue()
			wantErr(t, t.Advance(t.Context(), "a", in(time.Hour), started(in(time.Hour))), automation.ErrStale, "Advance of one that is not active")
			wantErr(t, t.Advance(t.Context(), "a", time.Time{}, started(in(time.Hour))), automation.ErrStale, "Advance from no time")
			s.Active = true
			want := s
			want.NextRun = in(3*day + time.Hour)
			t.wantSchedule(t.save(s), want)
			t.wantDue()
		}},
	{"RefusesAScheduleThatIsNone", "a schedule that Validate refuses is ErrInvalid with all that is wrong at once, and changes nothing",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			for name, change := range map[string]func(*automation.Schedule){
				"no site":               func(s *automation.Schedule) { s.Site = "" },
				"a long site":           func(s *automation.Schedule) { s.Site = long(201) },
				"a site with NUL":       func(s *automation.Schedule) { s.Site = "a\x00" },
				"no account":            func(s *automation.Schedule) { s.Account = "" },
				"a long account":        func(s *automation.Schedule) { s.Account = credits.Account(long(201)) },
				"an account not UTF-8":  func(s *automation.Schedule) { s.Account = "\xff" },
				"no rhythm":             func(s *automation.Schedule) { s.Every = "" },
				"a weekday too many":    func(s *automation.Schedule) { s.Weekday = 7 },
				"no day of the month":   func(s *automation.Schedule) { s.Every = automation.Monthly },
				"a 32nd":                func(s *automation.Schedule) { s.Every, s.Day = automation.Monthly, 32 },
				"an hour too many":      func(s *automation.Schedule) { s.Hour = 24 },
				"a negative minute":     func(s *automation.Schedule) { s.Minute = -1 },
				"a zone nobody knows":   func(s *automation.Schedule) { s.Zone = "Mars/Olympus" },
				"the machine's zone":    func(s *automation.Schedule) { s.Zone = "Local" },
				"a negative window":     func(s *automation.Schedule) { s.CatchUp = -time.Hour },
				"a window of a second":  func(s *automation.Schedule) { s.CatchUp = time.Second },
				"a window of fractions": func(s *automation.Schedule) { s.CatchUp = time.Hour + 1 },
				"a request not JSON":    func(s *automation.Schedule) { s.Request = json.RawMessage(`{`) },
				"a long request":        func(s *automation.Schedule) { s.Request = json.RawMessage(`"` + long(16<<10) + `"`) },
			} {
				s := newSchedule("a")
				s.Minute = 30
				change(&s)
				_, err := t.SaveSchedule(t.Context(), s)
				wantErr(t, err, automation.ErrInvalid, "SaveSchedule with "+name)
			}
			for _, id := range []string{"", long(181), "a\x00", "\xff"} {
				_, err := t.SaveSchedule(t.Context(), newSchedule(id))
				wantErr(t, err, automation.ErrInvalid, fmt.Sprintf("SaveSchedule with id %.20q", id))
			}
			want := newSchedule("a")
			want.NextRun = in(time.Hour)
			t.wantSchedule(t.read("a"), want)
			t.wantListed("", "a")

			s := newSchedule("b")
			s.Site, s.Hour, s.Zone = "", 24, "Local"
			_, err := t.SaveSchedule(t.Context(), s)
			var e *automation.ScheduleError
			if !errors.As(err, &e) || e.ID != "b" {
				t.Errorf("SaveSchedule = %v, want a *ScheduleError", err)
			}
			for _, field := range []string{"site", "hour", "zone"} {
				if err == nil || !strings.Contains(err.Error(), field+": ") {
					t.Errorf("SaveSchedule = %v, which does not name the field %s", err, field)
				}
			}
		}},
	{"DeletesASchedule", "a schedule that was deleted is not there, not listed and not due; another of its id is a new one",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.save(newSchedule("b"))
			t.clock.advance(time.Hour)
			t.advance("a", in(time.Hour), started(in(time.Hour)))
			t.clock.advance(day)
			must(t, t.DeleteSchedule(t.Context(), "a"), "DeleteSchedule")
			_, err := t.Schedule(t.Context(), "a")
			wantErr(t, err, automation.ErrNotFound, "Schedule")
			wantErr(t, t.DeleteSchedule(t.Context(), "a"), automation.ErrNotFound, "DeleteSchedule again")
			wantErr(t, t.Advance(t.Context(), "a", in(time.Hour+day), started(in(time.Hour+day))), automation.ErrNotFound, "Advance")
			t.wantListed("", "b")
			t.wantDue("b")
			want := newSchedule("a")
			want.NextRun = in(time.Hour + 2*day)
			t.wantSchedule(t.save(want), want)
		}},
	{"ListsSchedulesInOrder", "Schedules yields a site's schedules, or everyone's, active or not, in the order of the bytes of their ids",
		func(t *scheduleTest) {
			for i, id := range []string{"b", "é", "A", "a", "a b", "a.b", "Z", "a_b"} {
				s := newSchedule(id)
				s.Active = i%3 != 0
				if i%2 == 1 {
					s.Site = "Site"
				}
				t.save(s)
			}
			t.wantListed("", "A", "Z", "a", "a b", "a.b", "a_b", "b", "é")
			t.wantListed("site", "A", "Z", "a b", "b")
			t.wantListed("Site", "a", "a.b", "a_b", "é")
			t.wantListed("nobody")
			t.wantListed("\xff")
		}},
	{"KeepsNamesExactly", "schedules are the same only if their ids have the same bytes, and sites and accounts come back as they were given",
		func(t *scheduleTest) {
			names := []string{"a", "A", "a ", " a", "é", "e\u0301", `it's "quoted"; --`, "%", "_", "größe ☃\t\n", long(180)}
			for i, name := range names {
				s := newSchedule(name)
				s.Site, s.Account, s.Minute = name, credits.Account(name), i
				t.save(s)
			}
			for i, name := range names {
				want := newSchedule(name)
				want.Site, want.Account, want.Minute, want.NextRun = name, credits.Account(name), i, in(time.Hour+time.Duration(i)*time.Minute)
				t.wantSchedule(t.read(name), want)
				t.wantListed(name, name)
			}
		}},
	{"KeepsBytesApart", "what a call was given or returned is the caller's: writing to it changes no schedule",
		func(t *scheduleTest) {
			given := newSchedule("a")
			want := newSchedule("a")
			want.NextRun = in(time.Hour)
			spoil := func(s automation.Schedule) {
				if len(s.Request) > 0 {
					s.Request[0] = 'x'
				}
			}
			saved := t.save(given)
			spoil(given)
			spoil(saved)
			t.clock.advance(time.Hour)
			for range 2 {
				read := t.read("a")
				t.wantSchedule(read, want)
				spoil(read)
				for _, s := range collect(t, t.Schedules(t.Context(), "site"), "Schedules") {
					spoil(s)
				}
				spoil(t.wantDue("a")[0].Schedule)
			}
		}},
	{"DoesNothingWithACancelledContext", "a call whose context is over before it begins returns the context's error and changes nothing; sequences yield it alone",
		func(t *scheduleTest) {
			t.save(newSchedule("a"))
			t.clock.advance(time.Hour)
			ctx := cancelled(t)
			_, err := t.SaveSchedule(ctx, newSchedule("b"))
			wantErr(t, err, context.Canceled, "SaveSchedule")
			_, err = t.Schedule(ctx, "a")
			wantErr(t, err, context.Canceled, "Schedule")
			wantErr(t, t.DeleteSchedule(ctx, "a"), context.Canceled, "DeleteSchedule")
			wantErr(t, t.Advance(ctx, "a", in(time.Hour), started(in(time.Hour))), context.Canceled, "Advance")
			wantOneError(t, "Schedules", t.Schedules(ctx, ""))
			wantOneError(t, "Due", t.Due(ctx))
			t.wantListed("", "a")
			t.wantDue("a")
		}},
	{"ListsManySchedules", "lists of any length have each schedule once, also while the loop advances and deletes some of what it got",
		func(t *scheduleTest) {
			const n = 503 // more than a store is likely to read at once
			want := []string{}
			errs := together(n, func(i int) error {
				s := newSchedule(fmt.Sprintf("%04d", i))
				s.Request = nil
				_, err := t.SaveSchedule(t.Context(), s)
				return err
			})
			must(t, errors.Join(errs...), "SaveSchedule")
			for i := range n {
				want = append(want, fmt.Sprintf("%04d", i))
			}
			t.wantListed("site", want...)
			t.clock.advance(time.Hour)
			t.wantDue(want...)
			list := func(what string, each func(id string)) {
				t.Helper()
				got := []string{}
				add := func(id string) {
					got = append(got, id)
					if len(got)%20 == 0 {
						each(id)
					}
				}
				if what == "Due" {
					for d, err := range t.Due(t.Context()) {
						must(t, err, what)
						add(d.ID)
					}
				} else {
					for s, err := range t.Schedules(t.Context(), "") {
						must(t, err, what)
						add(s.ID)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s with a loop that changes some = %d schedules, want each of %d once", what, len(got), n)
				}
			}
			list("Due", func(id string) { t.advance(id, in(time.Hour), started(in(time.Hour))) })
			list("Schedules", func(id string) { must(t, t.DeleteSchedule(t.Context(), id), "DeleteSchedule") })
		}},
}
