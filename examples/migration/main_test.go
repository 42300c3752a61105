package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/registry"
)

// TestCampaignMigration walks through the phases: with some calls, and under SCRIP_PROVE with a million of them in the dark
// week, in the week after the switch and in the week after the way back.
func TestCampaignMigration(t *testing.T) {
	calls := "600"
	if os.Getenv("SCRIP_PROVE") != "" {
		calls = "1000000"
	}
	dir := t.TempDir()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-n", calls, "-dir", dir}, &out)
	t.Logf("\n%s", &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"the same", "ratio", "minimum", "per_image", "missing"} {
		if !regexp.MustCompile(`(?m)^ +` + reason + ` +[1-9]\d* `).Match(out.Bytes()) {
			t.Errorf("no call is of the reason %q: the week has none of them", reason)
		}
	}
	if n := strings.Count(out.String(), ": 0\n"); n != 4 {
		t.Errorf("%d comparisons come to a difference of 0, want 4", n)
	}
	baseline, err := os.ReadFile(filepath.Join(dir, "baseline.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Configuration json.RawMessage
		Recent        []json.RawMessage
	}
	if err := json.Unmarshal(baseline, &kept); err != nil || len(kept.Recent) == 0 {
		t.Fatalf("%d records, %v", len(kept.Recent), err)
	}
	c, err := registry.ParseConfiguration(kept.Configuration)
	if err != nil {
		t.Fatal(err)
	}
	first, err := legacy()
	if err != nil {
		t.Fatal(err)
	}
	if d := registry.Diff(c, first); len(d) > 0 {
		t.Errorf("the baseline is not what was in force: %v", d)
	}
	if bytes.Contains(baseline, []byte("sk-of")) || bytes.Contains(out.Bytes(), []byte("sk-of")) {
		t.Error("a key is told")
	}
}

// TestADifferenceIsAnError: the walk cannot pass by comparing nothing.
func TestADifferenceIsAnError(t *testing.T) {
	a := totals{{"acme", "clustering"}: {2, 7}, {"acme", "internal_linking"}: {1, 1}}
	for _, b := range []totals{{}, {{"acme", "clustering"}: {2, 8}, {"acme", "internal_linking"}: {1, 1}}, {{"acme", "clustering"}: {2, 7}, {"other", "internal_linking"}: {1, 1}}} {
		m := &migration{out: &bytes.Buffer{}}
		if err := m.same("a", a, b); err == nil || !strings.Contains(err.Error(), "it is not a") {
			t.Errorf("%v and %v: %v, want an error", a, b, err)
		}
	}
}

func TestAnInterruptEndsTheWalk(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, &bytes.Buffer{}); err == nil {
		t.Error("it walks on")
	}
	for _, args := range [][]string{{"-n", "0"}, {"-accounts", "0"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "must be positive") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
