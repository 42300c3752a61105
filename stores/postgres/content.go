package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ content.Store = (*Content)(nil)

// Content is the [content.Store] of a [DB], outside transactions or inside one. It is safe for concurrent use; inside a
// transaction it is not.
type Content struct {
	db *DB
	in *txn // the transaction that completes a task; nil outside
}

// In returns the content store inside the transaction that completes a task: it reads what the transaction wrote, and
// what it saves is kept or undone with it. It works until the function that was given the transaction returns.
// Errors: automation.ErrForeignTx if tx is not the transaction that this handle has open.
func (c *Content) In(tx automation.Tx) (content.Store, error) {
	if tx != nil {
		if own, ok := tx.Unwrap().(pgx.Tx); ok {
			if open, ok := c.db.open.Load(own); ok {
				return &Content{db: c.db, in: open.(*txn)}, nil
			}
		}
	}
	return nil, fmt.Errorf("postgres: content in a transaction: %w", automation.ErrForeignTx)
}

// Keywords implements [content.Store].
func (c *Content) Keywords() content.Table[content.Keyword] { return view(c, keywords) }

// Clusters implements [content.Store].
func (c *Content) Clusters() content.Table[content.Cluster] { return view(c, clusters) }

// Ideas implements [content.Store].
func (c *Content) Ideas() content.Table[content.Idea] { return view(c, ideas) }

// Tasks implements [content.Store].
func (c *Content) Tasks() content.Table[content.Task] { return view(c, tasks) }

// Articles implements [content.Store].
func (c *Content) Articles() content.Table[content.Article] { return view(c, articles) }

// Images implements [content.Store].
func (c *Content) Images() content.Table[content.Image] { return view(c, images) }

func view[T content.Row[T]](c *Content, k *kind[T]) content.Table[T] {
	return &table[T]{db: c.db, in: c.in, kind: k}
}

// The kinds of row.
var (
	keywords = newKind(&dbstore.Keywords)
	clusters = newKind(&dbstore.Clusters)
	ideas    = newKind(&dbstore.Ideas)
	tasks    = newKind(&dbstore.Tasks)
	articles = newKind(&dbstore.Articles)
	images   = newKind(&dbstore.Images)
)
