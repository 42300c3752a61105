package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// childVariable makes the test binary a second process: what it holds is the file to open.
const childVariable = "SCRIP_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		child(path)
		return
	}
	os.Exit(m.Run())
}

// child opens the file, works on a hold and a task with long leases, says so, and then waits to be killed.
func child(path string) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, nil)
	if err == nil {
		err = db.Migrate(ctx)
	}
	if err == nil {
		err = beginWork(ctx, db)
	}
	if err != nil {
		fmt.Println("failed:", err)
		return
	}
	fmt.Println("working")
	time.Sleep(time.Minute)
}

// startChild runs the test binary on path and returns it with the first line that it said.
func startChild(t *testing.T, path string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the second process said nothing: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "scrip.db") }

// empty is a file that has the schema and nothing else. To make one takes longer than most tests.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "scrip-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	db, err := sqlite.Open(context.Background(), path, nil)
	if err != nil {
		return nil, err
	}
	err = db.Migrate(context.Background())
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// open returns a handle on path with the schema in place. It is closed with the test.
func open(t testing.TB, path string, o *sqlite.Options) *sqlite.DB {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		text, err := empty()
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatalf("Open(%q) = %v", path, err)
	}
	t.Cleanup(func() { db.Close() })
	if o == nil || !o.ReadOnly {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatalf("Migrate = %v", err)
		}
	}
	return db
}

// raw returns a pool on the file that no handle knows of, with the given settings.
func raw(t testing.TB, path, settings string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// hostSettings are what New wants of a host's pool.
const hostSettings = "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000"

func execute(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func grant(t testing.TB, l credits.Ledger, account credits.Account, key credits.Key, amount credits.Amount) {
	t.Helper()
	if _, err := l.Grant(t.Context(), credits.Grant{Account: account, Key: key, Kind: credits.Purchase, Amount: amount}); err != nil {
		t.Fatalf("Grant(%q, %q) = %v", account, key, err)
	}
}

func holdRequest(account credits.Account, key credits.Key, amount credits.Amount) credits.HoldRequest {
	return credits.HoldRequest{Account: account, Key: key, Operation: "clustering", Scope: "run-1", Amount: amount,
		Holder: credits.Holder{ID: "worker", Fence: 1, Lease: time.Hour}, TTL: 2 * time.Hour, Pinned: []byte("pinned")}
}

func wantBalance(t testing.TB, l credits.Ledger, account credits.Account, want credits.Balance) {
	t.Helper()
	got, err := l.Balance(t.Context(), account)
	if err != nil || got != want {
		t.Errorf("Balance(%q) = %+v, %v, want %+v", account, got, err, want)
	}
}

// verify fails unless every rule of the account holds.
func verify(t testing.TB, l credits.Ledger, account credits.Account) {
	t.Helper()
	report, err := l.Verify(context.WithoutCancel(t.Context()), account)
	if err != nil || !report.OK() {
		t.Errorf("Verify(%q) = %+v, %v, want no problem", account, report, err)
	}
}
