package registry

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed catalogue/*.json
var catalogues embed.FS

// The catalogues that ship with Scrip.
const (
	// Seed holds the original system's rows of January 2026, without shutdown dates: for tests and offline examples.
	Seed = "seed-2026-01"
	// Current holds models that can be called today, with their shutdown dates where one is announced.
	Current = "current"
)

// Catalogue returns a configuration that ships with Scrip, to be saved as a first version. Errors: ErrNotFound.
func Catalogue(name string) (Configuration, error) {
	b, err := catalogues.ReadFile("catalogue/" + name + ".json")
	if err != nil {
		return Configuration{}, fmt.Errorf("registry: catalogue %.40q: %w: there are %s", name, ErrNotFound, strings.Join(catalogueNames(), ", "))
	}
	c, err := ParseConfiguration(b)
	if err != nil {
		return Configuration{}, fmt.Errorf("registry: catalogue %q: %w", name, err)
	}
	return c, nil
}

func catalogueNames() []string {
	files, _ := fs.Glob(catalogues, "catalogue/*.json")
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "catalogue/"), ".json")
	}
	return files
}
