package dbstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Migration is a numbered file. Once released it is never edited: what a database has is known by number alone, and the
// digest of the text tells when that is not true.
type Migration struct {
	Number, Major int64
	Name          string // without number and ending
	SHA256        string // hexadecimal, of Text
	Text          string
}

// Fields returns what a database keeps of a migration: number, name, major and sha256.
func (m *Migration) Fields() []any { return []any{&m.Number, &m.Name, &m.Major, &m.SHA256} }

// Labels names migrations as their files are named, without the ending.
func Labels(list []Migration) []string {
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = fmt.Sprintf("%04d_%s", m.Number, m.Name)
	}
	return out
}

// Migrations returns those of the files migrations/NUMBER_NAME.sql in order. A file begins with "-- major: N", the major
// version whose releases can work with the schema that it makes; within one, a migration only adds.
func Migrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, file := range names {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		first, _, _ := strings.Cut(string(text), "\n")
		m := Migration{Name: name, Text: string(text)}
		if m.Number, err = strconv.ParseInt(number, 10, 64); err != nil {
			return nil, fmt.Errorf("%s: want NUMBER_NAME.sql", file)
		}
		if m.Major, err = strconv.ParseInt(strings.TrimPrefix(first, "-- major: "), 10, 64); err != nil {
			return nil, fmt.Errorf("%s: want \"-- major: N\" in the first line, not %q", file, first)
		}
		sum := sha256.Sum256(text)
		m.SHA256 = hex.EncodeToString(sum[:])
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Migration) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// NewerError is a database that a newer major version has migrated: its last migration, and the last that is known.
type NewerError struct{ Last, Known Migration }

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("migration %d is of major version %d, and %d is known", e.Last.Number, e.Last.Major, e.Known.Major)
}

// AlteredError is a migration that was applied with another text than it has.
type AlteredError struct{ Migration }

// Error implements error.
func (e *AlteredError) Error() string {
	return fmt.Sprintf("migration %d, %q, was applied with another text than this release has", e.Number, e.Name)
}

// Lacking returns the known migrations that were not applied, both in order. Errors: *NewerError, *AlteredError.
func Lacking(known, applied []Migration) ([]Migration, error) {
	latest := known[len(known)-1]
	lacking := slices.Clone(known)
	for _, m := range applied {
		if m.Major > latest.Major {
			return nil, &NewerError{Last: applied[len(applied)-1], Known: latest}
		}
		i := slices.IndexFunc(lacking, func(k Migration) bool { return k.Number == m.Number })
		if i < 0 {
			continue // newer, of the same major version: it added what this release does not use
		}
		if lacking[i].SHA256 != m.SHA256 {
			return nil, &AlteredError{m}
		}
		lacking = slices.Delete(lacking, i, i+1)
	}
	return lacking, nil
}
