package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
)

// RunContentStore checks a [content.Store] against its contract. open returns an empty database that takes the time from
// now; it is called once for each case. Of the faces Content is used. What is saved inside a transaction is checked by
// [RunAutomationStore].
func RunContentStore(t *testing.T, open func(t *testing.T, now func() time.Time) Faces) {
	for _, c := range contentCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&contentTest{tb: t, Store: open(t, clk.now).Content, clock: clk}, nil)
		})
	}
}

func contentCases() []testCase[*contentTest] { return slices.Concat(rowCases, listCases, saveCases) }

// contentTest is a case under way.
type contentTest struct {
	tb
	content.Store
	clock *clock
}

const site = "site"

func base(id string, position int64, status content.Status) content.Base {
	return content.Base{ID: id, Site: site, Position: position, Status: status}
}

// keyword is a new one without a cluster.
func keyword(id string, position int64) content.Keyword {
	return content.Keyword{Base: base(id, position, content.New), Text: "text of " + id}
}

func cluster(id string) content.Cluster {
	return content.Cluster{Base: base(id, 0, content.New), Name: "name of " + id, Description: "what <it> is"}
}

func brief(id string) content.Brief {
	return content.Brief{Title: "title of " + id, Description: "d", Type: "post", Structure: "guide", Primary: "p", Secondary: []string{"s1", "s2"},
		Outline: []content.Section{{Heading: "h1", Points: []string{"a", "b"}}, {Heading: "h2", Points: []string{"c"}}}, WordCount: 1200}
}

func idea(id, cluster string) content.Idea {
	return content.Idea{Base: base(id, 0, content.New), Cluster: cluster, Brief: brief(id)}
}

func task(id, cluster, idea string) content.Task {
	return content.Task{Base: base(id, 0, content.Queued), Cluster: cluster, Idea: idea, Brief: brief(id)}
}

func article(id, cluster, task string) content.Article {
	return content.Article{Base: base(id, 0, content.Draft), Cluster: cluster, Task: task, Title: "title of " + id, Slug: "slug-of-" + id,
		HTML: "<p>é & 'quotes' \"double\"</p>", Excerpt: "e", MetaTitle: "mt", MetaDescription: "md", Primary: "p", Secondary: []string{"s"},
		Categories: []string{"c1", "c2"}, Tags: []string{"t"}, WordCount: 900, SiteStatus: content.SiteNotPublished,
		ExternalID: "12", ExternalURL: "https://example.com/12", Raw: json.RawMessage(`{"b": 1, "a":[2.50,"\u00e9"]}`)}
}

func image(id, article string, ordinal int) content.Image {
	return content.Image{Base: base(id, 0, content.Pending), Article: article, Type: content.InArticle, Ordinal: ordinal, Prompt: "prompt", Alt: "alt",
		Blob: content.Blob{Name: "n", SHA256: "00", Size: 1 << 40, Type: "image/png", Width: 1024, Height: 768}}
}

// parents saves a chain of rows for others to refer to: cluster c, idea i, task t and article a.
func (t *contentTest) parents() {
	t.Helper()
	must(t, t.Clusters().Save(t.Context(), cluster("c")), "Save cluster")
	must(t, t.Ideas().Save(t.Context(), idea("i", "c")), "Save idea")
	must(t, t.Tasks().Save(t.Context(), task("t", "c", "i")), "Save task")
	must(t, t.Articles().Save(t.Context(), article("a", "c", "t")), "Save article")
}

// rowKind is a kind of row with its type taken away, so that one case can go through all six.
type rowKind struct {
	name  string
	start content.Status // of a new row
	save  func(ctx context.Context, bases ...content.Base) error
	get   func(ctx context.Context, id string) (content.Base, error)
	list  func(ctx context.Context, q content.Query) ([]string, error)
	count func(ctx context.Context, q content.Query) (int64, error)
}

// kinds returns the six kinds. A saved row is valid but for its base; it refers to the parents where it must.
func (t *contentTest) kinds() []rowKind {
	n := 0
	return []rowKind{
		erase("keyword", content.New, t.Keywords(), func(b content.Base) content.Keyword {
			return content.Keyword{Base: b, Text: "x", Cluster: "c"}
		}, func(k content.Keyword) content.Base { return k.Base }),
		erase("cluster", content.New, t.Clusters(), func(b content.Base) content.Cluster {
			return content.Cluster{Base: b, Name: "x"}
		}, func(c content.Cluster) content.Base { return c.Base }),
		erase("idea", content.New, t.Ideas(), func(b content.Base) content.Idea {
			return content.Idea{Base: b, Cluster: "c", Brief: brief(b.ID)}
		}, func(i content.Idea) content.Base { return i.Base }),
		erase("task", content.Queued, t.Tasks(), func(b content.Base) content.Task {
			return content.Task{Base: b, Cluster: "c", Idea: "i", Brief: brief(b.ID)}
		}, func(t content.Task) content.Base { return t.Base }),
		erase("article", content.Draft, t.Articles(), func(b content.Base) content.Article {
			a := article(b.ID, "c", "t")
			a.Base = b
			return a
		}, func(a content.Article) content.Base { return a.Base }),
		erase("image", content.Pending, t.Images(), func(b content.Base) content.Image {
			n++
			i := image(b.ID, "a", n)
			i.Base = b
			return i
		}, func(i content.Image) content.Base { return i.Base }),
	}
}

func erase[T content.Row[T]](name string, start content.Status, table content.Table[T], row func(content.Base) T, base func(T) content.Base) rowKind {
	return rowKind{
		name:  name,
		start: start,
		save: func(ctx context.Context, bases ...content.Base) error {
			rows := make([]T, len(bases))
			for i, b := range bases {
				rows[i] = row(b)
			}
			return table.Save(ctx, rows...)
		},
		get: func(ctx context.Context, id string) (content.Base, error) {
			got, err := table.Get(ctx, id)
			return base(got), err
		},
		list: func(ctx context.Context, q content.Query) ([]string, error) {
			ids := []string{}
			for got, err := range table.List(ctx, q) {
				if err != nil {
					return ids, err
				}
				ids = append(ids, base(got).ID)
			}
			return ids, nil
		},
		count: table.Count,
	}
}

// wantKeywords checks the site's keywords, in order, as "id:text".
func wantKeywords(t tb, s content.Store, want ...string) {
	t.Helper()
	got := []string{}
	for _, k := range collect(t, s.Keywords().List(t.Context(), content.Query{Site: site}), "List") {
		got = append(got, fmt.Sprintf("%s:%s", k.ID, k.Text))
	}
	if !slices.Equal(got, want) {
		t.Errorf("keywords = %q, want %q", got, want)
	}
}
