package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/sqlite"
)

func TestMigrate(t *testing.T) {
	test := func(t *testing.T, s *shop) {
		for _, args := range [][]string{{"models", "list"}, {"verify"}, {"keys", "list"}, {"usage", "a"}, {"models", "history"}, {"snapshot"},
			{"models", "set", "a", "active=true", "--why", "x"}} {
			s.refused(failed, "scrip migrate brings the schema up", args...)
		}
		r := s.refused(failed, "of this release's migrations", "migrate", "--check")
		missing := strings.Count(r.out, "missing ")
		if !strings.HasPrefix(r.out, "missing 0001_initial\n") || !strings.Contains(r.err, fmt.Sprintf("the schema lacks %d of", missing)) {
			t.Errorf("migrate --check prints %q and %q", r.out, r.err)
		}
		if got := decoded[migrated](s, "migrate"); len(got.Applied) != missing || got.Applied[0] != "0001_initial" || got.Missing == nil {
			t.Errorf("migrate = %+v", got)
		}
		for _, args := range [][]string{{"migrate"}, {"migrate", "--check"}} {
			if out := s.must(args...); out != "the schema is current\n" {
				t.Errorf("%q prints %q", args, out)
			}
		}
		s.tamper("UPDATE migrations SET major = 2")
		s.refused(failed, "use the newer release", "migrate")
		s.refused(failed, "use the newer release", "migrate", "--check")
	}
	t.Run("SQLite", func(t *testing.T) {
		s := newShop(t)
		s.refused(failed, "is not there: scrip migrate makes one", "migrate", "--check")
		for _, args := range [][]string{{"models", "list"}, {"models", "rollback", "1", "--why", "x", "--yes"}} {
			s.refused(failed, "is not there: scrip migrate makes one", args...)
		}
		if _, err := os.Stat(s.env["SCRIP_DATABASE"]); err == nil {
			t.Error("a command that only reads made the file")
		}
		db, err := sqlite.Open(t.Context(), s.env["SCRIP_DATABASE"], nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s, d := newShop(t), pgtest.Open(t)
		s.env["SCRIP_DATABASE"], s.args = address(d), []string{"--schema", d.Schema}
		test(t, s)
	})
}

// TestAMigrationThatFailsSaysWhatIsApplied has a table in the way of the third: the first two are there for good.
func TestAMigrationThatFailsSaysWhatIsApplied(t *testing.T) {
	s := newShop(t)
	db, err := sql.Open("sqlite", s.env["SCRIP_DATABASE"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE scrip_account_settings (x)`); err != nil {
		t.Fatal(err)
	}
	r := s.refused(failed, "of this release's migrations", "migrate")
	if !strings.HasPrefix(r.out, "applied 0001_initial\napplied 0002_shadow\nmissing 0003_account_settings\n") || !strings.Contains(r.err, "already exists") {
		t.Errorf("migrate prints %q and %q, want what is applied, what is missing, and why", r.out, r.err)
	}
}

// TestBesideTheHost has the host's process hold an SQLite file.
func TestBesideTheHost(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stocked().charge("alice")
	s.env["SCRIP_KEY_RING"] = ring(t, "2026")
	host, err := sqlite.Open(t.Context(), s.env["SCRIP_DATABASE"], nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"models", "list"}, {"models", "show", "writer"}, {"models", "history"}, {"snapshot"}, {"verify"}, {"usage", "alice"},
		{"keys", "list"}, {"migrate", "--check"}} {
		s.must(args...)
	}
	set := []string{"models", "set", "writer", "sort_order=3", "--why", "x"}
	if r := s.refused(failed, "--yes writes the change", set...); !strings.Contains(r.out, "sort_order: 1 → 3") {
		t.Errorf("a look at a change beside the host:\n%s", r.out)
	}
	pid := "(pid " + decimal.NewFromInt(int64(os.Getpid())).String() + ")"
	for _, args := range [][]string{append(set, "--yes"), {"keys", "set", "house", "--why", "x"}, {"keys", "rotate", "--why", "x"}, {"migrate"}} {
		s.stdin = "sk-live-1"
		r := s.refused(failed, "nothing was written: an SQLite file has one writer", args...)
		if !strings.Contains(r.err, pid) {
			t.Errorf("scrip %q does not say who has the file, %s: %s", args, pid, r.err)
		}
	}
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	s.must(append(set, "--yes")...)
}

func TestDatabasesThatAreNone(t *testing.T) {
	s := newShop(t)
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(failed, "not an SQLite database", "verify", "--database", file)
	s.refused(misused, "--schema is for PostgreSQL", "verify", "--schema", "shop")
	s.env = nil
	s.refused(misused, "SCRIP_DATABASE", "verify")
}

// TestAPasswordOfTheDatabaseIsNeverShown looks for it in everything that is said when the address is wrong in some way.
func TestAPasswordOfTheDatabaseIsNeverShown(t *testing.T) {
	s := newShop(t)
	for _, database := range []string{
		"postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=5",          // nobody there
		"postgres://u@127.0.0.1:1/x?password=hunter2&connect_timeout=5", // elsewhere in it
		"postgres://u:hunter2@127.0.0.1:port/x",                         // no port
		"postgres://u:hunter2%zz@127.0.0.1/x",                           // a bad escape
		"postgresql://u:hunter2 @127.0.0.1:1/x",                         // a blank
		"postgres://u:hunter2@127.0.0.1/x?sslmode=maybe",                // no such mode
		"postgres://u:hunter2@127.0.0.1:1/x?sslrootcert=/none/hunter2",  // no such file
		"postgre://u:hunter2@127.0.0.1/x", "postgres:/u:hunter2@h/x",    // slips
		"u:hunter2@127.0.0.1/x", "host=127.0.0.1 user=u password=hunter2", // other forms
	} {
		for _, args := range [][]string{{"verify"}, {"migrate"}, {"models", "set", "a", "b=c", "--why", "x", "--yes"}} {
			s.env["SCRIP_DATABASE"] = database
			if r := s.run(args...); r.code == done || r.err == "" {
				t.Errorf("scrip %q with %s = %+v", args, database, r)
			}
		}
		s.env["SCRIP_DATABASE"] = ""
		for _, args := range [][]string{{"verify", "--database", database}, {"--databse", database, "verify"}, {"--databse=" + database, "verify"}, {database, "verify"},
			{"migrate", database}, {"snapshot", "--version", database}} {
			s.run(args...)
		}
	}
	if strings.Contains(s.said.String(), "hunter2") {
		t.Errorf("the password is in:\n%s", s.said.String())
	}
	for _, want := range []string{"connection refused", "the database URL cannot be read", "neither a postgres:// URL nor a file"} {
		if !strings.Contains(s.said.String(), want) {
			t.Errorf("nothing says %q in:\n%s", want, s.said.String())
		}
	}
}

func TestAServerThatRefuses(t *testing.T) {
	d := pgtest.Open(t)
	s := newShop(t)
	s.env["SCRIP_DATABASE"] = strings.Replace(address(d), "/"+d.Pool.Config().ConnConfig.Database+"?", "/none_"+d.Schema+"?", 1)
	s.refused(failed, "(SQLSTATE 3D000)", "verify")
	s.env["SCRIP_DATABASE"] = address(d)
	s.refused(failed, "no schema can have the name", "verify", "--schema", "pg_x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := s.runUnder(ctx, "verify"); r.code != failed || r.err != "scrip: interrupted\n" {
		t.Errorf("verify with a context that is over = %+v", r)
	}
}

func TestUnreachableSaysWhy(t *testing.T) {
	lookup := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "db.shop", IsNotFound: true}}
	for want, err := range map[string]error{
		"lookup db.shop: no such host": fmt.Errorf("connect as u with hunter2: %w", lookup),
		"it does not answer in time":   fmt.Errorf("connect as u with hunter2: %w", context.DeadlineExceeded),
		"no connection can be made":    errors.New("connect as u with hunter2"),
	} {
		if got := unreachable(t.Context(), err).Error(); got != "database is not available: "+want {
			t.Errorf("unreachable = %q, want %q", got, want)
		}
	}
}
