package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/secret"
)

// shop is a database and somebody who works on it with the commands.
type shop struct {
	t        *testing.T
	env      map[string]string
	args     []string // put before those of every command
	stdin    string
	terminal terminal
	now      func() time.Time
	user     string
	said     bytes.Buffer // all that any command printed
}

// TestMain starts the server before any test. A process that is started has all files of this one open for a moment, and with
// them the lock of a database that a test has just closed; so tests that start one do not run beside others either.
func TestMain(m *testing.M) {
	d, err := pgtest.Connect(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	d.Close()
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

var programs string // where build has put the program; empty if nobody asked for it

// build returns the path of the program.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if programs, err = os.MkdirTemp("", "scrip"); err != nil {
		return "", err
	}
	out := filepath.Join(programs, "scrip")
	if text, err := exec.Command("go", "build", "-o", out, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	return out, nil
})

// newShop returns a shop with an SQLite file that is not there yet. Its test runs beside others: most of its time is the
// databases'.
func newShop(t *testing.T) *shop {
	t.Parallel()
	return soleShop(t)
}

// soleShop is newShop for a test that starts processes.
func soleShop(t *testing.T) *shop {
	return &shop{t: t, now: time.Now, user: "olga",
		env: map[string]string{"SCRIP_DATABASE": filepath.Join(t.TempDir(), "shop.db")}}
}

// empty is a file that has the schema and nothing else: to make one takes longer than most tests.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "scrip")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "empty.db")
	s := &system{stdout: io.Discard, stderr: os.Stderr, env: func(string) string { return file }, now: time.Now}
	if code := run(context.Background(), []string{"migrate"}, s); code != done {
		return nil, fmt.Errorf("migrate = %d", code)
	}
	return os.ReadFile(file)
})

// migrate brings the shop's database up to date.
func (s *shop) migrate() {
	s.t.Helper()
	if len(s.args) > 0 {
		s.must("migrate")
		return
	}
	text, err := empty()
	if err == nil {
		err = os.WriteFile(s.env["SCRIP_DATABASE"], text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// onEach runs a test on a shop with each sort of database, which has the schema.
func onEach(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		s := newShop(t)
		s.migrate()
		test(t, s)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s := newShop(t)
		d := pgtest.Open(t)
		s.env["SCRIP_DATABASE"], s.args = address(d), []string{"--schema", d.Schema}
		s.migrate()
		test(t, s)
	})
}

// address names the test's server as an operator does.
func address(d *pgtest.Database) string {
	c := d.Pool.Config().ConnConfig
	u := url.URL{Scheme: "postgres", Path: "/" + c.Database, RawQuery: url.Values{"host": {c.Host}, "port": {fmt.Sprint(c.Port)}}.Encode()}
	if u.User = url.User(c.User); c.Password != "" {
		u.User = url.UserPassword(c.User, c.Password)
	}
	return u.String()
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

func (s *shop) run(args ...string) result {
	s.t.Helper()
	return s.runUnder(s.t.Context(), args...)
}

func (s *shop) runUnder(ctx context.Context, args ...string) result {
	s.t.Helper()
	var out, errs bytes.Buffer
	code := run(ctx, append(append([]string{}, s.args...), args...), &system{stdin: strings.NewReader(s.stdin), stdout: &out, stderr: &errs,
		env: func(name string) string { return s.env[name] }, terminal: s.terminal, now: s.now, user: func() string { return s.user }})
	s.said.Write(out.Bytes())
	s.said.Write(errs.Bytes())
	return result{code, out.String(), errs.String()}
}

// must runs a command that has to succeed, and returns what it printed.
func (s *shop) must(args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	if r.code != done || r.err != "" {
		s.t.Fatalf("scrip %q = %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

// refused runs a command that has to fail with a code and a text, and nothing on the standard output but what may be.
func (s *shop) refused(code int, text string, args ...string) result {
	s.t.Helper()
	r := s.run(args...)
	if r.code != code || !strings.Contains(r.err, text) {
		s.t.Errorf("scrip %q = %d, want %d and %q\n%s%s", args, r.code, code, text, r.out, r.err)
	}
	for line := range strings.Lines(r.err) {
		if !strings.HasPrefix(line, "scrip: ") && !strings.HasPrefix(line, "To ") {
			s.t.Errorf("scrip %q says %q on the standard error, want \"scrip: …\"", args, line)
		}
	}
	return r
}

// decoded runs a command with --json and reads its document, which must have no field that the type has not.
func decoded[T any](s *shop, args ...string) T {
	s.t.Helper()
	text := s.must(append(args, "--json")...)
	return decode[T](s.t, text)
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if d.More() {
		t.Fatalf("more than one document:\n%s", text)
	}
	return v
}

// open gives a test the stores behind the commands.
func (s *shop) open(as access, do func(db *database)) {
	s.t.Helper()
	c := &commands{}
	if len(s.args) > 0 {
		c.Schema = s.args[1]
	}
	a := &app{system: &system{env: func(name string) string { return s.env[name] }, now: s.now}, ctx: s.t.Context(), commands: c}
	if err := a.with(as, func(db *database) error { do(db); return nil }); err != nil {
		s.t.Fatal(err)
	}
}

// person is a terminal at which somebody answers.
type person struct {
	mu      sync.Mutex
	answer  string
	err     error
	asked   []string // guarded by mu
	thought func()   // called before the answer
}

func (p *person) ask(ctx context.Context, question string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, question)
	if p.thought != nil {
		p.thought()
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return p.answer, p.err
}

func (p *person) secret(ctx context.Context, question string) (string, error) {
	return p.ask(ctx, question)
}

// ring returns the text of a ring with a key for each id, the first of which seals, and each key for a search.
func ring(t *testing.T, ids ...string) string {
	t.Helper()
	var entries []string
	for _, id := range ids {
		entry, err := secret.GenerateRingKey(id)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry.Reveal())
	}
	return strings.Join(entries, ",")
}
