package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"runtime"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/internal/benchmark"
)

// memory measures how far the heap rises while a stage is planned over many rows and then works for a while, beside the same over a
// tenth of the rows. What is garbage is collected before each look. The stage that publishes is run to its end, because it has an
// index to make.
func (b *bench) memory(ctx context.Context) error {
	up, err := startUpstream(ctx, 0)
	if err != nil {
		return err
	}
	defer up.close()
	d, err := b.openSQLite(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.fund(ctx); err != nil && len(b.report.Rows) == 0 { // the rates have funded the file
		return err
	}
	for _, stage := range pipeline.StageNames() {
		row := benchmark.Row{What: fmt.Sprintf("SQLite, %s over %s rows, peak live heap", stage, benchmark.Thousands(float64(b.rows))), Callers: b.workers,
			Unit: benchmark.Megabytes, Name: "a tenth of the rows", Bar: benchmark.AtMost(1.2)}
		for round := range 3 {
			log.Printf("SQLite, memory, %s, round %d", stage, round)
			for _, side := range []struct {
				rows int64
				to   *[]float64
			}{{b.rows / 10, &row.Against}, {b.rows, &row.Scrip}} {
				peak, err := b.stage(ctx, d, up, stage, side.rows)
				if err != nil {
					return fmt.Errorf("stage %s over %d rows: %w", stage, side.rows, err)
				}
				*side.to = append(*side.to, float64(peak))
			}
		}
		b.report.Rows = append(b.report.Rows, row)
	}
	return nil
}

// stage runs a stage over so many rows and returns how high the live heap was, above what it was before.
func (b *bench) stage(ctx context.Context, d *database, up *upstream, stage string, rows int64) (peak uint64, err error) {
	site := b.site()
	if err := seed(ctx, d.content, site, stage, rows); err != nil {
		return 0, err
	}
	h, err := b.serve(ctx, d, up.baseURL, b.workers)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	before := live()
	if err := h.start(ctx, site, stage); err != nil {
		return 0, err
	}
	var until time.Time
	for {
		peak = max(peak, live())
		run, counts, err := h.runner.Run(ctx, site)
		switch {
		case err != nil:
			return 0, err
		case run.State == automation.Done || run.State == automation.Cancelled:
			return peak - min(peak, before), nil
		case run.State == automation.Paused || run.State == automation.Failed || counts[0].Failed > 0:
			return 0, fmt.Errorf("the run is %s because of %q (%s), %d items failed", run.State, run.Reason, run.Detail, counts[0].Failed)
		case counts[0].State != automation.StageRunning || stage == pipeline.Publish:
		case until.IsZero():
			until = time.Now().Add(b.look)
		case run.State == automation.Running && time.Now().After(until):
			if err := h.runner.Cancel(ctx, site); err != nil && !errors.Is(err, automation.ErrState) { // it may have come to its end
				return 0, err
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// live is how many bytes of the heap are in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
