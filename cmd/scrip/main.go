// Scrip is the operator's command line: it migrates a database, changes models and prices with a review before each change, says
// what a change to come would charge, keeps sealed API keys, verifies the ledger and reports usage. docs/cli.md has every command with its output.
//
// It works on the database of a host that runs, with the same stores and the same rules, and needs nothing of the host:
// a postgres:// URL or the path of an SQLite file, as --database or SCRIP_DATABASE.
//
// It exits with 0 if what was asked for is done, 1 if it failed, was refused or found something wrong, and 2 if it was
// called wrongly. "scrip models diff" exits as diff does: 0 for no difference, 1 for some, 2 for trouble.
package main

import (
	"context"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"
	_ "time/tzdata" // the days of --zone, also where the machine has no zones

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who interrupts twice means it
	s := &system{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv, now: time.Now, user: loginName}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		s.terminal = &console{in: os.Stdin, out: os.Stderr}
	}
	code := run(ctx, os.Args[1:], s)
	stop()
	os.Exit(code)
}

// loginName is who changes something, unless --who says it.
func loginName() string {
	u, err := user.Current()
	if err != nil { // a container without a list of users
		return ""
	}
	return u.Username
}
