package credits_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

// rows is an account as a store would feed it to an audit, for a test to break.
type rows struct {
	account                   credits.AccountRow
	lines                     []credits.Line
	holds                     []credits.Hold
	grants, records, receipts int64
}

func (r rows) audit() credits.Report {
	a := credits.NewAudit(r.account)
	for _, l := range r.lines {
		a.Line(l)
	}
	for _, h := range r.holds {
		a.Hold(h)
	}
	a.Counts(r.grants, r.records, r.receipts)
	return a.Report()
}

// sound returns an account with a grant (entry 1), a settled key (entry 2), and a hold in each other state.
func sound(t *testing.T) rows {
	l := opened(t, 100)
	l.must(hold(60, me))
	l.must(begin("a1", me))
	charge := settle(40)
	charge.Last, charge.Record.Attempt = ended("a1"), "a1"
	l.must(charge)
	for i, k := range []credits.Key{"open", "released", "expired"} {
		h := hold(10, me)
		h.Key = k
		if k != "expired" {
			h.TTL *= 100
		}
		l.must(h)
		if i == 1 {
			r := release(me)
			r.Key = k
			l.must(r)
		}
	}
	l.pass(hold(1, me).TTL)
	if _, err := l.try(begin("a1", me)); err == nil { // any decision closes what has expired
		t.Fatal("a settled key was worked on")
	}
	lines, holds, grants, receipts := l.lines(acme)
	slices.SortFunc(holds, func(a, b credits.Hold) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return rows{l.accounts[acme], lines, holds, grants, receipts, receipts}
}

func TestAuditOfASoundAccount(t *testing.T) {
	r := sound(t).audit()
	if !r.OK() || r.Account != acme || r.Entries != 2 || r.Holds != 4 || r.Posted != 60 || r.Held != 10 {
		t.Errorf("report is %+v, want 2 entries, 4 holds, 60 posted, 10 held and no problem", r)
	}
	if r := credits.NewAudit(credits.AccountRow{Account: "nobody"}).Report(); !r.OK() {
		t.Errorf("report of an account that does not exist is %+v", r)
	}
}

func TestAuditNamesTheRuleThatIsBroken(t *testing.T) {
	byKey := func(r *rows, k credits.Key) *credits.Hold {
		return &r.holds[slices.IndexFunc(r.holds, func(h credits.Hold) bool { return h.Key == k })]
	}
	for _, c := range []struct {
		broken    string
		breaks    func(*rows)
		row, rule string
	}{
		{"AMissingEntry", func(r *rows) {
			r.lines, r.grants = r.lines[1:], 0
			r.lines[0].Entry.BalanceAfter, r.account.Posted = -40, -40
		}, "entry 2", "numbered without gaps: want 1"},
		{"AnEntryTwice", func(r *rows) { r.lines[1].Entry.Number = 1; r.account.Entries = 1 }, "entry 1", "numbered without gaps: want 2"},
		{"AWrongBalanceAfter", func(r *rows) { r.lines[1].Entry.BalanceAfter++; r.account.Posted++ }, "entry 2", "balance_after is the sum of entries: it says 61, the sum is 60"},
		{"ASumThatDoesNotFit", func(r *rows) { r.lines[0].Entry.Amount, r.lines[0].Entry.BalanceAfter = -1<<63, -1<<63 }, "entry 2", "the sum of entries fits an amount"},
		{"AnUnknownKind", func(r *rows) { r.lines[0].Entry.Kind = "gift"; r.grants = 0 }, "entry 1", `the kind is known: it is "gift"`},
		{"AGrantWithoutARow", func(r *rows) { r.lines[0].Grant = nil }, "entry 1", "has a grant with its key"},
		{"AGrantOfAnotherAmount", func(r *rows) { r.lines[0].Grant.Amount = 99 }, "entry 1", "entry 100, grant 99"},
		{"AKeyThatGrantedTwice", func(r *rows) { r.lines[0].Grant.Entry.Number = 7 }, "entry 1", "a key grants once: its grant names entry 7"},
		{"AChargeWithoutAHold", func(r *rows) { r.lines[1].Hold = nil }, "entry 2", "has a hold with its key"},
		{"AChargeOfAHoldThatIsOpen", func(r *rows) { r.lines[1].Hold.State = credits.Open }, "entry 2", "the hold of a settle entry is settled: it is open"},
		{"AChargeAboveItsHold", func(r *rows) { r.lines[1].Hold.Amount = 39 }, "entry 2", "charged 40, held 39"},
		{"AChargeThatAddsCredits", func(r *rows) {
			e := &r.lines[1].Entry
			e.Amount, e.BalanceAfter, r.account.Posted, r.lines[1].Record.Charged = 40, 140, 140, -40
		}, "entry 2", "a charge does not add credits: its amount is 40"},
		{"AChargeWithoutAReceipt", func(r *rows) { r.lines[1].Receipt = false }, "entry 2", "has a receipt with its key"},
		{"AChargeWithoutARecord", func(r *rows) { r.lines[1].Record = nil }, "entry 2", "has a usage record"},
		{"ARecordOfAnotherCharge", func(r *rows) { r.lines[1].Record.Charged = 41 }, "entry 2", "record 41, entry 40"},
		{"ARecordOfAnotherKey", func(r *rows) { r.lines[1].Record.Key = "other" }, "entry 2", `record "other", entry "k"`},
		{"AWinnerThatWasNotJournalled", func(r *rows) { r.lines[1].Winner = nil }, "entry 2", "is journalled for the key and finished"},
		{"AWinnerOfAnotherKey", func(r *rows) { r.lines[1].Winner.Key = "other" }, "entry 2", "is journalled for the key and finished"},
		{"AWinnerThatIsOpen", func(r *rows) { r.lines[1].Winner.Fate = "" }, "entry 2", "is journalled for the key and finished"},
		{"AHoldInAnUnknownState", func(r *rows) { byKey(r, "released").State = "lost" }, `hold "released"`, `the state is known: it is "lost"`},
		{"AHoldOfNothing", func(r *rows) { byKey(r, "released").Amount = 0 }, `hold "released"`, "the amount is positive: it is 0"},
		{"AGrantRowTooMany", func(r *rows) { r.grants++ }, "grants", "one for each grant entry: 2, want 1"},
		{"ARecordTooMany", func(r *rows) { r.records++ }, "usage records", "one for each settle entry: 2, want 1"},
		{"AReceiptTooFew", func(r *rows) { r.receipts-- }, "receipts", "one for each settle entry: 0, want 1"},
		{"ASettledHoldWithoutAnEntry", func(r *rows) { byKey(r, "released").State = credits.Settled }, "settled holds", "one for each settle entry: 2, want 1"},
		{"AnAccountThatNamesAnotherEntry", func(r *rows) { r.account.Entries = 3 }, "account", "it names the last entry: it says 3, the last is 2"},
		{"AnAccountThatPostedAnotherSum", func(r *rows) { r.account.Posted = 61 }, "account", "posted is the sum of entries: it says 61, the sum is 60"},
		{"AnAccountThatHoldsAnotherSum", func(r *rows) { r.account.Held = 0 }, "account", "held is the sum of open holds: it says 0, the sum is 10"},
		{"AnOpenHoldThatIsGone", func(r *rows) { byKey(r, "open").State = credits.Released }, "account", "it says 10, the sum is 0"},
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
	t.Run("AChargeWithoutAnAttemptIsNoProblem", func(t *testing.T) { // a host's own charge
		r := sound(t)
		r.lines[1].Record.Attempt, r.lines[1].Winner = "", nil
		if report := r.audit(); !report.OK() {
			t.Errorf("problems are %+v", report.Problems)
		}
	})
	t.Run("AWrongAmountIsReportedOnceAndNotOnEveryLaterLine", func(t *testing.T) {
		a := credits.NewAudit(credits.AccountRow{Account: acme, Posted: 8, Entries: 10})
		for n := range int64(10) {
			after := credits.Amount(n + 1)
			if n >= 4 {
				after -= 2
			}
			g := credits.GrantRow{Grant: credits.Grant{Amount: 1}, Entry: credits.Entry{Number: n + 1}}
			a.Line(credits.Line{Entry: credits.Entry{Number: n + 1, Kind: credits.EntryGrant, Amount: 1, BalanceAfter: after}, Grant: &g})
		}
		a.Counts(10, 0, 0)
		if r := a.Report(); len(r.Problems) != 1 || r.Problems[0].Row != "entry 5" {
			t.Errorf("problems are %+v, want one of entry 5", r.Problems)
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
