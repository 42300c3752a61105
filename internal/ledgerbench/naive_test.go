package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

// sums are what both sides must have in common after the same operations: how many rows there are, and what they add up
// to. What only Scrip computes, such as hashes, is not among them.
var sums = []string{
	`SELECT count(*), sum(posted), sum(held), sum(entries) FROM accounts`,
	`SELECT count(*), sum(amount), sum(balance_after), max(number) FROM entries`,
	`SELECT count(*), sum(charged), sum(pinned), sum(amount) FROM buckets`,
	`SELECT count(*), sum(amount), sum(length(pinned)), sum(length(operation)) FROM holds WHERE state = 'settled'`,
	`SELECT count(*), sum(input), sum(output), sum(length(fate)) FROM attempts WHERE finished_at IS NOT NULL`,
	`SELECT count(*), sum(charged), sum(input), sum(output) FROM usage_records`,
	`SELECT count(*), sum(charged), sum(length(result)), max(entry) FROM receipts`,
	`SELECT count(DISTINCT scope), sum(records), sum(charged), sum(output) FROM usage_totals`,
	`SELECT count(*), 0, 0, 0 FROM caps`,
	`SELECT count(*), 0, 0, 0 FROM events`,
}

// TestNaiveWritesTheRowsThatScripWrites keeps the comparison fair in either direction.
func TestNaiveWritesTheRowsThatScripWrites(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (credits.Ledger, *naive){"Postgres": bothPostgres, "SQLite": bothSQLite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{}
			l, n := open(t)
			hot, other := accounts("hot", 1), accounts("other", 1)
			if err := b.fund(t.Context(), l, append(hot, other...)...); err != nil {
				t.Fatal(err)
			}
			for _, op := range []operation{charges, pairs} {
				for side, do := range map[string]work{"scrip": op.scrip(l, hot), "naive": op.naive(n, other)} {
					if err := b.repeat(t.Context(), 2, 3, do); err != nil {
						t.Fatalf("%s of %s: %v", op.name, side, err)
					}
				}
			}
			for _, query := range sums {
				scrip, naive := summed(t, n, query, hot[0]), summed(t, n, query, other[0])
				if scrip != naive {
					t.Errorf("%s: Scrip has %s and naive %s", query, scrip, naive)
				}
			}
			t.Run("AndSpendsNoMoreThanThereIs", func(t *testing.T) {
				if _, err := l.Adjust(t.Context(), credits.Adjust{Account: other[0], Key: "down", Amount: -(1<<50 - 6*charged), Who: "test", Why: "test"}); err != nil {
					t.Fatal(err)
				}
				if err := naiveCharge(n, other)(t.Context(), b.numbers.Add(1)); !errors.Is(err, errNoCredits) {
					t.Errorf("a charge without credits = %v, want %v", err, errNoCredits)
				}
			})
		})
	}
}

// bothPostgres returns both sides on the same tables.
func bothPostgres(t *testing.T) (credits.Ledger, *naive) {
	data, l, err := openPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(data.Close)
	n, err := naivePostgres(t.Context(), data.Pool.Config(), naiveConnections)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.close)
	return l, n
}

func bothSQLite(t *testing.T) (credits.Ledger, *naive) {
	b := &bench{dir: t.TempDir()}
	db, err := b.openSQLite(t.Context(), "scrip.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	n, err := naiveSQLite(t.Context(), filepath.Join(b.dir, "scrip.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.close)
	return db.Ledger(), n
}

func summed(t *testing.T, n *naive, query string, account credits.Account) string {
	t.Helper()
	condition := " WHERE account = '" + string(account) + "'"
	if strings.Contains(query, " WHERE ") {
		condition = strings.Replace(condition, " WHERE ", " AND ", 1)
	}
	var sums [4]*int64
	if err := n.first(context.WithoutCancel(t.Context()), query+condition, &sums[0], &sums[1], &sums[2], &sums[3]); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var text []string
	for _, s := range sums {
		if s == nil {
			text = append(text, "NULL")
		} else {
			text = append(text, fmt.Sprint(*s))
		}
	}
	return strings.Join(text, ", ")
}
