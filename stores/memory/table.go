package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scrip-go/scrip/automation/content"
)

// kind is what a table must know of its rows.
type kind[T content.Row[T]] struct {
	name    string
	base    func(*T) *content.Base
	own     func(T) T       // a copy that shares no memory
	parent  func(*T) string // what Query.Parent selects by
	missing func(*T) string // says which row it refers to does not exist; nil if it refers to none
	unique  func(*T) string // names what only one row may have; nil if there is no such thing
}

// table holds the rows of one kind. A row is never written to once it is here: a saved row takes the place of the
// older one, so that a reader may go on with a snapshot after it gave the lock back.
type table[T content.Row[T]] struct {
	kind[T]
	byID   map[string]*T
	sites  map[string][]*T   // by position and id
	owners map[string]string // the id of the row that has what kind.unique names
}

func newTable[T content.Row[T]](k kind[T]) *table[T] {
	return &table[T]{kind: k, byID: map[string]*T{}, sites: map[string][]*T{}, owners: map[string]string{}}
}

// lacks says that a row which is referred to does not exist in the site. No reference is always good.
func (t *table[T]) lacks(site, id string) string {
	if id == "" {
		return ""
	}
	if row := t.byID[id]; row != nil && t.base(row).Site == site {
		return ""
	}
	return fmt.Sprintf("%s %q does not exist in its site; ", t.kind.name, id)
}

func (t *table[T]) compare(a, b *T) int {
	x, y := t.base(a), t.base(b)
	return cmp.Or(cmp.Compare(x.Position, y.Position), cmp.Compare(x.ID, y.ID))
}

// replace puts row in the place of old; either may be nil.
func (t *table[T]) replace(old, row *T) {
	if old != nil {
		base := t.base(old)
		rows := t.sites[base.Site]
		i, _ := slices.BinarySearchFunc(rows, old, t.compare)
		t.sites[base.Site] = slices.Delete(rows, i, i+1)
		delete(t.byID, base.ID)
		if t.unique != nil {
			delete(t.owners, t.unique(old))
		}
	}
	if row != nil {
		base := t.base(row)
		rows := t.sites[base.Site]
		i, _ := slices.BinarySearchFunc(rows, row, t.compare)
		t.sites[base.Site] = slices.Insert(rows, i, row)
		t.byID[base.ID] = row
		if t.unique != nil {
			t.owners[t.unique(row)] = base.ID
		}
	}
}

// tableView is a table as it is used, outside or inside a transaction.
type tableView[T content.Row[T]] struct {
	work  *work
	scope scope
	table *table[T]
}

// Get implements [content.Table].
func (v *tableView[T]) Get(ctx context.Context, id string) (T, error) {
	var none T
	if err := v.scope.enter(ctx); err != nil {
		return none, err
	}
	defer v.scope.leave()
	row := v.table.byID[id]
	if row == nil {
		return none, fmt.Errorf("memory: %s %q: %w", v.table.name, id, content.ErrNotFound)
	}
	return v.table.own(*row), nil
}

// List implements [content.Table].
func (v *tableView[T]) List(ctx context.Context, q content.Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := v.snapshot(ctx, q)
		if err != nil {
			yield(none, err)
			return
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(v.table.own(*row), nil) {
				return
			}
		}
	}
}

// Count implements [content.Table].
func (v *tableView[T]) Count(ctx context.Context, q content.Query) (int64, error) {
	q.After, q.Limit = "", 0
	rows, err := v.snapshot(ctx, q)
	return int64(len(rows)), err
}

func (v *tableView[T]) snapshot(ctx context.Context, q content.Query) ([]*T, error) {
	if err := v.scope.enter(ctx); err != nil {
		return nil, err
	}
	defer v.scope.leave()
	t := v.table
	if q.Site == "" {
		return nil, fmt.Errorf("memory: list of %ss: %w: the query names no site", t.name, content.ErrInvalid)
	}
	rows := t.sites[q.Site]
	if q.After != "" {
		after := t.byID[q.After]
		if after == nil || t.base(after).Site != q.Site {
			return nil, fmt.Errorf("memory: list of %ss after %q: %w", t.name, q.After, content.ErrNotFound)
		}
		i, _ := slices.BinarySearchFunc(rows, after, t.compare)
		rows = rows[i+1:]
	}
	var out []*T
	for _, row := range rows {
		if q.Status != "" && t.base(row).Status != q.Status || q.Parent != "" && t.parent(row) != q.Parent {
			continue
		}
		if out = append(out, row); len(out) == q.Limit {
			break
		}
	}
	return out, nil
}

// Save implements [content.Table].
func (v *tableView[T]) Save(ctx context.Context, rows ...T) error {
	if err := v.scope.enter(ctx); err != nil {
		return err
	}
	defer v.scope.leave()
	before := len(v.work.undo)
	for _, row := range rows {
		if err := v.save(row); err != nil {
			v.work.undo.back(before)
			return err
		}
	}
	return nil
}

func (v *tableView[T]) save(row T) error {
	t := v.table
	base := t.base(&row)
	old := t.byID[base.ID]
	if err := row.Check(old); err != nil {
		return err
	}
	if t.missing != nil {
		if why := t.missing(&row); why != "" {
			return fmt.Errorf("memory: save %s %q: %w: %s", t.name, base.ID, content.ErrInvalid, why)
		}
	}
	if t.unique != nil {
		if owner, taken := t.owners[t.unique(&row)]; taken && owner != base.ID {
			return fmt.Errorf("memory: save %s %q: %w: %s is there already: %q", t.name, base.ID, content.ErrInvalid, t.unique(&row), owner)
		}
	}
	row = t.own(row)
	base = t.base(&row)
	base.UpdatedAt = v.work.now()
	base.CreatedAt = base.UpdatedAt
	if old != nil {
		base.CreatedAt = t.base(old).CreatedAt
	}
	t.replace(old, &row)
	v.work.undo = append(v.work.undo, func() { t.replace(&row, old) })
	return nil
}
