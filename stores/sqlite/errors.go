package sqlite

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// What callers branch on, besides the errors of the interfaces. Each is matched with errors.Is.
var (
	// ErrLocked is a file that another process, or another handle of this one, has open for writing; see [LockedError].
	ErrLocked = errors.New("in use by another process")
	// ErrSchema is a database without the tables of this release: call [DB.Migrate].
	ErrSchema = errors.New("schema is not current: call Migrate")
	// ErrNewerSchema is a database that a newer major version has migrated; see [NewerSchemaError].
	ErrNewerSchema = errors.New("schema of a newer major version")
	// ErrNotDatabase is a file that is not an SQLite database.
	ErrNotDatabase = errors.New("not an SQLite database")
	// ErrSetting is a connection without a setting that the store relies on.
	ErrSetting = errors.New("connection is not set up for the store")
	// ErrReadOnly is a write to a handle, or to a file, that is for reading only.
	ErrReadOnly = errors.New("read-only")
	// ErrClosed is a use of a handle after [DB.Close].
	ErrClosed = errors.New("database handle is closed")
	// ErrBusy is a write that waited too long for another one. Nothing happened; it may be tried again.
	ErrBusy = errors.New("another writer is at work")
	// ErrFull is a disk, or a file with a size limit, that has no room for a write. Nothing happened.
	ErrFull = errors.New("disk is full")
	// ErrIO is a disk that failed. After a failed write the same call, with the same key, tells what is stored.
	ErrIO = errors.New("disk failed")
	// ErrCorrupt is a database file that contradicts itself. Restore it from a backup.
	ErrCorrupt = errors.New("database file is damaged")
)

// LockedError says which file is in use, and by whom. It matches [ErrLocked].
type LockedError struct {
	Path string
	PID  int // the process that has it, by its own count of processes; 0 if that is not known
}

// Error implements error.
func (e *LockedError) Error() string {
	by := ""
	if e.PID > 0 {
		by = fmt.Sprintf(" (pid %d)", e.PID)
	}
	return fmt.Sprintf("sqlite: open %q: %v%s: close it there, or open it read-only", e.Path, ErrLocked, by)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// NewerSchemaError says how far the database is ahead. It matches [ErrNewerSchema].
type NewerSchemaError struct {
	Migration, Major           int64 // of the database
	KnownMigration, KnownMajor int64 // of this release
}

// Error implements error.
func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("sqlite: %v: the database is at migration %d of major version %d, this release knows migration %d of major version %d: use the newer release",
		ErrNewerSchema, e.Migration, e.Major, e.KnownMigration, e.KnownMajor)
}

// Is reports whether target is ErrNewerSchema.
func (e *NewerSchemaError) Is(target error) bool { return target == ErrNewerSchema }

// code returns the extended result code of a driver's error, 0 if it is none of the driver's.
func code(err error) int {
	var coded interface{ Code() int } // what modernc.org/sqlite's errors have, also when the host wrapped the driver
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}

// translate gives an error of the driver the meaning that callers branch on, by its code. Any other error, that of a
// context among them, is returned as it is.
func translate(act string, err error) error {
	if err == nil {
		return nil
	}
	var known error
	switch code(err) & 0xff { // the low byte is the kind, the rest says more about it
	case 0:
		return err
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		known = ErrBusy
	case sqlite3.SQLITE_FULL:
		known = ErrFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		known = ErrReadOnly
	case sqlite3.SQLITE_IOERR:
		known = ErrIO
	case sqlite3.SQLITE_NOTADB:
		known = ErrNotDatabase
	case sqlite3.SQLITE_CORRUPT:
		known = ErrCorrupt
	default:
		return fmt.Errorf("sqlite: %s: %w", act, err)
	}
	return fmt.Errorf("sqlite: %s: %w: %v", act, known, err)
}

// isConstraint reports whether the schema refused a row for what other rows are: because it is there already, or because
// it names one that is not.
func isConstraint(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return true
	}
	return false
}

// isForeignKey reports whether a row named one that is not there.
func isForeignKey(err error) bool { return code(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY }

// endsTransaction reports whether SQLite may have rolled the transaction back by itself when it returned err.
func endsTransaction(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT:
		return true
	}
	return false
}
