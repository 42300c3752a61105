package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// shadowed fills the ledger with charges that were priced beside by a version.
func (s *shop) shadowed(version int64) {
	s.t.Helper()
	s.open(writing, func(db *database) {
		for n, c := range []struct {
			account credits.Account
			model   string
			amount  credits.Amount
			shadow  credits.Shadow
		}{
			{"alice", "writer", 5, credits.Shadow{Version: version, Credits: 5}},
			{"alice", "writer", 9, credits.Shadow{Version: version, Credits: 4, Reason: "ratio"}},
			{"bob", "writer", 7, credits.Shadow{Version: version, Credits: 8, Reason: "ratio"}},
			{"bob", "editor", 3, credits.Shadow{Version: version, Reason: credits.ShadowMissing}},
			{"bob", "editor", 2, credits.Shadow{Version: version + 1, Credits: 1, Reason: "minimum"}},
		} {
			key := credits.Key(fmt.Sprint("shadowed ", n))
			if _, err := db.ledger.Grant(s.t.Context(), credits.Grant{Account: c.account, Key: key + " grant", Kind: credits.Bonus, Amount: 100}); err != nil {
				s.t.Fatal(err)
			}
			if _, err := db.ledger.Charge(s.t.Context(), credits.Charge{Account: c.account, Key: key, Operation: "clustering", Amount: c.amount,
				Record: credits.UsageRecord{Provider: "house", Model: c.model, Usage: usage.Tokens(1, 1), Exact: decimal.NewFromInt(int64(c.amount)), Shadow: c.shadow}}); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

func TestShadowReport(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.must("models", "apply", "--catalogue", "current", "--why", "the first prices", "--yes")
		s.refused(failed, "no version is still to come", "shadow", "report")
		s.must("models", "set", "operation:clustering", "min_credits=9", "--why", "dearer", "--effective-at", "2099-01-01", "--yes")
		s.shadowed(2)

		want := `Charges that were also priced by version 2:
ACCOUNT  OPERATION   MODEL   REASON   RECORDS  CURRENT  CANDIDATE  DIFFERENCE
alice    clustering  writer  same     1        5        5          0
alice    clustering  writer  ratio    1        9        4          -5
bob      clustering  editor  missing  1        3        -          -
bob      clustering  writer  ratio    1        7        8          1
`
		for _, args := range [][]string{{"shadow", "report"}, {"shadow", "report", "2", "--from", "2020-01-01"}} {
			if out := s.must(args...); out != want {
				t.Errorf("%q prints\n%s", args, out)
			}
		}
		if out := s.must("shadow", "report", "--account", "alice", "--sum"); !strings.Contains(out, "ratio   1        9        4          -5\n") || strings.Contains(out, "missing") {
			t.Errorf("the sum for alice is\n%s", out)
		}
		got := decoded[shadowReport](s, "shadow", "report", "2", "--sum")
		if got.Version != 2 || len(got.Rows) != 3 || got.Rows[2].Reason != "ratio" || got.Rows[2].Records != 2 || got.Rows[2].Current != 16 || got.Rows[2].Candidate != 12 || got.Rows[2].Difference != -4 {
			t.Errorf("report = %+v", got)
		}
		if got := decoded[shadowReport](s, "shadow", "report", "2", "--to", "2020-01-01"); got.Rows == nil || len(got.Rows) != 0 {
			t.Errorf("report of nothing = %+v", got)
		}
		s.refused(misused, "is no time", "shadow", "report", "--from", "noon")
		s.refused(failed, "the version is -1", "shadow", "report", "--", "-1")
	})
}
