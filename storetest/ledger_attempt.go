package storetest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerAttemptCases = []testCase[*ledgerTest]{
	{"JournalsTheFirstAttemptWithTheHold", "a fresh hold begins its First attempt in its own transaction; a refused one begins none",
		func(t *ledgerTest) {
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a", Provider: "p", Model: "m", KeyID: "key"}
			_, err := t.Hold(t.Context(), r)
			wantErr(t, err, credits.ErrInsufficient, "Hold without credits")
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 0 {
				t.Errorf("Attempts = %+v, want none of a refused hold", got)
			}
			t.grant(100)
			t.hold(r)
			got := t.attempts(credits.AttemptQuery{Account: alice})
			if len(got) != 1 {
				t.Fatalf("Attempts yields %d, want 1", len(got))
			}
			a := got[0]
			if a.ID != "a" || a.Key != "k" || a.Scope != "run-1" || a.Holder != first.ID || a.Provider != "p" || a.Model != "m" || a.KeyID != "key" ||
				a.Fate != "" || !a.BegunAt.Equal(t.clock.now()) || !a.FinishedAt.IsZero() {
				t.Errorf("Attempts = %+v, want it begun now, open, by the first holder", a)
			}
		}},
	{"JournalsAttemptsInOrder", "attempts come oldest first, and can be selected by key and by scope",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k1", 30))
			r := request("k2", 30)
			r.Scope = "run-2"
			t.hold(r)
			for _, a := range []struct{ key, id string }{{"k1", "b"}, {"k2", "c"}, {"k1", "a"}} {
				t.clock.advance(time.Second)
				t.begin(credits.Key(a.key), a.id, first)
			}
			t.finish("k1", "b") // finishing does not move an attempt
			for want, q := range map[string]credits.AttemptQuery{
				"bca": {Account: alice},
				"ba":  {Account: alice, Key: "k1"},
				"c":   {Account: alice, Scope: "run-2"},
				"":    {Account: alice, Key: "k1", Scope: "run-2"},
			} {
				got := ""
				for _, a := range t.attempts(q) {
					got += a.ID
				}
				if got != want {
					t.Errorf("Attempts(%+v) = %q, want %q", q, got, want)
				}
			}
			if got := t.attempts(credits.AttemptQuery{Account: bob}); len(got) != 0 {
				t.Errorf("Attempts of another account = %+v, want none", got)
			}
		}},
	{"BeginsAnAttemptOnce", "the same begin again, by id, is the same attempt, finished or not",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.begin("k", "a", first)
			t.begin("k", "a", first)
			t.finish("k", "a")
			t.begin("k", "a", first)
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 1 || got[0].Fate == "" {
				t.Errorf("Attempts = %+v, want one, finished", got)
			}
		}},
	{"RenewsTheLeaseByBeginning", "beginning an attempt renews the lease: who works is not taken over",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.clock.advance(50 * time.Second)
			t.begin("k", "a", first)
			t.clock.advance(50 * time.Second)
			_, err := t.Hold(t.Context(), by(request("k", 30), equal))
			wantErr(t, err, credits.ErrInProgress, "Hold by another within the renewed lease")
		}},
	{"BeginsOnOpenHoldsOnly", "an attempt on a settled hold is ErrSettled, on a closed one ErrClosed, on an unknown key ErrNotFound",
		func(t *ledgerTest) {
			t.grant(100)
			try := func(key credits.Key, want error) {
				t.Helper()
				err := t.Begin(t.Context(), credits.BeginRequest{Account: alice, Key: key, Holder: first, Attempt: credits.Attempt{ID: "a"}})
				wantErr(t, err, want, "Begin on "+string(key))
			}
			try("unknown", credits.ErrNotFound)
			t.hold(request("settled", 10))
			t.settle("settled", 10)
			try("settled", credits.ErrSettled)
			t.hold(request("released", 10))
			t.release("released", first)
			try("released", credits.ErrClosed)
			t.hold(request("expired", 10))
			t.clock.advance(ttl)
			try("expired", credits.ErrClosed)
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 0 {
				t.Errorf("Attempts = %+v, want none", got)
			}
		}},
	{"RecordsHowAnAttemptEnded", "a finish records fate, error, ids, usage and cost exactly, and keeps what was begun",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a", Provider: "p", Model: "m", KeyID: "key", JobID: "job"}
			t.hold(r)
			begun := t.clock.now()
			t.clock.advance(time.Second)
			end := credits.Attempt{ID: "a", Provider: "other", Fate: "executed", Error: "incomplete", RequestID: "req",
				Usage: usage.Usage{Input: usage.Exactly(5), Reasoning: usage.Exactly(0)},
				Cost:  decimal.NewNullDecimal(decimal.RequireFromString("0.000000123456789"))}
			must(t, t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: "k", Attempt: end}), "Finish")
			t.wantFinished("a", end)
			a := t.attempts(credits.AttemptQuery{Account: alice})[0]
			if a.Provider != "p" || a.Model != "m" || a.KeyID != "key" || a.JobID != "job" || !a.BegunAt.Equal(begun) || !a.FinishedAt.Equal(t.clock.now()) {
				t.Errorf("Attempts = %+v, want what was begun, finished now", a)
			}
		}},
	{"LearnsWhatBecameOfAnUnknownAttempt", "an attempt whose fate was unknown takes the fate that a later finish knows, and keeps that one",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 10))
			t.begin("k", "a", first)
			for _, fate := range []string{"unknown", "unknown", "executed", "unknown", "rejected"} {
				t.clock.advance(time.Second)
				a := credits.Attempt{ID: "a", Fate: fate, RequestID: "as " + fate}
				must(t, t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: "k", Attempt: a}), "Finish")
			}
			t.wantFinished("a", credits.Attempt{ID: "a", Fate: "executed", RequestID: "as executed"})
		}},
	{"KeepsTheFirstFinish", "finishing again changes nothing, also when it rides in a release or a settle: what was journalled is not rewritten",
		func(t *ledgerTest) {
			t.grant(100)
			for _, key := range []credits.Key{"finish", "release", "settle"} {
				id := "a/" + string(key)
				t.hold(request(key, 10))
				t.begin(key, id, first)
				won := credits.Attempt{ID: id, Fate: "executed", RequestID: "first"}
				must(t, t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: key, Attempt: won}), "Finish")
				t.clock.advance(time.Second)
				lost := credits.Attempt{ID: id, Fate: "rejected", RequestID: "second"}
				var err error
				switch key {
				case "finish":
					err = t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: key, Attempt: lost})
				case "release":
					err = t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: key, Holder: first, Last: lost})
				case "settle":
					_, err = t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: key, Amount: 1, Last: lost})
				}
				must(t, err, "finish again by "+string(key))
				t.wantFinished(id, won)
			}
		}},
	{"FinishesForAnyHolder", "finishing is not fenced: an earlier holder says how its call ended, also after the hold was closed",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.begin("k", "a1", first)
			t.begin("k", "a2", first)
			t.hold(by(request("k", 30), higher))
			t.finish("k", "a1")
			t.release("k", higher)
			t.finish("k", "a2")
			for _, id := range []string{"a1", "a2"} {
				t.wantFinished(id, credits.Attempt{Fate: "executed"})
			}
		}},
	{"FinishesWhatWasBegun", "an attempt that was never begun, or a key that was never held, is ErrNotFound",
		func(t *ledgerTest) {
			t.grant(100)
			end := credits.Attempt{ID: "a", Fate: "executed"}
			err := t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: "k", Attempt: end})
			wantErr(t, err, credits.ErrNotFound, "Finish on an unknown key")
			t.hold(request("k", 30))
			err = t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: "k", Attempt: end})
			wantErr(t, err, credits.ErrNotFound, "Finish of an unknown attempt")
		}},
}

// begin journals an attempt, which must succeed.
func (t *ledgerTest) begin(key credits.Key, id string, h credits.Holder) {
	t.Helper()
	must(t, t.Begin(t.Context(), credits.BeginRequest{Account: alice, Key: key, Holder: h, Attempt: credits.Attempt{ID: id}}), "Begin "+id)
}

// finish ends an attempt, which must succeed.
func (t *ledgerTest) finish(key credits.Key, id string) {
	t.Helper()
	must(t, t.Finish(t.Context(), credits.FinishRequest{Account: alice, Key: key, Attempt: credits.Attempt{ID: id, Fate: "executed"}}), "Finish "+id)
}

// wantFinished checks how an attempt of alice's ended.
func (t *ledgerTest) wantFinished(id string, want credits.Attempt) {
	t.Helper()
	for _, a := range t.attempts(credits.AttemptQuery{Account: alice}) {
		if a.ID != id {
			continue
		}
		if a.Fate != want.Fate || a.Error != want.Error || a.RequestID != want.RequestID || a.Usage != want.Usage ||
			!sameMoney(a.Cost, want.Cost) || !sameMoney(a.ReportedCost, want.ReportedCost) || a.FinishedAt.IsZero() {
			t.Errorf("attempt %q = %+v, want it to have ended as %+v", id, a, want)
		}
		return
	}
	t.Errorf("attempt %q is not journalled", id)
}
