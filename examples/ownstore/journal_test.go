package ownstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/examples/ownstore"
)

func open(t *testing.T, path string) *ownstore.Ledger {
	t.Helper()
	l, err := ownstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// written makes a journal with ten grants of one credit and returns its bytes.
func written(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	l := open(t, path)
	for i := range 10 {
		grant(t, l, fmt.Sprint("grant ", i))
	}
	l.Close()
	journal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return journal
}

func grant(t *testing.T, l *ownstore.Ledger, key string) {
	t.Helper()
	if err := tryGrant(l, key); err != nil {
		t.Fatal(err)
	}
}

func tryGrant(l *ownstore.Ledger, key string) error {
	_, err := l.Grant(context.Background(), credits.Grant{Account: "alice", Key: credits.Key(key), Kind: credits.Bonus, Amount: 1})
	return err
}

func posted(t *testing.T, l *ownstore.Ledger) credits.Amount {
	t.Helper()
	b, err := l.Balance(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	return b.Posted
}

func TestATornLastLineIsDropped(t *testing.T) {
	journal := written(t)
	last := bytes.LastIndexByte(journal[:len(journal)-1], '\n') + 1
	path := filepath.Join(t.TempDir(), "journal")
	for end := last; end < len(journal); end += 7 {
		if err := os.WriteFile(path, journal[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path)
		if got := posted(t, l); got != 9 {
			t.Fatalf("with %d bytes of the last line %d are posted, want 9", end-last, got)
		}
		grant(t, l, "grant 9") // who asked for it got no answer, and asks again
		if got := posted(t, l); got != 10 {
			t.Fatalf("%d are posted then, want 10", got)
		}
		l.Close()
		if again, err := os.ReadFile(path); err != nil || bytes.Count(again, []byte("\n")) != 10 {
			t.Fatalf("the journal has %d lines, %v", bytes.Count(again, []byte("\n")), err)
		}
	}
}

func TestADamagedJournalIsRefused(t *testing.T) {
	journal := written(t)
	lines := bytes.SplitAfter(journal, []byte("\n"))
	flipped := bytes.Clone(journal)
	flipped[len(lines[0])+40] ^= 1
	for name, bad := range map[string][]byte{
		"a bit flipped":    flipped,
		"a line missing":   bytes.Join(append(append([][]byte{}, lines[:3]...), lines[4:]...), nil),
		"two lines change": bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3]}, nil),
	} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ownstore.Open(path, nil); !errors.Is(err, ownstore.ErrDamaged) {
			t.Errorf("%s: Open = %v, want ErrDamaged", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
			t.Errorf("%s: Open has changed the journal, %v", name, err)
		}
	}
}

func TestOneHasItAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	l := open(t, path)
	if _, err := ownstore.Open(path, nil); !errors.Is(err, ownstore.ErrLocked) {
		t.Errorf("a second Open = %v, want ErrLocked", err)
	}
	l.Close()
	if err := tryGrant(l, "k"); !errors.Is(err, ownstore.ErrClosed) {
		t.Errorf("Grant after Close = %v, want ErrClosed", err)
	}
	open(t, path)
}

func TestAFailedDiskEndsTheLedgerAndLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	l := open(t, path)
	grant(t, l, "before")
	l.Fail()
	for range 2 {
		if err := tryGrant(l, "after"); err == nil {
			t.Fatal("Grant on a failed disk = nil")
		}
	}
	if got := posted(t, l); got != 1 {
		t.Errorf("%d are posted, want 1", got)
	}
	l = open(t, path)
	grant(t, l, "after")
	if got := posted(t, l); got != 2 {
		t.Errorf("%d are posted after it was opened again, want 2", got)
	}
}
