package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/usage"
)

// A host's own function: headlines for a text.
type (
	Draft struct {
		Text string `json:"text"`
		N    int    `json:"n"`
	}
	Headlines struct {
		Headlines []string `json:"headlines"`
	}
)

var headlines, _ = engine.Define(engine.Definition[Draft, Headlines]{
	Name: "headlines", Operation: "idea_generation",
	Text: &engine.Text[Draft, Headlines]{
		Messages: func(env engine.Env, in Draft) ([]providers.Message, error) {
			return []providers.Message{
				{Role: providers.System, Text: "Write headlines. " + env.Prompt},
				{Role: providers.User, Text: fmt.Sprintf("%d for: %s", in.N, in.Text)},
			}, nil
		},
		MaxOutput: func(in Draft) int64 { return 50 + 30*int64(in.N) },
		Check: func(in Draft, out Headlines) error {
			if len(out.Headlines) != in.N {
				return fmt.Errorf("there are %d headlines, want %d", len(out.Headlines), in.N)
			}
			return nil
		},
	},
})

// editor answers in the place of a model, so that the examples need no key and no network.
type editor struct{ providertest.Echo }

func (editor) Text(providertest.TextCall) (string, error) {
	return `{"headlines":["Prepaid, not postponed","Count once"]}`, nil
}

// newExampleHost makes an engine on a memory store, with 100 credits for the account acme.
func newExampleHost(o engine.Observer) (e *engine.Engine, ledger credits.Ledger, stop func()) {
	ctx := context.Background()
	db := memory.New(nil)
	catalogue, _ := registry.Catalogue(registry.Seed)
	_, err := db.Models().Save(ctx, registry.Change{Who: "example", Why: "first version", Next: catalogue})
	if err != nil {
		log.Fatal(err)
	}
	models, err := registry.Open(ctx, db.Models(), nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: "acme", Key: "order-1", Kind: credits.Purchase, Amount: 100})
	if err != nil {
		log.Fatal(err)
	}
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: editor{}})
	if err != nil {
		log.Fatal(err)
	}
	provider, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	if err != nil {
		log.Fatal(err)
	}
	e, err = engine.New(engine.Config{
		Ledger: db.Ledger(), Registry: models, Observer: o,
		Functions: []engine.AnyFunction{headlines},
		Limits:    map[string]engine.Limits{"openai": {Concurrent: 8, PerMinute: 600}},
		Providers: []providers.Provider{provider},
		Keys:      secret.Static{"openai": {ID: "main", Secret: secret.New("sk-example")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return e, db.Ledger(), func() { models.Close(); up.Close() }
}

// A host: a store, a registry, a provider, an engine, and one call that is charged once however often it is made.
func Example() {
	ctx := context.Background()
	e, ledger, stop := newExampleHost(nil)
	defer stop()

	call := engine.Call{Account: "acme", Key: "article-7/headlines"}
	for range 2 {
		got, err := engine.Run(ctx, e, headlines, call, Draft{Text: "an article", N: 2})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q charged %d, replayed %t\n", got.Out.Headlines, got.Charged, got.Replayed)
	}
	balance, _ := ledger.Balance(ctx, "acme")
	fmt.Println("left:", balance.Available)
	// Output:
	// ["Prepaid, not postponed" "Count once"] charged 1, replayed false
	// ["Prepaid, not postponed" "Count once"] charged 1, replayed true
	// left: 99
}

func ExampleRun() {
	ctx := context.Background()
	e, ledger, stop := newExampleHost(nil)
	defer stop()

	// What the account cannot cover is not sent; what fails costs nothing.
	_, err := engine.Run(ctx, e, headlines, engine.Call{Account: "nobody", Key: "k"}, Draft{Text: "an article", N: 2})
	var short *credits.InsufficientError
	fmt.Println(errors.As(err, &short), short.Need, short.Available)
	_, err = engine.Run(ctx, e, headlines, engine.Call{Account: "acme", Key: "k"}, Draft{Text: "an article", N: 3})
	fmt.Println(errors.Is(err, engine.ErrAnswer))
	balance, _ := ledger.Balance(ctx, "acme")
	fmt.Println(balance.Available, balance.Held)
	// Output:
	// true 1 0
	// true
	// 100 0
}

func ExampleDefine() {
	type answer struct {
		Title string            `json:"title"`
		Extra map[string]string `json:"extra"`
	}
	_, err := engine.Define(engine.Definition[string, answer]{
		Name: "title", Operation: "idea_generation",
		Text: &engine.Text[string, answer]{
			Messages: func(_ engine.Env, in string) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.User, Text: in}}, nil
			},
			MaxOutput: func(string) int64 { return 100 },
		},
	})
	fmt.Println(err)
	// Output: engine: invalid configuration: function "title": answer.Extra: a strict schema cannot express map[string]string
}

func ExampleQuote() {
	e, _, stop := newExampleHost(nil)
	defer stop()
	quote, err := engine.Quote(context.Background(), e, headlines, engine.Call{Account: "acme"}, Draft{"Credits are held before a call is made.", 2})
	fmt.Println(quote.Model, quote.Hold, err)
	// Output:
	// gpt-5.1 1 <nil>
}

func ExampleEngine_Execute() {
	e, _, stop := newExampleHost(nil)
	defer stop()
	// What an HTTP handler or a queue has: a name, a key, and JSON.
	r, err := e.Execute(context.Background(), "headlines", engine.Call{Account: "acme", Key: "request-7"},
		[]byte(`{"text": "Credits are held before a call is made.", "n": 2}`))
	fmt.Println(string(r.Out), r.Charged, err)
	_, err = e.Execute(context.Background(), "headlines", engine.Call{Account: "acme", Key: "request-8"}, []byte(`{"n": "two"}`))
	fmt.Println(err)
	// Output:
	// {"headlines":["Prepaid, not postponed","Count once"]} 1 <nil>
	// engine: function "headlines": invalid input: field "n": want a int
}

func ExampleEstimate() {
	e, _, stop := newExampleHost(nil)
	defer stop()
	for _, model := range []string{"", "gpt-4o-mini"} { // "" is what the settings say
		n, err := engine.Estimate(context.Background(), e, headlines, engine.Call{Model: model}, usage.Tokens(4_000, 1_500))
		fmt.Println(n, err)
	}
	// Output:
	// 6 <nil>
	// 1 <nil>
}

func ExampleLog() {
	shown := map[string]bool{"level": true, "msg": true, "phase": true, "account": true, "key": true, "charged": true}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if !shown[a.Key] {
				return slog.Attr{}
			}
			return a
		},
	}))
	e, _, stop := newExampleHost(engine.Log(logger))
	defer stop()
	call := engine.Call{Account: "acme", Key: "article-7"}
	if _, err := engine.Run(context.Background(), e, headlines, call, Draft{Text: strings.Repeat("words ", 100), N: 2}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="scrip operation" phase=INIT account=acme key=article-7 charged=0
	// level=DEBUG msg="scrip operation" phase=PREP account=acme key=article-7 charged=0
	// level=DEBUG msg="scrip operation" phase=AI_CALL account=acme key=article-7 charged=0
	// level=DEBUG msg="scrip operation" phase=PARSE account=acme key=article-7 charged=0
	// level=DEBUG msg="scrip operation" phase=SAVE account=acme key=article-7 charged=0
	// level=INFO msg="scrip operation" phase=DONE account=acme key=article-7 charged=1
}
