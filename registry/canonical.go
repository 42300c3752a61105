package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Canonical returns the configuration as JSON in its one canonical form: the same bytes for configurations that say the
// same, which are those without a [Diff]. Rows are sorted, lists that are sets are sorted and without repetition, times
// are in UTC, decimals have no trailing zeros (and are in quotes, unless the host has told the decimal package otherwise).
// It is meant to be kept as a snapshot, read by people and compared as text; a configuration has no secrets.
// [ParseConfiguration] reads it back. Errors: ErrInvalid for a parameter that is not JSON.
func (c Configuration) Canonical() ([]byte, error) {
	canonical, err := c.canonical()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(canonical); err != nil {
		return nil, fmt.Errorf("registry: canonical form: %w", err)
	}
	return out.Bytes(), nil
}

// ParseConfiguration reads a configuration from JSON, canonical or not. It is strict, because what is not read is a price
// that nobody charges: a field that there is not, a member that is there twice, or anything behind the configuration is
// ErrInvalid. The rules are not checked; see [Configuration.Validate].
func ParseConfiguration(text []byte) (Configuration, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var c Configuration
	if err := d.Decode(&c); err != nil {
		return Configuration{}, invalid("configuration", "", "%v: correct it", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Configuration{}, invalid("configuration", "", "there is something behind it: remove that")
	}
	if name := twice(json.NewDecoder(bytes.NewReader(text))); name != "" {
		return Configuration{}, invalid("configuration", "", "%.60q is there twice in one place: remove one", name)
	}
	return c, nil
}

// twice returns a member that an object has twice, of the value that comes next, which is known to be JSON. encoding/json
// reads the later one over the earlier: of a list, rows over rows, each of which keeps what the other does not say.
func twice(d *json.Decoder) (name string) {
	start, _ := d.Token()
	if start != json.Delim('{') && start != json.Delim('[') {
		return ""
	}
	seen := map[string]bool{}
	for d.More() {
		if start == json.Delim('{') {
			t, _ := d.Token()
			name = t.(string)
			if seen[name] {
				return name
			}
			seen[name] = true
		}
		if within := twice(d); within != "" {
			return within
		}
	}
	_, _ = d.Token() // its end
	return ""
}

// canonical returns a copy in canonical form, which shares nothing that is changed with the original. Decimals need
// nothing: the text of one has no trailing zeros.
func (c Configuration) canonical() (Configuration, error) {
	c.Models = append([]Model{}, c.Models...) // not nil: an empty list is written as one
	for i := range c.Models {
		if err := c.Models[i].canonize(); err != nil {
			return Configuration{}, err
		}
	}
	slices.SortStableFunc(c.Models, func(a, b Model) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.Name, b.Name))
	})
	c.Providers = append([]Provider{}, c.Providers...)
	slices.SortStableFunc(c.Providers, func(a, b Provider) int { return cmp.Compare(a.ID, b.ID) })
	c.Operations = append([]OperationCost{}, c.Operations...)
	slices.SortStableFunc(c.Operations, func(a, b OperationCost) int { return cmp.Compare(a.Operation, b.Operation) })

	functions := map[string]FunctionSettings{}
	for name, f := range c.Settings.Functions {
		if len(f.Fallbacks) == 0 {
			f.Fallbacks = nil
		}
		if !f.empty() { // settings that say nothing are those of a function that has none
			functions[name] = f
		}
	}
	c.Settings.Functions = functions
	return c, nil
}

func (f FunctionSettings) empty() bool {
	return f.Model == "" && len(f.Fallbacks) == 0 && f.Temperature == nil && f.MaxTokens == 0 && f.Prompt == ""
}

func (m *Model) canonize() error {
	m.ImagePrices = slices.Clone(m.ImagePrices)
	slices.SortStableFunc(m.ImagePrices, func(a, b ImagePrice) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(a.Quality, b.Quality))
	})
	m.Sizes, m.Capabilities, m.Profile.Omit = set(m.Sizes), set(m.Capabilities), set(m.Profile.Omit)
	if m.Shutdown != nil {
		at := m.Shutdown.UTC().Round(0)
		m.Shutdown = &at
	}
	if len(m.Profile.Parameters) == 0 {
		m.Profile.Parameters = nil
		return nil
	}
	parameters := maps.Clone(m.Profile.Parameters)
	for name, raw := range parameters {
		plain, err := plainJSON(raw)
		if err != nil {
			return invalid("model", m.Name, "profile.parameters: the value of %q is not JSON: correct it", name)
		}
		parameters[name] = plain
	}
	m.Profile.Parameters = parameters
	return nil
}

// set returns a list that is a set in the order and number of its canonical form.
func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// plainJSON sorts the members of objects and leaves numbers as they are written: a provider may tell 1 from 1.0.
func plainJSON(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 { // as encoding/json writes it
		return json.RawMessage("null"), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if !json.Valid(raw) || !utf8.Valid(raw) { // something behind the value, or a text that encoding/json would mend and PostgreSQL refuse
		return nil, ErrInvalid
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func instantText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
