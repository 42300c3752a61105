package credits_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// scan is the first minute of every local day between two days, found by looking at every minute. A day that was left out
// is not among them.
func scan(zone *time.Location, from, to time.Time) map[string]time.Time {
	first := map[string]time.Time{}
	last := 0
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		local := at.In(zone)
		if local.YearDay() == last {
			continue
		}
		last = local.YearDay()
		if day := local.Format(time.DateOnly); first[day].IsZero() {
			first[day] = at
		}
	}
	return first
}

// zone is a zone by its name. They are kept, because a library that reads files is slow.
func zone(name string) *time.Location {
	if zones[name] == nil {
		z, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		zones[name] = z
	}
	return zones[name]
}

var zones = map[string]*time.Location{}

// naiveWindow is the civil days on which a window begins and ends, whatever the clocks do.
func naiveWindow(c credits.Cap, at time.Time) (start, end time.Time) {
	year, month, day := at.In(zone(c.Zone)).Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	begins := func(d time.Time) bool {
		switch c.Window {
		case credits.PerWeek:
			weekday := int(d.Weekday())
			return weekday == max(c.FirstDay, 1) || weekday == 0 && c.FirstDay == 7
		case credits.PerMonth:
			tomorrow := d.AddDate(0, 0, 1)
			return d.Day() == max(c.FirstDay, 1) || d.Day() < c.FirstDay && tomorrow.Day() == 1
		}
		return true
	}
	for start = today; !begins(start); start = start.AddDate(0, 0, -1) {
	}
	for end = today.AddDate(0, 0, 1); !begins(end); end = end.AddDate(0, 0, 1) {
	}
	return start, end
}

// TestAWindowBeginsWithItsDay compares windows with what a look at every minute finds, where clocks are set at midnight,
// where a whole day is left out, and where they are set by half an hour.
func TestAWindowBeginsWithItsDay(t *testing.T) {
	for _, c := range []struct{ zone, around string }{
		{"", "2024-02-29"},
		{"America/Havana", "2026-03-08"},      // 0:00 is skipped
		{"America/Havana", "2026-11-01"},      // 0:00 comes twice
		{"Asia/Beirut", "2026-03-29"},         // 0:00 is skipped
		{"Asia/Beirut", "2026-10-25"},         // the hour before midnight comes twice
		{"America/Sao_Paulo", "2018-11-04"},   // 0:00 is skipped
		{"America/Sao_Paulo", "2019-02-17"},   // the hour before midnight comes twice
		{"Africa/Cairo", "2026-04-24"},        // 0:00 is skipped
		{"Africa/Cairo", "2026-10-30"},        // the hour before midnight comes twice
		{"Asia/Gaza", "2012-03-30"},           // 0:00 is skipped
		{"Asia/Gaza", "2014-10-24"},           // the hour before midnight comes twice
		{"Asia/Gaza", "2016-10-29"},           // 0:00 comes twice
		{"Atlantic/Azores", "2026-10-25"},     // as well
		{"America/Toronto", "1919-03-31"},     // 0:00 is skipped, with half an hour before and after
		{"Pacific/Apia", "2011-12-30"},        // there is no such day
		{"Australia/Lord_Howe", "2026-04-05"}, // by half an hour
		{"Australia/Lord_Howe", "2026-10-04"},
		{"America/St_Johns", "2011-03-13"}, // 0:01 is skipped
		{"America/St_Johns", "2010-11-07"}, // 0:00 comes twice, with an hour of the day before in between
		{"America/St_Johns", "2026-11-01"},
	} {
		t.Run(strings.ReplaceAll(c.zone, "/", "_")+c.around, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			day, err := time.Parse(time.DateOnly, c.around)
			if err != nil {
				t.Fatal(err)
			}
			first := scan(zone, day.AddDate(0, 0, -40), day.AddDate(0, 0, 40))
			midnight := func(of time.Time) time.Time {
				at, there := first[of.Format(time.DateOnly)]
				if !there { // what would begin on a day that was left out begins on the next
					at = first[of.AddDate(0, 0, 1).Format(time.DateOnly)]
				}
				return at
			}
			caps := []credits.Cap{{Zone: c.zone, Window: credits.PerDay}}
			for _, n := range []int{0, 1, 4, 7} {
				caps = append(caps, credits.Cap{Zone: c.zone, Window: credits.PerWeek, FirstDay: n})
			}
			for _, n := range []int{0, 15, 30, 31} {
				caps = append(caps, credits.Cap{Zone: c.zone, Window: credits.PerMonth, FirstDay: n})
			}
			var times []time.Time
			for at := day.AddDate(0, 0, -3); at.Before(day.AddDate(0, 0, 3)); at = at.Add(12 * time.Hour) {
				times = append(times, at)
			}
			for _, d := range []int{-1, 0, 1} { // and where it is close
				for _, off := range []time.Duration{-time.Hour, -time.Minute, -time.Microsecond, 0, 30 * time.Minute, time.Hour, 90 * time.Minute} {
					times = append(times, midnight(day.AddDate(0, 0, d)).Add(off))
				}
			}
			for _, of := range caps {
				for _, at := range times {
					from, to := naiveWindow(of, at)
					start, end := of.Start(at), of.End(at)
					if !start.Equal(midnight(from)) || !end.Equal(midnight(to)) || start.Location() != time.UTC || end.Location() != time.UTC {
						t.Errorf("the window %s from day %d on at %v is from %v to %v, want %v to %v", of.Window, of.FirstDay, at, start, end, midnight(from), midnight(to))
					}
				}
			}
		})
	}
}

func TestWindows(t *testing.T) {
	at := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		out, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, c := range []struct {
		rule           string
		cap            credits.Cap
		at, start, end string
	}{
		{"EverHasNoBeginningAndNoEnd", credits.Cap{Window: credits.Ever}, "2026-03-04 12:00:00", "", ""},
		{"ADayBeginsAtMidnight", credits.Cap{Window: credits.PerDay}, "2026-03-04 00:00:00", "2026-03-04 00:00:00", "2026-03-05 00:00:00"},
		{"ADayLastsUntilTheNext", credits.Cap{Window: credits.PerDay}, "2026-03-04 23:59:59", "2026-03-04 00:00:00", "2026-03-05 00:00:00"},
		{"OfTheZone", credits.Cap{Window: credits.PerDay, Zone: "Asia/Kolkata"}, "2026-03-04 18:29:59", "2026-03-03 18:30:00", "2026-03-04 18:30:00"},
		{"AWeekBeginsOnMonday", credits.Cap{Window: credits.PerWeek}, "2026-03-04 12:00:00", "2026-03-02 00:00:00", "2026-03-09 00:00:00"},
		{"OrOnSunday", credits.Cap{Window: credits.PerWeek, FirstDay: 7}, "2026-03-04 12:00:00", "2026-03-01 00:00:00", "2026-03-08 00:00:00"},
		{"AWeekBeginsToday", credits.Cap{Window: credits.PerWeek, FirstDay: 3}, "2026-03-04 00:00:00", "2026-03-04 00:00:00", "2026-03-11 00:00:00"},
		{"AMonthBeginsOnItsFirst", credits.Cap{Window: credits.PerMonth}, "2026-03-04 12:00:00", "2026-03-01 00:00:00", "2026-04-01 00:00:00"},
		{"OrOnAnother", credits.Cap{Window: credits.PerMonth, FirstDay: 15}, "2026-03-04 12:00:00", "2026-02-15 00:00:00", "2026-03-15 00:00:00"},
		{"OrOnItsLastIfItHasNoSuchDay", credits.Cap{Window: credits.PerMonth, FirstDay: 31}, "2026-02-28 00:00:00", "2026-02-28 00:00:00", "2026-03-31 00:00:00"},
		{"WhichIsADayLaterInALeapYear", credits.Cap{Window: credits.PerMonth, FirstDay: 30}, "2028-02-28 12:00:00", "2028-01-30 00:00:00", "2028-02-29 00:00:00"},
		{"OverTheTurnOfTheYear", credits.Cap{Window: credits.PerMonth, FirstDay: 31}, "2026-01-30 12:00:00", "2025-12-31 00:00:00", "2026-01-31 00:00:00"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if start, end := c.cap.Start(at(c.at)), c.cap.End(at(c.at)); start != at(c.start) || end != at(c.end) {
				t.Errorf("the window at %s is from %v to %v, want %q to %q", c.at, start, end, c.start, c.end)
			}
		})
	}
}

// TestEveryDayIsMadeOfWholeSlots checks what the totals of usage rest on: in every zone of the tz database the local day
// changes at whole quarters of an hour only.
func TestEveryDayIsMadeOfWholeSlots(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("there is no go command: ", err)
	}
	zones, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("there is no tz database: ", err)
	}
	defer zones.Close()
	seen := 0
	for _, f := range zones.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocationFromTZData(f.Name, data)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, wrong := range unevenDays(zone, time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("in %s a day begins %s", f.Name, wrong)
		}
	}
	if seen < 400 {
		t.Errorf("there are %d zones, want all of them", seen)
	}
	t.Run("WhichWasNotSoAlways", func(t *testing.T) { // or the test sees nothing
		zone, err := time.LoadLocation("America/St_Johns")
		if err != nil {
			t.Fatal(err)
		}
		if wrong := unevenDays(zone, time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC)); len(wrong) == 0 {
			t.Error("in Newfoundland clocks went back at 0:01 in 2010, and no day began there")
		}
	})
}

// unevenDays goes from one change of a zone's clocks to the next, and returns when a local day began within a quarter of
// an hour.
func unevenDays(zone *time.Location, from, to time.Time) (out []string) {
	for at := from.In(zone); at.Before(to); {
		name, offset := at.Zone()
		if offset%(15*60) != 0 {
			out = append(out, fmt.Sprintf("in %s, which is %d s from UTC, at %v", name, offset, at))
		}
		_, ends := at.ZoneBounds()
		if ends.IsZero() {
			break
		}
		if !ends.After(at) { // on the last day of a leap year it says so; clocks are not set on that day
			at = at.AddDate(0, 0, 1)
			continue
		}
		if before := ends.Add(-time.Nanosecond); before.Format(time.DateOnly) != ends.Format(time.DateOnly) && ends.Unix()%(15*60) != 0 && ends.Before(to) {
			out = append(out, fmt.Sprintf("after %v", before))
		}
		at = ends
	}
	return out
}
