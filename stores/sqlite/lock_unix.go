//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock that keeps every other writer of the database at path out. It is a flock: the kernel gives it
// up when the process dies, however it dies, and it holds against another open of the same process as well. The file
// stays when the lock is given up, because removing it would let two processes lock two files of the same name.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %q: lock file: %w", path, err)
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &LockedError{Path: path, PID: owner(path + ".lock")}
		}
		return nil, fmt.Errorf("sqlite: open %q: lock file: %w", path, err)
	}
	// Who has the lock is for people to read: a disk without room for it is no reason not to open.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintln(f, os.Getpid())
	}
	// Closing alone would leave the lock to the copy that a process has which this one is starting just now.
	return func() error { return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close()) }, nil
}

// owner returns the process that says in the lock file that it has the lock, 0 if none does.
func owner(file string) int {
	text, err := os.ReadFile(file)
	if err != nil || len(text) > 20 {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
