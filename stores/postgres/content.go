package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
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

// The kinds of row. The columns that every kind has are said once, in baseColumns.
var (
	keywords = newKind("keyword", "scrip.keywords", "cluster",
		[]string{"text", "volume", "difficulty", "cluster"},
		func(k *content.Keyword) *content.Base { return &k.Base },
		func(k *content.Keyword) []any {
			return []any{&k.Text, &k.Volume, &k.Difficulty, optional{&k.Cluster}}
		})
	clusters = newKind("cluster", "scrip.clusters", "",
		[]string{"name", "description"},
		func(c *content.Cluster) *content.Base { return &c.Base },
		func(c *content.Cluster) []any { return []any{&c.Name, &c.Description} })
	ideas = newKind("idea", "scrip.ideas", "cluster",
		append([]string{"cluster"}, briefColumns...),
		func(i *content.Idea) *content.Base { return &i.Base },
		func(i *content.Idea) []any { return append([]any{&i.Cluster}, briefFields(&i.Brief)...) })
	tasks = newKind("task", "scrip.content_tasks", "cluster",
		append([]string{"cluster", "idea"}, briefColumns...),
		func(t *content.Task) *content.Base { return &t.Base },
		func(t *content.Task) []any {
			return append([]any{&t.Cluster, optional{&t.Idea}}, briefFields(&t.Brief)...)
		})
	articles = newKind("article", "scrip.articles", "cluster",
		[]string{"cluster", "task", "title", "slug", "html", "excerpt", "meta_title", "meta_description",
			"primary_keyword", "secondary_keywords", "categories", "tags", "word_count",
			"site_status", "external_id", "external_url", "raw"},
		func(a *content.Article) *content.Base { return &a.Base },
		func(a *content.Article) []any {
			return []any{optional{&a.Cluster}, optional{&a.Task}, &a.Title, &a.Slug, &a.HTML, &a.Excerpt, &a.MetaTitle, &a.MetaDescription,
				&a.Primary, list{&a.Secondary}, list{&a.Categories}, list{&a.Tags}, &a.WordCount,
				&a.SiteStatus, &a.ExternalID, &a.ExternalURL, (*[]byte)(&a.Raw)}
		})
	images = newKind("image", "scrip.images", "article",
		[]string{"article", "type", "ordinal", "prompt", "alt",
			"blob_name", "blob_sha256", "blob_size", "blob_type", "blob_width", "blob_height"},
		func(i *content.Image) *content.Base { return &i.Base },
		func(i *content.Image) []any {
			return []any{&i.Article, &i.Type, &i.Ordinal, &i.Prompt, &i.Alt,
				&i.Blob.Name, &i.Blob.SHA256, &i.Blob.Size, &i.Blob.Type, &i.Blob.Width, &i.Blob.Height}
		})
)

var briefColumns = []string{"title", "description", "content_type", "content_structure", "primary_keyword",
	"secondary_keywords", "outline", "word_count"}

func briefFields(b *content.Brief) []any {
	return []any{&b.Title, &b.Description, &b.Type, &b.Structure, &b.Primary, list{&b.Secondary}, list{&b.Outline}, &b.WordCount}
}
