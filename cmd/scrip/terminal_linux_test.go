package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is the other end of a terminal: what a person types into, and what they see.
type screen struct {
	t     *testing.T
	keys  *os.File
	tty   *os.File // what a program has
	ended chan struct{}

	mu   sync.Mutex
	seen strings.Builder // guarded by mu
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, keys: keys, tty: tty, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		b := make([]byte, 4096)
		for {
			n, err := keys.Read(b)
			if err != nil { // nobody has the terminal any more
				return
			}
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		tty.Close()
		<-s.ended
		keys.Close()
	})
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// wait waits until a text is to be seen.
func (s *screen) wait(text string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(s.text(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("the terminal does not show %q:\n%s", text, s.text())
		}
	}
}

func (s *screen) enter(text string) {
	s.t.Helper()
	if _, err := s.keys.WriteString(text + "\n"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) echoes() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// waitSilent waits until what is typed is not shown.
func (s *screen) waitSilent() {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); s.echoes(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("the terminal shows what is typed")
		}
	}
}

// TestAKeyIsTypedUnseen has the program at a terminal.
func TestAKeyIsTypedUnseen(t *testing.T) {
	shop := soleShop(t)
	shop.migrate()
	shop.stocked()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	rings, s := ring(t, "2026"), newScreen(t)
	cmd := exec.CommandContext(t.Context(), program, "keys", "set", "house", "--why", "typed")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	cmd.Env = append(os.Environ(), "SCRIP_DATABASE="+shop.env["SCRIP_DATABASE"], "SCRIP_KEY_RING="+rings)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.wait("API key (not shown): ")
	s.waitSilent()
	s.enter("sk-typed-1")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, s.text())
	}
	s.wait("is added")
	if !s.echoes() || strings.Contains(s.text(), "typed-1") {
		t.Errorf("the terminal shows, and echoes %v:\n%s", s.echoes(), s.text())
	}
	shop.wantKey(rings, "alice", "sk-typed-1")
}

func TestConsole(t *testing.T) {
	t.Run("TakesAnAnswer", func(t *testing.T) {
		s := newScreen(t)
		c := &console{in: s.tty, out: s.tty}
		s.enter("yes")
		if answer, err := c.ask(t.Context(), "Write this? "); answer != "yes\n" || err != nil {
			t.Errorf("ask = %q, %v", answer, err)
		}
		s.wait("Write this? ")
	})
	t.Run("EchoesAgainAfterAnInterrupt", func(t *testing.T) {
		s := newScreen(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := (&console{in: s.tty, out: s.tty}).secret(ctx, "Key: ")
			ended <- err
		}()
		s.waitSilent()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || !s.echoes() {
			t.Errorf("secret = %v, and the terminal echoes: %v", err, s.echoes())
		}
		s.enter("") // lets the reader go
	})
	t.Run("NeedsATerminal", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		if _, err := (&console{in: r, out: w}).secret(t.Context(), "Key: "); err == nil {
			t.Error("secret of a pipe = nil")
		}
	})
}
