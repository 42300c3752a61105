package gateproof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// The keys of these tests are recognisable wherever they turn up.
const (
	openaiKey  = "sk-gateproof-4f8d0c6e2b917a35"
	runwareKey = "rw-gateproof-b1d95e7720c3f648"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// set is every function.
var set = must(functions.New())

// configuration is the seed catalogue with small pictures, with prices at which a short text costs several credits, and
// with a model whose pictures are paid for by the token, as its provider does since.
func configuration() registry.Configuration {
	c := must(registry.Catalogue(registry.Seed))
	for i := range c.Models {
		switch m := &c.Models[i]; {
		case m.Kind == registry.Image:
			m.Sizes, m.LandscapeSize, m.SquareSize = nil, "64x48", "48x48"
		case m.Name == textModel:
			m.TokensPerCredit = 10
		case m.Name == spareModel:
			m.TokensPerCredit = 20
		}
		if m := c.Models[i]; m.Name == dalleModel {
			m.Name, m.Default, m.Profile, m.CreditsPerImage = gptImageModel, false, registry.Profile{}, 3
			m.Prices.Input, m.Prices.Output, m.Prices.ImageOutput = usd("5"), usd("10"), usd("40")
			c.Models = append(c.Models, m)
		}
	}
	return c
}

func usd(amount string) *decimal.Decimal {
	d := decimal.RequireFromString(amount)
	return &d
}

// upstream is how the fake bills, by the prices of the seed catalogue.
func upstream(remember int) providertest.Config {
	return providertest.Config{Responder: functionstest.New(), Remember: remember, Prices: map[string]providertest.Price{
		textModel:     {Input: *usd("1.25"), Output: *usd("10")},
		spareModel:    {Input: *usd("0.15"), Output: *usd("0.6")},
		dalleModel:    {Image: *usd("0.04")},
		gptImageModel: {Input: *usd("5"), Output: *usd("40")},
		runwareModel:  {Image: *usd("0.012")},
	}}
}

// newEngine is an engine over any store, with the real adapters.
func newEngine(l engine.Ledger, r *registry.Registry, base string, client *http.Client, b engine.Blobs, change func(*engine.Config)) (*engine.Engine, error) {
	cfg := engine.Config{
		Ledger: l, Registry: r, Blobs: b, Downloads: client, Functions: set.All(), MaxPictureBytes: 1 << 20,
		Keys: secret.Static{"openai": {ID: "main", Secret: secret.New(openaiKey)}, "runware": {ID: "main", Secret: secret.New(runwareKey)}},
		Providers: []providers.Provider{
			must(openai.New(openai.Config{BaseURL: base, HTTPClient: client, MaxResponseBytes: 1 << 20})),
			must(dalle.New(dalle.Config{BaseURL: base, HTTPClient: client, MaxResponseBytes: 1 << 20})),
			must(runware.New(runware.Config{BaseURL: base, HTTPClient: client, MaxResponseBytes: 1 << 20})),
		},
	}
	if change != nil {
		change(&cfg)
	}
	return engine.New(cfg)
}

// server is a fake upstream that knows whether anybody is connected to it.
type server struct {
	*providertest.Upstream
	addr string
	http *http.Server

	mu   sync.Mutex
	open map[net.Conn]bool
}

func serve(tb testing.TB, cfg providertest.Config) *server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{Upstream: providertest.New(cfg), addr: l.Addr().String(), open: map[net.Conn]bool{}}
	s.http = &http.Server{Handler: s.Upstream, ReadHeaderTimeout: 10 * time.Second, ConnState: s.connection}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.http.Serve(l) }()
	tb.Cleanup(func() { _ = s.http.Close(); <-done })
	return s
}

func (s *server) base() string { return "http://" + s.addr + "/v1" }

func (s *server) connection(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	}
}

// quiet waits until the requests of a dead process are dealt with. What that process sent is before a connection of our
// own in the queue of those that were not accepted yet.
func (s *server) quiet(ctx context.Context) error {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		s.mu.Lock()
		ours, others := false, 0
		for conn := range s.open {
			if conn.RemoteAddr().String() == c.LocalAddr().String() {
				ours = true
			} else {
				others++
			}
		}
		s.mu.Unlock()
		switch {
		case ours && others == 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%d connections of a dead process are still served: %w", others, ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
}

// invoice is the requests that could have cost something.
func (s *server) invoice() (out []providertest.Entry) {
	for _, e := range s.Journal() {
		if e.Billable || e.Route == providertest.RouteText || e.Route == providertest.RouteImage || e.Route == providertest.RouteRunware {
			out = append(out, e)
		}
	}
	return out
}

// collect reads what the ledger says of an account, into books.
func collect(ctx context.Context, l credits.Ledger, account credits.Account, b *books) error {
	for a, err := range l.Attempts(ctx, credits.AttemptQuery{Account: account}) {
		if err != nil {
			return err
		}
		b.attempts = append(b.attempts, a)
	}
	for r, err := range l.Records(ctx, credits.UsageQuery{Account: account}) {
		if err != nil {
			return err
		}
		b.records = append(b.records, r)
	}
	var posted credits.Amount
	for e, err := range l.Entries(ctx, credits.EntryQuery{Account: account}) {
		if err != nil {
			return err
		}
		posted += e.Amount
		if e.Kind == credits.EntrySettle {
			b.settles = append(b.settles, e)
		}
	}
	balance, err := l.Balance(ctx, account)
	if err != nil {
		return err
	}
	if balance.Held != 0 || balance.Posted != posted || balance.Posted < 0 {
		b.found = append(b.found, fmt.Sprintf("account %s: balance %+v, its entries add up to %d; want nothing held and no debt", account, balance, posted))
	}
	report, err := l.Verify(ctx, account)
	if err == nil && !report.OK() {
		b.found = append(b.found, fmt.Sprintf("account %s: Verify: %+v", account, report.Problems))
	}
	return err
}

// shelf is an engine.Blobs in memory.
type shelf struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (s *shelf) Put(ctx context.Context, name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, there := s.data[name]; there && !bytes.Equal(old, data) {
		return errors.New("other bytes have this name")
	}
	if s.data == nil {
		s.data = map[string][]byte{}
	}
	s.data[name] = bytes.Clone(data)
	return ctx.Err()
}

func (s *shelf) Get(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, there := s.data[name]; there {
		return data, nil
	}
	return nil, fs.ErrNotExist
}
