package pipeline_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// shop is a host: a store, the fake upstreams, and a pipeline over them.
type shop struct {
	t        testing.TB
	up       *providertest.Server
	ledger   credits.Ledger
	runs     automation.Store
	content  pipeline.Content
	press    *press
	pipeline *pipeline.Pipeline
	runner   *automation.Runner
}

// faces are the stores of one database.
type faces struct {
	ledger  credits.Ledger
	models  registry.ModelStore
	runs    automation.Store
	content pipeline.Content
}

func inMemory(testing.TB) faces {
	db := memory.New(nil)
	return faces{db.Ledger(), db.Models(), db.Runs(), db.Content()}
}

func inSQLite(t testing.TB) faces {
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "shop.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return faces{db.Ledger(), db.Models(), db.Runs(), db.Content()}
}

// newShop opens a shop whose account "alice" has the given credits.
func newShop(t testing.TB, f faces, pictures int, granted credits.Amount) *shop {
	t.Helper()
	ctx := context.Background()
	s := &shop{t: t, ledger: f.ledger, runs: f.runs, content: f.content, press: &press{posts: map[string]content.Post{}}}
	s.up = providertest.Start(t, providertest.Config{Responder: functionstest.New()})
	catalogue, err := registry.Catalogue(registry.Seed)
	must(t, err)
	catalogue.Settings.Images.PerArticle = &pictures
	_, err = f.models.Save(ctx, registry.Change{Who: "test", Why: "first", Next: catalogue})
	must(t, err)
	models, err := registry.Open(ctx, f.models, nil)
	must(t, err)
	t.Cleanup(models.Close)
	chat, err := openai.New(openai.Config{BaseURL: s.up.BaseURL})
	must(t, err)
	images, err := dalle.New(dalle.Config{BaseURL: s.up.BaseURL})
	must(t, err)
	blobs := &shelf{names: map[string][]byte{}}
	eng, err := engine.New(engine.Config{Ledger: f.ledger, Registry: models, Providers: []providers.Provider{chat, images},
		Keys: secret.Static{"openai": {ID: "k", Secret: secret.New("a-key")}}, Blobs: blobs, Downloads: http.DefaultClient})
	must(t, err)
	set, err := functions.New()
	must(t, err)
	s.pipeline, err = pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: f.content, Publisher: s.press,
		Ledger: f.ledger, Blobs: blobs})
	must(t, err)
	s.runner, err = automation.New(automation.Config{Store: f.runs, Stages: s.pipeline.Stages(), Workers: 4, Poll: 10 * time.Millisecond})
	must(t, err)
	if granted > 0 {
		_, err = f.ledger.Grant(ctx, credits.Grant{Account: "alice", Key: "grant", Kind: credits.Plan, Amount: granted})
		must(t, err)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve works on the store until the test ends, or stop is called.
func (s *shop) serve() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.runner.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			s.t.Errorf("Serve: %v", err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// wait waits until run "r" is paused or over.
func (s *shop) wait(want automation.State) (automation.Run, []automation.StageCount) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run, counts, err := s.runner.Wait(ctx, "r")
	must(s.t, err)
	if run.State != want {
		s.t.Fatalf("the run is %s because of %q (%s), want %s", run.State, run.Reason, run.Detail, want)
	}
	return run, counts
}

func (s *shop) start(q pipeline.Request) (pipeline.Estimate, error) {
	q.ID, q.Site, q.Account = "r", "site", "alice"
	return s.pipeline.Start(s.t.Context(), s.runner, q)
}

func (s *shop) addKeywords(texts ...string) {
	s.t.Helper()
	var ks []pipeline.Keyword
	for _, text := range texts {
		ks = append(ks, pipeline.Keyword{Text: text})
	}
	_, err := s.pipeline.AddKeywords(s.t.Context(), "site", ks)
	must(s.t, err)
}

// verify checks the ledger, and that nothing is held.
func (s *shop) verify() credits.Balance {
	s.t.Helper()
	report, err := s.ledger.Verify(s.t.Context(), "alice")
	must(s.t, err)
	if !report.OK() {
		s.t.Errorf("the ledger has problems: %+v", report.Problems)
	}
	b, err := s.ledger.Balance(s.t.Context(), "alice")
	must(s.t, err)
	if b.Held != 0 {
		s.t.Errorf("%d credits are held, want none", b.Held)
	}
	return b
}

func all[T content.Row[T]](t testing.TB, table content.Table[T]) (out []T) {
	t.Helper()
	for row, err := range table.List(context.Background(), content.Query{Site: "site"}) {
		must(t, err)
		out = append(out, row)
	}
	return out
}

var teaKeywords = []string{"how to brew green tea", "green tea water temperature", "best green tea for beginners", "green tea vs black tea",
	"black tea with milk", "how long to steep black tea", "black tea caffeine", "how to store tea leaves", "loose tea or tea bags", "cold brew tea recipe"}

// press is a publisher that keeps what it is given.
type press struct {
	mu    sync.Mutex
	posts map[string]content.Post
	times int
	fail  error
}

func (p *press) Publish(ctx context.Context, post content.Post) (content.Publication, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times++
	if p.fail != nil {
		return content.Publication{}, p.fail
	}
	for _, img := range post.Images {
		if data, err := img.Read(ctx); err != nil || int64(len(data)) != img.Blob.Size {
			return content.Publication{}, errors.Join(err, errors.New("a picture cannot be read"))
		}
	}
	p.posts[post.Key] = post
	return content.Publication{ExternalID: post.Key, ExternalURL: "https://example.com/" + post.Article.Slug}, nil
}

// shelf keeps blobs in memory.
type shelf struct {
	mu    sync.Mutex
	names map[string][]byte
}

func (s *shelf) Put(_ context.Context, name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = data
	return nil
}

func (s *shelf) Get(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, ok := s.names[name]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}
