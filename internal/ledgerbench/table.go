package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// row is a line of the table: what was measured of Scrip and of what stands beside it, by rounds.
type row struct {
	what    string
	callers int // at once; 0 where that means nothing
	unit    unit
	scrip   []float64 // empty for what is there for reference only
	against []float64 // empty if nothing stands beside it
	name    string    // of what stands beside it; may be empty
	bar     bar
	missing string // why there is no number
}

// unit writes a number with its unit.
type unit func(float64) string

func perSecond(n float64) string { return thousands(n) + "/s" }

func seconds(n float64) string {
	if n < 0.1 {
		return strconv.FormatFloat(n*1000, 'f', 2, 64) + " ms"
	}
	return strconv.FormatFloat(n, 'f', 2, 64) + " s"
}

func megabytes(n float64) string { return strconv.FormatFloat(n/1e6, 'f', 1, 64) + " MB" }

func thousands(n float64) string {
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
func (r row) cells() []string {
	cells := make([]string, len(columns))
	cells[0] = r.what
	if r.callers > 0 {
		cells[1] = strconv.Itoa(r.callers)
	}
	if len(r.scrip) > 0 {
		cells[2] = r.unit(median(r.scrip))
	}
	if len(r.against) > 0 {
		cells[3] = strings.TrimSpace(r.name + " " + r.unit(median(r.against)))
	}
	cells[3] = cmp.Or(r.missing, cells[3])
	found := ratios(r.scrip, r.against)
	if len(found) == 0 {
		return cells
	}
	cells[4] = times(median(found))
	cells[5] = times(slices.Min(found)) + "–" + times(slices.Max(found))
	if r.bar == (bar{}) {
		return cells
	}
	sign := "≥ "
	if r.bar.most {
		sign = "≤ "
	}
	cells[6] = sign + strconv.FormatFloat(r.bar.limit, 'f', -1, 64) + "×"
	cells[7] = "no"
	if r.bar.met(median(found)) {
		cells[7] = "yes"
	}
	return cells
}

var columns = []string{"measured", "callers", "Scrip", "against", "ratio", "min–max", "bar", "met"}

// writeReport prints the header and the table.
func writeReport(out io.Writer, header []string, rows []row) error {
	var text strings.Builder
	for _, line := range header {
		fmt.Fprintf(&text, "- %s\n", line)
	}
	line := func(cells []string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	text.WriteByte('\n')
	line(columns)
	text.WriteString("|---|" + strings.Repeat("---:|", len(columns)-2) + "---|\n")
	for _, r := range rows {
		line(r.cells())
	}
	_, err := io.WriteString(out, text.String())
	return err
}
