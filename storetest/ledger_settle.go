package storetest

import (
	"bytes"
	"reflect"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

var ledgerSettleCases = []testCase[*ledgerTest]{
	{"ChargesWhatWasUsed", "a settle charges its amount, gives the rest of the hold back and is one entry",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			receipt := t.settle("k", 12)
			want := credits.Entry{Account: alice, Number: 2, Kind: credits.EntrySettle, Amount: -12, BalanceAfter: 88, Key: "k",
				Operation: "writing", Scope: "run-1", At: t.clock.now(), Lots: []credits.Lot{{Bucket: 1, Amount: 12}}}
			if got := t.entries(alice); len(got) != 2 || !sameEntry(got[1], want) {
				t.Errorf("Entries = %+v, want the last to be %+v", got, want)
			}
			if receipt.Key != "k" || receipt.Charged != 12 || receipt.Entry != 2 || receipt.Fingerprint != request("k", 30).Fingerprint {
				t.Errorf("Settle = %+v, want 12 charged by entry 2", receipt)
			}
			t.wantBalance(88, 0)
			t.wantState("k", credits.Settled)
		}},
	{"ChargesNothingIfNothingIsDue", "a settle of zero is an entry of zero: the operation happened and has its receipt",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			if r := t.settle("k", 0); r.Charged != 0 {
				t.Errorf("Settle(0) charged %d", r.Charged)
			}
			t.wantBalance(100, 0)
			t.wantEntries(2)
			t.wantState("k", credits.Settled)
		}},
	{"ChargesAKeyOnce", "the same settle again, also with another amount, returns the first one's receipt and changes nothing",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			r := credits.SettleRequest{Account: alice, Key: "k", Amount: 12, Result: []byte("first")}
			won, err := t.Settle(t.Context(), r)
			must(t, err, "Settle")
			r.Amount, r.Result = 25, []byte("second")
			lost, err := t.Settle(t.Context(), r)
			must(t, err, "Settle again")
			if lost.Charged != 12 || lost.Entry != won.Entry || string(lost.Result) != "first" {
				t.Errorf("Settle again = %+v, want the first receipt %+v", lost, won)
			}
			t.wantBalance(88, 0)
			t.wantEntries(2)
		}},
	{"AnswersASettledKeyWithItsReceipt", "a hold of a settled key is its receipt, whoever asks and whatever is left: no provider is called again",
		func(t *ledgerTest) {
			t.grant(30)
			t.hold(request("k", 30))
			won, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 30, Result: []byte("answer")})
			must(t, err, "Settle")
			t.clock.advance(2 * ttl)
			for _, h := range []credits.Holder{first, equal, higher} {
				held, err := t.Hold(t.Context(), by(request("k", 30), h))
				must(t, err, "Hold of a settled key")
				if held.Hold != nil || held.Receipt == nil {
					t.Fatalf("Hold of a settled key = %+v, want its receipt and nothing else", held)
				}
				if held.Receipt.Entry != won.Entry || held.Receipt.Charged != 30 || string(held.Receipt.Result) != "answer" {
					t.Errorf("Hold of a settled key = %+v, want %+v", *held.Receipt, won)
				}
			}
			t.wantBalance(0, 0)
		}},
	{"SettlesForWhoeverHasTheAnswer", "settling is not fenced: the first settle wins, also an earlier holder's, and the present holder gets the winner's receipt",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.hold(by(request("k", 30), higher))
			won, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 5, Result: []byte("earlier")})
			must(t, err, "Settle by the earlier holder")
			lost, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 6, Result: []byte("present")})
			must(t, err, "Settle by the present holder")
			if string(lost.Result) != "earlier" || lost.Entry != won.Entry || lost.Charged != 5 {
				t.Errorf("Settle by the present holder = %+v, want the winner's %+v", lost, won)
			}
			t.wantBalance(95, 0)
		}},
	{"WritesOffWhatPassesTheHold", "a charge is at most its hold; what the operation came to beyond it is on the usage record as written off",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			r := t.settle("k", 45)
			if r.Charged != 30 || r.Record.Charged != 30 || r.Record.WrittenOff != 15 {
				t.Errorf("Settle(45) of a hold of 30 = charged %d, record %d, written off %d, want 30, 30 and 15", r.Charged, r.Record.Charged, r.Record.WrittenOff)
			}
			t.wantBalance(70, 0)
		}},
	{"KeepsTheUsageRecordExactly", "a receipt keeps the record as it was measured, to the last digit, unknown classes unknown, and the ledger fills in its own fields",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			rec := credits.UsageRecord{Provider: "p", Model: "m", Attempt: "a",
				Usage: usage.Usage{Input: usage.Exactly(1 << 60), Output: usage.Exactly(0), Images: usage.Exactly(3)},
				Exact: decimal.RequireFromString("0.000000000000000001"), Cost: decimal.RequireFromString("123456789.123456789123456789"),
				ReportedCost: decimal.NewNullDecimal(decimal.RequireFromString("0.1")), PriceVersion: 7,
				// What the ledger says is not the caller's to say.
				Account: bob, Key: "other", Entry: 99, Operation: "other", Scope: "other", Charged: 99, WrittenOff: 99}
			got, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 12, Record: rec,
				Last: credits.Attempt{ID: "a", Fate: "executed"}})
			must(t, err, "Settle")
			want := rec
			want.Account, want.Key, want.Entry, want.Operation, want.Scope = alice, "k", 2, "writing", "run-1"
			want.Charged, want.WrittenOff, want.At = 12, 0, t.clock.now()
			t.wantRecord(got.Record, want)
			held, err := t.Lookup(t.Context(), alice, "k")
			must(t, err, "Lookup")
			t.wantRecord(held.Receipt.Record, want)
			if records := t.records(); len(records) != 1 {
				t.Errorf("Records yields %d, want 1", len(records))
			} else {
				t.wantRecord(records[0], want)
			}
		}},
	{"KeepsTheResultExactly", "a receipt keeps the result byte by byte, whatever the bytes, up to 1 MiB, and none as none",
		func(t *ledgerTest) {
			t.grant(100)
			every := make([]byte, 256)
			for i := range every {
				every[i] = byte(i)
			}
			for key, result := range map[credits.Key][]byte{
				"none":       nil,
				"every byte": every,
				"not UTF-8":  {0xff, 0xfe, 0, 0xc3, 0x28},
				"spaces":     []byte(" {\"a\" : 1}\n "),
				"largest":    bytes.Repeat([]byte{0, 1, 0xff, '\''}, credits.MaxResult/4),
			} {
				t.hold(request(key, 1))
				receipt, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: key, Amount: 1, Result: result})
				must(t, err, "Settle with "+string(key))
				held, err := t.Lookup(t.Context(), alice, key)
				must(t, err, "Lookup")
				if !bytes.Equal(receipt.Result, result) || !bytes.Equal(held.Receipt.Result, result) {
					t.Errorf("result %q of %d bytes came back as %d and %d bytes, or changed", key, len(result), len(receipt.Result), len(held.Receipt.Result))
				}
			}
		}},
	{"FinishesTheLastAttemptWithTheCharge", "a settle finishes the attempt that it names, in the same transaction",
		func(t *ledgerTest) {
			t.grant(100)
			r := request("k", 30)
			r.First = credits.Attempt{ID: "a"}
			t.hold(r)
			last := credits.Attempt{ID: "a", Fate: "executed", RequestID: "req", Usage: usage.Tokens(3, 4), Cost: decimal.NewNullDecimal(decimal.RequireFromString("0.5"))}
			_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 12, Last: last})
			must(t, err, "Settle")
			t.wantFinished("a", last)
		}},
	{"ChargesNothingIfTheAttemptIsUnknown", "a settle is all or nothing: naming an attempt that was never begun is ErrNotFound, and nothing is charged",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 12, Last: credits.Attempt{ID: "unknown", Fate: "executed"}})
			wantErr(t, err, credits.ErrNotFound, "Settle with an unknown attempt")
			t.wantBalance(100, 30)
			t.wantEntries(1)
			t.wantState("k", credits.Open)
			if n := len(t.records()); n != 0 {
				t.Errorf("Records yields %d, want none", n)
			}
		}},
	{"FinishesTheLosersAttempt", "a settle that lost finishes its attempt all the same: the call ran and cost the operator money",
		func(t *ledgerTest) {
			t.grant(100)
			t.hold(request("k", 30))
			t.begin("k", "a1", first)
			t.hold(by(request("k", 30), higher))
			t.begin("k", "a2", higher)
			for _, id := range []string{"a2", "a1"} {
				_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 10, Last: credits.Attempt{ID: id, Fate: "executed", RequestID: id},
					Record: credits.UsageRecord{Attempt: id}})
				must(t, err, "Settle with "+id)
			}
			t.wantFinished("a1", credits.Attempt{Fate: "executed", RequestID: "a1"})
			t.wantFinished("a2", credits.Attempt{Fate: "executed", RequestID: "a2"})
			t.wantBalance(90, 0)
			if r := t.records(); len(r) != 1 || r[0].Attempt != "a2" {
				t.Errorf("Records = %+v, want one, of the winner's attempt", r)
			}
		}},
	{"ChargesOnlyWhatIsHeld", "a key that was never held cannot be settled: ErrNotFound",
		func(t *ledgerTest) {
			t.grant(100)
			_, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "k", Amount: 1})
			wantErr(t, err, credits.ErrNotFound, "Settle of an unknown key")
			_, err = t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: "grant/1", Amount: 1})
			wantErr(t, err, credits.ErrNotFound, "Settle of a grant's key")
			t.wantEntries(1)
		}},
}

func (t *ledgerTest) wantRecord(got, want credits.UsageRecord) {
	t.Helper()
	same := got.Exact.Equal(want.Exact) && got.Cost.Equal(want.Cost) && sameMoney(got.ReportedCost, want.ReportedCost) && got.At.Equal(want.At)
	// These have more than one representation of the same value.
	got.Exact, got.Cost, got.ReportedCost, got.At = want.Exact, want.Cost, want.ReportedCost, want.At
	if !same || !reflect.DeepEqual(got, want) {
		t.Errorf("usage record = %+v, want %+v", got, want)
	}
}

func sameMoney(a, b decimal.NullDecimal) bool {
	return a.Valid == b.Valid && (!a.Valid || a.Decimal.Equal(b.Decimal))
}
