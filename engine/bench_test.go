package engine_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

// BenchmarkGate compares a call through the gate with the same call of the provider alone. The difference is what the
// gate costs: hold, attempt, schema, settle, receipt, on the memory store. The provider answers at once.
func BenchmarkGate(b *testing.B) {
	var answering time.Duration // that calls spent in the provider: the rest of a call's time is the gate's, and its bar is 25 µs
	p := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
		began := time.Now()
		defer func() { answering += time.Since(began) }()
		return says(`{"echo":"` + prompt + `"}`)
	})
	run := func(b *testing.B, change func(*engine.Config)) func(key string) error {
		h := newHost(b, setup{grant: 1 << 60, engine: func(c *engine.Config) {
			with(p)(c)
			if change != nil {
				change(c)
			}
		}})
		return func(key string) error {
			_, err := engine.Run(context.Background(), h.Engine, echoing, engine.Call{Account: account, Key: credits.Key(key)}, ask{prompt})
			return err
		}
	}
	b.Run("ProviderAlone", func(b *testing.B) {
		var alone providers.TextGenerator = p
		messages := []providers.Message{{Role: providers.System, Text: "Echo."}, {Role: providers.User, Text: prompt}}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := alone.GenerateText(context.Background(), providers.TextRequest{Model: textModel, Messages: messages, MaxOutput: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Run", func(b *testing.B) {
		call, n := run(b, nil), 0
		before := answering
		b.ReportAllocs()
		for b.Loop() {
			n++
			if err := call(strconv.Itoa(n)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((b.Elapsed()-(answering-before)).Microseconds())/float64(n), "gate-µs/op")
	})
	b.Run("RunObserved", func(b *testing.B) {
		call, n := run(b, func(c *engine.Config) { c.Observer = engine.ObserverFunc(func(context.Context, engine.Event) {}) }), 0
		b.ReportAllocs()
		for b.Loop() {
			n++
			if err := call(strconv.Itoa(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Replay", func(b *testing.B) {
		call := run(b, nil)
		b.ReportAllocs()
		for b.Loop() {
			if err := call("k"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
