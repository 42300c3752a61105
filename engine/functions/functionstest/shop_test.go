package functionstest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// shop is the real engine over a fake upstream that answers with a Responder.
type shop struct {
	up     *providertest.Server
	engine *engine.Engine
	set    *functions.Set
	blobs  engine.Blobs
	calls  int
}

const account = credits.Account("reader")

func open(t testing.TB) *shop {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &shop{up: providertest.Start(t, providertest.Config{Responder: functionstest.New()})}
	db := memory.New(nil)
	catalogue, err := registry.Catalogue(registry.Seed)
	must(err)
	_, err = db.Models().Save(ctx, registry.Change{Who: "test", Why: "seed", Next: catalogue})
	must(err)
	reg, err := registry.Open(ctx, db.Models(), nil)
	must(err)
	t.Cleanup(reg.Close)
	text, err := openai.New(openai.Config{BaseURL: s.up.BaseURL})
	must(err)
	pictures, err := dalle.New(dalle.Config{BaseURL: s.up.BaseURL})
	must(err)
	s.blobs, err = blobs.Open(t.TempDir())
	must(err)
	s.engine, err = engine.New(engine.Config{Ledger: db.Ledger(), Registry: reg, Providers: []providers.Provider{text, pictures},
		Keys:  secret.Static{"openai": {ID: "test", Secret: secret.New("sk-test")}},
		Blobs: s.blobs, Downloads: http.DefaultClient})
	must(err)
	s.set, err = functions.New()
	must(err)
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1_000_000_000})
	must(err)
	return s
}

// buy runs a function and expects one call that is charged and needs no repair.
func buy[In, Out any](t testing.TB, s *shop, f *engine.Function[In, Out], in In) Out {
	t.Helper()
	s.calls++
	r, err := engine.Run(t.Context(), s.engine, f, engine.Call{Account: account, Key: credits.Key(fmt.Sprint("call-", s.calls))}, in)
	if err != nil {
		t.Fatalf("%s(%+v): %v", f.Name(), in, err)
	}
	if r.Charged <= 0 {
		t.Errorf("%s charged %d credits, want some", f.Name(), r.Charged)
	}
	if n := len(s.up.Journal()); n != s.calls {
		t.Fatalf("%s(%+v): the upstream had %d requests, want %d", f.Name(), in, n, s.calls)
	}
	return r.Out
}

func queries(texts ...string) (out []functions.Query) {
	for i, text := range texts {
		out = append(out, functions.Query{N: i + 1, Text: text})
	}
	return out
}

// odd are keywords that people have pasted into worse programs.
var odd = []string{
	"bread", "Bread", "x", "1", "🍞🍞", "👩‍👩‍👧 family", "面包 怎么 做", "как испечь хлеб", "خبز العجين", "wie macht man brot",
	"...", "?", "<b>bold</b> & \"quoted\"", "{name} [a|b]", "how to", "who", "vs", "a vs b", "best", "who played", "who sings",
	"when does", "is the", "c++", "o'neill's", "the the", "who played the the", "100% [pure]", "how to properly clean a tap",
	strings.Repeat("long", 120), strings.Repeat("long keyword ", 38), strings.Repeat("面", 160), "who sang " + strings.Repeat("la ", 60),
	"tab\tand\u200bzero\u0000width", "SHOUTING QUESTION", "C# vs F#", "iPhone 15 Pro", "what's", "why", "how many", "describe",
}

var plainKeywords = []string{
	"how to make a sourdough starter", "sourdough starter feeding schedule", "how to store sourdough starter in the fridge",
	"best flour for sourdough starter", "why is my sourdough bread dense", "sourdough vs yeast bread", "best running shoes for flat feet",
	"running shoes vs walking shoes", "how often to replace running shoes", "trail running shoes", "who played tom riddle in the half blood prince",
	"who sings she's like the wind", "when does season 14 of supernatural come on", "where is the diaphragm located in the body",
	"who wrote the book the origin of species", "what is the study of biodiversity called", "how many episodes of season 3 of animal kingdom",
	"film soundtracks",
}

// realKeywords returns what people typed into Google, a file at a time; nil where the data is not at hand.
func realKeywords(t testing.TB) map[string][]string {
	t.Helper()
	files, _ := filepath.Glob("../../../../shared/data/keywords/nq-google-queries-*.txt")
	if len(files) == 0 {
		t.Log("the files of real keywords are not at hand: only the bundled ones are used")
		return nil
	}
	out := map[string][]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	return out
}
