package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

func TestLedgerKeepsEveryField(t *testing.T) {
	path := tempFile(t)
	c := newClock()
	db := open(t, path, &sqlite.Options{Now: c.now})
	l := db.Ledger()
	grant(t, l, "acme", "g", 100)
	r := holdRequest("acme", "k\x00\xff ключ", 10)
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
			Cost: usd("0.1"), PriceVersion: 3}})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	l = open(t, path, &sqlite.Options{Now: c.now}).Ledger()
	held, err := l.Lookup(t.Context(), "acme", r.Key)
	if err != nil || held.Receipt == nil {
		t.Fatalf("Lookup = %+v, %v, want the receipt", held, err)
	}
	got := *held.Receipt
	if got.Entry != settled.Entry || got.Charged != 10 || got.Fingerprint != r.Fingerprint || !bytes.Equal(got.Result, []byte{0, 1, 255}) {
		t.Errorf("receipt = %+v, want %+v", got, settled)
	}
	rec := got.Record
	if !rec.Exact.Equal(settled.Record.Exact) || !rec.Cost.Equal(usd("0.1")) || rec.ReportedCost.Valid || rec.WrittenOff != 2 ||
		rec.Usage != last.Usage || rec.Key != r.Key || rec.Scope != "run-1" || rec.PriceVersion != 3 || !rec.At.Equal(c.now()) {
		t.Errorf("usage record = %+v, want %+v", rec, settled.Record)
	}
	for a, err := range l.Attempts(t.Context(), credits.AttemptQuery{Account: "acme", Key: r.Key, Scope: "run-1"}) {
		if err != nil || a.RequestID != "req-1" || a.JobID != "job" || !a.Cost.Decimal.Equal(last.Cost.Decimal) || a.ReportedCost.Valid ||
			a.Usage != last.Usage || !a.FinishedAt.Equal(c.now()) {
			t.Errorf("attempt = %+v, %v", a, err)
		}
	}
	verify(t, l, "acme")
}

func TestLedgerReadsLongAccountsPageByPage(t *testing.T) {
	l := open(t, tempFile(t), nil).Ledger()
	const n = 1203 // more than two pages
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
	}
	if seen != n {
		t.Errorf("%d entries, want %d", seen, n)
	}
	for _, limit := range []int{1, 500, 501} {
		got := 0
		for e, err := range l.Entries(t.Context(), credits.EntryQuery{Account: "acme", After: 100, Limit: limit}) {
			if got++; err != nil || e.Number != int64(100+got) {
				t.Fatalf("entry = %+v, %v", e, err)
			}
		}
		if got != limit {
			t.Errorf("%d entries with limit %d", got, limit)
		}
	}
	verify(t, l, "acme")
}

func TestLedgerSharesCommits(t *testing.T) {
	t.Run("AndEachCallerGetsItsOwnAnswer", func(t *testing.T) {
		l := open(t, tempFile(t), nil).Ledger()
		for _, account := range []credits.Account{"acme", "globex"} {
			grant(t, l, account, "g", 30)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		ok := map[credits.Account]int{}
		for i := range 128 {
			account := []credits.Account{"acme", "globex"}[i%2]
			wg.Go(func() {
				// The same keys in both accounts: nothing of one may end up in the other.
				r := holdRequest(account, credits.Key(fmt.Sprintf("k%d", i/2)), 1)
				r.First = credits.Attempt{ID: fmt.Sprintf("a%d", i/2), Provider: string(account)}
				held, err := l.Hold(t.Context(), r)
				switch {
				case err == nil && held.Hold.Account == account && held.Hold.Key == r.Key && held.Hold.Fresh:
					mu.Lock()
					ok[account]++
					mu.Unlock()
				case !errors.Is(err, credits.ErrInsufficient):
					t.Errorf("Hold = %+v, %v", held, err)
				}
			})
		}
		wg.Wait()
		for account, n := range ok {
			if n != 30 {
				t.Errorf("%q got %d holds for 30 credits", account, n)
			}
			attempts := 0
			for a, err := range l.Attempts(t.Context(), credits.AttemptQuery{Account: account}) {
				if attempts++; err != nil || a.Provider != string(account) {
					t.Errorf("attempt of %q = %+v, %v", account, a, err)
				}
			}
			if attempts != 30 {
				t.Errorf("%q has %d attempts, want 30", account, attempts)
			}
			verify(t, l, account)
		}
	})
	t.Run("AndOneThatIsCanceledHasNoEffect", func(t *testing.T) {
		db := open(t, tempFile(t), nil)
		l := db.Ledger()
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

func TestFullDisk(t *testing.T) {
	pool := raw(t, tempFile(t), hostSettings)
	pool.SetMaxOpenConns(1) // the limit below is the connection's
	db, err := sqlite.New(t.Context(), pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := db.Ledger()
	grant(t, l, "acme", "g", 1_000_000)
	var pages int
	if err := pool.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	execute(t, pool, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+60))

	charge := func(key credits.Key, size int) error {
		if _, err := l.Hold(t.Context(), holdRequest("acme", key, 10)); err != nil {
			return err
		}
		_, err := l.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: key, Amount: 7, Result: make([]byte, size)})
		return err
	}
	if err := charge("small", 10); err != nil {
		t.Fatalf("before the disk is full: %v", err)
	}
	if err := charge("large", credits.MaxResult); !errors.Is(err, sqlite.ErrFull) {
		t.Fatalf("Settle = %v, want ErrFull", err)
	}
	wantBalance(t, l, "acme", credits.Balance{Posted: 999_993, Held: 10, Available: 999_983})
	verify(t, l, "acme")

	t.Run("DoesNotFailTheNeighbours", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if i == 3 {
					if err := charge("large", credits.MaxResult); !errors.Is(err, sqlite.ErrFull) {
						t.Errorf("Settle = %v, want ErrFull", err)
					}
					return
				}
				if err := charge(credits.Key(fmt.Sprintf("k%d", i)), 10); err != nil {
					t.Errorf("a small charge beside a large one = %v", err)
				}
			})
		}
		wg.Wait()
		verify(t, l, "acme")
	})
	t.Run("IsLeftByMakingRoom", func(t *testing.T) {
		execute(t, pool, `PRAGMA max_page_count = 1000000`)
		if err := charge("large", credits.MaxResult); err != nil {
			t.Errorf("Settle = %v", err)
		}
		verify(t, l, "acme")
	})
}

func TestIn(t *testing.T) {
	newHost := func(t *testing.T) (*sqlite.DB, func() (credits.Ledger, func(), func())) {
		pool := raw(t, tempFile(t), hostSettings+"&_txlock=immediate")
		db, err := sqlite.New(t.Context(), pool, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		execute(t, pool, `CREATE TABLE orders (id TEXT PRIMARY KEY)`)
		return db, func() (credits.Ledger, func(), func()) {
			tx, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(`INSERT INTO orders VALUES ('o1')`); err != nil {
				t.Fatal(err)
			}
			end := func(f func() error) func() {
				return func() {
					if err := f(); err != nil {
						t.Fatal(err)
					}
				}
			}
			return db.Ledger().In(tx), end(tx.Commit), end(tx.Rollback)
		}
	}
	t.Run("IsUndoneByTheHostsRollback", func(t *testing.T) {
		db, begin := newHost(t)
		in, _, rollback := begin()
		grant(t, in, "acme", "g", 10)
		if _, err := in.Hold(t.Context(), holdRequest("acme", "k", 4)); err != nil {
			t.Fatal(err)
		}
		wantBalance(t, in, "acme", credits.Balance{Posted: 10, Held: 4, Available: 6})
		verify(t, in, "acme")
		wantBalance(t, db.Ledger(), "acme", credits.Balance{})
		rollback()
		wantBalance(t, db.Ledger(), "acme", credits.Balance{})
		if _, err := db.Ledger().Lookup(t.Context(), "acme", "k"); !errors.Is(err, credits.ErrNotFound) {
			t.Errorf("Lookup = %v, want ErrNotFound", err)
		}
	})
	t.Run("IsKeptByTheHostsCommit", func(t *testing.T) {
		db, begin := newHost(t)
		in, commit, _ := begin()
		grant(t, in, "acme", "g", 10)
		if _, err := in.Hold(t.Context(), holdRequest("acme", "k", 400)); !errors.Is(err, credits.ErrInsufficient) {
			t.Errorf("Hold = %v, want ErrInsufficient", err)
		}
		commit()
		wantBalance(t, db.Ledger(), "acme", credits.Balance{Posted: 10, Available: 10})
		verify(t, db.Ledger(), "acme")
	})
	t.Run("IsOfNoUseAfterTheTransaction", func(t *testing.T) {
		_, begin := newHost(t)
		in, commit, _ := begin()
		commit()
		if _, err := in.Balance(t.Context(), "acme"); err == nil {
			t.Error("Balance after the commit = nil, want an error")
		}
	})
}

func TestHoldsThatExpired(t *testing.T) {
	c := newClock()
	l := open(t, tempFile(t), &sqlite.Options{Now: c.now}).Ledger()
	grant(t, l, "acme", "g", 10)
	if _, err := l.Hold(t.Context(), holdRequest("acme", "k", 10)); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Hour)
	wantBalance(t, l, "acme", credits.Balance{Posted: 10, Available: 10})
	// Refused, and yet the hold that it found has expired for good.
	if _, err := l.Hold(t.Context(), holdRequest("acme", "other", 11)); !errors.Is(err, credits.ErrInsufficient) {
		t.Errorf("Hold = %v, want ErrInsufficient", err)
	}
	c.advance(-2 * time.Hour)
	wantBalance(t, l, "acme", credits.Balance{Posted: 10, Available: 10})
	verify(t, l, "acme")
}

// Names are bytes: those that are not UTF-8, and would not survive JSON, are found again as well, also in a batch.
func TestNamesNeedNotBeText(t *testing.T) {
	l := open(t, tempFile(t), nil).Ledger()
	grant(t, l, "a\xff", "g\xff", 1000)
	for range 2 { // the second time every key is known
		var callers sync.WaitGroup
		for i := range 32 {
			callers.Go(func() {
				_, err := l.Charge(t.Context(), credits.Charge{Account: "a\xff", Key: credits.Key(fmt.Sprintf("\xfe\x00%d", i)), Operation: "o\xff\x00",
					Scope: "s\xfe", Amount: 3, Record: credits.UsageRecord{Provider: "p\xff", Model: "m\x00\"<"}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	}
	grant(t, l, "a\xff", "g\xff", 1000)
	wantBalance(t, l, "a\xff", credits.Balance{Posted: 1000 - 32*3, Available: 1000 - 32*3})
	verify(t, l, "a\xff")
}

func TestAccountsOfTheLedger(t *testing.T) {
	l := open(t, tempFile(t), nil).Ledger()
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
