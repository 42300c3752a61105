package benchmark

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
		bar   Bar
		ratio float64
		met   bool
	}{
		{AtLeast(15), 15, true},
		{AtLeast(15), 14.99, false},
		{AtMost(1.5), 1.5, true},
		{AtMost(1.5), 1.51, false},
	} {
		if got := c.bar.met(c.ratio); got != c.met {
			t.Errorf("%+v.met(%v) = %v, want %v", c.bar, c.ratio, got, c.met)
		}
	}
}

func TestNumbersAreWrittenWithTheirUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{PerSecond(7), "7/s"},
		{PerSecond(999.6), "1,000/s"},
		{PerSecond(1_234_567), "1,234,567/s"},
		{Seconds(0.00123), "1.23 ms"},
		{Seconds(2.5), "2.50 s"},
		{Megabytes(12_340_000), "12.3 MB"},
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
	r := Report{Rows: []Row{
		{What: "charges", Callers: 64, Unit: PerSecond, Scrip: []float64{3000, 1000, 2000}, Name: "naive", Against: []float64{100, 100, 100}, Bar: AtLeast(15)},
		{What: "latency", Callers: 1, Unit: Seconds, Scrip: []float64{0.003}, Name: "naive", Against: []float64{0.002}, Bar: AtMost(1.2)},
		{What: "pgbench", Callers: 8, Unit: PerSecond, Against: []float64{300}},
		{What: "pgbench", Callers: 64, Unit: PerSecond, Missing: "missing"},
	}}
	r.Note("a %s", "machine")
	err := r.Write(&out)
	const want = `- a machine

| measured | callers | Scrip | against | ratio | min–max | bar | met |
|---|---:|---:|---:|---:|---:|---:|---|
| charges | 64 | 2,000/s | naive 100/s | 20.0× | 10.0×–30.0× | ≥ 15× | yes |
| latency | 1 | 3.00 ms | naive 2.00 ms | 1.50× | 1.50×–1.50× | ≤ 1.2× | no |
| pgbench | 8 |  | 300/s |  |  |  |  |
| pgbench | 64 |  | missing |  |  |  |  |
`
	if err != nil || out.String() != want {
		t.Errorf("Write = %v and\n%s\nwant\n%s", err, out.String(), want)
	}
}
