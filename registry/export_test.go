package registry

import "time"

// NewSnapshot returns the snapshot of a version that no store has.
func NewSnapshot(v Version) *Snapshot { return newSnapshot(v, time.Now) }
