package memory

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

var _ content.Store = (*Content)(nil)

// Content is the [content.Store] of a [DB], outside transactions or inside one.
type Content struct {
	work  *work
	scope scope
}

// In returns the content store inside the transaction that completes a task. It works until the function that was given
// the transaction returns. Errors: automation.ErrForeignTx if tx is not a transaction of this DB.
func (c *Content) In(tx automation.Tx) (content.Store, error) {
	if tx != nil {
		if own, ok := tx.Unwrap().(*transaction); ok && own.work == c.work {
			return &Content{work: c.work, scope: own}, nil
		}
	}
	return nil, fmt.Errorf("memory: content in a transaction: %w", automation.ErrForeignTx)
}

// Keywords implements [content.Store].
func (c *Content) Keywords() content.Table[content.Keyword] { return view(c, c.work.rows.keywords) }

// Clusters implements [content.Store].
func (c *Content) Clusters() content.Table[content.Cluster] { return view(c, c.work.rows.clusters) }

// Ideas implements [content.Store].
func (c *Content) Ideas() content.Table[content.Idea] { return view(c, c.work.rows.ideas) }

// Tasks implements [content.Store].
func (c *Content) Tasks() content.Table[content.Task] { return view(c, c.work.rows.tasks) }

// Articles implements [content.Store].
func (c *Content) Articles() content.Table[content.Article] { return view(c, c.work.rows.articles) }

// Images implements [content.Store].
func (c *Content) Images() content.Table[content.Image] { return view(c, c.work.rows.images) }

func view[T content.Row[T]](c *Content, t *table[T]) content.Table[T] {
	return &tableView[T]{work: c.work, scope: c.scope, table: t}
}

// rows are the rows of every kind.
type rows struct {
	keywords *table[content.Keyword]
	clusters *table[content.Cluster]
	ideas    *table[content.Idea]
	tasks    *table[content.Task]
	articles *table[content.Article]
	images   *table[content.Image]
}

func newRows() *rows {
	r := &rows{}
	r.keywords = newTable(kind[content.Keyword]{
		name: "keyword",
		base: func(k *content.Keyword) *content.Base { return &k.Base },
		own: func(k content.Keyword) content.Keyword {
			k.Volume, k.Difficulty = ownNumber(k.Volume), ownNumber(k.Difficulty)
			return k
		},
		parent:  func(k *content.Keyword) string { return k.Cluster },
		missing: func(k *content.Keyword) string { return r.clusters.lacks(k.Site, k.Cluster) },
	})
	r.clusters = newTable(kind[content.Cluster]{
		name:   "cluster",
		base:   func(c *content.Cluster) *content.Base { return &c.Base },
		own:    func(c content.Cluster) content.Cluster { return c },
		parent: func(*content.Cluster) string { return "" },
	})
	r.ideas = newTable(kind[content.Idea]{
		name:    "idea",
		base:    func(i *content.Idea) *content.Base { return &i.Base },
		own:     func(i content.Idea) content.Idea { i.Brief = ownBrief(i.Brief); return i },
		parent:  func(i *content.Idea) string { return i.Cluster },
		missing: func(i *content.Idea) string { return r.clusters.lacks(i.Site, i.Cluster) },
	})
	r.tasks = newTable(kind[content.Task]{
		name:   "task",
		base:   func(t *content.Task) *content.Base { return &t.Base },
		own:    func(t content.Task) content.Task { t.Brief = ownBrief(t.Brief); return t },
		parent: func(t *content.Task) string { return t.Cluster },
		missing: func(t *content.Task) string {
			return r.clusters.lacks(t.Site, t.Cluster) + r.ideas.lacks(t.Site, t.Idea)
		},
	})
	r.articles = newTable(kind[content.Article]{
		name:   "article",
		base:   func(a *content.Article) *content.Base { return &a.Base },
		own:    ownArticle,
		parent: func(a *content.Article) string { return a.Cluster },
		missing: func(a *content.Article) string {
			return r.clusters.lacks(a.Site, a.Cluster) + r.tasks.lacks(a.Site, a.Task)
		},
		unique: func(a *content.Article) string {
			return "slug " + strconv.Quote(a.Slug) + " of site " + strconv.Quote(a.Site)
		},
	})
	r.images = newTable(kind[content.Image]{
		name:    "image",
		base:    func(i *content.Image) *content.Base { return &i.Base },
		own:     func(i content.Image) content.Image { return i },
		parent:  func(i *content.Image) string { return i.Article },
		missing: func(i *content.Image) string { return r.articles.lacks(i.Site, i.Article) },
		unique: func(i *content.Image) string {
			return fmt.Sprintf("%s picture %d of article %q", i.Type, i.Ordinal, i.Article)
		},
	})
	return r
}

func ownNumber(n *int64) *int64 {
	if n == nil {
		return nil
	}
	return new(*n)
}

func ownBrief(b content.Brief) content.Brief {
	b.Secondary, b.Outline = slices.Clone(b.Secondary), slices.Clone(b.Outline)
	for i := range b.Outline {
		b.Outline[i].Points = slices.Clone(b.Outline[i].Points)
	}
	return b
}

func ownArticle(a content.Article) content.Article {
	a.Secondary, a.Categories, a.Tags = slices.Clone(a.Secondary), slices.Clone(a.Categories), slices.Clone(a.Tags)
	a.Raw = slices.Clone(a.Raw)
	return a
}
