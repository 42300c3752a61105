package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrip-go/scrip/automation/content"
)

// Save implements [content.Table].
func (t *table[T]) Save(ctx context.Context, rows ...T) (err error) {
	if t.in == nil {
		err = t.db.write(ctx, func(ctx context.Context, tx *txn) error { return t.save(ctx, tx.Tx, rows) })
	} else if err = t.in.usable(); err == nil {
		err = t.saveIn(ctx, t.in, rows)
	}
	return translate(ctx, "save "+t.Name, err)
}

// saveIn saves all rows or none in a transaction that goes on. Others may insert a row between the look at what is there
// and the insert: then it is there at the next look.
func (t *table[T]) saveIn(ctx context.Context, tx *txn, rows []T) (err error) {
	for range tries {
		err = savepoint(ctx, tx.Tx, func(inner pgx.Tx) error { return t.save(ctx, inner, rows) })
		if !isTaken(err) {
			break
		}
	}
	return err
}

// save takes two round trips however many rows there are: it looks at what is stored, and writes.
func (t *table[T]) save(ctx context.Context, tx pgx.Tx, rows []T) error {
	var now time.Time
	stored, err := t.stored(ctx, tx, rows, &now)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, row := range rows {
		base := t.Base(&row)
		write, old := t.insert, stored[base.ID]
		base.CreatedAt, base.UpdatedAt = now, now
		if old != nil {
			write, base.CreatedAt = t.update, t.Base(old).CreatedAt
		}
		if err := row.Check(old); err != nil {
			return err
		}
		if !storable(base.ID, base.Site) {
			return fmt.Errorf("postgres: save %s %q: %w: id and site must be UTF-8 without NUL", t.Name, base.ID, content.ErrInvalid)
		}
		args, err := values(t.fields(&row))
		if err != nil {
			return err
		}
		batch.Queue(t.db.sql(write), args...)
		stored[base.ID] = &row
	}
	results := tx.SendBatch(ctx, batch)
	defer results.Close()
	for i := range rows {
		if _, err := results.Exec(); err != nil {
			if isConstraint(err) && !isTaken(err) {
				return fmt.Errorf("postgres: save %s %q: %w: %s", t.Name, t.Base(&rows[i]).ID, content.ErrInvalid, why(err))
			}
			return err
		}
	}
	return results.Close()
}

// stored locks the rows that are there already and returns them by id, and the time of the save.
func (t *table[T]) stored(ctx context.Context, tx pgx.Tx, rows []T, now *time.Time) (map[string]*T, error) {
	var ids []string
	for i := range rows {
		if id := t.Base(&rows[i]).ID; storable(id) {
			ids = append(ids, id)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(t.db.sql(t.selectForSave), ids)
	batch.Queue(selectNow, t.db.at())
	results := tx.SendBatch(ctx, batch)
	defer results.Close()
	q, err := results.Query()
	if err != nil {
		return nil, err
	}
	found, err := collect(q, t.fields)
	if err != nil {
		return nil, err
	}
	if err := results.QueryRow().Scan(instant{now}); err != nil {
		return nil, err
	}
	out := make(map[string]*T, len(rows))
	for i := range found {
		out[t.Base(&found[i]).ID] = &found[i]
	}
	return out, results.Close()
}

// why says in words which rule of the schema a row broke.
func why(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == uniqueViolation {
		return fmt.Sprintf("another row has what only one may have: constraint %q", server.ConstraintName)
	}
	return "it names a row that does not exist in its site"
}
