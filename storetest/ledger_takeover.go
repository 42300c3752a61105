package storetest

import (
	"errors"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerTakeoverCases = []testCase[*ledgerTest]{
	{"RefusesAnEqualFenceWhileTheLeaseRuns", "a holder with an equal or a lower fence gets an *InProgressError that says who holds the key and until when",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(by(request("k", 30), higher))
			t.clock.advance(time.Minute - time.Microsecond)
			same := credits.Holder{ID: "same", Fence: higher.Fence, Lease: time.Minute}
			for _, h := range []credits.Holder{same, first} {
				_, err := t.Hold(t.Context(), by(request("k", 30), h))
				var e *credits.InProgressError
				if !errors.As(err, &e) || !errors.Is(err, credits.ErrInProgress) {
					t.Errorf("Hold by %q = %v, want an *InProgressError", h.ID, err)
					continue
				}
				if until := t.clock.now().Add(time.Microsecond); e.Account != alice || e.Key != "k" || e.Holder != higher.ID || !e.Until.Equal(until) {
					t.Errorf("Hold by %q = %+v, want held by %q until %v", h.ID, *e, higher.ID, until)
				}
			}
			t.wantBalance(100, 30)
		}},
	{"LetsAHigherFenceTakeOverAtOnce", "a higher fence takes the hold over while its lease runs: the credits, the pin and the amount stay, lease and expiry are the new holder's",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(time.Second)
			r := by(request("k", 90), higher)
			r.First = credits.Attempt{ID: "a2"}
			h := t.hold(r)
			now := t.clock.now()
			if h.Fresh || h.Amount != 30 || string(h.Pinned) != "pin of k" || h.Holder != higher {
				t.Errorf("Hold = %+v, want the first one's amount and pin under the new holder, not fresh", h)
			}
			if !h.LeaseUntil.Equal(now.Add(time.Minute)) || !h.ExpiresAt.Equal(now.Add(ttl)) {
				t.Errorf("Hold = lease until %v, expires %v, want a minute and an hour from %v", h.LeaseUntil, h.ExpiresAt, now)
			}
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 0 {
				t.Errorf("Attempts = %+v, want none: First is begun by a fresh hold only", got)
			}
			t.wantBalance(100, 30)
		}},
	{"LetsAnyHolderTakeOverAfterTheLease", "once the lease ran out, by the store's clock, an equal or a lower fence takes over",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(by(request("k", 30), higher))
			t.clock.advance(time.Minute)
			h := t.hold(by(request("k", 30), first))
			if h.Fresh || h.Holder != first || string(h.Pinned) != "pin of higher" {
				t.Errorf("Hold after the lease = %+v, want it taken over, with the pin it had", h)
			}
			t.wantBalance(100, 30)
		}},
	{"ShowsATakeoverWhatIsOpen", "a takeover sees the attempts that the earlier holder began and did not finish, oldest first",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a1", Provider: "p", Model: "m", KeyID: "key", JobID: "job"}
			if h := t.hold(r); len(h.OpenAttempts) != 1 || h.OpenAttempts[0].ID != "a1" {
				t.Errorf("OpenAttempts = %+v, want a1", h.OpenAttempts)
			}
			for _, id := range []string{"a2", "a3"} {
				t.clock.advance(time.Second)
				t.begin("k", id, first)
			}
			t.finish("k", "a2")
			h := t.hold(by(request("k", 30), higher))
			if len(h.OpenAttempts) != 2 || h.OpenAttempts[0].ID != "a1" || h.OpenAttempts[1].ID != "a3" {
				t.Fatalf("OpenAttempts = %+v, want a1 and a3", h.OpenAttempts)
			}
			if a := h.OpenAttempts[0]; a.Provider != "p" || a.Model != "m" || a.KeyID != "key" || a.JobID != "job" || a.Holder != first.ID || a.Key != "k" {
				t.Errorf("OpenAttempts[0] = %+v, want it as it was begun", a)
			}
			held, err := t.Lookup(t.Context(), alice, "k")
			must(t, err, "Lookup")
			if len(held.Hold.OpenAttempts) != 2 {
				t.Errorf("Lookup.OpenAttempts = %+v, want a1 and a3", held.Hold.OpenAttempts)
			}
		}},
	{"RefusesTheEarlierHolder", "after a takeover the earlier holder cannot extend, begin or release: ErrNotHolder",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.hold(by(request("k", 30), higher))
			_, err := t.Extend(t.Context(), credits.ExtendRequest{Account: alice, Key: "k", Holder: first, Total: 50})
			wantErr(t, err, credits.ErrNotHolder, "Extend by the earlier holder")
			err = t.Begin(t.Context(), credits.BeginRequest{Account: alice, Key: "k", Holder: first, Attempt: credits.Attempt{ID: "a"}})
			wantErr(t, err, credits.ErrNotHolder, "Begin by the earlier holder")
			err = t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: "k", Holder: first})
			wantErr(t, err, credits.ErrNotHolder, "Release by the earlier holder")
			t.wantBalance(100, 30)
			t.wantState("k", credits.Open)
		}},
	{"TellsHoldersApartByIDAndFence", "the same id under another fence is another holder",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(by(request("k", 30), higher))
			older := higher
			older.Fence = 1
			_, err := t.Hold(t.Context(), by(request("k", 30), older))
			wantErr(t, err, credits.ErrInProgress, "Hold by the same id under a lower fence")
			err = t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: "k", Holder: older})
			wantErr(t, err, credits.ErrNotHolder, "Release by the same id under a lower fence")
		}},
}
