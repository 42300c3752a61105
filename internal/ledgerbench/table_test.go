package main

import (
	"slices"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{8, 1, 4, 2}, 3},
	} {
		before := slices.Clone(c.of)
		if got := median(c.of); got != c.want || !slices.Equal(c.of, before) {
			t.Errorf("median(%v) = %v and leaves %v, want %v", before, got, c.of, c.want)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	got := ratios([]float64{10, 30, 5, 7}, []float64{5, 10, 0})
	if want := []float64{2, 3}; !slices.Equal(got, want) {
		t.Errorf("ratios = %v, want %v: nothing is divided by nothing", got, want)
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		bar   bar
		ratio float64
		met   bool
	}{
		{atLeast(15), 15, true},
		{atLeast(15), 14.99, false},
		{atMost(1.5), 1.5, true},
		{atMost(1.5), 1.51, false},
	} {
		if got := c.bar.met(c.ratio); got != c.met {
			t.Errorf("%+v.met(%v) = %v, want %v", c.bar, c.ratio, got, c.met)
		}
	}
}

func TestNumbersAreWrittenWithTheirUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{perSecond(7), "7/s"},
		{perSecond(999.6), "1,000/s"},
		{perSecond(1_234_567), "1,234,567/s"},
		{seconds(0.00123), "1.23 ms"},
		{seconds(2.5), "2.50 s"},
		{megabytes(12_340_000), "12.3 MB"},
		{times(1.504), "1.50×"},
		{times(52.04), "52.0×"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	err := writeReport(&out, []string{"a machine"}, []row{
		{what: "charges", callers: 64, unit: perSecond, scrip: []float64{3000, 1000, 2000}, name: "naive", against: []float64{100, 100, 100}, bar: atLeast(15)},
		{what: "latency", callers: 1, unit: seconds, scrip: []float64{0.003}, name: "naive", against: []float64{0.002}, bar: atMost(1.2)},
		{what: "pgbench", callers: 8, unit: perSecond, against: []float64{300}},
		{what: "pgbench", callers: 64, unit: perSecond, missing: "missing"},
	})
	const want = `- a machine

| measured | callers | Scrip | against | ratio | min–max | bar | met |
|---|---:|---:|---:|---:|---:|---:|---|
| charges | 64 | 2,000/s | naive 100/s | 20.0× | 10.0×–30.0× | ≥ 15× | yes |
| latency | 1 | 3.00 ms | naive 2.00 ms | 1.50× | 1.50×–1.50× | ≤ 1.2× | no |
| pgbench | 8 |  | 300/s |  |  |  |  |
| pgbench | 64 |  | missing |  |  |  |  |
`
	if err != nil || out.String() != want {
		t.Errorf("writeReport = %v and\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestFindsWhatPostgresProgramsSay(t *testing.T) {
	const syncs = `Compare file sync methods using one 8kB write:
        open_datasync                      2252.018 ops/sec     444 usecs/op
        fdatasync                          1337.039 ops/sec     748 usecs/op
        fsync_writethrough                              n/a
Compare file sync methods using two 8kB writes:
        fdatasync                           700.000 ops/sec     748 usecs/op
`
	if got, err := findSyncs(strings.NewReader(syncs), "fdatasync"); err != nil || got != 1337.039 {
		t.Errorf("findSyncs = %v, %v, want the rate of one block", got, err)
	}
	if got, err := findSyncs(strings.NewReader(syncs), "fsync_writethrough"); err == nil {
		t.Errorf("findSyncs = %v of what is not available", got)
	}
	if got, err := findTPS("latency average = 3 ms\ntps = 268.123 (without initial connection time)\n"); err != nil || got != 268.123 {
		t.Errorf("findTPS = %v, %v", got, err)
	}
	if got, err := findTPS("number of transactions actually processed: 0\nnumber of failed transactions: 0 (NaN%)\n"); err != nil || got != 0 {
		t.Errorf("findTPS = %v, %v where nothing was done, want 0", got, err)
	}
	if _, err := findTPS("pgbench: error"); err == nil {
		t.Error("findTPS finds a rate where there is none")
	}
}
