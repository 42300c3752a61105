package registry_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/registry"
)

// pend saves a change, told by its style, that takes effect so long after seedTime.
func pend(t testing.TB, to registry.ModelStore, base int64, after time.Duration) registry.Version {
	t.Helper()
	c := restyled(t, base, fmt.Sprint("style ", base+1))
	c.EffectiveAt = seedTime.Add(after)
	return save(t, to, c)
}

// wantCandidate checks which version is in force and which comes next; 0 is none.
func wantCandidate(t testing.TB, s *registry.Snapshot, inForce, next int64) {
	t.Helper()
	var got int64
	if c := s.Candidate(); c != nil {
		got = c.Version
		if want := fmt.Sprint("style ", got); c.Configuration.Settings.Images.Style != want {
			t.Errorf("candidate %d has the style %q", got, c.Configuration.Settings.Images.Style)
		}
		if c.Candidate() != nil {
			t.Errorf("candidate %d has a candidate of its own", got)
		}
	}
	if s.Version != inForce || got != next {
		t.Errorf("version %d is in force and %d is next, want %d and %d", s.Version, got, inForce, next)
	}
}

// The candidate is by definition the version that is in force after the next change of force.
func TestTheCandidateIsWhatComesIntoForceNext(t *testing.T) {
	const h = time.Hour
	for _, tt := range []struct {
		says string
		at   []time.Duration // of versions 2, 3, …
		next []int64         // at first, and after each change of what is in force
	}{
		{"nothing is pending", nil, []int64{0}},
		{"one is pending", []time.Duration{h}, []int64{2, 0}},
		{"two in the order of their times", []time.Duration{h, 2 * h}, []int64{2, 3, 0}},
		{"a later one cancels with an earlier time", []time.Duration{2 * h, h}, []int64{3, 0}},
		{"and with the same time", []time.Duration{h, h}, []int64{3, 0}},
		{"one that takes effect at once cancels all", []time.Duration{h, 2 * h, 0}, []int64{0}},
		{"what is cancelled comes never", []time.Duration{h, 3 * h, 2 * h, 4 * h}, []int64{2, 4, 5, 0}},
		{"of many", []time.Duration{5 * h, 4 * h, 6 * h, 4 * h, 9 * h}, []int64{5, 6, 0}},
	} {
		t.Run(tt.says, func(t *testing.T) {
			c := &clock{at: seedTime}
			store := stored(t, c)
			for i, after := range tt.at {
				pend(t, store, int64(i)+1, after)
			}
			r := opened(t, store, c)
			for i, next := range tt.next {
				inForce := r.Snapshot().Version
				wantCandidate(t, r.Snapshot(), inForce, next)
				for hours := 0; r.Snapshot().Version == inForce && hours < 10; hours++ {
					c.advance(h)
					if err := r.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				switch got := r.Snapshot().Version; {
				case next != 0 && got != next:
					t.Fatalf("after candidate %d version %d takes force", next, got)
				case next == 0 && (got != inForce || i != len(tt.next)-1):
					t.Fatalf("without a candidate version %d takes force", got)
				}
			}
		})
	}
}

// By definition a version takes force if at some time it is the highest-numbered one whose time has come.
func TestASuccessionHasWhatIsEverInForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 8).Draw(t, "effective")
		inForce := map[int]bool{}
		for now := range 6 {
			for n := len(hours) - 1; n >= 0; n-- {
				if hours[n] <= now {
					inForce[n] = true
					break
				}
			}
		}
		var s registry.Succession
		for n := len(hours) - 1; n >= 0; n-- {
			v := registry.Version{Number: int64(n) + 1, EffectiveAt: seedTime.Add(time.Duration(hours[n]) * time.Hour)}
			if got := s.Takes(v); got != inForce[n] {
				t.Errorf("version %d of %v takes force: %v, want %v", v.Number, hours, got, inForce[n])
			}
		}
	})
}

func TestAProcessFollowsTheCandidate(t *testing.T) {
	c := &clock{at: seedTime}
	store := stored(t, c)
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first := r.Snapshot()
	becomes := func(inForce, next int64) {
		t.Helper()
		eventually(t, fmt.Sprintf("candidate %d", next), func() bool {
			s := r.Snapshot()
			return s.Version == inForce && (next == 0 && s.Candidate() == nil || s.Candidate() != nil && s.Candidate().Version == next)
		})
		wantCandidate(t, r.Snapshot(), inForce, next)
	}
	// All by another process.
	pend(t, store, 1, 3*time.Hour)
	becomes(1, 2)
	second := r.Snapshot()
	pend(t, store, 2, time.Hour)
	becomes(1, 3)
	if now, err := r.Snapshot().Model("gpt-5.1"); err != nil || r.Snapshot().Configuration != first.Configuration || now != &first.Configuration.Models[3] {
		t.Errorf("with its candidate the snapshot changed: %v, %v", now, err)
	}
	pend(t, store, 3, 0)
	becomes(4, 0)
	pend(t, store, 4, time.Hour)
	becomes(4, 5)
	c.advance(time.Hour)
	becomes(5, 0)
	wantCandidate(t, first, 1, 0) // a snapshot does not change
	wantCandidate(t, second, 1, 2)
}

// patchy is a store that cannot load pending versions for a while, and counts looks and loads.
type patchy struct {
	registry.ModelStore
	away           atomic.Bool
	looked, loaded atomic.Int64
}

func (p *patchy) InForce(ctx context.Context) (int64, error) {
	p.looked.Add(1)
	return p.ModelStore.InForce(ctx)
}

func (p *patchy) Load(ctx context.Context, number int64) (registry.Version, error) {
	p.loaded.Add(1)
	if number != 0 && p.away.Load() {
		return registry.Version{}, errors.New("the disk is gone")
	}
	return p.ModelStore.Load(ctx, number)
}

func TestACandidateThatCannotBeLoadedKeepsNothingBack(t *testing.T) {
	c := &clock{at: seedTime}
	store := &patchy{ModelStore: stored(t, c)}
	r := opened(t, store, c)
	store.away.Store(true)
	pend(t, store, 1, 0)
	pend(t, store, 2, time.Hour)
	err := r.Refresh(t.Context())
	wantText(t, err, "registry: load pending version 3: the disk is gone")
	wantCandidate(t, r.Snapshot(), 2, 0)
	store.away.Store(false)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCandidate(t, r.Snapshot(), 2, 3)
}

// A poll asks for two numbers, and loads nothing unless one of them has changed.
func TestACandidateIsLoadedOnce(t *testing.T) {
	c := &clock{at: seedTime}
	store := &patchy{ModelStore: stored(t, c)}
	pend(t, store, 1, time.Hour)
	r, err := registry.Open(t.Context(), store, &registry.Options{Poll: time.Millisecond, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "tenth look", func() bool { return store.looked.Load() >= 10 })
	r.Close()
	if n := store.loaded.Load(); n != 2 {
		t.Errorf("%d versions were loaded in many polls, want the one in force and its candidate", n)
	}
}
