package gateproof_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/scrip-go/scrip/internal/pgtest"
)

// search is a look at every value that a database has stored.
type search struct {
	values  int
	found   []string        // secrets, with their table and column
	prompts map[string]bool // columns with a prompt in them
}

// The columns in which a prompt may be: what a hold has pinned to be sent again, and what was bought.
var mayHavePrompts = []string{"holds.pinned", "receipts.result"}

func (s *search) look(table, column string, value any) {
	table = strings.TrimPrefix(table, "scrip_")
	text, isText := value.(string)
	if b, ok := value.([]byte); ok {
		text, isText = string(b), true
	}
	if !isText {
		text = fmt.Sprint(value)
	}
	s.values++
	for _, leak := range leaks(text, true) {
		s.found = append(s.found, fmt.Sprintf("%s.%s has %q in it", table, column, leak))
	}
	if strings.Contains(strings.ToLower(text), canary) {
		if s.prompts == nil {
			s.prompts = map[string]bool{}
		}
		s.prompts[table+"."+column] = true
	}
}

// verdict is what was found that must not be, and counts what was looked at.
func (s *search) verdict() (found []string) {
	found = s.found
	if s.values == 0 {
		found = append(found, "there was nothing to look at")
	}
	for _, column := range slices.Sorted(maps.Keys(s.prompts)) {
		if !slices.Contains(mayHavePrompts, column) {
			found = append(found, column+" has a prompt in it")
		}
	}
	return found
}

// searchSQLite looks at every column of every table of a file.
func searchSQLite(ctx context.Context, path string) (*search, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tables, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil {
		return nil, err
	}
	s := &search{}
	for _, table := range names {
		if err := s.table(ctx, db, table); err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
	}
	return s, nil
}

func (s *search) table(ctx context.Context, db *sql.DB, table string) error {
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			s.look(table, columns[i], v)
		}
	}
	return rows.Err()
}

// searchPostgres looks at every column of every table of a schema.
func searchPostgres(ctx context.Context, name string) (*search, error) {
	schema, pool, err := pgtest.Attach(ctx, name)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	tables, err := pool.Query(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = $1`, schema)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	s := &search{}
	for _, table := range names {
		rows, err := pool.Query(ctx, `SELECT * FROM `+pgx.Identifier{schema, table}.Sanitize())
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				rows.Close()
				return nil, err
			}
			for i, v := range values {
				s.look(table, rows.FieldDescriptions()[i].Name, v)
			}
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return s, nil
}
