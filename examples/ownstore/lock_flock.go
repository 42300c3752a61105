//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ownstore

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps every other writer out. The kernel gives it up when the process dies, however it dies.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
