package credits_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// The entries of the account that sound returns.
const (
	grantEntry   = 1  // 100 that never expire
	settleEntry  = 2  // 40 of the grant
	promoEntry   = 3  // 20 that expire
	renewEntry   = 4  // 30 of a plan
	againEntry   = 6  // 25 of a plan; what was left of the other is entry 5
	refundEntry  = 7  // 15 of the settle
	adjustEntry  = 8  // −10
	addEntry     = 9  // +5
	expiredEntry = 10 // the promo
)

// sound returns an account with an entry of every kind and a hold in every state.
func sound(t *testing.T) rows {
	l := opened(t, 100)
	l.must(capped("daily", 1000))
	l.must(capped("other", 1000, ofOperation("draw")))
	l.must(hold(60, me))
	l.must(begin("a1", me))
	s := settle(40)
	s.Last = ended("a1")
	s.Record = credits.UsageRecord{Provider: "p", Model: "m", Attempt: "a1", Usage: usage.Tokens(10, 20), Exact: decimal.New(395, -1),
		Cost: decimal.New(5, -3), ReportedCost: decimal.NewNullDecimal(decimal.New(6, -3)), PriceVersion: 3}
	l.must(s)
	l.must(granted("promo", 20, ofKind(credits.Promo), priority(2), expiring(30*time.Second)))
	l.must(granted("renew", 30, renewing))
	l.pass(time.Second)
	l.must(granted("renew again", 25, renewing))
	l.must(refund("refund", 15))
	l.must(adjust("less", -10))
	l.must(adjust("more", 5))
	for i, k := range []credits.Key{"open", "released", "expired"} {
		h := named(hold(10, me), k)
		if k != "expired" {
			h.TTL *= 100
		}
		l.must(h)
		if i == 1 {
			l.must(named(release(me), k))
		}
	}
	l.pass(hold(1, me).TTL)
	l.expire(acme)
	return l.rows(acme)
}

func TestAuditOfASoundAccount(t *testing.T) {
	rows := sound(t)
	r := rows.audit()
	if !r.OK() || r.Account != acme || r.Entries != expiredEntry || r.Holds != 4 || r.Buckets != 5 || r.Totals != 2 || r.Posted != 95 || r.Held != 10 {
		t.Errorf("report is %+v, want 10 entries, 4 holds, 5 buckets, 2 totals, 95 posted, 10 held and no problem", r)
	}
	if r.Head != hex.EncodeToString(rows.account.Head[:]) {
		t.Errorf("the head is %s, want that of the account", r.Head)
	}
	if r := credits.NewAudit(credits.AccountRow{Account: "nobody"}).Report(); !r.OK() || r.Head != strings.Repeat("0", 64) {
		t.Errorf("report of an account that does not exist is %+v", r)
	}
}

func TestAuditNamesTheRuleThatIsBroken(t *testing.T) {
	byKey := func(r *rows, k credits.Key) *credits.Hold {
		return &r.holds[slices.IndexFunc(r.holds, func(h credits.Hold) bool { return h.Key == k })]
	}
	bucket := func(r *rows, number int64) *credits.Bucket {
		return &r.buckets[slices.IndexFunc(r.buckets, func(b credits.Bucket) bool { return b.Number == number })]
	}
	line := func(r *rows, number int) *credits.Line { return &r.lines[number-1] }
	const (
		ofTotal  = "usage total of the account at 2026-03-01 12:00: write, p, m"
		ofScoped = `usage total of scope "run-1" at 2026-03-01 12:00: write, p, m`
	)
	for _, c := range []struct {
		broken    string
		breaks    func(*rows)
		row, rule string
	}{
		// Entries.
		{"AMissingEntry", func(r *rows) { r.lines = r.lines[1:] }, "entry 2", "numbered without gaps: want 1"},
		{"AnEntryTwice", func(r *rows) { line(r, 3).Entry.Number = 2 }, "entry 2", "numbered without gaps: want 3"},
		{"AWrongBalanceAfter", func(r *rows) { line(r, 2).Entry.BalanceAfter++ }, "entry 2", "balance_after is the sum of entries: it says 61, the sum is 60"},
		{"ASumThatDoesNotFit", func(r *rows) { line(r, 1).Entry.Amount, line(r, 1).Entry.BalanceAfter = -1<<63, -1<<63 }, "entry 2", "the sum of entries fits an amount"},
		{"AnUnknownKind", func(r *rows) { line(r, 1).Entry.Kind = "gift" }, "entry 1", `the kind is known: it is "gift"`},
		{"AGrantOfNothing", func(r *rows) { line(r, grantEntry).Entry.Amount = 0 }, "entry 1", "what is added is positive: it is 0"},
		{"ARenewalThatTakes", func(r *rows) { line(r, renewEntry).Entry.Amount = -1 }, "entry 4", "what is added is positive: it is -1"},
		{"AnAdjustmentByNobody", func(r *rows) { line(r, adjustEntry).Entry.Who = "" }, "entry 8", "an adjustment says who and why"},
		{"AnAdjustmentForNothing", func(r *rows) { line(r, addEntry).Entry.Note = "" }, "entry 9", "an adjustment says who and why"},
		{"AnAdjustmentOfOtherLots", func(r *rows) { line(r, adjustEntry).Entry.Lots[0].Amount++ }, "entry 8", "its lots add up to what it moves: 11, want 10"},
		{"ARefundByNobody", func(r *rows) { line(r, refundEntry).Entry.Who = "" }, "entry 7", "a refund says who and why"},
		{"ARefundForNothing", func(r *rows) { line(r, refundEntry).Entry.Note = "" }, "entry 7", "a refund says who and why"},
		{"ARefundOfMoreLots", func(r *rows) { line(r, refundEntry).Entry.Lots[0].Amount++ }, "entry 7", "its lots add up to at most what it moves: 16, want 15"},
		{"ARefundOfFewerLots", func(r *rows) { line(r, refundEntry).Entry.Lots = nil }, "bucket 7", "it is not there"},
		{"ARefundOfNoCharge", func(r *rows) { line(r, refundEntry).Entry.Charge = "other" }, `hold "other"`, "a refund is of a settled key"},
		{"AnExpiryThatAdds", func(r *rows) { line(r, expiredEntry).Entry.Amount = 20 }, "entry 10", "credits of one bucket expire: amount 20, 1 lots"},
		{"AnExpiryOfNoBucket", func(r *rows) { line(r, expiredEntry).Entry.Lots = nil }, "entry 10", "credits of one bucket expire: amount -20, 0 lots"},
		{"AnExpiryOfFewer", func(r *rows) { line(r, expiredEntry).Entry.Lots[0].Amount = 19 }, "entry 10", "its lots add up to what it moves: 19, want 20"},
		// Settle entries and what belongs to them.
		{"AChargeOfOtherLots", func(r *rows) { line(r, settleEntry).Entry.Lots[0].Amount-- }, "entry 2", "its lots add up to what it moves: 39, want 40"},
		{"AChargeWithoutAHold", func(r *rows) { line(r, settleEntry).Hold = nil }, "entry 2", "has a hold with its key"},
		{"AChargeOfAHoldThatIsOpen", func(r *rows) { line(r, settleEntry).Hold.State = credits.Open }, "entry 2", "the hold of a settle entry is settled: it is open"},
		{"AChargeAboveItsHold", func(r *rows) { line(r, settleEntry).Hold.Amount = 39 }, "entry 2", "a charge is at most its hold: charged 40, held 39"},
		{"AChargeWhoseHoldHasOtherLots", func(r *rows) { line(r, settleEntry).Hold.Lots = []credits.Lot{{Bucket: 3, Amount: 40}} }, "entry 2", "the hold has the lots of its charge"},
		{"ARefundAboveTheCharge", func(r *rows) { line(r, settleEntry).Hold.Refunded = 41 }, "entry 2", "refunds are at most the charge: refunded 41 of 40"},
		{"ANegativeRefund", func(r *rows) { line(r, settleEntry).Hold.Refunded = -1 }, "entry 2", "refunds are at most the charge: refunded -1 of 40"},
		{"AChargeThatAddsCredits", func(r *rows) { line(r, settleEntry).Entry.Amount = 40 }, "entry 2", "a charge does not add credits: its amount is 40"},
		{"AChargeWithoutAReceipt", func(r *rows) { line(r, settleEntry).Receipt = nil }, "entry 2", "has a receipt with its key"},
		{"AReceiptOfAnotherEntry", func(r *rows) { line(r, settleEntry).Receipt.Entry = 3 }, "entry 2", "the receipt names the entry and its charge: entry 3, charged 40"},
		{"AReceiptOfAnotherCharge", func(r *rows) { line(r, settleEntry).Receipt.Charged = 41 }, "entry 2", "the receipt names the entry and its charge: entry 2, charged 41"},
		{"AReceiptWithAnotherResult", func(r *rows) { line(r, settleEntry).Receipt.Result = []byte("x") }, "entry 2", "the receipt's result has its digest"},
		{"APrunedReceiptWithAResult", func(r *rows) { line(r, settleEntry).Receipt.Pruned = true }, "entry 2", "the receipt's result has its digest, unless it was pruned"},
		{"AChargeWithoutARecord", func(r *rows) { line(r, settleEntry).Record = nil }, "entry 2", "has a usage record"},
		{"ARecordOfAnotherCharge", func(r *rows) { line(r, settleEntry).Record.Charged = 41 }, "entry 2", "record 41, entry 40"},
		{"ARecordOfAnotherKey", func(r *rows) { line(r, settleEntry).Record.Key = "other" }, "entry 2", `record "other", entry "k"`},
		{"AWinnerThatWasNotJournalled", func(r *rows) { line(r, settleEntry).Winner = nil }, "entry 2", "is journalled for the key and finished"},
		{"AWinnerOfAnotherKey", func(r *rows) { line(r, settleEntry).Winner.Key = "other" }, "entry 2", "is journalled for the key and finished"},
		{"AWinnerThatIsOpen", func(r *rows) { line(r, settleEntry).Winner.Fate = "" }, "entry 2", "is journalled for the key and finished"},
		// Holds.
		{"AHoldInAnUnknownState", func(r *rows) { byKey(r, "released").State = "lost" }, `hold "released"`, `the state is known: it is "lost"`},
		{"AHoldOfNothing", func(r *rows) { byKey(r, "released").Amount = 0 }, `hold "released"`, "the amount is positive: it is 0"},
		{"AnOpenHoldOfFewerLots", func(r *rows) { byKey(r, "open").Lots[0].Amount = 9 }, `hold "open"`, "the lots of an open hold add up to it: 9, want 10"},
		{"AReleasedHoldWithLots", func(r *rows) { byKey(r, "released").Lots = byKey(r, "open").Lots }, `hold "released"`, "a hold that was given back has no lots"},
		{"AnExpiredHoldWithLots", func(r *rows) { byKey(r, "expired").Lots = byKey(r, "open").Lots }, `hold "expired"`, "a hold that was given back has no lots"},
		{"ASettledHoldThatForgetsARefund", func(r *rows) { byKey(r, key).Refunded = 14 }, `hold "k"`, "refunded is the sum of the charge's refunds: it says 14, the sum is 15"},
		{"AnOpenHoldThatWasRefunded", func(r *rows) { byKey(r, "open").Refunded = 1 }, `hold "open"`, "only a charge is refunded: it says 1"},
		{"AReleasedHoldThatWasRefunded", func(r *rows) { byKey(r, "released").Refunded = 1 }, `hold "released"`, "only a charge is refunded: it says 1"},
		{"ASettledHoldWithoutAnEntry", func(r *rows) { byKey(r, "released").State = credits.Settled }, "settled holds", "one for each settle entry: 2, want 1"},
		{"AnOpenHoldThatIsGone", func(r *rows) { byKey(r, "open").State, byKey(r, "open").Lots = credits.Released, nil }, "account", "it says 10, the sum is 0"},
		{"AnOpenHoldOfAnotherBucket", func(r *rows) { byKey(r, "open").Lots[0].Bucket = 99 }, "bucket 99", "entries or holds name it, and it is not there"},
		// Buckets.
		{"ABucketOfAnotherAmount", func(r *rows) { bucket(r, grantEntry).Amount++ }, "bucket 1", "amount is what the entries and the holds say: it is 101, want 100"},
		{"ABucketThatWasChargedLess", func(r *rows) { bucket(r, grantEntry).Charged-- }, "bucket 1", "charged is what the entries and the holds say: it is 49, want 50"},
		{"ABucketThatWasRefundedMore", func(r *rows) { bucket(r, grantEntry).Refunded++ }, "bucket 1", "refunded is what the entries and the holds say: it is 16, want 15"},
		{"ABucketThatDidNotExpire", func(r *rows) { bucket(r, promoEntry).Expired = 0 }, "bucket 3", "expired is what the entries and the holds say: it is 0, want 20"},
		{"ABucketThatIsPinnedLess", func(r *rows) { bucket(r, grantEntry).Pinned = 0 }, "bucket 1", "pinned is what the entries and the holds say: it is 0, want 10"},
		{"ABucketThatIsPinnedBeyondWhatRemains", func(r *rows) { bucket(r, addEntry).Pinned = 6 }, "bucket 9", "nothing of it is used twice: 5 remain, 6 are pinned"},
		{"ABucketThatPaidLessThanNothing", func(r *rows) { bucket(r, addEntry).PaidDebt = -1 }, "bucket 9", "nothing of it is used twice: 6 remain"},
		{"ABucketThatPaidADebtThatWasNot", func(r *rows) { bucket(r, addEntry).PaidDebt = 1 }, "account", "debt is what was charged into it and is not paid: it says 0, want -1"},
		{"ABucketThatNothingRenewed", func(r *rows) { bucket(r, grantEntry).RenewedAt = start.Add(time.Minute) }, "bucket 1", "what renewed it is an entry of that time"},
		{"ABucketWhoseRenewalIsForgotten", func(r *rows) { line(r, againEntry).Entry.Kind = credits.EntryGrant }, "bucket 4", "what renewed it is an entry of that time"},
		{"ABucketThatIsGone", func(r *rows) { r.buckets = r.buckets[1:] }, "bucket 1", "entries or holds name it, and it is not there"},
		{"ABucketThatNothingMade", func(r *rows) { r.buckets = append(r.buckets, credits.Bucket{Number: 99}) }, "bucket 99", "a bucket has an entry that made it"},
		{"ABucketTwice", func(r *rows) { r.buckets = append(r.buckets, r.buckets[0]) }, "bucket 1", "a bucket has an entry that made it"},
		// The hold of a charge.
		{"AChargeWhoseHoldIsOfAnotherOperation", func(r *rows) { line(r, settleEntry).Hold.Operation = "draw" }, "entry 2", "the hold has the operation and the scope of its charge"},
		{"AChargeWhoseHoldIsOfAnotherScope", func(r *rows) { line(r, settleEntry).Hold.Scope = "run-2" }, "entry 2", "the hold has the operation and the scope of its charge"},
		{"AChargeWhoseHoldIsOfAnotherRequest", func(r *rows) { line(r, settleEntry).Hold.Fingerprint[0]++ }, "entry 2", "the hold has the fingerprint of its receipt"},
		// Caps.
		{"ACapThatCountsMore", func(r *rows) { r.caps[0].Used++ }, `cap "daily"`, "used is what the holds of its window say: it is 36, want 35"},
		{"ACapThatCountsLess", func(r *rows) { r.caps[0].Used-- }, `cap "daily"`, "it is 34, want 35"},
		{"ACapThatCountsWhatItDoesNotCount", func(r *rows) { r.caps[1].Used = 35 }, `cap "other"`, "it is 35, want 0"},
		{"ACapOfAnotherOperation", func(r *rows) { r.caps[0].Operation = "draw" }, `cap "daily"`, "it is 35, want 0"},
		{"ACapOfAnotherScope", func(r *rows) { r.caps[0].Scope = "run-2" }, `cap "daily"`, "it is 35, want 0"},
		{"ACapWhoseWindowBeganLater", func(r *rows) { r.caps[0].Since = start.Add(time.Millisecond) }, `cap "daily"`, "it is 35, want 10"},
		{"ACapWhoseHoldIsOfAnotherDay", func(r *rows) { byKey(r, "open").CreatedAt = start.AddDate(0, 0, -1) }, `cap "daily"`, "it is 35, want 25"},
		// Totals of usage.
		{"ATotalWithAnotherFirstEntry", func(r *rows) { r.totals[0].FirstEntry = 1 }, ofTotal, "first_entry is what the usage records say: it is 1, want 2"},
		{"ATotalWithAnotherLastEntry", func(r *rows) { r.totals[0].LastEntry = 3 }, ofTotal, "last_entry is what the usage records say: it is 3, want 2"},
		{"ATotalOfMoreRecords", func(r *rows) { r.totals[0].Records++ }, ofTotal, "records is what the usage records say: it is 2, want 1"},
		{"ATotalOfAnotherCharge", func(r *rows) { r.totals[0].Charged++ }, ofTotal, "charged is what the usage records say: it is 41, want 40"},
		{"ATotalThatWroteOffMore", func(r *rows) { r.totals[0].WrittenOff++ }, ofTotal, "written_off is what the usage records say: it is 1, want 0"},
		{"ATotalThatForgetsARefund", func(r *rows) { r.totals[0].Refunded = 0 }, ofTotal, "refunded is what the usage records say: it is 0, want 15"},
		{"ATotalOfAnotherCost", func(r *rows) { r.totals[0].Cost = decimal.New(6, -3) }, ofTotal, "cost is what the usage records say: it is 0.006, want 0.005"},
		{"ATotalOfOtherUsage", func(r *rows) { r.totals[0].Usage.Input = usage.Exactly(11) }, ofTotal, "what was measured is what the usage records say"},
		{"ATotalOfAScopeThatForgetsARefund", func(r *rows) { r.totals[1].Refunded = 0 }, ofScoped, "refunded is what the usage records say: it is 0, want 15"},
		{"ATotalThatIsGone", func(r *rows) { r.totals = r.totals[1:] }, ofTotal, "usage records belong to it, and it is not there"},
		{"ATotalOfAScopeThatIsGone", func(r *rows) { r.totals = r.totals[:1] }, ofScoped, "usage records belong to it, and it is not there"},
		{"ATotalTwice", func(r *rows) { r.totals = append(r.totals, r.totals[0]) }, ofTotal, "a total has usage records"},
		{"ATotalOfAnotherSlot", func(r *rows) { r.totals[0].Slot = start.Add(credits.Slot) }, "usage total of the account at 2026-03-01 12:15: write, p, m", "a total has usage records"},
		{"ATotalOfAnotherOperation", func(r *rows) { r.totals[0].Operation = "draw" }, ofTotal, "usage records belong to it, and it is not there"},
		{"ATotalOfAnotherProvider", func(r *rows) { r.totals[0].Provider = "q" }, ofTotal, "usage records belong to it, and it is not there"},
		{"ATotalOfAnotherModel", func(r *rows) { r.totals[0].Model = "q" }, ofTotal, "usage records belong to it, and it is not there"},
		{"ATotalOfAnotherScope", func(r *rows) { r.totals[1].Scope = "run-2" }, ofScoped, "usage records belong to it, and it is not there"},
		{"ATotalOfAnotherAccount", func(r *rows) { r.totals[0].Account = "zeta" }, ofTotal, "usage records belong to it, and it is not there"},
		// The account, and how many rows there are.
		{"ARecordTooMany", func(r *rows) { r.records++ }, "usage records", "one for each settle entry: 2, want 1"},
		{"AReceiptTooFew", func(r *rows) { r.receipts-- }, "receipts", "one for each settle entry: 0, want 1"},
		{"AnAccountThatNamesAnotherEntry", func(r *rows) { r.account.Entries = 11 }, "account", "it names the last entry: it says 11, the last is 10"},
		{"AnAccountThatPostedAnotherSum", func(r *rows) { r.account.Posted = 96 }, "account", "posted is the sum of entries: it says 96, the sum is 95"},
		{"AnAccountThatPostedWhatIsNotLeft", func(r *rows) { r.account.Posted = 96 }, "account", "posted is what remains of the buckets, less debt: it says 96, 95 remain and the debt is 0"},
		{"AnAccountThatHoldsAnotherSum", func(r *rows) { r.account.Held = 0 }, "account", "held is the sum of open holds: it says 0, the sum is 10"},
		{"AnAccountInADebtThatNobodyMade", func(r *rows) { r.account.Debt = 1 }, "account", "debt is what was charged into it and is not paid: it says 1, want 0"},
		{"AnAccountWithAnotherHead", func(r *rows) { r.account.Head[0]++ }, "account", "head is the hash of the last entry"},
		{"AnAccountWhoseLastEntryIsGone", func(r *rows) { r.lines = r.lines[:len(r.lines)-1] }, "account", "head is the hash of the last entry"},
	} {
		t.Run(c.broken, func(t *testing.T) {
			r := sound(t)
			c.breaks(&r)
			report := r.audit()
			found := slices.ContainsFunc(report.Problems, func(p credits.Problem) bool { return p.Row == c.row && strings.Contains(p.Rule, c.rule) })
			if report.OK() || !found {
				t.Errorf("problems are %+v, want one of %s that says %q", report.Problems, c.row, c.rule)
			}
		})
	}
	t.Run("ATotalOfSeveralRecords", func(t *testing.T) {
		l := opened(t, 100)
		l.must(charge(10))
		l.must(named(charge(20), "k2"))
		l.wantBalance(70, 0)
		r := l.rows(acme)
		r.totals[0].Charged = 29
		want := credits.Problem{Row: "usage total of the account at 2026-03-01 12:00: write, , ", Rule: "charged is what the usage records say: it is 29, want 30"}
		if got := r.audit().Problems; len(got) != 1 || got[0] != want {
			t.Errorf("problems are %+v, want %+v", got, want)
		}
	})
	t.Run("AChargeWithoutAnAttemptIsNoProblem", func(t *testing.T) { // a host's own charge
		l := opened(t, 100)
		l.must(charge(10))
		l.wantBalance(90, 0)
	})
	t.Run("ADebtThatWasForgiven", func(t *testing.T) {
		l := opened(t, 60)
		inDebt(l)
		r := l.rows(acme)
		r.account.Debt, r.account.Posted = 0, 0
		report := r.audit()
		if !slices.ContainsFunc(report.Problems, func(p credits.Problem) bool {
			return strings.Contains(p.Rule, "debt is what was charged into it and is not paid: it says 0, want 60")
		}) {
			t.Errorf("problems are %+v", report.Problems)
		}
	})
	t.Run("AWrongAmountIsReportedOnceAndNotOnEveryLaterLine", func(t *testing.T) {
		l := opened(t, 0)
		for n := range 10 {
			l.must(granted(credits.Key(fmt.Sprint("g", n)), 1))
		}
		r := l.rows(acme)
		for n := range r.lines[4:] {
			r.lines[4+n].Entry.BalanceAfter -= 2
		}
		r.account.Posted -= 2
		got := r.audit().Problems
		got = slices.DeleteFunc(got, func(p credits.Problem) bool { return !strings.Contains(p.Rule, "balance_after") })
		if len(got) != 1 || got[0].Row != "entry 5" {
			t.Errorf("problems with balance_after are %+v, want one of entry 5", got)
		}
	})
}

// TestAnEntryCannotBeEditedWithoutItsHash edits one field at a time. Whatever else an audit makes of the edit, the hash
// of the entry that it belongs to must not fit any more, and no other hash must be complained of.
func TestAnEntryCannotBeEditedWithoutItsHash(t *testing.T) {
	type edit struct {
		what  string
		entry int
		edits func(*credits.Line)
	}
	var edits []edit
	of := func(what string, entry int, f func(*credits.Line)) { edits = append(edits, edit{what, entry, f}) }
	for entry := grantEntry; entry <= expiredEntry; entry++ {
		of("account", entry, func(l *credits.Line) { l.Entry.Account = "x" })
		of("number", entry, func(l *credits.Line) { l.Entry.Number++ })
		of("kind", entry, func(l *credits.Line) { l.Entry.Kind += "x" })
		of("amount", entry, func(l *credits.Line) { l.Entry.Amount++ })
		of("balance after", entry, func(l *credits.Line) { l.Entry.BalanceAfter++ })
		of("key", entry, func(l *credits.Line) { l.Entry.Key += "x" })
		of("charge", entry, func(l *credits.Line) { l.Entry.Charge += "x" })
		of("operation", entry, func(l *credits.Line) { l.Entry.Operation += "x" })
		of("scope", entry, func(l *credits.Line) { l.Entry.Scope += "x" })
		of("who", entry, func(l *credits.Line) { l.Entry.Who += "x" })
		of("note", entry, func(l *credits.Line) { l.Entry.Note += "x" })
		of("time", entry, func(l *credits.Line) { l.Entry.At = l.Entry.At.Add(time.Microsecond) })
		of("no time", entry, func(l *credits.Line) { l.Entry.At = time.Time{} })
		of("lots", entry, func(l *credits.Line) { l.Entry.Lots = append(l.Entry.Lots, credits.Lot{Bucket: 1}) })
		of("the hash itself", entry, func(l *credits.Line) { l.Entry.Hash[31]++ })
	}
	for _, entry := range []int{settleEntry, refundEntry, adjustEntry, expiredEntry} {
		of("a lot's bucket", entry, func(l *credits.Line) { l.Entry.Lots[0].Bucket = 4 })
		of("a lot's amount", entry, func(l *credits.Line) { l.Entry.Lots[0].Amount-- })
	}
	of("a text that moves into the one before it", settleEntry, func(l *credits.Line) { l.Entry.Operation, l.Entry.Scope = l.Entry.Operation+l.Entry.Scope, "" })
	record := func(what string, f func(*credits.UsageRecord)) {
		of("record: "+what, settleEntry, func(l *credits.Line) { f(l.Record) })
	}
	record("account", func(r *credits.UsageRecord) { r.Account = "x" })
	record("key", func(r *credits.UsageRecord) { r.Key = "x" })
	record("entry", func(r *credits.UsageRecord) { r.Entry++ })
	record("operation", func(r *credits.UsageRecord) { r.Operation = "x" })
	record("scope", func(r *credits.UsageRecord) { r.Scope = "x" })
	record("provider", func(r *credits.UsageRecord) { r.Provider = "x" })
	record("model", func(r *credits.UsageRecord) { r.Model = "x" })
	record("attempt", func(r *credits.UsageRecord) { r.Attempt = "x" })
	record("usage", func(r *credits.UsageRecord) { r.Usage.Output = usage.Exactly(21) })
	record("usage that was not known", func(r *credits.UsageRecord) { r.Usage.Images = usage.Exactly(0) })
	record("usage that is not known any more", func(r *credits.UsageRecord) { r.Usage.Input = usage.Count{} })
	record("exact", func(r *credits.UsageRecord) { r.Exact = decimal.New(396, -1) })
	record("charged", func(r *credits.UsageRecord) { r.Charged++ })
	record("written off", func(r *credits.UsageRecord) { r.WrittenOff++ })
	record("cost", func(r *credits.UsageRecord) { r.Cost = decimal.New(1, 0) })
	record("reported cost", func(r *credits.UsageRecord) { r.ReportedCost.Decimal = decimal.New(1, 0) })
	record("reported cost forgotten", func(r *credits.UsageRecord) { r.ReportedCost.Valid = false })
	record("price version", func(r *credits.UsageRecord) { r.PriceVersion++ })
	record("time", func(r *credits.UsageRecord) { r.At = r.At.Add(time.Microsecond) })
	receipt := func(what string, f func(*credits.Receipt)) {
		of("receipt: "+what, settleEntry, func(l *credits.Line) { f(l.Receipt) })
	}
	receipt("key", func(r *credits.Receipt) { r.Key = "x" })
	receipt("fingerprint", func(r *credits.Receipt) { r.Fingerprint[0]++ })
	receipt("digest of the result", func(r *credits.Receipt) { r.Digest[0]++ })
	of("receipt: gone", settleEntry, func(l *credits.Line) { l.Receipt = nil })
	for _, entry := range []int{grantEntry, promoEntry, renewEntry, addEntry} {
		of("bucket: gone", entry, func(l *credits.Line) { l.Bucket = nil })
		of("bucket: number", entry, func(l *credits.Line) { l.Bucket.Number++ })
		of("bucket: key", entry, func(l *credits.Line) { l.Bucket.Key = "x" })
		of("bucket: kind", entry, func(l *credits.Line) { l.Bucket.Kind = credits.Bonus })
		of("bucket: priority", entry, func(l *credits.Line) { l.Bucket.Priority++ })
		of("bucket: expiry", entry, func(l *credits.Line) { l.Bucket.ExpiresAt = l.Entry.At.Add(time.Hour) })
		of("bucket: amount", entry, func(l *credits.Line) { l.Bucket.Amount++ })
	}
	of("record: gone", settleEntry, func(l *credits.Line) { l.Record = nil })

	const rule = "the hash covers the entry, the one before it, and its bucket, its usage record or its receipt"
	for _, e := range edits {
		r := sound(t)
		e.edits(&r.lines[e.entry-1])
		var named []string
		for _, p := range r.audit().Problems {
			if p.Rule == rule {
				named = append(named, p.Row)
			}
		}
		want := []string{fmt.Sprintf("entry %d", r.lines[e.entry-1].Entry.Number)}
		if e.what == "the hash itself" && e.entry < expiredEntry {
			want = append(want, fmt.Sprintf("entry %d", e.entry+1)) // whose own hash covers what it was
		}
		if !slices.Equal(named, want) {
			t.Errorf("after an edit of %s of entry %d the hashes that do not fit are those of %v, want %v", e.what, e.entry, named, want)
		}
	}
	t.Run("TwoThatChangePlaces", func(t *testing.T) {
		l := opened(t, 0)
		l.must(granted("g1", 5))
		l.must(granted("g2", 5))
		r := l.rows(acme)
		a, b := &r.lines[0].Entry, &r.lines[1].Entry
		a.Key, b.Key = b.Key, a.Key
		if report := r.audit(); len(report.Problems) != 2 || report.Problems[0].Row != "entry 1" || report.Problems[1].Row != "entry 2" {
			t.Errorf("problems are %+v, want the hashes of both", report.Problems)
		}
	})
	t.Run("ARewrittenChainHasAnotherHead", func(t *testing.T) {
		kept, rewritten := opened(t, 100), opened(t, 0)
		head := kept.audit(acme).Head
		rewritten.must(credits.Grant{Account: acme, Key: "grant", Kind: credits.Purchase, Amount: 100, Note: "x"})
		report := rewritten.audit(acme)
		if !report.OK() || report.Head == head {
			t.Errorf("report is %+v: it must be sound, and its head not %s", report, head)
		}
		if again := opened(t, 100).audit(acme).Head; again != head {
			t.Errorf("the same history has the heads %s and %s", head, again)
		}
	})
}

func TestAuditReportsABoundedNumberOfProblems(t *testing.T) {
	a := credits.NewAudit(credits.AccountRow{Account: acme})
	for n := range int64(100_000) {
		a.Line(credits.Line{Entry: credits.Entry{Number: n + 1, Kind: "gift"}})
	}
	for n := range 100 {
		a.Hold(credits.Hold{Key: credits.Key(fmt.Sprint(n)), State: "lost"})
	}
	r := a.Report()
	if r.OK() || len(r.Problems) != 100 || r.Entries != 100_000 || r.Holds != 100 {
		t.Errorf("report has %d problems, %d entries and %d holds", len(r.Problems), r.Entries, r.Holds)
	}
	if r.Problems[0].Row != "entry 1" {
		t.Errorf("the first problem is %+v, want the first line's", r.Problems[0])
	}
}
