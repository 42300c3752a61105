package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// numbered is a change whose parts all tell the number of the version that it makes.
func numbered(number int64) registry.Change {
	c := changeOf(number-1, fmt.Sprint(number))
	c.Who = fmt.Sprint("writer of ", number)
	price := decimal.NewFromInt(number)
	m := model(&c.Next, "writer")
	m.Prices.Input, m.TokensPerCredit = &price, number
	c.Next.Operations[0].MinCredits = credits.Amount(number)
	return c
}

// wholeVersion says what of a version belongs to another one.
func wholeVersion(v registry.Version) error {
	want := numbered(v.Number)
	if v.Who != want.Who || v.Why != want.Why {
		return fmt.Errorf("version %d is by %q, %q", v.Number, v.Who, v.Why)
	}
	if d := registry.Diff(want.Next, v.Configuration); len(d) > 0 {
		return fmt.Errorf("version %d: %v", v.Number, d)
	}
	return nil
}

// pricedByOne quotes an operation and says if a part of the price is of another version.
func pricedByOne(s *registry.Snapshot) error {
	p, err := s.Configuration.Quote(registry.Clustering, "writer", usage.Tokens(1_000_000, 0))
	if err != nil {
		return err
	}
	exact, _ := decimal.NewFromInt(1_000_000).QuoRem(decimal.NewFromInt(s.Version), 18)
	if !p.Exact.Equal(exact) || p.Minimum != credits.Amount(s.Version) || !p.USD.Equal(decimal.NewFromInt(s.Version)) {
		return fmt.Errorf("by version %d it costs %s credits, at least %d, and %s USD", s.Version, p.Exact, p.Minimum, p.USD)
	}
	return nil
}

var snapshotCases = []testCase[*modelTest]{
	{"NeverMixesVersions", "while several write and several read, what is loaded, listed or quoted by is one version that was written, and numbers never go back",
		func(t *modelTest) {
			const writers, readers, versions = 3, 3, 30
			_, err := t.Save(t.Context(), numbered(1))
			must(t, err, "Save")
			r, err := registry.Open(t.Context(), t.ModelStore, &registry.Options{Poll: time.Millisecond, Now: t.clock.now})
			must(t, err, "Open")
			defer r.Close()
			var writing atomic.Int32
			writing.Store(writers)
			errs := together(writers+readers, func(i int) error {
				if i < writers {
					defer writing.Add(-1)
					return writeNumbered(t, versions)
				}
				return readNumbered(t, r, func() bool { return writing.Load() > 0 })
			})
			if err := errors.Join(errs...); err != nil {
				t.Errorf("%v", err)
			}
			t.wantLatest(versions)
			must(t, r.Refresh(t.Context()), "Refresh")
			if s := r.Snapshot(); s.Version != versions {
				t.Errorf("after all writes the registry has version %d, want %d", s.Version, versions)
			}
		}},
}

// writeNumbered writes versions until there are so many. Others do the same.
func writeNumbered(t *modelTest, upTo int64) error {
	for {
		latest, err := t.Latest(t.Context())
		if err != nil || latest >= upTo {
			return err
		}
		if _, err := t.Save(t.Context(), numbered(latest+1)); err != nil && !errors.Is(err, registry.ErrConflict) {
			return err
		}
		time.Sleep(time.Millisecond) // or a fast store has written it all before the first is read
	}
}

// readNumbered looks at versions in every way that there is.
func readNumbered(t *modelTest, r *registry.Registry, more func() bool) error {
	var loaded, seen int64
	for again := true; again; {
		again = more() // and once after the last write
		v, err := t.Load(t.Context(), 0)
		if err == nil {
			err = wholeVersion(v)
		}
		if err == nil && v.Number < loaded {
			err = fmt.Errorf("version %d is in force after %d was", v.Number, loaded)
		}
		if err != nil {
			return err
		}
		loaded = v.Number
		left := 3
		for v, err := range t.History(t.Context(), 0) {
			if err == nil {
				err = wholeVersion(v)
			}
			if err != nil {
				return err
			}
			if left--; left == 0 {
				break
			}
		}
		s := r.Snapshot()
		if s.Version < seen {
			return fmt.Errorf("the registry went back from version %d to %d", seen, s.Version)
		}
		if seen = s.Version; pricedByOne(s) != nil {
			return pricedByOne(s)
		}
	}
	return nil
}
