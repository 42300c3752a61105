package dbstore

import (
	"runtime"
	"testing"
)

// TestGatherLetsThoseComeThatCan has one processor, so that who comes does so only because Gather yields.
func TestGatherLetsThoseComeThatCan(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, c := range []struct{ coming, most, atLeast int }{{0, 10, 0}, {1, 10, 1}, {100, 1000, 100}, {100, 10, 10}} {
		var q Queue[int]
		for n := range c.coming {
			go q.Add(n)
		}
		q.Gather(c.most)
		if q.Len() < c.atLeast {
			t.Errorf("of %d that could come %d did, want %d", c.coming, q.Len(), c.atLeast)
		}
	}
}
