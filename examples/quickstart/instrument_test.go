package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	moderncsqlite "modernc.org/sqlite"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// The program counts its writes if countWrites names a file, and kills itself at the write with the number in killAtWrite.
// Each commit of the database and each picture counts twice: before it and after it.
const (
	countWrites = "QUICKSTART_TEST_COUNT_WRITES"
	killAtWrite = "QUICKSTART_TEST_KILL_AT_WRITE"
)

var writes struct {
	seen atomic.Int64
	kill int64
}

func instrument() {
	if os.Getenv(countWrites) == "" && os.Getenv(killAtWrite) == "" {
		return
	}
	writes.kill, _ = strconv.ParseInt(os.Getenv(killAtWrite), 10, 64)
	sql.Register("sqlite-watched", watchedDriver{&moderncsqlite.Driver{}})
	openDB = func(ctx context.Context, path string) (*sqlite.DB, error) {
		db, err := sql.Open("sqlite-watched", (&url.URL{Scheme: "file", Path: path}).String()+
			"?_busy_timeout=5000&_foreign_keys=1&_journal_mode=WAL&_synchronous=FULL")
		if err != nil {
			return nil, err
		}
		return sqlite.New(ctx, db, nil)
	}
	openBlobs = func(dir string) (engine.Blobs, error) {
		b, err := blobs.Open(dir)
		return watchedBlobs{b}, err
	}
}

// write is called on either side of every write. It does not return from the one to die at.
func write() {
	if writes.seen.Add(1) == writes.kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func tellWrites() {
	if file := os.Getenv(countWrites); file != "" {
		if err := os.WriteFile(file, fmt.Append(nil, writes.seen.Load()), 0o644); err != nil {
			panic(err)
		}
	}
}

type watchedBlobs struct{ engine.Blobs }

func (b watchedBlobs) Put(ctx context.Context, name string, data []byte) error {
	write()
	err := b.Blobs.Put(ctx, name, data)
	write()
	return err
}

type watchedDriver struct{ driver.Driver }

func (d watchedDriver) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return watchedConn{c.(wholeConn)}, nil
}

// wholeConn is what database/sql asks of the driver's connections; wrapping must not hide any of it.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type watchedConn struct{ wholeConn }

func (c watchedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.wholeConn.BeginTx(ctx, o)
	if err != nil || o.ReadOnly {
		return tx, err
	}
	return watchedTx{tx}, nil
}

type watchedTx struct{ driver.Tx }

func (t watchedTx) Commit() error {
	write()
	err := t.Tx.Commit()
	write()
	return err
}
