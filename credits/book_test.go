package credits_test

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/credits"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// book is the smallest store there can be: it keeps rows, loads for a mutation only the rows that [credits.State] says
// must be loaded, and saves the changes.
type book struct {
	now      time.Time
	accounts map[credits.Account]credits.AccountRow
	buckets  map[credits.BucketRef]credits.Bucket
	holds    map[credits.Ref]credits.Hold
	attempts map[credits.Ref][]credits.Attempt
	receipts map[credits.Ref]credits.Receipt
	entries  map[credits.Account][]credits.Entry
	caps     map[credits.CapRef]credits.CapRow
	totals   []credits.UsageTotal
	events   []credits.Event
}

func newBook() *book {
	return &book{now: start, accounts: map[credits.Account]credits.AccountRow{}, buckets: map[credits.BucketRef]credits.Bucket{},
		holds: map[credits.Ref]credits.Hold{}, attempts: map[credits.Ref][]credits.Attempt{},
		receipts: map[credits.Ref]credits.Receipt{}, entries: map[credits.Account][]credits.Entry{},
		caps: map[credits.CapRef]credits.CapRow{}}
}

// apply makes one transaction of the mutations.
func (b *book) apply(ops ...credits.Op) (outs []credits.Outcome, errs []error) {
	s := credits.NewState()
	for _, op := range ops {
		b.loadAccount(s, op.Ref().Account)
		if credits.Renews(op) {
			b.loadBuckets(s, op.Ref().Account, func(b credits.Bucket) bool { return b.Kind == credits.Plan && b.RenewedAt.IsZero() })
		}
		if c, ok := op.(credits.Cap); ok {
			s.LoadUse(c, b.used(c))
		}
		for _, ref := range credits.Refs(op) {
			b.load(s, ref)
		}
	}
	for _, op := range ops {
		b.loadExpired(s, op.Ref().Account)
	}
	for _, op := range ops {
		out, err := s.Apply(op, b.now)
		outs, errs = append(outs, out), append(errs, err)
	}
	b.save(s.Changes())
	return outs, errs
}

func (b *book) loadAccount(s *credits.State, account credits.Account) {
	if a, ok := b.accounts[account]; ok {
		s.LoadAccount(a)
	}
	b.loadBuckets(s, account, func(b credits.Bucket) bool { return b.Remaining() > 0 })
	for ref, c := range b.caps {
		if ref.Account == account {
			s.LoadCap(c)
		}
	}
}

func (b *book) loadBuckets(s *credits.State, account credits.Account, wanted func(credits.Bucket) bool) {
	for ref, bucket := range b.buckets {
		if ref.Account == account && wanted(bucket) {
			s.LoadBucket(bucket)
		}
	}
}

// used is what a cap counts, from the stored holds.
func (b *book) used(c credits.Cap) (used credits.Amount) {
	for ref, h := range b.holds {
		if ref.Account != c.Account || !c.Counts(h.Operation, h.Scope) || h.CreatedAt.Before(c.Start(b.now)) {
			continue
		}
		switch h.State {
		case credits.Open:
			used += h.Amount
		case credits.Settled:
			used += b.receipts[ref].Charged - h.Refunded
		}
	}
	return used
}

func (b *book) load(s *credits.State, ref credits.Ref) {
	h, held := b.holds[ref]
	if !held {
		if e, ok := b.keyed(ref); ok {
			s.LoadEntry(e)
		}
		return
	}
	s.LoadHold(h, b.attempts[ref])
	if h.State == credits.Settled {
		s.LoadReceipt(ref.Account, b.receipts[ref])
	}
	for _, l := range h.Lots {
		if bucket, ok := b.buckets[credits.BucketRef{Account: ref.Account, Number: l.Bucket}]; ok {
			s.LoadBucket(bucket)
		}
	}
}

// keyed finds the entry whose key is answered again.
func (b *book) keyed(ref credits.Ref) (credits.Entry, bool) {
	for _, e := range b.entries[ref.Account] {
		switch e.Kind {
		case credits.EntryGrant, credits.EntryRenew, credits.EntryAdjust, credits.EntryRefund:
			if e.Key == ref.Key {
				return e, true
			}
		}
	}
	return credits.Entry{}, false
}

func (b *book) loadExpired(s *credits.State, account credits.Account) {
	for ref, h := range b.holds {
		if ref.Account == account && h.State == credits.Open && !h.ExpiresAt.After(b.now) {
			s.LoadHold(h, nil)
		}
	}
}

func (b *book) save(c *credits.Changes) {
	for name, a := range c.Accounts {
		b.accounts[name] = *a
	}
	for ref, bucket := range c.Buckets {
		b.buckets[ref] = *bucket
	}
	for ref, h := range c.Holds {
		b.holds[ref] = *h
	}
	for _, row := range c.Attempts {
		a, ref := row.Attempt, credits.Ref{Account: row.Account, Key: row.Key}
		list := slices.Clone(b.attempts[ref])
		if i := slices.IndexFunc(list, func(known credits.Attempt) bool { return known.ID == a.ID }); i >= 0 {
			list[i] = *a
		} else {
			list = append(list, *a)
		}
		b.attempts[ref] = list
	}
	for _, e := range c.Entries {
		b.entries[e.Account] = append(b.entries[e.Account], e)
	}
	for _, r := range c.Receipts {
		b.receipts[credits.Ref{Account: r.Record.Account, Key: r.Key}] = *r
	}
	for ref, c := range c.Caps {
		if c == nil {
			delete(b.caps, ref)
		} else {
			b.caps[ref] = *c
		}
	}
	for _, t := range c.Totals {
		b.addTotal(*t)
	}
	b.events = append(b.events, c.Events...)
}

func (b *book) addTotal(t credits.UsageTotal) {
	for i := range b.totals {
		if known := &b.totals[i]; known.Account == t.Account && known.Scoped == t.Scoped && known.Scope == t.Scope && known.Slot.Equal(t.Slot) &&
			known.Operation == t.Operation && known.Provider == t.Provider && known.Model == t.Model {
			known.Add(&t)
			return
		}
	}
	b.totals = append(b.totals, t)
}

// copy returns a book that shares nothing that is written to.
func (b *book) copy() *book {
	c := newBook()
	c.now = b.now
	fill(c.accounts, b.accounts)
	fill(c.buckets, b.buckets)
	fill(c.holds, b.holds)
	fill(c.attempts, b.attempts)
	fill(c.receipts, b.receipts)
	fill(c.caps, b.caps)
	for a, list := range b.entries {
		c.entries[a] = slices.Clone(list)
	}
	c.totals, c.events = slices.Clone(b.totals), slices.Clone(b.events)
	return c
}

func fill[K comparable, V any](to, from map[K]V) {
	for k, v := range from {
		to[k] = v
	}
}

// diff says where two books differ.
func (b *book) diff(c *book) string {
	return differ(
		[]any{b.accounts, b.buckets, b.holds, b.attempts, b.receipts, b.entries, b.caps, b.totals, b.events},
		[]any{c.accounts, c.buckets, c.holds, c.attempts, c.receipts, c.entries, c.caps, c.totals, c.events})
}

// differ is cmp.Diff for values that are hardly ever different.
func differ(x, y any) string {
	if reflect.DeepEqual(x, y) {
		return ""
	}
	return cmp.Diff(x, y)
}

// expire closes an account's holds and buckets whose time has come, as every decision does first, by a mutation that comes
// to nothing else.
func (b *book) expire(account credits.Account) {
	_, errs := b.apply(credits.FinishRequest{Account: account, Key: "nobody's", Attempt: ended("none")})
	if !errors.Is(errs[0], credits.ErrNotFound) {
		panic(errs[0])
	}
}

// rows returns an account as a store feeds it to an audit.
func (b *book) rows(account credits.Account) rows {
	r := rows{account: b.accounts[account]}
	for _, e := range b.entries[account] {
		ref := credits.Ref{Account: account, Key: e.Key}
		line := credits.Line{Entry: e}
		if bucket, ok := b.buckets[credits.BucketRef{Account: account, Number: e.Number}]; ok {
			line.Bucket = &bucket
		}
		if e.Kind == credits.EntrySettle {
			if h, ok := b.holds[ref]; ok {
				line.Hold = &h
			}
			if receipt, ok := b.receipts[ref]; ok {
				line.Receipt, line.Record = &receipt, &receipt.Record
				for _, a := range b.attempts[ref] {
					if a.ID == receipt.Record.Attempt {
						line.Winner = &a
					}
				}
			}
		}
		line.Entry.Lots = slices.Clone(e.Lots)
		r.lines = append(r.lines, line)
	}
	for ref, h := range b.holds {
		if ref.Account == account {
			h.Lots = slices.Clone(h.Lots)
			r.holds = append(r.holds, h)
		}
	}
	slices.SortFunc(r.holds, func(a, b credits.Hold) int { return strings.Compare(string(a.Key), string(b.Key)) })
	for ref, bucket := range b.buckets {
		if ref.Account == account {
			r.buckets = append(r.buckets, bucket)
		}
	}
	slices.SortFunc(r.buckets, func(a, b credits.Bucket) int { return int(a.Number - b.Number) })
	for ref := range b.receipts {
		if ref.Account == account {
			r.receipts++
		}
	}
	r.records = r.receipts
	for ref, c := range b.caps {
		if ref.Account == account {
			r.caps = append(r.caps, c)
		}
	}
	slices.SortFunc(r.caps, func(a, b credits.CapRow) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range b.totals {
		if t.Account == account {
			r.totals = append(r.totals, t)
		}
	}
	return r
}

func (b *book) audit(account credits.Account) credits.Report { return b.rows(account).audit() }

// rows is an account as a store would feed it to an audit, for a test to break.
type rows struct {
	account           credits.AccountRow
	lines             []credits.Line
	holds             []credits.Hold
	buckets           []credits.Bucket
	records, receipts int64
	caps              []credits.CapRow
	totals            []credits.UsageTotal
}

func (r rows) audit() credits.Report {
	a := credits.NewAudit(r.account)
	for _, c := range r.caps {
		a.Cap(c)
	}
	for _, l := range r.lines {
		a.Line(l)
	}
	for _, h := range r.holds {
		a.Hold(h)
	}
	for _, b := range r.buckets {
		a.Bucket(b)
	}
	for _, t := range r.totals {
		a.Total(t)
	}
	a.Counts(r.records, r.receipts)
	return a.Report()
}

// read loads what a store must load to say what an account has.
func (b *book) read(account credits.Account) *credits.State {
	s := credits.NewState()
	b.loadAccount(s, account)
	b.loadExpired(s, account)
	return s
}

// balance is the account's balance as a store reads it.
func (b *book) balance(account credits.Account) credits.Balance {
	return b.read(account).Balance(account, b.now)
}

// left is the account's buckets as a store reads them.
func (b *book) left(account credits.Account) []credits.Bucket {
	return b.read(account).Buckets(account, b.now)
}

// uses is the account's caps as a store reads them.
func (b *book) uses(account credits.Account) []credits.CapUse {
	return b.read(account).Caps(account, b.now)
}

// usage answers a query as a store does: with the totals of whole slots, and the records of those that the query cuts.
func (b *book) usage(q credits.UsageQuery) ([]credits.UsageRow, error) {
	p, err := q.Plan()
	if err != nil {
		return nil, err
	}
	var totals []credits.UsageTotal
	for _, t := range b.totals {
		if t.Scoped == p.Scoped && (q.AllAccounts || t.Account == q.Account) && (q.Scope == "" || t.Scope == q.Scope) && p.Slots.Contains(t.Slot) {
			totals = append(totals, t)
		}
	}
	var records []credits.UsageRecord
	for _, edge := range p.Edges {
		for _, r := range b.records() {
			if (q.AllAccounts || r.Account == q.Account) && (q.Scope == "" || r.Scope == q.Scope) && edge.Contains(r.At) {
				records = append(records, r)
			}
		}
	}
	return p.Rows(each(totals...), each(records...))
}

// records is the usage records of all accounts, with what was refunded since.
func (b *book) records() (out []credits.UsageRecord) {
	for ref, receipt := range b.receipts {
		r := receipt.Record
		r.Refunded = b.holds[ref].Refunded
		out = append(out, r)
	}
	return out
}

// each yields values as a store that can be read does.
func each[T any](values ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// The account, the key and the holder of the tests that need only one.
const (
	acme = credits.Account("acme")
	key  = credits.Key("k")
)

var (
	me    = credits.Holder{ID: "me", Fence: 1, Lease: 10 * time.Second}
	other = credits.Holder{ID: "other", Fence: 1, Lease: 10 * time.Second}
	newer = credits.Holder{ID: "newer", Fence: 2, Lease: 10 * time.Second}
)

// ledger is a book of one account in a test that reads like a story.
type ledger struct {
	*testing.T
	*book
}

// opened returns a ledger whose account was granted an amount.
func opened(t *testing.T, amount credits.Amount) *ledger {
	t.Helper()
	l := &ledger{t, newBook()}
	if amount > 0 {
		l.must(credits.Grant{Account: acme, Key: "grant", Kind: credits.Purchase, Amount: amount})
	}
	return l
}

func (l *ledger) try(op credits.Op) (credits.Outcome, error) {
	outs, errs := l.book.apply(op)
	return outs[0], errs[0]
}

func (l *ledger) must(op credits.Op) credits.Outcome {
	l.Helper()
	out, err := l.try(op)
	if err != nil {
		l.Fatalf("Apply(%s) = %v, want no error", describe(op), err)
	}
	return out
}

// refused checks that a mutation is refused with an error and leaves everything as it is. A refusal by a cap is told, if
// it is the first in the cap's window, and nothing else happens.
func (l *ledger) refused(op credits.Op, want error) error {
	l.Helper()
	before := l.book.copy()
	_, err := l.try(op)
	wantError(l.T, err, want)
	var cause *credits.CapError
	if errors.As(err, &cause) {
		before.tellOf(cause, op.Ref().Key)
	}
	if d := before.diff(l.book); d != "" {
		l.Errorf("Apply(%s) was refused, but changed:\n%s", describe(op), d)
	}
	return err
}

// tellOf writes down that a cap refused something, once in its window.
func (b *book) tellOf(e *credits.CapError, k credits.Key) {
	ref := credits.CapRef{Account: e.Account, Name: e.Cap}
	row, account := b.caps[ref], b.accounts[e.Account]
	if row.Reached {
		return
	}
	row.Reached = true
	account.Events++
	b.caps[ref], b.accounts[e.Account] = row, account
	b.events = append(b.events, credits.Event{Account: e.Account, Number: account.Events, Kind: credits.CapReached, Key: k, Cap: e.Cap,
		Amount: row.Limit, Now: row.Used, At: b.now})
}

func (l *ledger) pass(d time.Duration) { l.now = l.now.Add(d) }

func (l *ledger) wantBalance(posted, held credits.Amount) {
	l.Helper()
	want := credits.Balance{Posted: posted, Held: held, Available: posted - held}
	if got := l.balance(acme); got != want {
		l.Errorf("balance is %+v, want %+v", got, want)
	}
	if r := l.audit(acme); !r.OK() {
		l.Errorf("the audit finds %+v", r.Problems)
	}
}

// wantDebt checks what the account owes.
func (l *ledger) wantDebt(want credits.Amount) {
	l.Helper()
	if got := l.accounts[acme].Debt; got != want {
		l.Errorf("the debt is %d, want %d", got, want)
	}
}

// wantLeft checks what is left now, in burn order: "key remaining" or "key remaining/pinned", separated by spaces.
func (l *ledger) wantLeft(want string) {
	l.Helper()
	var got []string
	for _, b := range l.left(acme) {
		text := fmt.Sprintf("%s %d", b.Key, b.Remaining())
		if b.Pinned > 0 {
			text += fmt.Sprintf("/%d", b.Pinned)
		}
		got = append(got, text)
	}
	if text := strings.Join(got, ", "); text != want {
		l.Errorf("left is %q, want %q", text, want)
	}
}

// wantLines checks the entries from the given number on: "kind amount [bucket:amount …]", separated by semicolons.
func (l *ledger) wantLines(from int, want string) {
	l.Helper()
	var got []string
	for _, e := range l.entries[acme][from-1:] {
		text := fmt.Sprintf("%s %d", e.Kind, e.Amount)
		for _, lot := range e.Lots {
			text += fmt.Sprintf(" %d:%d", lot.Bucket, lot.Amount)
		}
		got = append(got, text)
	}
	if text := strings.Join(got, "; "); text != want {
		l.Errorf("entries from %d on are %q, want %q", from, text, want)
	}
}

func (l *ledger) wantState(want credits.HoldState) {
	l.Helper()
	if got := l.holds[credits.Ref{Account: acme, Key: key}].State; got != want {
		l.Errorf("the hold is %q, want %q", got, want)
	}
}

func describe(op credits.Op) string { return fmt.Sprintf("%T of key %q", op, op.Ref().Key) }

// The mutations of the tests: by me, of the one key.
func hold(amount credits.Amount, by credits.Holder) credits.HoldRequest {
	return credits.HoldRequest{Account: acme, Key: key, Operation: "write", Scope: "run-1", Amount: amount,
		Fingerprint: [32]byte{1}, Holder: by, Pinned: []byte("pin of " + by.ID), TTL: time.Minute}
}

func extend(total credits.Amount, by credits.Holder) credits.ExtendRequest {
	return credits.ExtendRequest{Account: acme, Key: key, Holder: by, Total: total}
}

func settle(amount credits.Amount) credits.SettleRequest {
	return credits.SettleRequest{Account: acme, Key: key, Amount: amount, Result: []byte("result")}
}

func release(by credits.Holder) credits.ReleaseRequest {
	return credits.ReleaseRequest{Account: acme, Key: key, Holder: by}
}

func begin(id string, by credits.Holder) credits.BeginRequest {
	return credits.BeginRequest{Account: acme, Key: key, Holder: by, Attempt: credits.Attempt{ID: id, Provider: "p", Model: "m"}}
}

func finish(id string) credits.FinishRequest {
	return credits.FinishRequest{Account: acme, Key: key, Attempt: ended(id)}
}

func ended(id string) credits.Attempt { return credits.Attempt{ID: id, Fate: "executed"} }

// named is the request under another key.
func named[T credits.Op](op T, k credits.Key) T {
	switch r := any(&op).(type) {
	case *credits.HoldRequest:
		r.Key = k
	case *credits.SettleRequest:
		r.Key = k
	case *credits.ReleaseRequest:
		r.Key = k
	case *credits.ExtendRequest:
		r.Key = k
	case *credits.Charge:
		r.Key = k
	case *credits.Refund:
		r.Key = k
	}
	return op
}

func granted(k credits.Key, amount credits.Amount, more ...func(*credits.Grant)) credits.Grant {
	g := credits.Grant{Account: acme, Key: k, Kind: credits.Purchase, Amount: amount}
	for _, f := range more {
		f(&g)
	}
	return g
}

func priority(n int) func(*credits.Grant) { return func(g *credits.Grant) { g.Priority = n } }

// expiring lets a grant expire so long after the start.
func expiring(after time.Duration) func(*credits.Grant) {
	return func(g *credits.Grant) { g.ExpiresAt = start.Add(after) }
}

func ofKind(k credits.GrantKind) func(*credits.Grant) {
	return func(g *credits.Grant) { g.Kind = k }
}

func renewing(g *credits.Grant) { g.Kind, g.Renew = credits.Plan, true }

func adjust(k credits.Key, amount credits.Amount) credits.Adjust {
	return credits.Adjust{Account: acme, Key: k, Amount: amount, Who: "ann", Why: "a mistake"}
}

// refund is of the one key.
func refund(k credits.Key, amount credits.Amount) credits.Refund {
	return credits.Refund{Account: acme, Key: k, Charge: key, Amount: amount, Who: "ann", Why: "it was bad"}
}

func charge(amount credits.Amount) credits.Charge {
	return credits.Charge{Account: acme, Key: key, Operation: "write", Scope: "run-1", Amount: amount, Fingerprint: [32]byte{1}, Result: []byte("result")}
}

// capped is a cap of everything, for a day of UTC unless it says otherwise.
func capped(name string, limit credits.Amount, more ...func(*credits.Cap)) credits.Cap {
	c := credits.Cap{Account: acme, Name: name, Window: credits.PerDay, Limit: limit}
	for _, f := range more {
		f(&c)
	}
	return c
}

func per(w credits.Window) func(*credits.Cap) { return func(c *credits.Cap) { c.Window = w } }

func warning(at credits.Amount) func(*credits.Cap) { return func(c *credits.Cap) { c.WarnAt = at } }

func ofScope(scope string) func(*credits.Cap) { return func(c *credits.Cap) { c.Scope = scope } }

func ofOperation(operation string) func(*credits.Cap) {
	return func(c *credits.Cap) { c.Operation = operation }
}

func inZone(zone string) func(*credits.Cap) { return func(c *credits.Cap) { c.Zone = zone } }

func alert(below credits.Amount) credits.Alert { return credits.Alert{Account: acme, Below: below} }

// wantUsed checks what the account's caps count now: "name used", separated by commas.
func (l *ledger) wantUsed(want string) {
	l.Helper()
	var got []string
	for _, c := range l.uses(acme) {
		got = append(got, fmt.Sprintf("%s %d", c.Name, c.Used))
	}
	if text := strings.Join(got, ", "); text != want {
		l.Errorf("the caps count %q, want %q", text, want)
	}
	if r := l.audit(acme); !r.OK() {
		l.Errorf("the audit finds %+v", r.Problems)
	}
}

// wantEvents checks all events: "kind [cap] amount/now [key]", separated by semicolons.
func (l *ledger) wantEvents(want string) {
	l.Helper()
	var got []string
	for i, e := range l.events {
		if e.Number != int64(i+1) || e.Account != acme || l.accounts[acme].Events != int64(len(l.events)) {
			l.Errorf("event %d is %+v, and the account has %d", i+1, e, l.accounts[acme].Events)
		}
		text := string(e.Kind)
		if e.Cap != "" {
			text += " " + e.Cap
		}
		text += fmt.Sprintf(" %d/%d", e.Amount, e.Now)
		if e.Key != "" {
			text += " " + string(e.Key)
		}
		got = append(got, text)
	}
	if text := strings.Join(got, "; "); text != want {
		l.Errorf("the events are %q, want %q", text, want)
	}
}
