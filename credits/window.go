package credits

import (
	"fmt"
	"sync"
	"time"
)

// Start is when the cap's window began that the given time is in, to be compared with when a hold was created; zero for
// [Ever]. The cap must be valid.
func (c Cap) Start(at time.Time) time.Time {
	start, _ := c.window(at)
	return start
}

// End is when that window ends; zero for [Ever].
func (c Cap) End(at time.Time) time.Time {
	_, end := c.window(at)
	return end
}

func (c Cap) window(at time.Time) (start, end time.Time) {
	zone, err := loadZone(c.Zone)
	if err != nil || c.Window == Ever {
		return time.Time{}, time.Time{}
	}
	year, month, day := at.In(zone).Date()
	first := max(c.FirstDay, 1)
	switch c.Window {
	case PerDay:
		return midnight(year, month, day, zone), midnight(year, month, day+1, zone)
	case PerWeek:
		weekday := (int(at.In(zone).Weekday())+6)%7 + 1 // 1 is Monday
		day -= (weekday - first + 7) % 7
		return midnight(year, month, day, zone), midnight(year, month, day+7, zone)
	default:
		if day < min(first, daysIn(year, month)) {
			month--
		}
		return monthFrom(year, month, first, zone), monthFrom(year, month+1, first, zone)
	}
}

func monthFrom(year int, month time.Month, first int, zone *time.Location) time.Time {
	return midnight(year, month, min(first, daysIn(year, month)), zone)
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// midnight is the first moment of a local day, in UTC. Where clocks are set at midnight there is no 0:00 on that day, or two.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	begun, ends := t.ZoneBounds()
	switch have := t.Format(time.DateOnly); {
	case have < want: // 0:00 was skipped, and t is in the day before
		t = ends
	case have > want || t.Format(time.TimeOnly) != "00:00:00": // 0:00 was skipped, and t is after that
		t = begun
	case !begun.IsZero():
		if before := begun.Add(-time.Nanosecond).In(zone); before.Format(time.DateOnly) == want { // t is the second 0:00
			_, offset := before.Zone()
			t = time.Date(year, month, day, 0, 0, 0, 0, time.FixedZone("", offset))
		}
	}
	return t.UTC()
}

// zones are those that were loaded, because time.LoadLocation reads a file each time, and every decision under a cap needs
// one. There are some six hundred; of further names, which can only be other ways to write them, none is kept.
var zones = struct {
	sync.RWMutex
	byName map[string]*time.Location
}{byName: map[string]*time.Location{}}

const maxZones = 1000

// loadZone returns the zone of an IANA name, UTC for none.
func loadZone(name string) (*time.Location, error) {
	zones.RLock()
	zone, ok := zones.byName[name]
	zones.RUnlock()
	if ok {
		return zone, nil
	}
	zone, err := time.LoadLocation(name) // "" is UTC
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: unknown zone %.40q: want an IANA name such as Europe/Berlin", ErrInvalid, name)
	}
	zones.Lock()
	defer zones.Unlock()
	if len(zones.byName) < maxZones {
		zones.byName[name] = zone
	}
	return zone, nil
}
