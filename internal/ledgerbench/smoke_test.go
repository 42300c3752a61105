package main

import (
	"context"
	"io"
	"log"
	"testing"
	"time"
)

// TestEveryCellRuns runs the whole command with a few callers and a few milliseconds for each side, so that it does not
// rot between two uses. Whether bars are met in so short a time says nothing.
func TestEveryCellRuns(t *testing.T) {
	t.Parallel()
	log.SetOutput(io.Discard)
	for name, c := range map[string]struct {
		section func(*bench, context.Context) error
		rows    int // in the table
		alone   int // of them, those with nothing beside them
	}{
		"Reference": {(*bench).reference, 4, 4},
		"Postgres":  {(*bench).postgres, 2*(3*3+1+1) + 5, 0},
		"SQLite":    {(*bench).sqlite, 2*(2+1) + 5, 0},
		"Memory":    {(*bench).memory, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{rounds: 1, cell: 2 * time.Millisecond, callers: []int{1, 4, 16}, many: 8, entries: 100, dir: t.TempDir()}
			if err := c.section(b, t.Context()); err != nil {
				t.Fatal(err)
			}
			if b.missing != nil {
				t.Error(b.missing)
			}
			alone := 0
			for _, r := range b.report.Rows {
				if len(r.Scrip) == 0 && len(r.Against) == 0 {
					t.Errorf("%s has no number", r.What)
				}
				// A number may be zero: a heap that did not rise between two looks.
				if len(r.Scrip) == 0 || len(r.Against) == 0 {
					alone++
				} else if len(r.Scrip) != b.rounds || len(r.Against) != b.rounds {
					t.Errorf("%s was measured %d and %d times in %d round", r.What, len(r.Scrip), len(r.Against), b.rounds)
				}
			}
			if len(b.report.Rows) != c.rows || alone != c.alone {
				t.Errorf("there are %d rows, %d of them with nothing beside them, want %d and %d", len(b.report.Rows), alone, c.rows, c.alone)
			}
		})
	}
}
