package memory

import (
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/secret"
)

// Options are the options of [New]; nil means all defaults.
type Options struct {
	Now func() time.Time // the clock of leases, expiries and dates; time.Now if nil
}

// DB is a database in memory. Its faces share it and may be asked for any number of times.
type DB struct {
	ledger    Ledger
	models    Models
	keys      Keys
	runs      Runs
	schedules Schedules
	content   Content
}

// New returns an empty database.
func New(o *Options) *DB {
	now := time.Now
	if o != nil && o.Now != nil {
		now = o.Now
	}
	// As the database stores keep it: UTC, to the microsecond. A test that passes here then passes there.
	clock := func() time.Time { return now().UTC().Truncate(time.Microsecond) }

	db := &DB{
		ledger: Ledger{now: clock, accounts: newAccounts(), state: credits.NewState()},
		models: Models{now: clock},
		keys:   Keys{now: clock, rows: map[secret.Place]secret.StoredKey{}},

		schedules: Schedules{now: clock, rows: map[string]automation.Schedule{}},
	}
	db.ledger.mutations = db.ledger.apply
	work := &work{now: clock, rows: newRows()}
	db.runs = Runs{work: work, runs: newRunTable()}
	db.content = Content{work: work, scope: work}
	return db
}

// Ledger returns the ledger.
func (db *DB) Ledger() *Ledger { return &db.ledger }

// Models returns the store of the registry's configuration.
func (db *DB) Models() *Models { return &db.models }

// Keys returns the store of sealed API keys.
func (db *DB) Keys() *Keys { return &db.keys }

// Runs returns the store of the automation.
func (db *DB) Runs() *Runs { return &db.runs }

// Schedules returns the store of the automation's schedules.
func (db *DB) Schedules() *Schedules { return &db.schedules }

// Content returns the store of the content, outside any transaction.
func (db *DB) Content() *Content { return &db.content }
