// Ownpipeline is automation with stages of a host's own, about nothing that Scrip knows: a folder of support tickets in any
// language becomes a report in English.
//
//	go run ./examples/ownpipeline
//
// Its two stages are in stages.go. One reads the tickets and pays for nothing; the other has each of them translated and
// summarised, which is paid for through the gate by a function of its own, and ends with the report. Their rows are in
// tables of the program's, in the database that has the ledger and the run, and each is written in the transaction that
// completes its task. So the program may be killed at any moment and started again: it goes on where it was, pays for nothing
// twice and loses nothing that was paid for. A further call does the tickets that are new.
//
// It works offline: the answers are made up by an upstream on loopback.
//
// The exit code is 0 if the run is done, 3 if the credits ran out, and 1 for anything else. More credits are another order:
//
//	go run ./examples/ownpipeline -credits 5 -order order-1
//	go run ./examples/ownpipeline -credits 20 -order order-2
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/scrip-go/scrip/automation"
)

//go:embed tickets
var ours embed.FS

type options struct {
	tickets, db, out, order, upstream string
	credits                           int64
	workers                           int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("ownpipeline", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.tickets, "tickets", "", "`folder` of tickets, a text file each (default: twelve of our own)")
	flags.StringVar(&o.db, "db", "ownpipeline.db", "SQLite `file` for the ledger, the run and the tickets")
	flags.StringVar(&o.out, "out", "report.md", "`file` for the report")
	flags.Int64Var(&o.credits, "credits", 100, "`credits` that the order brings")
	flags.StringVar(&o.order, "order", "order-1", "`name` of the order; the same order brings its credits once")
	flags.StringVar(&o.upstream, "upstream", "", "base `URL` of an upstream that speaks the wire of OpenAI, in place of the one on loopback")
	flags.IntVar(&o.workers, "workers", 4, "tickets worked on at once")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 1
	}
	state, err := work(ctx, o, stdout)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "ownpipeline: %v\n", err)
		return 1
	case state.State == automation.Paused && state.Reason == automation.ByCredits:
		fmt.Fprintf(stdout, "Out of credits. What was paid for is saved; another -order goes on with the rest.\n")
		return 3
	case state.State != automation.Done:
		fmt.Fprintf(stdout, "The run is %s, for the %s: %s\n", state.State, state.Reason, state.Detail)
		return 1
	}
	fmt.Fprintf(stdout, "The report is in %s.\n", o.out)
	return 0
}

// folder returns the files of the tickets.
func folder(o options) fs.FS {
	if o.tickets != "" {
		return os.DirFS(o.tickets)
	}
	tickets, err := fs.Sub(ours, "tickets")
	if err != nil {
		panic(err) // only for a name that is none
	}
	return tickets
}
