package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// watcher runs the server until its standard input ends, which it does when the test process dies: the kernel closes
// the pipe also after a kill -9. It then stops the server without a checkpoint, because nothing is kept.
const watcher = `trap '' INT TERM HUP
"$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$2"`

// settings are those of a server that tests hammer from many sides. It does sync its log, so that what a test sees of
// order and of waiting is what a host sees.
const settings = `
listen_addresses = ''
unix_socket_directories = '%s'
max_connections = 200
shared_buffers = 64MB
max_wal_size = 4GB
fsync = on
synchronous_commit = on
deadlock_timeout = 200ms
timezone = 'Asia/Kathmandu'     # a time that loses its zone on the way is then wrong in a test
log_min_messages = fatal
`

// keep holds the pipes to the watchers. A file that the garbage collector closed would end its server.
var keep []io.Closer

// start makes a cluster beneath parent and returns the address of its server. A cluster sorts text as English does,
// where the server can: a query that relies on the order of bytes without saying so then fails.
func start(parent string) (dsn string, err error) {
	programs, err := findPrograms()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "scrip-pg-")
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	user, err := unprivileged(dir)
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	data := filepath.Join(dir, "data")
	initdb := func(locale ...string) ([]byte, error) {
		cmd := exec.Command(filepath.Join(programs, "initdb"),
			append([]string{"-D", data, "-U", "scrip", "-A", "trust", "-E", "UTF8", "--no-sync"}, locale...)...)
		cmd.Dir, cmd.SysProcAttr = dir, user
		return cmd.CombinedOutput()
	}
	out, err := initdb("--locale=C", "--locale-provider=icu", "--icu-locale=en")
	if err != nil {
		os.RemoveAll(data)
		out, err = initdb("--locale=C")
	}
	if err != nil {
		return "", fmt.Errorf("pgtest: initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := appendFile(filepath.Join(data, "postgresql.conf"), fmt.Sprintf(settings, dir)); err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	cmd := exec.Command("sh", "-c", watcher, "sh", programs, dir)
	cmd.Dir, cmd.SysProcAttr = dir, user
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	keep = append(keep, pipe)
	dsn = fmt.Sprintf("host=%s user=scrip dbname=postgres", dir)
	if err := ready(dsn); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		pipe.Close()
		return "", fmt.Errorf("pgtest: the server does not start: %w: %s", err, bytes.TrimSpace(log))
	}
	return dsn, nil
}

func appendFile(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// ready waits until the server takes connections.
func ready(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
