package sqlite_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// beginWork leaves a hold and a task under leases that no test waits for.
func beginWork(ctx context.Context, db *sqlite.DB) error {
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: "acme", Key: "g", Kind: credits.Purchase, Amount: 100}); err != nil {
		return err
	}
	if _, err := db.Ledger().Hold(ctx, holdRequest("acme", "k", 10)); err != nil {
		return err
	}
	if err := db.Runs().CreateRun(ctx, newRun("run-1", "site-1")); err != nil {
		return err
	}
	if _, err := db.Runs().Plan(ctx, "run-1", "one", []automation.Item{{ID: "i"}}, 0, true); err != nil {
		return err
	}
	_, err := db.Runs().Claim(ctx, "dead", time.Hour, 1)
	return err
}

func TestLock(t *testing.T) {
	t.Run("KeepsASecondHandleOfTheProcessOut", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil)
		link := filepath.Join(t.TempDir(), "link.db")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} { // however it is named
			_, err := sqlite.Open(t.Context(), name, nil)
			var locked *sqlite.LockedError
			if !errors.Is(err, sqlite.ErrLocked) || !errors.As(err, &locked) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open(%q) = %v, want a LockedError that names the file", name, err)
			} else if runtime.GOOS != "windows" && locked.PID != os.Getpid() {
				t.Errorf("Open(%q) = %v, want the process that has it, %d", name, err, os.Getpid())
			}
		}
		if _, err := sqlite.New(t.Context(), raw(t, path, hostSettings), nil); !errors.Is(err, sqlite.ErrLocked) {
			t.Errorf("New = %v, want ErrLocked", err)
		}
	})
	t.Run("IsGivenUpByClose", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil).Close()
		open(t, path, nil)
	})
	t.Run("KeepsASecondProcessOut", func(t *testing.T) {
		path := tempFile(t)
		open(t, path, nil)
		if _, said := startChild(t, path); !strings.Contains(said, "in use by another process") || !strings.Contains(said, path) {
			t.Errorf("the second process said %q, want that the file is in use", said)
		}
	})
	t.Run("DiesWithItsProcessAndEndsItsLeases", func(t *testing.T) {
		path := tempFile(t)
		process, said := startChild(t, path)
		if said != "working" {
			t.Fatalf("the second process said %q", said)
		}
		if _, err := sqlite.Open(t.Context(), path, nil); !errors.Is(err, sqlite.ErrLocked) {
			t.Fatalf("Open beside the other process = %v, want ErrLocked", err)
		}
		if err := process.Process.Kill(); err != nil { // SIGKILL: it has no time to say anything
			t.Fatal(err)
		}
		process.Wait()
		wantAbandonedWork(t, open(t, path, nil))
	})
}

// wantAbandonedWork fails unless what beginWork left can be taken over at once.
func wantAbandonedWork(t *testing.T, db *sqlite.DB) {
	t.Helper()
	r := holdRequest("acme", "k", 10)
	r.Holder.ID = "successor" // with the same fence: only the end of the lease lets it in
	if held, err := db.Ledger().Hold(t.Context(), r); err != nil || held.Hold == nil || held.Hold.Holder.ID != "successor" {
		t.Errorf("Hold of a successor = %+v, %v, want the hold", held, err)
	}
	claimed, err := db.Runs().Claim(t.Context(), "successor", time.Minute, 10)
	if err != nil || len(claimed) != 1 || claimed[0].Ref.Generation != 2 {
		t.Errorf("Claim = %+v, %v, want the task in generation 2", claimed, err)
	}
	verify(t, db.Ledger(), "acme")
}

func TestLeasesOfAnEarlierOwner(t *testing.T) {
	t.Run("EndWhenTheFileIsOpenedAgain", func(t *testing.T) {
		path := tempFile(t)
		db := open(t, path, nil)
		if err := beginWork(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		db.Close()
		wantAbandonedWork(t, open(t, path, nil))
	})
	t.Run("StayWhenTheFileIsOpenedForReading", func(t *testing.T) {
		path := tempFile(t)
		db := open(t, path, nil)
		if err := beginWork(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		open(t, path, &sqlite.Options{ReadOnly: true})
		r := holdRequest("acme", "k", 10)
		r.Holder.ID = "other"
		if _, err := db.Ledger().Hold(t.Context(), r); !errors.Is(err, credits.ErrInProgress) {
			t.Errorf("Hold of another = %v, want ErrInProgress", err)
		}
	})
	t.Run("StayWhenMigrateIsCalledAgain", func(t *testing.T) {
		db := open(t, tempFile(t), nil)
		if err := beginWork(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if claimed, err := db.Runs().Claim(t.Context(), "other", time.Minute, 10); err != nil || len(claimed) != 0 {
			t.Errorf("Claim = %+v, %v, want nothing", claimed, err)
		}
	})
}

// TestAFileCanBeOpenedAgainAtOnce also while the program starts others: each of them has copies of what is open until it
// becomes another program.
func TestAFileCanBeOpenedAgainAtOnce(t *testing.T) {
	path := tempFile(t)
	open(t, path, nil).Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if err := exec.Command("true").Run(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for range 200 {
		db, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Error(err)
			break
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
}
