package blobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/blobs"
)

func open(t *testing.T) (*blobs.Dir, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "made", "on", "open")
	d, err := blobs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return d, root
}

func TestGetReturnsWhatWasPutLast(t *testing.T) {
	d, root := open(t)
	for _, data := range [][]byte{[]byte("one"), []byte("two"), []byte("two"), {}} {
		if err := d.Put(t.Context(), "a.png", data); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Get(t.Context(), "a.png"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("Get = %q, %v, want %q", got, err, data)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "*"))
	scratch, _ := filepath.Glob(filepath.Join(root, ".unborn", "*"))
	if err != nil || len(files) != 2 || len(scratch) != 0 { // the blob and the scratch directory
		t.Errorf("the directory has %v and %v, %v, want the one blob and no temporary file", files, scratch, err)
	}
}

func TestMissingBlobIsNotExist(t *testing.T) {
	d, _ := open(t)
	if _, err := d.Get(t.Context(), "none.png"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of a missing blob: %v, want fs.ErrNotExist", err)
	}
}

func TestNamesThatLeaveTheDirectoryAreRefused(t *testing.T) {
	d, _ := open(t)
	for _, name := range []string{"", ".", "..", "../x", "/etc/passwd", "a/b", `a\b`, ".hidden", "c:x", string(make([]byte, 300))} {
		if err := d.Put(t.Context(), name, nil); !errors.Is(err, blobs.ErrName) {
			t.Errorf("Put(%q) = %v, want ErrName", name, err)
		}
		if _, err := d.Get(t.Context(), name); !errors.Is(err, blobs.ErrName) {
			t.Errorf("Get(%q) = %v, want ErrName", name, err)
		}
	}
}

func TestConcurrentPutsOfOneNameNeverShowHalfAFile(t *testing.T) {
	d, _ := open(t)
	data := bytes.Repeat([]byte("picture"), 10_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if err := d.Put(context.Background(), "same.png", data); err != nil {
					t.Error(err)
				}
				if got, err := d.Get(context.Background(), "same.png"); err != nil || !bytes.Equal(got, data) {
					t.Errorf("Get returned %d bytes, %v, want all %d", len(got), err, len(data))
				}
			}
		})
	}
	wg.Wait()
}

func TestCancelledContextPutsNothing(t *testing.T) {
	d, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Put(ctx, "a.png", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	if _, err := d.Get(t.Context(), "a.png"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get = %v, want fs.ErrNotExist", err)
	}
}

func ExampleDir() {
	dir, err := os.MkdirTemp("", "blobs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	d, err := blobs.Open(dir)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := d.Put(ctx, "hello.txt", []byte("hello")); err != nil {
		panic(err)
	}
	data, err := d.Get(ctx, "hello.txt")
	fmt.Println(string(data), err)
	// Output: hello <nil>
}
