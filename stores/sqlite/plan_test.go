package sqlite_test

import (
	"slices"
	"strings"
	"testing"
)

// A statement that is right and slow passes every other test.
func TestNoStatementWalksATable(t *testing.T) {
	db := open(t, tempFile(t), nil)
	plans, err := db.Plans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	small := []string{ // walks over what is small by its condition
		"SCAN r USING INDEX scrip_runs_claimable",
		"SCAN scrip_runs USING INDEX scrip_runs_live",
		"SCAN scrip_events USING INDEX scrip_events_at", // those that were not acknowledged
		"SCAN json_each VIRTUAL TABLE INDEX 1:",         // the keys of a batch
		"SCAN cut",                                      // two quarters of an hour
	}
	for text, plan := range plans {
		for step := range strings.Lines(plan) {
			step = strings.TrimSpace(step)
			switch {
			case strings.HasSuffix(step, "-ROW VALUES CLAUSE"):
			case strings.HasPrefix(step, "SCAN") && !slices.ContainsFunc(small, func(s string) bool { return strings.HasPrefix(step, s) }):
				t.Errorf("%s\nwalks a table: %s", text, step)
			case strings.Contains(step, " (account=? AND "): // one row, or the few of a key
			case strings.Contains(text, "INSERT") && strings.Contains(step, "SEARCH"), // a foreign key looks for rows that refer here
				strings.Contains(step, "scrip_attempts_account (account=?)"),
				strings.Contains(step, "_order (site=?)"):
				t.Errorf("%s\nwalks all rows of an account or a site: %s", text, step)
			}
		}
	}
}
