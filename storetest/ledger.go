package storetest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// RunLedger checks a [credits.Ledger] against its contract. open returns an empty ledger that takes the time from now;
// it is called once for each case.
func RunLedger(t *testing.T, open func(t *testing.T, now func() time.Time) credits.Ledger) {
	for _, c := range ledgerCases() {
		t.Run(c.name, func(t *testing.T) {
			clk := newClock()
			c.do(&ledgerTest{tb: t, Ledger: open(t, clk.now), clock: clk}, (*ledgerTest).audit)
		})
	}
}

func ledgerCases() []testCase[*ledgerTest] {
	return slices.Concat(ledgerGrantCases, ledgerHoldCases, ledgerTakeoverCases, ledgerExpiryCases, ledgerExtendCases,
		ledgerSettleCases, ledgerLateCases, ledgerReleaseCases, ledgerBucketCases, ledgerChargeCases, ledgerRefundCases,
		ledgerCapCases, ledgerEventCases, ledgerUsageCases, ledgerShadowCases, ledgerAttemptCases, ledgerReadCases, ledgerRefusalCases, ledgerRaceCases)
}

// ledgerTest is a case under way. Unless it says otherwise, a case works on account alice, which has nothing yet.
type ledgerTest struct {
	tb
	credits.Ledger
	clock  *clock
	grants int
}

const (
	alice credits.Account = "alice"
	bob   credits.Account = "bob"
)

// The holders of most cases. The lease is a minute; holds live for an hour.
var (
	first  = credits.Holder{ID: "first", Fence: 1, Lease: time.Minute}
	equal  = credits.Holder{ID: "equal", Fence: 1, Lease: time.Minute}
	higher = credits.Holder{ID: "higher", Fence: 2, Lease: time.Minute}
)

const ttl = time.Hour

// grant adds credits to alice under a key of its own.
func (t *ledgerTest) grant(amount credits.Amount) credits.Entry {
	t.Helper()
	t.grants++
	key := credits.Key(fmt.Sprintf("grant/%d", t.grants))
	e, err := t.Grant(t.Context(), credits.Grant{Account: alice, Key: key, Kind: credits.Purchase, Amount: amount})
	must(t, err, fmt.Sprintf("Grant(%q, %d)", key, amount))
	return e
}

// request asks for a hold of alice's by the first holder. The fingerprint is the key's, so that a key is one request.
func request(key credits.Key, amount credits.Amount) credits.HoldRequest {
	return credits.HoldRequest{Account: alice, Key: key, Operation: "writing", Scope: "run-1", Amount: amount,
		Fingerprint: sha256.Sum256([]byte(key)), Holder: first, Pinned: []byte("pin of " + key), TTL: ttl}
}

// by returns the request as another holder would make it, with another pin.
func by(r credits.HoldRequest, h credits.Holder) credits.HoldRequest {
	r.Holder, r.Pinned = h, []byte("pin of "+h.ID)
	return r
}

// hold takes a hold, which must succeed.
func (t *ledgerTest) hold(r credits.HoldRequest) credits.Hold {
	t.Helper()
	held, err := t.Hold(t.Context(), r)
	must(t, err, fmt.Sprintf("Hold(%q, %d) by %q", r.Key, r.Amount, r.Holder.ID))
	if held.Hold == nil || held.Receipt != nil {
		t.Fatalf("Hold(%q) = %+v, want a hold and nothing else", r.Key, held)
	}
	return *held.Hold
}

// settle charges a key of alice's, which must succeed.
func (t *ledgerTest) settle(key credits.Key, amount credits.Amount) credits.Receipt {
	t.Helper()
	receipt, err := t.Settle(t.Context(), credits.SettleRequest{Account: alice, Key: key, Amount: amount})
	must(t, err, fmt.Sprintf("Settle(%q, %d)", key, amount))
	return receipt
}

// release gives a key of alice's back, which must succeed.
func (t *ledgerTest) release(key credits.Key, h credits.Holder) {
	t.Helper()
	must(t, t.Release(t.Context(), credits.ReleaseRequest{Account: alice, Key: key, Holder: h}), fmt.Sprintf("Release(%q)", key))
}

// wantBalance checks what alice has.
func (t *ledgerTest) wantBalance(posted, held credits.Amount) {
	t.Helper()
	got, err := t.Balance(t.Context(), alice)
	must(t, err, "Balance")
	if want := (credits.Balance{Posted: posted, Held: held, Available: posted - held}); got != want {
		t.Errorf("Balance = %+v, want %+v", got, want)
	}
}

// state returns what the ledger knows of a key of alice's; Settled if there is a receipt.
func (t *ledgerTest) state(key credits.Key) credits.HoldState {
	t.Helper()
	held, err := t.Lookup(t.Context(), alice, key)
	must(t, err, fmt.Sprintf("Lookup(%q)", key))
	switch {
	case held.Receipt != nil && held.Hold == nil:
		return credits.Settled
	case held.Hold != nil && held.Receipt == nil:
		return held.Hold.State
	}
	t.Fatalf("Lookup(%q) = %+v, want exactly one of hold and receipt", key, held)
	return ""
}

func (t *ledgerTest) wantState(key credits.Key, want credits.HoldState) {
	t.Helper()
	if got := t.state(key); got != want {
		t.Errorf("Lookup(%q) is %s, want %s", key, got, want)
	}
}

func (t *ledgerTest) entries(account credits.Account) []credits.Entry {
	t.Helper()
	return collect(t, t.Entries(t.Context(), credits.EntryQuery{Account: account}), "Entries")
}

func (t *ledgerTest) attempts(q credits.AttemptQuery) []credits.Attempt {
	t.Helper()
	return collect(t, t.Attempts(t.Context(), q), "Attempts")
}

func (t *ledgerTest) records() []credits.UsageRecord {
	t.Helper()
	return collect(t, t.Records(t.Context(), credits.UsageQuery{Account: alice}), "Records")
}

// wantEntries checks how many entries alice has: whether something was charged or granted twice, or not at all.
func (t *ledgerTest) wantEntries(want int) {
	t.Helper()
	if got := t.entries(alice); len(got) != want {
		t.Errorf("Entries yields %d: %+v, want %d", len(got), got, want)
	}
}

func collect[T any](t tb, seq func(func(T, error) bool), what string) []T {
	t.Helper()
	var out []T
	for row, err := range seq {
		must(t, err, what)
		out = append(out, row)
	}
	return out
}

// audit is run after every case: whatever happened, the books are right. It does not leave that to Verify alone, which
// is under test as well.
func (t *ledgerTest) audit() {
	t.Helper()
	for _, account := range []credits.Account{alice, bob} {
		report, err := t.Verify(t.Context(), account)
		must(t, err, fmt.Sprintf("Verify(%q)", account))
		for _, p := range report.Problems {
			t.Errorf("Verify(%q) found in %s: %s", account, p.Row, p.Rule)
		}
		balance, err := t.Balance(t.Context(), account)
		must(t, err, fmt.Sprintf("Balance(%q)", account))
		if balance.Available != balance.Posted-balance.Held {
			t.Errorf("Balance(%q) = %+v, want Available to be Posted − Held", account, balance)
		}
		var left, pinned credits.Amount
		buckets, err := t.Buckets(t.Context(), account)
		must(t, err, fmt.Sprintf("Buckets(%q)", account))
		for _, b := range buckets {
			if b.Pinned < 0 || b.Remaining() < b.Pinned || b.Remaining() > b.Amount || b.Remaining() == 0 {
				t.Errorf("bucket %+v has %d left", b, b.Remaining())
			}
			left += b.Remaining()
			pinned += b.Pinned
		}
		// Who is in debt has nothing that is free.
		if pinned != balance.Held || left-pinned != max(balance.Available, 0) {
			t.Errorf("Buckets(%q) have %d left and %d pinned, Balance says %+v", account, left, pinned, balance)
		}
		var posted credits.Amount
		entries := t.entries(account)
		for i, e := range entries {
			posted += e.Amount
			if e.Number != int64(i)+1 || e.BalanceAfter != posted || e.Account != account {
				t.Errorf("entry %d = %+v, want account %q, number %d and balance_after %d", i, e, account, i+1, posted)
			}
		}
		if posted != report.Posted || report.Entries != int64(len(entries)) {
			t.Errorf("%d entries of %q add up to %d, Verify says %d and saw %d entries", len(entries), account, posted, report.Posted, report.Entries)
		}
		if len(entries) > 0 && report.Head != fmt.Sprintf("%x", entries[len(entries)-1].Hash) {
			t.Errorf("Verify(%q).Head = %s, want the hash of the last entry", account, report.Head)
		}
		if posted != balance.Posted {
			t.decides(account, balance)
		}
	}
}

// decides checks that what has expired at reading has expired in the next decision as well. A grant of one credit brings
// that about.
func (t *ledgerTest) decides(account credits.Account, read credits.Balance) {
	t.Helper()
	_, err := t.Grant(t.Context(), credits.Grant{Account: account, Key: "the audit's", Kind: credits.Bonus, Amount: 1})
	must(t, err, "Grant")
	report, err := t.Verify(t.Context(), account)
	must(t, err, "Verify")
	if !report.OK() || report.Posted != read.Posted+1 || report.Held != read.Held {
		t.Errorf("Balance(%q) = %+v before another credit was granted, which leaves %+v", account, read, report)
	}
}
