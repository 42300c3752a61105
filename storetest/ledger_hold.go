package storetest

import (
	"bytes"
	"errors"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerHoldCases = []testCase[*ledgerTest]{
	{"SetsCreditsAside", "a hold takes its amount out of what is available and says all that it was asked for",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			h := t.hold(r)
			now := t.clock.now()
			if h.Account != alice || h.Key != "k" || h.Operation != r.Operation || h.Scope != r.Scope || h.State != credits.Open ||
				h.Amount != 30 || h.Fingerprint != r.Fingerprint || !bytes.Equal(h.Pinned, r.Pinned) || !h.Fresh {
				t.Errorf("Hold = %+v, want it as requested: %+v", h, r)
			}
			if h.Holder != r.Holder {
				t.Errorf("Hold.Holder = %+v, want %+v", h.Holder, r.Holder)
			}
			if !h.CreatedAt.Equal(now) || !h.LeaseUntil.Equal(now.Add(time.Minute)) || !h.ExpiresAt.Equal(now.Add(ttl)) {
				t.Errorf("Hold = created %v, lease until %v, expires %v, want %v, a minute and an hour on", h.CreatedAt, h.LeaseUntil, h.ExpiresAt, now)
			}
			t.wantBalance(100, 30)
			t.wantEntries(1)
			t.wantState("k", credits.Open)
		}},
	{"HoldsTheLastCredit", "a hold may take all there is, and then there is nothing for another",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 100))
			t.wantBalance(100, 100)
			_, err := t.Hold(t.Context(), request("k2", 1))
			wantErr(t, err, credits.ErrInsufficient, "Hold of one more")
		}},
	{"RefusesWhatTheAccountCannotCover", "a hold above what is available is an *InsufficientError that says what was needed, what there is and what others hold",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 60))
			_, err := t.Hold(t.Context(), request("k2", 41))
			t.wantInsufficient(err, 41, 40, 60)
			t.wantBalance(100, 60)
		}},
	{"LeavesNothingOfARefusedHold", "a refused hold does not take its key: the same key may be held once there are credits",
		func(t *ledgerTest) {
			_, err := t.Hold(t.Context(), request("k", 10))
			t.wantInsufficient(err, 10, 0, 0)
			_, err = t.Lookup(t.Context(), alice, "k")
			wantErr(t, err, credits.ErrNotFound, "Lookup of a refused hold")
			t.grant(10)
			if h := t.hold(request("k", 10)); !h.Fresh {
				t.Errorf("Hold.Fresh = false, want true: the refused one left nothing")
			}
		}},
	{"AnswersTheSameHolderAgain", "the same holder asking again gets its hold, not fresh and not taken twice; the amount and the pin stay",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(10 * time.Second)
			r := request("k", 50)
			r.Pinned = []byte("another")
			h := t.hold(r)
			if h.Fresh || h.Amount != 30 || string(h.Pinned) != "pin of k" {
				t.Errorf("Hold again = fresh %v, amount %d, pinned %q, want the first one's 30 and pin", h.Fresh, h.Amount, h.Pinned)
			}
			t.wantBalance(100, 30)
		}},
	{"RefusesAKeyThatHeldSomethingElse", "a key with another fingerprint is ErrKeyReused: while held, after release, after expiry and after settling",
		func(t *ledgerTest) {
			t.grant(100)
			other := func(key credits.Key) {
				t.Helper()
				r := request(key, 10)
				r.Holder = higher
				r.Fingerprint[0]++
				_, err := t.Hold(t.Context(), r)
				wantErr(t, err, credits.ErrKeyReused, "Hold of "+string(key)+" for something else")
			}
			t.hold(request("open", 10))
			other("open")
			t.hold(request("released", 10))
			t.release("released", first)
			other("released")
			t.hold(request("settled", 10))
			t.settle("settled", 10)
			other("settled")
			t.clock.advance(ttl)
			other("open")
			t.wantBalance(90, 0)
		}},
	{"HoldsAReleasedKeyAfresh", "a released key may be held again: fresh, with the new amount and the new pin",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.release("k", first)
			h := t.hold(by(request("k", 50), equal))
			if !h.Fresh || h.Amount != 50 || string(h.Pinned) != "pin of equal" || h.Holder != equal {
				t.Errorf("Hold after release = %+v, want a fresh one as requested", h)
			}
			t.wantBalance(100, 50)
		}},
	{"KeepsTheBytesItWasGiven", "what a call is given and what it returns is the caller's: writing to it changes nothing that is stored",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			h := t.hold(r)
			clear(r.Pinned)
			clear(h.Pinned)
			held, err := t.Lookup(t.Context(), alice, "k")
			must(t, err, "Lookup")
			if string(held.Hold.Pinned) != "pin of k" {
				t.Errorf("Lookup.Pinned = %q, want %q", held.Hold.Pinned, "pin of k")
			}
			clear(held.Hold.Pinned)
			s := credits.SettleRequest{Account: alice, Key: "k", Amount: 3, Result: []byte("result")}
			receipt, err := t.Settle(t.Context(), s)
			must(t, err, "Settle")
			clear(s.Result)
			clear(receipt.Result)
			for range 2 {
				held, err = t.Lookup(t.Context(), alice, "k")
				must(t, err, "Lookup")
				if string(held.Receipt.Result) != "result" {
					t.Errorf("Lookup.Result = %q, want %q", held.Receipt.Result, "result")
				}
				clear(held.Receipt.Result)
			}
		}},
	{"LooksUpWithoutChangingAnything", "Lookup returns a hold in any state, or the receipt, and ErrNotFound for a key that was never held",
		func(t *ledgerTest) {
			t.grant(100)
			_, err := t.Lookup(t.Context(), alice, "k")
			wantErr(t, err, credits.ErrNotFound, "Lookup of an unknown key")
			_, err = t.Lookup(t.Context(), alice, "grant/1")
			wantErr(t, err, credits.ErrNotFound, "Lookup of a grant's key")
			t.hold(request("k", 10))
			_, err = t.Lookup(t.Context(), bob, "k")
			wantErr(t, err, credits.ErrNotFound, "Lookup in another account")
			held, err := t.Lookup(t.Context(), alice, "k")
			must(t, err, "Lookup")
			if held.Hold.Fresh || held.Hold.Amount != 10 || string(held.Hold.Pinned) != "pin of k" || held.Hold.Holder.ID != first.ID {
				t.Errorf("Lookup = %+v, want the hold, not fresh", held.Hold)
			}
			t.release("k", first)
			t.wantState("k", credits.Released)
			t.hold(request("k", 10))
			t.settle("k", 10)
			t.wantState("k", credits.Settled)
		}},
}

func (t *ledgerTest) wantInsufficient(err error, need, available, held credits.Amount) {
	t.Helper()
	var e *credits.InsufficientError
	if !errors.As(err, &e) || !errors.Is(err, credits.ErrInsufficient) {
		t.Errorf("error = %v, want an *InsufficientError", err)
		return
	}
	if want := (credits.InsufficientError{Account: alice, Need: need, Available: available, Held: held}); *e != want {
		t.Errorf("error = %+v, want %+v", *e, want)
	}
}
