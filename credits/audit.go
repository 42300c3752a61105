package credits

import "fmt"

// Problem is a rule that a row breaks.
type Problem struct {
	Row  string `json:"row"`  // "entry 7", `hold "k"`, "account"
	Rule string `json:"rule"` // what must hold and does not
}

// Report is what [Ledger.Verify] found in one account.
type Report struct {
	Account  Account   `json:"account"`
	Entries  int64     `json:"entries"` // how many were replayed
	Holds    int64     `json:"holds"`   // how many were seen, in any state
	Posted   Amount    `json:"posted"`  // as replayed
	Held     Amount    `json:"held"`    // as replayed, holds that have expired but are not yet closed included
	Problems []Problem `json:"problems,omitempty"`
}

// OK reports whether every rule holds.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Line is an entry with what belongs to it, for an [Audit]. What does not exist is nil.
type Line struct {
	Entry   Entry
	Grant   *GrantRow    // the grant of the entry's key
	Hold    *Hold        // the hold of the entry's key
	Record  *UsageRecord // the usage record with the entry's number
	Receipt bool         // there is a receipt for the entry's key
	Winner  *Attempt     // the attempt that the usage record names
}

// Audit replays one account. A store feeds it every entry in ascending order with [Audit.Line], every hold with
// [Audit.Hold] and the number of stored rows with [Audit.Counts], all read from one consistent snapshot, and returns
// [Audit.Report]. Its memory does not grow with the account.
type Audit struct {
	account  AccountRow
	report   Report
	settles  int64
	grants   int64
	settled  int64
	problems int
}

// NewAudit begins the audit of an account as its row has it.
func NewAudit(a AccountRow) *Audit {
	return &Audit{account: a, report: Report{Account: a.Account}}
}

// maxProblems bounds a report: an account that is wrong from its first line on is wrong in every line.
const maxProblems = 100

func (a *Audit) problem(row, rule string, args ...any) {
	if a.problems++; a.problems <= maxProblems {
		a.report.Problems = append(a.report.Problems, Problem{Row: row, Rule: fmt.Sprintf(rule, args...)})
	}
}

// Line checks the next entry.
func (a *Audit) Line(l Line) {
	e, row := l.Entry, fmt.Sprintf("entry %d", l.Entry.Number)
	if want := a.report.Entries + 1; e.Number != want {
		a.problem(row, "entries are numbered without gaps: want %d", want)
	}
	a.report.Entries = e.Number
	posted, err := a.report.Posted.Add(e.Amount)
	if err != nil {
		a.problem(row, "the sum of entries fits an amount")
	}
	a.report.Posted = posted
	if e.BalanceAfter != posted {
		a.problem(row, "balance_after is the sum of entries: it says %d, the sum is %d", e.BalanceAfter, posted)
		a.report.Posted = e.BalanceAfter // report each wrong amount once, not on every later line
	}
	switch e.Kind {
	case EntryGrant:
		a.grants++
		a.grantLine(row, l)
	case EntrySettle:
		a.settles++
		a.settleLine(row, l)
	default:
		a.problem(row, "the kind is known: it is %q", e.Kind)
	}
}

func (a *Audit) grantLine(row string, l Line) {
	switch {
	case l.Grant == nil:
		a.problem(row, "a grant entry has a grant with its key")
	case l.Grant.Amount != l.Entry.Amount:
		a.problem(row, "a grant entry has its grant's amount: entry %d, grant %d", l.Entry.Amount, l.Grant.Amount)
	case l.Grant.Entry.Number != l.Entry.Number:
		a.problem(row, "a key grants once: its grant names entry %d", l.Grant.Entry.Number)
	}
}

func (a *Audit) settleLine(row string, l Line) {
	if l.Hold == nil {
		a.problem(row, "a settle entry has a hold with its key")
	} else {
		if l.Hold.State != Settled {
			a.problem(row, "the hold of a settle entry is settled: it is %s", l.Hold.State)
		}
		if -l.Entry.Amount > l.Hold.Amount {
			a.problem(row, "a charge is at most its hold: charged %d, held %d", -l.Entry.Amount, l.Hold.Amount)
		}
	}
	if l.Entry.Amount > 0 {
		a.problem(row, "a charge does not add credits: its amount is %d", l.Entry.Amount)
	}
	if !l.Receipt {
		a.problem(row, "a settle entry has a receipt with its key")
	}
	if l.Record == nil {
		a.problem(row, "a settle entry has a usage record")
		return
	}
	if l.Record.Charged != -l.Entry.Amount {
		a.problem(row, "the usage record has the entry's charge: record %d, entry %d", l.Record.Charged, -l.Entry.Amount)
	}
	if l.Record.Key != l.Entry.Key {
		a.problem(row, "the usage record has the entry's key: record %q, entry %q", l.Record.Key, l.Entry.Key)
	}
	if l.Record.Attempt != "" && (l.Winner == nil || l.Winner.Key != l.Entry.Key || l.Winner.Fate == "") {
		a.problem(row, "the attempt that the usage record names is journalled for the key and finished")
	}
}

// Hold checks one hold.
func (a *Audit) Hold(h Hold) {
	a.report.Holds++
	switch h.State {
	case Open:
		a.report.Held += h.Amount
	case Settled:
		a.settled++
	case Released, Expired:
	default:
		a.problem(fmt.Sprintf("hold %q", h.Key), "the state is known: it is %q", h.State)
	}
	if h.Amount <= 0 {
		a.problem(fmt.Sprintf("hold %q", h.Key), "the amount is positive: it is %d", h.Amount)
	}
}

// Counts compares the number of stored rows with what the entries say there should be.
func (a *Audit) Counts(grants, records, receipts int64) {
	check := func(row string, have, want int64, of string) {
		if have != want {
			a.problem(row, "there is one for each %s: %d, want %d", of, have, want)
		}
	}
	check("grants", grants, a.grants, "grant entry")
	check("usage records", records, a.settles, "settle entry")
	check("receipts", receipts, a.settles, "settle entry")
	check("settled holds", a.settled, a.settles, "settle entry")
}

// Report ends the audit.
func (a *Audit) Report() Report {
	if a.account.Entries != a.report.Entries {
		a.problem("account", "it names the last entry: it says %d, the last is %d", a.account.Entries, a.report.Entries)
	}
	if a.account.Posted != a.report.Posted {
		a.problem("account", "posted is the sum of entries: it says %d, the sum is %d", a.account.Posted, a.report.Posted)
	}
	if a.account.Held != a.report.Held {
		a.problem("account", "held is the sum of open holds: it says %d, the sum is %d", a.account.Held, a.report.Held)
	}
	return a.report
}
