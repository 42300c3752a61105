package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/internal/pgtest"
)

func TestOpen(t *testing.T) {
	var schemas []string
	t.Run("GivesEachTestASchemaOfItsOwn", func(t *testing.T) {
		for range 2 {
			db := pgtest.Open(t)
			if _, err := db.Pool.Exec(t.Context(), `CREATE TABLE t (n int)`); err != nil {
				t.Fatal(err)
			}
			if _, err := db.NewPool(t, nil).Exec(t.Context(), `INSERT INTO t VALUES (1)`); err != nil {
				t.Errorf("another pool does not see the schema: %v", err)
			}
			schemas = append(schemas, db.Schema)
		}
	})
	t.Run("DropsItWithTheTest", func(t *testing.T) {
		var left int
		err := pgtest.Open(t).Pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)`, schemas).Scan(&left)
		if err != nil || left != 0 {
			t.Errorf("%d of %q are left, %v", left, schemas, err)
		}
	})
}

// childVariable makes the test binary a process that opens a database and waits to be killed.
const childVariable = "SCRIP_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

func child() {
	db, err := pgtest.Connect(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(db.Pool.Config().ConnConfig.Host)
	time.Sleep(time.Minute)
}

func TestNothingIsLeftOfAProcessThatWasKilled(t *testing.T) {
	if os.Getenv("DATABASE_URL") != "" {
		t.Skip("DATABASE_URL is set: there is no throwaway cluster")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir := strings.TrimSpace(line)
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		t.Errorf("the child says %q, %v, want the directory of its cluster: %v", line, err, statErr)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for range 100 {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return // the watcher removes it when the server is gone
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s is still there", dir)
}
