package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// readers is how many connections read at once.
const readers = 4

// The settings of connections. The driver refuses a value that it does not know for these keys; for _pragma, SQLite
// would pass over it in silence.
const (
	writerSettings   = "_busy_timeout=5000&_foreign_keys=1&_journal_mode=WAL&_synchronous=FULL"
	readerSettings   = writerSettings + "&_query_only=1"
	readOnlySettings = "mode=ro&_busy_timeout=5000&_query_only=1"
)

// checkSettings reads the settings back on n connections of the pool, if it may have so many. Two tell a setting of
// the pool from one that was executed on a single connection: the second is most likely fresh.
func checkSettings(ctx context.Context, db *sql.DB, n int) error {
	if most := db.Stats().MaxOpenConnections; most > 0 {
		n = min(n, most)
	}
	for range n {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close() // when all are checked, so that the next is another one
		if err := checkConnection(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

func checkConnection(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("sqlite: %w: journal_mode is %q, want \"wal\": put _journal_mode=WAL into the data source name of a file", ErrSetting, mode)
	}
	for _, setting := range []struct {
		name, mend string
		least      int64
	}{
		{"synchronous", "_synchronous=FULL", 2}, // 2 is FULL: a commit is on the disk when it is acknowledged
		{"foreign_keys", "_foreign_keys=1", 1},
		{"busy_timeout", "_busy_timeout=5000", 5000}, // ms
	} {
		var value int64
		if err := conn.QueryRowContext(ctx, `PRAGMA `+setting.name).Scan(&value); err != nil {
			return err
		}
		if value < setting.least {
			return fmt.Errorf("sqlite: %w: %s is %d, want at least %d: put %s into the data source name",
				ErrSetting, setting.name, value, setting.least, setting.mend)
		}
	}
	return nil
}
