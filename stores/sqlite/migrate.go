package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is a numbered file. Once released it is never edited: what a database has is known by number alone, and the
// digest of the text tells when that is not true.
type migration struct {
	number, major int64
	name          string // without number and ending
	sha256        string // hexadecimal, of text
	text          string
}

func (m *migration) fields() []any { return []any{&m.number, &m.name, &m.major, &m.sha256} }

// migrations returns the files of this release in order. A file begins with "-- major: N", the major version whose
// releases can work with the schema that it makes; within one, a migration only adds.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var out []migration
	for _, file := range names {
		text, err := migrationFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		first, _, _ := strings.Cut(string(text), "\n")
		m := migration{name: name, text: string(text)}
		if m.number, err = strconv.ParseInt(number, 10, 64); err != nil {
			return nil, fmt.Errorf("sqlite: %s: want NUMBER_NAME.sql", file)
		}
		if m.major, err = strconv.ParseInt(strings.TrimPrefix(first, "-- major: "), 10, 64); err != nil {
			return nil, fmt.Errorf("sqlite: %s: want \"-- major: N\" in the first line, not %q", file, first)
		}
		sum := sha256.Sum256(text)
		m.sha256 = hex.EncodeToString(sum[:])
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b migration) int { return cmp.Compare(a.number, b.number) })
	return out, nil
}

const createMigrations = `CREATE TABLE IF NOT EXISTS scrip_migrations (
	number INTEGER NOT NULL PRIMARY KEY,
	name   TEXT    NOT NULL,
	major  INTEGER NOT NULL,  -- the major version whose releases can work with the schema
	sha256 TEXT    NOT NULL,  -- hexadecimal, of the text that was executed
	at     INTEGER NOT NULL   -- microseconds since 1970 in UTC
) STRICT`

const selectMigrationTable = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'scrip_migrations'`

const selectMigrations = `SELECT number, name, major, sha256 FROM scrip_migrations ORDER BY number`

// missing returns the migrations that the database does not have. Errors: *NewerSchemaError; ErrSchema if one was applied
// with another text.
func missing(ctx context.Context, r reader) ([]migration, error) {
	known, err := migrations()
	if err != nil {
		return nil, err
	}
	var there int64
	if _, err := one(ctx, r, []any{&there}, selectMigrationTable); err != nil {
		return nil, err
	}
	if there == 0 {
		return known, nil
	}
	applied, err := rows(ctx, r, (*migration).fields, selectMigrations)
	if err != nil {
		return nil, err
	}
	latest := known[len(known)-1]
	for _, m := range applied {
		if m.major > latest.major {
			last := applied[len(applied)-1]
			return nil, &NewerSchemaError{Migration: last.number, Major: last.major, KnownMigration: latest.number, KnownMajor: latest.major}
		}
		i := slices.IndexFunc(known, func(k migration) bool { return k.number == m.number })
		if i < 0 {
			continue // newer, of the same major version: it added what this release does not use
		}
		if known[i].sha256 != m.sha256 {
			return nil, fmt.Errorf("sqlite: %w: migration %d, %q, was applied with another text than this release has", ErrSchema, m.number, m.name)
		}
		known = slices.Delete(known, i, i+1)
	}
	return known, nil
}

// checkSchema returns ErrSchema or *NewerSchemaError if the database is not what this release works with.
func checkSchema(ctx context.Context, r reader) error {
	lacking, err := missing(ctx, r)
	if err == nil && len(lacking) > 0 {
		err = fmt.Errorf("sqlite: %w: migration %d, %q, is missing", ErrSchema, lacking[0].number, lacking[0].name)
	}
	return err
}

// Migrate brings the schema up to this release, one transaction for each migration. Calling it on a current schema does
// nothing. Take a backup before: there is no way back. Errors: *[NewerSchemaError], [ErrReadOnly], [ErrSchema] if a
// migration was applied with another text than this release has.
func (d *DB) Migrate(ctx context.Context) error {
	switch {
	case d.closed.Load():
		return ErrClosed
	case d.readOnly:
		return fmt.Errorf("sqlite: migrate %q: %w: open it without Options.ReadOnly", d.path, ErrReadOnly)
	}
	if err := d.takeTurn(ctx); err != nil {
		return err
	}
	err := d.migrate(ctx)
	d.endTurn()
	if err == nil {
		err = d.adopt(ctx)
	}
	return translate("migrate", err)
}

func (d *DB) migrate(ctx context.Context) error {
	lacking, err := missing(ctx, d.writer)
	if err != nil {
		return err
	}
	for _, m := range lacking {
		if err := d.apply(ctx, m); err != nil {
			return fmt.Errorf("migration %d, %q: %w", m.number, m.name, err)
		}
	}
	return nil
}

const insertMigration = `INSERT INTO scrip_migrations (number, name, major, sha256, at) VALUES (?, ?, ?, ?, ?)`

func (d *DB) apply(ctx context.Context, m migration) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertMigration, m.number, m.name, m.major, m.sha256, d.now().UnixMicro()); err != nil {
		return err
	}
	return tx.Commit()
}

const endHoldLeases = `UPDATE scrip_holds SET lease_until = 0 WHERE state = 'open' AND lease_until > 0`

const endTaskLeases = `UPDATE scrip_tasks SET due_at = 0 WHERE state = 'leased' AND due_at > 0`

// adopt makes the database this handle's, once, when its schema is current. A writer has the lock, so whoever had it
// before is dead or gone, and what it held need not wait for its lease to run out. Nothing of this handle can be among it,
// because no face works before.
func (d *DB) adopt(ctx context.Context) error {
	if d.current.Load() {
		return nil
	}
	if err := checkSchema(ctx, d.reader); err != nil {
		return err
	}
	if !d.readOnly {
		if err := d.takeTurn(ctx); err != nil {
			return err
		}
		defer d.endTurn()
		err := d.transact(ctx, func(ctx context.Context, t *txn) error {
			for _, end := range []string{endHoldLeases, endTaskLeases} {
				if _, err := t.ExecContext(ctx, end); err != nil {
					return translate("end the leases of earlier owners", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	d.current.Store(true)
	return nil
}

var _ reader = (*sql.DB)(nil)
