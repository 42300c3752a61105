package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// charge has accounts that were granted and charged.
func (s *shop) charge(accounts ...credits.Account) {
	s.t.Helper()
	s.open(writing, func(db *database) {
		ctx := s.t.Context()
		for i, account := range accounts {
			if _, err := db.ledger.Grant(ctx, credits.Grant{Account: account, Key: "order", Kind: credits.Purchase, Amount: 100}); err != nil {
				s.t.Fatal(err)
			}
			for _, model := range []string{"writer", "house:2@1", "writer"} {
				key := credits.Key(strings.Repeat("k", i+1) + model + time.Now().String())
				_, err := db.ledger.Charge(ctx, credits.Charge{Account: account, Key: key, Operation: "clustering", Scope: "run-1", Amount: 3, Result: []byte("done"),
					Record: credits.UsageRecord{Provider: "house", Model: model, Usage: usage.Tokens(400, 50), Exact: decimal.New(29, -1), Cost: decimal.New(1, -3)}})
				if err != nil {
					s.t.Fatal(err)
				}
			}
		}
	})
}

type verifyDocument struct {
	Reports                     []credits.Report
	Accounts, Entries, Problems int64
}

func TestVerify(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		if doc := decoded[verifyDocument](s, "verify"); doc.Accounts != 0 || doc.Reports == nil {
			t.Errorf("verify of nothing = %+v", doc)
		}
		s.charge("alice", "bob")
		doc := decoded[verifyDocument](s, "verify")
		if doc.Accounts != 2 || doc.Entries != 8 || doc.Problems != 0 || len(doc.Reports) != 2 || doc.Reports[1].Account != "bob" || doc.Reports[1].Posted != 91 {
			t.Errorf("verify = %+v", doc)
		}
		out := s.must("verify")
		for _, r := range doc.Reports {
			if line := "ok   " + string(r.Account) + "  entries 4  head " + r.Head + "\n"; len(r.Head) != 64 || !strings.Contains(out, line) {
				t.Errorf("verify does not print %q:\n%s", line, out)
			}
		}
		if out := s.must("verify", "bob"); strings.Contains(out, "alice") || !strings.HasSuffix(out, "\naccounts 1, entries 4, problems 0\n") {
			t.Errorf("verify bob:\n%s", out)
		}
		s.refused(failed, `"bobb" has no entries`, "verify", "bobb")

		s.tamper("UPDATE entries SET amount = -4 WHERE account = 'bob' AND number = 3")
		r := s.refused(failed, "1 of 2 accounts break a rule", "verify")
		if !strings.Contains(r.out, "\nBAD  bob  entries 4  head ") || !strings.Contains(r.out, "\n     entry 3: balance_after is the sum of entries") || !strings.Contains(r.out, "ok   alice") {
			t.Errorf("verify of what was tampered with:\n%s", r.out)
		}
		r = s.refused(failed, "1 of 2 accounts break a rule", "verify", "--json")
		doc = decode[verifyDocument](t, r.out)
		if doc.Problems == 0 || doc.Reports[1].Problems[0].Row != "entry 3" || !doc.Reports[0].OK() {
			t.Errorf("verify --json = %s", r.out)
		}
		s.must("verify", "alice")
	})
}

// tamper runs a statement, which names tables as PostgreSQL has them, past the store.
func (s *shop) tamper(statement string) {
	s.t.Helper()
	if len(s.args) == 0 {
		db, err := sql.Open("sqlite", s.env["SCRIP_DATABASE"])
		if err != nil {
			s.t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(strings.Replace(statement, "UPDATE ", "UPDATE scrip_", 1)); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	_, pool, err := pgtest.Attach(s.t.Context(), s.args[1]+" "+s.env["SCRIP_DATABASE"])
	if err != nil {
		s.t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(s.t.Context(), strings.Replace(statement, "UPDATE ", `UPDATE "`+s.args[1]+`".`, 1)); err != nil {
		s.t.Fatal(err)
	}
}

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

func TestMigrate(t *testing.T) {
	test := func(t *testing.T, s *shop) {
		for _, args := range [][]string{{"models", "list"}, {"verify"}, {"keys", "list"}, {"usage", "a"}, {"models", "history"}, {"snapshot"},
			{"models", "set", "a", "active=true", "--why", "x"}} {
			s.refused(failed, "scrip migrate brings the schema up", args...)
		}
		r := s.refused(failed, "the schema lacks 1 of this release's migrations", "migrate", "--check")
		if r.out != "missing 0001_initial\n" {
			t.Errorf("migrate --check prints %q", r.out)
		}
		if got := decoded[migrated](s, "migrate"); len(got.Applied) != 1 || got.Applied[0] != "0001_initial" || got.Missing == nil {
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

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestWhatCouldNotBePrintedIsAFailure: a snapshot on a full disk is not kept.
func TestWhatCouldNotBePrintedIsAFailure(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stocked().charge("alice")
	for _, args := range [][]string{{"snapshot"}, {"models", "list"}, {"verify"}, {"verify", "--json"}, {"models", "history"}, {"usage", "alice"}, {"keys", "list", "--json"}} {
		var said strings.Builder
		code := run(t.Context(), args, &system{stdout: fullDisk{}, stderr: &said, env: func(name string) string { return s.env[name] }, now: time.Now})
		if code != failed || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("scrip %q on a full disk = %d, %q", args, code, said.String())
		}
	}
}

// TestStoredTextDoesNothingToATerminal has escape sequences and line ends in what is shown.
func TestStoredTextDoesNothingToATerminal(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stdin = strings.ReplaceAll(small, `"house:2@1"`, `"house\u001b[2J\u009b1m\tx"`)
	s.must("models", "apply", "-", "--why", "a\x1b[31m\nb", "--yes")
	s.charge("al\x1bice\n")
	s.must("models", "list")
	s.must("models", "history")
	s.must("verify")
	s.must("usage", "--all-accounts", "--by", "account")
	s.refused(failed, `\x1b`, "verify", "no\x1bbody")
	if i := strings.IndexAny(s.said.String(), "\x1b\u009b\t"); i >= 0 {
		t.Errorf("a terminal would obey %q", s.said.String()[max(i-40, 0):i+10])
	}
	if !strings.Contains(s.said.String(), `a\x1b[31m\nb`) {
		t.Error("what was meant is not to be seen")
	}
}

func TestHelp(t *testing.T) {
	s := newShop(t)
	for _, args := range [][]string{{"--help"}, {"models", "set", "--help"}, {"keys", "--help"}} {
		if out := s.must(args...); !strings.HasPrefix(out, "Usage: scrip ") {
			t.Errorf("scrip %q:\n%s", args, out)
		}
	}
	s.refused(misused, "scrip --help", "verfy")
	s.refused(misused, "--why", "models", "rollback", "1")
	s.refused(misused, "scrip --help")
}

// TestTheProgram builds it and runs it as an operator does.
func TestTheProgram(t *testing.T) {
	program := build(t)
	dir := t.TempDir()
	scrip := func(code int, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), "SCRIP_DATABASE=shop.db", "SCRIP_KEY_RING="+ring(t, "2026")), strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("scrip %q: %v, want exit code %d\n%s", args, err, code, out)
		}
		return string(out)
	}
	scrip(failed, "", "models", "list")
	scrip(misused, "", "model")
	scrip(done, "", "migrate")
	scrip(failed, small, "models", "apply", "-", "--why", "x")
	scrip(done, small, "models", "apply", "-", "--why", "x", "--yes")
	scrip(done, "sk-live-7\n", "keys", "set", "house", "--why", "x", "--who", "olga")
	scrip(failed, "", "models", "diff", "1", "current")
	if out := scrip(done, "", "usage", "--all-accounts", "--zone", "Europe/Berlin"); !strings.HasPrefix(out, "RECORDS") {
		t.Errorf("usage prints %q", out)
	}
}

// build returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "scrip")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", out, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

var _ io.Writer = fullDisk{}
