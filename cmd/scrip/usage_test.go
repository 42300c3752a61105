package main

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestUsage(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.charge("alice", "bob")
		got := decoded[usageReport](s, "usage", "alice", "--by", "model,operation")
		if len(got.Rows) != 2 || got.Rows[1].Model != "writer" || got.Rows[1].Records != 2 || got.Rows[1].Charged != 6 || got.Rows[1].Operation != "clustering" ||
			!got.Rows[1].Cost.Equal(decimal.New(2, -3)) || got.Account != "alice" || got.Zone != "UTC" || len(got.By) != 2 {
			t.Errorf("usage = %+v", got)
		}
		if out := s.must("usage", "alice", "--by=model"); out != "MODEL      RECORDS  CHARGED  REFUNDED  WRITTEN OFF  COST USD  TOKENS IN  TOKENS OUT  IMAGES\n"+
			"house:2@1  1        3        0         0            0.001     400        50          0\n"+
			"writer     2        6        0         0            0.002     800        100         0\n" {
			t.Errorf("usage alice:\n%s", out)
		}
		if all := decoded[usageReport](s, "usage", "--all-accounts", "--by", "account", "--by", "scope"); len(all.Rows) != 2 || all.Rows[1].Account != "bob" || all.Rows[1].Scope != "run-1" {
			t.Errorf("usage --all-accounts = %+v", all)
		}
		if none := decoded[usageReport](s, "usage", "alice", "--to", "2020-01-01", "--scope", "run-1"); none.Rows == nil || len(none.Rows) > 0 && none.Rows[0].Records > 0 {
			t.Errorf("usage until 2020 = %+v", none)
		}
		for want, args := range map[string][]string{
			"either an account or --all-accounts": {}, "either an account or": {"alice", "--all-accounts"}, `unknown dimension "hour"`: {"alice", "--by", "hour"},
			`"Mars/Base" is no zone`: {"alice", "--zone", "Mars/Base"}, `"soon" is no time`: {"alice", "--from", "soon"}, `"May" is no time`: {"alice", "--to", "May"},
		} {
			s.refused(misused, want, append([]string{"usage"}, args...)...)
		}
	})
}

// TestUsageOfALocalDay charges at a moment whose day is another one in Berlin.
func TestUsageOfALocalDay(t *testing.T) {
	s := newShop(t)
	s.now = func() time.Time { return time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC) } // half past midnight in Berlin's summer
	s.migrate()
	s.charge("alice")
	for zone, want := range map[string]string{"UTC": "2026-03-31", "Europe/Berlin": "2026-04-01"} {
		got := decoded[usageReport](s, "usage", "alice", "--by", "day", "--zone", zone)
		if len(got.Rows) != 1 || got.Rows[0].Day != want {
			t.Errorf("usage in %s = %+v, want of %s", zone, got.Rows, want)
		}
	}
	april := []string{"usage", "alice", "--from", "2026-04-01", "--to", "2026-05-01", "--by", "account"}
	if got := decoded[usageReport](s, april...); len(got.Rows) != 0 {
		t.Errorf("usage of April in UTC = %+v", got.Rows)
	}
	got := decoded[usageReport](s, append(april, "--zone", "Europe/Berlin")...)
	if len(got.Rows) != 1 || got.Rows[0].Records != 3 || got.From.UTC().Format(time.RFC3339) != "2026-03-31T22:00:00Z" {
		t.Errorf("usage of April in Berlin = %+v", got)
	}
}

func TestADayBeginsWhereItsZoneHasAFirstMoment(t *testing.T) {
	for _, c := range []struct{ zone, day, want string }{
		{"Europe/Berlin", "2024-03-31", "2024-03-30T23:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // whose clocks went from 0:00 to 1:00
		{"Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z"},
		{"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"}, // which had 0:00 to 1:00 twice
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},   // the day after one that there was not
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := parseTime(c.day, zone); err != nil || at.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s of %s begins at %s, %v, want %s", c.day, c.zone, at.UTC().Format(time.RFC3339), err, c.want)
		}
	}
}
