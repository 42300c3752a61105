package postgres_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
)

func TestSchema(t *testing.T) {
	t.Run("IsMissingUntilMigrateIsCalled", func(t *testing.T) {
		d := pgtest.Open(t)
		db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema})
		if err != nil {
			t.Fatal(err)
		}
		for call, err := range everyFace(t.Context(), db) {
			if !errors.Is(err, postgres.ErrSchema) || !strings.Contains(err.Error(), "Migrate") {
				t.Errorf("%s = %v, want ErrSchema that says what to do", call, err)
			}
		}
		tx, err := d.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Ledger().In(tx).Grant(t.Context(), credits.Grant{Account: "a", Key: "k", Kind: credits.Bonus, Amount: 1}); !errors.Is(err, postgres.ErrSchema) {
			t.Errorf("Grant in a transaction = %v, want ErrSchema", err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if names, err := db.Missing(t.Context()); err != nil || len(names) == 0 || names[0] != "0001_initial" {
			t.Errorf("Missing before Migrate = %q, %v", names, err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatalf("Migrate = %v", err)
		}
		if names, err := db.Missing(t.Context()); err != nil || len(names) > 0 {
			t.Errorf("Missing after Migrate = %q, %v", names, err)
		}
		for call, err := range everyFace(t.Context(), db) {
			if err != nil && !errors.Is(err, automation.ErrNotFound) {
				t.Errorf("%s = %v", call, err)
			}
		}
	})
	t.Run("MayHaveAnyName", func(t *testing.T) {
		d := pgtest.Open(t)
		for _, name := range []string{`Shop-1 `, `"; DROP TABLE accounts; --`, `scrip.`, `größe`} {
			name += d.Schema[len(d.Schema)-6:]
			t.Cleanup(func() {
				_, _ = d.NewPool(t, nil).Exec(context.Background(), `DROP SCHEMA IF EXISTS `+pgx.Identifier{name}.Sanitize()+` CASCADE`)
			})
			db := handle(t, d, nil, &postgres.Options{Schema: name})
			for call, err := range everyFace(t.Context(), db) {
				if err != nil && !errors.Is(err, automation.ErrNotFound) {
					t.Errorf("in schema %q %s = %v", name, call, err)
				}
			}
			verify(t, db.Ledger(), "acme")
		}
		for _, name := range []string{"a\x00", "\xff", strings.Repeat("x", 64), "pg_scrip"} {
			if _, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: name}); !errors.Is(err, postgres.ErrSetting) {
				t.Errorf("New in schema %q = %v, want ErrSetting", name, err)
			}
		}
	})
	t.Run("OfANewerMajorVersionIsRefused", func(t *testing.T) {
		d := pgtest.Open(t)
		handle(t, d, nil, nil)
		execute(t, d, `INSERT INTO migrations VALUES (9, 'split', 2, 'x', now())`)
		_, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema})
		var newer *postgres.NewerSchemaError
		if !errors.Is(err, postgres.ErrNewerSchema) || !errors.As(err, &newer) {
			t.Fatalf("New = %v, want a NewerSchemaError", err)
		}
		if newer.Major != 2 || newer.KnownMajor != 1 || newer.Migration != 9 {
			t.Errorf("New = %+v, want versions 2 and 1 and migration 9", newer)
		}
		if !strings.Contains(err.Error(), "use the newer release") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	})
	t.Run("OfANewerMinorVersionIsFine", func(t *testing.T) {
		d := pgtest.Open(t)
		handle(t, d, nil, nil)
		execute(t, d, `INSERT INTO migrations VALUES (9, 'more', 1, 'x', now())`)
		grant(t, handle(t, d, nil, nil).Ledger(), "acme", "g", 1)
	})
	t.Run("OfAnotherTextIsRefused", func(t *testing.T) {
		d := pgtest.Open(t)
		handle(t, d, nil, nil)
		execute(t, d, `UPDATE migrations SET sha256 = 'x' WHERE number = 1`)
		db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); !errors.Is(err, postgres.ErrSchema) {
			t.Errorf("Migrate = %v, want ErrSchema", err)
		}
		if names, err := db.Missing(t.Context()); !errors.Is(err, postgres.ErrSchema) {
			t.Errorf("Missing = %q, %v, want ErrSchema", names, err)
		}
	})
	t.Run("IsMigratedOnceByManyAtOnce", func(t *testing.T) {
		d := pgtest.Open(t)
		var wg sync.WaitGroup
		for range 8 {
			pool := d.NewPool(t, nil)
			wg.Go(func() {
				db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema})
				if err == nil {
					err = db.Migrate(t.Context())
				}
				if err != nil {
					t.Errorf("Migrate beside others = %v", err)
				}
			})
		}
		wg.Wait()
		var number, major int64
		var name, sum string
		var at time.Time
		err := d.Pool.QueryRow(t.Context(), `SELECT number, name, major, sha256, at FROM migrations`).Scan(&number, &name, &major, &sum, &at)
		if err != nil || number != 1 || name != "initial" || major != 1 || len(sum) != 64 || time.Since(at).Abs() > time.Hour {
			t.Errorf("recorded %d %q %d %q %v, %v", number, name, major, sum, at, err)
		}
	})
	t.Run("NeedsAPoolThatDescribesStatements", func(t *testing.T) {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
			d := pgtest.Open(t)
			pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			if _, err := postgres.New(t.Context(), pool, nil); !errors.Is(err, postgres.ErrSetting) {
				t.Errorf("New with mode %v = %v, want ErrSetting", mode, err)
			}
		}
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec} {
			d := pgtest.Open(t)
			pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			for call, err := range everyFace(t.Context(), handle(t, d, pool, nil)) {
				if err != nil && !errors.Is(err, automation.ErrNotFound) {
					t.Errorf("with mode %v %s = %v", mode, call, err)
				}
			}
		}
	})
}

// everyFace yields what one call of each face returns.
func everyFace(ctx context.Context, db *postgres.DB) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_, err := db.Ledger().Balance(ctx, "acme")
		_ = yield("Balance", err) &&
			yield("Grant", second(db.Ledger().Grant(ctx, credits.Grant{Account: "acme", Key: "g", Kind: credits.Bonus, Amount: 1}))) &&
			yield("Verify", second(db.Ledger().Verify(ctx, "acme"))) &&
			yield("Latest", second(db.Models().Latest(ctx))) &&
			yield("Changes", second(db.Keys().Changes(ctx, secret.ChangeQuery{}))) &&
			yield("DeleteSchedule", db.Schedules().DeleteSchedule(ctx, "none")) &&
			yield("Schedule", second(db.Schedules().Schedule(ctx, "none"))) &&
			yield("Claim", second(db.Runs().Claim(ctx, "w", time.Minute, 1))) &&
			yield("Run", third(db.Runs().Run(ctx, "none"))) &&
			yield("Complete", notStale(db.Runs().Complete(ctx, "w", automation.TaskRef{Run: "r"}, automation.Outcome{}, nil))) &&
			yield("Count", second(db.Content().Keywords().Count(ctx, content.Query{Site: "s"}))) &&
			yield("Save", db.Content().Keywords().Save(ctx, keyword("k", "s", 1)))
		for _, err := range db.Ledger().Entries(ctx, credits.EntryQuery{Account: "none"}) {
			yield("Entries", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

func notStale(err error) error {
	if errors.Is(err, automation.ErrStale) {
		return nil
	}
	return err
}
