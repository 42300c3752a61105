package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/scrip-go/scrip/internal/benchmark"
)

func main() {
	entries := flag.Int("entries", 100_000, "how many `entries` the account has that is verified")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, &bench{rounds: 5, cell: time.Second, callers: []int{1, 64, 512}, many: 1000, entries: *entries}); err != nil {
		log.Fatal(err)
	}
}

// bench is one run of everything, and what it has found.
type bench struct {
	rounds  int           // of each comparison
	cell    time.Duration // that a side runs in a round
	callers []int         // at once: one alone, many, and more
	many    int           // accounts over which operations are spread that do not meet on one
	entries int           // of the account that is verified; the other one has a tenth of them

	dir     string       // on the disk, for files
	numbers atomic.Int64 // of operations: no two have the same key
	report  benchmark.Report
	missing error // of the programs that could not be run
}

// run prints what it has measured also if a program that belongs beside it is missing, and then returns that.
func run(ctx context.Context, out io.Writer, b *bench) error {
	dir, err := os.MkdirTemp("", "scrip-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := b.report.DescribeMachine(dir); err != nil {
		return err
	}
	for _, section := range []func(context.Context) error{b.reference, b.postgres, b.sqlite, b.memory} {
		if err := section(ctx); err != nil {
			return err
		}
	}
	b.report.Note("%d rounds of %v for each side, after one that does not count; load average at the end: %s", b.rounds, b.cell, benchmark.LoadAverage())
	if err := b.report.Write(out); err != nil {
		return err
	}
	return b.missing
}
