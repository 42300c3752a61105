package ledgerproof_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// primaryKeys are the tables of the ledger, each with what names a row of it.
var primaryKeys = map[string][]string{
	"accounts":      {"account"},
	"entries":       {"account", "number"},
	"buckets":       {"account", "number"},
	"holds":         {"account", "key"},
	"attempts":      {"account", "key", "id"},
	"usage_records": {"account", "entry"},
	"receipts":      {"account", "key"},
	"usage_totals":  {"account", "scoped", "slot", "scope", "operation", "provider", "model"},
	"caps":          {"account", "name"},
	"events":        {"account", "number"},
}

// unwatched are the columns in which an edit can pass Verify, and the tables that can lose a row, each with the reason.
// docs/ledger.md has the same list.
var unwatched = map[string]string{
	"accounts.alert_below":         "a setting of the host, which moves no credits",
	"accounts.alerted":             "as alert_below",
	"accounts.events":              "numbers events, which move no credits",
	"holds.operation":              "of a hold that is not settled it decides only what caps count",
	"holds.scope":                  "as operation",
	"holds.fingerprint":            "of a hold that is not settled it decides about no credits",
	"holds.key":                    "no entry has the key of a hold that is not settled",
	"holds.state":                  "released or expired: either has given its credits back",
	"holds.amount":                 "of a hold that was given back it says what was held once; of a settled one, only that it is above the charge matters",
	"holds.holder":                 "who works on a hold changes without a trace by design",
	"holds.fence":                  "as holder",
	"holds.lease":                  "as holder",
	"holds.lease_until":            "as holder",
	"holds.expires_at":             "an open hold's time is renewed without a trace by design",
	"holds.pinned":                 "opaque, and of no use once the key is settled",
	"holds.created_at":             "decides only in which window caps count the hold",
	"usage_records.shadow_version": "an observation of what another price would have come to: nobody pays by it, and a release that does not know it verifies what one that does has written",
	"usage_records.shadow_credits": "as shadow_version",
	"usage_records.shadow_reason":  "as shadow_version",
	"attempts":                     "the journal of what calls cost the operator moves no credits; that a charge's winner is there and finished is checked",
	"caps":                         "the host's settings; what a cap counts is checked",
	"events":                       "messages, which move no credits and are deleted when they were read",
}

// notTheLedgers are the tables of the registry, of runs and content, and what the stores keep for themselves.
var notTheLedgers = []string{"configurations", "runs", "stages", "tasks", "claims", "schedules", "content_tasks", "clusters", "keywords", "ideas", "articles", "images", "migrations", "writers", "keys", "key_changes", "account_settings"}

// editor is a database with a filled ledger in which rows are edited, one edit at a time.
type editor struct {
	tables  func() []string
	columns func(table string) map[string]string // name to type
	rows    func(table string) []string          // conditions that select one row each, in order
	// edited returns what Verify finds after a statement, of which nothing stays.
	edited func(statement string) (credits.Report, error)
	change map[string]string // type to an expression of another value, with %s for the column
	bytes  string            // 32 bytes that are nobody's digest
	prefix string            // of a table's name
}

// TestVerifyFindsAnyEdit changes one value in every row and every column of every table of the ledger, deletes the last
// row of each, and wants Verify to name a row and a rule. The columns are asked of the database, so that none is forgotten.
// In a plain run it is some rows, different ones each time, where an edit is to be found in all of them.
func TestVerifyFindsAnyEdit(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) editor{"sqlite": sqliteEditor, "postgres": postgresEditor} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			if r, err := e.edited(`SELECT 1`); err != nil || !r.OK() {
				t.Fatalf("Verify without an edit = %+v, %v", r, err)
			}
			for _, table := range e.tables() {
				if primaryKeys[table] == nil && !slices.Contains(notTheLedgers, table) {
					t.Errorf("%s is a table of which nobody said whether it is the ledger's", table)
				}
			}
			found, passed := 0, map[string]bool{}
			for _, table := range slices.Sorted(maps.Keys(primaryKeys)) {
				rows := e.rows(table)
				if len(rows) == 0 {
					t.Fatalf("%s: there is no row to edit", table)
				}
				last := rows[len(rows)-1]
				for column, kind := range e.columns(table) {
					if column == "account" || column == "seq" {
						continue // another account's row; the order of a table
					}
					some := rows
					if unwatched[table+"."+column] == "" {
						rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
						some = rows[:min(len(rows), campaign(1, len(rows)))]
					}
					for _, row := range some {
						edit := fmt.Sprintf(`UPDATE %s%s SET "%s" = %s WHERE %s`, e.prefix, table, column, e.other(table, column, kind), row)
						if e.find(t, edit) {
							found++
						} else {
							passed[table+"."+column] = true
						}
					}
				}
				if !e.find(t, fmt.Sprintf(`DELETE FROM %s%s WHERE %s`, e.prefix, table, last)) {
					passed[table] = true
				}
			}
			for where := range passed {
				table, _, _ := strings.Cut(where, ".")
				if unwatched[where] == "" && unwatched[table] == "" {
					t.Errorf("an edit of %s passes Verify", where)
				}
			}
			for where := range unwatched {
				if strings.Contains(where, ".") && !passed[where] {
					t.Errorf("%s is watched, and said to be not", where)
				}
			}
			t.Logf("%d edits of a column were found; an edit passes in %v", found, slices.Sorted(maps.Keys(passed)))
		})
	}
}

func TestTheLedgerPageListsWhatIsNotWatched(t *testing.T) {
	page, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	for where, why := range unwatched {
		if row := fmt.Sprintf("| `%s` | %s |\n", where, why); !strings.Contains(string(page), row) {
			t.Errorf("docs/ledger.md lacks the row %s", row)
		}
	}
}

// find reports whether Verify finds an edit, or cannot even read what it made.
func (e editor) find(t *testing.T, edit string) bool {
	t.Helper()
	r, err := e.edited(edit)
	var refused *pgconn.PgError
	switch {
	case err != nil && strings.Contains(err.Error(), "UNIQUE constraint"), errors.As(err, &refused) && refused.Code == "23505":
		return true // there is such a row already: the database itself finds it
	case errors.Is(err, errEdit):
		t.Fatalf("%s: %v", edit, err)
	}
	for _, p := range r.Problems {
		if p.Row == "" || p.Rule == "" {
			t.Errorf("after %s Verify says %+v, want a row and a rule", edit, p)
		}
	}
	return err != nil || !r.OK()
}

// errEdit is an edit that the database does not do.
var errEdit = errors.New("no edit")

// other is an expression of a value that a column does not have, in the form that it must have.
func (e editor) other(table, column, kind string) string {
	switch {
	case column == "lots":
		return `CASE CAST(lots AS text) WHEN '[{"bucket":1,"amount":1}]' THEN '[]' ELSE '[{"bucket":1,"amount":1}]' END` + e.change["json"]
	case column == "hash" || column == "head" || column == "digest" || column == "fingerprint":
		return e.bytes
	case column == "state":
		return `CASE state WHEN 'open' THEN 'released' WHEN 'released' THEN 'expired' WHEN 'expired' THEN 'open' ELSE 'open' END`
	case column == "kind" && table == "entries":
		return `CASE kind WHEN 'grant' THEN 'renew' WHEN 'settle' THEN 'expired' WHEN 'expired' THEN 'settle' ELSE 'grant' END`
	case column == "kind" && table == "buckets":
		return `CASE kind WHEN 'plan' THEN 'bonus' ELSE 'plan' END`
	case slices.Contains([]string{"scoped", "pruned", "warned", "reached", "alerted"}, column):
		return fmt.Sprintf(e.change["boolean"], `"`+column+`"`)
	case column == "window":
		return `CASE "window" WHEN 'day' THEN 'month' ELSE 'day' END`
	}
	return fmt.Sprintf(e.change[kind], `"`+column+`"`)
}

// condition is an expression of SQL that yields the condition which selects a row of a table. quote makes a literal.
func condition(table, quote string) string {
	var parts []string
	for _, column := range primaryKeys[table] {
		parts = append(parts, fmt.Sprintf(`'%s = ' || %s`, column, fmt.Sprintf(quote, column)))
	}
	return strings.Join(parts, ` || ' AND ' || `)
}

func sqliteEditor(t *testing.T) editor {
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(quickDir(t), "ledger.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(1) // the settings below are the connection's
	c := &clock{}
	db, err := sqlite.New(t.Context(), pool, &sqlite.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, db.Ledger(), c)
	if _, err := pool.ExecContext(t.Context(), `PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON`); err != nil {
		t.Fatal(err)
	}
	list := func(query string) (out [][2]string) {
		rows, err := pool.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var row [2]string
			if err := rows.Scan(&row[0], &row[1]); err != nil {
				t.Fatal(err)
			}
			out = append(out, row)
		}
		return out
	}
	return editor{
		tables: func() []string {
			return firsts(list(`SELECT substr(name, 7), '' FROM sqlite_schema WHERE type = 'table' AND name LIKE 'scrip\_%' ESCAPE '\'`))
		},
		columns: func(table string) map[string]string {
			return pairs(list(`SELECT name, type FROM pragma_table_info('scrip_` + table + `')`))
		},
		rows: func(table string) []string {
			return firsts(list(`SELECT ` + condition(table, `quote(%s)`) + `, '' FROM scrip_` + table + ` WHERE account = 'acme' ORDER BY ` + strings.Join(primaryKeys[table], ", ")))
		},
		edited: func(statement string) (credits.Report, error) {
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				return credits.Report{}, errors.Join(errEdit, err)
			}
			defer tx.Rollback()
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				return credits.Report{}, errors.Join(errEdit, err)
			}
			return db.Ledger().In(tx).Verify(t.Context(), "acme")
		},
		change: map[string]string{"INTEGER": `coalesce(%[1]s + 1000, 1)`, "TEXT": `coalesce(%[1]s, '') || '1'`,
			"BLOB": `CAST(coalesce(%[1]s, x'') || x'01' AS BLOB)`, "boolean": `1 - %s`},
		bytes:  `CAST(x'` + strings.Repeat("07", 32) + `' AS BLOB)`,
		prefix: "scrip_",
	}
}

func postgresEditor(t *testing.T) editor {
	d := pgtest.Open(t)
	c := &clock{}
	db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, db.Ledger(), c)
	list := func(query string) [][2]string {
		rows, err := d.Pool.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row [2]string, err error) { return row, r.Scan(&row[0], &row[1]) })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, alter := range list(`SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), '' FROM pg_constraint
		WHERE contype IN ('c', 'f') AND connamespace = '` + d.Schema + `'::regnamespace ORDER BY contype DESC`) {
		if _, err := d.Pool.Exec(t.Context(), alter[0]); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.WithoutCancel(t.Context())
	return editor{
		tables: func() []string {
			return firsts(list(`SELECT table_name, '' FROM information_schema.tables WHERE table_schema = '` + d.Schema + `'`))
		},
		columns: func(table string) map[string]string {
			return pairs(list(`SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '` + d.Schema + `' AND table_name = '` + table + `'`))
		},
		rows: func(table string) []string {
			return firsts(list(`SELECT ` + condition(table, `quote_literal(%s)`) + `, '' FROM ` + table + ` WHERE account = 'acme' ORDER BY ` + strings.Join(primaryKeys[table], ", ")))
		},
		edited: func(statement string) (credits.Report, error) {
			tx, err := d.Pool.Begin(t.Context())
			if err != nil {
				return credits.Report{}, errors.Join(errEdit, err)
			}
			defer tx.Rollback(ctx)
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return credits.Report{}, errors.Join(errEdit, err)
			}
			return db.Ledger().In(tx).Verify(t.Context(), "acme")
		},
		change: map[string]string{
			"bigint": `coalesce(%[1]s + 1000, 1)`, "numeric": `coalesce(%[1]s + 1, 1)`, "text": `coalesce(%[1]s, '') || '1'`, "boolean": `NOT %[1]s`,
			"bytea": `coalesce(%[1]s, '') || '\x01'`, "timestamp with time zone": `coalesce(%[1]s + interval '1 second', now())`, "json": `::json`,
		},
		bytes: `'\x` + strings.Repeat("07", 32) + `'`,
	}
}

func pairs(rows [][2]string) map[string]string {
	out := map[string]string{}
	for _, r := range rows {
		out[r[0]] = r[1]
	}
	return out
}

func firsts(rows [][2]string) (out []string) {
	for _, r := range rows {
		out = append(out, r[0])
	}
	return out
}

// fill does everything once that leaves a row.
func fill(t *testing.T, l credits.Ledger, c *clock) {
	t.Helper()
	const account = credits.Account("acme")
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	post := func(_ credits.Entry, err error) { t.Helper(); must(err) }
	holder := credits.Holder{ID: "h", Fence: 1, Lease: time.Minute}
	hold := func(key credits.Key, amount credits.Amount) {
		t.Helper()
		_, err := l.Hold(ctx, credits.HoldRequest{Account: account, Key: key, Operation: "op", Scope: "run", Amount: amount, Fingerprint: [32]byte{1, 2, 3},
			Holder: holder, Pinned: []byte("pin"), TTL: time.Hour, First: credits.Attempt{ID: "attempt of " + string(key), Provider: "p", Model: "m", KeyID: "k", JobID: "j"}})
		must(err)
	}
	record := credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(10, 5), Exact: decimal.New(15, -1), Cost: decimal.New(3, -2),
		ReportedCost: decimal.NewNullDecimal(decimal.New(4, -2)), PriceVersion: 7, Shadow: credits.Shadow{Version: 8, Credits: 9, Reason: "ratio"}}
	settle := func(key credits.Key, amount credits.Amount) {
		t.Helper()
		r := record
		r.Attempt = "attempt of " + string(key)
		_, err := l.Settle(ctx, credits.SettleRequest{Account: account, Key: key, Amount: amount, Result: []byte("result of " + key), Record: r,
			Last: credits.Attempt{ID: r.Attempt, Fate: "executed", RequestID: "r", Usage: usage.Tokens(10, 5)}})
		must(err)
	}
	must(l.SetAlert(ctx, credits.Alert{Account: account, Below: 60}))
	must(l.SetCap(ctx, credits.Cap{Account: account, Name: "all", Window: credits.Ever, Limit: 1000, WarnAt: 10}))
	must(l.SetCap(ctx, credits.Cap{Account: account, Name: "daily", Operation: "op", Scope: "run", Window: credits.PerDay, Zone: "Europe/Berlin", Limit: 100}))
	post(l.Grant(ctx, credits.Grant{Account: account, Key: "plan", Kind: credits.Plan, Amount: 50, Priority: 1, Note: "monthly"}))
	post(l.Grant(ctx, credits.Grant{Account: account, Key: "promo", Kind: credits.Promo, Amount: 30, ExpiresAt: c.now().Add(time.Hour)}))
	hold("settled", 10)
	settle("settled", 8)
	hold("passed", 2)
	settle("passed", 3)
	hold("open", 5)
	hold("late", 5)
	hold("released", 1)
	for _, key := range []credits.Key{"late", "released"} {
		must(l.Release(ctx, credits.ReleaseRequest{Account: account, Key: key, Holder: holder}))
	}
	post(l.Refund(ctx, credits.Refund{Account: account, Key: "refund", Charge: "settled", Amount: 3, Who: "anna", Why: "it was late"}))
	post(l.Adjust(ctx, credits.Adjust{Account: account, Key: "less", Amount: -40, Who: "ben", Why: "a correction"}))
	post(l.Adjust(ctx, credits.Adjust{Account: account, Key: "more", Amount: 2, Who: "ben", Why: "another"}))
	c.at.Add((90 * time.Minute).Microseconds()) // what is left of the promotion expires, and so does the open hold
	post(l.Grant(ctx, credits.Grant{Account: account, Key: "renewal", Kind: credits.Plan, Amount: 4, Renew: true}))
	post(l.Adjust(ctx, credits.Adjust{Account: account, Key: "debt", Amount: -100, Who: "ben", Why: "a chargeback"}))
	post(l.Grant(ctx, credits.Grant{Account: account, Key: "paid", Kind: credits.Purchase, Amount: 10}))
	settle("late", 4)
	pruned, err := l.Prune(ctx, account, c.now().Add(-time.Minute))
	if must(err); pruned != 2 {
		t.Fatalf("Prune = %d, want 2", pruned)
	}
	post(l.Grant(ctx, credits.Grant{Account: account, Key: "plenty", Kind: credits.Purchase, Amount: 1000}))
	_, err = l.Charge(ctx, credits.Charge{Account: account, Key: "at once", Operation: "op2", Amount: 7, Record: record, Result: []byte("bought")})
	must(err)
	hold("now", 9)
}
