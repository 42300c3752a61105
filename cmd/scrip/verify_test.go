package main

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
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
