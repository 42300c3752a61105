package main

import (
	"bytes"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/pipeline"
)

func TestMain(m *testing.M) {
	if beUpstream() {
		return
	}
	os.Exit(m.Run())
}

// TestEveryRowIsMeasured runs the whole command over a few rows, so that it does not rot between two uses. Whether bars are met in
// so short a time says nothing.
func TestEveryRowIsMeasured(t *testing.T) {
	t.Parallel()
	log.SetOutput(io.Discard)
	var out bytes.Buffer
	b := &bench{rounds: 1, articles: 8, delay: time.Millisecond, workers: 4, rows: 60, look: time.Millisecond}
	if err := run(t.Context(), &out, b); err != nil {
		t.Fatal(err)
	}
	if want := 2*2 + len(pipeline.StageNames()); len(b.report.Rows) != want || strings.Count(out.String(), "\n| ") != want+1 {
		t.Errorf("there are %d rows, want %d:\n%s", len(b.report.Rows), want, out.String())
	}
	for _, r := range b.report.Rows {
		if len(r.Scrip) == 0 || len(r.Scrip) != len(r.Against) {
			t.Errorf("%s was measured %d and %d times", r.What, len(r.Scrip), len(r.Against))
		}
	}
	if _, err := os.Stat(b.dir); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", b.dir, err)
	}
}
