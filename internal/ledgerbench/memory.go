package main

import (
	"context"

	"github.com/scrip-go/scrip/internal/benchmark"
	"github.com/scrip-go/scrip/stores/memory"
)

// memory measures the store that keeps nothing, for reference: it is what the rules cost by themselves.
func (b *bench) memory(ctx context.Context) error {
	l, hot := memory.New(nil).Ledger(), accounts("hot", 1)
	if err := b.fund(ctx, l, hot...); err != nil {
		return err
	}
	for _, op := range []operation{charges, pairs} {
		got, err := b.compare(ctx, "Memory, "+op.name, b.callers[1], op.scrip(l, hot))
		if err != nil {
			return err
		}
		b.report.Rows = append(b.report.Rows, benchmark.Row{What: "Memory, " + op.name + ", one account", Callers: b.callers[1], Unit: benchmark.PerSecond, Scrip: rates(got[0])})
	}
	return nil
}
