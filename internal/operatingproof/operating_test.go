//go:build linux || darwin

package operatingproof_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

const page = "../../docs/operating.md"

// tellEvents tells every event that waits.
func tellEvents(ctx context.Context, ledger credits.Ledger, tell func(credits.Event) error) error {
	for {
		events, err := ledger.Events(ctx, 100)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := tell(e); err != nil {
				return err
			}
			if err := ledger.Acknowledge(ctx, credits.EventRef{Account: e.Account, Number: e.Number}); err != nil {
				return err
			}
		}
	}
}

// giveBack refunds a charge, or a part of it.
func giveBack(ctx context.Context, ledger credits.Ledger, account credits.Account, charge credits.Key, amount credits.Amount, complaint string) error {
	_, err := ledger.Refund(ctx, credits.Refund{Account: account, Key: credits.Key("refund/" + complaint), Charge: charge, Amount: amount,
		Who: "support", Why: "complaint " + complaint})
	return err
}

// pruneBefore lets the results of accounts go that were settled before a time.
func pruneBefore(ctx context.Context, ledger credits.Ledger, accounts []credits.Account, before time.Time) (pruned int64, err error) {
	for _, account := range accounts {
		n, err := ledger.Prune(ctx, account, before)
		pruned += n
		if err != nil {
			return pruned, err
		}
	}
	return pruned, nil
}

// block is a fenced part of the page.
type block struct{ kind, text string }

func blocks(t *testing.T) (out []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```([a-z-]+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, block{m[1], m[2]})
	}
	if len(out) < 20 {
		t.Fatalf("the page has %d blocks: it or this test has changed its form", len(out))
	}
	return out
}

func TestThePagesFunctionsAreThoseThatAreTested(t *testing.T) {
	source, err := os.ReadFile("operating_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks(t) {
		if b.kind == "go" && !strings.Contains(string(source), b.text) {
			t.Errorf("the page shows a function that is not tested:\n%s", b.text)
		}
	}
}

// command is scrip, made once.
var command = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "scrip"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir, "../../cmd/scrip").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := command(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// host is a host's database, and what the page's commands run with.
type host struct {
	t      *testing.T
	kind   string // of the blocks of commands that are for it alone
	dir    string
	env    []string
	schema string
}

// run runs the page's commands and statements in their order, whatever is for this database.
func (h *host) run(query func(string) error) {
	h.t.Helper()
	ran := 0
	for _, b := range blocks(h.t) {
		for line := range strings.Lines(b.text) {
			line = strings.TrimSpace(line)
			switch b.kind {
			case "sql":
				if strings.Contains(line, "pg_settings") && h.kind != "postgres-console" {
					continue
				}
				ran++
				if err := query(line); err != nil {
					h.t.Errorf("%s: %v", line, err)
				}
			case "console", h.kind:
				ran++
				h.shell(strings.TrimPrefix(line, "$ "))
			}
		}
	}
	h.t.Logf("%d commands and statements", ran)
}

func (h *host) shell(line string) {
	h.t.Helper()
	if strings.Contains(line, "scrip keys rotate") { // the new entry of the ring is first
		h.env = append(h.env, "SCRIP_KEY_RING="+ring("2026", 'b')+","+ring("2025", 'a'))
	}
	if h.schema != "" { // what a host with its tables in the schema "scrip" need not say
		line = regexp.MustCompile(`scrip (migrate|models|keys|verify|usage|shadow)`).ReplaceAllString(line, `scrip --schema "$$SCHEMA" $1`)
	}
	if statement, ok := strings.CutPrefix(line, `sqlite3 shop.db "`); ok && !strings.HasPrefix(statement, ".") {
		// The shell of the machine may be older than 3.43, which the page wants for statements.
		if err := h.query(strings.TrimSuffix(statement, `"`)); err != nil {
			h.t.Errorf("%s: %v", line, err)
		}
		return
	}
	cmd := exec.CommandContext(h.t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = h.dir, h.env
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Errorf("%s: %v\n%s", line, err, out)
	}
}

func ring(id string, fill byte) string {
	return id + ":" + strings.Repeat(string(fill), 43-1) + "A=" // any 32 bytes
}

func newHost(t *testing.T, kind, database, schema string) *host {
	t.Helper()
	bin, err := command()
	if err != nil {
		t.Fatal(err)
	}
	path := bin + string(filepath.ListSeparator) + os.Getenv("PATH")
	if dump, err := pgtest.Program("pg_dump"); err == nil {
		path = filepath.Dir(dump) + string(filepath.ListSeparator) + path
	}
	return &host{t: t, kind: kind, dir: t.TempDir(), schema: schema, env: append(os.Environ(), "PATH="+path, "SCRIP_DATABASE="+database,
		"SCHEMA="+schema, "SCRIP_KEY_RING="+ring("2025", 'a'), "OPENAI_API_KEY=sk-of-the-page", "LOGNAME=olga", "USER=olga")}
}

// stores are the faces that the page is about.
type stores struct {
	ledger credits.Ledger
	models registry.ModelStore
	runs   automation.Store
}

// begin makes the schema, and the key that the page rotates.
func (h *host) begin() {
	h.t.Helper()
	h.shell(`scrip migrate`)
	h.shell(`printenv OPENAI_API_KEY | scrip keys set openai --why "the first key"`)
}

// trade makes the ledger of the page: charges with results, a debt, an event, an open hold, a run.
func (h *host) trade(s stores) {
	h.t.Helper()
	ctx := h.t.Context()
	try := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	prices, err := registry.Catalogue(registry.Current)
	try(err)
	_, err = s.models.Save(ctx, registry.Change{Who: "setup", Why: "first prices", Next: prices})
	try(err)
	_, err = s.ledger.Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 100})
	try(err)
	try(s.ledger.SetAlert(ctx, credits.Alert{Account: "alice", Below: 95}))
	for _, key := range []credits.Key{"k1", "k2"} {
		_, err = s.ledger.Charge(ctx, credits.Charge{Account: "alice", Key: key, Operation: "clustering", Amount: 5, Result: []byte("result"),
			Record: credits.UsageRecord{Provider: "openai", Model: "gpt-5.4-mini"}})
		try(err)
	}
	_, err = s.ledger.Hold(ctx, credits.HoldRequest{Account: "alice", Key: "k3", Operation: "clustering", Amount: 5, TTL: time.Hour,
		Holder: credits.Holder{ID: "h", Lease: time.Minute}, First: credits.Attempt{ID: "a1", Provider: "openai", Model: "gpt-5.4-mini", KeyID: "main"}})
	try(err)
	_, err = s.ledger.Adjust(ctx, credits.Adjust{Account: "bob", Key: "correction", Amount: -7, Who: "olga", Why: "a chargeback"})
	try(err)
	try(s.runs.CreateRun(ctx, automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{"cluster"}, State: automation.Running}))
}

// serve does what the page's functions are for.
func (h *host) serve(ledger credits.Ledger) {
	h.t.Helper()
	ctx := h.t.Context()
	var told []credits.EventKind
	for range 2 { // the second time there is nothing
		if err := tellEvents(ctx, ledger, func(e credits.Event) error { told = append(told, e.Kind); return nil }); err != nil {
			h.t.Error(err)
		}
	}
	if len(told) != 1 || told[0] != credits.LowBalance {
		h.t.Errorf("told %q, want one low balance", told)
	}
	for range 2 {
		if err := giveBack(ctx, ledger, "alice", "k1", 3, "4711"); err != nil {
			h.t.Error(err)
		}
	}
	if b, err := ledger.Balance(ctx, "alice"); err != nil || b.Posted != 93 {
		h.t.Errorf("Balance = %+v, %v, want 93 posted", b, err)
	}
	n, err := pruneBefore(ctx, ledger, []credits.Account{"alice", "bob"}, time.Now().Add(time.Hour))
	if err != nil || n != 2 {
		h.t.Errorf("pruneBefore = %d, %v, want 2", n, err)
	}
}

func TestThePageIsTrueOfSQLite(t *testing.T) {
	h := newHost(t, "sqlite-console", "shop.db", "")
	path := filepath.Join(h.dir, "shop.db")
	use := func(fn func(*sqlite.DB)) {
		db, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		fn(db)
	}
	h.begin()
	use(func(db *sqlite.DB) {
		h.trade(stores{db.Ledger(), db.Models(), db.Runs()})
		h.shell(`sqlite3 shop.db ".backup beside.db"`) // beside the host that runs, as the page says
		h.shell(`scrip verify --database beside.db`)
	})
	h.run(func(statement string) error { return h.query(strings.ReplaceAll(statement, "scrip.", "scrip_")) })
	use(func(db *sqlite.DB) { h.serve(db.Ledger()) })

	// An edited row that is put back as the backup has it.
	h.shell(`sqlite3 shop.db "UPDATE scrip_entries SET note = 'edited' WHERE account = 'bob' AND number = 1"`)
	h.shell(`! scrip verify bob`)
	h.shell(`sqlite3 shop.db "ATTACH '` + filepath.Join(h.dir, "backup.db") + `' AS b; UPDATE scrip_entries SET note = (SELECT note FROM b.scrip_entries WHERE account = 'bob' AND number = 1) WHERE account = 'bob' AND number = 1"`)
	h.shell(`scrip verify`)
}

// query runs a statement on the SQLite file by the driver that the store has.
func (h *host) query(statement string) error {
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "shop.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return drain(db.QueryContext(h.t.Context(), statement))
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

func TestThePageIsTrueOfPostgres(t *testing.T) {
	d := pgtest.Open(t)
	c := d.Pool.Config().ConnConfig
	address := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Path: "/" + c.Database,
		RawQuery: url.Values{"host": {c.Host}, "port": {fmt.Sprint(c.Port)}}.Encode()}
	h := newHost(t, "postgres-console", address.String(), d.Schema)
	t.Cleanup(func() {
		if _, err := d.Pool.Exec(context.Background(), fmt.Sprintf(`DROP SCHEMA IF EXISTS "%s_before" CASCADE`, d.Schema)); err != nil {
			t.Error(err)
		}
	})
	open := func() *postgres.DB {
		db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	h.begin()
	db := open()
	h.trade(stores{db.Ledger(), db.Models(), db.Runs()})
	h.run(func(statement string) error {
		rows, err := d.Pool.Query(t.Context(), strings.ReplaceAll(statement, "scrip.", `"`+d.Schema+`".`))
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	})
	d.Pool.Reset() // statements that were prepared are of the schema that is gone
	h.serve(open().Ledger())
}
