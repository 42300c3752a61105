package storetest

import (
	"github.com/scrip-go/scrip/credits"
)

var ledgerReleaseCases = []testCase[*ledgerTest]{
	{"GivesEverythingBack", "a release gives the whole hold back and is no entry",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.release("k", first)
			t.wantBalance(100, 0)
			t.wantEntries(1)
			t.wantState("k", credits.Released)
		}},
	{"GivesBackOnce", "releasing again is no error and gives nothing back a second time",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("other", 40))
			t.hold(request("k", 30))
			for range 3 {
				t.release("k", first)
				t.wantBalance(100, 40)
			}
		}},
	{"DoesNotReleaseASettledHold", "a settled hold cannot be released: ErrSettled, and the charge stays",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.settle("k", 20)
			err := t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: "k", Holder: first})
			wantErr(t, err, credits.ErrSettled, "Release of a settled hold")
			t.wantBalance(80, 0)
			t.wantState("k", credits.Settled)
		}},
	{"ReleasesWhatWasHeld", "a key that was never held cannot be released: ErrNotFound",
		func(t *ledgerTest) {
			err := t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: "k", Holder: first})
			wantErr(t, err, credits.ErrNotFound, "Release of an unknown key")
		}},
	{"ReleasesAnExpiredHold", "its own holder may release a hold that expired: nothing is given back twice, and the key is then held afresh",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(ttl)
			t.release("k", first)
			t.wantBalance(100, 0)
			t.wantState("k", credits.Released)
			if h := t.hold(by(request("k", 50), equal)); !h.Fresh || h.Amount != 50 || string(h.Pinned) != "pin of equal" {
				t.Errorf("Hold after release = %+v, want a fresh one as requested", h)
			}
		}},
	{"DoesNotReleaseANewerHold", "a release that comes late does not touch the hold that somebody else took under the key since",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.release("k", first)
			t.hold(by(request("k", 40), equal))
			err := t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: "k", Holder: first})
			wantErr(t, err, credits.ErrNotHolder, "Release by the holder before")
			t.wantBalance(100, 40)
		}},
	{"FinishesTheLastAttemptWithTheRelease", "a release finishes the attempt that it names; naming one that was never begun is ErrNotFound, and the hold stays",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			release := credits.ReleaseRequest{Account: alice, Key: "k", Holder: first, Last: credits.Attempt{ID: "unknown", Fate: "rejected"}}
			wantErr(t, t.Release(t.Context(), release), credits.ErrNotFound, "Release with an unknown attempt")
			t.wantBalance(100, 30)
			release.Last = credits.Attempt{ID: "a", Fate: "unknown", Error: "timeout"}
			must(t, t.Release(t.Context(), release), "Release")
			t.wantFinished("a", release.Last)
			t.wantBalance(100, 0)
		}},
}
