package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/usage"
)

// TestLedgerOfManyProcesses has several handles, each with a pool of its own, race for the balances of the same accounts.
func TestLedgerOfManyProcesses(t *testing.T) {
	const processes, workers, balance = 4, 12, 40
	d := pgtest.Open(t)
	first := handle(t, d, nil, nil).Ledger()
	accounts := []credits.Account{"acme", "globex"}
	var held [2]atomic.Int64
	var wg sync.WaitGroup
	for p := range processes {
		l := handle(t, d, d.NewPool(t, nil), nil).Ledger()
		for w := range workers {
			wg.Go(func() {
				for i, account := range accounts {
					// All make the account at once, with the same key.
					if e, err := l.Grant(t.Context(), credits.Grant{Account: account, Key: "g", Kind: credits.Plan, Amount: balance}); err != nil || e.Number != 1 {
						t.Errorf("Grant = %+v, %v, want entry 1", e, err)
					}
					for n := range 2 {
						key := credits.Key(fmt.Sprintf("k%d/%d/%d", p, w, n))
						r := holdRequest(account, key, 1)
						r.First = credits.Attempt{ID: string(key), Provider: string(account)}
						switch _, err := l.Hold(t.Context(), r); {
						case err == nil:
							held[i].Add(1)
							if _, err := l.Settle(t.Context(), credits.SettleRequest{Account: account, Key: key, Amount: 1,
								Last: credits.Attempt{ID: string(key), Fate: "executed"}, Record: credits.UsageRecord{Attempt: string(key)}}); err != nil {
								t.Errorf("Settle = %v", err)
							}
						case !errors.Is(err, credits.ErrInsufficient):
							t.Errorf("Hold = %v", err)
						}
					}
				}
			})
		}
	}
	wg.Wait()
	for i, account := range accounts {
		if n := held[i].Load(); n != balance {
			t.Errorf("%q got %d holds for %d credits", account, n, balance)
		}
		wantBalance(t, first, account, credits.Balance{})
		verify(t, first, account)
	}
}

func TestLedgerKeepsEveryField(t *testing.T) {
	l := open(t, nil).Ledger()
	grant(t, l, "acme", "g", 100)
	r := holdRequest("acme", "k ключ", 10)
	r.Fingerprint = [32]byte{1, 31: 9}
	r.First = credits.Attempt{ID: "a1", Provider: "openai", Model: "m", KeyID: "key-7", JobID: "job"}
	if _, err := l.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	usd := func(s string) decimal.Decimal { return decimal.RequireFromString(s) }
	last := r.First
	last.Fate, last.RequestID, last.Usage = "executed", "req-1", usage.Tokens(0, 50)
	last.Cost = decimal.NewNullDecimal(usd("0.000000000000000001"))
	settled, err := l.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: r.Key, Amount: 12, Last: last, Result: []byte{0, 1, 255},
		Record: credits.UsageRecord{Provider: "openai", Model: "m", Attempt: "a1", Usage: last.Usage, Exact: usd("11.7777777777777777777777"),
			Cost: usd("120000000000000000000.10"), PriceVersion: 3}})
	if err != nil {
		t.Fatal(err)
	}
	held, err := l.Lookup(t.Context(), "acme", r.Key)
	if err != nil || held.Receipt == nil {
		t.Fatalf("Lookup = %+v, %v, want the receipt", held, err)
	}
	got := *held.Receipt
	if got.Entry != settled.Entry || got.Charged != 10 || got.Fingerprint != r.Fingerprint || string(got.Result) != "\x00\x01\xff" {
		t.Errorf("receipt = %+v, want %+v", got, settled)
	}
	rec := got.Record
	if !rec.Exact.Equal(settled.Record.Exact) || !rec.Cost.Equal(settled.Record.Cost) || rec.ReportedCost.Valid || rec.WrittenOff != 2 ||
		rec.Usage != last.Usage || rec.Key != r.Key || rec.Scope != "run-1" || rec.PriceVersion != 3 || !rec.At.Equal(settled.Record.At) {
		t.Errorf("usage record = %+v, want %+v", rec, settled.Record)
	}
	if since := time.Since(rec.At).Abs(); since > time.Minute || rec.At.Location() != time.UTC {
		t.Errorf("charged at %v: that is not the database's clock in UTC", rec.At)
	}
	for a, err := range l.Attempts(t.Context(), credits.AttemptQuery{Account: "acme", Key: r.Key, Scope: "run-1"}) {
		if err != nil || a.RequestID != "req-1" || a.JobID != "job" || !a.Cost.Decimal.Equal(last.Cost.Decimal) || a.ReportedCost.Valid ||
			a.Usage != last.Usage || !a.FinishedAt.Equal(settled.Record.At) {
			t.Errorf("attempt = %+v, %v", a, err)
		}
	}
	verify(t, l, "acme")
}

func TestSequencesHoldNoConnection(t *testing.T) {
	d := pgtest.Open(t)
	l := handle(t, d, cuttable(t, d, &cutter{}), nil).Ledger() // a pool of one connection
	const n = 1203                                             // more than two pages
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { grant(t, l, "acme", credits.Key(fmt.Sprintf("g%d", i)), 1) })
	}
	wg.Wait()
	seen := int64(0)
	for e, err := range l.Entries(t.Context(), credits.EntryQuery{Account: "acme"}) {
		if seen++; err != nil || e.Number != seen || int64(e.BalanceAfter) != seen {
			t.Fatalf("entry %d = %+v, %v", seen, e, err)
		}
		if seen%400 == 0 {
			wantBalance(t, l, "acme", credits.Balance{Posted: n, Available: n})
		}
	}
	if seen != n {
		t.Errorf("%d entries, want %d", seen, n)
	}
}

func TestCancelation(t *testing.T) {
	t.Run("OfACallThatWaitsHasNoEffect", func(t *testing.T) {
		d := pgtest.Open(t)
		l := handle(t, d, nil, nil).Ledger()
		grant(t, l, "acme", "g", 10)
		tx, err := d.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT FROM accounts FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
		first := make(chan error)
		go func() { // waits for the lock, and the one behind it for its turn
			_, err := l.Hold(t.Context(), holdRequest("acme", "first", 1))
			first <- err
		}()
		time.Sleep(100 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := l.Hold(ctx, holdRequest("acme", "second", 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Hold = %v, want context.DeadlineExceeded", err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-first; err != nil {
			t.Errorf("Hold that waited for the lock = %v", err)
		}
		wantBalance(t, l, "acme", credits.Balance{Posted: 10, Held: 1, Available: 9})
		if _, err := l.Lookup(t.Context(), "acme", "second"); !errors.Is(err, credits.ErrNotFound) {
			t.Errorf("Lookup = %v, want ErrNotFound", err)
		}
	})
	t.Run("OfOneCallLeavesItsNeighboursAlone", func(t *testing.T) {
		l := open(t, nil).Ledger()
		grant(t, l, "acme", "g", 1000)
		var wg sync.WaitGroup
		canceled, cancel := context.WithCancel(t.Context())
		for i := range 64 {
			wg.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = canceled
				}
				key := credits.Key(fmt.Sprintf("k%d", i))
				_, err := l.Hold(ctx, holdRequest("acme", key, 1))
				_, found := l.Lookup(t.Context(), "acme", key)
				if (err == nil) != (found == nil) {
					t.Errorf("Hold(%q) = %v, and Lookup = %v", key, err, found)
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Hold(%q) = %v", key, err)
				}
			})
			if i == 20 {
				cancel()
			}
		}
		wg.Wait()
		cancel()
		verify(t, l, "acme")
	})
}

func TestOneCallsFaultIsItsOwn(t *testing.T) {
	l := open(t, nil).Ledger()
	grant(t, l, "acme", "g", 1000)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			r := holdRequest("acme", credits.Key(fmt.Sprint(i)), 1)
			if i == 7 { // longer than an index can hold
				var id strings.Builder
				for range 1000 {
					id.WriteString(rand.Text()) // which does not compress
				}
				r.First = credits.Attempt{ID: id.String()}
				if _, err := l.Hold(t.Context(), r); err == nil {
					t.Error("Hold with a huge id = nil, want an error")
				}
				return
			}
			if _, err := l.Hold(t.Context(), r); err != nil {
				t.Errorf("Hold beside one that fails = %v", err)
			}
		})
	}
	wg.Wait()
	wantBalance(t, l, "acme", credits.Balance{Posted: 1000, Held: 31, Available: 969})
	verify(t, l, "acme")
}

func TestIn(t *testing.T) {
	begin := func(t *testing.T) (*postgres.DB, credits.Ledger, func(commit bool)) {
		d := pgtest.Open(t)
		db := handle(t, d, nil, nil)
		execute(t, d, `CREATE TABLE orders (id text, account text REFERENCES accounts)`)
		tx, err := d.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `INSERT INTO orders VALUES ('o1')`); err != nil {
			t.Fatal(err)
		}
		return db, db.Ledger().In(tx), func(commit bool) {
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			var orders int
			if err := d.Pool.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&orders); err != nil || (orders == 1) != commit {
				t.Errorf("%d orders after the end of the transaction, %v", orders, err)
			}
		}
	}
	t.Run("IsUndoneByTheHostsRollback", func(t *testing.T) {
		db, in, end := begin(t)
		grant(t, in, "acme", "g", 10)
		if _, err := in.Hold(t.Context(), holdRequest("acme", "k", 4)); err != nil {
			t.Fatal(err)
		}
		wantBalance(t, in, "acme", credits.Balance{Posted: 10, Held: 4, Available: 6})
		verify(t, in, "acme")
		wantBalance(t, db.Ledger(), "acme", credits.Balance{})
		end(false)
		wantBalance(t, db.Ledger(), "acme", credits.Balance{})
		if _, err := db.Ledger().Lookup(t.Context(), "acme", "k"); !errors.Is(err, credits.ErrNotFound) {
			t.Errorf("Lookup = %v, want ErrNotFound", err)
		}
	})
	t.Run("IsKeptByTheHostsCommit", func(t *testing.T) {
		db, in, end := begin(t)
		grant(t, in, "acme", "g", 10)
		if _, err := in.Hold(t.Context(), holdRequest("acme", "k", 400)); !errors.Is(err, credits.ErrInsufficient) {
			t.Errorf("Hold = %v, want ErrInsufficient", err)
		}
		if _, err := in.Charge(t.Context(), credits.Charge{Account: "acme", Key: "c", Operation: "op", Amount: 3}); err != nil {
			t.Errorf("Charge after a refusal = %v", err)
		}
		end(true)
		wantBalance(t, db.Ledger(), "acme", credits.Balance{Posted: 7, Available: 7})
		verify(t, db.Ledger(), "acme")
	})
	t.Run("GoesOnAfterAMutationThatTheDatabaseRefused", func(t *testing.T) {
		db, in, end := begin(t)
		grant(t, in, "acme", "g", 10)
		r := holdRequest("acme", "k", 4)
		if _, err := in.Hold(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		// The database has no number with so many digits.
		_, err := in.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: "k", Amount: 4, Record: credits.UsageRecord{Cost: decimal.New(1, 200_000)}})
		if err == nil {
			t.Error("Settle with a cost that cannot be kept = nil, want an error")
		}
		if _, err := in.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: "k", Amount: 4}); err != nil {
			t.Errorf("Settle after that = %v", err)
		}
		end(true)
		wantBalance(t, db.Ledger(), "acme", credits.Balance{Posted: 6, Available: 6})
		verify(t, db.Ledger(), "acme")
	})
	t.Run("IsOfNoUseAfterTheTransaction", func(t *testing.T) {
		_, in, end := begin(t)
		end(true)
		if _, err := in.Balance(t.Context(), "acme"); err == nil {
			t.Error("Balance after the commit = nil, want an error")
		}
		if _, err := in.Grant(t.Context(), credits.Grant{Account: "acme", Key: "g", Kind: credits.Bonus, Amount: 1}); err == nil {
			t.Error("Grant after the commit = nil, want an error")
		}
	})
}

func TestAccountsOfTheLedger(t *testing.T) {
	l := open(t, nil).Ledger()
	var want []credits.Account
	for i := range 501 { // more than a page has
		want = append(want, credits.Account(fmt.Sprintf("a%03d", i)))
		grant(t, l, want[i], "k", 1)
	}
	for _, last := range []credits.Account{"b", "é"} { // behind by their bytes, whatever the database's language
		want = append(want, last)
		grant(t, l, last, "k", 1)
	}
	var got []credits.Account
	for a, err := range l.Accounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	if !slices.Equal(got, want) {
		t.Errorf("Accounts = %d, %q at the end, want %d in order", len(got), got[max(len(got)-3, 0):], len(want))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range l.Accounts(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Accounts with a context that is over = %v", err)
		}
	}
}
