package pipeline_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/folder"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/blobs"
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
)

// The whole way, on a store in memory and with a fake upstream; examples/quickstart does the same in a file that survives
// kills.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "site")
	check(err)
	defer os.RemoveAll(dir)

	// Money and prices.
	db := memory.New(nil)
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: "alice", Key: "order-1", Kind: credits.Purchase, Amount: 1000})
	check(err)
	catalogue, err := registry.Catalogue(registry.Seed)
	check(err)
	catalogue.Settings.Images.PerArticle = new(1) // besides the picture at the head of an article
	_, err = db.Models().Save(ctx, registry.Change{Who: "setup", Why: "first prices", Next: catalogue})
	check(err)
	models, err := registry.Open(ctx, db.Models(), nil)
	check(err)
	defer models.Close()

	// The engine, with a fake upstream in place of OpenAI.
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: functionstest.New()})
	check(err)
	defer up.Close()
	chat, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	check(err)
	images, err := dalle.New(dalle.Config{BaseURL: up.BaseURL})
	check(err)
	pictures, err := blobs.Open(dir + "/pictures")
	check(err)
	eng, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Providers: []providers.Provider{chat, images}, Blobs: pictures,
		Keys:      secret.Static{"openai": {ID: "fake", Secret: secret.New("any")}},
		Downloads: http.DefaultClient}) // may connect to loopback, unlike the engine's own
	check(err)

	// The pipeline and the runner that works on it.
	set, err := functions.New()
	check(err)
	site, err := folder.Open(folder.Config{Dir: dir + "/site", Title: "Tea"})
	check(err)
	p, err := pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: db.Content(), Publisher: site, Ledger: db.Ledger(),
		Blobs: pictures})
	check(err)
	runner, err := automation.New(automation.Config{Store: db.Runs(), Stages: p.Stages()})
	check(err)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- runner.Serve(serving) }()

	_, err = p.AddKeywords(ctx, "tea", []pipeline.Keyword{{Text: "how to brew green tea"}, {Text: "green tea water temperature"},
		{Text: "best green tea for beginners"}, {Text: "green tea caffeine"}, {Text: "how to store green tea"}})
	check(err)
	_, err = p.Start(ctx, runner, pipeline.Request{ID: "run-1", Site: "tea", Account: "alice"})
	check(err)
	run, stages, err := runner.Wait(ctx, "run-1")
	check(err)
	stop()
	check(<-served)

	fmt.Println(run.State)
	for _, s := range stages {
		fmt.Println(s.Stage, s.Done, "of", s.Total)
	}
	// Output:
	// done
	// cluster 1 of 1
	// ideas 1 of 1
	// tasks 3 of 3
	// content 3 of 3
	// image_prompts 3 of 3
	// images 6 of 6
	// publish 3 of 3
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
