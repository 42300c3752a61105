package engine_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers/providertest"
)

// TestWhateverGoesWrongAKeyIsChargedOnce lets one key go through random faults, crashes, take-overs and lapsed leases until
// it is settled. Each seed is a history of its own.
func TestWhateverGoesWrongAKeyIsChargedOnce(t *testing.T) {
	kinds := map[string][]providertest.FaultKind{}
	everywhere := []providertest.FaultKind{"", "", providertest.Status401, providertest.Status429, providertest.Status500,
		providertest.Status502, providertest.Status503, providertest.DropBefore, providertest.DropAfter, providertest.CutBody,
		providertest.Slow, providertest.InvalidBody, providertest.ErrorIn200, providertest.Refusal, providertest.NoUsage}
	kinds[""] = append(everywhere, providertest.NotJSON, providertest.WrongShape, providertest.Length, providertest.AbsurdUsage, providertest.ExcessUsage)
	kinds[dalleModel] = append(everywhere, providertest.AbsurdUsage, providertest.BadPicture)
	kinds[runwareModel] = append(everywhere, providertest.BadPicture)
	for _, f := range []flow{{name: "Text"}, {name: "Picture", model: dalleModel}, {name: "PictureThatCanBeAskedFor", model: runwareModel}} {
		t.Run(f.name, func(t *testing.T) {
			for seed := range uint64(60) {
				synctest.Test(t, func(t *testing.T) {
					f.history(t, rand.New(rand.NewPCG(seed, 0)), kinds[f.model])
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// history is one random life of a key.
func (f flow) history(t *testing.T, rng *rand.Rand, kinds []providertest.FaultKind) {
	h := newHost(t, setup{inProcess: true})
	fence := int64(1)
	for try := 0; ; try++ {
		var faults []providertest.Fault
		for i := range rng.IntN(3) {
			if kind := kinds[rng.IntN(len(kinds))]; kind != "" && try < 12 {
				faults = append(faults, providertest.Fault{Kind: kind, After: i, Count: 1, Delay: time.Duration(rng.IntN(400)) * time.Second})
			}
		}
		h.faults(faults...)
		m := &mortal{Ledger: h.ledger, dieAt: rng.IntN(10), after: rng.IntN(2) == 0}
		if try >= 12 {
			m.dieAt = 0
		}
		holder := credits.Holder{}
		switch rng.IntN(3) {
		case 0: // as the automation does it
			fence++
			holder = credits.Holder{ID: "worker", Fence: fence}
		case 1:
			time.Sleep(time.Duration(rng.IntN(700)) * time.Second)
		}
		charged, _, err := f.run(h, h.another(func(c *engine.Config) { c.Ledger = m }), holder)
		settles := h.settles()
		if err == nil {
			if len(settles) != 1 || -settles[0].Amount != charged {
				t.Errorf("charged %d, settles %+v", charged, settles)
			}
			break
		}
		if len(settles) > 1 || len(settles) == 1 && !errors.Is(err, errDead) {
			t.Errorf("%v, and settles %+v", err, settles)
		}
		if errors.Is(err, credits.ErrInProgress) {
			time.Sleep(3 * lease)
		}
		if try > 40 {
			t.Fatalf("it does not end: %v", err)
		}
	}
	h.sound()
	again, replayed, err := f.run(h, h.Engine, credits.Holder{})
	if settles := h.settles(); err != nil || !replayed || len(settles) != 1 || again != -settles[0].Amount {
		t.Errorf("the same key again: %d, %t, %v", again, replayed, err)
	}
}
