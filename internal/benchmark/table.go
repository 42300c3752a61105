package benchmark

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Row is a line of the table: what was measured of Scrip and of what stands beside it, by rounds.
type Row struct {
	What    string
	Callers int // at once; 0 where that means nothing
	Unit    Unit
	Scrip   []float64 // empty for what is there for reference only
	Against []float64 // empty if nothing stands beside it
	Name    string    // of what stands beside it; may be empty
	Bar     Bar
	Missing string // why there is no number
}

// Unit writes a number with its unit.
type Unit func(float64) string

// PerSecond writes a rate.
func PerSecond(n float64) string { return Thousands(n) + "/s" }

// Seconds writes a time.
func Seconds(n float64) string {
	if n < 0.1 {
		return strconv.FormatFloat(n*1000, 'f', 2, 64) + " ms"
	}
	return strconv.FormatFloat(n, 'f', 2, 64) + " s"
}

// Megabytes writes a number of bytes.
func Megabytes(n float64) string { return strconv.FormatFloat(n/1e6, 'f', 1, 64) + " MB" }

// Thousands writes a whole number in groups of three digits.
func Thousands(n float64) string {
	digits := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// times writes a ratio with as many digits as tell it from the bars.
func times(ratio float64) string {
	if ratio < 10 {
		return strconv.FormatFloat(ratio, 'f', 2, 64) + "×"
	}
	return strconv.FormatFloat(ratio, 'f', 1, 64) + "×"
}

// cells returns the row's cells in the order of columns.
func (r Row) cells() []string {
	cells := make([]string, len(columns))
	cells[0] = r.What
	if r.Callers > 0 {
		cells[1] = strconv.Itoa(r.Callers)
	}
	if len(r.Scrip) > 0 {
		cells[2] = r.Unit(median(r.Scrip))
	}
	if len(r.Against) > 0 {
		cells[3] = strings.TrimSpace(r.Name + " " + r.Unit(median(r.Against)))
	}
	cells[3] = cmp.Or(r.Missing, cells[3])
	found := ratios(r.Scrip, r.Against)
	if len(found) == 0 {
		return cells
	}
	cells[4] = times(median(found))
	cells[5] = times(slices.Min(found)) + "–" + times(slices.Max(found))
	if r.Bar == (Bar{}) {
		return cells
	}
	sign := "≥ "
	if r.Bar.most {
		sign = "≤ "
	}
	cells[6] = sign + strconv.FormatFloat(r.Bar.limit, 'f', -1, 64) + "×"
	cells[7] = "no"
	if r.Bar.met(median(found)) {
		cells[7] = "yes"
	}
	return cells
}

var columns = []string{"measured", "callers", "Scrip", "against", "ratio", "min–max", "bar", "met"}

// Report is a table, and above it what it was measured on.
type Report struct {
	header []string
	Rows   []Row
}

// Note adds a line above the table.
func (r *Report) Note(format string, args ...any) {
	r.header = append(r.header, fmt.Sprintf(format, args...))
}

// Write prints the report in Markdown.
func (r *Report) Write(out io.Writer) error {
	var text strings.Builder
	for _, line := range r.header {
		fmt.Fprintf(&text, "- %s\n", line)
	}
	line := func(cells []string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	text.WriteByte('\n')
	line(columns)
	text.WriteString("|---|" + strings.Repeat("---:|", len(columns)-2) + "---|\n")
	for _, row := range r.Rows {
		line(row.cells())
	}
	_, err := io.WriteString(out, text.String())
	return err
}
