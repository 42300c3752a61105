package automation_test

import (
	"archive/zip"
	"errors"
	"go/build"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/automation"
)

// at reads a time as a test writes it: 2026-03-29 01:00.
func at(t testing.TB, text, zone string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, location(t, zone))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func location(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestNextGoesByTheClockOnTheWall(t *testing.T) {
	daily := func(zone string, hour, minute int) automation.Schedule {
		return automation.Schedule{Every: automation.Daily, Hour: hour, Minute: minute, Zone: zone}
	}
	weekly := func(zone string, day time.Weekday, hour, minute int) automation.Schedule {
		return automation.Schedule{Every: automation.Weekly, Weekday: day, Hour: hour, Minute: minute, Zone: zone}
	}
	monthly := func(zone string, day, hour, minute int) automation.Schedule {
		return automation.Schedule{Every: automation.Monthly, Day: day, Hour: hour, Minute: minute, Zone: zone}
	}
	for _, c := range []struct {
		name  string
		s     automation.Schedule
		after string   // in UTC
		want  []string // in UTC
	}{
		{"EveryDay", daily("", 9, 30), "2026-03-01 09:29", []string{"2026-03-01 09:30", "2026-03-02 09:30", "2026-03-03 09:30"}},
		{"LaterThanTheInstant", daily("UTC", 9, 30), "2026-03-01 09:30", []string{"2026-03-02 09:30"}},
		{"InItsZone", daily("Asia/Kolkata", 0, 10), "2026-03-01 00:00", []string{"2026-03-01 18:40", "2026-03-02 18:40"}},
		{"EveryWeek", weekly("", time.Sunday, 9, 0), "2026-03-01 09:00", []string{"2026-03-08 09:00", "2026-03-15 09:00"}},

		{"AfterTheGapOfSpring", daily("Europe/Berlin", 2, 30), "2026-03-28 00:00",
			[]string{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}},
		{"OnceInTheHourOfAutumnThatComesTwice", daily("Europe/Berlin", 2, 30), "2026-10-24 00:00",
			[]string{"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"}},
		{"NotAgainFromWithinTheHourThatComesTwice", daily("America/New_York", 1, 30), "2026-11-01 05:45",
			[]string{"2026-11-02 06:30"}},
		{"AfterAGapOfMidnightInCairo", daily("Africa/Cairo", 0, 0), "2026-04-23 00:00", []string{"2026-04-23 22:00", "2026-04-24 21:00"}},
		{"AfterAGapOfMidnightInBeirut", daily("Asia/Beirut", 0, 30), "2026-03-28 00:00", []string{"2026-03-28 22:00", "2026-03-29 21:30"}},
		{"AfterAGapOfMidnightInSantiago", daily("America/Santiago", 0, 15), "2026-09-05 05:00", []string{"2026-09-06 04:00", "2026-09-07 03:15"}},
		{"OnceWhenTheLastHourOfADayComesTwice", daily("America/Santiago", 23, 30), "2026-04-04 00:00",
			[]string{"2026-04-04 02:30", "2026-04-05 02:30", "2026-04-06 03:30"}},
		{"AfterAGapOfHalfAnHour", daily("Australia/Lord_Howe", 2, 15), "2026-10-03 00:00", []string{"2026-10-03 15:30", "2026-10-04 15:15"}},
		{"OnceInHalfAnHourThatComesTwice", daily("Australia/Lord_Howe", 1, 45), "2026-04-04 00:00", []string{"2026-04-04 14:45", "2026-04-05 15:15"}},
		{"AfterAGapFromOneDayToTheNext", daily("America/Scoresbysund", 23, 30), "2025-03-28 12:00",
			[]string{"2025-03-29 01:30", "2025-03-30 01:00", "2025-03-31 00:30"}},

		{"OnNoDayThatAZoneSkipped", daily("Pacific/Apia", 12, 0), "2011-12-29 00:00", []string{"2011-12-29 22:00", "2011-12-30 22:00"}},
		{"InNoWeekWhoseDayAZoneSkipped", weekly("Pacific/Apia", time.Friday, 12, 0), "2011-12-20 00:00", []string{"2011-12-23 22:00", "2012-01-05 22:00"}},
		{"BeforeADayOfTheMonthThatAZoneSkipped", monthly("Pacific/Apia", 30, 12, 0), "2011-12-01 00:00", []string{"2011-12-29 22:00", "2012-01-29 22:00"}},
		{"OnTheLastDayBesideADayThatAZoneSkipped", monthly("Pacific/Apia", 31, 12, 0), "2011-12-01 00:00", []string{"2011-12-30 22:00"}},
		{"BeforeALastDayThatAZoneSkipped", monthly("Pacific/Kiritimati", 31, 12, 0), "1994-12-01 20:00", []string{"1994-12-30 22:00", "1995-01-30 22:00"}},

		{"OnTheLastDay", monthly("", 31, 0, 0), "2026-01-31 00:00",
			[]string{"2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00", "2026-05-31 00:00"}},
		{"OnTheLastDayOfAShorterMonth", monthly("", 30, 0, 0), "2027-12-31 00:00", []string{"2028-01-30 00:00", "2028-02-29 00:00", "2028-03-30 00:00"}},
		{"OnThe29thOfALeapYear", monthly("", 29, 0, 0), "2026-02-01 00:00", []string{"2026-02-28 00:00", "2026-03-29 00:00"}},
		{"OnThe29thOfNoLeapYearOfACentury", monthly("", 29, 0, 0), "2100-02-01 00:00", []string{"2100-02-28 00:00"}},
		{"OnTheFirst", monthly("", 1, 23, 59), "2026-02-28 23:59", []string{"2026-03-01 23:59"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := at(t, c.after, "")
			for _, want := range c.want {
				got, err := c.s.Next(after)
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equal(at(t, want, "")) || got.Location() != time.UTC {
					t.Fatalf("after %v Next = %v, want %s in UTC", after, got, want)
				}
				after = got
			}
		})
	}
}

func TestNextRefusesWhatHasNoTimes(t *testing.T) {
	sound := automation.Schedule{Every: automation.Monthly, Day: 1}
	for field, change := range map[string]func(*automation.Schedule){
		"every":   func(s *automation.Schedule) { s.Every = "hourly" },
		"day":     func(s *automation.Schedule) { s.Day = 32 },
		"weekday": func(s *automation.Schedule) { s.Weekday = 7 },
		"hour":    func(s *automation.Schedule) { s.Hour = 24 },
		"minute":  func(s *automation.Schedule) { s.Minute = -1 },
		"zone":    func(s *automation.Schedule) { s.Zone = "Mars/Olympus" },
	} {
		s := sound
		change(&s)
		_, err := s.Next(time.Now())
		var e *automation.ScheduleError
		if !errors.Is(err, automation.ErrInvalid) || !errors.As(err, &e) || e.Field != field {
			t.Errorf("Next with a wrong %s = %v, want a *ScheduleError that names it", field, err)
		}
	}
	for _, zone := range []string{"Local", "../../etc/passwd", strings.Repeat("z", 101)} {
		s := sound
		s.Zone = zone
		if _, err := s.Next(time.Now()); !errors.Is(err, automation.ErrInvalid) {
			t.Errorf("Next with zone %.20q = %v, want ErrInvalid", zone, err)
		}
	}
}

// zones are the names of all zones that Go brings with it.
var zones = sync.OnceValues(func() ([]string, error) {
	r, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var names []string
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names, nil
})

func allZones(t testing.TB) []string {
	t.Helper()
	names, err := zones()
	if err != nil || len(names) < 400 {
		t.Fatalf("%d zones, %v", len(names), err)
	}
	return names
}

var firstDay, lastDay = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 12, 31, 0, 0, 0, 0, time.UTC)

// wall is what the clocks of a zone show, as if the zone were UTC.
func wall(at time.Time) time.Time {
	_, offset := at.Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// walk is what somebody sees who looks at a clock every minute.
type walk struct {
	at, wall []time.Time
	dates    map[time.Time]bool
}

func walked(zone *time.Location, from, to time.Time) walk {
	w := walk{dates: map[time.Time]bool{}}
	for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
		begins, ends := wall(hour.In(zone)), wall(hour.Add(time.Hour).In(zone))
		for minute := time.Duration(0); minute < time.Hour; minute += time.Minute {
			at, shown := hour.Add(minute), begins.Add(minute)
			if ends.Sub(begins) != time.Hour { // the clocks are changed in it
				shown = wall(at.In(zone))
			}
			w.at, w.wall = append(w.at, at), append(w.wall, shown)
		}
	}
	var last time.Time
	for _, shown := range w.wall {
		if date := shown.Truncate(24 * time.Hour); date != last {
			w.dates[date], last = true, date
		}
	}
	return w
}

// times are those of a schedule, by what was seen: a date fires when the clocks first show its time or a later one. The
// first and the last month were not seen as a whole, and are left out of a monthly schedule.
func (w walk) times(s automation.Schedule) []time.Time {
	var out []time.Time
	for date := range w.dates {
		switch s.Every {
		case automation.Weekly:
			if date.Weekday() != s.Weekday {
				continue
			}
		case automation.Monthly:
			if date.Day() > s.Day {
				continue
			}
			later := false
			for other := range w.dates {
				later = later || other.Year() == date.Year() && other.Month() == date.Month() && other.Day() <= s.Day && other.After(date)
			}
			if later {
				continue
			}
		}
		due := date.Add(time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute)
		from := max(0, min(len(w.at), int(due.Add(-30*time.Hour).Sub(w.at[0]).Minutes()))) // no clock is ahead by more
		i := slices.IndexFunc(w.wall[from:], func(shown time.Time) bool { return !shown.Before(due) })
		if i >= 0 && from+i > 0 {
			out = append(out, w.at[from+i])
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// changes are the days within which the clocks of a zone were changed.
func changes(zone *time.Location) (days []time.Time) {
	_, before := firstDay.In(zone).Zone()
	for day := firstDay; day.Before(lastDay); day = day.AddDate(0, 0, 1) {
		_, after := day.AddDate(0, 0, 1).In(zone).Zone()
		if before != after {
			days = append(days, day)
		}
		before = after
	}
	return days
}

// wantTimes compares a schedule's times within what was seen, but for its ends, with those that were seen.
func wantTimes(t interface {
	Helper()
	Fatalf(string, ...any)
}, s automation.Schedule, w walk, margin time.Duration) {
	t.Helper()
	from, to := w.at[0].Add(margin), w.at[len(w.at)-1].Add(-margin)
	var got []time.Time
	for after := from; ; {
		next, err := s.Next(after)
		if err != nil || !next.After(after) {
			t.Fatalf("Next of %+v after %v = %v, %v: want a later time", s, after, next, err)
		}
		if !next.Before(to) {
			break
		}
		got = append(got, next)
		after = next
	}
	var want []time.Time
	for _, at := range w.times(s) {
		if at.After(from) && at.Before(to) {
			want = append(want, at)
		}
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatalf("%+v fires at\n%v, want\n%v", s, got, want)
	}
}

func TestNextAgreesWithSomebodyWhoLooksAtTheClock(t *testing.T) {
	names := allZones(t)
	rapid.Check(t, func(t *rapid.T) {
		s := automation.Schedule{Zone: rapid.SampledFrom(names).Draw(t, "zone"),
			Every:   rapid.SampledFrom([]automation.Every{automation.Daily, automation.Weekly, automation.Monthly}).Draw(t, "every"),
			Weekday: time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday")), Day: rapid.IntRange(1, 31).Draw(t, "day"),
			Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Minute: rapid.IntRange(0, 59).Draw(t, "minute")}
		zone, err := time.LoadLocation(s.Zone)
		if err != nil {
			t.Fatal(err)
		}
		days := append(changes(zone), firstDay.AddDate(0, 0, rapid.IntRange(0, 18_000).Draw(t, "days")))
		at := rapid.SampledFrom(days).Draw(t, "at")
		if s.Every != automation.Monthly {
			wantTimes(t, s, walked(zone, at.AddDate(0, 0, -9), at.AddDate(0, 0, 10)), 24*time.Hour)
			return
		}
		month := at.AddDate(0, 0, 1-at.Day())
		wantTimes(t, s, walked(zone, month.AddDate(0, -1, -2), month.AddDate(0, 2, 2)), 72*time.Hour)
	})
}

// campaign is how many there are to be of something: few in a plain run.
func campaign(few, all int) int {
	if os.Getenv("SCRIP_PROVE") != "" {
		return all
	}
	return min(few, all)
}

// TestCampaignEveryLocalDayFiresOnce goes through 1990 to 2040, in a plain run through five years of it in some zones.
func TestCampaignEveryLocalDayFiresOnce(t *testing.T) {
	names := slices.Clone(allZones(t))
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	odd := []string{"Pacific/Apia", "Pacific/Kiritimati", "Pacific/Kwajalein", "America/Santiago", "Africa/Casablanca", "Australia/Lord_Howe"}
	names = append(odd, names[:campaign(6, len(names))]...)
	years := campaign(5, 51)
	days := 0
	for _, name := range names {
		zone := location(t, name)
		s := automation.Schedule{Zone: name, Every: automation.Daily, Hour: rand.IntN(24), Minute: rand.IntN(60)}
		begin := firstDay.AddDate(rand.IntN(52-years), 0, -5)
		after, err := s.Next(begin)
		if err != nil {
			t.Fatal(err)
		}
		want := wall(after.In(zone)).Truncate(24*time.Hour).AddDate(0, 0, 1) // the date, and then the first after it that there is
		for ; want.Before(begin.AddDate(years, 0, 0)); days++ {
			next, err := s.Next(after)
			if err != nil || !next.After(after) {
				t.Fatalf("%s: Next of %02d:%02d after %v = %v, %v", name, s.Hour, s.Minute, after, next, err)
			}
			due := want.Add(time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute)
			for wall(next.In(zone)).Sub(due) >= 24*time.Hour && !seen(zone, want) {
				due, want = due.AddDate(0, 0, 1), want.AddDate(0, 0, 1)
			}
			// The time that was asked for, or what the clocks show behind a gap: before it they showed less.
			shown, before := wall(next.In(zone)), wall(next.Add(-time.Minute).In(zone))
			if !shown.Equal(due) && !(shown.After(due) && before.Before(due)) {
				t.Fatalf("%s: %02d:%02d of %s fires at %v, when the clocks show %v, and a minute before %v", name, s.Hour, s.Minute, want.Format(time.DateOnly), next, shown, before)
			}
			after, want = next, want.AddDate(0, 0, 1)
		}
	}
	t.Logf("%d days in %d zones", days, len(names))
}

// seen reports whether the clocks of a zone ever showed a date.
func seen(zone *time.Location, date time.Time) bool {
	for at := date.Add(-30 * time.Hour); at.Before(date.Add(54 * time.Hour)); at = at.Add(15 * time.Minute) {
		if wall(at.In(zone)).Truncate(24 * time.Hour).Equal(date) {
			return true
		}
	}
	return false
}

// TestCampaignOfClocksThatAreChanged looks, for each change of the clocks of a zone, at the times around it; in a plain run
// of few zones.
func TestCampaignOfClocksThatAreChanged(t *testing.T) {
	names := slices.Clone(allZones(t))
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	looked := 0
	for _, name := range names[:campaign(3, len(names))] {
		zone := location(t, name)
		for _, day := range changes(zone) {
			w := walked(zone, day.AddDate(0, 0, -3), day.AddDate(0, 0, 4))
			for i := 1; i < len(w.at); i++ {
				jump := w.wall[i].Sub(w.wall[i-1])
				if jump == time.Minute {
					continue
				}
				for _, shown := range []time.Time{w.wall[i-1], w.wall[i-1].Add(time.Minute), w.wall[i-1].Add(jump / 2), w.wall[i].Add(-time.Minute), w.wall[i], w.wall[i].Add(time.Minute)} {
					s := automation.Schedule{Zone: name, Every: automation.Daily, Hour: shown.Hour(), Minute: shown.Minute()}
					wantTimes(t, s, w, 24*time.Hour)
					looked++
				}
			}
		}
	}
	t.Logf("%d schedules around changes of clocks", looked)
}
