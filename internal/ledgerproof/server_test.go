//go:build linux || darwin

package ledgerproof_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/internal/pgtest"
)

// server is a PostgreSQL server that a test may crash, with its data on the disk.
type server struct {
	programs, dir string
	as            *syscall.SysProcAttr
	pid           int
	watcher       *exec.Cmd
	orders        io.WriteCloser
}

// watcher runs the server until it is told to stop it at once, without a checkpoint. If it is told nothing because the
// test process is gone, it removes what there is.
const watcher = `trap '' INT TERM HUP
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=on -c synchronous_commit=on >>"$2/log" 2>&1 </dev/null &
server=$!
echo "$server"
read -r again
kill -QUIT "$server"
wait "$server"
test "$again" || rm -rf "$2"`

// newServer starts a server of the test's own.
func newServer(t *testing.T) *server {
	t.Helper()
	programs, err := pgtest.Find()
	if err != nil {
		t.Fatal(err)
	}
	if programs == "DATABASE_URL" {
		t.Skip("DATABASE_URL is set: its server is not ours to crash")
	}
	dir, err := os.MkdirTemp("", "scrip-crash-")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{programs: programs, dir: dir}
	t.Cleanup(func() {
		if s.orders != nil {
			s.orders.Close()
			_ = s.watcher.Wait() // the server's end is not the watcher's
		}
		os.RemoveAll(dir)
	})
	if os.Getuid() == 0 { // as whom root runs a server is for pgtest to know
		info, err := os.Stat(pgtest.Open(t).Pool.Config().ConnConfig.Host)
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(programs, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "scrip", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = dir, s.as
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	s.up(t)
	return s
}

func (s *server) dsn() string { return fmt.Sprintf("host=%s user=scrip dbname=postgres", s.dir) }

// create makes a schema and returns the name by which the backend opens it.
func (s *server) create(t *testing.T, schema string) string {
	t.Helper()
	conn := s.connect(t)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA `+schema); err != nil {
		t.Fatal(err)
	}
	return schema + " " + s.dsn()
}

// up starts the server, again if something of an earlier one is in the way, and waits until it takes connections.
func (s *server) up(t *testing.T) {
	t.Helper()
	for range 5 {
		s.launch(t)
		if s.ready(10 * time.Second) {
			return
		}
		s.stop(t)
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	t.Fatalf("the server does not start: %s", log[max(0, len(log)-2000):])
}

func (s *server) launch(t *testing.T) {
	t.Helper()
	s.watcher = exec.Command("sh", "-c", watcher, "sh", s.programs, s.dir)
	s.watcher.Dir, s.watcher.SysProcAttr = s.dir, s.as
	orders, err := s.watcher.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.watcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.watcher.Start(); err != nil {
		t.Fatal(err)
	}
	s.orders = orders
	said, err := bufio.NewReader(out).ReadString('\n')
	if s.pid, _ = strconv.Atoi(strings.TrimSpace(said)); s.pid == 0 {
		t.Fatalf("the server has the process %q, %v", said, err)
	}
}

// ready reports whether the server takes connections, and waits for it so long.
func (s *server) ready(patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if conn, err := pgx.Connect(ctx, s.dsn()); err == nil {
			conn.Close(ctx)
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func (s *server) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.dsn())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// stop has the server stopped at once, if it still runs, and waits for its end.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.orders, "again\n"); err != nil {
		t.Fatal(err)
	}
	_ = s.watcher.Wait() // which says how the server ended
	s.orders = nil
}

// processes are those of the server, without the first, and without the one that answers.
func (s *server) processes(t *testing.T, conn *pgx.Conn, condition string) []int {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND `+condition)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

// accidents are how a server crashes. Each leaves it running again.
var accidents = []struct {
	name string
	make func(t *testing.T, s *server)
}{
	{"an immediate stop", func(t *testing.T, s *server) {
		s.stop(t)
		s.up(t)
	}},
	{"a kill -9 of all its processes", func(t *testing.T, s *server) {
		conn := s.connect(t)
		pids := append([]int{s.pid}, s.processes(t, conn, `true`)...)
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // one may have ended by itself
		}
		conn.Close(context.Background())
		for _, pid := range pids[1:] {
			for syscall.Kill(pid, 0) == nil { // while one is left, no server starts
				time.Sleep(time.Millisecond)
			}
		}
		s.stop(t)
		s.up(t)
	}},
	{"a kill -9 of one process, from which it recovers by itself", func(t *testing.T, s *server) {
		conn := s.connect(t)
		defer conn.Close(context.Background())
		pids := s.processes(t, conn, `backend_type = 'client backend' ORDER BY state = 'active' DESC`)
		if len(pids) == 0 {
			t.Fatal("nobody is connected")
		}
		_ = syscall.Kill(pids[0], syscall.SIGKILL)
		for conn.Ping(t.Context()) == nil { // until it is ended with all others
			time.Sleep(time.Millisecond)
		}
		if !s.ready(30 * time.Second) {
			t.Fatal("the server does not recover")
		}
	}},
}
