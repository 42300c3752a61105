package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// What callers branch on, besides the errors of the interfaces. Each is matched with errors.Is.
var (
	// ErrSchema is a database without the tables of this release: call [DB.Migrate].
	ErrSchema = errors.New("schema is not current: call Migrate")
	// ErrNewerSchema is a database that a newer major version has migrated; see [NewerSchemaError].
	ErrNewerSchema = errors.New("schema of a newer major version")
	// ErrSetting is a pool or an option that the store cannot work with.
	ErrSetting = errors.New("not set up for the store")
	// ErrUnavailable is a server that is not to be reached, is shutting down, or refuses the connection. After a write
	// the same call, with the same key, tells what is stored.
	ErrUnavailable = errors.New("database is not available")
	// ErrBusy is a call that waited too long for other transactions, or that the server undid for their sake. Nothing
	// happened; it may be tried again.
	ErrBusy = errors.New("other transactions are in the way")
	// ErrReadOnly is a write to a standby, or with a role that may not write.
	ErrReadOnly = errors.New("read-only")
	// ErrFull is a server whose disk has no room for a write. Nothing happened.
	ErrFull = errors.New("disk is full")
	// ErrCorrupt is a database that contradicts itself. Restore it from a backup.
	ErrCorrupt = errors.New("database is damaged")
)

// NewerSchemaError says how far the database is ahead. It matches [ErrNewerSchema].
type NewerSchemaError struct {
	Migration, Major           int64 // of the database
	KnownMigration, KnownMajor int64 // of this release
}

// Error implements error.
func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("postgres: %v: the database is at migration %d of major version %d, this release knows migration %d of major version %d: use the newer release",
		ErrNewerSchema, e.Migration, e.Major, e.KnownMigration, e.KnownMajor)
}

// Is reports whether target is ErrNewerSchema.
func (e *NewerSchemaError) Is(target error) bool { return target == ErrNewerSchema }

// code returns the SQLSTATE of a server's error, "" if it is none.
func code(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// kinds gives the SQLSTATEs that callers can do something about their meaning: whole codes, and classes of them.
var kinds = map[string]error{
	"42P01": ErrSchema, "3F000": ErrSchema, "42703": ErrSchema, // no such table, schema, column
	"40001": ErrBusy, "40P01": ErrBusy, "55P03": ErrBusy, "57014": ErrBusy, // serialization, deadlock, lock and statement timeouts
	"25006": ErrReadOnly, "42501": ErrReadOnly, // read-only transaction, insufficient privilege
	"53100": ErrFull,                                                    // disk full
	"53":    ErrUnavailable, "57": ErrUnavailable, "58": ErrUnavailable, // too many connections; shutting down; input or output failed
	"08": ErrUnavailable, "28": ErrUnavailable, "3D": ErrUnavailable, // connection, authorization, no such database
	"XX001": ErrCorrupt, "XX002": ErrCorrupt, // data, index corrupted
}

// translate gives an error of the driver the meaning that callers branch on, by its code. The end of ctx is returned as
// the context's error, and what is not of the driver as it is. No text of the driver's about connections is handed on: it
// names the host, the user and the database.
func translate(ctx context.Context, act string, err error) error {
	if err == nil {
		return nil
	}
	if over := ctx.Err(); over != nil && (errors.Is(err, over) || isConnection(err)) {
		return over
	}
	if c := code(err); c != "" {
		known := kinds[c]
		if known == nil {
			known = kinds[c[:2]]
		}
		if known == nil {
			return fmt.Errorf("postgres: %s: %w", act, err)
		}
		return fmt.Errorf("postgres: %s: %w: SQLSTATE %s", act, known, c)
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return fmt.Errorf("postgres: %s: %w: the pool is closed", act, ErrUnavailable)
	}
	if isConnection(err) {
		return fmt.Errorf("postgres: %s: %w", act, ErrUnavailable)
	}
	return err
}

// isConnection reports whether the connection, and not the server, failed a call. What became of the call is not known
// then, unless it was not sent.
func isConnection(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed):
		return true
	}
	return isLost(code(err))
}

// isLost reports whether a server's error is the last that a connection says.
func isLost(code string) bool {
	return code == "57P01" || code == "57P02" || code == "57P03" || strings.HasPrefix(code, "08")
}

// errAppeared is a decision on an account that somebody else is just making.
var errAppeared = busy("the account appeared meanwhile")

// isUndone reports whether the server undid a transaction for the sake of another one: the same again may well succeed.
func isUndone(err error) bool {
	c := code(err)
	return c == "40001" || c == "40P01" || errors.Is(err, errAppeared)
}

const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	lockNotAvailable    = "55P03"
)

// isConstraint reports whether the schema refused a row for what other rows are: because it is there already, or because
// it names one that is not.
func isConstraint(err error) bool {
	c := code(err)
	return c == uniqueViolation || c == foreignKeyViolation
}

// isTaken reports whether a row was refused because another has its primary key.
func isTaken(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == uniqueViolation && strings.HasSuffix(server.ConstraintName, "_pkey")
}

// isOnesFault reports whether a batch may have failed for what one of its mutations wrote: a value out of range, a row
// that a constraint refuses, something too large for an index, or for what is left of the disk.
func isOnesFault(err error) bool {
	c := code(err)
	return c == "53100" || strings.HasPrefix(c, "22") || strings.HasPrefix(c, "23") || strings.HasPrefix(c, "54")
}

func busy(why string, args ...any) error {
	return fmt.Errorf("postgres: write: %w: %s", ErrBusy, fmt.Sprintf(why, args...))
}
