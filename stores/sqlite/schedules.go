package sqlite

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ automation.ScheduleStore = (*Schedules)(nil)

// Schedules is the [automation.ScheduleStore] of a [DB]. It is safe for concurrent use.
type Schedules struct{ db *DB }

func scheduleFields(s *automation.Schedule) []any { return dbstore.ScheduleFields(s, at) }

const selectSchedules = `SELECT ` + dbstore.ScheduleColumns + ` FROM scrip_schedules`

const selectSchedule = selectSchedules + ` WHERE id = ?`

const upsertSchedule = `INSERT INTO scrip_schedules (` + dbstore.ScheduleColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET site = excluded.site, account = excluded.account,
	every = excluded.every, weekday = excluded.weekday, day = excluded.day, hour = excluded.hour, minute = excluded.minute,
	zone = excluded.zone, catch_up = excluded.catch_up, active = excluded.active, request = excluded.request,
	next_run = excluded.next_run, last_run = excluded.last_run, last_result = excluded.last_result, last_detail = excluded.last_detail`

// SaveSchedule implements [automation.ScheduleStore].
func (s *Schedules) SaveSchedule(ctx context.Context, row automation.Schedule) (automation.Schedule, error) {
	if err := row.Validate(); err != nil && ctx.Err() == nil {
		return automation.Schedule{}, err
	}
	var saved automation.Schedule
	err := s.change(ctx, row.ID, func(old automation.Schedule, _ bool) (_ automation.Schedule, err error) {
		saved, err = row.Saved(old, s.db.now())
		return saved, err
	})
	if err != nil {
		return automation.Schedule{}, translate("save schedule", err)
	}
	return saved, nil
}

// change replaces a schedule by what fn makes of it in one transaction; it gets none if there is none.
func (s *Schedules) change(ctx context.Context, id string, fn func(old automation.Schedule, known bool) (automation.Schedule, error)) error {
	return s.db.write(ctx, func(ctx context.Context, t *txn) error {
		var old automation.Schedule
		known, err := one(ctx, t, scheduleFields(&old), selectSchedule, id)
		if err != nil {
			return err
		}
		row, err := fn(old, known)
		if err != nil {
			return err
		}
		return execute(ctx, t, upsertSchedule, scheduleFields(&row))
	})
}

// Schedule implements [automation.ScheduleStore].
func (s *Schedules) Schedule(ctx context.Context, id string) (automation.Schedule, error) {
	if err := s.db.readable(ctx); err != nil {
		return automation.Schedule{}, err
	}
	var row automation.Schedule
	known, err := one(ctx, s.db.reader, scheduleFields(&row), selectSchedule, id)
	switch {
	case err != nil:
		return automation.Schedule{}, translate("read schedule", err)
	case !known:
		return automation.Schedule{}, noSchedule("read", id)
	}
	return row, nil
}

func noSchedule(act, id string) error {
	return fmt.Errorf("sqlite: %s schedule %q: %w", act, id, automation.ErrNotFound)
}

const (
	selectAllSchedules  = selectSchedules + ` WHERE id > ? ORDER BY id LIMIT ?`
	selectSiteSchedules = selectSchedules + ` WHERE site = ? AND id > ? ORDER BY id LIMIT ?`
)

// Schedules implements [automation.ScheduleStore].
func (s *Schedules) Schedules(ctx context.Context, site string) iter.Seq2[automation.Schedule, error] {
	return dbstore.Pages(0, func(last *automation.Schedule, limit int) ([]automation.Schedule, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		after := ""
		if last != nil {
			after = last.ID
		}
		text, args := selectAllSchedules, []any{after, limit}
		if site != "" {
			text, args = selectSiteSchedules, []any{site, after, limit}
		}
		found, err := rows(ctx, s.db.reader, scheduleFields, text, args...)
		return found, translate("read schedules", err)
	})
}

const selectDueSchedules = selectSchedules + ` WHERE next_run <= ? AND (next_run, id) > (?, ?) ORDER BY next_run, id LIMIT ?`

// Due implements [automation.ScheduleStore].
func (s *Schedules) Due(ctx context.Context) iter.Seq2[automation.DueSchedule, error] {
	return dbstore.Pages(0, func(last *automation.DueSchedule, limit int) ([]automation.DueSchedule, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		var after automation.Schedule
		if last != nil {
			after = last.Schedule
		}
		now := s.db.now()
		found, err := rows(ctx, s.db.reader, func(d *automation.DueSchedule) []any {
			d.At = now
			return scheduleFields(&d.Schedule)
		}, selectDueSchedules, now.UnixMicro(), after.NextRun.UnixMicro(), after.ID, limit)
		return found, translate("read schedules that are due", err)
	})
}

const deleteSchedule = `DELETE FROM scrip_schedules WHERE id = ?`

// DeleteSchedule implements [automation.ScheduleStore].
func (s *Schedules) DeleteSchedule(ctx context.Context, id string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		done, err := t.ExecContext(ctx, deleteSchedule, id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return noSchedule("delete", id)
	})
	return translate("delete schedule", err)
}

// Advance implements [automation.ScheduleStore].
func (s *Schedules) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	err := s.change(ctx, id, func(row automation.Schedule, known bool) (automation.Schedule, error) {
		if !known {
			return row, noSchedule("advance", id)
		}
		return row.Advanced(from, f, s.db.now())
	})
	return translate("advance schedule", err)
}
