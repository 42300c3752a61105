package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/internal/benchmark"
)

// rates measures how many articles a second are written: with a model that takes its time, beside what so many workers could do if
// nothing else took any; and with one that answers at once, beside a single worker, which commits each of its steps alone.
func (b *bench) rates(ctx context.Context) error {
	slow, err := startUpstream(ctx, b.delay)
	if err != nil {
		return err
	}
	defer slow.close()
	quick, err := startUpstream(ctx, 0)
	if err != nil {
		return err
	}
	defer quick.close()
	for _, store := range []struct {
		name string
		open func(context.Context) (*database, error)
		bar  benchmark.Bar // of many workers against one
	}{
		{"SQLite", b.openSQLite, benchmark.AtLeast(5)},
		{"Postgres", b.openPostgres, benchmark.Bar{}},
	} {
		if err := b.ratesOf(ctx, store.name, store.open, store.bar, slow, quick); err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
	}
	return nil
}

func (b *bench) ratesOf(ctx context.Context, name string, open func(context.Context) (*database, error), bar benchmark.Bar, slow, quick *upstream) error {
	d, err := open(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.fund(ctx); err != nil {
		return err
	}
	ideal := float64(b.workers) / b.delay.Seconds()
	var waited, ideals, many, alone []float64
	for round := range b.rounds + 1 {
		log.Printf("%s, articles, round %d", name, round)
		var rates [3]float64
		for i, side := range []struct {
			up      *upstream
			workers int
			items   int64
		}{{slow, b.workers, b.articles}, {quick, b.workers, b.articles}, {quick, 1, max(b.articles/4, 1)}} {
			took, err := b.write(ctx, d, side.up, side.workers, side.items)
			if err != nil {
				return err
			}
			rates[i] = float64(side.items) / took.Seconds()
		}
		if round == 0 { // connections are opened and statements prepared
			continue
		}
		waited, ideals = append(waited, rates[0]), append(ideals, ideal)
		many, alone = append(many, rates[1]), append(alone, rates[2])
	}
	b.report.Rows = append(b.report.Rows,
		benchmark.Row{What: fmt.Sprintf("%s, articles, a model that takes %v", name, b.delay), Callers: b.workers, Unit: benchmark.PerSecond,
			Scrip: waited, Name: "ideal", Against: ideals, Bar: benchmark.AtLeast(0.9)},
		benchmark.Row{What: name + ", articles, a model that answers at once", Callers: b.workers, Unit: benchmark.PerSecond,
			Scrip: many, Name: "one worker", Against: alone, Bar: bar})
	return nil
}

// write has a run write so many articles and returns how long it took.
func (b *bench) write(ctx context.Context, d *database, up *upstream, workers int, n int64) (time.Duration, error) {
	site := b.site()
	if err := seed(ctx, d.content, site, pipeline.Write, n); err != nil {
		return 0, err
	}
	h, err := b.serve(ctx, d, up.baseURL, workers)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	if err = h.start(ctx, site, pipeline.Write); err == nil {
		took, err = h.finish(ctx, site, n)
	}
	return took, errors.Join(err, h.close())
}
