package durable_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scrip-go/scrip/internal/durable"
)

func TestReplacesAFileAsAWholeAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	scratch, path := filepath.Join(dir, "scratch"), filepath.Join(dir, "file")
	if err := durable.Scratch(scratch); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second, and longer", ""} {
		if err := durable.WriteFile(scratch, path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("ReadFile = %q, %v, want %q", got, err, text)
		}
	}
	if err := durable.WriteFile(scratch, filepath.Join(dir, "none", "file"), nil); err == nil {
		t.Error("WriteFile into a directory that is not there succeeds")
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left in scratch: %v, %v", left, err)
	}
}

func TestScratchRemovesWhatIsOldOnly(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "young": time.Minute} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Scratch(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("left: %v, %v, want the young file", left, err)
	}
}

func TestScratchMakesTheDirectoriesAboveIt(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b", "scratch")
	for range 2 {
		if err := durable.Scratch(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := durable.Scratch(filepath.Join(root, "file", "scratch")); err == nil {
		t.Error("Scratch below a file succeeds")
	}
}
