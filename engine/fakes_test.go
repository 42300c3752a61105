package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/usage"
)

// inProcess is a transport to a handler without a socket between, so that a synctest bubble can hold both sides.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	rec, aborted := httptest.NewRecorder(), false
	func() {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				aborted = true
			default:
				panic(v)
			}
		}()
		p.ServeHTTP(rec, r.Clone(r.Context()))
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if aborted && rec.Body.Len() == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	resp := rec.Result()
	resp.Request = r
	if aborted {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, broken{}))
	}
	return resp, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// text is a provider of text in the test's own process.
type text func(context.Context, providers.TextRequest) (providers.TextResult, error)

func (text) Describe() providers.Descriptor { return providers.Descriptor{Name: "openai", Text: true} }

func (f text) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	return f(ctx, r)
}

// spare is a text of a provider of another name.
type spare struct{ text }

func (spare) Describe() providers.Descriptor { return providers.Descriptor{Name: "spare", Text: true} }

// says is an answer of 40 tokens read and 10 produced: 5 credits.
func says(answer string) (providers.TextResult, error) {
	return providers.TextResult{Text: answer, Metering: providers.Metering{Usage: usage.Tokens(40, 10), RequestID: "req"}}, nil
}

func failure(kind providers.Kind, fate providers.Fate) error {
	return &providers.Error{Provider: "openai", Kind: kind, Fate: fate}
}

// with replaces the providers of a host by one.
func with(p providers.Provider) func(*engine.Config) {
	return func(c *engine.Config) { c.Providers = []providers.Provider{p} }
}

// blobs is an engine.Blobs in memory; the first fail calls of Put fail.
type blobs struct {
	mu   sync.Mutex
	data map[string][]byte
	puts int
	fail int
}

func (b *blobs) Put(ctx context.Context, name string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.puts++; b.puts <= b.fail {
		return errors.New("the store of blobs is away")
	}
	if old, ok := b.data[name]; ok && !bytes.Equal(old, data) {
		return fmt.Errorf("blob %q is overwritten by other bytes", name)
	}
	b.data[name] = bytes.Clone(data)
	return ctx.Err()
}

func (b *blobs) Get(_ context.Context, name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if data, ok := b.data[name]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

var errDead = errors.New("this process is dead")

// mortal is the ledger of a process that dies at a call: before the store has it, or after and before the answer.
// From then on every call fails. A process that never dies has dieAt 0.
type mortal struct {
	engine.Ledger
	dieAt int
	after bool

	mu    sync.Mutex
	steps []string
	dead  bool
}

func (m *mortal) do(step string, call func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	m.steps = append(m.steps, step)
	now := len(m.steps) == m.dieAt
	if m.dead = now; now && !m.after {
		return errDead
	}
	if err := call(); err != nil || !now {
		return err
	}
	return errDead
}

func (m *mortal) Hold(ctx context.Context, r credits.HoldRequest) (h credits.Held, err error) {
	err = m.do("hold", func() (err error) { h, err = m.Ledger.Hold(ctx, r); return err })
	return h, err
}

func (m *mortal) Extend(ctx context.Context, r credits.ExtendRequest) (h credits.Hold, err error) {
	err = m.do("extend", func() (err error) { h, err = m.Ledger.Extend(ctx, r); return err })
	return h, err
}

func (m *mortal) Settle(ctx context.Context, r credits.SettleRequest) (c credits.Receipt, err error) {
	err = m.do("settle", func() (err error) { c, err = m.Ledger.Settle(ctx, r); return err })
	return c, err
}

func (m *mortal) Release(ctx context.Context, r credits.ReleaseRequest) error {
	return m.do("release", func() error { return m.Ledger.Release(ctx, r) })
}

func (m *mortal) Lookup(ctx context.Context, a credits.Account, k credits.Key) (h credits.Held, err error) {
	err = m.do("lookup", func() (err error) { h, err = m.Ledger.Lookup(ctx, a, k); return err })
	return h, err
}

func (m *mortal) Begin(ctx context.Context, r credits.BeginRequest) error {
	return m.do("begin", func() error { return m.Ledger.Begin(ctx, r) })
}

func (m *mortal) Finish(ctx context.Context, r credits.FinishRequest) error {
	return m.do("finish", func() error { return m.Ledger.Finish(ctx, r) })
}
