package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerRefusalCases = []testCase[*ledgerTest]{
	{"RefusesAHoldThatIsNone", "a hold needs account, key, operation, a positive amount, a holder with an id, a fence and a lease, and a TTL no shorter than the lease: else ErrInvalid",
		func(t *ledgerTest) {
			t.grant(100)
			for name, change := range map[string]func(*credits.HoldRequest){
				"no account":      func(r *credits.HoldRequest) { r.Account = "" },
				"huge account":    func(r *credits.HoldRequest) { r.Account = credits.Account(strings.Repeat("a", 201)) },
				"no key":          func(r *credits.HoldRequest) { r.Key = "" },
				"huge key":        func(r *credits.HoldRequest) { r.Key = credits.Key(strings.Repeat("k", 401)) },
				"no operation":    func(r *credits.HoldRequest) { r.Operation = "" },
				"no amount":       func(r *credits.HoldRequest) { r.Amount = 0 },
				"negative amount": func(r *credits.HoldRequest) { r.Amount = -1 },
				"no holder":       func(r *credits.HoldRequest) { r.Holder.ID = "" },
				"negative fence":  func(r *credits.HoldRequest) { r.Holder.Fence = -1 },
				"no lease":        func(r *credits.HoldRequest) { r.Holder.Lease = 0 },
				"no TTL":          func(r *credits.HoldRequest) { r.TTL = 0 },
				"short TTL":       func(r *credits.HoldRequest) { r.TTL = r.Holder.Lease - time.Nanosecond },
			} {
				r := request("k", 10)
				change(&r)
				_, err := t.Hold(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Hold with "+name)
			}
			t.wantBalance(100, 0)
			r := request("k", 10)
			r.TTL, r.Holder.Fence = r.Holder.Lease, 0
			t.hold(r)
		}},
	{"RefusesASettleThatIsNone", "a settle needs an amount that is not negative, usage that can be true, a result of at most 1 MiB and a fate for the attempt it names: else ErrInvalid, and the hold stays open",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			for name, change := range map[string]func(*credits.SettleRequest){
				"no account":      func(r *credits.SettleRequest) { r.Account = "" },
				"no key":          func(r *credits.SettleRequest) { r.Key = "" },
				"negative amount": func(r *credits.SettleRequest) { r.Amount = -1 },
				"negative usage":  func(r *credits.SettleRequest) { r.Record.Usage.Output = usage.Exactly(-1) },
				"huge result":     func(r *credits.SettleRequest) { r.Result = bytes.Repeat([]byte("x"), credits.MaxResult+1) },
				"no fate":         func(r *credits.SettleRequest) { r.Last = credits.Attempt{ID: "a"} },
			} {
				r := credits.SettleRequest{Account: alice, Key: "k", Amount: 10}
				change(&r)
				_, err := t.Settle(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Settle with "+name)
			}
			t.wantBalance(100, 30)
			t.wantState("k", credits.Open)
		}},
	{"RefusesOtherActsThatAreNone", "extending, releasing, beginning and finishing say whom and what they are about: else ErrInvalid",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			noLease := credits.Holder{ID: first.ID, Fence: first.Fence}
			for name, r := range map[string]credits.ExtendRequest{
				"no key":    {Account: alice, Holder: first, Total: 50},
				"no total":  {Account: alice, Key: "k", Holder: first},
				"no lease":  {Account: alice, Key: "k", Holder: noLease, Total: 50},
				"short TTL": {Account: alice, Key: "k", Holder: first, Total: 50, TTL: time.Second},
			} {
				_, err := t.Extend(t.Context(), r)
				wantErr(t, err, credits.ErrInvalid, "Extend with "+name)
			}
			for name, r := range map[string]credits.ReleaseRequest{
				"no key":    {Account: alice, Holder: first},
				"no holder": {Account: alice, Key: "k"},
				"no fate":   {Account: alice, Key: "k", Holder: first, Last: credits.Attempt{ID: "a"}},
			} {
				wantErr(t, t.Release(t.Context(), r), credits.ErrInvalid, "Release with "+name)
			}
			for name, r := range map[string]credits.BeginRequest{
				"no key":     {Account: alice, Holder: first, Attempt: credits.Attempt{ID: "b"}},
				"no attempt": {Account: alice, Key: "k", Holder: first},
				"no holder":  {Account: alice, Key: "k", Attempt: credits.Attempt{ID: "b"}},
			} {
				wantErr(t, t.Begin(t.Context(), r), credits.ErrInvalid, "Begin with "+name)
			}
			for name, r := range map[string]credits.FinishRequest{
				"no key":     {Account: alice, Attempt: credits.Attempt{ID: "a", Fate: "executed"}},
				"no attempt": {Account: alice, Key: "k", Attempt: credits.Attempt{Fate: "executed"}},
				"no fate":    {Account: alice, Key: "k", Attempt: credits.Attempt{ID: "a"}},
			} {
				wantErr(t, t.Finish(t.Context(), r), credits.ErrInvalid, "Finish with "+name)
			}
			t.wantBalance(100, 30)
			t.wantState("k", credits.Open)
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 1 || got[0].Fate != "" {
				t.Errorf("Attempts = %+v, want the first one, open", got)
			}
		}},
	{"MakesNoTwoNamesOne", "names are bytes: a store keeps them to the byte, or refuses those that it cannot keep with ErrInvalid; what a provider said is no reason to refuse a charge",
		func(t *ledgerTest) {
			t.grant(100)
			kept := 0
			for i, key := range []credits.Key{"k\xff", "k\xfe", "k\x00", "k\uFFFD", "k"} {
				r := request(key, credits.Amount(i+1))
				held, err := t.Hold(t.Context(), r)
				if errors.Is(err, credits.ErrInvalid) && i < 3 {
					continue
				}
				must(t, err, fmt.Sprintf("Hold(%q)", key))
				if held.Hold == nil || !held.Hold.Fresh || held.Hold.Key != key {
					t.Errorf("Hold(%q) = %+v, want a fresh hold of that key", key, held)
				}
				kept += i + 1
			}
			t.wantBalance(100, credits.Amount(kept))
			r := request("paid", 10)
			r.First = credits.Attempt{ID: "a", Provider: "p", Model: "m"}
			t.hold(r)
			_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "paid", Amount: 7,
				Record: credits.UsageRecord{Provider: "p", Model: "m\xff\x00", Attempt: "a"},
				Last:   credits.Attempt{ID: "a", Fate: "executed", RequestID: "\xff\x00"}})
			must(t, err, "Settle with a model that is not text")
			t.wantBalance(93, credits.Amount(kept))
		}},
	{"LeavesNoEffectWithACancelledContext", "a mutation whose context is over before it begins returns the context's error and does nothing",
		func(t *ledgerTest) {
			t.grant(101)
			t.charge("charged", 1)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			ctx := cancelled(t)
			end := credits.Attempt{ID: "a", Fate: "executed"}
			for name, call := range map[string]func() error{
				"Grant": func() error {
					_, err := t.Grant(ctx, credits.Grant{Account: alice, Key: "g", Kind: credits.Plan, Amount: 1})
					return err
				},
				"Adjust": func() error {
					_, err := t.Adjust(ctx, credits.Adjust{Account: alice, Key: "a", Amount: -1, Who: "ann", Why: "a mistake"})
					return err
				},
				"Refund": func() error { _, err := t.Refund(ctx, refund("r", "charged", 1)); return err },
				"Charge": func() error { _, err := t.Charge(ctx, charge("k2", 10)); return err },
				"Prune":  func() error { _, err := t.Prune(ctx, alice, t.in(ttl)); return err },
				"Hold":   func() error { _, err := t.Hold(ctx, request("k2", 10)); return err },
				"Extend": func() error {
					_, err := t.Extend(ctx, extend("k", 50))
					return err
				},
				"Settle": func() error {
					_, err := t.Settle(ctx, credits.SettleRequest{Account: alice, Key: "k", Amount: 10, Last: end})
					return err
				},
				"Release": func() error {
					return t.Release(ctx, credits.ReleaseRequest{Account: alice, Key: "k", Holder: first, Last: end})
				},
				"Begin": func() error {
					return t.Begin(ctx, credits.BeginRequest{Account: alice, Key: "k", Holder: first, Attempt: credits.Attempt{ID: "b"}})
				},
				"Finish": func() error {
					return t.Finish(ctx, credits.FinishRequest{Account: alice, Key: "k", Attempt: end})
				},
			} {
				wantErr(t, call(), context.Canceled, name)
			}
			t.wantBalance(100, 30)
			t.wantEntries(2)
			t.wantState("k", credits.Open)
			if got := t.attempts(credits.AttemptQuery{Account: alice}); len(got) != 1 || got[0].Fate != "" {
				t.Errorf("Attempts = %+v, want the first one, open", got)
			}
			_, err := t.Lookup(t.Context(), alice, "k2")
			wantErr(t, err, credits.ErrNotFound, "Lookup of what was not held")
		}},
}
