package main

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/benchmark"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// postgres measures one hot account and many accounts, on both sides, in turns; then Verify. Scrip has the pool that pgx
// makes by default.
func (b *bench) postgres(ctx context.Context) error {
	data, ledger, err := openPostgres(ctx)
	if err != nil {
		return err
	}
	defer data.Close()
	other, otherLedger, err := openPostgres(ctx)
	if err != nil {
		return err
	}
	defer other.Close()
	plain, err := naivePostgres(ctx, other.Pool.Config(), naiveConnections)
	if err != nil {
		return err
	}
	defer plain.close()
	crowded, err := naivePostgres(ctx, other.Pool.Config(), naiveManyConnections)
	if err != nil {
		return err
	}
	defer crowded.close()

	hot, spread := accounts("hot", 1), accounts("spread", b.many)
	for _, l := range []credits.Ledger{ledger, otherLedger} {
		if err := b.fund(ctx, l, append(hot, spread...)...); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		op   operation
		bars map[int]benchmark.Bar // by callers, on the hot account
	}{
		{charges, map[int]benchmark.Bar{64: benchmark.AtLeast(15), 512: benchmark.AtLeast(40)}},
		{pairs, map[int]benchmark.Bar{64: benchmark.AtLeast(10), 512: benchmark.AtLeast(25)}},
	} {
		for _, callers := range b.callers {
			sides := []work{c.op.naive(plain, hot), c.op.scrip(ledger, hot), c.op.naive(plain, spread), c.op.scrip(ledger, spread)}
			if callers > naiveConnections {
				sides = append(sides, c.op.naive(crowded, hot))
			}
			got, err := b.compare(ctx, "Postgres, "+c.op.name, callers, sides...)
			if err != nil {
				return err
			}
			name := "Postgres, " + c.op.name
			b.report.Rows = append(b.report.Rows, benchmark.Row{What: name + ", one hot account", Callers: callers, Unit: benchmark.PerSecond,
				Scrip: rates(got[1]), Name: "naive", Against: rates(got[0]), Bar: c.bars[callers]})
			if callers > naiveConnections {
				b.report.Rows = append(b.report.Rows, benchmark.Row{What: name + ", one hot account", Callers: callers, Unit: benchmark.PerSecond,
					Scrip: rates(got[1]), Name: fmt.Sprintf("naive with %d connections", naiveManyConnections), Against: rates(got[4])})
			}
			if callers == 1 {
				b.report.Rows = append(b.report.Rows, benchmark.Row{What: name + ", latency (p50)", Callers: callers, Unit: benchmark.Seconds,
					Scrip: latencies(got[1]), Name: "naive", Against: latencies(got[0]), Bar: benchmark.AtMost(1.5)})
			}
			b.report.Rows = append(b.report.Rows,
				benchmark.Row{What: name + ", " + benchmark.Thousands(float64(b.many)) + " accounts", Callers: callers, Unit: benchmark.PerSecond,
					Scrip: rates(got[3]), Name: "naive", Against: rates(got[2])},
				b.hotAgainstMany(name, callers, rates(got[1]), rates(got[3])))
		}
	}
	own, err := naivePostgres(ctx, data.Pool.Config(), naiveConnections)
	if err != nil {
		return err
	}
	defer own.close()
	return b.verify(ctx, "Postgres", ledger, own)
}

// hotAgainstMany has no bar for one caller, who meets nobody on the hot account.
func (b *bench) hotAgainstMany(name string, callers int, hot, spread []float64) benchmark.Row {
	r := benchmark.Row{What: name + ", hot account against many", Callers: callers, Unit: benchmark.PerSecond,
		Scrip: hot, Name: benchmark.Thousands(float64(b.many)) + " accounts", Against: spread}
	if callers > 1 {
		r.Bar = benchmark.AtLeast(0.9)
	}
	return r
}

func openPostgres(ctx context.Context) (*pgtest.Database, credits.Ledger, error) {
	data, err := pgtest.ConnectOnDisk(ctx)
	if err != nil {
		return nil, nil, err
	}
	db, err := postgres.New(ctx, data.Pool, &postgres.Options{Schema: data.Schema})
	if err == nil {
		err = db.Migrate(ctx)
	}
	if err != nil {
		data.Close()
		return nil, nil, err
	}
	return data, db.Ledger(), nil
}
