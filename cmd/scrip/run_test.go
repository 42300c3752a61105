package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestWhatCouldNotBePrintedIsAFailure: a snapshot on a full disk is not kept.
func TestWhatCouldNotBePrintedIsAFailure(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stocked().charge("alice")
	for _, args := range [][]string{{"snapshot"}, {"models", "list"}, {"verify"}, {"verify", "--json"}, {"models", "history"}, {"usage", "alice"}, {"keys", "list", "--json"}} {
		var said strings.Builder
		code := run(t.Context(), args, &system{stdout: fullDisk{}, stderr: &said, env: func(name string) string { return s.env[name] }, now: time.Now})
		if code != failed || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("scrip %q on a full disk = %d, %q", args, code, said.String())
		}
	}
}

// TestStoredTextDoesNothingToATerminal has escape sequences and line ends in what is shown.
func TestStoredTextDoesNothingToATerminal(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stdin = strings.ReplaceAll(small, `"house:2@1"`, `"house\u001b[2J\u009b1m\tx"`)
	s.must("models", "apply", "-", "--why", "a\x1b[31m\nb", "--yes")
	s.charge("al\x1bice\n")
	s.must("models", "list")
	s.must("models", "history")
	s.must("verify")
	s.must("usage", "--all-accounts", "--by", "account")
	s.refused(failed, `\x1b`, "verify", "no\x1bbody")
	if i := strings.IndexAny(s.said.String(), "\x1b\u009b\t"); i >= 0 {
		t.Errorf("a terminal would obey %q", s.said.String()[max(i-40, 0):i+10])
	}
	if !strings.Contains(s.said.String(), `a\x1b[31m\nb`) {
		t.Error("what was meant is not to be seen")
	}
}

func TestHelp(t *testing.T) {
	s := newShop(t)
	for _, args := range [][]string{{"--help"}, {"models", "set", "--help"}, {"keys", "--help"}} {
		if out := s.must(args...); !strings.HasPrefix(out, "Usage: scrip ") {
			t.Errorf("scrip %q:\n%s", args, out)
		}
	}
	s.refused(misused, "scrip --help", "verfy")
	s.refused(misused, "--why", "models", "rollback", "1")
	s.refused(misused, "scrip --help")
}

// TestTheProgram builds it and runs it as an operator does.
func TestTheProgram(t *testing.T) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scrip := func(code int, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), "SCRIP_DATABASE=shop.db", "SCRIP_KEY_RING="+ring(t, "2026")), strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("scrip %q: %v, want exit code %d\n%s", args, err, code, out)
		}
		return string(out)
	}
	scrip(failed, "", "models", "list")
	scrip(misused, "", "model")
	scrip(done, "", "migrate")
	scrip(failed, small, "models", "apply", "-", "--why", "x")
	scrip(done, small, "models", "apply", "-", "--why", "x", "--yes")
	scrip(done, "sk-live-7\n", "keys", "set", "house", "--why", "x", "--who", "olga")
	scrip(failed, "", "models", "diff", "1", "current")
	if out := scrip(done, "", "usage", "--all-accounts", "--zone", "Europe/Berlin"); !strings.HasPrefix(out, "RECORDS") {
		t.Errorf("usage prints %q", out)
	}
}

func TestAFileThatCannotBeTheRightOneIsNotReadWhole(t *testing.T) {
	s := newShop(t)
	s.migrate()
	huge := filepath.Join(t.TempDir(), "huge")
	if err := errors.Join(os.WriteFile(huge, nil, 0o600), os.Truncate(huge, 1<<40)); err != nil {
		t.Fatal(err)
	}
	const says = "huge: it has more than 67108864 bytes"
	s.refused(failed, says, "models", "apply", huge, "--why", "x")
	s.refused(failed, says, "models", "import", "litellm", huge, "--why", "x")
	s.refused(misused, says, "models", "diff", huge, "current")
}

func TestAnInterruptEndsTheWaitingForAPipe(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.env["SCRIP_KEY_RING"] = ring(t, "2026")
	for _, args := range [][]string{{"models", "apply", "-", "--why", "x"}, {"keys", "set", "openai", "--why", "x"}} {
		from, to := io.Pipe()
		defer to.Close()
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			_, _ = to.Write([]byte("{")) // whoever reads waits for more from here on
			interrupt()
		}()
		var errs bytes.Buffer
		code := run(ctx, args, &system{stdin: from, stdout: io.Discard, stderr: &errs, env: func(name string) string { return s.env[name] },
			now: s.now, user: func() string { return "olga" }})
		if code != failed || errs.String() != "scrip: interrupted\n" {
			t.Errorf("scrip %q = %d, %q, want it to be interrupted", args, code, errs.String())
		}
	}
}
