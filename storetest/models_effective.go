package storetest

import (
	"time"

	"github.com/scrip-go/scrip/registry"
)

var effectiveCases = []testCase[*modelTest]{
	{"KeepsAPendingVersionBack", "a version that is still to come is not in force, is the latest, and can be loaded by its number",
		func(t *modelTest) {
			t.save(0, "a")
			at, soon := t.clock.now(), t.clock.now().Add(time.Hour)
			t.wantPending(t.saveAt(1, "b", soon), 2, "b", at, soon)
			t.wantLatest(2)
			t.wantInForce(1)
			v, err := t.Load(t.Context(), 2)
			must(t, err, "Load(2)")
			t.wantPending(v, 2, "b", at, soon)
			t.clock.advance(time.Hour - time.Microsecond)
			t.wantInForce(1)
		}},
	{"PutsAPendingVersionInForceByItself", "when its time has come a pending version is in force, without another write",
		func(t *modelTest) {
			t.save(0, "a")
			at, soon := t.clock.now(), t.clock.now().Add(time.Hour)
			t.saveAt(1, "b", soon)
			t.clock.advance(time.Hour)
			t.wantInForce(2)
			v, err := t.Load(t.Context(), 0)
			must(t, err, "Load(0)")
			t.wantPending(v, 2, "b", at, soon)
			t.clock.advance(1000 * time.Hour)
			t.wantInForce(2)
			t.wantLatest(2)
		}},
	{"HasNothingInForceBeforeTheFirstTime", "a store whose only version is still to come has none in force: InForce is 0 and Load(0) is ErrNotFound",
		func(t *modelTest) {
			t.saveAt(0, "a", t.clock.now().Add(time.Minute))
			t.wantInForce(0)
			t.wantLatest(1)
			t.clock.advance(time.Minute)
			t.wantInForce(1)
		}},
	{"PutsPendingVersionsInForceInTurn", "of two pending versions in the order of their times each takes force at its own",
		func(t *modelTest) {
			t.save(0, "a")
			now := t.clock.now()
			t.saveAt(1, "b", now.Add(time.Minute))
			t.saveAt(2, "c", now.Add(time.Hour))
			t.wantInForce(1)
			t.clock.advance(time.Minute)
			t.wantInForce(2)
			t.clock.advance(time.Hour)
			t.wantInForce(3)
		}},
	{"LetsALaterChangeCancelWhatIsPending", "a version that takes effect no later than pending ones of lower numbers cancels them",
		func(t *modelTest) {
			t.save(0, "a")
			now := t.clock.now()
			t.saveAt(1, "b", now.Add(time.Hour))
			t.saveAt(2, "c", now.Add(time.Minute))
			t.clock.advance(time.Minute)
			t.wantInForce(3)
			t.clock.advance(time.Hour)
			t.wantInForce(3)

			t.saveAt(3, "d", t.clock.now().Add(time.Hour))
			t.saveAt(4, "e", t.clock.now().Add(time.Hour)) // at the same time
			t.clock.advance(time.Hour)
			t.wantInForce(5)

			t.saveAt(5, "f", t.clock.now().Add(time.Hour))
			t.save(6, "g") // at once
			t.wantInForce(7)
			t.clock.advance(2 * time.Hour)
			t.wantInForce(7)
			t.wantLatest(7)
		}},
	{"RefusesAChangeThatOverlooksAPendingOne", "the base of a change is the latest version, also if that is still to come; anything else is ErrConflict",
		func(t *modelTest) {
			t.save(0, "a")
			t.saveAt(1, "b", t.clock.now().Add(time.Hour))
			_, err := t.Save(t.Context(), t.change(1, "c"))
			wantErr(t, err, registry.ErrConflict, "Save(base 1)")
			t.wantLatest(2)
			t.wantVersion(t.save(2, "c"), 3, "c", t.clock.now())
		}},
	{"JudgesAPendingChangeByItsTime", "the rules hold a pending change to the time when it takes effect, not to the time of writing",
		func(t *modelTest) {
			t.save(0, "a")
			end := t.clock.now().Add(time.Hour)
			ending := func(effective time.Time) error {
				c := t.change(1, "b")
				c.EffectiveAt = effective
				model(&c.Next, "writer").Shutdown = &end
				_, err := t.Save(t.Context(), c)
				return err
			}
			wantErr(t, ending(end), registry.ErrInvalid, "Save of a default that is shut down when the change takes effect")
			wantErr(t, ending(end.Add(time.Hour)), registry.ErrInvalid, "Save of a default that is shut down before the change takes effect")
			wantErr(t, ending(end.Add(-time.Microsecond)), nil, "Save of a default that is shut down later")
			t.wantLatest(2)
		}},
	{"KeepsEffectiveTimesToTheMicrosecond", "an effective time is kept in whole microseconds and never takes force early: parts of one are rounded up",
		func(t *modelTest) {
			t.save(0, "a")
			at, whole := t.clock.now(), t.clock.now().Add(1500001*time.Microsecond)
			v := t.saveAt(1, "b", whole.Add(-time.Nanosecond).In(time.FixedZone("", 3600)))
			t.wantPending(v, 2, "b", at, whole)
			v, err := t.Load(t.Context(), 2)
			must(t, err, "Load")
			t.wantPending(v, 2, "b", at, whole)
			t.clock.advance(1500000 * time.Microsecond)
			t.wantInForce(1)
			t.clock.advance(time.Microsecond)
			t.wantInForce(2)
		}},
	{"TakesAChangeEffectiveNow", "an effective time that is now by the store's clock is no time that has passed",
		func(t *modelTest) {
			t.wantVersion(t.saveAt(0, "a", t.clock.now()), 1, "a", t.clock.now())
			t.wantInForce(1)
		}},
}
