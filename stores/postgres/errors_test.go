package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

func TestErrors(t *testing.T) {
	t.Run("DoNotSayWhereTheServerIs", func(t *testing.T) {
		pool, err := pgxpool.New(t.Context(), "postgres://anna:hunter2@127.0.0.1:1/shop?connect_timeout=2")
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		_, err = postgres.New(t.Context(), pool, nil)
		if !errors.Is(err, postgres.ErrUnavailable) {
			t.Fatalf("New = %v, want ErrUnavailable", err)
		}
		for _, secret := range []string{"anna", "hunter2", "127.0.0.1", "shop"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("New = %v, which says %q", err, secret)
			}
		}
	})
	t.Run("TellAPoolThatIsClosed", func(t *testing.T) {
		d := pgtest.Open(t)
		pool, err := pgxpool.NewWithConfig(t.Context(), d.Pool.Config())
		if err != nil {
			t.Fatal(err)
		}
		db := handle(t, d, pool, nil)
		pool.Close()
		if _, err := db.Ledger().Balance(t.Context(), "acme"); !errors.Is(err, postgres.ErrUnavailable) {
			t.Errorf("Balance = %v, want ErrUnavailable", err)
		}
		if _, err := db.Ledger().Grant(t.Context(), credits.Grant{Account: "a", Key: "g", Kind: credits.Bonus, Amount: 1}); !errors.Is(err, postgres.ErrUnavailable) {
			t.Errorf("Grant = %v, want ErrUnavailable", err)
		}
	})
	t.Run("TellARoleThatMayNotWrite", func(t *testing.T) {
		d := pgtest.Open(t)
		handle(t, d, nil, nil)
		pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on" })
		db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Runs().Claim(t.Context(), "w", 1, 1); !errors.Is(err, postgres.ErrReadOnly) {
			t.Errorf("Claim = %v, want ErrReadOnly", err)
		}
		if n, err := db.Content().Keywords().Count(t.Context(), content.Query{Site: "s"}); err != nil || n != 0 {
			t.Errorf("Count = %d, %v: reading is allowed", n, err)
		}
	})
}
