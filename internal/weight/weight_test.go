// Package weight holds what a program that calls a model through the gate weighs, in modules and in bytes, to its bars.
package weight_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	maxModules = 15
	maxBytes   = 2_500_000 // above a program with net/http and encoding/json, both stripped
)

func TestWeightOfAMeteredProgram(t *testing.T) {
	plain, metered := build(t, "plain"), build(t, "metered")
	info, err := exec.Command("go", "version", "-m", metered).Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := bytes.Count(info, []byte("\n\tdep\t"))
	if modules == 0 {
		t.Fatalf("no module is named in:\n%s", info)
	}
	above := size(t, metered) - size(t, plain)
	t.Logf("%d modules, %.2f MB above net/http", modules, float64(above)/1e6)
	if modules > maxModules || above > maxBytes {
		t.Errorf("%d modules and %d bytes above net/http, want at most %d and %d:\n%s", modules, above, maxModules, maxBytes, info)
	}
}

// build returns the path of a stripped program.
func build(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "./"+name)
	cmd.Env = append(os.Environ(), "GOFLAGS=") // not those of the tests, which may say -race
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, text)
	}
	return out
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
