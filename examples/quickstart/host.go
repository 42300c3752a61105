package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/folder"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/automation/wordpress"
	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// account is who pays: this host has one customer.
const account credits.Account = "quickstart"

// host is the parts of Scrip that this program puts together.
type host struct {
	o       options
	stderr  io.Writer
	started time.Time

	db       *sqlite.DB
	registry *registry.Registry
	site     content.Publisher
	upstream *upstreams
	pipeline *pipeline.Pipeline
	runner   *automation.Runner

	run     automation.Run
	over    bool   // the run was over before this process began
	resumed bool   // the run was under way before
	ending  string // an earlier run that is being cancelled; empty if there is none
}

// The tests replace these to watch every write, and to die in it.
var (
	openDB    = func(ctx context.Context, path string) (*sqlite.DB, error) { return sqlite.Open(ctx, path, nil) }
	openBlobs = func(dir string) (engine.Blobs, error) { return blobs.Open(dir) }
)

// open puts the host together and finds, or starts, the run. All errors are found before anything is paid for. What a
// failed start made is removed again.
func open(ctx context.Context, o options, getenv func(string) string, stderr io.Writer) (_ *host, err error) {
	keywords, err := readKeywords(o.keywords, o.limit)
	if err != nil {
		return nil, err
	}
	h := &host{o: o, stderr: stderr, started: time.Now()}
	newDB, newSite := missing(o.db), o.site == "" && missing(o.out)
	defer func() {
		if err != nil {
			h.undo(newDB, newSite)
		}
	}()
	if h.db, err = openDB(ctx, o.db); err != nil {
		return nil, err
	}
	if h.site, err = openSite(ctx, o, getenv); err != nil {
		return nil, err
	}
	if err := h.db.Migrate(ctx); err != nil {
		return nil, err
	}
	if h.upstream, err = chooseUpstreams(o.upstream, getenv); err != nil {
		return nil, err
	}
	if err := h.configure(ctx); err != nil {
		return nil, err
	}
	if err := h.assemble(); err != nil {
		return nil, err
	}
	if err := h.grant(ctx); err != nil {
		return nil, err
	}
	return h, h.findRun(ctx, keywords)
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// undo removes what a failed start made, and nothing that another process may have made in the meantime: a database that
// could be opened is this process's alone, and a site is empty until something is published.
func (h *host) undo(newDB, newSite bool) {
	opened, site := h.db != nil, h.site != nil
	h.close()
	if newDB && opened {
		for _, path := range []string{h.o.db, h.o.db + ".lock", blobsDir(h.o)} {
			_ = os.RemoveAll(path)
		}
	}
	if newSite && site && os.Remove(filepath.Join(h.o.out, "articles")) == nil {
		_ = os.RemoveAll(h.o.out)
	}
}

func blobsDir(o options) string { return o.db + "-blobs" }

// openSite returns where articles are published. A WordPress is asked first whether it lets us.
func openSite(ctx context.Context, o options, getenv func(string) string) (content.Publisher, error) {
	if o.site == "" {
		return openFolder(o)
	}
	site, err := wordpress.New(wordpress.Config{URL: o.site, User: getenv("WORDPRESS_USER"), Password: secret.New(getenv("WORDPRESS_PASSWORD"))})
	if err != nil {
		return nil, err
	}
	return site, site.Check(ctx)
}

func openFolder(o options) (content.Publisher, error) {
	c := folder.Config{Dir: o.out, Title: "Worth Knowing", Description: "Plain answers to what people ask."}
	if o.keywords == "" {
		c.Title, c.Description = "The Balcony Kitchen Garden", "Vegetables, herbs and compost where there is no garden."
	}
	site, err := folder.Open(c)
	if err != nil {
		return nil, err
	}
	return site, nil
}

func (h *host) close() {
	if h.registry != nil {
		h.registry.Close()
	}
	if h.upstream != nil {
		h.upstream.close()
	}
	if h.db != nil {
		_ = h.db.Close()
	}
	h.registry, h.upstream, h.db = nil, nil, nil
}

// configure brings the catalogue into the database, as a first version or as a change of the one before.
func (h *host) configure(ctx context.Context) error {
	next, err := registry.Catalogue(h.upstream.catalogue)
	if err != nil {
		return err
	}
	next.Settings.Images.PerArticle = &h.o.images
	models := h.db.Models()
	base, err := models.Latest(ctx)
	if err != nil {
		return err
	}
	why := "catalogue " + h.upstream.catalogue
	save := base == 0
	if base > 0 {
		now, err := models.Load(ctx, base)
		if err != nil {
			return err
		}
		save = len(registry.Diff(now.Configuration, next)) > 0
	}
	if save {
		if _, err := models.Save(ctx, registry.Change{Base: base, Who: "quickstart", Why: why, Next: next}); err != nil {
			return err
		}
	}
	h.registry, err = registry.Open(ctx, models, nil)
	return err
}

func (h *host) assemble() error {
	pictures, err := openBlobs(blobsDir(h.o))
	if err != nil {
		return err
	}
	eng, err := engine.New(engine.Config{Ledger: h.db.Ledger(), Registry: h.registry, Providers: h.upstream.providers,
		Keys: h.upstream.keys, Blobs: pictures, Downloads: h.upstream.downloads})
	if err != nil {
		return err
	}
	set, err := functions.New()
	if err != nil {
		return err
	}
	h.pipeline, err = pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: h.db.Content(), Publisher: h.site,
		Ledger: h.db.Ledger(), Blobs: pictures})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(h.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h.runner, err = automation.New(automation.Config{Store: h.db.Runs(), Stages: h.pipeline.Stages(), Workers: h.o.workers, Logger: log})
	return err
}

// grant raises what was ever granted to what is asked for. The key says to how much, so asking again grants nothing.
func (h *host) grant(ctx context.Context) error {
	granted, err := h.granted(ctx)
	if err != nil {
		return err
	}
	want := credits.Amount(h.o.credits)
	if want <= granted {
		return nil
	}
	_, err = h.db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: credits.Key(fmt.Sprintf("grant/%d", want)),
		Kind: credits.Purchase, Amount: want - granted, Note: "quickstart -credits"})
	return err
}

func (h *host) granted(ctx context.Context) (credits.Amount, error) {
	var total credits.Amount
	for e, err := range h.db.Ledger().Entries(ctx, credits.EntryQuery{Account: account}) {
		if err != nil {
			return 0, err
		}
		if e.Kind == credits.EntryGrant {
			total += e.Amount // the ledger has added them up before, so they fit
		}
	}
	return total, nil
}

// findRun takes up the newest run, or starts one if there is none, or if a fresh one is wanted. Each run has a site of
// its own, because it does everything from the keywords on.
func (h *host) findRun(ctx context.Context, keywords []pipeline.Keyword) error {
	n := 0
	for run, err := range h.db.Runs().Runs(ctx, "") {
		if err != nil {
			return err
		}
		if n == 0 {
			h.run = run
		}
		n++
	}
	if n > 0 && !h.o.fresh {
		h.over = h.run.State.Terminal()
		return h.resume(ctx)
	}
	if n > 0 && !h.run.State.Terminal() {
		if err := h.runner.Cancel(ctx, h.run.ID); err != nil && h.run.State != automation.Canceling {
			return err
		}
		h.ending = h.run.ID
		fmt.Fprintf(h.stderr, "quickstart: %s is cancelled; what it paid for is kept\n", h.ending)
	}
	return h.start(ctx, n+1, keywords)
}

func (h *host) start(ctx context.Context, number int, keywords []pipeline.Keyword) error {
	id, site := fmt.Sprintf("run-%d", number), fmt.Sprintf("site-%d", number)
	added, err := h.pipeline.AddKeywords(ctx, site, keywords)
	if err != nil {
		return err
	}
	e, err := h.pipeline.Start(ctx, h.runner, pipeline.Request{ID: id, Site: site, Account: account, AllowShort: true})
	if err != nil {
		return err
	}
	b, err := h.db.Ledger().Balance(ctx, account)
	if err != nil {
		return err
	}
	fmt.Fprintf(h.stderr, "quickstart: %s\n", h.upstream.says)
	fmt.Fprintf(h.stderr, "quickstart: %s starts: %d keywords, about %d credits of %d available\n", id, added, e.Total, b.Available)
	h.run, _, err = h.db.Runs().Run(ctx, id)
	return err
}

func (h *host) resume(ctx context.Context) error {
	if h.over {
		return nil
	}
	if h.run.State == automation.Paused || h.run.State == automation.Pausing {
		if err := h.runner.Resume(ctx, h.run.ID); err != nil {
			return err
		}
	}
	fmt.Fprintf(h.stderr, "quickstart: %s\n", h.upstream.says)
	fmt.Fprintf(h.stderr, "quickstart: %s goes on in stage %s\n", h.run.ID, h.run.Stage)
	h.resumed = true
	return nil
}

// work serves the run until it is over or paused, or the context ends.
func (h *host) work(ctx context.Context) error {
	serve, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- h.runner.Serve(serve) }()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		h.watch(serve)
	}()
	run, _, err := h.runner.Wait(ctx, h.run.ID)
	if h.ending != "" && err == nil {
		_, _, err = h.runner.Wait(ctx, h.ending)
	}
	stop()
	err = errors.Join(err, <-served)
	<-watched
	if run.ID != "" {
		h.run = run
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped; the same command goes on")
	}
	return err
}

// published counts the articles on the site.
func (h *host) published(ctx context.Context) (int64, error) {
	return h.db.Content().Articles().Count(ctx, content.Query{Site: h.run.Site, Status: content.Approved})
}
