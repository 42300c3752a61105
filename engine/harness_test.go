package engine_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

const (
	account = credits.Account("acme")
	apiKey  = "sk-test-4f8d0c6e2b"                           // must never show up in an error, a log or a repair call
	prompt  = "a lighthouse that nobody else would describe" // neither must this, except upstream

	textModel    = "gpt-5.1"
	dalleModel   = "dall-e-3"
	runwareModel = "runware:97@1"
)

// The functions of these tests: one that echoes a text, one that draws.
type (
	ask  struct{ Text string }
	echo struct {
		Echo string `json:"echo"`
	}
	sketch struct {
		Prompt string
		N      int
	}
	gallery struct {
		Pictures []engine.Picture `json:"pictures"`
	}
)

var askDefinition = engine.Definition[ask, echo]{Name: "echo", Operation: "idea_generation",
	Validate: func(in ask) error {
		if in.Text == "" {
			return errors.New("the text is empty")
		}
		return nil
	},
	Text: &engine.Text[ask, echo]{
		Messages: func(env engine.Env, in ask) ([]providers.Message, error) {
			system := "Echo."
			if env.Prompt != "" {
				system = env.Prompt
			}
			return []providers.Message{{Role: providers.System, Text: system}, {Role: providers.User, Text: in.Text}}, nil
		},
		MaxOutput: func(ask) int64 { return 100 },
	}}

var sketchDefinition = engine.Definition[sketch, gallery]{Name: "sketch", Operation: "image_generation",
	Image: &engine.Image[sketch, gallery]{
		Draw: func(_ engine.Env, in sketch) (engine.Drawing, error) {
			return engine.Drawing{Prompt: in.Prompt, Shape: engine.Square, N: in.N}, nil
		},
		Result: func(_ sketch, p []engine.Picture) gallery { return gallery{p} },
	}}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	echoing   = must(engine.Define(askDefinition))
	sketching = must(engine.Define(sketchDefinition))
)

// configuration is the seed catalogue with small pictures and with prices at which a short text costs several credits.
func configuration() registry.Configuration {
	c := must(registry.Catalogue(registry.Seed))
	for i := range c.Models {
		m := &c.Models[i]
		if m.Kind == registry.Image {
			m.Sizes, m.LandscapeSize, m.SquareSize = nil, "64x48", "48x48"
		}
		if m.Name == textModel {
			m.TokensPerCredit = 10
		}
	}
	return c
}

// setup says how a host differs from the usual one.
type setup struct {
	upstream  providertest.Config
	configure func(*registry.Configuration)
	engine    func(*engine.Config)
	grant     credits.Amount // 1,000,000 if 0
	inProcess bool           // no sockets, for tests in a synctest bubble
}

// host is an engine with everything it needs: the memory store, the three adapters, and a fake upstream.
type host struct {
	*engine.Engine
	tb       testing.TB
	cfg      engine.Config
	ledger   *memory.Ledger
	models   *memory.Models
	registry *registry.Registry
	up       *providertest.Upstream
	blobs    *blobs
}

func newHost(tb testing.TB, s setup) *host {
	tb.Helper()
	db := memory.New(nil)
	h := &host{tb: tb, ledger: db.Ledger(), models: db.Models(), blobs: &blobs{data: map[string][]byte{}}}
	c := configuration()
	if s.configure != nil {
		s.configure(&c)
	}
	h.fatal(db.Models().Save(tb.Context(), registry.Change{Who: "test", Why: "test", Next: c}))
	var err error
	h.registry, err = registry.Open(tb.Context(), db.Models(), nil)
	h.fatal(nil, err)
	tb.Cleanup(h.registry.Close)
	if s.grant == 0 {
		s.grant = 1_000_000
	}
	h.fatal(h.ledger.Grant(tb.Context(), credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: s.grant}))

	s.upstream.APIKey = apiKey
	client, base := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, "http://upstream.test/v1"
	if s.inProcess {
		h.up = providertest.New(s.upstream)
		client.Transport = inProcess{h.up}
	} else {
		server := providertest.Start(tb, s.upstream)
		tb.Cleanup(client.CloseIdleConnections) // before the server's own, which would wait for them
		h.up, base = server.Upstream, server.BaseURL
	}
	key := secret.Key{ID: "main", Secret: secret.New(apiKey)}
	h.cfg = engine.Config{
		Ledger: h.ledger, Registry: h.registry, Blobs: h.blobs, Downloads: client,
		Keys: secret.Static{"openai": key, "runware": key},
		Providers: []providers.Provider{
			must(openai.New(openai.Config{BaseURL: base, HTTPClient: client})),
			must(dalle.New(dalle.Config{BaseURL: base, HTTPClient: client})),
			must(runware.New(runware.Config{BaseURL: base, HTTPClient: client})),
		},
	}
	if s.engine != nil {
		s.engine(&h.cfg)
	}
	h.Engine, err = engine.New(h.cfg)
	h.fatal(nil, err)
	return h
}

// another returns an engine of another process: the same ledger, registry, upstream and blobs.
func (h *host) another(change func(*engine.Config)) *engine.Engine {
	h.tb.Helper()
	cfg := h.cfg
	if change != nil {
		change(&cfg)
	}
	e, err := engine.New(cfg)
	h.fatal(nil, err)
	return e
}

func (h *host) fatal(_ any, err error) {
	h.tb.Helper()
	if err != nil {
		h.tb.Fatal(err)
	}
}

func (h *host) faults(faults ...providertest.Fault) {
	h.tb.Helper()
	h.fatal(nil, h.up.SetFaults(faults...))
}

// echo runs the text function under a key.
func (h *host) echo(key credits.Key) (engine.Result[echo], error) {
	return engine.Run(h.tb.Context(), h.Engine, echoing, engine.Call{Account: account, Key: key}, ask{prompt})
}

// sketch runs the picture function under a key.
func (h *host) sketch(key credits.Key, model string, n int) (engine.Result[gallery], error) {
	return engine.Run(h.tb.Context(), h.Engine, sketching, engine.Call{Account: account, Key: key, Model: model}, sketch{prompt, n})
}

func (h *host) balance() credits.Balance {
	h.tb.Helper()
	b, err := h.ledger.Balance(context.Background(), account)
	h.fatal(nil, err)
	return b
}

func (h *host) attempts(key credits.Key) (list []credits.Attempt) {
	h.tb.Helper()
	for a, err := range h.ledger.Attempts(context.Background(), credits.AttemptQuery{Account: account, Key: key}) {
		h.fatal(nil, err)
		list = append(list, a)
	}
	return list
}

func (h *host) records() (list []credits.UsageRecord) {
	h.tb.Helper()
	for r, err := range h.ledger.Records(context.Background(), credits.UsageQuery{Account: account}) {
		h.fatal(nil, err)
		list = append(list, r)
	}
	return list
}

// settles returns the settle entries.
func (h *host) settles() (list []credits.Entry) {
	h.tb.Helper()
	for e, err := range h.ledger.Entries(context.Background(), credits.EntryQuery{Account: account}) {
		h.fatal(nil, err)
		if e.Kind == credits.EntrySettle {
			list = append(list, e)
		}
	}
	return list
}

// requests counts the requests that could have cost something, and those that did.
func (h *host) requests() (sent, billable int) {
	for _, e := range h.up.Journal() {
		if e.Route == providertest.RouteText || e.Route == providertest.RouteImage || e.Route == providertest.RouteRunware {
			sent++
		}
		if e.Billable {
			billable++
		}
	}
	return sent, billable
}

// sound checks what is true whatever happened: the ledger verifies, nothing is held, no attempt is open, no attempt was
// billed twice by the upstream, and what was recorded is what was charged.
func (h *host) sound() {
	h.tb.Helper()
	report, err := h.ledger.Verify(context.Background(), account)
	if err != nil || !report.OK() {
		h.tb.Errorf("Verify: %v %+v", err, report.Problems)
	}
	if b := h.balance(); b.Held != 0 || b.Posted < 0 {
		h.tb.Errorf("balance %+v, want nothing held and no debt", b)
	}
	known := map[string]credits.Attempt{}
	for _, a := range h.attempts("") {
		known[a.ID] = a
		if a.Fate == "" || a.KeyID != "main" {
			h.tb.Errorf("attempt %+v is open, or lacks the key's id", a)
		}
	}
	billed := map[string]int{}
	for _, e := range h.up.Journal() {
		if e.Billable {
			billed[e.Attempt]++
			a := known[e.Attempt]
			if billed[e.Attempt] > 1 || a.ID == "" || a.Fate == string(providers.Rejected) || a.Fate == string(providers.NotSent) {
				h.tb.Errorf("the upstream billed %+v, journalled as %+v", e, a)
			}
		}
	}
	var posted, recorded credits.Amount
	for _, e := range h.settles() {
		posted += e.Amount
	}
	for _, r := range h.records() {
		recorded += r.Charged
	}
	if posted != -recorded {
		h.tb.Errorf("settled %d, recorded %d", posted, recorded)
	}
}

// fates prints attempts as "rejected/rate_limited executed".
func fates(attempts []credits.Attempt) string {
	s := ""
	for i, a := range attempts {
		if i > 0 {
			s += " "
		}
		s += a.Fate
		if a.Error != "" {
			s += "/" + a.Error
		}
	}
	return s
}

// lease is what the engine's holders get for a text call, and a little.
const lease = 120*time.Second + 60*time.Second + time.Second
