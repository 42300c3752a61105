package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// account pays: this host has one customer.
const account = credits.Account("support")

// site is what one run at a time works on.
const site = "tickets"

// The tables of this program, beside those of Scrip, which begin with scrip_.
const schema = `
CREATE TABLE IF NOT EXISTS tickets (
	file    TEXT PRIMARY KEY,
	subject TEXT NOT NULL,
	body    TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS digests (
	file     TEXT PRIMARY KEY REFERENCES tickets,
	language TEXT NOT NULL,
	english  TEXT NOT NULL,
	summary  TEXT NOT NULL,
	urgent   INTEGER NOT NULL
);`

// work does what there is to do, and returns how the run stands.
func work(ctx context.Context, o options, stdout io.Writer) (run automation.Run, err error) {
	pool, db, err := open(ctx, o.db)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, db.Close(), pool.Close()) }()
	if _, err := db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: credits.Key(o.order), Kind: credits.Purchase,
		Amount: credits.Amount(o.credits)}); err != nil {
		return run, err
	}
	eng, end, err := newEngine(ctx, o, db, stdout)
	if err != nil {
		return run, err
	}
	defer end()
	digest, err := newDigest(eng, pool, o.out)
	if err != nil {
		return run, err
	}
	runner, err := automation.New(automation.Config{Store: db.Runs(), Workers: o.workers,
		Stages: []automation.Stage{&readStage{pool, folder(o)}, digest}})
	if err != nil {
		return run, err
	}
	return serve(ctx, runner, db, stdout)
}

// open opens one database for both: Scrip's tables and this program's. The settings are those that sqlite.New asks for.
func open(ctx context.Context, file string) (*sql.DB, *sqlite.DB, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, nil, err
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()+
		"?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000")
	if err != nil {
		return nil, nil, err
	}
	db, err := sqlite.New(ctx, pool, nil)
	if err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	if err = db.Migrate(ctx); err == nil {
		_, err = pool.ExecContext(ctx, schema)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close(), pool.Close())
	}
	return pool, db, nil
}

// newEngine returns the engine, and what ends what it is made of.
func newEngine(ctx context.Context, o options, db *sqlite.DB, stdout io.Writer) (*engine.Engine, func(), error) {
	models, err := prices(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	chat, endUpstream, err := upstream(o, stdout)
	if err != nil {
		models.Close()
		return nil, nil, err
	}
	eng, err := engine.New(engine.Config{Ledger: db.Ledger(), Registry: models, Providers: []providers.Provider{chat},
		Keys: secret.Static{"openai": {ID: "loopback", Secret: secret.New("made-up")}}})
	return eng, func() { endUpstream(); models.Close() }, err
}

// prices saves the first version of models and prices, with what a digest costs, and opens the registry.
func prices(ctx context.Context, db *sqlite.DB) (*registry.Registry, error) {
	latest, err := db.Models().Latest(ctx)
	if err != nil {
		return nil, err
	}
	if latest == 0 {
		first, err := registry.Catalogue(registry.Seed)
		if err != nil {
			return nil, err
		}
		first.Operations = append(first.Operations, registry.OperationCost{Operation: operation, TokensPerCredit: 1000, MinCredits: 1,
			PricePerCreditUSD: decimal.RequireFromString("0.01"), Active: true})
		if _, err := db.Models().Save(ctx, registry.Change{Who: "ownpipeline", Why: "first prices", Next: first}); err != nil {
			return nil, err
		}
	}
	return registry.Open(ctx, db.Models(), nil)
}

// upstream is where the answers come from. To have real ones, leave BaseURL out, take registry.Current, and hand the engine
// a key of OpenAI's.
func upstream(o options, stdout io.Writer) (chat providers.Provider, end func(), err error) {
	fmt.Fprintln(stdout, "No answer is real: all of them are made up by a program, and nobody bills them.")
	base, end := o.upstream, func() {}
	if base == "" {
		fake, err := providertest.Listen("127.0.0.1:0", providertest.Config{Responder: madeUp{}, Latency: 100 * time.Millisecond})
		if err != nil {
			return nil, nil, err
		}
		base, end = fake.BaseURL, fake.Close
	}
	chat, err = openai.New(openai.Config{BaseURL: base})
	return chat, end, err
}

// serve takes up the run that is under way, or starts one, and works until it is over or paused, or the context ends.
func serve(ctx context.Context, runner *automation.Runner, db *sqlite.DB, stdout io.Writer) (automation.Run, error) {
	id, err := takeUp(ctx, runner, db.Runs())
	if err != nil {
		return automation.Run{}, err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- runner.Serve(serving) }()
	run, stages, err := runner.Wait(ctx, id)
	stop()
	if err = errors.Join(err, <-served); err != nil {
		return run, err
	}
	for _, s := range stages {
		fmt.Fprintf(stdout, "%-7s %2d of %d tickets, %d given up, %d credits\n", s.Stage, s.Done, s.Total, s.Failed, s.Credits)
	}
	for f, err := range db.Runs().Failed(ctx, id) {
		if err != nil {
			return run, err
		}
		fmt.Fprintf(stdout, "given up: %s of %s after %d tries: %s\n", f.Stage, f.Item, f.Attempts, f.Cause)
	}
	b, err := db.Ledger().Balance(ctx, account)
	fmt.Fprintf(stdout, "%d credits are left.\n", b.Available)
	return run, err
}

func takeUp(ctx context.Context, runner *automation.Runner, runs automation.Store) (string, error) {
	n := 1
	for run, err := range runs.Runs(ctx, site) { // the newest first
		switch {
		case err != nil:
			return "", err
		case run.State == automation.Paused, run.State == automation.Pausing:
			return run.ID, runner.Resume(ctx, run.ID)
		case !run.State.Terminal():
			return run.ID, nil
		}
		n++
	}
	id := fmt.Sprintf("run-%d", n)
	return id, runner.Start(ctx, automation.Run{ID: id, Site: site, Account: account, Stages: []string{"read", "digest"}})
}
