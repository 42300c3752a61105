package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers/providertest"
)

// asProgram makes the test binary the program itself, so that it can be run in a process that is then killed.
const asProgram = "QUICKSTART_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	instrument()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	tellWrites()
	os.Exit(code)
}

// startUpstream runs the fake upstreams in this process, which is another than the program's.
func startUpstream(t testing.TB, cfg providertest.Config) *providertest.Server {
	t.Helper()
	if cfg.Responder == nil {
		cfg.Responder = functionstest.New()
	}
	cfg.Remember = 1 << 16
	return providertest.Start(t, cfg)
}

// program is one database and one site, on which the program is run again and again.
type program struct {
	t    testing.TB
	dir  string
	env  []string // besides the process's own, which has no API key
	args []string // of every call
}

// newProgram has a directory of its own and makes every call to the upstream, or to the program's own loopback if up is nil.
func newProgram(t testing.TB, up *providertest.Server, args ...string) *program {
	t.Helper()
	p := &program{t: t, dir: t.TempDir(), args: args}
	p.args = append(p.args, "-db", p.db(), "-out", p.out(), "-json")
	if up != nil {
		p.args = append(p.args, "-upstream", up.URL)
	}
	return p
}

func (p *program) db() string  { return filepath.Join(p.dir, "q.db") }
func (p *program) out() string { return filepath.Join(p.dir, "out") }

// result is how a call ended.
type result struct {
	code    int // -1 if it was killed
	stdout  string
	stderr  string
	summary summary
}

func (p *program) command(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(exe, append(append([]string{}, p.args...), args...)...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OPENAI_") && !strings.HasPrefix(kv, "RUNWARE_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1"), p.env...)
	cmd.Dir = p.dir
	return cmd
}

// run runs the program to its end, or to its death after the given time if that is positive.
func (p *program) run(kill time.Duration, args ...string) result {
	p.t.Helper()
	cmd := p.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	if kill == 0 {
		kill = 5 * time.Minute // a program that hangs fails its test
	}
	timer := time.AfterFunc(kill, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	r := result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if r.code >= 0 {
		dec := json.NewDecoder(strings.NewReader(r.stdout))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r.summary); err != nil || dec.More() {
			p.t.Fatalf("standard output is not one JSON object (%v):\n%s\nstandard error:\n%s", err, r.stdout, r.stderr)
		}
	}
	return r
}

// want runs the program to its end and checks the exit code.
func (p *program) want(code int, args ...string) result {
	p.t.Helper()
	r := p.run(0, args...)
	if r.code != code {
		p.t.Fatalf("exit code %d, want %d\n%s\n%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// campaign is how often a campaign does what it does: little in a plain run, a lot under `make prove`.
func campaign(small, full int) int {
	if os.Getenv("SCRIP_PROVE") != "" {
		return full
	}
	return small
}
