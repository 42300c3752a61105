package ledgerproof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// backend is a store that the proofs run on.
type backend struct {
	name string
	// open returns the ledger of a fresh database, which is gone with the test: two handles of it, or more, if several
	// processes may write, and otherwise one. A nil clock is time.Now. If safe is set, what it acknowledges has to be on a
	// disk; otherwise the store may do without one for speed.
	open func(t testing.TB, now func() time.Time, safe bool) handles
	// shared is how processes come to the same database; nil if nothing outlives a process.
	shared *shared
}

// shared is a database that processes open by its name.
type shared struct {
	// create returns the name of a new database, which is gone with the test. Safe is as for backend.open.
	create func(t testing.TB, safe bool) string
	// open opens it, with the schema in place. A nil clock is the database's.
	open func(ctx context.Context, name string, now func() time.Time) (l credits.Ledger, close func() error, err error)
	// writers is how many processes the campaigns let write at once.
	writers int
	// refused reports whether an error of open says that there are enough writers already.
	refused func(error) bool
	// quiet waits until nothing is under way any more that a dead process had asked a server for; nil if there is no server.
	quiet func(ctx context.Context, name string) error
	// endsLeases says that the leases of earlier processes are over once another could open the database.
	endsLeases bool
}

// handles are ways to one ledger, each as another process would have it.
type handles []credits.Ledger

// of returns the handle of a caller.
func (h handles) of(caller int) credits.Ledger { return h[caller%len(h)] }

var backends = []backend{memoryBackend, sqliteBackend, postgresBackend}

var memoryBackend = backend{
	name: "memory",
	open: func(_ testing.TB, now func() time.Time, _ bool) handles {
		return handles{memory.New(&memory.Options{Now: now}).Ledger()}
	},
}

var sqliteBackend = backend{
	name: "sqlite",
	open: func(t testing.TB, now func() time.Time, safe bool) handles {
		dir := t.TempDir()
		if !safe {
			dir = quickDir(t)
		}
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"), &sqlite.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return handles{db.Ledger()}
	},
	shared: &shared{
		create: func(t testing.TB, _ bool) string { return filepath.Join(t.TempDir(), "ledger.db") },
		open: func(ctx context.Context, name string, now func() time.Time) (credits.Ledger, func() error, error) {
			db, err := sqlite.Open(ctx, name, &sqlite.Options{Now: now})
			if err != nil {
				return nil, nil, err
			}
			if err := db.Migrate(ctx); err != nil {
				return nil, nil, errors.Join(err, db.Close())
			}
			return db.Ledger(), db.Close, nil
		},
		writers:    1,
		refused:    func(err error) bool { return errors.Is(err, sqlite.ErrLocked) },
		endsLeases: true,
	},
}

// quickDir returns a directory that is in memory, if the machine has one: where syncing is not what is to be proved.
func quickDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "scrip")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// campaign is how often a campaign does what it does: little in a plain run, a lot under `make prove`.
func campaign(small, full int) int {
	if os.Getenv("SCRIP_PROVE") != "" {
		return full
	}
	return small
}

// violations says what a campaign found. It stops at the first one, which it tells in full.
func violations(t *testing.T) string {
	if t.Failed() {
		return "see above"
	}
	return "0"
}
