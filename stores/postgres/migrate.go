package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
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
			return nil, fmt.Errorf("postgres: %s: want NUMBER_NAME.sql", file)
		}
		if m.major, err = strconv.ParseInt(strings.TrimPrefix(first, "-- major: "), 10, 64); err != nil {
			return nil, fmt.Errorf("postgres: %s: want \"-- major: N\" in the first line, not %q", file, first)
		}
		sum := sha256.Sum256(text)
		m.sha256 = hex.EncodeToString(sum[:])
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b migration) int { return cmp.Compare(a.number, b.number) })
	return out, nil
}

const createMigrations = `CREATE TABLE IF NOT EXISTS scrip.migrations (
	number bigint      NOT NULL PRIMARY KEY,
	name   text        NOT NULL,
	major  bigint      NOT NULL,  -- the major version whose releases can work with the schema
	sha256 text        NOT NULL,  -- hexadecimal, of the text that was executed
	at     timestamptz NOT NULL
)`

// selectSchema looks into the catalogue, because a table that is not there fails a query and with it a transaction.
const selectSchema = `SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = $1),
	(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'migrations')`

const selectMigrations = `SELECT number, name, major, sha256 FROM scrip.migrations ORDER BY number`

// missing returns the migrations that the database does not have, and whether there is a schema. Errors:
// *NewerSchemaError; ErrSchema if one was applied with another text.
func (d *DB) missing(ctx context.Context, q querier) (lacking []migration, schema bool, err error) {
	known, err := migrations()
	if err != nil {
		return nil, false, err
	}
	var schemas, tables int64
	if _, err := one(ctx, q, []any{&schemas, &tables}, selectSchema, d.schema); err != nil {
		return nil, false, err
	}
	if tables == 0 {
		return known, schemas > 0, nil
	}
	applied, err := rows(ctx, q, (*migration).fields, d.sql(selectMigrations))
	if err != nil {
		return nil, false, err
	}
	latest := known[len(known)-1]
	for _, m := range applied {
		if m.major > latest.major {
			last := applied[len(applied)-1]
			return nil, true, &NewerSchemaError{Migration: last.number, Major: last.major, KnownMigration: latest.number, KnownMajor: latest.major}
		}
		i := slices.IndexFunc(known, func(k migration) bool { return k.number == m.number })
		if i < 0 {
			continue // newer, of the same major version: it added what this release does not use
		}
		if known[i].sha256 != m.sha256 {
			return nil, true, fmt.Errorf("postgres: %w: migration %d, %q, was applied with another text than this release has", ErrSchema, m.number, m.name)
		}
		known = slices.Delete(known, i, i+1)
	}
	return known, true, nil
}

// checkSchema returns ErrSchema or *NewerSchemaError if the database is not what this release works with.
func (d *DB) checkSchema(ctx context.Context, q querier) error {
	lacking, _, err := d.missing(ctx, q)
	if err == nil && len(lacking) > 0 {
		err = fmt.Errorf("postgres: schema %q: %w: migration %d, %q, is missing", d.schema, ErrSchema, lacking[0].number, lacking[0].name)
	}
	return err
}

// Migrate brings the schema up to this release, one transaction for each migration, and creates it if it is not there.
// Calling it on a current schema does nothing; processes that call it at once take turns. Take a backup before: there is
// no way back. Errors: *[NewerSchemaError], [ErrUnavailable], [ErrReadOnly], [ErrSchema] if a migration was applied with
// another text than this release has.
func (d *DB) Migrate(ctx context.Context) error {
	for {
		more, err := d.migrate(ctx)
		if err != nil {
			return translate(ctx, "migrate", err)
		}
		if !more {
			d.current.Store(true)
			return nil
		}
	}
}

// lockMigrations makes those wait who migrate the same schema. The first number tells these locks from a host's own.
const lockMigrations = `SELECT pg_advisory_xact_lock(1935897193, hashtext($1))`

const insertMigration = `INSERT INTO scrip.migrations (number, name, major, sha256, at)
VALUES ($1, $2, $3, $4, coalesce($5, clock_timestamp()))`

// migrate applies the next migration, and reports whether there was one.
func (d *DB) migrate(ctx context.Context) (more bool, err error) {
	err = d.transact(ctx, func(ctx context.Context, t *txn) error {
		if _, err := t.Exec(ctx, lockMigrations, d.schema); err != nil {
			return err
		}
		lacking, schema, err := d.missing(ctx, t)
		if err != nil || len(lacking) == 0 {
			return err
		}
		more = true
		m := lacking[0]
		if !schema { // who may not create one may be given one
			if _, err := t.Exec(ctx, `CREATE SCHEMA `+d.quoted); err != nil {
				return err
			}
		}
		if _, err := t.Exec(ctx, d.sql(createMigrations)); err != nil {
			return err
		}
		// All statements of a text at once; only the simple protocol does that.
		if _, err := t.Conn().PgConn().Exec(ctx, d.sql(m.text)).ReadAll(); err != nil {
			return fmt.Errorf("migration %d, %q: %w", m.number, m.name, err)
		}
		_, err = t.Exec(ctx, d.sql(insertMigration), m.number, m.name, m.major, m.sha256, d.at())
		return err
	})
	return more, err
}
