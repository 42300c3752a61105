package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// work is one operation, durable when it returns. No two operations of a run have the same number.
type work func(ctx context.Context, number int64) error

// sample is what one side did in one round.
type sample struct {
	rate float64       // operations per second
	p50  time.Duration // that half of the operations took at most
}

// compare runs each side once in every round, one after the other, and returns the samples of each.
func (b *bench) compare(ctx context.Context, what string, callers int, sides ...work) ([][]sample, error) {
	log.Printf("%s, %d callers", what, callers)
	samples := make([][]sample, len(sides))
	for round := range b.rounds + 1 {
		for i, do := range sides {
			d := b.cell
			if round == 0 { // connections are opened and statements prepared
				d /= 4
			}
			s, err := b.measure(ctx, callers, d, do)
			if err != nil {
				return nil, fmt.Errorf("%s, %d callers, side %d: %w", what, callers, i, err)
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}

// measure has callers do the work again and again for a time, and as often as there are callers in any case. What was begun
// by then is finished, and both counted and timed.
func (b *bench) measure(ctx context.Context, callers int, d time.Duration, do work) (sample, error) {
	began := time.Now()
	var begun atomic.Int64
	next := func() (int64, bool) {
		return b.numbers.Add(1), begun.Add(1) <= int64(callers) || time.Since(began) < d
	}
	took, err := together(ctx, callers, next, do)
	if err != nil {
		return sample{}, err
	}
	elapsed := time.Since(began)
	slices.Sort(took)
	return sample{rate: float64(len(took)) / elapsed.Seconds(), p50: took[len(took)/2]}, nil
}

// repeat has callers do the work n times in all.
func (b *bench) repeat(ctx context.Context, callers, n int, do work) error {
	var begun atomic.Int64
	_, err := together(ctx, callers, func() (int64, bool) { return b.numbers.Add(1), begun.Add(1) <= int64(n) }, do)
	return err
}

// together has callers do work at the same time for as long as next says, and returns how long each operation took. The
// first error ends it.
func together(ctx context.Context, callers int, next func() (int64, bool), do work) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	each := make([][]time.Duration, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				number, more := next()
				if !more {
					return
				}
				began := time.Now()
				if err := do(ctx, number); err != nil {
					cancel(err)
					return
				}
				each[c] = append(each[c], time.Since(began))
			}
		})
	}
	wg.Wait()
	return slices.Concat(each...), context.Cause(ctx)
}

func rates(samples []sample) (out []float64) {
	for _, s := range samples {
		out = append(out, s.rate)
	}
	return out
}

func latencies(samples []sample) (out []float64) {
	for _, s := range samples {
		out = append(out, s.p50.Seconds())
	}
	return out
}
