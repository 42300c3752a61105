// Upstream runs the fake upstreams as a server of their own: the wires of OpenAI and of Runware on one loopback address,
// with answers that suit the pipeline's functions, a journal of every request, and faults on demand. No key is needed
// and nothing is billed.
//
//	go run ./examples/upstream -listen 127.0.0.1:8090
//	go run ./examples/quickstart -upstream http://127.0.0.1:8090
//	curl http://127.0.0.1:8090/journal
//	curl -d '[{"kind":"status500","every":10}]' http://127.0.0.1:8090/faults
//
// Package providertest says what the routes and the faults are.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "upstream: %v\n", err)
		os.Exit(1)
	}
}

// run serves until the context ends. It prints one line once it listens.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("upstream", flag.ContinueOnError)
	fs.SetOutput(stderr)
	listen := fs.String("listen", "127.0.0.1:8090", "loopback `address` to listen on; port 0 takes a free one")
	latency := fs.Duration("latency", 0, "how long each request takes to run")
	key := fs.String("key", "", "the one API `key` that is accepted; any key is if empty")
	faults := fs.String("faults", "", "faults to begin with, as the `JSON` that POST /faults takes")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	prices, err := prices()
	if err != nil {
		return err
	}
	s, err := providertest.Listen(*listen, providertest.Config{Responder: functionstest.New(), Latency: *latency, APIKey: *key,
		Prices: prices, Remember: 1 << 16})
	if err != nil {
		return err
	}
	defer s.Close()
	if *faults != "" {
		var rules []providertest.Fault
		if err := json.Unmarshal([]byte(*faults), &rules); err != nil {
			return fmt.Errorf("-faults: %w", err)
		}
		if err := s.SetFaults(rules...); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "upstream: listening on %s; the journal is at %s/journal\n", s.URL, s.URL)
	started := time.Now()
	<-ctx.Done()
	fmt.Fprintf(stdout, "upstream: %d requests in %s\n", len(s.Journal()), time.Since(started).Round(time.Second))
	return nil
}

// prices are those of both catalogues, so that the journal is an invoice.
func prices() (map[string]providertest.Price, error) {
	out := map[string]providertest.Price{}
	or0 := func(d *decimal.Decimal) decimal.Decimal {
		if d == nil {
			return decimal.Zero
		}
		return *d
	}
	for _, name := range []string{registry.Current, registry.Seed} { // what both have costs as in the seed, the offline default
		c, err := registry.Catalogue(name)
		if err != nil {
			return nil, err
		}
		for _, m := range c.Models {
			out[m.Name] = providertest.Price{Input: or0(m.Prices.Input), Output: or0(m.Prices.Output), Image: or0(m.CostPerImage)}
		}
	}
	return out, nil
}
