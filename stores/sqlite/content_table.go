package sqlite

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// kind is what a table must know of its rows.
type kind[T content.Row[T]] struct {
	*dbstore.Kind[T]

	selectByID, selectAll, count, insert, update string
}

// fields returns the fields of a row, with its times as they are kept here.
func (k *kind[T]) fields(row *T) []any { return k.Fields(row, at) }

func newKind[T content.Row[T]](of *dbstore.Kind[T]) *kind[T] {
	k, table := &kind[T]{Kind: of}, "scrip_"+of.Table
	all := strings.Join(k.Columns, ", ")
	k.selectAll = `SELECT ` + all + ` FROM ` + table
	k.selectByID = k.selectAll + ` WHERE id = ?`
	k.count = `SELECT count(*) FROM ` + table
	k.insert = `INSERT INTO ` + table + ` (` + all + `) VALUES (?` + strings.Repeat(`, ?`, len(k.Columns)-1) + `)`
	// Id and site never change. To name one among the updates would make SQLite look for rows that refer to the old value,
	// through all rows of the site; for the same reason this is not an upsert.
	var updates []string
	for i, c := range k.Columns[2:] {
		updates = append(updates, fmt.Sprintf(`%s = ?%d`, c, i+3))
	}
	k.update = `UPDATE ` + table + ` SET ` + strings.Join(updates, ", ") + ` WHERE id = ?1 AND site = ?2`
	return k
}

// table is a [content.Table], outside a transaction or in one.
type table[T content.Row[T]] struct {
	db *DB
	in *txn
	*kind[T]
}

func (t *table[T]) reader(ctx context.Context) (reader, error) {
	if t.in != nil {
		return t.in, nil
	}
	return t.db.reader, t.db.readable(ctx)
}

// Get implements [content.Table].
func (t *table[T]) Get(ctx context.Context, id string) (row T, err error) {
	r, err := t.reader(ctx)
	if err != nil {
		return row, err
	}
	known, err := one(ctx, r, t.fields(&row), t.selectByID, id)
	if err == nil && !known {
		err = fmt.Errorf("sqlite: %s %q: %w", t.Name, id, content.ErrNotFound)
	}
	return row, translate("get "+t.Name, err)
}

// where returns the conditions of q, without those of After and Limit.
func (t *table[T]) where(q content.Query) (string, []any, error) {
	if q.Site == "" {
		return "", nil, fmt.Errorf("sqlite: list of %ss: %w: the query names no site", t.Name, content.ErrInvalid)
	}
	text, args := ` WHERE site = ?`, []any{q.Site}
	if q.Status != "" {
		text, args = text+` AND status = ?`, append(args, q.Status)
	}
	if q.Parent != "" {
		if t.Parent == "" {
			return text + ` AND false`, args, nil
		}
		text, args = text+` AND `+t.Parent+` = ?`, append(args, q.Parent)
	}
	return text, args, nil
}

// List implements [content.Table]. It reads page by page: between two pages nothing is open.
func (t *table[T]) List(ctx context.Context, q content.Query) iter.Seq2[T, error] {
	where, args, err := t.where(q)
	return dbstore.Pages(q.Limit, func(last *T, limit int) ([]T, error) {
		if err != nil {
			return nil, err
		}
		r, err := t.reader(ctx)
		if err != nil {
			return nil, err
		}
		if last == nil && q.After != "" {
			if last, err = t.after(ctx, r, q); err != nil {
				return nil, err
			}
		}
		text, args := t.selectAll+where, args[:len(args):len(args)]
		if last != nil {
			b := t.Base(last)
			text, args = text+` AND (position, id) > (?, ?)`, append(args, b.Position, b.ID)
		}
		found, err := rows(ctx, r, t.fields, text+` ORDER BY position, id LIMIT ?`, append(args, limit)...)
		return found, translate("list "+t.Name+"s", err)
	})
}

// after returns the row that q.After names.
func (t *table[T]) after(ctx context.Context, r reader, q content.Query) (*T, error) {
	var row T
	known, err := one(ctx, r, t.fields(&row), t.selectByID, q.After)
	if err == nil && (!known || t.Base(&row).Site != q.Site) {
		err = fmt.Errorf("sqlite: list of %ss after %q: %w", t.Name, q.After, content.ErrNotFound)
	}
	return &row, translate("list "+t.Name+"s", err)
}

// Count implements [content.Table].
func (t *table[T]) Count(ctx context.Context, q content.Query) (n int64, err error) {
	where, args, err := t.where(q)
	if err != nil {
		return 0, err
	}
	r, err := t.reader(ctx)
	if err != nil {
		return 0, err
	}
	_, err = one(ctx, r, []any{&n}, t.count+where, args...)
	return n, translate("count "+t.Name+"s", err)
}

// Save implements [content.Table].
func (t *table[T]) Save(ctx context.Context, rows ...T) error {
	save := func(ctx context.Context, tx *txn) error {
		for i := range rows {
			if err := t.save(ctx, tx, rows[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if t.in == nil {
		return translate("save "+t.Name, t.db.write(ctx, save))
	}
	if len(rows) == 1 { // one statement happens whole or not at all by itself
		return translate("save "+t.Name, save(ctx, t.in))
	}
	err := t.in.savepoint(ctx, func() error { return save(ctx, t.in) })
	return translate("save "+t.Name, err)
}

func (t *table[T]) save(ctx context.Context, tx *txn, row T) error {
	base := t.Base(&row)
	var stored T
	known, err := one(ctx, tx, t.fields(&stored), t.selectByID, base.ID)
	if err != nil {
		return err
	}
	var old *T
	write := t.insert
	base.UpdatedAt = t.db.now()
	base.CreatedAt = base.UpdatedAt
	if known {
		old, write = &stored, t.update
		base.CreatedAt = t.Base(old).CreatedAt
	}
	if err := row.Check(old); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, write, t.fields(&row)...)
	if isConstraint(err) {
		return fmt.Errorf("sqlite: save %s %q: %w: %s", t.Name, base.ID, content.ErrInvalid, t.why(err))
	}
	return err
}

// why says in words which rule of the schema a row broke.
func (t *table[T]) why(err error) string {
	if isForeignKey(err) {
		return "it names a row that does not exist in its site"
	}
	return "another row has what only one may have: " + err.Error()
}
