package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// database is what the commands use of a store.
type database struct {
	models registry.ModelStore
	keys   secret.KeyStore
	ledger interface {
		credits.Ledger
		Accounts(ctx context.Context) iter.Seq2[credits.Account, error]
	}
	schema interface {
		Migrate(ctx context.Context) error
		Missing(ctx context.Context) ([]string, error)
	}
	close func() error
}

// access is what a command does to a database.
type access int

const (
	reading access = iota // an SQLite file beside the host that has it
	writing               // an SQLite file that nobody else has
	making                // as writing, and an SQLite file need not be there yet
)

// with opens the database for as long as do takes.
func (a *app) with(as access, do func(db *database) error) (err error) {
	db, err := a.open(as)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	return do(db)
}

func (a *app) open(as access) (*database, error) {
	name := a.Database
	if name == "" {
		name = a.env("SCRIP_DATABASE")
	}
	switch {
	case name == "":
		return nil, misuse("no database: give --database or set SCRIP_DATABASE to a postgres:// URL or the path of an SQLite file")
	case strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		return a.openPostgres(name)
	case a.Schema != "":
		return nil, misuse("--schema is for PostgreSQL: the tables of an SQLite file have none")
	}
	return a.openSQLite(name, as)
}

func (a *app) openSQLite(path string, as access) (*database, error) {
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && maybeURL(path): // a URL with a slip in it has a password all the same
		return nil, misuse("the database is neither a postgres:// URL nor a file that is there")
	case missing && as != making: // a slip in a path must not make a file
		return nil, fmt.Errorf("the database file %q is not there: scrip migrate makes one", path)
	}
	db, err := sqlite.Open(a.ctx, path, &sqlite.Options{ReadOnly: as == reading, Now: a.now})
	if err != nil {
		return nil, err
	}
	return &database{models: db.Models(), keys: db.Keys(), ledger: db.Ledger(), schema: db, close: db.Close}, nil
}

// maybeURL reports whether a text that is no path of a file may be an address with a password in it.
func maybeURL(text string) bool {
	return strings.Contains(text, "@") || strings.Contains(text, "://") || strings.Contains(strings.ToLower(text), "password")
}

// connectTimeout bounds each attempt to connect, unless the URL does.
const connectTimeout = 10 * time.Second

func (a *app) openPostgres(url string) (*database, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil { // the driver's text has parts of the URL
		return nil, misuse("the database URL cannot be read: want postgres://user:password@host:port/database?option=value, with special characters of a password as %%XX")
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "scrip"
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(a.ctx, config)
	if err == nil {
		err = pool.Ping(a.ctx)
	}
	if err != nil {
		if pool != nil {
			pool.Close()
		}
		return nil, unreachable(a.ctx, err)
	}
	db, err := postgres.New(a.ctx, pool, &postgres.Options{Schema: a.Schema})
	if err != nil {
		pool.Close()
		return nil, err
	}
	closePool := func() error { pool.Close(); return nil }
	return &database{models: db.Models(), keys: db.Keys(), ledger: db.Ledger(), schema: db, close: closePool}, nil
}

// unreachable says why a server cannot be talked to, with those parts of the driver's error only that have no password.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var server *pgconn.PgError
	var dial *net.OpError
	var lookup *net.DNSError
	why := "no connection can be made"
	switch {
	case errors.As(err, &server):
		why = fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code)
	case errors.As(err, &lookup):
		why = lookup.Error()
	case errors.As(err, &dial):
		why = dial.Error()
	case errors.Is(err, context.DeadlineExceeded):
		why = "it does not answer in time"
	}
	return fmt.Errorf("%w: %s", postgres.ErrUnavailable, why)
}
