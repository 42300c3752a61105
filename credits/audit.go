package credits

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

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
	Buckets  int64     `json:"buckets"` // how many were seen, whether or not anything remains
	Totals   int64     `json:"totals"`  // how many were seen
	Posted   Amount    `json:"posted"`  // as replayed
	Held     Amount    `json:"held"`    // as replayed, holds that have expired but are not yet closed included
	Head     string    `json:"head"`    // the hash of the last entry, hexadecimal: keep it elsewhere to tell later whether history was rewritten
	Problems []Problem `json:"problems,omitempty"`
}

// OK reports whether every rule holds.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Line is an entry with what belongs to it, for an [Audit]. What does not exist is nil.
type Line struct {
	Entry   Entry
	Bucket  *Bucket      // the bucket with the entry's number
	Hold    *Hold        // the hold of the entry's key
	Record  *UsageRecord // the usage record with the entry's number
	Receipt *Receipt     // the receipt for the entry's key
	Winner  *Attempt     // the attempt that the usage record names
}

// Audit replays one account. A store feeds it every cap with [Audit.Cap], every entry in ascending order with [Audit.Line],
// every hold with [Audit.Hold], then every bucket with [Audit.Bucket], every total with [Audit.Total], and the number of
// stored rows with [Audit.Counts], all read from one consistent snapshot, and returns [Audit.Report].
//
// It finds accidents and edits: each entry's hash covers the one before it, its usage record, and the digest of what its
// receipt keeps. It does not find somebody who recomputes the whole chain; for that, compare the head with one that was
// kept elsewhere. Its memory grows with the number of buckets, of refunds and of totals, and not with the entries.
type Audit struct {
	account  AccountRow
	report   Report
	head     [32]byte
	buckets  map[int64]*tally
	refunds  map[Key]Amount // by charge
	renewals map[int64]bool // when there were any, in microseconds since 1970
	debt     Amount         // charged into debt, less what was refunded of it
	paid     Amount         // of debt, by buckets
	remains  Amount         // of all buckets
	settles  int64
	settled  int64
	problems int
	caps     []*CapRow // as stored
	used     []Amount  // by cap, what the holds say
	totals   map[totalKey]*UsageTotal
}

// tally is what the entries and the holds say of a bucket.
type tally struct {
	amount, charged, refunded, expired, pinned Amount
}

// NewAudit begins the audit of an account as its row has it.
func NewAudit(a AccountRow) *Audit {
	return &Audit{account: a, report: Report{Account: a.Account}, buckets: map[int64]*tally{}, refunds: map[Key]Amount{}, renewals: map[int64]bool{},
		totals: map[totalKey]*UsageTotal{}}
}

// maxProblems bounds a report: an account that is wrong from its first line on is wrong in every line.
const maxProblems = 100

func (a *Audit) problem(row, rule string, args ...any) {
	if a.problems++; a.problems <= maxProblems {
		a.report.Problems = append(a.report.Problems, Problem{Row: row, Rule: fmt.Sprintf(rule, args...)})
	}
}

func (a *Audit) tally(bucket int64) *tally {
	t := a.buckets[bucket]
	if t == nil {
		t = &tally{}
		a.buckets[bucket] = t
	}
	return t
}

// Cap takes a cap, to be compared with the holds.
func (a *Audit) Cap(c CapRow) {
	a.caps, a.used = append(a.caps, &c), append(a.used, 0)
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
	var made, kept [32]byte
	if l.Bucket != nil {
		made = l.Bucket.digest()
	}
	switch e.Kind {
	case EntryGrant, EntryRenew:
		a.adds(row, e)
		if e.Kind == EntryRenew {
			a.renewals[e.At.UnixMicro()] = true
		}
	case EntryAdjust:
		a.adjustLine(row, e)
	case EntryExpired:
		a.expiredLine(row, e)
	case EntryRefund:
		a.refundLine(row, e)
	case EntrySettle:
		a.settles++
		made, kept = a.settleLine(row, l)
	default:
		a.problem(row, "the kind is known: it is %q", e.Kind)
	}
	if want := e.hash(a.head, made, kept); e.Hash != want {
		a.problem(row, "the hash covers the entry, the one before it, and its bucket, its usage record or its receipt")
	}
	a.head = e.Hash // so that one edit is one problem
}

func (a *Audit) adds(row string, e Entry) {
	if e.Amount <= 0 {
		a.problem(row, "what is added is positive: it is %d", e.Amount)
	}
	a.tally(e.Number).amount = e.Amount
}

// lots replays the lots of an entry, and checks their sum. into returns the sum of a bucket that they change.
func (a *Audit) lots(row string, e Entry, want Amount, debt Amount, into func(*tally) *Amount) {
	var sum Amount
	for _, l := range e.Lots {
		sum += l.Amount
		if l.Bucket == 0 {
			a.debt += debt * l.Amount
			continue
		}
		*into(a.tally(l.Bucket)) += l.Amount
	}
	if sum != want {
		a.problem(row, "its lots add up to what it moves: %d, want %d", sum, want)
	}
}

func (a *Audit) adjustLine(row string, e Entry) {
	if e.Who == "" || e.Note == "" {
		a.problem(row, "an adjustment says who and why")
	}
	if e.Amount > 0 {
		a.adds(row, e)
		return
	}
	a.lots(row, e, -e.Amount, 1, func(t *tally) *Amount { return &t.charged })
}

func (a *Audit) expiredLine(row string, e Entry) {
	if e.Amount >= 0 || len(e.Lots) != 1 {
		a.problem(row, "credits of one bucket expire: amount %d, %d lots", e.Amount, len(e.Lots))
	}
	a.lots(row, e, -e.Amount, 0, func(t *tally) *Amount { return &t.expired })
}

func (a *Audit) refundLine(row string, e Entry) {
	if e.Who == "" || e.Note == "" {
		a.problem(row, "a refund says who and why")
	}
	a.refunds[e.Charge] += e.Amount
	var back Amount
	for _, lot := range e.Lots {
		back += lot.Amount
	}
	if back > e.Amount {
		a.problem(row, "its lots add up to at most what it moves: %d, want %d", back, e.Amount)
	}
	a.lots(row, e, back, -1, func(t *tally) *Amount { return &t.refunded })
	if back < e.Amount { // the rest had paid a debt, and is a bucket of its own
		a.tally(e.Number).amount = e.Amount - back
	}
}

func (a *Audit) settleLine(row string, l Line) (record, result [32]byte) {
	e := l.Entry
	if e.Amount > 0 {
		a.problem(row, "a charge does not add credits: its amount is %d", e.Amount)
	}
	a.lots(row, e, -e.Amount, 1, func(t *tally) *Amount { return &t.charged })
	switch {
	case l.Hold == nil:
		a.problem(row, "a settle entry has a hold with its key")
	case l.Hold.State != Settled:
		a.problem(row, "the hold of a settle entry is settled: it is %s", l.Hold.State)
	case -e.Amount > l.Hold.Amount:
		a.problem(row, "a charge is at most its hold: charged %d, held %d", -e.Amount, l.Hold.Amount)
	case !slices.Equal(l.Hold.Lots, e.Lots):
		a.problem(row, "the hold has the lots of its charge")
	case l.Hold.Operation != e.Operation || l.Hold.Scope != e.Scope:
		a.problem(row, "the hold has the operation and the scope of its charge")
	case l.Receipt != nil && l.Hold.Fingerprint != l.Receipt.Fingerprint:
		a.problem(row, "the hold has the fingerprint of its receipt")
	case l.Hold.Refunded < 0 || l.Hold.Refunded > -e.Amount:
		a.problem(row, "refunds are at most the charge: refunded %d of %d", l.Hold.Refunded, -e.Amount)
	}
	if l.Receipt == nil {
		a.problem(row, "a settle entry has a receipt with its key")
	} else {
		if l.Receipt.Entry != e.Number || l.Receipt.Charged != -e.Amount {
			a.problem(row, "the receipt names the entry and its charge: entry %d, charged %d", l.Receipt.Entry, l.Receipt.Charged)
		}
		if l.Receipt.Pruned && len(l.Receipt.Result) > 0 || !l.Receipt.Pruned && sha256.Sum256(l.Receipt.Result) != l.Receipt.Digest {
			a.problem(row, "the receipt's result has its digest, unless it was pruned")
		}
		result = l.Receipt.chain()
	}
	if l.Record == nil {
		a.problem(row, "a settle entry has a usage record")
		return record, result
	}
	if l.Record.Charged != -e.Amount {
		a.problem(row, "the usage record has the entry's charge: record %d, entry %d", l.Record.Charged, -e.Amount)
	}
	if l.Record.Key != e.Key {
		a.problem(row, "the usage record has the entry's key: record %q, entry %q", l.Record.Key, e.Key)
	}
	if l.Record.Attempt != "" && (l.Winner == nil || l.Winner.Key != e.Key || l.Winner.Fate == "") {
		a.problem(row, "the attempt that the usage record names is journalled for the key and finished")
	}
	a.count(l)
	return l.Record.digest(), result
}

// count adds a record to the totals that it belongs to.
func (a *Audit) count(l Line) {
	record := *l.Record
	record.Refunded = 0
	if l.Hold != nil {
		record.Refunded = l.Hold.Refunded
	}
	for _, t := range both(recordTotal(&record)) {
		if known := a.totals[t.key()]; known != nil {
			known.Add(&t)
		} else {
			a.totals[t.key()] = &t
		}
	}
}

// Hold checks one hold.
func (a *Audit) Hold(h Hold) {
	a.report.Holds++
	row := fmt.Sprintf("hold %q", h.Key)
	switch h.State {
	case Open:
		a.report.Held += h.Amount
		var sum Amount
		for _, l := range h.Lots {
			a.tally(l.Bucket).pinned += l.Amount
			sum += l.Amount
		}
		if sum != h.Amount {
			a.problem(row, "the lots of an open hold add up to it: %d, want %d", sum, h.Amount)
		}
	case Settled:
		a.settled++
		if want := a.refunds[h.Key]; h.Refunded != want {
			a.problem(row, "refunded is the sum of the charge's refunds: it says %d, the sum is %d", h.Refunded, want)
		}
		delete(a.refunds, h.Key)
	case Released, Expired:
		if len(h.Lots) > 0 {
			a.problem(row, "a hold that was given back has no lots")
		}
	default:
		a.problem(row, "the state is known: it is %q", h.State)
	}
	if h.State != Settled && h.Refunded != 0 {
		a.problem(row, "only a charge is refunded: it says %d", h.Refunded)
	}
	if h.Amount <= 0 {
		a.problem(row, "the amount is positive: it is %d", h.Amount)
	}
	var counted Amount
	switch h.State {
	case Open:
		counted = h.Amount
	case Settled:
		counted = sum(h.Lots) - h.Refunded
	}
	for i, c := range a.caps {
		if c.counts(use{operation: h.Operation, scope: h.Scope, at: h.CreatedAt}) {
			a.used[i] = a.used[i].saturated(counted)
		}
	}
}

// Bucket checks one bucket against the entries and the open holds, which all must have been fed before.
func (a *Audit) Bucket(b Bucket) {
	a.report.Buckets++
	row := fmt.Sprintf("bucket %d", b.Number)
	t, known := a.buckets[b.Number]
	if !known {
		a.problem(row, "a bucket has an entry that made it")
		return
	}
	delete(a.buckets, b.Number)
	for _, c := range []struct {
		name       string
		have, want Amount
	}{
		{"amount", b.Amount, t.amount}, {"charged", b.Charged, t.charged}, {"refunded", b.Refunded, t.refunded},
		{"expired", b.Expired, t.expired}, {"pinned", b.Pinned, t.pinned},
	} {
		if c.have != c.want {
			a.problem(row, "%s is what the entries and the holds say: it is %d, want %d", c.name, c.have, c.want)
		}
	}
	if !b.RenewedAt.IsZero() && !a.renewals[b.RenewedAt.UnixMicro()] {
		a.problem(row, "what renewed it is an entry of that time")
	}
	if b.Pinned < 0 || b.Free() < 0 || b.PaidDebt < 0 {
		a.problem(row, "nothing of it is used twice: %d remain, %d are pinned", b.Remaining(), b.Pinned)
	}
	a.remains += b.Remaining()
	a.paid += b.PaidDebt
}

// Total checks one total against the usage records.
func (a *Audit) Total(t UsageTotal) {
	a.report.Totals++
	row := t.row()
	want := a.totals[t.key()]
	if want == nil {
		a.problem(row, "a total has usage records")
		return
	}
	delete(a.totals, t.key())
	for _, c := range []struct {
		name       string
		have, want any
	}{
		{"first_entry", t.FirstEntry, want.FirstEntry}, {"last_entry", t.LastEntry, want.LastEntry}, {"records", t.Records, want.Records},
		{"charged", t.Charged, want.Charged}, {"written_off", t.WrittenOff, want.WrittenOff}, {"refunded", t.Refunded, want.Refunded},
		{"cost", t.Cost.String(), want.Cost.String()}, {"what was measured", t.Usage, want.Usage},
	} {
		if c.have != c.want {
			a.problem(row, "%s is what the usage records say: it is %v, want %v", c.name, c.have, c.want)
		}
	}
}

// row names a total in a report.
func (t *UsageTotal) row() string {
	of := "the account"
	if t.Scoped {
		of = fmt.Sprintf("scope %q", t.Scope)
	}
	return fmt.Sprintf("usage total of %s at %s: %s, %s, %s", of, t.Slot.UTC().Format("2006-01-02 15:04"), t.Operation, t.Provider, t.Model)
}

// Counts compares the number of stored rows with what the entries say there should be.
func (a *Audit) Counts(records, receipts int64) {
	check := func(row string, have, want int64, of string) {
		if have != want {
			a.problem(row, "there is one for each %s: %d, want %d", of, have, want)
		}
	}
	check("usage records", records, a.settles, "settle entry")
	check("receipts", receipts, a.settles, "settle entry")
	check("settled holds", a.settled, a.settles, "settle entry")
}

// Report ends the audit.
func (a *Audit) Report() Report {
	for _, key := range slices.Sorted(maps.Keys(a.refunds)) {
		a.problem(fmt.Sprintf("hold %q", key), "a refund is of a settled key")
	}
	for _, number := range slices.Sorted(maps.Keys(a.buckets)) {
		a.problem(fmt.Sprintf("bucket %d", number), "entries or holds name it, and it is not there")
	}
	for _, t := range slices.SortedFunc(maps.Values(a.totals), func(a, b *UsageTotal) int { return cmp.Compare(a.row(), b.row()) }) {
		a.problem(t.row(), "usage records belong to it, and it is not there")
	}
	for i, c := range a.caps {
		if c.Used != a.used[i] {
			a.problem(fmt.Sprintf("cap %q", c.Name), "used is what the holds of its window say: it is %d, want %d", c.Used, a.used[i])
		}
	}
	if a.account.Entries != a.report.Entries {
		a.problem("account", "it names the last entry: it says %d, the last is %d", a.account.Entries, a.report.Entries)
	}
	if a.account.Posted != a.report.Posted {
		a.problem("account", "posted is the sum of entries: it says %d, the sum is %d", a.account.Posted, a.report.Posted)
	}
	if a.account.Held != a.report.Held {
		a.problem("account", "held is the sum of open holds: it says %d, the sum is %d", a.account.Held, a.report.Held)
	}
	if want := a.debt - a.paid; a.account.Debt != want || a.account.Debt < 0 {
		a.problem("account", "debt is what was charged into it and is not paid: it says %d, want %d", a.account.Debt, want)
	}
	if a.account.Posted != a.remains-a.account.Debt {
		a.problem("account", "posted is what remains of the buckets, less debt: it says %d, %d remain and the debt is %d", a.account.Posted, a.remains, a.account.Debt)
	}
	if a.account.Head != a.head {
		a.problem("account", "head is the hash of the last entry")
	}
	a.report.Head = hex.EncodeToString(a.head[:])
	return a.report
}
