// Package durable writes files so that a crash leaves the old one or the new one, whole, and a power failure does not
// undo what was reported as written.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// WriteFile replaces the file at path. What is being written lies in scratch, a directory of the same file system, until
// it gets its name. Files have mode 0644.
func WriteFile(scratch, path string, data []byte) (err error) {
	f, err := os.CreateTemp(scratch, "*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable. It does nothing on Windows, where a directory cannot be synced.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Scratch makes a scratch directory and those above it, durably, and removes from it what crashes have left there. What is younger
// than an hour may be another process's work and stays.
func Scratch(dir string) error {
	if err := makeAll(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < time.Hour {
			continue // gone already, or in use
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// makeAll is os.MkdirAll that syncs each directory in which it makes one: a file in a directory that is lost is lost too.
func makeAll(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err // a file of the name is met by whoever writes into it
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := makeAll(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been quicker
		return err
	}
	return SyncDir(above)
}
