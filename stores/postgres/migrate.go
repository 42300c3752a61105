package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

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
func (d *DB) missing(ctx context.Context, q querier) (lacking []dbstore.Migration, schema bool, err error) {
	known, err := dbstore.Migrations(migrationFiles)
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
	applied, err := rows(ctx, q, (*dbstore.Migration).Fields, d.sql(selectMigrations))
	if err != nil {
		return nil, false, err
	}
	lacking, err = dbstore.Lacking(known, applied)
	var newer *dbstore.NewerError
	switch {
	case errors.As(err, &newer):
		err = &NewerSchemaError{Migration: newer.Last.Number, Major: newer.Last.Major, KnownMigration: newer.Known.Number, KnownMajor: newer.Known.Major}
	case err != nil:
		err = fmt.Errorf("postgres: %w: %w", ErrSchema, err)
	}
	return lacking, true, err
}

// Missing names the migrations that [DB.Migrate] would apply, in order: none if the schema is current. It needs no more
// than to read. Errors: *[NewerSchemaError], [ErrUnavailable]; [ErrSchema] as for Migrate.
func (d *DB) Missing(ctx context.Context) ([]string, error) {
	lacking, _, err := d.missing(ctx, d.pool)
	if err != nil {
		return nil, translate(ctx, "look at the schema", err)
	}
	return dbstore.Labels(lacking), nil
}

// checkSchema returns ErrSchema or *NewerSchemaError if the database is not what this release works with.
func (d *DB) checkSchema(ctx context.Context, q querier) error {
	lacking, _, err := d.missing(ctx, q)
	if err == nil && len(lacking) > 0 {
		err = fmt.Errorf("postgres: schema %q: %w: migration %d, %q, is missing", d.schema, ErrSchema, lacking[0].Number, lacking[0].Name)
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
		if _, err := t.Conn().PgConn().Exec(ctx, d.sql(m.Text)).ReadAll(); err != nil {
			return fmt.Errorf("migration %d, %q: %w", m.Number, m.Name, err)
		}
		_, err = t.Exec(ctx, d.sql(insertMigration), m.Number, m.Name, m.Major, m.SHA256, d.at())
		return err
	})
	return more, err
}
