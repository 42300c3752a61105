package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/secret"
)

// several are keys of several owners, in the order in which they are to be listed.
var several = []secret.Place{
	{Provider: "Openai", ID: "z"},
	{Provider: "openai", ID: "A"}, {Provider: "openai", ID: "a"}, {Provider: "openai", ID: "a.b"}, {Provider: "openai", ID: "a_b"}, {Provider: "openai", ID: "b"},
	{Provider: "openai", Account: "acme", ID: "main"}, {Provider: "openai", Account: "acme", ID: "other"}, {Provider: "openai", Account: "globex", ID: "main"},
	{Provider: "openai", Account: "é", ID: "main"}, {Provider: "runware", ID: "a"}, {Provider: "runware", Account: "acme", ID: "main"},
}

func (t *keyTest) putSeveral() {
	t.Helper()
	for i := range several { // in another order than theirs
		t.put(several[(i*5+3)%len(several)], 0, i+1)
	}
}

func names(places ...secret.Place) (out []string) {
	for _, at := range places {
		out = append(out, at.Provider+"/"+at.Account+"/"+at.ID)
	}
	return out
}

var keyListCases = []testCase[*keyTest]{
	{"ListsAnOwnersKeys", "a list of an account and a provider has its keys and nobody else's; without an account, the system's",
		func(t *keyTest) {
			t.putSeveral()
			t.wantIDs(secret.KeyQuery{Provider: "openai", Account: "acme"}, names(several[6:8]...)...)
			t.wantIDs(secret.KeyQuery{Provider: "openai"}, names(several[1:6]...)...)
			t.wantIDs(secret.KeyQuery{Provider: "runware"}, names(several[10])...)
			t.wantIDs(secret.KeyQuery{Provider: "runware", Account: "globex"})
			t.wantIDs(secret.KeyQuery{Provider: "other"})
			t.wantIDs(secret.KeyQuery{Account: "acme"})
		}},
	{"ListsEveryKeyInOrder", "a list of all has every key, ordered by the bytes of provider, account and id",
		func(t *keyTest) {
			t.putSeveral()
			t.wantIDs(secret.KeyQuery{All: true}, names(several...)...)
			t.wantIDs(secret.KeyQuery{All: true, Provider: "runware", Account: "acme"}, names(several...)...)
		}},
	{"ListsInactiveKeys", "a list has the keys that are not active too, with everything that a Get returns",
		func(t *keyTest) {
			t.put(home, 0, 1)
			p := t.change(home, 1, 2)
			p.Active = false
			_, err := t.Put(t.Context(), p)
			must(t, err, "Put")
			for _, q := range []secret.KeyQuery{{All: true}, {Provider: home.Provider, Account: home.Account}} {
				found := t.list(q)
				if len(found) != 1 || found[0].Active {
					t.Fatalf("List(%+v) = %+v, want the key that is not active", q, found)
				}
				found[0].Active = true // as wantKey wants it
				t.wantKey(found[0], home, 2, 1, 2, t.clock.now())
			}
		}},
	{"ListsPageByPage", "a page begins behind the key of After and has at most as many keys as were asked for",
		func(t *keyTest) {
			t.putSeveral()
			for _, q := range []struct {
				secret.KeyQuery
				want []secret.Place
			}{{secret.KeyQuery{All: true}, several}, {secret.KeyQuery{Provider: "openai"}, several[1:6]}} {
				for size := 1; size <= 6; size++ {
					var got []secret.Place
					for q.KeyQuery.Limit, q.KeyQuery.After = size, (secret.Place{}); ; {
						page := t.list(q.KeyQuery)
						if len(page) > size {
							t.Fatalf("List(%+v) has %d keys", q.KeyQuery, len(page))
						}
						if len(page) == 0 {
							break
						}
						for _, row := range page {
							got = append(got, row.Place)
						}
						if q.After = page[len(page)-1].Place; len(got) > len(several) {
							t.Fatalf("pages of %d keys go on after %q", size, names(got...))
						}
					}
					if !slices.Equal(got, q.want) {
						t.Errorf("pages of %d keys have %q, want %q", size, names(got...), names(q.want...))
					}
				}
			}
			t.wantIDs(secret.KeyQuery{All: true, After: secret.Place{Provider: "openai", Account: "b", ID: "gone"}}, names(several[8:]...)...)
		}},
	{"ListsAHundredUnlessAsked", "without a limit a page has at most 100 rows",
		func(t *keyTest) {
			for i := range 103 {
				t.put(secret.Place{Provider: "openai", ID: fmt.Sprintf("k%03d", i)}, 0, 1)
			}
			for _, limit := range []int{0, -1, 100} {
				if got := len(t.list(secret.KeyQuery{All: true, Limit: limit})); got != 100 {
					t.Errorf("List(limit %d) has %d keys, want 100", limit, got)
				}
				if got := len(t.changes(secret.ChangeQuery{Limit: limit})); got != 100 {
					t.Errorf("Changes(limit %d) has %d changes, want 100", limit, got)
				}
			}
			if got := len(t.list(secret.KeyQuery{Provider: "openai", Limit: 101})); got != 101 {
				t.Errorf("List(limit 101) has %d keys", got)
			}
		}},
	{"KeepsTheHistory", "every change stays as it was, the newest first, with what it did, whether the key was active, its ring key, who, why and when",
		func(t *keyTest) {
			var want []secret.KeyChange
			note := func(action secret.KeyAction, active bool, ringKey, who, why string) {
				want = append([]secret.KeyChange{{Number: int64(len(want) + 1), Place: home, Action: action, Active: active, RingKey: ringKey,
					Who: who, Why: why, At: t.clock.now()}}, want...)
				t.clock.advance(time.Minute)
			}
			t.put(home, 0, 1)
			note(secret.KeyAdded, true, "ring-1", "ada", "because of 1")
			p := t.change(home, 1, 2)
			p.Active = false
			_, err := t.Put(t.Context(), p)
			must(t, err, "Put")
			note(secret.KeyReplaced, false, "ring-2", "ada", "because of 2")
			t.remove(home, 2)
			note(secret.KeyDeleted, false, "", "bob", "leaked")
			t.put(home, 0, 3)
			note(secret.KeyAdded, true, "ring-3", "ada", "because of 3")
			got := t.changes(secret.ChangeQuery{})
			for i := range got {
				if i < len(want) && got[i].At.Equal(want[i].At) {
					got[i].At = want[i].At // whatever its zone
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("Changes = %+v, want %+v", got, want)
			}
		}},
	{"ReadsTheHistoryPageByPage", "a page of the history ends before the number that was asked for, and has the newest of those",
		func(t *keyTest) {
			for i := range 5 {
				t.put(home, int64(i), i+1)
			}
			for _, c := range []struct {
				before int64
				limit  int
				want   []int64
			}{{0, 0, []int64{5, 4, 3, 2, 1}}, {0, 2, []int64{5, 4}}, {4, 2, []int64{3, 2}}, {2, 2, []int64{1}}, {1, 2, nil}, {-3, 2, nil}, {100, 1, []int64{5}}} {
				var got []int64
				for _, change := range t.changes(secret.ChangeQuery{Before: c.before, Limit: c.limit}) {
					got = append(got, change.Number)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("Changes(before %d, limit %d) = %v, want %v", c.before, c.limit, got, c.want)
				}
			}
		}},
}
