package dbstore

import (
	"github.com/scrip-go/scrip/automation/content"
)

// Kind is what a table must know of its rows.
type Kind[T content.Row[T]] struct {
	Name    string   // "keyword"
	Table   string   // without what the store puts before its tables
	Parent  string   // the column that Query.Parent selects by; empty if there is none
	Columns []string // in the order of Fields, the common ones first
	Base    func(*T) *content.Base

	own func(*T) []any
}

// Fields returns the fields of a row.
func (k *Kind[T]) Fields(row *T, at Instant) []any {
	b := k.Base(row)
	return append([]any{&b.ID, &b.Site, &b.Position, &b.Status, at(&b.CreatedAt), at(&b.UpdatedAt)}, k.own(row)...)
}

// The columns that every kind has.
var baseColumns = []string{"id", "site", "position", "status", "created_at", "updated_at"}

func newKind[T content.Row[T]](name, table, parent string, columns []string, base func(*T) *content.Base, own func(*T) []any) Kind[T] {
	columns = append(baseColumns[:len(baseColumns):len(baseColumns)], columns...)
	return Kind[T]{Name: name, Table: table, Parent: parent, Columns: columns, Base: base, own: own}
}

// The kinds of row.
var (
	Keywords = newKind("keyword", "keywords", "cluster",
		[]string{"text", "volume", "difficulty", "cluster"},
		func(k *content.Keyword) *content.Base { return &k.Base },
		func(k *content.Keyword) []any {
			return []any{&k.Text, &k.Volume, &k.Difficulty, Optional{&k.Cluster}}
		})
	Clusters = newKind("cluster", "clusters", "",
		[]string{"name", "description"},
		func(c *content.Cluster) *content.Base { return &c.Base },
		func(c *content.Cluster) []any { return []any{&c.Name, &c.Description} })
	Ideas = newKind("idea", "ideas", "cluster",
		append([]string{"cluster"}, briefColumns...),
		func(i *content.Idea) *content.Base { return &i.Base },
		func(i *content.Idea) []any { return append([]any{&i.Cluster}, briefFields(&i.Brief)...) })
	Tasks = newKind("task", "content_tasks", "cluster",
		append([]string{"cluster", "idea"}, briefColumns...),
		func(t *content.Task) *content.Base { return &t.Base },
		func(t *content.Task) []any {
			return append([]any{&t.Cluster, Optional{&t.Idea}}, briefFields(&t.Brief)...)
		})
	Articles = newKind("article", "articles", "cluster",
		[]string{"cluster", "task", "title", "slug", "html", "excerpt", "meta_title", "meta_description",
			"primary_keyword", "secondary_keywords", "categories", "tags", "word_count",
			"site_status", "external_id", "external_url", "raw"},
		func(a *content.Article) *content.Base { return &a.Base },
		func(a *content.Article) []any {
			return []any{Optional{&a.Cluster}, Optional{&a.Task}, &a.Title, &a.Slug, &a.HTML, &a.Excerpt, &a.MetaTitle, &a.MetaDescription,
				&a.Primary, List{&a.Secondary}, List{&a.Categories}, List{&a.Tags}, &a.WordCount,
				&a.SiteStatus, &a.ExternalID, &a.ExternalURL, (*[]byte)(&a.Raw)}
		})
	Images = newKind("image", "images", "article",
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
	return []any{&b.Title, &b.Description, &b.Type, &b.Structure, &b.Primary, List{&b.Secondary}, List{&b.Outline}, &b.WordCount}
}
