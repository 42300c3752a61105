//go:build linux || darwin

package ledgerproof_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// trouble comes while a workload is under way, and goes again once enough calls have failed.
type trouble struct {
	after  int // answered calls before it comes
	failed int // calls that have to fail before it goes
	come   func() error
	goes   func() error
	stop   func() // ends the work, some time after the trouble is over

	mu                        sync.Mutex
	answered, failures, since int // guarded by mu
}

// watch returns a say that makes the trouble come and go.
func (x *trouble) watch(say func(line)) func(line) {
	return func(l line) {
		say(l)
		if l.Answer == nil {
			return
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.answered++
		if x.answered == x.after {
			x.report(say, x.come())
		}
		switch l.Answer.Err {
		case errNoEffect, errDoubt:
			x.failures++
			if x.failures == x.failed {
				x.report(say, x.goes())
			}
		case "":
			if x.failures < x.failed {
				break
			}
			if x.since++; x.since == campaign(30, 400) {
				x.stop()
			}
		}
	}
}

func (x *trouble) report(say func(line), err error) {
	if err != nil {
		say(line{Failed: err.Error()})
	}
}

// faults are troubles that a process of its own has, which is about to open the database.
var faults = map[string]func(c child, stop func(), say func(line)) (func(line), error){
	"file size": func(c child, stop func(), say func(line)) (func(line), error) {
		// The limit is for all files of the process: the database, or its write-ahead log, whichever grows first.
		var before unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			return nil, err
		}
		x := &trouble{after: 50, failed: 10, stop: stop,
			come: func() error {
				info, err := os.Stat(c.Database + "-wal")
				if err != nil {
					return err
				}
				limit := before
				limit.Cur = uint64(info.Size()) + uint64(c.Work.Seed%50_000)
				return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
			},
			goes: func() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &before) },
		}
		return x.watch(say), nil
	},
	"small disk": func(c child, stop func(), say func(line)) (func(line), error) {
		x := &trouble{failed: 10, stop: stop, goes: func() error { return mountSmall(filepath.Dir(c.Database), "64m", true) }}
		return x.watch(say), nil
	},
	"not its file": func(_ child, _ func(), say func(line)) (func(line), error) {
		return say, unix.Setuid(65534) // nobody; root may write what is read-only
	},
}

// collector is a say that keeps everything.
type collector struct {
	mu    sync.Mutex
	lines []line // guarded by mu
}

func (c *collector) say(l line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, l)
}

// endured checks that some calls failed, that others succeeded after the last of these, and counts.
func endured(t *testing.T, name string, lines []line) (failed int) {
	t.Helper()
	last, succeeded := 0, 0
	kinds := map[string]int{}
	for i, l := range lines {
		if l.Answer == nil {
			continue
		}
		switch kinds[l.Answer.Err]++; l.Answer.Err {
		case errNoEffect, errDoubt:
			failed++
			last, succeeded = i, 0
		case "":
			succeeded++
		}
	}
	if failed == 0 || succeeded == 0 {
		t.Errorf("%s: %d calls failed, and %d succeeded after the last of these, number %d, want some of both: %v", name, failed, succeeded, last, kinds)
	}
	return failed
}

// hostPool is a pool of one connection, whose pragmas can be changed under way.
func hostPool(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String()+"?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

// TestCampaignFaults: a disk that is full, or a file that nobody may write to, in the middle of work, is an error that is
// known; what was answered is true, what had no effect had none, and the work goes on when the trouble is over.
func TestCampaignFaults(t *testing.T) {
	t.Parallel()
	rounds := campaign(1, 20)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		name string
		run  func(t *testing.T, name string, w *witness, work workload) []line
	}{
		{"FullFile", pragmaTrouble(func(db *sql.DB) (string, error) {
			var pages int64
			err := db.QueryRow(`PRAGMA page_count`).Scan(&pages)
			return fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+rng.Int64N(3)), err
		}, `PRAGMA max_page_count = 1000000000`)},
		{"ReadOnlyConnection", pragmaTrouble(func(*sql.DB) (string, error) { return `PRAGMA query_only = 1`, nil }, `PRAGMA query_only = 0`)},
		{"LimitedFileSize", childTrouble("file size")},
		{"FullDisk", func(t *testing.T, name string, w *witness, work workload) []line {
			dir := filepath.Dir(name)
			if err := mountSmall(dir, fmt.Sprint(600+work.Seed%400, "k"), false); err != nil {
				t.Skipf("no small disk: mount: %v", err)
			}
			t.Cleanup(func() {
				if err := unmount(dir); err != nil {
					t.Errorf("unmount: %v", err)
				}
			})
			return childTrouble("small disk")(t, name, w, work)
		}},
		{"ImmutableLog", immutableTrouble},
	} {
		t.Run(c.name, func(t *testing.T) {
			begun, failed := time.Now(), 0
			var total figures
			for range rounds {
				t.Run("", func(t *testing.T) {
					name := sqliteBackend.shared.create(t, true)
					w := newWitness(t, "faults")
					work := workload{Seed: rng.Uint64(), Base: 1 << 24, Workers: 16, Ops: 20_000}
					lines := c.run(t, name, w, work)
					failed += endured(t, c.name, lines)
					l, closeDB, err := sqliteBackend.shared.open(t.Context(), name, nil) // once more, by another handle
					if err != nil {
						t.Fatal(err)
					}
					defer closeDB()
					if w.audits == 0 {
						end := monotonic()
						w.examine(l, calls(t, lines, end), end, true)
					}
					w.recheck(l)
					total.add(w.figures)
				})
			}
			t.Logf("seed %d: %d rounds: %d calls failed, %d acknowledged checked, %d in doubt replayed, %d of which had happened, violations: %s, %s",
				seed, rounds, failed, total.acknowledged, total.replayed, total.happened, violations(t), time.Since(begun).Round(time.Millisecond))
		})
	}
}

// pragmaTrouble works on a handle that the host's pool was given to, and examines what became of the work with the same
// handle.
func pragmaTrouble(come func(*sql.DB) (string, error), goes string) func(*testing.T, string, *witness, workload) []line {
	return func(t *testing.T, name string, w *witness, work workload) []line {
		pool := hostPool(t, name)
		db, err := sqlite.New(t.Context(), pool, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return work.endure(t, db.Ledger(), w, &trouble{after: 50, failed: 10,
			come: func() error {
				pragma, err := come(pool)
				return errors.Join(err, execute(pool, pragma))
			},
			goes: func() error { return execute(pool, goes) },
		})
	}
}

func execute(db *sql.DB, pragma string) error {
	rows, err := db.Query(pragma)
	if err != nil {
		return err
	}
	return errors.Join(rows.Close(), rows.Err())
}

// endure does the work in spite of the trouble.
func (w workload) endure(t *testing.T, l credits.Ledger, by *witness, x *trouble) []line {
	t.Helper()
	var c collector
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	x.stop = stop
	w.run(ctx, l, by.prefix, x.watch(c.say))
	end := monotonic()
	by.examine(l, calls(t, c.lines, end), end, false)
	return c.lines
}

// childTrouble works in a process of its own.
func childTrouble(fault string) func(*testing.T, string, *witness, workload) []line {
	return func(t *testing.T, name string, w *witness, work workload) []line {
		return start(t, child{Backend: sqliteBackend.name, Database: name, Prefix: w.prefix, Work: work, Fault: fault}).wait()
	}
}

// immutableTrouble makes the write-ahead log immutable while it is open, which is the only way to take a right back from
// who has the file open.
func immutableTrouble(t *testing.T, name string, w *witness, work workload) []line {
	l, closeDB, err := sqliteBackend.shared.open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB()
	if err := setImmutable(name+"-wal", true); err != nil {
		t.Skipf("no immutable files: %v", err)
	}
	defer setImmutable(name+"-wal", false)
	if err := setImmutable(name+"-wal", false); err != nil {
		t.Fatal(err)
	}
	return work.endure(t, l, w, &trouble{after: 50, failed: 10,
		come: func() error { return setImmutable(name+"-wal", true) },
		goes: func() error { return setImmutable(name+"-wal", false) },
	})
}

// TestReadOnlyFile: a process that may not write the file is told so when it opens it, and does no harm.
func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	name := sqliteBackend.shared.create(t, true)
	w := newWitness(t, "read-only")
	work := workload{Seed: 1, Base: 1 << 24, Workers: 4, Ops: 100}
	open := func() (credits.Ledger, func() error) {
		l, closeDB, err := sqliteBackend.shared.open(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l, closeDB
	}
	l, closeDB := open()
	work.endure(t, l, w, &trouble{failed: 1})
	if err := closeDB(); err != nil {
		t.Fatal(err)
	}
	modes := func(file, rest fs.FileMode) {
		t.Helper()
		for dir := filepath.Dir(name); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o777); err != nil { // for the process that is somebody else
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Chmod(name, file), os.Chmod(name+".lock", rest)); err != nil {
			t.Fatal(err)
		}
	}
	modes(0o444, 0o666)
	if os.Getuid() == 0 {
		p := start(t, child{Backend: sqliteBackend.name, Database: name, Prefix: w.prefix, Work: workload{Seed: 2, Base: 2 << 24, Workers: 1, Ops: 10}, Fault: "not its file"})
		if lines := p.wait(); len(lines) != 1 || !strings.Contains(lines[0].Failed, sqlite.ErrReadOnly.Error()) {
			t.Errorf("the process said %+v, want that the file is read-only", lines)
		}
	} else if _, _, err := sqliteBackend.shared.open(t.Context(), name, nil); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("open = %v, want ErrReadOnly", err)
	}
	modes(0o644, 0o644)
	l, closeDB = open()
	defer closeDB()
	w.recheck(l)
}
