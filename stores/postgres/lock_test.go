package postgres_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// TestALockedAccountFailsAlone has a host keep an account locked for longer than anybody waits.
func TestALockedAccountFailsAlone(t *testing.T) {
	d := pgtest.Open(t)
	db := handle(t, d, nil, nil)
	db.SetPatience(300 * time.Millisecond)
	l := db.Ledger()
	grant(t, l, "acme", "g", 10)
	grant(t, l, "globex", "g", 10)
	tx, err := d.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT FROM accounts WHERE account = 'acme' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var wg sync.WaitGroup
	for i, account := range []credits.Account{"acme", "acme", "globex", "globex"} {
		wg.Go(func() {
			_, err := l.Hold(t.Context(), holdRequest(account, credits.Key('a'+rune(i)), 1))
			if account == "acme" && !errors.Is(err, postgres.ErrBusy) || account == "globex" && err != nil && !errors.Is(err, postgres.ErrBusy) {
				t.Errorf("Hold of %q = %v", account, err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := l.Hold(t.Context(), holdRequest("globex", "later", 1)); err != nil {
		t.Errorf("Hold of the other account afterwards = %v", err)
	}
}
