// Migration walks through a change of prices as an operator makes it on a live system: a baseline, new fields that cost
// nothing, a week in the dark, keys that move from the environment into the store, the switch, and the way back. After each
// step the books are compared: by account and operation, to the credit.
//
//	go run ./examples/migration -n 1000
//
// The calls of a week are replayed through the real gate on a real database; only the provider is the past.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

type options struct {
	dir      string
	calls    int
	accounts int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "migration:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("migration", flag.ContinueOnError)
	var o options
	fs.StringVar(&o.dir, "dir", "", "where the database and the baseline are left; a directory that is removed at the end if empty")
	fs.IntVar(&o.calls, "n", 1000, "calls of the week that is replayed")
	fs.IntVar(&o.accounts, "accounts", 20, "accounts that make them")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if o.calls < 1 || o.accounts < 1 {
		return fmt.Errorf("-n is %d and -accounts is %d: both must be positive", o.calls, o.accounts)
	}
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "scrip-migration-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	m, err := open(ctx, filepath.Join(o.dir, "scrip.db"), week{o.calls, o.accounts}, out)
	if err != nil {
		return err
	}
	defer m.close()
	return m.walk(ctx, filepath.Join(o.dir, "baseline.json"))
}
