package sqlite_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

func TestOpen(t *testing.T) {
	t.Run("TakesAnyPathAsItIs", func(t *testing.T) {
		for _, name := range []string{"a?b.db", "a#b.db", "a%20b.db", "a b.db", "a&_pragma=x.db", "ünï?#%.db"} {
			path := filepath.Join(t.TempDir(), name)
			db := open(t, path, nil)
			grant(t, db.Ledger(), "acme", "g", 10)
			if err := db.Close(); err != nil {
				t.Errorf("Close of %q = %v", name, err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Size() == 0 {
				t.Errorf("the database is not in %q: %v", name, err)
			}
			wantBalance(t, open(t, path, nil).Ledger(), "acme", credits.Balance{Posted: 10, Available: 10})
		}
	})
	t.Run("KeepsWhatWasWritten", func(t *testing.T) {
		path := tempFile(t)
		db := open(t, path, nil)
		grant(t, db.Ledger(), "acme", "g", 10)
		if _, err := db.Ledger().Hold(t.Context(), holdRequest("acme", "k", 4)); err != nil {
			t.Fatal(err)
		}
		db.Close()
		db = open(t, path, nil)
		wantBalance(t, db.Ledger(), "acme", credits.Balance{Posted: 10, Held: 4, Available: 6})
		held, err := db.Ledger().Lookup(t.Context(), "acme", "k")
		if err != nil || held.Hold == nil || string(held.Hold.Pinned) != "pinned" {
			t.Errorf("Lookup = %+v, %v, want the hold", held, err)
		}
		verify(t, db.Ledger(), "acme")
	})
	t.Run("RefusesAFileThatIsNoDatabaseAndLeavesItAlone", func(t *testing.T) {
		for _, text := range []string{"a list of things to do\n", strings.Repeat("not a database\n", 1000)} {
			path := tempFile(t)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, o := range []*sqlite.Options{nil, {ReadOnly: true}} {
				if db, err := sqlite.Open(t.Context(), path, o); !errors.Is(err, sqlite.ErrNotDatabase) {
					t.Errorf("Open(%+v) = %v, %v, want ErrNotDatabase", o, db, err)
				} else if !strings.Contains(err.Error(), path) {
					t.Errorf("the error does not name the file: %v", err)
				}
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(text)) {
				t.Errorf("the file was changed: %q, %v", got, err)
			}
		}
	})
	t.Run("RefusesADirectoryThatIsNotThere", func(t *testing.T) {
		if _, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "none", "scrip.db"), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open = %v, want fs.ErrNotExist", err)
		}
	})
	t.Run("RefusesEveryUseAfterClose", func(t *testing.T) {
		db := open(t, tempFile(t), nil)
		for range 2 {
			if err := db.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		}
		if _, err := db.Ledger().Balance(t.Context(), "acme"); !errors.Is(err, sqlite.ErrClosed) {
			t.Errorf("Balance = %v, want ErrClosed", err)
		}
		if _, err := db.Ledger().Hold(t.Context(), holdRequest("acme", "k", 1)); !errors.Is(err, sqlite.ErrClosed) {
			t.Errorf("Hold = %v, want ErrClosed", err)
		}
		if err := db.Migrate(t.Context()); !errors.Is(err, sqlite.ErrClosed) {
			t.Errorf("Migrate = %v, want ErrClosed", err)
		}
	})
}

func TestReadOnly(t *testing.T) {
	t.Run("ReadsBesideAWriter", func(t *testing.T) {
		path := tempFile(t)
		writer := open(t, path, nil)
		reader := open(t, path, &sqlite.Options{ReadOnly: true})
		grant(t, writer.Ledger(), "acme", "g", 10)
		wantBalance(t, reader.Ledger(), "acme", credits.Balance{Posted: 10, Available: 10})
		grant(t, writer.Ledger(), "acme", "h", 5)
		wantBalance(t, reader.Ledger(), "acme", credits.Balance{Posted: 15, Available: 15})
		verify(t, reader.Ledger(), "acme")
	})
	t.Run("ReadsWhatAWriterLeft", func(t *testing.T) {
		path := tempFile(t)
		writer := open(t, path, nil)
		grant(t, writer.Ledger(), "acme", "g", 10)
		writer.Close()
		wantBalance(t, open(t, path, &sqlite.Options{ReadOnly: true}).Ledger(), "acme", credits.Balance{Posted: 10, Available: 10})
	})
	t.Run("SeesASchemaThatIsMadeLater", func(t *testing.T) {
		path := tempFile(t)
		writer, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		reader := open(t, path, &sqlite.Options{ReadOnly: true})
		if _, err := reader.Models().Latest(t.Context()); !errors.Is(err, sqlite.ErrSchema) {
			t.Errorf("Latest = %v, want ErrSchema", err)
		}
		if err := writer.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Models().Latest(t.Context()); err != nil {
			t.Errorf("Latest = %v", err)
		}
	})
	t.Run("RefusesEveryWrite", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil).Close()
		db := open(t, path, &sqlite.Options{ReadOnly: true})
		_, err := db.Ledger().Grant(t.Context(), credits.Grant{Account: "a", Key: "g", Kind: credits.Bonus, Amount: 1})
		for call, err := range map[string]error{
			"Grant":     err,
			"CreateRun": db.Runs().CreateRun(t.Context(), newRun("r", "s")),
			"Save":      db.Content().Keywords().Save(t.Context(), keyword("k", "s", 1)),
			"Migrate":   db.Migrate(t.Context()),
		} {
			if !errors.Is(err, sqlite.ErrReadOnly) {
				t.Errorf("%s = %v, want ErrReadOnly", call, err)
			}
		}
	})
	t.Run("MakesNoFile", func(t *testing.T) {
		path := tempFile(t)
		if _, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open = %v, want fs.ErrNotExist", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat = %v: the file was made", err)
		}
	})
}

func TestNew(t *testing.T) {
	t.Run("WorksInAHostsPool", func(t *testing.T) {
		for _, size := range []int{0, 1} { // no limit, and no connection to spare
			pool := raw(t, tempFile(t), hostSettings)
			pool.SetMaxOpenConns(size)
			db, err := sqlite.New(t.Context(), pool, nil)
			if err != nil {
				t.Fatalf("New with %d connections = %v", size, err)
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatalf("Migrate = %v", err)
			}
			grant(t, db.Ledger(), "acme", "g", 10)
			for i := range 3 {
				if err := db.Content().Keywords().Save(t.Context(), keyword(string(rune('a'+i)), "s", 1)); err != nil {
					t.Fatalf("Save = %v", err)
				}
			}
			for k, err := range db.Content().Keywords().List(t.Context(), siteQuery("s")) {
				if err == nil {
					k.Text += "!"
					err = db.Content().Keywords().Save(t.Context(), k)
				}
				if err != nil {
					t.Fatalf("a save within a list = %v", err)
				}
			}
			verify(t, db.Ledger(), "acme")
			if err := db.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
			if err := pool.Ping(); err != nil {
				t.Errorf("Close closed the host's pool: %v", err)
			}
		}
	})
	t.Run("RefusesAConnectionThatIsNotSetUp", func(t *testing.T) {
		for name, settings := range map[string]string{
			"journal_mode": "_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000",
			"synchronous":  "_journal_mode=WAL&_synchronous=NORMAL&_foreign_keys=1&_busy_timeout=5000",
			"foreign_keys": "_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000",
			"busy_timeout": "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1",
			// Mistyped: SQLite says nothing.
			"synchronous ": "_journal_mode=WAL&_pragma=synchronus(FULL)&_pragma=synchronous(1)&_foreign_keys=1&_busy_timeout=5000",
		} {
			_, err := sqlite.New(t.Context(), raw(t, tempFile(t), settings), nil)
			if !errors.Is(err, sqlite.ErrSetting) || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
				t.Errorf("New without %s = %v, want ErrSetting that names it", name, err)
			}
		}
	})
	t.Run("RefusesASettingThatOnlyOneConnectionHas", func(t *testing.T) {
		pool := raw(t, tempFile(t), "_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
		execute(t, pool, `PRAGMA foreign_keys = ON`)
		if _, err := sqlite.New(t.Context(), pool, nil); !errors.Is(err, sqlite.ErrSetting) {
			t.Errorf("New = %v, want ErrSetting", err)
		}
	})
	t.Run("RefusesADatabaseInMemory", func(t *testing.T) {
		for _, o := range []*sqlite.Options{nil, {ReadOnly: true}} {
			if _, err := sqlite.New(t.Context(), raw(t, ":memory:", hostSettings), o); !errors.Is(err, sqlite.ErrSetting) {
				t.Errorf("New(%+v) = %v, want ErrSetting", o, err)
			}
		}
	})
	t.Run("RefusesAFileThatIsNoDatabase", func(t *testing.T) {
		path := tempFile(t)
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 10000), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.New(t.Context(), raw(t, path, "_foreign_keys=1&_busy_timeout=5000"), nil); !errors.Is(err, sqlite.ErrNotDatabase) {
			t.Errorf("New = %v, want ErrNotDatabase", err)
		}
	})
}
