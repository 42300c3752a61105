package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// errNone is all that a test says on a machine without PostgreSQL.
var errNone = errors.New("pgtest: no PostgreSQL: install PostgreSQL (Debian: apt-get install postgresql) or set DATABASE_URL")

// places are where systems keep the server's programs, most of them outside PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin",         // Debian
	"/usr/pgsql-*/bin",                  // the PostgreSQL project's RPMs
	"/usr/lib64/pgsql*/bin",             // openSUSE
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew
	"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
	"/opt/local/lib/postgresql*/bin",    // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin", // built from source
}

// Find says where tests will find a server: in DATABASE_URL, or in a directory of programs. The error says what to install.
func Find() (string, error) {
	if os.Getenv("DATABASE_URL") != "" {
		return "DATABASE_URL", nil
	}
	return findPrograms()
}

// findPrograms returns the directory of initdb and postgres.
func findPrograms() (string, error) {
	var dirs []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(initdb))
		if real, err := filepath.EvalSymlinks(initdb); err == nil { // a link in PATH has its companions where it points
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, place := range places {
		found, _ := filepath.Glob(place)
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", errNone
}

// Program finds one of the programs that come with the server, such as pgbench: beside the ones that tests run, or where
// these really are if they are links.
func Program(name string) (string, error) {
	dir, err := findPrograms()
	if err != nil {
		return "", err
	}
	beside := []string{dir}
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb")); err == nil {
		beside = append(beside, filepath.Dir(real))
	}
	for _, dir := range beside {
		if path := filepath.Join(dir, name); executable(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("pgtest: there is no %s in %q", name, beside)
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// version returns the first number in a path, 0 if there is none.
func version(path string) int {
	digits := strings.TrimLeftFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// memoryDir is a directory in memory if there is one to write to.
func memoryDir() string {
	const shm = "/dev/shm"
	if dir, err := os.MkdirTemp(shm, "scrip-pg-"); err == nil {
		os.Remove(dir)
		return shm
	}
	return os.TempDir()
}
