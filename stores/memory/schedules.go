package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/automation"
)

var _ automation.ScheduleStore = (*Schedules)(nil)

// Schedules is the [automation.ScheduleStore] of a [DB].
type Schedules struct {
	now func() time.Time

	mu   sync.Mutex
	rows map[string]automation.Schedule // guarded by mu; their requests are never written to
}

func (s *Schedules) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	return nil
}

// SaveSchedule implements [automation.ScheduleStore].
func (s *Schedules) SaveSchedule(ctx context.Context, row automation.Schedule) (automation.Schedule, error) {
	if err := s.lock(ctx); err != nil {
		return automation.Schedule{}, err
	}
	defer s.mu.Unlock()
	saved, err := row.Saved(s.rows[row.ID], s.now())
	if err != nil {
		return automation.Schedule{}, err
	}
	s.rows[row.ID] = saved
	return ownSchedule(saved), nil
}

// Schedule implements [automation.ScheduleStore].
func (s *Schedules) Schedule(ctx context.Context, id string) (automation.Schedule, error) {
	if err := s.lock(ctx); err != nil {
		return automation.Schedule{}, err
	}
	defer s.mu.Unlock()
	row, err := s.get("read", id)
	return ownSchedule(row), err
}

// get is called with mu.
func (s *Schedules) get(act, id string) (automation.Schedule, error) {
	row, ok := s.rows[id]
	if !ok {
		return row, fmt.Errorf("memory: %s schedule %q: %w", act, id, automation.ErrNotFound)
	}
	return row, nil
}

func ownSchedule(row automation.Schedule) automation.Schedule {
	row.Request = slices.Clone(row.Request)
	return row
}

// Schedules implements [automation.ScheduleStore].
func (s *Schedules) Schedules(ctx context.Context, site string) iter.Seq2[automation.Schedule, error] {
	return sequence(ctx, func() []automation.Schedule {
		return s.sorted(func(row automation.Schedule) bool { return site == "" || row.Site == site },
			func(a, b automation.Schedule) int { return cmp.Compare(a.ID, b.ID) })
	}, ownSchedule)
}

// Due implements [automation.ScheduleStore].
func (s *Schedules) Due(ctx context.Context) iter.Seq2[automation.DueSchedule, error] {
	var now time.Time
	return sequence(ctx, func() []automation.Schedule {
		now = s.now()
		return s.sorted(func(row automation.Schedule) bool { return !row.NextRun.IsZero() && !row.NextRun.After(now) },
			func(a, b automation.Schedule) int {
				return cmp.Or(a.NextRun.Compare(b.NextRun), cmp.Compare(a.ID, b.ID))
			})
	}, func(row automation.Schedule) automation.DueSchedule {
		return automation.DueSchedule{Schedule: ownSchedule(row), At: now}
	})
}

// sorted returns some of the schedules in an order.
func (s *Schedules) sorted(which func(automation.Schedule) bool, order func(a, b automation.Schedule) int) []automation.Schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []automation.Schedule
	for _, row := range s.rows {
		if which(row) {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, order)
	return out
}

// DeleteSchedule implements [automation.ScheduleStore].
func (s *Schedules) DeleteSchedule(ctx context.Context, id string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, err := s.get("delete", id); err != nil {
		return err
	}
	delete(s.rows, id)
	return nil
}

// Advance implements [automation.ScheduleStore].
func (s *Schedules) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	row, err := s.get("advance", id)
	if err != nil {
		return err
	}
	if row, err = row.Advanced(from, f, s.now()); err != nil {
		return err
	}
	s.rows[id] = row
	return nil
}
