package automation

import "time"

// rule is what a schedule's times depend on.
type rule struct {
	every        Every
	weekday      time.Weekday // 0 unless weekly
	day          int          // 0 unless monthly
	hour, minute int
	zone         string
}

func (s Schedule) rule() rule {
	r := rule{every: s.Every, hour: s.Hour, minute: s.Minute, zone: s.Zone}
	switch s.Every {
	case Weekly:
		r.weekday = s.Weekday
	case Monthly:
		r.day = s.Day
	}
	return r
}

// Next returns the schedule's first time that is later than the given instant, in UTC and in whole seconds, whether it is
// active or not. Errors: *ScheduleError for what the times depend on.
func (s Schedule) Next(after time.Time) (time.Time, error) {
	c, err := s.calendar()
	if err != nil {
		return time.Time{}, err
	}
	return c.next(after), nil
}

// come returns the latest of the schedule's times that have come by now, from NextRun on, and how many there are.
func (s Schedule) come(now time.Time) (latest time.Time, n int, err error) {
	c, err := s.calendar()
	if err != nil {
		return time.Time{}, 0, err
	}
	for t := s.NextRun; !t.After(now); t = c.next(t) {
		latest = t
		n++
	}
	return latest, n, nil
}

// calendar is a rule in its zone.
type calendar struct {
	rule
	zone *time.Location
}

// next looks at one local day after the other. It need not look at those before: their times have come.
func (c calendar) next(after time.Time) time.Time {
	y, m, d := after.In(c.zone).Date()
	for {
		date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC) // only a date, which knows how long months are
		if c.matches(date) {
			at, exists := c.at(date.Add(time.Duration(c.hour)*time.Hour + time.Duration(c.minute)*time.Minute))
			if exists && at.After(after) {
				return at.UTC()
			}
		}
		d++
	}
}

// matches reports whether the rule names a date.
func (c calendar) matches(date time.Time) bool {
	switch c.every {
	case Weekly:
		return date.Weekday() == c.weekday
	case Monthly:
		return c.day >= date.Day() && !c.laterInMonth(date)
	}
	return true
}

// laterInMonth reports whether the month has a later day that is not behind the rule's.
func (c calendar) laterInMonth(date time.Time) bool {
	for later := date.AddDate(0, 0, 1); later.Month() == date.Month() && later.Day() <= c.day; later = later.AddDate(0, 0, 1) {
		if _, exists := c.at(later); exists {
			return true
		}
	}
	return false
}

// farthest is more than any zone ever was away from UTC.
const farthest = 16 * time.Hour

// at returns the first instant at which the clocks of the zone show a date and time of day, which is given as if the zone
// were UTC; if they never do, the first instant after the gap. It reports whether there is any instant on that date.
//
// time.Date would not do: which of two instants, or which side of a gap, it returns is not said.
func (c calendar) at(wall time.Time) (at time.Time, exists bool) {
	for from := wall.Add(-farthest).In(c.zone); ; {
		_, end := from.ZoneBounds()
		before := offset(from)
		if at := wall.Add(-before); !at.Before(from) && (end.IsZero() || at.Before(end)) {
			return at, true
		}
		if after := offset(end); end.Add(after).After(wall) { // from before to behind it
			midnight := wall.Truncate(24 * time.Hour)
			whole := !end.Add(before).After(midnight) && !end.Add(after).Before(midnight.Add(24*time.Hour))
			return end, !whole
		}
		from = end
	}
}

// offset is how far the clocks are ahead of UTC.
func offset(at time.Time) time.Duration {
	_, seconds := at.Zone()
	return time.Duration(seconds) * time.Second
}
