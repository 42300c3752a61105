package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/scrip-go/scrip/internal/benchmark"
)

func main() {
	rows := flag.Int64("rows", 60_000, "how many `rows` wait for a stage whose memory is measured, beside a tenth of them")
	flag.Parse()
	if beUpstream() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, &bench{rounds: 5, articles: 640, delay: 100 * time.Millisecond, workers: 32, rows: *rows, look: 3 * time.Second}); err != nil {
		log.Fatal(err)
	}
}

// bench is one run of everything, and what it has found.
type bench struct {
	rounds   int           // of each comparison
	articles int64         // that are written in a round
	delay    time.Duration // of a call to a model
	workers  int
	rows     int64         // that wait for a stage whose memory is measured; there is a run over a tenth of them too
	look     time.Duration // how long such a stage works once it is planned

	dir    string // on the disk, for files
	sites  int    // that were made
	report benchmark.Report
}

func run(ctx context.Context, out io.Writer, b *bench) (err error) {
	if b.dir, err = os.MkdirTemp("", "scrip-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.report.DescribeMachine(b.dir); err != nil {
		return err
	}
	for _, section := range []func(context.Context) error{b.rates, b.memory} {
		if err := section(ctx); err != nil {
			return err
		}
	}
	b.report.Note("rates: %d rounds of %d articles for each side, after one that does not count; load average at the end: %s", b.rounds, b.articles, benchmark.LoadAverage())
	return b.report.Write(out)
}

// site names a site that there was none of yet.
func (b *bench) site() string {
	b.sites++
	return fmt.Sprint("site-", b.sites)
}
