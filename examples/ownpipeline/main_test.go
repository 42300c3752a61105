package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// asProgram makes the test binary the program itself, so that it can be run in a process that is then killed.
const asProgram = "OWNPIPELINE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// desk is one database and one report, on which the program is run again and again.
type desk struct {
	t   testing.TB
	dir string
	up  *providertest.Server
}

func newDesk(t testing.TB, cfg providertest.Config) *desk {
	t.Helper()
	cfg.Responder = madeUp{}
	return &desk{t, t.TempDir(), providertest.Start(t, cfg)}
}

func (d *desk) db() string { return filepath.Join(d.dir, "desk.db") }

func (d *desk) args(more ...string) []string {
	return append([]string{"-db", d.db(), "-out", filepath.Join(d.dir, "report.md"), "-upstream", d.up.BaseURL}, more...)
}

// want runs the program in this process, and returns what it printed.
func (d *desk) want(code int, more ...string) string {
	d.t.Helper()
	var out bytes.Buffer
	if got := run(d.t.Context(), d.args(more...), &out, &out); got != code {
		d.t.Fatalf("exit code %d, want %d:\n%s", got, code, &out)
	}
	return out.String()
}

// kill runs the program in a process of its own, and kills that after the given time. It reports whether it came to that.
func (d *desk) kill(after time.Duration, more ...string) bool {
	d.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.Command(exe, d.args(more...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
	switch code := cmd.ProcessState.ExitCode(); code {
	case -1:
		return true
	case 0:
		return false
	default:
		d.t.Fatalf("exit code %d:\n%s", code, &out)
		return false
	}
}

func (d *desk) report() string {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, "report.md"))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// figures are what an audit counted.
type figures struct{ billable, settled int }

// audit holds the ledger against the tables and against the upstream's journal: as many digests as charges, each key charged
// once, nothing asked for that was charged before, nothing held, and every request of an attempt that is journalled.
func (d *desk) audit(journal []providertest.Entry) (f figures) {
	t, ctx := d.t, d.t.Context()
	t.Helper()
	pool, db, err := open(ctx, d.db())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = db.Close(), pool.Close() }()
	settled := map[credits.Key]credits.Entry{}
	var charged, granted credits.Amount
	for e, err := range db.Ledger().Entries(ctx, credits.EntryQuery{Account: account}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == credits.EntryGrant {
			granted += e.Amount
			continue
		}
		if _, twice := settled[e.Key]; twice {
			t.Errorf("key %q is charged twice", e.Key)
		}
		settled[e.Key] = e
		charged -= e.Amount
	}
	keys := map[string]credits.Key{}
	for a, err := range db.Ledger().Attempts(ctx, credits.AttemptQuery{Account: account}) {
		if err != nil {
			t.Fatal(err)
		}
		keys[a.ID] = a.Key
	}
	for _, e := range journal {
		key, known := keys[e.Attempt]
		if s, ok := settled[key]; !known || ok && e.Time.After(s.At) {
			t.Errorf("request %d is of attempt %q, key %q: it is not journalled, or the key had been charged before", e.Seq, e.Attempt, key)
		}
		if e.Billable {
			f.billable++
		}
	}
	f.settled = len(settled)
	var digests int
	if err := pool.QueryRowContext(ctx, `SELECT count(*) FROM digests`).Scan(&digests); err != nil || digests != f.settled {
		t.Errorf("%d digests (%v), %d charges: want one for each", digests, err, f.settled)
	}
	b, err := db.Ledger().Balance(ctx, account)
	if err != nil || b.Held != 0 || b.Posted != granted-charged {
		t.Errorf("Balance = %+v, %v, want nothing held, and %d of %d", b, err, granted-charged, granted)
	}
	if r, err := db.Ledger().Verify(ctx, account); err != nil || !r.OK() {
		t.Errorf("Verify = %+v, %v", r.Problems, err)
	}
	return f
}

func TestTicketsBecomeAReport(t *testing.T) {
	d := newDesk(t, providertest.Config{})
	out := d.want(0)
	if n := strings.Count(d.report(), "\n## "); n != 12 || strings.Count(d.report(), "**urgent**") != 3 || strings.Contains(d.report(), "support wrote") {
		t.Errorf("%d tickets in the report, want 12, of which 3 are urgent, and nothing that was quoted:\n%s", n, d.report())
	}
	if !strings.Contains(out, "No answer is real") || !strings.Contains(out, "digest  12 of 12 tickets, 0 given up, 12 credits\n88 credits are left") {
		t.Errorf("it says:\n%s", out)
	}
	if f := d.audit(d.up.Journal()); f != (figures{12, 12}) {
		t.Errorf("%+v, want 12 requests for 12 charges", f)
	}
	if d.want(0); len(d.up.Journal()) != 12 {
		t.Errorf("%d requests after a second call, want no more than 12", len(d.up.Journal()))
	}
}

func TestAFurtherCallDoesWhatIsNew(t *testing.T) {
	d := newDesk(t, providertest.Config{})
	dir := t.TempDir()
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "Subject: A\n\nHola, uno.\n")
	write("b.txt", "Subject: B\n\n> only what we wrote\n")
	if out := d.want(0, "-tickets", dir); !strings.Contains(out, "given up: digest of b.txt after 1 tries") {
		t.Errorf("it says:\n%s", out)
	}
	write("c.txt", "Subject: C\n\nHola, tres.\n")
	d.want(0, "-tickets", dir)
	if n := strings.Count(d.report(), "\n## "); n != 2 {
		t.Errorf("%d tickets in the report, want 2:\n%s", n, d.report())
	}
	if f := d.audit(d.up.Journal()); f != (figures{2, 2}) {
		t.Errorf("%+v, want 2 requests for 2 charges", f)
	}
	d.want(1, "-tickets", filepath.Join(dir, "none"), "-order", "order-1")
}

func TestPausesWhenTheCreditsRunOutAndGoesOnWithMore(t *testing.T) {
	d := newDesk(t, providertest.Config{})
	d.want(3, "-credits", "6")
	before := d.audit(d.up.Journal())
	if before.settled == 0 || before.settled > 6 {
		t.Errorf("%d digests for 6 credits", before.settled)
	}
	d.want(3, "-credits", "6") // the same order brings nothing
	if d.want(0, "-order", "order-2"); d.audit(d.up.Journal()).settled != 12 {
		t.Errorf("not all tickets are done")
	}
	d.want(1, "-credits", "7") // the same order with another amount is a mistake
}

func TestAnOutagePausesTheRunAndCostsNothing(t *testing.T) {
	d := newDesk(t, providertest.Config{})
	if err := d.up.SetFaults(providertest.Fault{Kind: providertest.Status401}); err != nil {
		t.Fatal(err)
	}
	if out := d.want(1); !strings.Contains(out, "paused, for the provider") || !strings.Contains(out, "100 credits are left") {
		t.Errorf("it says:\n%s", out)
	}
	if err := d.up.SetFaults(); err != nil {
		t.Fatal(err)
	}
	d.want(0)
	if f := d.audit(d.up.Journal()); f != (figures{12, 12}) {
		t.Errorf("%+v, want 12 billable requests for 12 charges", f)
	}
}

// TestACancelledRunKeepsWhatItPaidFor dies between the settle of a ticket and its Save, and is cancelled then.
func TestACancelledRunKeepsWhatItPaidFor(t *testing.T) {
	d := newDesk(t, providertest.Config{})
	ctx := t.Context()
	pool, db, err := open(ctx, d.db())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = db.Close(), pool.Close() }()
	eng, end, err := newEngine(ctx, options{upstream: d.up.BaseURL}, db, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "order-1", Kind: credits.Purchase, Amount: 100}); err != nil {
		t.Fatal(err)
	}
	digest, err := newDigest(eng, pool, filepath.Join(d.dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	stages := []automation.Stage{&readStage{pool, folder(options{})}, &stops{digestStage: digest, paid: make(chan struct{}, 12)}}
	runner, err := automation.New(automation.Config{Store: db.Runs(), Workers: 2, Stages: stages, Drain: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	cancelAfterTheFirst(t, runner, db, stages[1].(*stops))
	if run, _, err := db.Runs().Run(ctx, "run-1"); err != nil || run.State != automation.Cancelled {
		t.Errorf("the run is %+v, %v, want it cancelled", run, err)
	}
	end()
	_, _ = db.Close(), pool.Close()
	if f := d.audit(d.up.Journal()); f.settled == 0 || f.settled > 2 {
		t.Errorf("%+v, want what two workers paid for", f)
	}
}

// stops is the stage, but that nothing is saved of what Do paid for: only Salvage finds it.
type stops struct {
	*digestStage
	paid chan struct{}
}

func (s *stops) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	out, err := s.digestStage.Do(ctx, c)
	if err != nil {
		return out, err
	}
	s.paid <- struct{}{}
	<-ctx.Done()
	return automation.Outcome{}, ctx.Err()
}

// cancelAfterTheFirst serves a run until something is paid, stops, and has another serve cancel it.
func cancelAfterTheFirst(t *testing.T, runner *automation.Runner, db *sqlite.DB, s *stops) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	id, err := takeUp(ctx, runner, db.Runs())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- runner.Serve(ctx) }()
	<-s.paid
	if err := runner.Cancel(ctx, id); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	again, err := automation.New(automation.Config{Store: db.Runs(), Stages: []automation.Stage{&readStage{}, s.digestStage}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithTimeout(t.Context(), time.Minute)
	go func() { served <- again.Serve(ctx) }()
	if _, _, err := again.Wait(ctx, id); err != nil {
		t.Error(err)
	}
	stop()
	<-served
}
