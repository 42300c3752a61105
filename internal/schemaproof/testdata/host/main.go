// Command host is a host of the release that made schema 1: it is built against that release, whose sources are beside it.
// It migrates a database as far as it knows, and then deals in credits, prices and keys until its input ends, or for one
// round. It prints a line for each round, and ends with an error if anything is not as it must be.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

type stores struct {
	ledger interface {
		credits.Ledger
		credits.AttemptLog
	}
	models registry.ModelStore
	keys   secret.KeyStore
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the kind of the database, its name, the first round, and whether to go on until the input ends.
func run() error {
	ctx := context.Background()
	var s stores
	switch os.Args[1] {
	case "sqlite":
		db, err := sqlite.Open(ctx, os.Args[2], nil)
		if err != nil {
			return err
		}
		defer db.Close()
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		s = stores{db.Ledger(), db.Models(), db.Keys()}
	case "postgres":
		pool, err := pgxpool.New(ctx, os.Args[2])
		if err != nil {
			return err
		}
		defer pool.Close()
		db, err := postgres.New(ctx, pool, &postgres.Options{Schema: os.Args[3]})
		if err != nil {
			return err
		}
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		s = stores{db.Ledger(), db.Models(), db.Keys()}
	}
	name := os.Args[4]
	if os.Args[5] == "once" {
		return s.round(ctx, name, 0)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bufio.NewReader(os.Stdin).ReadString('\n')
	}()
	for n := 0; ; n++ {
		select {
		case <-ended:
			return nil
		default:
		}
		if err := s.round(ctx, name, n); err != nil {
			return err
		}
	}
}

func (s stores) round(ctx context.Context, name string, n int) error {
	key := func(what string) credits.Key { return credits.Key(fmt.Sprintf("%s %s %d", name, what, n)) }
	record := credits.UsageRecord{Provider: "openai", Model: "gpt-5.1", Usage: usage.Tokens(1000, 500), Exact: decimal.RequireFromString("1.5"),
		Cost: decimal.RequireFromString("0.00625"), PriceVersion: 1}
	if _, err := s.ledger.Grant(ctx, credits.Grant{Account: "acme", Key: key("grant"), Kind: credits.Purchase, Amount: 100}); err != nil {
		return err
	}
	if _, err := s.ledger.Charge(ctx, credits.Charge{Account: "acme", Key: key("charge"), Operation: "clustering", Amount: 3, Record: record}); err != nil {
		return err
	}
	if _, err := s.ledger.Hold(ctx, credits.HoldRequest{Account: "acme", Key: key("hold"), Operation: "content_generation", Amount: 9,
		Holder: credits.Holder{ID: "old", Lease: time.Minute}, TTL: time.Hour,
		First: credits.Attempt{ID: string(key("attempt")), Provider: "openai", Model: "gpt-5.1"}}); err != nil {
		return err
	}
	record.Attempt = string(key("attempt"))
	if _, err := s.ledger.Settle(ctx, credits.SettleRequest{Account: "acme", Key: key("hold"), Amount: 4, Record: record, Result: []byte("an article"),
		Last: credits.Attempt{ID: string(key("attempt")), Provider: "openai", Model: "gpt-5.1", Fate: "executed", Usage: record.Usage}}); err != nil {
		return err
	}
	if _, err := s.ledger.Refund(ctx, credits.Refund{Account: "acme", Key: key("refund"), Charge: key("charge"), Amount: 1, Who: "ada", Why: "goodwill"}); err != nil {
		return err
	}
	rows, err := s.ledger.Usage(ctx, credits.UsageQuery{Account: "acme", GroupBy: []credits.Dimension{credits.ByOperation}})
	if err != nil || len(rows) != 2 {
		return fmt.Errorf("usage: %d rows, %w", len(rows), err)
	}
	report, err := s.ledger.Verify(ctx, "acme")
	if err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("the ledger does not verify: %v", report.Problems)
	}
	if err := s.registry(ctx, name, n); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if err := s.sealed(ctx); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	fmt.Println("round", n)
	return nil
}

// registry reads what is in force, whoever wrote it, and writes a change now and then.
func (s stores) registry(ctx context.Context, name string, n int) error {
	latest, err := s.models.Latest(ctx)
	if err != nil {
		return err
	}
	next, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return err
	}
	if latest > 0 {
		v, err := s.models.Load(ctx, 0)
		if err != nil {
			return err
		}
		if _, err := v.Configuration.Quote("content_generation", "gpt-5.1", usage.Tokens(1, 1)); err != nil {
			return err
		}
		next = v.Configuration
	}
	if n > 2 {
		return nil
	}
	next.Settings.Images.Style = fmt.Sprint(name, " ", n)
	if _, err := s.models.Save(ctx, registry.Change{Base: latest, Who: "ada", Why: "by the old release", Next: next}); err != nil && !errors.Is(err, registry.ErrConflict) {
		return err
	}
	return nil
}

// sealed reads the key that is in the store, and puts one there if there is none.
func (s stores) sealed(ctx context.Context) error {
	ring, err := secret.NewRing("a", map[string][]byte{"a": bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		return err
	}
	vault, err := secret.StoreKeys(s.keys, ring, nil)
	if err != nil {
		return err
	}
	key, err := vault.Key(ctx, "acme", "openai")
	if errors.Is(err, secret.ErrNoKey) {
		_, err = vault.Set(ctx, secret.Place{Provider: "openai", ID: "first"}, secret.New("sk-of-both-releases"), secret.By{Who: "ada", Why: "first"})
		return err
	}
	if err == nil && key.Secret.Reveal() != "sk-of-both-releases" {
		return errors.New("it opens as another one")
	}
	return err
}
