package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers/providertest"
)

// upstreamVariable says in a process's environment that it is the upstream, and how long it takes for an answer.
const upstreamVariable = "RUNBENCH_UPSTREAM"

// beUpstream is the upstream if this process is to be it, and reports whether it was.
func beUpstream() bool {
	text, ok := os.LookupEnv(upstreamVariable)
	if !ok {
		return false
	}
	delay, err := time.ParseDuration(text)
	if err == nil {
		err = serveUpstream(delay, os.Stdin, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
	return true
}

// serveUpstream answers until in ends, and says on out where.
func serveUpstream(delay time.Duration, in io.Reader, out io.Writer) error {
	s, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: functionstest.New()})
	if err != nil {
		return err
	}
	defer s.Close()
	if delay > 0 {
		if err := s.SetFaults(providertest.Fault{Kind: providertest.Slow, Delay: delay}); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, s.BaseURL); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// upstream is the fake in a process of its own, so that what it remembers of requests is not in what is measured here.
type upstream struct {
	baseURL string
	cmd     *exec.Cmd
	in      io.Closer
}

func startUpstream(ctx context.Context, delay time.Duration) (*upstream, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	u := &upstream{cmd: exec.CommandContext(ctx, program)}
	u.cmd.Env = append(os.Environ(), upstreamVariable+"="+delay.String())
	u.cmd.Stderr = os.Stderr
	if u.in, err = u.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := u.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		u.close()
		return nil, fmt.Errorf("runbench: the upstream does not say where it is: %w", err)
	}
	u.baseURL = strings.TrimSpace(line)
	return u, nil
}

func (u *upstream) close() {
	_ = u.in.Close()
	_ = u.cmd.Wait()
}
