package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

var ledgerBucketCases = []testCase[*ledgerTest]{
	{"BurnsTheLowerPriorityFirst", "credits are burned by priority, the lowest first, whatever came first and whatever expires first",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "last", Amount: 10, Priority: 2, ExpiresAt: t.in(time.Minute)})
			t.grantOf(credits.Grant{Key: "middle", Amount: 10})
			t.grantOf(credits.Grant{Key: "first", Amount: 10, Priority: -1})
			t.charge("k", 15)
			t.wantLeft("middle 5, last 10")
			t.charge("k2", 10)
			t.wantLeft("last 5")
			t.wantLines(4, "settle -15 3:10 2:5; settle -10 2:5 1:5")
		}},
	{"BurnsTheEarliestExpiryFirst", "among equal priorities what expires first is burned first, and what never expires last",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "never", Amount: 10})
			t.grantOf(credits.Grant{Key: "later", Amount: 10, ExpiresAt: t.in(2 * time.Hour)})
			t.grantOf(credits.Grant{Key: "sooner", Amount: 10, ExpiresAt: t.in(time.Hour)})
			t.charge("k", 25)
			t.wantLeft("never 5")
			t.wantLines(4, "settle -25 3:10 2:10 1:5")
		}},
	{"BurnsTheOldestFirst", "among equal priorities and expiries the oldest is burned first, by number and not by name, and a hold is burned in the same order",
		func(t *ledgerTest) {
			at := t.in(time.Hour)
			for i := range 12 { // so that 10 comes after 9
				t.grantOf(credits.Grant{Key: credits.Key(fmt.Sprint("g", 11-i)), Amount: 1, ExpiresAt: at})
			}
			h := t.hold(request("k", 11))
			if len(h.Lots) != 11 || h.Lots[0].Bucket != 1 || h.Lots[9].Bucket != 10 || h.Lots[10].Bucket != 11 {
				t.Errorf("Hold.Lots = %+v, want buckets 1 to 11", h.Lots)
			}
			t.settle("k", 10)
			t.wantLeft("g1 1, g0 1")
		}},
	{"SaysWhichBucketsAHoldHas", "a hold names the buckets that its credits are of, in burn order, also when it is looked up and after it was extended",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "b", Amount: 10, Priority: 1})
			t.hold(request("k", 4))
			t.grantOf(credits.Grant{Key: "a", Amount: 10})
			h, err := t.Extend(t.Context(), extend("k", 16))
			must(t, err, "Extend")
			want := []credits.Lot{{Bucket: 2, Amount: 10}, {Bucket: 1, Amount: 6}}
			if !slices.Equal(h.Lots, want) {
				t.Errorf("Extend.Lots = %+v, want %+v", h.Lots, want)
			}
			for range 2 {
				held, err := t.Lookup(t.Context(), alice, "k")
				must(t, err, "Lookup")
				if !slices.Equal(held.Hold.Lots, want) {
					t.Errorf("Lookup.Lots = %+v, want %+v", held.Hold.Lots, want)
				}
				held.Hold.Lots[0].Amount = 99 // it is the caller's
			}
			t.wantLeft("a 10/10, b 10/6")
			t.release("k", first)
			t.wantLeft("a 10, b 10")
		}},
	{"SaysWhatBecameOfABucket", "Buckets returns those of which anything remains, in burn order, with all that they were granted with and what became of them",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Promo, Amount: 30, Priority: 3, ExpiresAt: t.in(time.Hour + time.Microsecond)}
			_, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			t.grantOf(credits.Grant{Key: "used up", Amount: 5})
			t.charge("k", 20)
			t.refund("r", "k", 4)
			t.hold(request("k2", 7))
			got, err := t.Buckets(t.Context(), alice)
			must(t, err, "Buckets")
			want := credits.Bucket{Account: alice, Number: 1, Key: "g", Kind: credits.Promo, Priority: 3, ExpiresAt: g.ExpiresAt, Amount: 30, Charged: 15, Refunded: 4, Pinned: 7}
			if len(got) != 1 || !got[0].ExpiresAt.Equal(want.ExpiresAt) {
				t.Fatalf("Buckets = %+v, want %+v", got, want)
			}
			got[0].ExpiresAt = want.ExpiresAt
			if got[0] != want {
				t.Errorf("Buckets = %+v, want %+v", got, want)
			}
			if got, err := t.Buckets(t.Context(), bob); err != nil || len(got) != 0 {
				t.Errorf("Buckets of an account that has nothing = %+v, %v, want none", got, err)
			}
		}},
	{"ExpiresCreditsAtReading", "credits are gone when their time has come, to the microsecond, without anything having to sweep or to decide: Balance and Buckets say so",
		func(t *ledgerTest) {
			t.grant(7)
			t.grantOf(credits.Grant{Key: "g", Amount: 10, ExpiresAt: t.in(time.Hour)})
			t.clock.advance(time.Hour - time.Microsecond)
			t.wantBalance(17, 0)
			t.wantLeft("g 10, grant/1 7")
			t.clock.advance(time.Microsecond)
			t.wantBalance(7, 0)
			t.wantLeft("grant/1 7")
			t.wantEntries(2) // reading writes nothing
		}},
	{"DoesNotSpendWhatHasExpired", "what has expired by the store's clock is not there for a hold or a charge; the decision that finds it out writes an entry, which stays",
		func(t *ledgerTest) {
			t.grant(7)
			t.grantOf(credits.Grant{Key: "g", Amount: 10, ExpiresAt: t.in(time.Hour)})
			t.charge("before", 4)
			t.clock.advance(time.Hour)
			_, err := t.Hold(t.Context(), request("k", 8))
			t.wantInsufficient(err, 8, 7, 0)
			_, err = t.Charge(t.Context(), charge("k", 8))
			t.wantInsufficient(err, 8, 7, 0)
			t.charge("k", 7)
			t.wantLines(3, "settle -4 2:4; expired -6 2:6; settle -7 1:7")
			if e := t.entries(alice)[3]; e.Key != "g" || e.BalanceAfter != 7 || !e.At.Equal(t.clock.now()) {
				t.Errorf("entry = %+v, want the expiry of grant g, now, with 7 left", e)
			}
			t.wantBalance(0, 0)
		}},
	{"LeavesAHoldWhatExpiresUnderIt", "what a hold has taken stays usable by that hold after its bucket expired, and by nobody else",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "g", Amount: 10, ExpiresAt: t.in(time.Minute)})
			t.hold(request("k", 6))
			t.clock.advance(time.Minute)
			t.wantBalance(6, 6)
			t.wantLeft("g 6/6")
			_, err := t.Extend(t.Context(), extend("k", 7))
			t.wantInsufficient(err, 1, 0, 6)
			if r := t.settle("k", 6); r.Charged != 6 {
				t.Errorf("Settle = charged %d, want 6", r.Charged)
			}
			t.wantLines(2, "expired -4 1:4; settle -6 1:6")
			t.wantBalance(0, 0)
		}},
	{"ExpiresWhatComesBackTooLate", "what a settle leaves of a hold, or a release gives back, expires at once if its bucket has expired, and goes back to its bucket if not",
		func(t *ledgerTest) {
			t.grant(5)
			t.grantOf(credits.Grant{Key: "g", Amount: 10, ExpiresAt: t.in(time.Minute)})
			t.hold(request("settled", 4))
			t.hold(request("released", 8)) // six that expire and two that do not
			t.clock.advance(time.Minute)
			t.settle("settled", 3)
			t.wantLines(3, "settle -3 2:3; expired -1 2:1")
			t.release("released", first)
			t.wantLines(5, "expired -6 2:6")
			t.wantLeft("grant/1 5")
			t.wantBalance(5, 0)
		}},
	{"ExpiresAHoldBeforeItsBucket", "a hold and its bucket that are both over when somebody looks are over in one decision, and nothing of either is left",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "g", Amount: 10, ExpiresAt: t.in(time.Minute)})
			t.hold(request("k", 6))
			t.clock.advance(ttl)
			t.wantBalance(0, 0)
			t.wantLeft("")
			t.grant(3)
			t.wantLines(2, "expired -10 1:10; grant 3")
			t.wantState("k", credits.Expired)
		}},
	{"RefusesAGrantThatHasExpired", "a grant whose time is over is ErrInvalid; one that expired since it was made is answered again",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 10, ExpiresAt: t.clock.now()}
			_, err := t.Grant(t.Context(), g)
			wantErr(t, err, credits.ErrInvalid, "Grant that has expired already")
			g.ExpiresAt = t.in(time.Microsecond)
			won, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			t.clock.advance(time.Hour)
			again, err := t.Grant(t.Context(), g)
			must(t, err, "Grant again")
			if !sameEntry(again, won) {
				t.Errorf("Grant again = %+v, want %+v", again, won)
			}
			t.wantBalance(0, 0)
		}},
	{"RefusesAGrantOfAnotherPriorityOrExpiry", "a key is one grant: with another priority, another expiry or as a renewal it is ErrKeyReused",
		func(t *ledgerTest) {
			g := credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 10, Priority: 1, ExpiresAt: t.in(time.Hour)}
			_, err := t.Grant(t.Context(), g)
			must(t, err, "Grant")
			for _, change := range []func(*credits.Grant){
				func(g *credits.Grant) { g.Priority = 2 },
				func(g *credits.Grant) { g.ExpiresAt = g.ExpiresAt.Add(time.Microsecond) },
				func(g *credits.Grant) { g.ExpiresAt = time.Time{} },
				func(g *credits.Grant) { g.Renew = true },
			} {
				other := g
				change(&other)
				_, err := t.Grant(t.Context(), other)
				wantErr(t, err, credits.ErrKeyReused, "Grant of something else")
			}
			t.wantBalance(10, 0)
		}},
	{"RenewsThePlanInOneDecision", "a renewal makes what is left of earlier plan credits expire and adds its own, in one decision, and leaves every other kind alone",
		func(t *ledgerTest) {
			t.grant(1)
			t.grantOf(credits.Grant{Key: "bonus", Kind: credits.Bonus, Amount: 2})
			t.grantOf(credits.Grant{Key: "march", Kind: credits.Plan, Amount: 10, Priority: -1, ExpiresAt: t.in(time.Hour), Renew: true})
			t.charge("k", 4)
			april := credits.Grant{Account: alice, Key: "april", Kind: credits.Plan, Amount: 20, Renew: true}
			won, err := t.Grant(t.Context(), april)
			must(t, err, "Grant that renews")
			t.wantLines(4, "settle -4 3:4; expired -6 3:6; renew 20")
			t.wantLeft("grant/1 1, bonus 2, april 20")
			t.wantBalance(23, 0)
			again, err := t.Grant(t.Context(), april)
			must(t, err, "Grant that renews again")
			if !sameEntry(again, won) {
				t.Errorf("Grant that renews again = %+v, want %+v", again, won)
			}
			t.wantEntries(6)
		}},
	{"RenewsBesideOpenHolds", "a renewal leaves open holds what they have taken of the plan before; what they give back expires at once",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "march", Kind: credits.Plan, Amount: 10, Renew: true})
			t.hold(request("settled", 4))
			t.hold(request("released", 3))
			t.grantOf(credits.Grant{Key: "april", Kind: credits.Plan, Amount: 20, Renew: true})
			t.wantBalance(27, 7)
			t.wantLeft("march 7/7, april 20")
			t.grantOf(credits.Grant{Key: "march", Kind: credits.Plan, Amount: 10, Renew: true}) // the same again
			t.settle("settled", 3)
			t.release("released", first)
			t.wantLines(2, "expired -3 1:3; renew 20; settle -3 1:3; expired -1 1:1; expired -3 1:3")
			t.wantBalance(20, 0)
		}},
	{"EndsAlsoAPlanThatIsUsedUp", "a renewal ends every earlier plan, used up or not: what is refunded to one of them expires at once, and other credits come back",
		func(t *ledgerTest) {
			t.grantOf(credits.Grant{Key: "march", Kind: credits.Plan, Amount: 3, Priority: -1, Renew: true})
			t.grantOf(credits.Grant{Key: "more", Kind: credits.Plan, Amount: 2, Priority: -1}) // renews nothing, and is of march
			t.grant(4)
			t.charge("k", 9)
			t.grantOf(credits.Grant{Key: "april", Kind: credits.Plan, Amount: 20, Renew: true})
			t.wantLines(5, "renew 20")
			t.refund("r", "k", 9)
			t.wantLines(6, "refund 9 3:4 2:2 1:3; expired -3 1:3; expired -2 2:2")
			t.wantLeft("grant/1 4, april 20")
			t.wantBalance(24, 0)
		}},
}

// in is so long from now.
func (t *ledgerTest) in(d time.Duration) time.Time { return t.clock.now().Add(d) }

// grantOf adds credits to alice as the grant says; purchased, if it does not say.
func (t *ledgerTest) grantOf(g credits.Grant) {
	t.Helper()
	g.Account = alice
	if g.Kind == "" {
		g.Kind = credits.Purchase
	}
	_, err := t.Grant(t.Context(), g)
	must(t, err, fmt.Sprintf("Grant(%q, %d)", g.Key, g.Amount))
}

// wantLeft checks what is left, in burn order: "key remaining" or "key remaining/pinned", separated by commas.
func (t *ledgerTest) wantLeft(want string) {
	t.Helper()
	buckets, err := t.Buckets(t.Context(), alice)
	must(t, err, "Buckets")
	var got []string
	for _, b := range buckets {
		text := fmt.Sprintf("%s %d", b.Key, b.Remaining())
		if b.Pinned > 0 {
			text += fmt.Sprintf("/%d", b.Pinned)
		}
		got = append(got, text)
	}
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("Buckets = %q, want %q", text, want)
	}
}

// wantLines checks alice's entries from a number on: "kind amount" and its lots as "bucket:amount", separated by semicolons.
func (t *ledgerTest) wantLines(from int, want string) {
	t.Helper()
	var got []string
	for i, e := range t.entries(alice) {
		if i+1 < from {
			continue
		}
		text := fmt.Sprintf("%s %d", e.Kind, e.Amount)
		for _, l := range e.Lots {
			text += fmt.Sprintf(" %d:%d", l.Bucket, l.Amount)
		}
		got = append(got, text)
	}
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("Entries from %d on = %q, want %q", from, text, want)
	}
}
