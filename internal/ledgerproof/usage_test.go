package ledgerproof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

const month = 31 * 24 * time.Hour

// TestCampaignUsagePage charges an account all through a month, and reads the page that an operator looks at: the month by
// day and model. Its parts add up to what was charged in any zone, and it reads totals, of which a month has no more
// however many charges it has.
func TestCampaignUsagePage(t *testing.T) {
	t.Parallel()
	charges := campaign(1_000, 1_000_000)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := &clock{}
		db, err := sqlite.Open(t.Context(), filepath.Join(quickDir(t), "ledger.db"), &sqlite.Options{Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		page(t, db.Ledger(), c, charges)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c, d, trace := &clock{}, pgtest.Open(t), &tracer{}
		pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = trace })
		db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := db.Ledger()
		page(t, l, c, charges)
		if _, err := d.Pool.Exec(t.Context(), `ANALYZE`); err != nil { // as autovacuum does in time
			t.Fatal(err)
		}
		for _, q := range []credits.UsageQuery{
			{Account: "acme", From: epoch, To: epoch.Add(month), GroupBy: []credits.Dimension{credits.ByDay, credits.ByModel}, Zone: "Europe/Berlin"},
			{Account: "acme", From: epoch.Add(100 * time.Second), To: epoch.Add(month - 100*time.Second), GroupBy: []credits.Dimension{credits.ByDay, credits.ByModel}},
			{Account: "acme", Scope: "run-7", From: epoch, To: epoch.Add(month), GroupBy: []credits.Dimension{credits.ByDay}},
			{AllAccounts: true, From: epoch, To: epoch.Add(24 * time.Hour), GroupBy: []credits.Dimension{credits.ByAccount}},
		} {
			trace.queries.Store(&[]pgx.QueuedQuery{})
			if _, err := l.Usage(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			queries := *trace.queries.Load()
			if len(queries) > 2 {
				t.Errorf("Usage(%+v) runs %d queries, want at most 2", q, len(queries))
			}
			read := 0
			for _, query := range queries {
				read += rowsRead(t, pool, query)
			}
			// A total for each of two operations and three models in each quarter, of the account and of the scope, of which
			// there are forty, one after the other; and the charges of the two quarters that a page may cut, each with its hold.
			if bound := 2*3*(2*int(month/credits.Slot+1)+40) + 2*inCutQuarters(t, d, q); read > bound {
				t.Errorf("Usage(%+v) reads %d rows, want at most %d", q, read, bound)
			}
			t.Logf("%d queries read %d rows for the page by %v of scope %q, from %s", len(queries), read, q.GroupBy, q.Scope, q.From.Format(time.TimeOnly))
		}
	})
}

// page charges an account and checks what the page of its month says.
func page(t *testing.T, l credits.Ledger, c *clock, charges int) {
	t.Helper()
	ctx := t.Context()
	for _, account := range []credits.Account{"acme", "other"} {
		if _, err := l.Grant(ctx, credits.Grant{Account: account, Key: "g", Kind: credits.Purchase, Amount: 1 << 50}); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	var next, charged atomic.Int64
	var wg sync.WaitGroup
	for range min(256, charges/100) { // a batch of them is charged at once, so that the month has no holes
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(charges) || t.Failed() {
					return
				}
				c.at.Add((month / time.Duration(charges+1)).Microseconds())
				amount := i%13 + 1
				_, err := l.Charge(ctx, credits.Charge{Account: "acme", Key: credits.Key(fmt.Sprint("k", i)), Operation: fmt.Sprint("op", i%2), Scope: fmt.Sprint("run-", i*40/int64(charges)),
					Amount: credits.Amount(amount), Record: credits.UsageRecord{Provider: "p", Model: fmt.Sprint("m", i%3), Usage: usage.Tokens(amount*10, amount), Cost: decimal.New(amount, -4)}})
				if err != nil {
					t.Errorf("charge %d: %v", i, err)
				}
				charged.Add(amount)
			}
		})
	}
	wg.Wait()
	filled := time.Since(began)
	for i := range 7 {
		if _, err := l.Refund(ctx, credits.Refund{Account: "acme", Key: credits.Key(fmt.Sprint("r", i)), Charge: credits.Key(fmt.Sprint("k", i*97+1)), Amount: 1, Who: "w", Why: "y"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu"} {
		q := credits.UsageQuery{Account: "acme", GroupBy: []credits.Dimension{credits.ByDay, credits.ByModel}, Zone: zone}
		began := time.Now()
		rows, err := l.Usage(ctx, q)
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		var sum, records, refunded int64
		cost := decimal.Zero
		for _, r := range rows {
			sum, records, refunded, cost = sum+int64(r.Charged), records+r.Records, refunded+int64(r.Refunded), cost.Add(r.Cost)
		}
		if sum != charged.Load() || records != int64(charges) || refunded != 7 || !cost.Equal(decimal.New(charged.Load(), -4)) {
			t.Errorf("in %s the parts add up to %d of %d credits, %d of %d records, %d refunded, %s USD", zone, sum, charged.Load(), records, charges, refunded, cost)
		}
		t.Logf("%s: %d rows, %d credits, in %v", zone, len(rows), sum, took.Round(time.Millisecond))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began = time.Now()
	report, err := l.Verify(ctx, "acme")
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || !report.OK() {
		t.Fatalf("Verify = %+v, %v", report, err)
	}
	t.Logf("%d charges in %v; Verify of %d entries and %d totals in %v, %d MB allocated in all", charges, filled.Round(time.Second), report.Entries, report.Totals, took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
}

// tracer notes the queries of usage that are sent.
type tracer struct {
	queries atomic.Pointer[[]pgx.QueuedQuery]
}

func (*tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (*tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (*tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (tr *tracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	if seen := tr.queries.Load(); seen != nil && strings.HasPrefix(q.SQL, "SELECT") {
		more := append(*seen, pgx.QueuedQuery{SQL: q.SQL, Arguments: q.Args})
		tr.queries.Store(&more)
	}
}

// inCutQuarters counts the charges of the quarters of an hour in which a page begins and ends, if it does so within them.
func inCutQuarters(t *testing.T, d *pgtest.Database, q credits.UsageQuery) (n int) {
	t.Helper()
	for _, at := range []time.Time{q.From, q.To} {
		slot := at.Truncate(credits.Slot)
		if at.Equal(slot) {
			continue
		}
		var in int
		if err := d.Pool.QueryRow(t.Context(), `SELECT count(*) FROM usage_records WHERE at >= $1 AND at < $2`, slot, slot.Add(credits.Slot)).Scan(&in); err != nil {
			t.Fatal(err)
		}
		n += in
	}
	return n
}

// rowsRead runs a query and returns how many rows its scans read.
func rowsRead(t *testing.T, pool *pgxpool.Pool, q pgx.QueuedQuery) int {
	t.Helper()
	var text []byte
	if err := pool.QueryRow(t.Context(), `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+q.SQL, q.Arguments...).Scan(&text); err != nil {
		t.Fatal(err)
	}
	type node struct {
		Type    string  `json:"Node Type"`
		Rows    float64 `json:"Actual Rows"`
		Loops   float64 `json:"Actual Loops"`
		Removed float64 `json:"Rows Removed by Filter"`
		Plans   []json.RawMessage
	}
	var count func(raw json.RawMessage) int
	count = func(raw json.RawMessage) (read int) {
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(n.Type, "Scan") && len(n.Plans) == 0 {
			read = int((n.Rows + n.Removed) * n.Loops)
		}
		for _, p := range n.Plans {
			read += count(p)
		}
		return read
	}
	var plans []struct{ Plan json.RawMessage }
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return count(plans[0].Plan)
}
