package gateproof_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

// sound returns books in which nothing is wrong: a text that was bought after an attempt that nobody knows the fate of,
// a text that was rejected, and a picture of Runware that was bought by a call that had to begin anew.
func sound() books {
	cost := func(s string) decimal.NullDecimal { return decimal.NewNullDecimal(*usd(s)) }
	line := func(attempt, model string, in, out int64, images int, cost string) providertest.Entry {
		route := map[string]string{textModel: providertest.RouteText, runwareModel: providertest.RouteRunware}[model]
		return providertest.Entry{Route: route, Attempt: attempt, Model: model, Status: 200, Billable: cost != "",
			InputTokens: in, OutputTokens: out, Images: images, Cost: cost}
	}
	attempt := func(id, key, holder, model, fate, kind, usd string) credits.Attempt {
		return credits.Attempt{ID: id, Key: credits.Key(key), Holder: holder, Model: model, KeyID: "main", Fate: fate, Error: kind, Cost: cost(usd)}
	}
	b := books{
		invoice: []providertest.Entry{
			line("t1", textModel, 40, 10, 0, "0.00015"), line("t2", textModel, 40, 10, 0, "0.00015"), line("f1", textModel, 0, 0, 0, ""),
			line("p1", runwareModel, 0, 0, 1, "0.012"), line("p2", runwareModel, 0, 0, 1, "0.012"),
		},
		attempts: []credits.Attempt{
			attempt("t1", "text", "h1", textModel, "unknown", "network", "0.002"),
			attempt("t2", "text", "h1", textModel, "executed", "", "0.00015"),
			attempt("f1", "failed", "h2", textModel, "rejected", "auth", "0"),
			attempt("p1", "picture", "h3", runwareModel, "unknown", "timeout", "0.012"),
			attempt("p2", "picture", "h4", runwareModel, "executed", "", "0.012"),
		},
		records: []credits.UsageRecord{{Key: "text", Attempt: "t2", Charged: 5}, {Key: "picture", Attempt: "p2", Charged: 1}},
		settles: []credits.Entry{{Key: "text", Amount: -5}, {Key: "picture", Amount: -1}},
	}
	b.attempts[1].Usage, b.attempts[4].Usage, b.attempts[4].ReportedCost = usage.Tokens(40, 10), usage.Images(1), cost("0.012")
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b.attempts[3].FinishedAt, b.ends, b.attempts[4].BegunAt = noon, []time.Time{noon.Add(time.Second)}, noon.Add(2*time.Second)
	b.delivered = map[credits.Key]credits.Amount{"text": 5, "picture": 1}
	b.failed = map[credits.Key]bool{"failed": true}
	return b
}

func TestTheJudgeFindsWhatIsPlanted(t *testing.T) {
	if found := judge(sound()); found != nil {
		t.Fatalf("sound books: %q", found)
	}
	more := decimal.NewNullDecimal(decimal.NewFromInt(1))
	for _, tt := range []struct {
		name  string
		plant func(*books)
		want  string // the rule
	}{
		{"ARequestNobodyJournalled", func(b *books) { b.invoice[0].Attempt = "x" }, "every request is a journalled attempt"},
		{"ARequestOfAnotherModel", func(b *books) { b.invoice[0].Model = dalleModel }, "a request is its attempt's"},
		{"ARequestSentAgain", func(b *books) { b.invoice = append(b.invoice, b.invoice[2]) }, "an attempt is sent once"},
		{"ATaskBilledTwice", func(b *books) { b.invoice = append(b.invoice, b.invoice[4]) }, "an attempt is billed once"},
		{"AnAttemptJournalledTwice", func(b *books) { b.attempts = append(b.attempts, b.attempts[0]) }, "an attempt is journalled once"},
		{"AnAttemptLeftOpen", func(b *books) { b.attempts[0].Fate = "" }, "no attempt stays open"},
		{"ARejectedAttemptOnTheInvoice", func(b *books) { b.attempts[0].Fate = "rejected" }, "what was not sent or was rejected is not on the invoice"},
		{"ARejectedAttemptThatCost", func(b *books) { b.attempts[2].Cost = more }, "what was not sent or was rejected cost nothing"},
		{"AnExecutedAttemptThatIsNotOnTheInvoice", func(b *books) { b.invoice[1].Billable = false }, "what was executed is on the invoice"},
		{"OtherTokensThanBilled", func(b *books) { b.invoice[1].OutputTokens++ }, "what was used is what was billed"},
		{"OtherPicturesThanBilled", func(b *books) { b.invoice[4].Images++ }, "what was used is what was billed"},
		{"AnotherCostThanBilled", func(b *books) { b.attempts[1].Cost = more }, "what an attempt cost is what was billed"},
		{"AnotherCostThanReported", func(b *books) { b.attempts[4].ReportedCost = more }, "the cost that was reported is what was billed"},
		{"AnUnknownFateThatIsTooCheap", func(b *books) { b.attempts[0].Cost.Decimal = decimal.New(1, -9) }, "an unknown fate costs at least what was billed"},
		{"AnUnknownUsageThatIsTooCheap", func(b *books) { b.attempts[1].Usage, b.attempts[1].Cost.Decimal = usage.Usage{}, decimal.New(1, -9) },
			"an attempt whose usage is not known costs at least what was billed"},
		{"APictureWithoutItsTokensThatIsTooCheap", func(b *books) { b.invoice[4].OutputTokens, b.invoice[4].Cost = 1000, "0.04" },
			"a picture whose tokens are not known costs at least what was billed"},
		{"AnAttemptWithoutItsKey", func(b *books) { b.attempts[0].KeyID = "" }, "an attempt names its API key"},
		{"ADeliveryThatIsFree", func(b *books) { b.records, b.settles = b.records[1:], b.settles[1:] }, "nothing delivered is free"},
		{"ASecondDelivery", func(b *books) { b.attempts[0].Fate, b.attempts[0].Error = "executed", "" }, "what is delivered is delivered once"},
		{"AKeySettledTwice", func(b *books) { b.settles = append(b.settles, b.settles[0]) }, ruleOnce},
		{"AKeyRecordedTwice", func(b *books) { b.records = append(b.records, b.records[0]) }, ruleOnce},
		{"ARecordWithAnotherAmount", func(b *books) { b.records[0].Charged++ }, "a charge is recorded as it was posted"},
		{"AChargeOfNothing", func(b *books) { b.records[0].Charged, b.settles[0].Amount, b.delivered["text"] = 0, 0, 0 }, "a charge is recorded as it was posted, and is not nothing"},
		{"AChargeForAnAttemptThatFailed", func(b *books) { b.records[0].Attempt = "t1" }, "a charge is for an answer that was delivered"},
		{"AChargeNobodyWasTold", func(b *books) { delete(b.delivered, "text") }, "what is charged is what the caller was told"},
		{"AChargeForAFailure", func(b *books) { b.failed["text"] = true }, "a failed operation is not charged"},
		{"AResultWithoutACharge", func(b *books) { b.delivered["failed"] = 3 }, "nothing delivered is free"},
		{"ASumThatIsAnother", func(b *books) { b.settles[0].Amount-- }, "the charges are the sum over the operations that succeeded"},
		{"APictureMadeTwiceByOneCall", func(b *books) { b.attempts[3].Holder = "h4" }, ruleNeed},
		{"APictureMadeAgainThoughItWasGood", func(b *books) { b.attempts[3].Fate, b.attempts[3].Error = "executed", "" }, ruleNeed},
		{"APictureMadeAgainThoughItCouldHaveBeenAskedFor", func(b *books) { b.ends = nil }, ruleNeed},
		{"AThirdRequestThatMayHaveRun", func(b *books) {
			for _, id := range []string{"t3", "t4"} {
				again := b.attempts[0]
				again.ID = id
				b.attempts = append(b.attempts, again)
			}
		}, "what may have run is repeated once"},
		{"WhatWasFoundBefore", func(b *books) { b.found = append(b.found, "Verify: a hash differs") }, "Verify"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := sound()
			tt.plant(&b)
			found := judge(b)
			for _, f := range found {
				if strings.HasPrefix(f, tt.want) {
					return
				}
			}
			t.Errorf("found %q, want %q", found, tt.want)
		})
	}
}

func TestTheJudgeLetsAnUpstreamBillBeyondTheBoundWhenItsAnswerIsLost(t *testing.T) {
	b := sound()
	b.invoice[0].Fault, b.attempts[0].Cost.Decimal = string(providertest.ExcessUsage), decimal.New(1, -9)
	if found := judge(b); found != nil {
		t.Errorf("found %q", found)
	}
}
