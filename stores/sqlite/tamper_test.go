package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// unprotected are the columns of the ledger that Verify does not watch, and why. docs/ledger.md has the same list.
var unprotected = map[string]string{
	"scrip_holds.operation":   "the charge's entry and usage record have it",
	"scrip_holds.scope":       "the charge's entry and usage record have it",
	"scrip_holds.fingerprint": "the receipt has it; before the charge it decides about no credits",
	"scrip_holds.holder":      "who works on a hold changes without a trace by design",
	"scrip_holds.fence":       "as holder",
	"scrip_holds.lease":       "as holder",
	"scrip_holds.lease_until": "as holder",
	"scrip_holds.expires_at":  "an open hold's time is renewed without a trace by design",
	"scrip_holds.pinned":      "opaque, and of no use once the key is settled",
	"scrip_holds.created_at":  "of no use once the key is settled",
	"scrip_attempts":          "the journal of what calls cost the operator: it moves no credits; only that the winner is there is checked",
}

// fillLedger does everything once that leaves a row.
func fillLedger(t *testing.T, path string) {
	t.Helper()
	c := newClock()
	db := open(t, path, &sqlite.Options{Now: c.now})
	l, ctx := db.Ledger(), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	post := func(_ credits.Entry, err error) { t.Helper(); must(err) }
	post(l.Grant(ctx, credits.Grant{Account: "acme", Key: "plan", Kind: credits.Plan, Amount: 50, Priority: 1, Note: "monthly"}))
	post(l.Grant(ctx, credits.Grant{Account: "acme", Key: "promo", Kind: credits.Promo, Amount: 30, ExpiresAt: c.now().Add(time.Hour)}))
	hold := func(key credits.Key, amount credits.Amount) {
		t.Helper()
		r := holdRequest("acme", key, amount)
		r.Fingerprint = [32]byte{1, 2, 3}
		r.First = credits.Attempt{ID: "attempt of " + string(key), Provider: "p", Model: "m", KeyID: "k", JobID: "j"}
		_, err := l.Hold(ctx, r)
		must(err)
	}
	settle := func(key credits.Key, amount credits.Amount) {
		t.Helper()
		_, err := l.Settle(ctx, credits.SettleRequest{Account: "acme", Key: key, Amount: amount, Result: []byte("result of " + key),
			Last: credits.Attempt{ID: "attempt of " + string(key), Fate: "executed", RequestID: "r", Usage: usage.Tokens(10, 5)},
			Record: credits.UsageRecord{Provider: "p", Model: "m", Attempt: "attempt of " + string(key), Usage: usage.Tokens(10, 5), Exact: decimal.New(15, -1),
				Cost: decimal.New(3, -2), ReportedCost: decimal.NewNullDecimal(decimal.New(4, -2)), PriceVersion: 7}})
		must(err)
	}
	hold("settled", 10)
	settle("settled", 8)
	hold("open", 5)
	hold("late", 5)
	must(l.Release(ctx, credits.ReleaseRequest{Account: "acme", Key: "late", Holder: holdRequest("acme", "late", 5).Holder}))
	post(l.Refund(ctx, credits.Refund{Account: "acme", Key: "refund", Charge: "settled", Amount: 3, Who: "anna", Why: "it was late"}))
	post(l.Adjust(ctx, credits.Adjust{Account: "acme", Key: "less", Amount: -40, Who: "ben", Why: "a correction"}))
	post(l.Adjust(ctx, credits.Adjust{Account: "acme", Key: "more", Amount: 2, Who: "ben", Why: "another"}))
	c.advance(90 * time.Minute) // what is left of the promotion expires
	post(l.Grant(ctx, credits.Grant{Account: "acme", Key: "renewal", Kind: credits.Plan, Amount: 4, Renew: true}))
	post(l.Adjust(ctx, credits.Adjust{Account: "acme", Key: "debt", Amount: -100, Who: "ben", Why: "a chargeback"}))
	post(l.Grant(ctx, credits.Grant{Account: "acme", Key: "paid", Kind: credits.Purchase, Amount: 10}))
	settle("late", 4)
	verify(t, l, "acme")
	must(db.Close())
}

// TestVerifyFindsAnyEditedColumn changes one value of every column of every table of the ledger, deletes the last row of
// every table, and wants Verify to name a problem.
func TestVerifyFindsAnyEditedColumn(t *testing.T) {
	filled := tempFile(t)
	fillLedger(t, filled)
	checkpoint := raw(t, filled, "")
	execute(t, checkpoint, `PRAGMA wal_checkpoint(TRUNCATE)`)
	original, err := os.ReadFile(filled)
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	tables := []string{"scrip_accounts", "scrip_entries", "scrip_buckets", "scrip_holds", "scrip_attempts", "scrip_usage_records", "scrip_receipts"}
	for _, table := range tables {
		columns[table] = names(t, checkpoint, `SELECT name FROM pragma_table_info('`+table+`')`)
	}
	report := func(edit string) credits.Report {
		path := tempFile(t)
		if err := os.WriteFile(path, original, 0o644); err != nil {
			t.Fatal(err)
		}
		db := raw(t, path, "")
		execute(t, db, `PRAGMA ignore_check_constraints = ON`)
		execute(t, db, edit)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		handle, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer handle.Close()
		r, err := handle.Ledger().Verify(t.Context(), "acme")
		if err != nil {
			r.Problems = append(r.Problems, credits.Problem{Row: "database", Rule: err.Error()}) // it cannot even be read
		}
		return r
	}
	if r := report(`SELECT 1`); !r.OK() {
		t.Fatalf("the unedited ledger: %+v", r.Problems)
	}
	caught := 0
	for _, table := range tables {
		for _, column := range columns[table] {
			if column == "account" || table == "scrip_attempts" && column == "seq" {
				continue // another account's row; the order of a table
			}
			edit := fmt.Sprintf(`UPDATE %[1]s SET %[2]s = CASE typeof(%[2]s) WHEN 'integer' THEN %[2]s + 1 WHEN 'text' THEN %[2]s || '1'
				WHEN 'blob' THEN CAST(%[2]s || x'01' AS BLOB) ELSE 1 END WHERE rowid = (SELECT max(rowid) FROM %[1]s)`, table, column)
			if withoutRowID(t, checkpoint, table) {
				order := map[string]string{"scrip_accounts": "account", "scrip_entries": "number", "scrip_buckets": "number", "scrip_usage_records": "entry"}[table]
				edit = strings.Replace(edit, `rowid = (SELECT max(rowid) FROM `+table+`)`, order+` = (SELECT max(`+order+`) FROM `+table+`)`, 1)
			}
			if table == "scrip_holds" { // the row in which the column says something
				row := map[string]string{"refunded": "settled", "key": "settled"}[column]
				if row == "" {
					row = "open"
				}
				edit = strings.Replace(edit, `rowid = (SELECT max(rowid) FROM `+table+`)`, `key = '`+row+`'`, 1)
			}
			switch column { // a value of the right form
			case "lots":
				edit = fmt.Sprintf(`UPDATE %s SET lots = '[{"bucket":1,"amount":1}]' WHERE lots <> '[{"bucket":1,"amount":1}]'`, table)
			case "hash", "head", "digest", "fingerprint":
				edit = fmt.Sprintf(`UPDATE %s SET %s = zeroblob(32)`, table, column)
			}
			r := report(edit)
			why, known := unprotected[table+"."+column]
			if !known {
				why, known = unprotected[table]
			}
			if r.OK() != known && table != "scrip_attempts" {
				t.Errorf("%s.%s: problems %+v; unprotected because: %q", table, column, r.Problems, why)
			}
			if !r.OK() {
				caught++
			}
		}
		last := fmt.Sprintf(`DELETE FROM %[1]s WHERE rowid = (SELECT max(rowid) FROM %[1]s)`, table)
		if withoutRowID(t, checkpoint, table) {
			order := map[string]string{"scrip_accounts": "account", "scrip_entries": "number", "scrip_buckets": "number", "scrip_usage_records": "entry"}[table]
			last = fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s = (SELECT max(%[2]s) FROM %[1]s)`, table, order)
		}
		if r := report(last); r.OK() {
			t.Errorf("%s: Verify does not miss its last row", table)
		}
	}
	t.Logf("%d edits of a column are found, %d columns are not protected", caught, len(unprotected))
}

func names(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	return out
}

func withoutRowID(t *testing.T, db *sql.DB, table string) bool {
	t.Helper()
	return len(names(t, db, `SELECT name FROM sqlite_schema WHERE name = '`+table+`' AND sql LIKE '%WITHOUT ROWID%'`)) == 1
}
