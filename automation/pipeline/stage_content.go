package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/engine/functions"
)

// writeStage writes the site's queued tasks.
type writeStage struct {
	paying[functions.ContentInput, functions.ContentOutput]
}

func newWriteStage(p *Pipeline) *writeStage {
	return &writeStage{newPaying(p, p.cfg.Functions.Content, nil, hasStatus(p.cfg.Content.Tasks(), content.Queued))}
}

func (s *writeStage) Name() string { return Write }

func (s *writeStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	var cluster content.Cluster // tasks come in the order of their clusters
	return planRows(ctx, in, s.cfg.Content.Tasks(), content.Query{Site: in.Site, Status: content.Queued},
		func(t content.Task) (string, any, error) {
			if cluster.ID != t.Cluster {
				var err error
				if cluster, err = s.cfg.Content.Clusters().Get(ctx, t.Cluster); err != nil {
					return "", nil, err
				}
			}
			request := functions.ContentInput{Title: t.Title, Description: t.Description, Cluster: cluster.Name, Type: t.Type,
				Structure: t.Structure, Primary: t.Primary, Secondary: t.Secondary, WordCount: t.WordCount}
			for _, section := range t.Outline {
				request.Outline = append(request.Outline, functions.Section(section))
			}
			return t.ID, request, nil
		})
}

func (s *writeStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	if out == nil { // what it was for does not wait any more
		return 0, nil
	}
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	answer, err := decode[functions.ContentOutput](out)
	if err != nil {
		return 0, err
	}
	task, err := store.Tasks().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	article := content.Article{
		Base:    content.Base{Site: c.Site, Position: task.Position, Status: content.Draft},
		Cluster: task.Cluster, Task: task.ID, Title: answer.Title, HTML: Sanitize(answer.HTML), Excerpt: answer.Excerpt,
		MetaTitle: answer.MetaTitle, MetaDescription: answer.MetaDescription, Primary: task.Primary, Secondary: task.Secondary,
		Categories: answer.Categories, Tags: answer.Tags, SiteStatus: content.SiteNotPublished, Raw: out}
	article.WordCount = countWords(article.HTML)
	for range 2 { // another task's article of this title may come in between, and is there at the next look
		if article.Slug, article.ID, err = freeSlug(ctx, store, c.Site, answer.Title, task.ID); err != nil {
			return 0, err
		}
		if err = store.Articles().Save(ctx, article); !errors.Is(err, content.ErrInvalid) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	task.Status = content.Completed
	if err := store.Tasks().Save(ctx, task); err != nil {
		return 0, err
	}
	idea, err := store.Ideas().Get(ctx, task.Idea)
	if err != nil {
		return 0, err
	}
	idea.Status = content.Completed
	return 1, store.Ideas().Save(ctx, idea)
}

// freeSlug returns the title's slug with the article's id, which is made from site and slug: that keeps slugs unique. A
// slug that another article has gets something behind it that is made from the task's id.
func freeSlug(ctx context.Context, store content.Store, site, title, task string) (slug, id string, err error) {
	slug = content.Slug(title)
	if slug == "" {
		slug = "article"
	}
	id = content.NewID(site, "article", slug)
	if _, err := store.Articles().Get(ctx, id); errors.Is(err, content.ErrNotFound) {
		return slug, id, nil
	} else if err != nil {
		return "", "", err
	}
	slug = fmt.Sprintf("%s-%s", slug, content.NewID(task)[:8])
	return slug, content.NewID(site, "article", slug), nil
}
