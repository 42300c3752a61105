package pipeline

import (
	"context"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
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

// Estimate says what a run over the site as it is now is expected to do and to cost: of each of its stages, what waits there and
// what the stages before it in the run will add, at most what the run may take up. Of the request, the id and what bounds credits
// do not matter. Errors: ErrInvalid; the registry's, if a function of one of its stages has no model.
func (p *Pipeline) Estimate(ctx context.Context, q Request) (Estimate, error) {
	stages, err := q.stages()
	if err != nil {
		return Estimate{}, err
	}
	w, err := p.waiting(ctx, q.Site)
	if err != nil {
		return Estimate{}, err
	}
	pictures, err := p.pictures(ctx, q.Account)
	if err != nil {
		return Estimate{}, err
	}
	var e Estimate
	for _, stage := range stages {
		s, err := p.estimateStage(ctx, q, stage, &w, int64(pictures))
		if err != nil {
			return Estimate{}, err
		}
		e.Stages, e.Total = append(e.Stages, s), e.Total+s.Credits
	}
	return e, nil
}

// estimateStage says what a stage is expected to do, and adds what it will make to what waits for the next ones.
func (p *Pipeline) estimateStage(ctx context.Context, q Request, stage string, w *waiting, pictures int64) (StageEstimate, error) {
	take := func(waits int64) int64 {
		if most := q.MaxItems[stage]; most > 0 {
			return min(waits, most)
		}
		return waits
	}
	f, call := p.cfg.Functions, engine.Call{Account: q.Account}
	var items int64
	var each credits.Amount
	var err error
	switch stage {
	case Cluster:
		keywords := take(w.keywords)
		if keywords < functions.MinKeywords {
			keywords = 0
		}
		items = parts(keywords, int64(p.cfg.BatchSize))
		w.clusters += parts(keywords, keywordsPerCluster)
		each, err = engine.Estimate(ctx, p.cfg.Engine, f.Cluster, call, clusterUsage)
	case Ideas:
		items = take(w.clusters)
		w.ideas += items * ideasPerCluster
		each, err = engine.Estimate(ctx, p.cfg.Engine, f.Ideas, call, ideasUsage)
	case Tasks:
		items = take(w.ideas)
		w.tasks += items
	case Write:
		items = take(w.tasks)
		w.articles += items
		each, err = engine.Estimate(ctx, p.cfg.Engine, f.Content, call, contentUsage)
	case ImagePrompts:
		if pictures > 0 {
			items = take(w.articles)
		}
		w.images += items * (pictures + 1)
		if items > 0 { // who wants no pictures needs no model that describes them
			each, err = engine.Estimate(ctx, p.cfg.Engine, f.ImagePrompts, call, promptsUsage)
		}
	case Images:
		if items = take(w.images); items > 0 {
			each, err = engine.Estimate(ctx, p.cfg.Engine, f.Images, call, usage.Images(1))
		}
	case Publish:
		items = take(w.articles)
	}
	return StageEstimate{stage, items, each * credits.Amount(items)}, err
}

// parts is how many parts of at most size n makes.
func parts(n, size int64) int64 { return (n + size - 1) / size }

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
