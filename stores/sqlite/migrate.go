package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

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
func missing(ctx context.Context, r reader) ([]dbstore.Migration, error) {
	known, err := dbstore.Migrations(migrationFiles)
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
	applied, err := rows(ctx, r, (*dbstore.Migration).Fields, selectMigrations)
	if err != nil {
		return nil, err
	}
	lacking, err := dbstore.Lacking(known, applied)
	var newer *dbstore.NewerError
	switch {
	case errors.As(err, &newer):
		err = &NewerSchemaError{Migration: newer.Last.Number, Major: newer.Last.Major, KnownMigration: newer.Known.Number, KnownMajor: newer.Known.Major}
	case err != nil:
		err = fmt.Errorf("sqlite: %w: %w", ErrSchema, err)
	}
	return lacking, err
}

// Missing names the migrations that [DB.Migrate] would apply, in order: none if the schema is current. It works on a
// handle that only reads. Errors: *[NewerSchemaError]; [ErrSchema] as for Migrate.
func (d *DB) Missing(ctx context.Context) ([]string, error) {
	if d.closed.Load() {
		return nil, ErrClosed
	}
	lacking, err := missing(ctx, d.reader)
	if err != nil {
		return nil, translate("look at the schema", err)
	}
	return dbstore.Labels(lacking), nil
}

// checkSchema returns ErrSchema or *NewerSchemaError if the database is not what this release works with.
func checkSchema(ctx context.Context, r reader) error {
	lacking, err := missing(ctx, r)
	if err == nil && len(lacking) > 0 {
		err = fmt.Errorf("sqlite: %w: migration %d, %q, is missing", ErrSchema, lacking[0].Number, lacking[0].Name)
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
			return fmt.Errorf("migration %d, %q: %w", m.Number, m.Name, err)
		}
	}
	return nil
}

const insertMigration = `INSERT INTO scrip_migrations (number, name, major, sha256, at) VALUES (?, ?, ?, ?, ?)`

func (d *DB) apply(ctx context.Context, m dbstore.Migration) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.Text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertMigration, m.Number, m.Name, m.Major, m.SHA256, d.now().UnixMicro()); err != nil {
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
