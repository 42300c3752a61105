package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

const account = credits.Account("account")

// database is the stores of one database.
type database struct {
	ledger  credits.Ledger
	models  registry.ModelStore
	runs    automation.Store
	content pipeline.Content
	close   func()
}

func (b *bench) openSQLite(ctx context.Context) (*database, error) {
	db, err := sqlite.Open(ctx, filepath.Join(b.dir, "runs.db"), nil)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &database{db.Ledger(), db.Models(), db.Runs(), db.Content(), func() { _ = db.Close() }}, nil
}

func (b *bench) openPostgres(ctx context.Context) (*database, error) {
	data, err := pgtest.ConnectOnDisk(ctx)
	if err != nil {
		return nil, err
	}
	db, err := postgres.New(ctx, data.Pool, &postgres.Options{Schema: data.Schema})
	if err == nil {
		err = db.Migrate(ctx)
	}
	if err != nil {
		data.Close()
		return nil, err
	}
	return &database{db.Ledger(), db.Models(), db.Runs(), db.Content(), data.Close}, nil
}

// fund writes the first prices, and grants what no run uses up.
func (d *database) fund(ctx context.Context) error {
	catalogue, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return err
	}
	if _, err := d.models.Save(ctx, registry.Change{Who: "runbench", Why: "first prices", Next: catalogue}); err != nil {
		return err
	}
	_, err = d.ledger.Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1 << 50})
	return err
}

// host works on the runs of a database.
type host struct {
	*database
	registry *registry.Registry
	pipeline *pipeline.Pipeline
	runner   *automation.Runner
	stop     context.CancelFunc
	served   chan error
}

// serve opens a host that has so many workers and calls the given upstream.
func (b *bench) serve(ctx context.Context, d *database, baseURL string, workers int) (*host, error) {
	h := &host{database: d, served: make(chan error, 1)}
	var err error
	if h.registry, err = registry.Open(ctx, d.models, nil); err != nil {
		return nil, err
	}
	text, err1 := openai.New(openai.Config{BaseURL: baseURL})
	images, err2 := dalle.New(dalle.Config{BaseURL: baseURL})
	set, err3 := functions.New()
	pictures, err4 := blobs.Open(filepath.Join(b.dir, "pictures"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	eng, err := engine.New(engine.Config{Ledger: d.ledger, Registry: h.registry, Providers: []providers.Provider{text, images},
		Keys: secret.Static{"openai": {ID: "loopback", Secret: secret.New("loopback")}}, Blobs: pictures, Downloads: http.DefaultClient})
	if err != nil {
		return nil, err
	}
	h.pipeline, err = pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: d.content, Publisher: nowhere{}, Ledger: d.ledger, Blobs: pictures})
	if err != nil {
		return nil, err
	}
	h.runner, err = automation.New(automation.Config{Store: d.runs, Stages: h.pipeline.Stages(), Workers: workers})
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	h.stop = stop
	go func() { h.served <- h.runner.Serve(serving) }()
	return h, nil
}

// close ends what is under way.
func (h *host) close() error {
	h.stop()
	err := <-h.served
	h.registry.Close()
	return err
}

// start begins a run over one stage of a site, which has the run's name.
func (h *host) start(ctx context.Context, site, stage string) error {
	_, err := h.pipeline.Start(ctx, h.runner, pipeline.Request{ID: site, Site: site, Account: account, From: stage, To: stage})
	return err
}

// finish waits for a run's end and returns how long it took, planning included. Every one of its items must be done.
func (h *host) finish(ctx context.Context, run string, items int64) (time.Duration, error) {
	r, stages, err := h.runner.Wait(ctx, run)
	if err == nil && (r.State != automation.Done || stages[0].Done != items) {
		err = fmt.Errorf("run %s is %s because of %q (%s) with %d of %d items", run, r.State, r.Reason, r.Detail, stages[0].Done, items)
	}
	return r.EndedAt.Sub(r.CreatedAt), err
}

// nowhere publishes nothing.
type nowhere struct{}

func (nowhere) Publish(_ context.Context, p content.Post) (content.Publication, error) {
	return content.Publication{ExternalID: p.Key, ExternalURL: "https://example.com/" + p.Article.Slug}, nil
}

// Index reads everything that is published, as a publisher's does.
func (nowhere) Index(_ context.Context, posts iter.Seq2[content.Post, error]) error {
	for _, err := range posts {
		if err != nil {
			return err
		}
	}
	return nil
}
