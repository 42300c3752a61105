package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/scrip-go/scrip/registry"
)

type snapshotCommand struct {
	Version int64 `placeholder:"N" help:"Of this version; of the one in force if it is not given."`
}

func (c *snapshotCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		v, err := db.load(a, c.Version)
		if err != nil {
			return err
		}
		text, err := v.Configuration.Canonical()
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(text)
		return err
	})
}

type diffCommand struct {
	A string `arg:"" help:"A version's number (0 for the one in force), a file, - for standard input, or a catalogue."`
	B string `arg:"" optional:"" default:"0" help:"What to compare with; the version in force if it is not given."`
}

func (c *diffCommand) Run(a *app) error {
	differences, err := c.differences(a)
	if err == nil {
		err = a.differences(differences)
	}
	switch {
	case err != nil:
		return &exit{misused, err}
	case len(differences) > 0:
		return &exit{code: failed}
	}
	return nil
}

func (c *diffCommand) differences(a *app) (out []registry.Difference, err error) {
	var sides [2]registry.Configuration
	for i, source := range []string{c.A, c.B} {
		if sides[i], err = a.configuration(source); err != nil {
			return nil, err
		}
	}
	return append([]registry.Difference{}, registry.Diff(sides[0], sides[1])...), nil
}

func (a *app) differences(list []registry.Difference) error {
	if a.JSON {
		return a.document(map[string]any{"differences": list})
	}
	for _, d := range list {
		a.say("%s", d)
	}
	return nil
}

// configuration returns what a source names. Only a version needs the database.
func (a *app) configuration(source string) (c registry.Configuration, err error) {
	if version, err := strconv.ParseInt(source, 10, 64); err == nil {
		err = a.with(reading, func(db *database) error {
			v, err := db.load(a, version)
			c = v.Configuration
			return err
		})
		return c, err
	}
	if c, err := registry.Catalogue(source); !errors.Is(err, registry.ErrNotFound) {
		return c, err
	}
	return a.read(source)
}

// maxFile is how many bytes of a file are read: more than every list and configuration has, and what a mistaken path may
// be is no reason to fill the memory.
const maxFile = 64 << 20

// text returns what a file has, or standard input for "-".
func (a *app) text(file string) ([]byte, error) {
	from := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	text, err := a.all(from, maxFile+1)
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: it has more than %d bytes: is it the right file?", file, maxFile)
	}
	return []byte(text), err
}

// all reads to the end, or so many bytes. A pipe may never end, and an interrupt ends the waiting for it.
func (a *app) all(from io.Reader, most int64) (string, error) {
	return await(a.ctx, func() (string, error) {
		text, err := io.ReadAll(io.LimitReader(from, most))
		return string(text), err
	})
}

// read returns the configuration of a file, or of standard input for "-".
func (a *app) read(file string) (registry.Configuration, error) {
	text, err := a.text(file)
	if err != nil {
		return registry.Configuration{}, err
	}
	c, err := registry.ParseConfiguration(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return c, err
}
