package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"regexp"
	"time"

	_ "modernc.org/sqlite" // stores/sqlite links it already; here it is for sql.Open
)

// hostSettings are those that stores/sqlite has.
const hostSettings = "_busy_timeout=5000&_foreign_keys=1&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"

// naiveSQLite is the naive side on a file that has the tables. It has one connection: waiting for it in Go is quicker than
// waiting for the file's lock.
func naiveSQLite(ctx context.Context, path string) (*naive, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?"+hostSettings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	prepared := map[string]*sql.Stmt{}
	for _, text := range naiveStatements {
		if prepared[text], err = db.PrepareContext(ctx, forSQLite(text)); err != nil {
			db.Close()
			return nil, fmt.Errorf("%w: %s", err, text)
		}
	}
	return &naive{
		begin: func(ctx context.Context) (transaction, error) {
			tx, err := db.BeginTx(ctx, nil)
			return sqliteTx{tx, prepared}, err
		},
		query: func(ctx context.Context, text string, args ...any) (rows, error) {
			found, err := db.QueryContext(ctx, forSQLite(text), args...)
			return sqliteRows{found}, err
		},
		at:    func(t *time.Time) any { return micros{t} },
		close: func() { db.Close() },
	}, nil
}

var (
	tables     = regexp.MustCompile(`\b(INTO|UPDATE|FROM) ([a-z_]+)\b`)
	parameters = regexp.MustCompile(`\$(\d)`)
)

// forSQLite returns a statement for the tables of stores/sqlite.
func forSQLite(text string) string {
	return parameters.ReplaceAllString(tables.ReplaceAllString(text, "$1 scrip_$2"), "?$1")
}

type sqliteTx struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (t sqliteTx) exec(ctx context.Context, text string, args ...any) error {
	_, err := t.tx.StmtContext(ctx, t.prepared[text]).ExecContext(ctx, args...)
	return err
}

func (t sqliteTx) one(ctx context.Context, text string, args []any, dest ...any) error {
	return t.tx.StmtContext(ctx, t.prepared[text]).QueryRowContext(ctx, args...).Scan(dest...)
}

func (t sqliteTx) commit(context.Context) error { return t.tx.Commit() }

func (t sqliteTx) rollback() { _ = t.tx.Rollback() }

type sqliteRows struct{ *sql.Rows }

func (r sqliteRows) Close() { _ = r.Rows.Close() }

// micros is a time as microseconds since 1970, as the store keeps it.
type micros struct{ t *time.Time }

// Value implements [driver.Valuer].
func (m micros) Value() (driver.Value, error) { return m.t.UnixMicro(), nil }

// Scan implements [sql.Scanner].
func (m micros) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m.t = time.Time{}
	case int64:
		*m.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", v)
	}
	return nil
}
