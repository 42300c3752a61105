package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// work is what a call used when it was made, and uses again when it is replayed.
type work struct {
	Input, Output int64 // tokens
	Pictures      int64
}

// done is what a replayed call brings.
type done struct {
	OK bool `json:"ok"`
}

// call is one line of the week's log.
type call struct {
	account   credits.Account
	operation string
	model     string
	work      work
}

// week is the log of a week: the same calls, however often it is asked for.
type week struct {
	calls, accounts int
}

var texts = []string{registry.Clustering, registry.IdeaGeneration, registry.ContentGeneration, registry.ImagePromptExtraction,
	registry.ContentOptimization, registry.InternalLinking, registry.SiteStructureGeneration}

// call returns the line n of the log.
func (w week) call(n int, models map[registry.Kind][]string) call {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	c := call{account: credits.Account(fmt.Sprintf("account-%d", 1+r.IntN(w.accounts)))}
	if r.IntN(6) == 0 {
		c.operation, c.model = registry.ImageGeneration, pick(r, models[registry.Image])
		c.work.Pictures = 1 + r.Int64N(3)
		return c
	}
	c.operation, c.model = pick(r, texts), pick(r, models[registry.Text])
	c.work = work{Input: 1 + r.Int64N(120), Output: 1 + r.Int64N(4000)}
	return c
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// replayer makes the calls of a week through the gate.
type replayer struct {
	engine    *engine.Engine
	functions map[string]*engine.Function[work, done] // by operation
}

func newReplayer(cfg engine.Config) (*replayer, error) {
	cfg.Providers = []providers.Provider{past{"openai"}, past{"runware"}}
	cfg.Blobs = nowhere{}
	r := &replayer{functions: map[string]*engine.Function[work, done]{}}
	var err error
	if r.engine, err = engine.New(cfg); err != nil {
		return nil, err
	}
	for _, operation := range append([]string{registry.ImageGeneration}, texts...) {
		d := engine.Definition[work, done]{Name: "replay_" + operation, Operation: operation}
		if operation == registry.ImageGeneration {
			d.Image = &engine.Image[work, done]{
				Draw: func(_ engine.Env, w work) (engine.Drawing, error) {
					return engine.Drawing{Prompt: "replayed", Shape: engine.Square, N: int(w.Pictures)}, nil
				},
				Result: func(_ work, _ []engine.Picture) done { return done{true} },
			}
		} else {
			d.Text = &engine.Text[work, done]{
				Messages: func(_ engine.Env, w work) ([]providers.Message, error) {
					return []providers.Message{{Role: providers.User, Text: fmt.Sprintf("%d %d", w.Input, w.Output)}}, nil
				},
				MaxOutput: func(w work) int64 { return w.Output },
			}
		}
		if r.functions[operation], err = engine.Define(d); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// total is what calls came to.
type total struct {
	calls   int64
	credits credits.Amount
}

// totals are by account and operation.
type totals map[[2]string]total

// replay makes the calls of a week, each under a key of its own, and returns how many could not be made because their
// model is gone. Everything else that goes wrong is an error.
func (r *replayer) replay(ctx context.Context, name string, w week, models map[registry.Kind][]string) (gone int64, err error) {
	var refused atomic.Int64
	group, going := errgroup.WithContext(ctx)
	group.SetLimit(256)
	for n := range w.calls {
		if going.Err() != nil {
			break
		}
		group.Go(func() error {
			c := w.call(n, models)
			_, err := engine.Run(going, r.engine, r.functions[c.operation], engine.Call{Account: c.account,
				Key: credits.Key(fmt.Sprintf("%s %d", name, n)), Scope: name, Model: c.model}, c.work)
			if errors.Is(err, registry.ErrInactive) {
				refused.Add(1)
				return nil
			}
			return err
		})
	}
	err = errors.Join(group.Wait(), ctx.Err())
	return refused.Load(), err
}

// past is a provider that gives each call what it got in the past.
type past struct{ name string }

func (p past) Describe() providers.Descriptor {
	return providers.Descriptor{Name: p.name, Text: true, Image: true}
}

func (p past) GenerateText(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
	var w work
	if _, err := fmt.Sscan(r.Messages[len(r.Messages)-1].Text, &w.Input, &w.Output); err != nil {
		return providers.TextResult{}, &providers.Error{Provider: p.name, Kind: providers.Invalid, Fate: providers.NotSent}
	}
	return providers.TextResult{Text: `{"ok":true}`, Metering: providers.Metering{Usage: usage.Tokens(w.Input, w.Output)}}, nil
}

// dot is the smallest picture.
var dot = func() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

func (past) GenerateImages(_ context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
	out := providers.ImageResult{Metering: providers.Metering{Usage: usage.Images(int64(r.N))}}
	for range r.N {
		out.Images = append(out.Images, providers.Image{Data: bytes.Clone(dot)})
	}
	return out, nil
}

// nowhere keeps no pictures: nobody looks at those of a replay.
type nowhere struct{}

func (nowhere) Put(context.Context, string, []byte) error { return nil }

func (nowhere) Get(_ context.Context, name string) ([]byte, error) {
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// differences prints where two totals differ.
func differences(a, b totals) string {
	var out strings.Builder
	for key := range union(a, b) {
		if a[key] != b[key] {
			fmt.Fprintf(&out, "%s, %s: %d credits for %d calls, and %d for %d\n", key[0], key[1], a[key].credits, a[key].calls, b[key].credits, b[key].calls)
		}
	}
	return out.String()
}

func union(a, b totals) map[[2]string]bool {
	keys := map[[2]string]bool{}
	for _, t := range []totals{a, b} {
		for key := range t {
			keys[key] = true
		}
	}
	return keys
}
