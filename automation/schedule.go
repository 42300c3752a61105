package automation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrip-go/scrip/credits"
)

// Every is how often a schedule comes round.
type Every string

// How often a schedule may come round.
const (
	Daily   Every = "daily"
	Weekly  Every = "weekly"  // on Schedule.Weekday
	Monthly Every = "monthly" // on Schedule.Day
)

// Schedule starts runs of a site at certain times of the clock on its wall. Each local day that it names fires exactly
// once: a time that is skipped when clocks go forward fires at the first instant after the gap, and one that comes twice
// when they go back fires the first time only. A day that the zone has skipped as a whole does not fire.
type Schedule struct {
	ID      string          `json:"id"` // 1 to 180 bytes, of the host's choice
	Site    string          `json:"site"`
	Account credits.Account `json:"account"`

	Every   Every        `json:"every"`
	Weekday time.Weekday `json:"weekday,omitempty"` // of Weekly; Sunday if zero
	// Day is the day of the month of Monthly, 1 to 31. In a month that has no such day it is the last one before that the
	// month has: the 31st is the 30th of April and the 28th or 29th of February.
	Day    int    `json:"day,omitempty"`
	Hour   int    `json:"hour"` // 0 to 23
	Minute int    `json:"minute"`
	Zone   string `json:"zone,omitempty"` // a name of the IANA database; UTC if empty

	// CatchUp is how late a time may still be started, if nobody was there or the start failed: whole seconds, a minute at
	// least; an hour if zero. In JSON it is in nanoseconds.
	CatchUp time.Duration `json:"catch_up,omitempty"`
	Active  bool          `json:"active"` // it has no next run while it is not
	// Request says what is to be started: JSON that only the host's Start understands, 16 KiB at most; may be empty.
	Request json.RawMessage `json:"request,omitempty"`

	// What follows is the store's: what is saved has no say in it.

	NextRun    time.Time    `json:"next_run,omitzero"` // zero while it is not active
	LastRun    time.Time    `json:"last_run,omitzero"` // the time that was dealt with last, as it was due; zero if none was
	LastResult FiringResult `json:"last_result,omitempty"`
	LastDetail string       `json:"last_detail,omitempty"` // why it was not started, or started late, for a person
}

// FiringResult is what became of a time of a schedule.
type FiringResult string

// What may become of a time of a schedule.
const (
	Started FiringResult = "started" // there is a run
	Skipped FiringResult = "skipped" // there is none, and will be none
)

// What a schedule may have at most, in bytes. Its id leaves room for a time in the id of a run.
const (
	maxSchedule = maxName - 20
	maxZone     = 100
	maxRequest  = 16 << 10
	maxDetail   = 1000
)

const (
	defaultCatchUp = time.Hour
	minCatchUp     = time.Minute
)

// ScheduleError is a field of a schedule that breaks a rule. It matches [ErrInvalid].
type ScheduleError struct {
	ID    string // of the schedule
	Field string // by its JSON name
	Why   string // what is wrong with it, and what would be right
}

// Error implements error.
func (e *ScheduleError) Error() string {
	return fmt.Sprintf("automation: schedule %.80q: %v: %s: %s", e.ID, ErrInvalid, e.Field, e.Why)
}

// Is reports whether target is ErrInvalid.
func (e *ScheduleError) Is(target error) bool { return target == ErrInvalid }

// Validate checks a schedule that is to be saved, as every store does in SaveSchedule. Mistakes are joined; each is a
// *ScheduleError.
func (s Schedule) Validate() error {
	var errs []error
	bad := func(field, why string, args ...any) {
		errs = append(errs, &ScheduleError{s.ID, field, fmt.Sprintf(why, args...)})
	}
	for _, name := range []struct {
		field, value string
		most         int
	}{{"id", s.ID, maxSchedule}, {"site", s.Site, maxName}, {"account", string(s.Account), maxName}} {
		switch {
		case name.value == "":
			bad(name.field, "it is empty, and must be set")
		case len(name.value) > name.most:
			bad(name.field, "it has %d bytes, at most %d are allowed", len(name.value), name.most)
		case !utf8.ValidString(name.value) || strings.IndexByte(name.value, 0) >= 0:
			bad(name.field, "it must be UTF-8 without NUL")
		}
	}
	if s.CatchUp != 0 && (s.CatchUp < minCatchUp || s.CatchUp%time.Second != 0) {
		bad("catch_up", "it is %s: want whole seconds, %s at least, or 0 for %s", s.CatchUp, minCatchUp, defaultCatchUp)
	}
	switch {
	case len(s.Request) > maxRequest:
		bad("request", "it has %d bytes, at most %d are allowed", len(s.Request), maxRequest)
	case len(s.Request) > 0 && !json.Valid(s.Request):
		bad("request", "it is not JSON")
	}
	if _, err := s.calendar(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// calendar checks when the schedule comes round.
func (s Schedule) calendar() (calendar, error) {
	var errs []error
	bad := func(field, why string, args ...any) {
		errs = append(errs, &ScheduleError{s.ID, field, fmt.Sprintf(why, args...)})
	}
	switch s.Every {
	case Daily, Weekly:
	case Monthly:
		if s.Day < 1 || s.Day > 31 {
			bad("day", "it is %d: want 1 to 31, where 31 is the last of every month", s.Day)
		}
	default:
		bad("every", "it is %.40q: want %q, %q or %q", s.Every, Daily, Weekly, Monthly)
	}
	if s.Weekday < time.Sunday || s.Weekday > time.Saturday {
		bad("weekday", "it is %d: want 0, which is Sunday, to 6", s.Weekday)
	}
	if s.Day < 0 || s.Every != Monthly && s.Day > 31 {
		bad("day", "it is %d: want 0 in a schedule that is not monthly", s.Day)
	}
	if s.Hour < 0 || s.Hour > 23 {
		bad("hour", "it is %d: want 0 to 23", s.Hour)
	}
	if s.Minute < 0 || s.Minute > 59 {
		bad("minute", "it is %d: want 0 to 59", s.Minute)
	}
	zone, err := s.zone()
	if err != nil {
		errs = append(errs, err)
	}
	return calendar{s.rule(), zone}, errors.Join(errs...)
}

func (s Schedule) zone() (*time.Location, error) {
	wrong := func(why string) error { return &ScheduleError{s.ID, "zone", why} }
	switch {
	case len(s.Zone) > maxZone:
		return nil, wrong(fmt.Sprintf("it has %d bytes, at most %d are allowed", len(s.Zone), maxZone))
	case s.Zone == "Local": // would be another on each machine
		return nil, wrong(`"Local" is no zone: want a name such as "Europe/Berlin"`)
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, wrong(fmt.Sprintf(`%q is not known here: want a name of the IANA database such as "Europe/Berlin"; a program that runs where there is no such database imports time/tzdata`, s.Zone))
	}
	return zone, nil
}

// window is how late a time of the schedule may be started.
func (s Schedule) window() time.Duration {
	if s.CatchUp == 0 {
		return defaultCatchUp
	}
	return s.CatchUp
}
