package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// output remembers the first failure, because nobody looks at what a print returns.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	o.err = err
	return n, err
}

// document prints a value as JSON.
func (a *app) document(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// say prints a line for people.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.stdout, plain(fmt.Sprintf(format, args...)))
}

// table prints rows with their columns one below the other.
type table struct{ w *tabwriter.Writer }

func (a *app) table(head ...string) *table {
	t := &table{tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)}
	t.print(head)
	return t
}

// row adds a row. What is empty is shown as a dash, so that a row can be taken apart at its blanks.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		if texts[i] = fmt.Sprint(c); texts[i] == "" {
			texts[i] = "-"
		}
	}
	t.print(texts)
}

func (t *table) print(cells []string) {
	for i, c := range cells {
		cells[i] = plain(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) end() error { return t.w.Flush() }

// plain keeps what a stored text could do to a terminal or to the columns of a table from doing it.
func plain(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unprintable(r) {
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// yes is a flag of a row in a table.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
