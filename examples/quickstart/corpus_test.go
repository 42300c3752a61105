package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/scrip-go/scrip/providers/providertest"
)

// TestCampaignRealKeywords runs over what people really asked a search engine, where a copy of those lists lies beside the
// repository.
func TestCampaignRealKeywords(t *testing.T) {
	for _, c := range []struct {
		file string
		args []string
		part []string // of the list, in a plain run
	}{
		{"nq-google-queries-health-science.txt", nil, []string{"-limit", "15"}},
		{"nq-google-queries-tv-film-music.txt", []string{"-workers", "16", "-images", "0"}, []string{"-limit", "80"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			file, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "keywords", c.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Skipf("the list is not there: %v", err)
			}
			args := append([]string{"-keywords", file}, c.args...)
			if campaign(0, 1) == 0 {
				args = append(args, c.part...)
			}
			up := startUpstream(t, providertest.Config{})
			p := newProgram(t, up, args...)
			r := p.want(exitDone)
			for _, s := range r.summary.Stages {
				if s.Failed > 0 {
					t.Errorf("stage %s gave %d items up", s.Name, s.Failed)
				}
			}
			f := p.audit(up.Journal())
			if f.settled != f.billable || f.attempts != f.billable {
				t.Errorf("%d billable requests, %d attempts, %d settled keys: want as many of each", f.billable, f.attempts, f.settled)
			}
			checkSite(t, p.out(), int(r.summary.Published))
			t.Logf("%d articles; %d requests, %d billable, %d attempts, %d settled keys; %d credits used of %d, the ledger verifies: %v",
				r.summary.Published, f.requests, f.billable, f.attempts, f.settled, r.summary.Credits.Used, r.summary.Credits.Granted, r.summary.LedgerVerified)
		})
	}
}
