package pipeline

import (
	"context"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/usage"
)

// StageEstimate is what a stage of a run is expected to do.
type StageEstimate struct {
	Stage   string         `json:"stage"`
	Items   int64          `json:"items"`
	Credits credits.Amount `json:"credits"`
}

// Estimate is what a run over a site is expected to cost.
type Estimate struct {
	Stages []StageEstimate `json:"stages"`
	Total  credits.Amount  `json:"total"` // credits
}

// What calls are expected to use, in tokens read and written. They are of the size that the bundled prompts and answers
// of the asked-for lengths have; a model that reasons uses more.
var (
	clusterUsage = usage.Tokens(900, 700)
	ideasUsage   = usage.Tokens(700, 1300)
	contentUsage = usage.Tokens(900, 2100)
	promptsUsage = usage.Tokens(600, 300)
)

// What a stage is expected to make of its input: keywords to a cluster, articles to a cluster.
const (
	keywordsPerCluster = 5
	ideasPerCluster    = 3
)

// Estimate says what a run of an account over the site as it is now is expected to do and to cost: what waits at each stage, and what
// the stages before it will add. Errors: the registry's, if a function has no model.
func (p *Pipeline) Estimate(ctx context.Context, account credits.Account, site string) (Estimate, error) {
	w, err := p.waiting(ctx, site)
	if err != nil {
		return Estimate{}, err
	}
	pictures, err := p.pictures(ctx, account)
	if err != nil {
		return Estimate{}, err
	}
	var e Estimate
	call := engine.Call{Account: account}
	f := p.cfg.Functions
	add := func(stage string, items int64, each credits.Amount, err2 error) {
		if err == nil {
			err = err2
		}
		cost := each * credits.Amount(items)
		e.Stages, e.Total = append(e.Stages, StageEstimate{stage, items, cost}), e.Total+cost
	}
	size := int64(p.cfg.BatchSize)
	each, err2 := engine.Estimate(ctx, p.cfg.Engine, f.Cluster, call, clusterUsage)
	add(Cluster, (w.keywords+size-1)/size, each, err2)

	clusters := w.clusters + (w.keywords+keywordsPerCluster-1)/keywordsPerCluster
	each, err2 = engine.Estimate(ctx, p.cfg.Engine, f.Ideas, call, ideasUsage)
	add(Ideas, clusters, each, err2)

	ideas := w.ideas + clusters*ideasPerCluster
	add(Tasks, ideas, 0, nil)

	tasks := w.tasks + ideas
	each, err2 = engine.Estimate(ctx, p.cfg.Engine, f.Content, call, contentUsage)
	add(Write, tasks, each, err2)

	articles := w.articles + tasks
	described := articles
	if pictures == 0 {
		described = 0
	}
	each = 0
	if err2 = nil; described > 0 { // who wants no pictures needs no model that describes them
		each, err2 = engine.Estimate(ctx, p.cfg.Engine, f.ImagePrompts, call, promptsUsage)
	}
	add(ImagePrompts, described, each, err2)

	images := w.images + described*int64(pictures+1)
	each = 0
	if err2 = nil; images > 0 {
		each, err2 = engine.Estimate(ctx, p.cfg.Engine, f.Images, call, usage.Images(1))
	}
	add(Images, images, each, err2)
	add(Publish, articles, 0, nil)
	return e, err
}

type waiting struct{ keywords, clusters, ideas, tasks, articles, images int64 }

func (p *Pipeline) waiting(ctx context.Context, site string) (w waiting, err error) {
	s := p.cfg.Content
	for _, c := range []struct {
		n      *int64
		count  func(context.Context, content.Query) (int64, error)
		status content.Status
	}{
		{&w.keywords, s.Keywords().Count, content.New},
		{&w.clusters, s.Clusters().Count, content.New},
		{&w.ideas, s.Ideas().Count, content.New},
		{&w.tasks, s.Tasks().Count, content.Queued},
		{&w.articles, s.Articles().Count, content.Draft},
		{&w.images, s.Images().Count, content.Pending},
	} {
		if *c.n, err = c.count(ctx, content.Query{Site: site, Status: c.status}); err != nil {
			return waiting{}, err
		}
	}
	return w, nil
}
