// Package blobs keeps pictures as files in a directory, durably: what [Dir.Put] returned from survives a crash, and a
// name never shows half a file. A host with an object store writes a small adapter instead; the engine asks for Put and
// Get only.
package blobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/scrip-go/scrip/internal/durable"
)

// ErrName is a name that cannot be a file of the directory.
var ErrName = errors.New("invalid blob name")

// Dir keeps blobs in one directory. It is safe for concurrent use, also by several processes.
type Dir struct {
	root string
}

// Open returns a Dir over a directory, which is made if it does not exist.
func Open(dir string) (*Dir, error) {
	d := &Dir{root: dir}
	if err := durable.Scratch(d.scratch()); err != nil {
		return nil, fmt.Errorf("blobs: open %q: %w", dir, err)
	}
	return d, nil
}

// scratch is where files lie while they are written. No blob has such a name.
func (d *Dir) scratch() string { return filepath.Join(d.root, ".unborn") }

// path checks a name: it is a file's name, without a directory and not hidden.
func (d *Dir) path(name string) (string, error) {
	if name == "" || len(name) > 200 || name[0] == '.' || strings.ContainsAny(name, `/\:`) || !filepath.IsLocal(name) {
		return "", fmt.Errorf("blobs: %w %.40q: want a plain file name", ErrName, name)
	}
	return filepath.Join(d.root, name), nil
}

// Put stores data under a name. It is durable when it returns. Putting the same bytes again changes nothing; other bytes
// replace what was there, at once and as a whole. Errors: ErrName, and those of the file system.
func (d *Dir) Put(ctx context.Context, name string, data []byte) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return durable.SyncDir(d.root) // the one who wrote it may have died before it was durable
	}
	if err := durable.WriteFile(d.scratch(), path, data); err != nil {
		return fmt.Errorf("blobs: put %q: %w", name, err)
	}
	return nil
}

// Get returns what was put under a name. The error matches fs.ErrNotExist if there is nothing.
func (d *Dir) Get(ctx context.Context, name string) ([]byte, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blobs: get %q: %w", name, fs.ErrNotExist)
	}
	return data, err
}
