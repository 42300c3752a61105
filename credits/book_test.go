package credits_test

import (
	"fmt"
	"reflect"
	"slices"
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
	grants   map[credits.Ref]credits.GrantRow
	holds    map[credits.Ref]credits.Hold
	attempts map[credits.Ref][]credits.Attempt
	receipts map[credits.Ref]credits.Receipt
	entries  map[credits.Account][]credits.Entry
}

func newBook() *book {
	return &book{now: start, accounts: map[credits.Account]credits.AccountRow{}, grants: map[credits.Ref]credits.GrantRow{},
		holds: map[credits.Ref]credits.Hold{}, attempts: map[credits.Ref][]credits.Attempt{},
		receipts: map[credits.Ref]credits.Receipt{}, entries: map[credits.Account][]credits.Entry{}}
}

// apply makes one transaction of the mutations.
func (b *book) apply(ops ...credits.Op) (outs []credits.Outcome, errs []error) {
	s := credits.NewState()
	for _, op := range ops {
		b.load(s, op.Ref())
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

func (b *book) load(s *credits.State, ref credits.Ref) {
	if a, ok := b.accounts[ref.Account]; ok {
		s.LoadAccount(a)
	}
	if g, ok := b.grants[ref]; ok {
		s.LoadGrant(g)
	}
	if h, ok := b.holds[ref]; ok {
		s.LoadHold(h, b.attempts[ref])
		if h.State == credits.Settled {
			s.LoadReceipt(ref.Account, b.receipts[ref])
		}
	}
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
	for _, g := range c.Grants {
		b.grants[g.Ref()] = *g
	}
	for ref, h := range c.Holds {
		b.holds[ref] = *h
	}
	for ref, a := range c.Attempts {
		list := slices.Clone(b.attempts[ref.Ref])
		if i := slices.IndexFunc(list, func(known credits.Attempt) bool { return known.ID == a.ID }); i >= 0 {
			list[i] = *a
		} else {
			list = append(list, *a)
		}
		// A store yields them oldest first; a transaction's own come in the order of a map.
		slices.SortStableFunc(list, func(a, b credits.Attempt) int { return a.BegunAt.Compare(b.BegunAt) })
		b.attempts[ref.Ref] = list
	}
	for _, e := range c.Entries {
		b.entries[e.Account] = append(b.entries[e.Account], e)
	}
	for _, r := range c.Receipts {
		b.receipts[credits.Ref{Account: r.Record.Account, Key: r.Key}] = *r
	}
}

// copy returns a book that shares nothing that is written to.
func (b *book) copy() *book {
	c := newBook()
	c.now = b.now
	fill(c.accounts, b.accounts)
	fill(c.grants, b.grants)
	fill(c.holds, b.holds)
	fill(c.attempts, b.attempts)
	fill(c.receipts, b.receipts)
	for a, list := range b.entries {
		c.entries[a] = slices.Clone(list)
	}
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
		[]any{b.accounts, b.grants, b.holds, b.attempts, b.receipts, b.entries},
		[]any{c.accounts, c.grants, c.holds, c.attempts, c.receipts, c.entries})
}

// differ is cmp.Diff for values that are hardly ever different.
func differ(x, y any) string {
	if reflect.DeepEqual(x, y) {
		return ""
	}
	return cmp.Diff(x, y)
}

// expire closes an account's holds whose time has come, as every decision does first.
func (b *book) expire(account credits.Account) {
	for ref, h := range b.holds {
		if ref.Account != account || h.State != credits.Open || h.ExpiresAt.After(b.now) {
			continue
		}
		h.State = credits.Expired
		b.holds[ref] = h
		row := b.accounts[account]
		row.Held -= h.Amount
		b.accounts[account] = row
	}
}

// lines feeds an account to an audit as a store does.
func (b *book) lines(account credits.Account) (lines []credits.Line, holds []credits.Hold, grants, receipts int64) {
	for _, e := range b.entries[account] {
		ref := credits.Ref{Account: account, Key: e.Key}
		line := credits.Line{Entry: e}
		if g, ok := b.grants[ref]; ok {
			line.Grant = &g
		}
		if h, ok := b.holds[ref]; ok {
			line.Hold = &h
		}
		if r, ok := b.receipts[ref]; ok && r.Entry == e.Number {
			line.Receipt, line.Record = true, &r.Record
			for _, a := range b.attempts[ref] {
				if a.ID == r.Record.Attempt {
					line.Winner = &a
				}
			}
		}
		lines = append(lines, line)
	}
	for ref, h := range b.holds {
		if ref.Account == account {
			holds = append(holds, h)
		}
	}
	for ref := range b.grants {
		if ref.Account == account {
			grants++
		}
	}
	for ref := range b.receipts {
		if ref.Account == account {
			receipts++
		}
	}
	return lines, holds, grants, receipts
}

func (b *book) audit(account credits.Account) credits.Report {
	lines, holds, grants, receipts := b.lines(account)
	audit := credits.NewAudit(b.accounts[account])
	for _, l := range lines {
		audit.Line(l)
	}
	for _, h := range holds {
		audit.Hold(h)
	}
	audit.Counts(grants, receipts, receipts)
	return audit.Report()
}

// balance is the account's balance as a store reads it.
func (b *book) balance(account credits.Account) credits.Balance {
	var expired credits.Amount
	for ref, h := range b.holds {
		if ref.Account == account && h.State == credits.Open && !h.ExpiresAt.After(b.now) {
			expired += h.Amount
		}
	}
	return b.accounts[account].Balance(expired)
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

// refused checks that a mutation is refused with an error and leaves everything as it is.
func (l *ledger) refused(op credits.Op, want error) error {
	l.Helper()
	before := l.book.copy()
	_, err := l.try(op)
	wantError(l.T, err, want)
	if d := before.diff(l.book); d != "" {
		l.Errorf("Apply(%s) was refused, but changed:\n%s", describe(op), d)
	}
	return err
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
