package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/scrip-go/scrip/registry"
)

type setCommand struct {
	Changes []string `arg:"" name:"row field=value" help:"A row and what its fields are to be, and further rows if the rules want them changed together. A row is the name of a model, or operation:NAME, provider:NAME, function:NAME or images. A field is named as models show names it; FIELD= unsets it."`
	New     bool     `help:"Add the rows that are not there."`
	review
}

// assignment is a field of a row and what it is to be.
type assignment struct {
	row         reference
	field, text string
}

// parseAssignments reads rows, each with at least one field behind it.
func parseAssignments(args []string) ([]assignment, error) {
	var out []assignment
	var row string
	fields := 0
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		switch {
		case !ok && row != "" && fields == 0:
			return nil, misuse("nothing is to be changed of %.80q: want NAME FIELD=VALUE", row)
		case !ok:
			row, fields = arg, 0
		case row == "":
			return nil, misuse("%.80q comes before the name of a row: want NAME FIELD=VALUE", name)
		default:
			fields++
			out = append(out, assignment{parseReference(row), name, text})
		}
	}
	if fields == 0 {
		return nil, misuse("nothing is to be changed of %.80q: want NAME FIELD=VALUE", row)
	}
	return out, nil
}

func (c *setCommand) Run(a *app) error {
	assignments, err := parseAssignments(c.Changes)
	if err != nil {
		return err
	}
	return c.change(a, func(_ *database, next registry.Configuration) (registry.Configuration, error) {
		for _, x := range assignments {
			err := edit(&next, x.row, c.New, func(row reflect.Value) error {
				if err := assign(row, x.field, x.text); err != nil {
					return misuse("%s: %w", x.row, err)
				}
				return nil
			})
			if err != nil {
				return next, err
			}
		}
		return next, nil
	})
}

type applyCommand struct {
	File      string `arg:"" optional:"" help:"A configuration as snapshot prints it; - for standard input."`
	Catalogue string `placeholder:"NAME" help:"A catalogue that ships with Scrip, instead of a file."`
	review
}

func (c *applyCommand) Run(a *app) error {
	if (c.File == "") == (c.Catalogue == "") {
		return misuse("want either a file or --catalogue")
	}
	return c.change(a, func(*database, registry.Configuration) (registry.Configuration, error) {
		if c.Catalogue != "" {
			return registry.Catalogue(c.Catalogue)
		}
		return a.read(c.File)
	})
}

type rollbackCommand struct {
	Version int64 `arg:"" help:"The version to go back to."`
	review
}

func (c *rollbackCommand) Run(a *app) error {
	if c.Version < 1 {
		return misuse("want the number of an earlier version, not %d", c.Version)
	}
	return c.change(a, func(db *database, _ registry.Configuration) (registry.Configuration, error) {
		v, err := db.models.Load(a.ctx, c.Version)
		if err != nil {
			return registry.Configuration{}, fmt.Errorf("roll back: %w", err)
		}
		return v.Configuration, nil
	})
}
