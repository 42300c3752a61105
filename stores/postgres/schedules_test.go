package postgres_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/internal/pgtest"
)

// TestSchedulesGoByTheDatabasesClock saves and advances without a clock of the test's own.
func TestSchedulesGoByTheDatabasesClock(t *testing.T) {
	d := pgtest.Open(t)
	store := handle(t, d, nil, nil).Schedules()
	now := func() (now time.Time) {
		t.Helper()
		if err := d.Pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
			t.Fatal(err)
		}
		return now
	}
	s := automation.Schedule{ID: "a", Site: "site", Account: "acme", Every: automation.Daily, Hour: 13, Active: true}
	before := now()
	saved, err := store.SaveSchedule(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if earliest, _ := s.Next(before); saved.NextRun.Before(earliest) || saved.NextRun.Sub(before) > 25*time.Hour {
		t.Errorf("the next run is at %v, want the first time after %v", saved.NextRun, before)
	}
	for row, err := range store.Due(t.Context()) {
		t.Errorf("Due = %+v, %v, want nothing", row, err)
	}
	execute(t, d, `UPDATE schedules SET next_run = next_run - interval '2 days'`)
	from := saved.NextRun.AddDate(0, 0, -2)
	found := 0
	for row, err := range store.Due(t.Context()) {
		if found++; err != nil || !row.NextRun.Equal(from) || row.At.Before(before) || row.At.After(now()) {
			t.Errorf("Due = %+v, %v, want it found by the database's time", row, err)
		}
	}
	if found != 1 {
		t.Errorf("%d schedules are due, want 1", found)
	}
	if err := store.Advance(t.Context(), "a", from, automation.Fired{Due: saved.NextRun, Result: automation.Started}); err == nil {
		t.Error("a time that has not come by the database's clock was dealt with")
	}
	if err := store.Advance(t.Context(), "a", from, automation.Fired{Due: from, Result: automation.Started}); err != nil {
		t.Error(err)
	}
}
