package postgres

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

	selectByID, selectForSave, selectAll, count, insert, update string
}

// fields returns the fields of a row, with its times as they are kept here.
func (k *kind[T]) fields(row *T) []any { return k.Fields(row, at) }

func newKind[T content.Row[T]](of *dbstore.Kind[T]) *kind[T] {
	k, table := &kind[T]{Kind: of}, "scrip."+of.Table
	var places, updates []string
	for i, c := range k.Columns {
		places = append(places, fmt.Sprintf(`$%d`, i+1))
		if i > 1 { // id and site never change
			updates = append(updates, fmt.Sprintf(`%s = $%d`, c, i+1))
		}
	}
	all := strings.Join(k.Columns, ", ")
	k.selectAll = `SELECT ` + all + ` FROM ` + table
	k.selectByID = k.selectAll + ` WHERE id = $1`
	// In the order of their ids, so that of two who save the same rows one waits and not each for the other.
	k.selectForSave = k.selectAll + ` WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`
	k.count = `SELECT count(*) FROM ` + table
	k.insert = `INSERT INTO ` + table + ` (` + all + `) VALUES (` + strings.Join(places, ", ") + `)`
	k.update = `UPDATE ` + table + ` SET ` + strings.Join(updates, ", ") + ` WHERE id = $1 AND site = $2`
	return k
}

// table is a [content.Table], outside a transaction or in one.
type table[T content.Row[T]] struct {
	db *DB
	in *txn
	*kind[T]
}

func (t *table[T]) querier(ctx context.Context) (querier, error) {
	if t.in != nil {
		return t.in, t.in.usable()
	}
	return t.db.pool, t.db.readable(ctx)
}

// Get implements [content.Table].
func (t *table[T]) Get(ctx context.Context, id string) (row T, err error) {
	q, err := t.querier(ctx)
	if err != nil {
		return row, err
	}
	known := false
	if storable(id) {
		known, err = one(ctx, q, t.fields(&row), t.db.sql(t.selectByID), id)
	}
	if err == nil && !known {
		err = fmt.Errorf("postgres: %s %q: %w", t.Name, id, content.ErrNotFound)
	}
	return row, translate(ctx, "get "+t.Name, err)
}

// conditions collects the conditions of a query and the arguments that they number.
type conditions struct {
	text string
	args []any
}

// add adds a condition in which each ? stands for the next argument.
func (c *conditions) add(text string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", len(c.args)), 1)
	}
	c.text += text
}

// where returns the conditions of q, without those of After and Limit.
func (t *table[T]) where(q content.Query) (c conditions, err error) {
	if q.Site == "" {
		return c, fmt.Errorf("postgres: list of %ss: %w: the query names no site", t.Name, content.ErrInvalid)
	}
	if !storable(q.Site, string(q.Status), q.Parent) || q.Parent != "" && t.Parent == "" {
		c.add(` WHERE false`)
		return c, nil
	}
	c.add(` WHERE site = ?`, q.Site)
	if q.Status != "" {
		c.add(` AND status = ?`, string(q.Status))
	}
	if q.Parent != "" {
		c.add(` AND `+t.Parent+` = ?`, q.Parent)
	}
	return c, nil
}

// List implements [content.Table]. It reads page by page: between two pages no connection is held.
func (t *table[T]) List(ctx context.Context, q content.Query) iter.Seq2[T, error] {
	where, err := t.where(q)
	return dbstore.Pages(q.Limit, func(last *T, limit int) ([]T, error) {
		if err != nil {
			return nil, err
		}
		from, err := t.querier(ctx)
		if err != nil {
			return nil, err
		}
		if last == nil && q.After != "" {
			if last, err = t.after(ctx, q); err != nil {
				return nil, err
			}
		}
		c := conditions{text: where.text, args: where.args[:len(where.args):len(where.args)]}
		if last != nil {
			b := t.Base(last)
			c.add(` AND (position, id) > (?, ?)`, b.Position, b.ID)
		}
		c.add(` ORDER BY position, id LIMIT ?`, limit)
		found, err := rows(ctx, from, t.fields, t.db.sql(t.selectAll+c.text), c.args...)
		return found, translate(ctx, "list "+t.Name+"s", err)
	})
}

// after returns the row that q.After names.
func (t *table[T]) after(ctx context.Context, q content.Query) (*T, error) {
	row, err := t.Get(ctx, q.After)
	if err == nil && t.Base(&row).Site != q.Site {
		err = fmt.Errorf("postgres: list of %ss after %q: %w", t.Name, q.After, content.ErrNotFound)
	}
	return &row, err
}

// Count implements [content.Table].
func (t *table[T]) Count(ctx context.Context, q content.Query) (n int64, err error) {
	where, err := t.where(q)
	if err != nil {
		return 0, err
	}
	from, err := t.querier(ctx)
	if err != nil {
		return 0, err
	}
	_, err = one(ctx, from, []any{&n}, t.db.sql(t.count+where.text), where.args...)
	return n, translate(ctx, "count "+t.Name+"s", err)
}
