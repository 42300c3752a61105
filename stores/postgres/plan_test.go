package postgres_test

import (
	"slices"
	"strings"
	"testing"
)

// A statement that is right and slow passes every other test. The tables are empty and have no statistics, which is when
// the planner knows least, and when a process that will run for weeks makes its plans.
func TestNoStatementWalksATable(t *testing.T) {
	db := open(t, nil)
	plans, err := db.Plans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// One condition finds one row in these, or few.
	small := []string{
		"accounts_pkey", "buckets_left", "configurations_pkey", "runs_pkey", "runs_id_key", "stages_pkey", "stages_run_stage_key", "tasks_pkey",
		"caps_pkey", "runs_live", "runs_claimable", "tasks_leased", "tasks_touched", "keywords_pkey",
		"account_settings_pkey",
		"claims_run",                                                                  // a run that is over, or planned anew, gives all of its claims back
		"keys_pkey", "key_changes_pkey", "account_settings_account", "schedules_pkey", // a page of them: what is read is bounded by its LIMIT
	}
	for text, plan := range plans {
		index := ""
		for line := range strings.Lines(plan) {
			line = strings.TrimSpace(line)
			for _, scan := range []string{" using ", "Bitmap Index Scan on "} {
				if _, name, ok := strings.Cut(line, scan); ok {
					index, _, _ = strings.Cut(name, " ")
				}
			}
			condition, indexed := strings.CutPrefix(line, "Index Cond: ")
			switch {
			case strings.Contains(line, "Seq Scan on"):
				t.Errorf("%s\nwalks a table:\n%s", text, plan)
			case indexed && !strings.Contains(condition, " AND ") && !slices.Contains(small, index):
				t.Errorf("%s\nwalks all that %s has under one condition:\n%s", text, index, plan)
			}
		}
	}
}
