package ownstore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/scrip-go/scrip/credits"
)

// ErrDamaged is a journal with a line that is not what was written, before its last.
var ErrDamaged = errors.New("the journal is damaged")

// record is what a batch of mutations changed: one line of the journal. Rows are as they are afterwards, but totals, which are
// what is to be added.
type record struct {
	Accounts     []credits.AccountRow  `json:",omitempty"`
	Buckets      []credits.Bucket      `json:",omitempty"`
	Holds        []credits.Hold        `json:",omitempty"`
	Attempts     []credits.AttemptRow  `json:",omitempty"`
	Entries      []entry               `json:",omitempty"`
	Receipts     []*credits.Receipt    `json:",omitempty"`
	Caps         []credits.CapRow      `json:",omitempty"`
	RemovedCaps  []credits.CapRef      `json:",omitempty"`
	Totals       []*credits.UsageTotal `json:",omitempty"`
	Events       []credits.Event       `json:",omitempty"`
	Acknowledged []credits.EventRef    `json:",omitempty"`
	Pruned       []credits.Ref         `json:",omitempty"`
}

// entry has the hash, which the JSON of an entry leaves out: that is made for people.
type entry struct {
	credits.Entry
	Hash [32]byte
}

// changed is the record of what a state did.
func changed(c *credits.Changes) (r record) {
	for _, a := range c.Accounts {
		r.Accounts = append(r.Accounts, *a)
	}
	for _, b := range c.Buckets {
		r.Buckets = append(r.Buckets, *b)
	}
	for _, h := range c.Holds {
		r.Holds = append(r.Holds, *h)
	}
	for _, e := range c.Entries {
		r.Entries = append(r.Entries, entry{e, e.Hash})
	}
	for ref, row := range c.Caps {
		if row == nil {
			r.RemovedCaps = append(r.RemovedCaps, ref)
		} else {
			r.Caps = append(r.Caps, *row)
		}
	}
	r.Attempts, r.Receipts, r.Totals, r.Events = c.Attempts, c.Receipts, c.Totals, c.Events
	return r
}

// journal is the file. A line is a checksum, a space, the JSON of a record and a line feed; the checksum covers the record and
// the checksum before it, so that a line that is missing is noticed as well.
type journal struct {
	file *os.File
	sum  uint32 // of the last line
	err  error  // why nothing can be written any more
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openJournal takes the lock and has install make rows of what the journal holds.
func openJournal(path string, install func(record)) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file}
	if err := errors.Join(lock(file), j.replay(install), syncDirectory(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// replay reads every line, and drops a last one that was not wholly written.
func (j *journal) replay(install func(record)) error {
	in, end := bufio.NewReader(j.file), int64(0)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return err
		}
		r, sum, ok := parse(line, j.sum)
		if !ok {
			if _, err := in.Peek(1); err != io.EOF {
				return fmt.Errorf("%w at byte %d", ErrDamaged, end)
			}
			break
		}
		install(r)
		j.sum, end = sum, end+int64(len(line))
	}
	if err := j.file.Truncate(end); err != nil {
		return err
	}
	if _, err := j.file.Seek(end, io.SeekStart); err != nil {
		return err
	}
	return j.file.Sync()
}

func parse(line []byte, before uint32) (r record, sum uint32, ok bool) {
	head, body, _ := bytes.Cut(line, []byte(" "))
	body, whole := bytes.CutSuffix(body, []byte("\n"))
	sum = crc32.Update(before, castagnoli, body)
	ok = whole && string(head) == fmt.Sprintf("%08x", sum) && json.Unmarshal(body, &r) == nil
	return r, sum, ok
}

// write makes a record durable and returns it as it will be read back.
func (j *journal) write(r record) (record, error) {
	if j.err != nil {
		return record{}, j.err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return record{}, err
	}
	sum := crc32.Update(j.sum, castagnoli, body)
	line := fmt.Appendf(nil, "%08x %s\n", sum, body)
	back, _, ok := parse(line, j.sum)
	if !ok {
		return record{}, errors.New("ownstore: what would be written cannot be read back")
	}
	_, err = j.file.Write(line)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.err = fmt.Errorf("ownstore: write: %w: open the ledger anew", err)
		return record{}, j.err
	}
	j.sum = sum
	return back, nil
}

// syncDirectory makes the name of a file that was just made as durable as its content.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
