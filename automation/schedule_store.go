package automation

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// ScheduleStore keeps schedules. It is safe for concurrent use. Each method is one transaction, durable when it returns.
// Times are the store's clock, which is the database's where it has one: what is due must not depend on which process asks.
// What is saved and what becomes of a time is decided by [Schedule.Saved] and [Schedule.Advanced], in the transaction and by
// its time, so that all stores decide alike. Names are the same if they have the same bytes. What a call is given and what
// it returns is the caller's own.
type ScheduleStore interface {
	// SaveSchedule creates a schedule, or replaces the one that has its id, and returns it as it is stored; see
	// [Schedule.Saved]. Of saves that race the last one wins, whole. Errors: ErrInvalid.
	SaveSchedule(ctx context.Context, s Schedule) (Schedule, error)
	// Schedule returns a schedule. Errors: ErrNotFound.
	Schedule(ctx context.Context, id string) (Schedule, error)
	// Schedules yields the schedules of a site, of every site if site is empty, in the order of the bytes of their ids.
	Schedules(ctx context.Context, site string) iter.Seq2[Schedule, error]
	// DeleteSchedule removes a schedule. What it has started goes on. Errors: ErrNotFound.
	DeleteSchedule(ctx context.Context, id string) error
	// Due yields the active schedules whose NextRun has come, the earliest first, and those of one time in the order of the
	// bytes of their ids. The loop may advance what it got. It is polled, so it must not read those that are not due.
	Due(ctx context.Context) iter.Seq2[DueSchedule, error]
	// Advance says what became of a schedule's time and sets the next one; a compare-and-set of NextRun, which must be
	// from; see [Schedule.Advanced]. Errors: ErrStale, ErrInvalid, ErrNotFound.
	Advance(ctx context.Context, id string, from time.Time, f Fired) error
}

// DueSchedule is a schedule whose time has come.
type DueSchedule struct {
	Schedule
	At time.Time // when it was found due, by the store's clock; not before NextRun
}

// Fired is what became of a time of a schedule.
type Fired struct {
	// Due is the time: the latest that had come. What had come before it is dealt with as well: several times that nobody
	// was there for are one.
	Due    time.Time
	Result FiringResult
	Detail string // for a person; at most 1,000 bytes of it are kept
}

// Saved returns what a store keeps when s is saved at a time over old, the zero Schedule if there is none. NextRun is the
// first time after that if the schedule is new, was not active, or comes round at other times than before; else it stays,
// so that a change of the rest does not lose a time that has just come. It is zero if s is not active. What became of the
// last time stays. Errors: as Validate.
func (s Schedule) Saved(old Schedule, now time.Time) (Schedule, error) {
	if err := s.Validate(); err != nil {
		return Schedule{}, err
	}
	s.NextRun, s.LastRun, s.LastResult, s.LastDetail = old.NextRun, old.LastRun, old.LastResult, old.LastDetail
	switch {
	case !s.Active:
		s.NextRun = time.Time{}
	case old.NextRun.IsZero() || old.rule() != s.rule():
		next, err := s.Next(now)
		if err != nil {
			return Schedule{}, err
		}
		s.NextRun = next
	}
	return s.own(), nil
}

// Advanced returns what a store keeps of s when it is advanced at a time. NextRun is the first time after f.Due, even if
// that has come by now: it is due at once then, and not lost. Errors: ErrStale if NextRun is not from; ErrInvalid for
// a result that is none, and for a time that is before from or has not come.
func (s Schedule) Advanced(from time.Time, f Fired, now time.Time) (Schedule, error) {
	bad := func(cause error, why string, args ...any) (Schedule, error) {
		return Schedule{}, fmt.Errorf("automation: advance schedule %q: %w: %s", s.ID, cause, fmt.Sprintf(why, args...))
	}
	due := f.Due.UTC().Truncate(time.Microsecond)
	switch {
	case f.Result != Started && f.Result != Skipped:
		return bad(ErrInvalid, "its result is %.40q, want %q or %q", f.Result, Started, Skipped)
	case s.NextRun.IsZero():
		return bad(ErrStale, "it is not active")
	case !s.NextRun.Equal(from):
		return bad(ErrStale, "its next run is at %s, not at %s", s.NextRun.Format(time.RFC3339), from.UTC().Format(time.RFC3339Nano))
	case due.Before(from) || due.After(now):
		return bad(ErrInvalid, "%s is not among the times from %s to now", due.Format(time.RFC3339Nano), s.NextRun.Format(time.RFC3339))
	}
	next, err := s.Next(due)
	if err != nil {
		return Schedule{}, err
	}
	s.NextRun, s.LastRun, s.LastResult, s.LastDetail = next, due, f.Result, words(f.Detail)
	return s.own(), nil
}

// own returns the schedule with bytes of its own.
func (s Schedule) own() Schedule {
	s.Request = slices.Clone(s.Request)
	if len(s.Request) == 0 {
		s.Request = nil
	}
	return s
}

// words returns a text as every store can keep it.
func words(s string) string {
	s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	return strings.ToValidUTF8(s[:min(len(s), maxDetail)], "") // which may have been cut within a letter
}
