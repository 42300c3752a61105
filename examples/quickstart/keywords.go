package main

import (
	"bufio"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/engine/functions"
)

//go:embed keywords.txt
var builtIn string

// maxLine bounds a line of a keyword file, in bytes: a longer one is no keyword but another kind of file.
const maxLine = 4096

// readKeywords returns the first limit keywords of a file, or the built-in ones if no file is named.
func readKeywords(file string, limit int) ([]pipeline.Keyword, error) {
	var keywords []pipeline.Keyword
	var err error
	if file == "" {
		keywords, err = parseKeywords("the built-in list", strings.NewReader(builtIn))
	} else {
		var f *os.File
		if f, err = os.Open(file); err != nil {
			return nil, fmt.Errorf("keywords: %w", err)
		}
		defer f.Close()
		keywords, err = parseKeywords(file, f)
	}
	if err != nil {
		return nil, fmt.Errorf("keywords: %s: %w", file, err)
	}
	if limit > 0 {
		keywords = keywords[:min(limit, len(keywords))]
	}
	if len(keywords) < functions.MinKeywords {
		return nil, fmt.Errorf("keywords: %s: %d keywords, want at least %d to group", name(file), len(keywords), functions.MinKeywords)
	}
	return keywords, nil
}

func name(file string) string {
	if file == "" {
		return "the built-in list"
	}
	return file
}

// parseKeywords reads one keyword per line, or a table whose header names the column keyword. A file that is called CSV
// or TSV must have that header.
func parseKeywords(file string, r io.Reader) ([]pipeline.Keyword, error) {
	lines := newLineReader(r)
	header, err := lines.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	if t := newTable(header); t != nil {
		return t.read(lines)
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".csv" || ext == ".tsv" {
		return nil, errors.New(`line 1: the header names no column "keyword"; a file without a header is one keyword per line and is not called ` + ext)
	}
	var keywords []pipeline.Keyword
	for line := header; err == nil; line, err = lines.next() {
		if text := strings.TrimSpace(line); text != "" {
			keywords = append(keywords, pipeline.Keyword{Text: text})
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(keywords) == 0 {
		return nil, errors.New("it has no keyword, only blank lines")
	}
	return keywords, nil
}

// table is a file with a header.
type table struct {
	delimiter                   rune
	keyword, volume, difficulty int // columns; -1 if there is none
}

// newTable returns nil if the line is not a header that names keywords.
func newTable(header string) *table {
	for _, delimiter := range []rune{'\t', ',', ';'} {
		t := &table{delimiter, -1, -1, -1}
		cells, err := t.cells(header)
		if err != nil {
			continue
		}
		for i, cell := range cells {
			switch strings.ToLower(strings.TrimSpace(cell)) {
			case "keyword":
				t.keyword = i
			case "volume":
				t.volume = i
			case "difficulty":
				t.difficulty = i
			}
		}
		if t.keyword >= 0 {
			return t
		}
	}
	return nil
}

// cells reads a row. A keyword has no line end in it, so a row is a line.
func (t *table) cells(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord = t.delimiter, -1
	r.LazyQuotes = t.delimiter == '\t' // tables with tabs rarely quote
	return r.Read()
}

func (t *table) read(lines *lineReader) ([]pipeline.Keyword, error) {
	var keywords []pipeline.Keyword
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			if len(keywords) == 0 {
				return nil, errors.New("it has a header and no keyword")
			}
			return keywords, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		cells, err := t.cells(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: it is not a row of the table: check its quotes", lines.number)
		}
		k := pipeline.Keyword{Text: strings.TrimSpace(cell(cells, t.keyword))}
		if k.Text == "" {
			return nil, fmt.Errorf("line %d: the keyword is empty", lines.number)
		}
		if k.Volume, err = number(cells, t.volume, 1<<40); err != nil {
			return nil, fmt.Errorf("line %d: volume: %w", lines.number, err)
		}
		if k.Difficulty, err = number(cells, t.difficulty, 100); err != nil {
			return nil, fmt.Errorf("line %d: difficulty: %w", lines.number, err)
		}
		keywords = append(keywords, k)
	}
}

func cell(cells []string, column int) string {
	if column < 0 || column >= len(cells) {
		return ""
	}
	return cells[column]
}

// number reads a cell that may be empty.
func number(cells []string, column int, most int64) (*int64, error) {
	text := strings.TrimSpace(cell(cells, column))
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return nil, fmt.Errorf("%.40q is not a whole number from 0 to %d", text, most)
	}
	return &n, nil
}

// lineReader reads lines of bounded length, and refuses what is not text.
type lineReader struct {
	r      *bufio.Reader
	number int // of the line returned last
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, maxLine)} }

func (l *lineReader) next() (string, error) {
	b, err := l.r.ReadSlice('\n')
	l.number++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("line %d: it has more than %d bytes: want one keyword per line", l.number, maxLine)
	case errors.Is(err, io.EOF) && len(b) == 0:
		return "", io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	}
	line := string(b)
	if l.number == 1 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return "", fmt.Errorf("line %d: it is not text in UTF-8: save the file as UTF-8", l.number)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
