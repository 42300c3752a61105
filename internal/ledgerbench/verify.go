package main

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/benchmark"
)

// reading is what one reading of an account cost.
type reading struct{ took, heap []float64 } // seconds and bytes, by rounds

// verify measures Verify on two accounts, one of them with a tenth of the other's entries, beside a plain scan of the same
// rows. plain is on the ledger's own database.
func (b *bench) verify(ctx context.Context, store string, l credits.Ledger, plain *naive) error {
	var heaps [][]float64 // of Verify, by account
	for _, entries := range []int{b.entries / 10, b.entries} {
		size := benchmark.Thousands(float64(entries)) + " entries"
		log.Printf("%s, Verify, %s", store, size)
		account := credits.Account("verified " + size)
		if err := b.fill(ctx, l, account, entries); err != nil {
			return err
		}
		var audit, scan reading
		for range b.rounds {
			if err := scan.add(func() error {
				n, err := plain.scan(ctx, account)
				if err == nil && n != int64(entries) {
					err = fmt.Errorf("%s: the scan found %d entries, want %d", store, n, entries)
				}
				return err
			}); err != nil {
				return err
			}
			if err := audit.add(func() error {
				report, err := l.Verify(ctx, account)
				if err == nil && (!report.OK() || report.Entries != int64(entries)) {
					err = fmt.Errorf("%s: Verify = %+v, want %d entries without a problem", store, report, entries)
				}
				return err
			}); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("%s, Verify, %s", store, size)
		b.report.Rows = append(b.report.Rows,
			benchmark.Row{What: name, Unit: benchmark.Seconds, Scrip: audit.took, Name: "scan", Against: scan.took, Bar: benchmark.AtMost(3)},
			benchmark.Row{What: name + ", peak heap", Unit: benchmark.Megabytes, Scrip: audit.heap, Name: "scan", Against: scan.heap})
		heaps = append(heaps, audit.heap)
	}
	b.report.Rows = append(b.report.Rows, benchmark.Row{What: store + ", Verify, growth of the peak heap", Unit: benchmark.Megabytes,
		Scrip: heaps[1], Name: "a tenth of the entries", Against: heaps[0], Bar: benchmark.AtMost(1.5)})
	return nil
}

// fill makes an account with so many entries: a grant, and charges by as many callers as make it quick.
func (b *bench) fill(ctx context.Context, l credits.Ledger, account credits.Account, entries int) error {
	if err := b.fund(ctx, l, account); err != nil {
		return err
	}
	return b.repeat(ctx, 512, entries-1, chargeWith(l, []credits.Account{account}))
}

// add runs read and adds how long it took and how far the heap rose, garbage included, above what there was before.
func (r *reading) add(read func() error) error {
	runtime.GC()
	before, peak := heap(), uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(time.Millisecond); ; {
			peak = max(peak, heap())
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	began := time.Now()
	err := read()
	took := time.Since(began)
	close(stop)
	<-stopped
	r.took = append(r.took, took.Seconds())
	r.heap = append(r.heap, float64(peak-min(peak, before)))
	return err
}

// heap is how many bytes of the heap are taken, by what is in use and by what has not been collected yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
