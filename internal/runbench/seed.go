package main

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
)

// seedPage is how many rows are saved in one transaction.
const seedPage = 1000

// seed puts n rows into a site that wait for a stage, and what they need to be there.
func seed(ctx context.Context, s content.Store, site, stage string, n int64) error {
	base := func(kind string, i int64, status content.Status) content.Base {
		return content.Base{ID: content.NewID(site, kind, fmt.Sprint(i)), Site: site, Position: i, Status: status}
	}
	keyword := func(i int64) content.Keyword {
		return content.Keyword{Base: base("keyword", i, content.New), Text: fmt.Sprintf("how to repair bicycle part %d", i)}
	}
	cluster := content.Cluster{Base: base("cluster", 0, content.New), Name: "bicycles", Description: "what riders ask"}
	brief := func(i int64) content.Brief {
		return content.Brief{Title: fmt.Sprintf("Repair part %d of a bicycle", i), Description: "what to do, step by step", Type: "post", Structure: "guide",
			Primary: fmt.Sprintf("repair part %d", i), Outline: []content.Section{{Heading: "What you need"}, {Heading: "How it is done"}}, WordCount: 600}
	}
	idea := func(status content.Status) func(int64) content.Idea {
		return func(i int64) content.Idea {
			return content.Idea{Base: base("idea", i, status), Cluster: cluster.ID, Brief: brief(i)}
		}
	}
	article := func(i int64) content.Article {
		return content.Article{Base: base("article", i, content.Draft), Cluster: cluster.ID, Title: brief(i).Title, Slug: fmt.Sprint("part-", i),
			HTML: "<h2>What you need</h2><p>A spanner.</p>", Excerpt: "How to repair it.", SiteStatus: content.SiteNotPublished}
	}
	if stage == pipeline.Cluster {
		return save(ctx, s.Keywords(), n, keyword)
	}
	if stage == pipeline.Ideas {
		group := func(i int64) content.Cluster {
			return content.Cluster{Base: base("group", i, content.New), Name: fmt.Sprint("part ", i), Description: "what riders ask"}
		}
		if err := save(ctx, s.Clusters(), n, group); err != nil {
			return err
		}
		if err := save(ctx, s.Keywords(), n, keyword); err != nil {
			return err
		}
		return save(ctx, s.Keywords(), n, func(i int64) content.Keyword {
			k := keyword(i)
			k.Status, k.Cluster = content.Mapped, group(i).ID
			return k
		})
	}
	if err := s.Clusters().Save(ctx, cluster); err != nil {
		return err
	}
	switch stage {
	case pipeline.Tasks:
		return save(ctx, s.Ideas(), n, idea(content.New))
	case pipeline.Write:
		for _, status := range []content.Status{content.New, content.Queued} {
			if err := save(ctx, s.Ideas(), n, idea(status)); err != nil {
				return err
			}
		}
		return save(ctx, s.Tasks(), n, func(i int64) content.Task {
			return content.Task{Base: base("task", i, content.Queued), Cluster: cluster.ID, Idea: base("idea", i, "").ID, Brief: brief(i)}
		})
	case pipeline.ImagePrompts, pipeline.Publish:
		return save(ctx, s.Articles(), n, article)
	case pipeline.Images:
		if err := save(ctx, s.Articles(), 1, article); err != nil {
			return err
		}
		return save(ctx, s.Images(), n, func(i int64) content.Image {
			return content.Image{Base: base("image", i, content.Pending), Article: article(0).ID, Type: content.InArticle, Ordinal: int(i),
				Prompt: "a bicycle on a stand", Alt: "a bicycle"}
		})
	}
	return fmt.Errorf("runbench: there is no stage %q", stage)
}

// save saves n rows in pages.
func save[T content.Row[T]](ctx context.Context, table content.Table[T], n int64, row func(int64) T) error {
	for first := int64(0); first < n; first += seedPage {
		var page []T
		for i := first; i < min(first+seedPage, n); i++ {
			page = append(page, row(i))
		}
		if err := table.Save(ctx, page...); err != nil {
			return err
		}
	}
	return nil
}
