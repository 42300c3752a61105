package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
)

// record is what the site remembers of a published key: the files that belong to it, relative to the site's directory.
type record struct {
	Files []string `json:"files"`
}

func filesOf(p content.Post) []string {
	files := []string{pageFile(p)}
	for _, img := range p.Images {
		files = append(files, pictureFile(p, img))
	}
	return files
}

func recordFile(key string) string { return marker + "/" + key + ".json" }

func (s *Site) readRecord(key string) (r record, err error) {
	b, err := os.ReadFile(s.path(recordFile(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

func (s *Site) writeRecord(key string, r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.write(recordFile(key), b)
}

// remember records the files of a post before they are written, beside those of its earlier form, so that a crash leaves
// no file that nobody knows of.
func (s *Site) remember(p content.Post) (old record, err error) {
	s.records.Lock()
	defer s.records.Unlock()
	if old, err = s.readRecord(p.Key); err != nil {
		return record{}, err
	}
	all := slices.Concat(old.Files, filesOf(p))
	slices.Sort(all)
	return old, s.writeRecord(p.Key, record{slices.Compact(all)})
}

// forget removes the files of a post's earlier form that it has no more, and that are not another post's by now: slugs
// may change places.
func (s *Site) forget(old record, p content.Post) error {
	s.records.Lock()
	defer s.records.Unlock()
	now := filesOf(p)
	gone := slices.DeleteFunc(old.Files, func(f string) bool { return slices.Contains(now, f) })
	if len(gone) == 0 {
		return nil
	}
	own := func(key string) bool { return key == p.Key }
	err := s.eachRecord(own, func(_ string, other record) error {
		gone = slices.DeleteFunc(gone, func(f string) bool { return slices.Contains(other.Files, f) })
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.remove(gone); err != nil {
		return err
	}
	return s.writeRecord(p.Key, record{now})
}

// eachRecord calls do with the record of every key that is not to be left out; do may remove it.
func (s *Site) eachRecord(leaveOut func(key string) bool, do func(key string, r record) error) error {
	dir, err := os.Open(s.path(marker))
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		entries, _ := dir.ReadDir(1000) // at the end it returns none
		if len(entries) == 0 {
			return nil
		}
		for _, e := range entries {
			key, ok := strings.CutSuffix(e.Name(), ".json")
			if !ok || leaveOut(key) {
				continue
			}
			r, err := s.readRecord(key)
			if err != nil {
				return fmt.Errorf("record %q: %w", key, err)
			}
			if err := do(key, r); err != nil {
				return err
			}
		}
	}
}

func (s *Site) remove(files []string) error {
	for _, f := range files {
		if err := os.Remove(s.path(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// live is the set of files and keys of an index, as hashes: it has a few entries for each post of the site. Two names
// of one hash would leave a file too many, no harm.
type live map[uint64]struct{}

func hashed(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

func (l live) add(p content.Post) {
	l[hashed(p.Key)] = struct{}{}
	for _, f := range filesOf(p) {
		l[hashed(f)] = struct{}{}
	}
}

func (l live) has(name string) bool { _, ok := l[hashed(name)]; return ok }

// prune removes the pages and pictures of posts that the index does not have: those of a site that was in the directory
// before.
func (s *Site) prune(keep live) error {
	return s.eachRecord(keep.has, func(key string, old record) error {
		if err := s.remove(slices.DeleteFunc(old.Files, keep.has)); err != nil {
			return err
		}
		return os.Remove(s.path(recordFile(key)))
	})
}
