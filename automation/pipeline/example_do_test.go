package pipeline_test

import (
	"context"
	"fmt"
	"os"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/folder"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// A button: a person has five keywords grouped, beside whatever the site's run is at. A double click is one errand.
func ExamplePipeline_Do() {
	ctx := context.Background()
	db := memory.New(nil)
	p, runner, end := openHost(ctx, db)
	defer end()
	_, err := p.AddKeywords(ctx, "tea", []pipeline.Keyword{{Text: "how to brew green tea"}, {Text: "green tea water temperature"},
		{Text: "best green tea for beginners"}, {Text: "green tea caffeine"}, {Text: "how to store green tea"}, {Text: "black tea with milk"}})
	check(err)
	var chosen []string
	for k, err := range db.Content().Keywords().List(ctx, content.Query{Site: "tea", Status: content.New, Limit: 5}) {
		check(err)
		chosen = append(chosen, k.ID)
	}

	button := pipeline.Errand{ID: "the form's key", Site: "tea", Account: "alice", Stage: pipeline.Cluster, Items: chosen}
	for range 2 {
		_, err := p.Do(ctx, runner, button)
		check(err)
	}
	run, stages, err := runner.Wait(ctx, button.ID)
	check(err)
	left, err := db.Content().Keywords().Count(ctx, content.Query{Site: "tea", Status: content.New})
	check(err)
	fmt.Println(run.State, "for", stages[0].Credits, "credits;", left, "keyword is left")
	// Output:
	// done for 2 credits; 1 keyword is left
}

// openHost puts a host together on a store, with a fake upstream, and serves; end ends it.
func openHost(ctx context.Context, db *memory.DB) (p *pipeline.Pipeline, runner *automation.Runner, end func()) {
	dir, err := os.MkdirTemp("", "site")
	check(err)
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 100})
	check(err)
	catalogue, err := registry.Catalogue(registry.Seed)
	check(err)
	_, err = db.Models().Save(ctx, registry.Change{Who: "setup", Why: "first prices", Next: catalogue})
	check(err)
	models, err := registry.Open(ctx, db.Models(), nil)
	check(err)
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: functionstest.New()})
	check(err)
	chat, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	check(err)
	pictures, err := blobs.Open(dir + "/pictures")
	check(err)
	eng, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Providers: []providers.Provider{chat}, Blobs: pictures,
		Keys: secret.Static{"openai": {ID: "fake", Secret: secret.New("any")}}})
	check(err)
	set, err := functions.New()
	check(err)
	site, err := folder.Open(folder.Config{Dir: dir + "/site", Title: "Tea"})
	check(err)
	p, err = pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: db.Content(), Publisher: site, Ledger: db.Ledger(), Blobs: pictures})
	check(err)
	runner, err = automation.New(automation.Config{Store: db.Runs(), Stages: p.Stages()})
	check(err)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- runner.Serve(serving) }()
	return p, runner, func() {
		stop()
		check(<-served)
		models.Close()
		up.Close()
		check(os.RemoveAll(dir))
	}
}
