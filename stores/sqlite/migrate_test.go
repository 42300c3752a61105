package sqlite_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

func TestSchema(t *testing.T) {
	t.Run("IsMissingUntilMigrateIsCalled", func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), tempFile(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for call, err := range everyFace(t.Context(), db) {
			if !errors.Is(err, sqlite.ErrSchema) || !strings.Contains(err.Error(), "Migrate") {
				t.Errorf("%s = %v, want ErrSchema that says what to do", call, err)
			}
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
	t.Run("OfANewerMajorVersionIsRefused", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil).Close()
		execute(t, raw(t, path, ""), `INSERT INTO scrip_migrations VALUES (9, 'split', 2, 'x', 0)`)
		for _, o := range []*sqlite.Options{nil, {ReadOnly: true}} {
			_, err := sqlite.Open(t.Context(), path, o)
			var newer *sqlite.NewerSchemaError
			if !errors.Is(err, sqlite.ErrNewerSchema) || !errors.As(err, &newer) {
				t.Fatalf("Open(%+v) = %v, want a NewerSchemaError", o, err)
			}
			if newer.Major != 2 || newer.KnownMajor != 1 || newer.Migration != 9 {
				t.Errorf("Open = %+v, want versions 2 and 1 and migration 9", newer)
			}
			if !strings.Contains(err.Error(), "use the newer release") {
				t.Errorf("the error does not say what to do: %v", err)
			}
		}
	})
	t.Run("OfANewerMinorVersionIsFine", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil).Close()
		execute(t, raw(t, path, ""), `INSERT INTO scrip_migrations VALUES (9, 'more', 1, 'x', 0)`)
		grant(t, open(t, path, nil).Ledger(), "acme", "g", 1)
	})
	t.Run("OfAnotherTextIsRefused", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil).Close()
		execute(t, raw(t, path, ""), `UPDATE scrip_migrations SET sha256 = 'x' WHERE number = 1`)
		db, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context()); !errors.Is(err, sqlite.ErrSchema) {
			t.Errorf("Migrate = %v, want ErrSchema", err)
		}
		if names, err := db.Missing(t.Context()); !errors.Is(err, sqlite.ErrSchema) {
			t.Errorf("Missing = %q, %v, want ErrSchema", names, err)
		}
	})
	t.Run("IsRecorded", func(t *testing.T) {
		path := tempFile(t)
		c := newClock()
		db, err := sqlite.Open(t.Context(), path, &sqlite.Options{Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		var number, major, at int64
		var name, sum string
		err = raw(t, path, "").QueryRow(`SELECT number, name, major, sha256, at FROM scrip_migrations ORDER BY number`).Scan(&number, &name, &major, &sum, &at)
		if err != nil || number != 1 || name != "initial" || major != 1 || len(sum) != 64 || at != c.now().UnixMicro() {
			t.Errorf("recorded %d %q %d %q %d, %v", number, name, major, sum, at, err)
		}
	})
}

// everyFace yields what one call of each face returns.
func everyFace(ctx context.Context, db *sqlite.DB) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_, err := db.Ledger().Balance(ctx, "acme")
		_ = yield("Balance", err) &&
			yield("Grant", second(db.Ledger().Grant(ctx, credits.Grant{Account: "acme", Key: "g", Kind: credits.Bonus, Amount: 1}))) &&
			yield("Latest", second(db.Models().Latest(ctx))) &&
			yield("Changes", second(db.Keys().Changes(ctx, secret.ChangeQuery{}))) &&
			yield("DeleteSchedule", db.Schedules().DeleteSchedule(ctx, "none")) &&
			yield("Schedule", second(db.Schedules().Schedule(ctx, "none"))) &&
			yield("Claim", second(db.Runs().Claim(ctx, "w", time.Minute, 1))) &&
			yield("Run", third(db.Runs().Run(ctx, "none"))) &&
			yield("Count", second(db.Content().Keywords().Count(ctx, siteQuery("s")))) &&
			yield("Save", db.Content().Keywords().Save(ctx, keyword("k", "s", 1)))
		for _, err := range db.Ledger().Entries(ctx, credits.EntryQuery{Account: "none"}) {
			yield("Entries", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }
