package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// Options are the options of [New]; nil means all defaults.
type Options struct {
	// Schema holds the tables; "scrip" if empty. Any name that PostgreSQL takes will do; it is quoted.
	Schema string
	// Now is the clock of leases, expiries and dates. If it is nil the database's clock decides, so that all processes
	// agree about the time; set it in tests only.
	Now func() time.Time
}

// DB is a handle on the tables of one schema. Its faces share it and may be asked for any number of times. It is safe
// for concurrent use, and so are several handles, in one process or in many, on the same schema.
type DB struct {
	pool   *pgxpool.Pool // the host's
	schema string
	quoted string
	clock  func() time.Time // nil for the database's

	patience time.Duration
	bounds   bounds // of the ledger's transactions

	current atomic.Bool // the schema was found to be current
	texts   sync.Map    // statements by their constants, if the schema is not the default one
	open    sync.Map    // pgx.Tx → *txn: the transactions that complete tasks

	ledger Ledger
}

const defaultSchema = "scrip"

// maxName is how many bytes a name has at most in PostgreSQL, which cuts off the rest in silence.
const maxName = 63

// New makes a handle on a database. The pool stays the host's: New does not alter it, and there is nothing to close. The
// schema need not be there yet: every face then returns [ErrSchema] until [DB.Migrate] was called.
// Errors: [ErrSetting], [ErrUnavailable], *[NewerSchemaError].
func New(ctx context.Context, pool *pgxpool.Pool, o *Options) (*DB, error) {
	if pool == nil {
		return nil, fmt.Errorf("postgres: open: %w: there is no pool", ErrSetting)
	}
	d := &DB{pool: pool, schema: defaultSchema, patience: patience, bounds: ofItsOwn(patience)}
	if o != nil {
		d.clock = o.Now
		if o.Schema != "" {
			d.schema = o.Schema
		}
	}
	if len(d.schema) > maxName || !storable(d.schema) || strings.HasPrefix(d.schema, "pg_") {
		return nil, fmt.Errorf("postgres: open: %w: no schema can have the name %.80q", ErrSetting, d.schema)
	}
	// These modes do not ask the server for the types of parameters, and a list of values cannot be sent without.
	switch pool.Config().ConnConfig.DefaultQueryExecMode {
	case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol:
		return nil, fmt.Errorf("postgres: open: %w: the pool's DefaultQueryExecMode is exec or simple_protocol: use cache_statement or cache_describe", ErrSetting)
	}
	d.quoted = pgx.Identifier{d.schema}.Sanitize()
	d.ledger = Ledger{db: d, queue: &dbstore.Queue[*call]{}, turn: make(chan struct{}, 1), writer: rand.Text()}
	d.ledger.mutations = d.ledger.apply
	if err := d.readable(ctx); err != nil && !errors.Is(err, ErrSchema) {
		return nil, err
	}
	return d, nil
}

// Schema returns the name of the schema, unquoted.
func (d *DB) Schema() string { return d.schema }

// Ledger returns the ledger.
func (d *DB) Ledger() *Ledger { return &d.ledger }

// Models returns the store of the registry's configuration.
func (d *DB) Models() *Models { return &Models{db: d} }

// Keys returns the store of sealed API keys.
func (d *DB) Keys() *Keys { return &Keys{db: d} }

// Runs returns the store of the automation.
func (d *DB) Runs() *Runs { return &Runs{db: d} }

// Schedules returns the store of the automation's schedules.
func (d *DB) Schedules() *Schedules { return &Schedules{db: d} }

// Content returns the store of the content, outside any transaction.
func (d *DB) Content() *Content { return &Content{db: d} }

// sql returns a statement for this handle's schema. Constants name tables as they are in the default one.
func (d *DB) sql(text string) string {
	if d.schema == defaultSchema {
		return text
	}
	if s, ok := d.texts.Load(text); ok {
		return s.(string)
	}
	s := strings.ReplaceAll(text, defaultSchema+".", d.quoted+".")
	d.texts.Store(strings.Clone(text), s)
	return s
}

// at is the time as an argument of a statement that says coalesce($n, clock_timestamp()): NULL for the database's own.
func (d *DB) at() *time.Time {
	if d.clock == nil {
		return nil
	}
	now := d.clock().UTC().Truncate(time.Microsecond)
	return &now
}
