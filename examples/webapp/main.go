// Webapp is a small web service that sells AI work: accounts with prepaid credits, a button that has a product described and
// is charged once however often it is pressed, progress as it happens, credits to buy, and a page of usage.
//
//	go run ./examples/webapp
//
// It needs nothing but net/http and works offline: the descriptions are made up by an upstream on loopback, no money is taken,
// and who somebody is, a cookie says that anybody can write. Authentication and payment are the host's; what is shown here is
// what comes after them. The store is an SQLite file, or with -postgres a database of that kind.
//
// Three habits make it safe. A form has a key, and the key names the call: a double click, a reload and a second try after a
// crash are one call. Work is not bound to the request that asked for it: who closes the browser finds the answer. And the
// server stops by Shutdown, which waits for what is under way; what is killed instead is taken up by the next try.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

type options struct{ listen, db, postgres, upstream, webhook string }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "webapp: %v\n", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to listen on; keep it on loopback, because anybody may sign in as anybody")
	flags.StringVar(&o.db, "db", "webapp.db", "SQLite `file`")
	flags.StringVar(&o.postgres, "postgres", "", "`URL` of a PostgreSQL database in place of the file")
	flags.StringVar(&o.upstream, "upstream", "", "base `URL` of an upstream that speaks the wire of OpenAI, in place of the one on loopback")
	flags.StringVar(&o.webhook, "webhook", "", "`secret` that the payment service sends with POST /webhook; no payment is taken there if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	a, end, err := open(ctx, o, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "webapp: http://%s/ (descriptions are made up, no money is taken)\n", listener.Addr())
	return serve(ctx, listener, a)
}

// serve ends when the context does: it takes no request any more then, and waits for those that it has. Each ends within the
// time that the engine gives a call.
func serve(ctx context.Context, listener net.Listener, a *app) error {
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	server.RegisterOnShutdown(a.progress.stop) // streams would be waited for as well, and have no end of their own
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	return server.Shutdown(ctx)
}

// open puts the app together; end gives up what it holds, once nothing is under way.
func open(ctx context.Context, o options, log *slog.Logger) (_ *app, end func() error, err error) {
	var ends []func() error
	end = func() (err error) {
		for i := range ends {
			err = errors.Join(err, ends[len(ends)-1-i]())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	ledger, store, closeStore, err := openStore(ctx, o)
	if err != nil {
		return nil, end, err
	}
	ends = append(ends, closeStore)
	if err := firstPrices(ctx, store); err != nil {
		return nil, end, err
	}
	models, err := registry.Open(ctx, store, nil)
	if err != nil {
		return nil, end, err
	}
	ends = append(ends, func() error { models.Close(); return nil })
	if o.upstream == "" {
		fake, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: madeUp{}, Latency: 1500 * time.Millisecond})
		if err != nil {
			return nil, end, err
		}
		ends = append(ends, func() error { fake.Close(); return nil })
		o.upstream = fake.BaseURL
	}
	chat, err := openai.New(openai.Config{BaseURL: o.upstream}) // of real answers, without BaseURL, with registry.Current and a key
	if err != nil {
		return nil, end, err
	}
	a := &app{ledger: ledger, progress: newProgress(), webhook: o.webhook, log: log}
	if a.describe, err = defineDescribe(); err != nil {
		return nil, end, err
	}
	a.engine, err = engine.New(engine.Config{Ledger: ledger, Registry: models, Providers: []providers.Provider{chat}, Observer: a.progress,
		Keys: secret.Static{"openai": {ID: "loopback", Secret: secret.New("made-up")}}, TextTimeout: 30 * time.Second})
	return a, end, err
}

func openStore(ctx context.Context, o options) (credits.Ledger, registry.ModelStore, func() error, error) {
	if o.postgres != "" {
		pool, err := pgxpool.New(ctx, o.postgres)
		if err != nil {
			return nil, nil, nil, err
		}
		db, err := postgres.New(ctx, pool, nil)
		if err == nil {
			err = db.Migrate(ctx)
		}
		if err != nil {
			pool.Close()
			return nil, nil, nil, err
		}
		return db.Ledger(), db.Models(), func() error { pool.Close(); return nil }, nil
	}
	db, err := sqlite.Open(ctx, o.db, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, nil, nil, errors.Join(err, db.Close())
	}
	return db.Ledger(), db.Models(), db.Close, nil
}

// firstPrices saves the first version of models and prices, with what a description costs.
func firstPrices(ctx context.Context, store registry.ModelStore) error {
	latest, err := store.Latest(ctx)
	if err != nil || latest > 0 {
		return err
	}
	first, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return err
	}
	first.Operations = append(first.Operations, registry.OperationCost{Operation: operation, TokensPerCredit: 1000, MinCredits: 5,
		PricePerCreditUSD: decimal.RequireFromString("0.01"), Active: true})
	_, err = store.Save(ctx, registry.Change{Who: "webapp", Why: "first prices", Next: first})
	return err
}
