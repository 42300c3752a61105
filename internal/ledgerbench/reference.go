package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/scrip-go/scrip/internal/benchmark"
	"github.com/scrip-go/scrip/internal/pgtest"
)

// reference measures the disk and the server without any Go, by PostgreSQL's own programs. One that is missing, or fails,
// has a row that says so, and is an error at the end.
func (b *bench) reference(ctx context.Context) error {
	data, err := pgtest.ConnectOnDisk(ctx)
	if err != nil {
		return err
	}
	defer data.Close()
	method, err := b.describeServer(ctx, data)
	if err != nil {
		return err
	}
	syncs := benchmark.Row{What: "pg_test_fsync, " + method + ", one block of 8 kB", Unit: benchmark.PerSecond}
	log.Print(syncs.What)
	rate, err := b.syncs(ctx, method)
	if syncs.Against = []float64{rate}; err != nil {
		syncs.Against, syncs.Missing = nil, "missing"
		b.missing = errors.Join(b.missing, err)
	}
	b.report.Rows = append(b.report.Rows, syncs)

	script, err := b.hotRow(ctx, data)
	if err != nil {
		return err
	}
	clients := []int{1, 8, 64}
	rows := make([]benchmark.Row, len(clients))
	for i, n := range clients {
		rows[i] = benchmark.Row{What: "pgbench, UPDATE of one hot row and INSERT", Callers: n, Unit: benchmark.PerSecond}
	}
	for range b.rounds {
		for i, n := range clients {
			log.Printf("%s, %d clients", rows[i].What, n)
			rate, err := b.pgbench(ctx, data, script, n)
			if err != nil && rows[i].Missing == "" { // once, not in every round
				rows[i].Missing = "missing"
				b.missing = errors.Join(b.missing, err)
			}
			rows[i].Against = append(rows[i].Against, rate)
		}
	}
	b.report.Rows = append(b.report.Rows, rows...)
	return ctx.Err()
}

// describeServer notes the settings that decide what a commit costs, as the server has them, and returns how it syncs.
func (b *bench) describeServer(ctx context.Context, data *pgtest.Database) (method string, err error) {
	var version, fsync, commit string
	err = data.Pool.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'),
	current_setting('synchronous_commit'), current_setting('wal_sync_method')`).Scan(&version, &fsync, &commit, &method)
	b.report.Note("PostgreSQL %s: fsync %s, synchronous_commit %s, wal_sync_method %s; naive has %d connections where none are named", version, fsync, commit, method, naiveConnections)
	return method, err
}

// syncs returns how often a second the disk syncs a block. The program tries every method, a second each, and is stopped
// when it has told of the one that counts.
func (b *bench) syncs(ctx context.Context, method string) (float64, error) {
	program, err := pgtest.Program("pg_test_fsync")
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-s", "1", "-f", filepath.Join(b.dir, "fsync"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("pg_test_fsync: %w", err)
	}
	rate, err := findSyncs(out, method)
	cancel()
	_ = cmd.Wait() // it was killed
	return rate, err
}

// findSyncs reads the program's output up to the first line of a method, which is that of one block.
func findSyncs(out io.Reader, method string) (float64, error) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 3 && fields[0] == method {
			return strconv.ParseFloat(fields[1], 64)
		}
	}
	return 0, fmt.Errorf("pg_test_fsync: there is no line for %s", method)
}

// hotRow makes two tables and returns the file of a script for them.
func (b *bench) hotRow(ctx context.Context, data *pgtest.Database) (script string, err error) {
	_, err = data.Pool.Exec(ctx, `CREATE TABLE hot (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE lines (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hot int NOT NULL, amount bigint NOT NULL);
INSERT INTO hot VALUES (1, 1000000000)`)
	if err != nil {
		return "", err
	}
	script = filepath.Join(b.dir, "pgbench.sql")
	return script, os.WriteFile(script, fmt.Appendf(nil, `BEGIN;
UPDATE %[1]s.hot SET balance = balance - 1 WHERE id = 1;
INSERT INTO %[1]s.lines (hot, amount) VALUES (1, -1);
COMMIT;
`, data.Schema), 0o600)
}

// pgbench returns the transactions per second of so many clients.
func (b *bench) pgbench(ctx context.Context, data *pgtest.Database, script string, clients int) (float64, error) {
	program, err := pgtest.Program("pgbench")
	if err != nil {
		return 0, err
	}
	whole := strconv.Itoa(int(math.Ceil(b.cell.Seconds()))) // it takes no part of a second
	out, err := exec.CommandContext(ctx, program, "--no-vacuum", "--protocol=prepared", "--file="+script,
		"--client="+strconv.Itoa(clients), "--jobs="+strconv.Itoa(min(2, clients)), "--time="+whole,
		data.Pool.Config().ConnString()).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	return findTPS(string(out))
}

// findTPS reads the program's output. It gives no rate if it did nothing in its second, as on a machine that stands still.
func findTPS(out string) (float64, error) {
	if strings.Contains(out, "actually processed: 0\n") {
		return 0, nil
	}
	_, rest, _ := strings.Cut(out, "tps = ")
	number, _, _ := strings.Cut(rest, " ")
	tps, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("pgbench: there is no rate in %q", out)
	}
	return tps, nil
}
