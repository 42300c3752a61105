package postgres

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ automation.ScheduleStore = (*Schedules)(nil)

// Schedules is the [automation.ScheduleStore] of a [DB]. It is safe for concurrent use, by any number of processes. A
// change of a schedule locks its row.
type Schedules struct{ db *DB }

func scheduleFields(s *automation.Schedule) []any { return dbstore.ScheduleFields(s, at) }

const selectSchedules = `SELECT ` + dbstore.ScheduleColumns + ` FROM scrip.schedules`

const selectSchedule = selectSchedules + ` WHERE id = $1`

const lockSchedule = selectSchedule + ` FOR UPDATE`

const insertSchedule = `INSERT INTO scrip.schedules (` + dbstore.ScheduleColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

const updateSchedule = `UPDATE scrip.schedules SET (` + dbstore.ScheduleColumns + `)
	= ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) WHERE id = $1`

// SaveSchedule implements [automation.ScheduleStore].
func (s *Schedules) SaveSchedule(ctx context.Context, row automation.Schedule) (automation.Schedule, error) {
	if err := row.Validate(); err != nil && ctx.Err() == nil {
		return automation.Schedule{}, err
	}
	var saved automation.Schedule
	err := s.change(ctx, row.ID, func(old automation.Schedule, _ bool, now time.Time) (_ automation.Schedule, err error) {
		saved, err = row.Saved(old, now)
		return saved, err
	})
	if err != nil {
		return automation.Schedule{}, translate(ctx, "save schedule", err)
	}
	return saved, nil
}

// change replaces a schedule by what fn makes of it in one transaction; it gets none if there is none. Of two that are
// new at once the second fails, and is run again by write to find the first.
func (s *Schedules) change(ctx context.Context, id string, fn func(old automation.Schedule, known bool, now time.Time) (automation.Schedule, error)) error {
	return s.db.write(ctx, func(ctx context.Context, t *txn) error {
		var old automation.Schedule
		known, err := one(ctx, t, scheduleFields(&old), s.db.sql(lockSchedule), name(id))
		if err != nil {
			return err
		}
		var now time.Time // after the lock was waited for
		if _, err := one(ctx, t, []any{instant{&now}}, selectNow, s.db.at()); err != nil {
			return err
		}
		row, err := fn(old, known, now)
		if err != nil {
			return err
		}
		args, err := values(scheduleFields(&row))
		if err != nil {
			return err
		}
		text := insertSchedule
		if known {
			text = updateSchedule
		}
		_, err = t.Exec(ctx, s.db.sql(text), args...)
		return err
	})
}

// Schedule implements [automation.ScheduleStore].
func (s *Schedules) Schedule(ctx context.Context, id string) (automation.Schedule, error) {
	if err := s.db.readable(ctx); err != nil {
		return automation.Schedule{}, err
	}
	var row automation.Schedule
	known, err := one(ctx, s.db.pool, scheduleFields(&row), s.db.sql(selectSchedule), name(id))
	switch {
	case err != nil:
		return automation.Schedule{}, translate(ctx, "read schedule", err)
	case !known:
		return automation.Schedule{}, noSchedule("read", id)
	}
	return row, nil
}

func noSchedule(act, id string) error {
	return fmt.Errorf("postgres: %s schedule %q: %w", act, id, automation.ErrNotFound)
}

const (
	selectAllSchedules  = selectSchedules + ` WHERE id > $1 ORDER BY id LIMIT $2`
	selectSiteSchedules = selectSchedules + ` WHERE site = $3 AND id > $1 ORDER BY site, id LIMIT $2`
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
			text, args = selectSiteSchedules, append(args, name(site))
		}
		found, err := rows(ctx, s.db.pool, scheduleFields, s.db.sql(text), args...)
		return found, translate(ctx, "read schedules", err)
	})
}

const selectDueSchedules = selectSchedules + ` WHERE next_run <= $1 AND (next_run, id) > ($2, $3) ORDER BY next_run, id LIMIT $4`

// Due implements [automation.ScheduleStore].
func (s *Schedules) Due(ctx context.Context) iter.Seq2[automation.DueSchedule, error] {
	return dbstore.Pages(0, func(last *automation.DueSchedule, limit int) ([]automation.DueSchedule, error) {
		if err := s.db.readable(ctx); err != nil {
			return nil, err
		}
		var now time.Time
		if _, err := one(ctx, s.db.pool, []any{instant{&now}}, selectNow, s.db.at()); err != nil {
			return nil, translate(ctx, "read the time", err)
		}
		var after automation.Schedule
		if last != nil {
			after = last.Schedule
		}
		found, err := rows(ctx, s.db.pool, func(d *automation.DueSchedule) []any {
			d.At = now
			return scheduleFields(&d.Schedule)
		}, s.db.sql(selectDueSchedules), now, after.NextRun, after.ID, limit)
		return found, translate(ctx, "read schedules that are due", err)
	})
}

const deleteSchedule = `DELETE FROM scrip.schedules WHERE id = $1`

// DeleteSchedule implements [automation.ScheduleStore].
func (s *Schedules) DeleteSchedule(ctx context.Context, id string) error {
	err := s.db.write(ctx, func(ctx context.Context, t *txn) error {
		n, err := exec(ctx, t, s.db.sql(deleteSchedule), name(id))
		if err == nil && n == 0 {
			err = noSchedule("delete", id)
		}
		return err
	})
	return translate(ctx, "delete schedule", err)
}

// Advance implements [automation.ScheduleStore].
func (s *Schedules) Advance(ctx context.Context, id string, from time.Time, f automation.Fired) error {
	err := s.change(ctx, id, func(row automation.Schedule, known bool, now time.Time) (automation.Schedule, error) {
		if !known {
			return row, noSchedule("advance", id)
		}
		return row.Advanced(from, f, now)
	})
	return translate(ctx, "advance schedule", err)
}
