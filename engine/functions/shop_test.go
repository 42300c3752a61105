package functions_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// script says the same whatever it is asked, and remembers what that was.
type script struct {
	answer string

	mu    sync.Mutex
	asked []providertest.TextCall
}

func (s *script) Text(c providertest.TextCall) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, c)
	return s.answer, nil
}

func (s *script) Image(c providertest.ImageCall) (providertest.Picture, error) {
	return providertest.Echo{}.Image(c)
}

const account = credits.Account("reader")

// open returns an engine whose upstream answers with a responder, by the catalogue of January 2026 as change left it.
func open(t testing.TB, responder providertest.Responder, change func(*registry.Configuration)) (*engine.Engine, *functions.Set) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db := memory.New(nil)
	catalogue, err := registry.Catalogue(registry.Seed)
	must(err)
	if change != nil {
		change(&catalogue)
	}
	_, err = db.Models().Save(ctx, registry.Change{Who: "test", Why: "seed", Next: catalogue})
	must(err)
	reg, err := registry.Open(ctx, db.Models(), nil)
	must(err)
	t.Cleanup(reg.Close)
	up := providertest.Start(t, providertest.Config{Responder: responder})
	text, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	must(err)
	pictures, err := runware.New(runware.Config{BaseURL: up.BaseURL})
	must(err)
	kept, err := blobs.Open(t.TempDir())
	must(err)
	key := secret.Key{ID: "test", Secret: secret.New("sk-test")}
	e, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: reg, Providers: []providers.Provider{text, pictures},
		Keys: secret.Static{"openai": key, "runware": key}, Blobs: kept, Downloads: http.DefaultClient})
	must(err)
	set, err := functions.New()
	must(err)
	_, err = db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1_000_000})
	must(err)
	return e, set
}

func queries(texts ...string) (out []functions.Query) {
	for i, text := range texts {
		out = append(out, functions.Query{N: i + 1, Text: text})
	}
	return out
}
