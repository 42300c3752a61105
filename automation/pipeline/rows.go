package pipeline

import (
	"context"
	"errors"
	"iter"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

// rowsFor yields the rows that a run may take up at a stage, of those that q asks for: the named ones if it is about some, and in
// any case none that another run has.
func rowsFor[T content.Row[T]](ctx context.Context, in automation.Inputs, table content.Table[T], q content.Query) iter.Seq2[T, error] {
	if len(in.Items) > 0 {
		return named(ctx, in.Items, table, q)
	}
	return func(yield func(T, error) bool) {
		for row, err := range table.List(ctx, q) {
			if err == nil && in.Claimed[base(row).ID] {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// named yields the rows with the given ids that are what q asks for, by site and status.
func named[T content.Row[T]](ctx context.Context, ids []string, table content.Table[T], q content.Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, id := range ids {
			row, err := table.Get(ctx, id)
			b := base(row)
			if errors.Is(err, content.ErrNotFound) || err == nil && (b.Site != q.Site || q.Status != "" && b.Status != q.Status) {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// base is what rows of every kind have.
func base[T content.Row[T]](row T) content.Base {
	switch r := any(row).(type) {
	case content.Keyword:
		return r.Base
	case content.Cluster:
		return r.Base
	case content.Idea:
		return r.Base
	case content.Task:
		return r.Base
	case content.Article:
		return r.Base
	case content.Image:
		return r.Base
	}
	return content.Base{} // there is no other kind
}

// baseOf returns what rows of every kind have, of one.
func baseOf[T content.Row[T]](ctx context.Context, table content.Table[T], id string) (content.Base, error) {
	row, err := table.Get(ctx, id)
	return base(row), err
}

// hasStatus reports whether the row that has an item's id has a status.
func hasStatus[T content.Row[T]](table content.Table[T], want content.Status) func(context.Context, automation.Call) (bool, error) {
	return func(ctx context.Context, c automation.Call) (bool, error) {
		b, err := baseOf(ctx, table, c.Item.ID)
		return b.Status == want, err
	}
}
