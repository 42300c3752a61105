package registry

import (
	"context"
	"fmt"
)

// Candidate returns the version that comes into force next, as the registry last saw it; nil if none is pending. Usage is
// priced by it beside the version in force, so that a price change is known before it is charged: see [Snapshot.Reprice].
// It is found within a poll of having been saved, and gone within one of having been cancelled, in every process. The
// version of the snapshot stays what it is when its candidate changes. A candidate has none of its own.
func (s *Snapshot) Candidate() *Snapshot { return s.candidate }

// candidate finds the version that comes into force next, among those behind the one in force up to the latest: none of
// them has come yet, so it is the lowest-numbered that takes force.
func (r *Registry) candidate(ctx context.Context, inForce, latest int64) (*Snapshot, error) {
	var pending Succession
	var next *Version
	for n := latest; n > inForce; n-- {
		v, err := r.store.Load(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("registry: load pending version %d: %w", n, err)
		}
		if pending.Takes(v) {
			next = &v
		}
	}
	if next == nil {
		return nil, nil
	}
	return newSnapshot(*next, r.now), nil
}

// behind reports whether the store has something that the snapshot does not: another version in force, or one that was
// written since and may be the next, or may have cancelled it.
func (r *Registry) behind(ctx context.Context) (bool, error) {
	s := r.Snapshot()
	inForce, err := r.store.InForce(ctx)
	if err != nil || inForce > s.Version {
		return err == nil, err
	}
	latest, err := r.store.Latest(ctx)
	return latest > s.latest, err
}
