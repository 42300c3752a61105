package engine_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

// What a call allocates can be held where its time cannot, on any machine: work that is done twice shows here first.
func TestAPaidCallAllocatesNoMoreThanItDid(t *testing.T) {
	p := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
		return says(`{"echo":"` + prompt + `"}`)
	})
	h, n := newHost(t, setup{grant: 1 << 60, engine: with(p)}), 0
	got := testing.AllocsPerRun(500, func() {
		n++
		if _, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: credits.Key(strconv.Itoa(n))}, ask{prompt}); err != nil {
			t.Fatal(err)
		}
	})
	if most := 205.0; got > most { // 178, and under the race detector, which makes pools forget at random, some 192
		t.Errorf("a call allocates %.0f times, want at most %.0f", got, most)
	}
}
