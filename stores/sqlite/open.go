package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver

	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// Options are the options of [Open] and [New]; nil means all defaults.
type Options struct {
	// ReadOnly opens beside a writer, without its lock and without a way to write: writes return [ErrReadOnly].
	ReadOnly bool
	// Now is the clock of leases, expiries and dates; time.Now if nil. All handles of a file should agree about the time.
	Now func() time.Time
}

// DB is a handle on one database file. Its faces share it and may be asked for any number of times. It is safe for
// concurrent use.
type DB struct {
	path     string
	readOnly bool
	clock    func() time.Time
	patience time.Duration

	reader *sql.DB // the same as writer in a host's pool
	writer *sql.DB
	owned  []*sql.DB    // what Close closes
	unlock func() error // nil if there is no lock

	current atomic.Bool // the schema was found to be current, and earlier owners' leases were ended
	closed  atomic.Bool
	closing chan struct{} // closed by Close

	// turn is held by the one writer of the process. What stands below is guarded by it.
	turn       chan struct{}
	statements map[string]*sql.Stmt // prepared ones, by their text
	wanted     map[string]bool      // hot ones that are to be prepared: that were run, and the first of every transaction

	open atomic.Pointer[txn] // the writing transaction that is open

	ledger Ledger
}

// Open opens the database file at path, and creates it if it is not there. The file need not have the schema yet: every
// face then returns [ErrSchema] until [DB.Migrate] was called. Errors: *[LockedError], [ErrNotDatabase],
// *[NewerSchemaError]; with Options.ReadOnly fs.ErrNotExist.
func Open(ctx context.Context, path string, o *Options) (*DB, error) {
	if path == "" {
		return nil, errors.New("sqlite: open: the path is empty")
	}
	path, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	d := newDB(o)
	d.path = path
	if d.readOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("sqlite: open read-only: %w", err)
		}
	} else if d.unlock, err = lockFile(path); err != nil {
		return nil, err
	}
	if err := d.connect(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// connect opens the two pools of a file: writers take turns on one connection, and readers see the last commit beside it.
func (d *DB) connect(ctx context.Context) error {
	pool := func(settings string, size int) (*sql.DB, error) {
		db, err := sql.Open("sqlite", dsn(d.path, settings))
		if err != nil {
			return nil, fmt.Errorf("sqlite: open %q: %w", d.path, err)
		}
		db.SetMaxOpenConns(size)
		db.SetMaxIdleConns(size)
		d.owned = append(d.owned, db)
		return db, nil
	}
	var err error
	if d.readOnly {
		if d.reader, err = pool(readOnlySettings, readers); err != nil {
			return err
		}
		d.writer = d.reader
		return d.begin(ctx)
	}
	if d.writer, err = pool(writerSettings, 1); err != nil {
		return err
	}
	if err := checkSettings(ctx, d.writer, 1); err != nil {
		return d.opening(err)
	}
	if d.reader, err = pool(readerSettings, readers); err != nil {
		return err
	}
	if err := checkSettings(ctx, d.reader, 1); err != nil {
		return d.opening(err)
	}
	return d.begin(ctx)
}

// New makes a handle on the database that the host opened with the driver modernc.org/sqlite. It stays the host's:
// [DB.Close] gives up the lock and does not close db.
//
// Every connection of db must have journal_mode WAL, synchronous FULL, foreign_keys ON and a busy_timeout of 5 s or more;
// say so in the data source name, because a PRAGMA that was executed holds on one connection only:
//
//	sql.Open("sqlite", "file:/var/lib/shop/shop.db?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_busy_timeout=5000")
//
// A path with a character that a URI gives a meaning is escaped, as url.URL does. New reads the settings back and returns
// [ErrSetting] if one does not hold. It needs a file: a database in memory has no WAL. Other errors are
// those of [Open].
func New(ctx context.Context, db *sql.DB, o *Options) (*DB, error) {
	d := newDB(o)
	d.reader, d.writer = db, db
	var file string
	if err := db.QueryRowContext(ctx, selectFile).Scan(&file); err != nil {
		return nil, translate("open", err)
	}
	if !d.readOnly {
		if err := checkSettings(ctx, db, 2); err != nil {
			return nil, translate("open", err)
		}
	}
	if file == "" {
		return nil, fmt.Errorf("sqlite: open: %w: the database is in memory: it needs a file", ErrSetting)
	}
	path, err := resolve(file)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	d.path = path
	if !d.readOnly {
		if d.unlock, err = lockFile(path); err != nil {
			return nil, err
		}
	}
	if err := d.begin(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

const selectFile = `SELECT file FROM pragma_database_list WHERE name = 'main'`

func newDB(o *Options) *DB {
	d := &DB{clock: time.Now, patience: patience, turn: make(chan struct{}, 1), closing: make(chan struct{}),
		statements: map[string]*sql.Stmt{}, wanted: map[string]bool{lockForWriting: true}}
	if o != nil {
		d.readOnly = o.ReadOnly
		if o.Now != nil {
			d.clock = o.Now
		}
	}
	d.ledger = Ledger{db: d, queue: &dbstore.Queue[*call]{}}
	d.ledger.mutations = d.ledger.apply
	return d
}

// begin looks at the schema. One that is missing or older is the host's to migrate; a newer one is a reason to stop.
func (d *DB) begin(ctx context.Context) error {
	err := d.adopt(ctx)
	if errors.Is(err, ErrSchema) {
		return nil
	}
	return d.opening(err)
}

func (d *DB) opening(err error) error { return translate(fmt.Sprintf("open %q", d.path), err) }

// resolve returns the one name that a file has however it was named, so that two names do not make two locks.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) { // a new file: its directory must be there
		var dir string
		if dir, err = filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			real = filepath.Join(dir, filepath.Base(path))
		}
	}
	return real, err
}

// dsn names a file as a URI. In a plain path the driver takes "?" for the end of the name and SQLite takes "%" and "#"
// for its own.
func dsn(path, settings string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/… on Windows
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String() + "?" + settings
}

// Path returns the database file, absolute and without symbolic links.
func (d *DB) Path() string { return d.path }

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

// Close waits for the write under way, gives up the lock, and closes the database unless it is the host's. Every later
// use returns [ErrClosed]. Closing again does nothing.
func (d *DB) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	close(d.closing)
	d.turn <- struct{}{} // and never given back
	var errs []error
	for _, s := range d.statements {
		errs = append(errs, s.Close())
	}
	for _, db := range d.owned {
		errs = append(errs, db.Close())
	}
	if d.unlock != nil {
		errs = append(errs, d.unlock())
	}
	return errors.Join(errs...)
}

// now is the clock as the tables keep it.
func (d *DB) now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }
