package ledgerproof_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// kind is what an op does.
type kind string

const (
	grant     kind = "grant"
	renew     kind = "renew" // a grant of plan credits that ends those before
	adjust    kind = "adjust"
	charge    kind = "charge"
	refund    kind = "refund"
	hold      kind = "hold"
	extend    kind = "extend"
	settle    kind = "settle"
	release   kind = "release"
	begin     kind = "begin"
	finish    kind = "finish"
	setCap    kind = "set cap"
	removeCap kind = "remove cap"
	lookup    kind = "lookup"
	balance   kind = "balance"
	buckets   kind = "buckets"   // of which anything remains
	caps      kind = "caps"      // with what they count
	statement kind = "statement" // all entries of the account
	attempts  kind = "attempts"  // all attempts of the key
	advance   kind = "advance"   // not a call: the clock goes on by Lease
	reopen    kind = "reopen"    // not a call: the database was opened again, and the leases of its earlier owner are over
)

// op is a call as data, in numbers that are cheap to compare and to send.
type op struct {
	Kind    kind          `json:"kind"`
	ID      int64         `json:"id"` // what it pins, or the number of its result
	Account int           `json:"account,omitempty"`
	Key     int64         `json:"key,omitempty"`
	Charge  int64         `json:"charge,omitempty"` // the key that a refund is of
	Amount  int64         `json:"amount,omitempty"` // credits; of a cap, its limit
	Terms   terms         `json:"terms,omitzero"`   // of a grant
	Op      operation     `json:"op,omitempty"`     // of a hold or a charge
	Print   int           `json:"print,omitempty"`  // which request it is, for the fingerprint
	Holder  int           `json:"holder,omitempty"`
	Fence   int64         `json:"fence,omitempty"`
	Lease   time.Duration `json:"lease,omitempty"`
	TTL     time.Duration `json:"ttl,omitempty"`
	Attempt int           `json:"attempt,omitempty"` // 1 to maxAttempts: the first, the last, or the one; 0 is none
	Fate    fate          `json:"fate,omitempty"`
	Cap     int           `json:"cap,omitempty"` // 1 to maxCaps
}

// terms are what a grant says of its bucket.
type terms struct {
	Class    class `json:"class,omitempty"`
	Priority int8  `json:"priority,omitempty"`
	Until    int64 `json:"until,omitempty"` // when it expires, in microseconds since epoch; 0 is never
}

// class is the kind of a bucket.
type class int8

const (
	plan class = iota
	purchase
	bonus
	promo
	adjustment
	refunded
)

var classNames = [...]credits.GrantKind{plan: credits.Plan, purchase: credits.Purchase, bonus: credits.Bonus, promo: credits.Promo,
	adjustment: credits.Adjustment, refunded: credits.Refunded}

func (t terms) expiresAt() time.Time {
	if t.Until == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(t.Until) * time.Microsecond)
}

// operation is what credits are held for.
type operation int8

const (
	write operation = iota
	paint
)

var operationNames = [...]string{write: "write", paint: "paint"}

// maxCaps is how many caps an account has at most. The first counts everything, the second what is painted.
const maxCaps = 2

var capNames = [maxCaps]string{"all", "painted"}

func (o op) cap(prefix string) credits.Cap {
	c := credits.Cap{Account: o.account(prefix), Name: capNames[o.Cap-1], Window: credits.Ever, Limit: credits.Amount(o.Amount)}
	if o.Cap == 2 {
		c.Operation = operationNames[paint]
	}
	return c
}

func (o op) writes() bool {
	switch o.Kind {
	case lookup, balance, buckets, caps, statement, attempts, advance, reopen:
		return false
	}
	return true
}

// fate is what became of an attempt.
type fate int8

const (
	absent fate = iota // it was never begun
	open
	unknown
	executed
	rejected
)

var fateNames = [...]string{open: "", unknown: "unknown", executed: "executed", rejected: "rejected"}

// maxAttempts is how many attempts a key has at most.
const maxAttempts = 3

// attempt is what the model knows of one.
type attempt struct {
	Fate   fate  `json:"fate,omitempty"`
	Holder int16 `json:"holder,omitempty"` // who began it
}

// answer is what an op said, in a form that can be compared. Fields that do not belong to the kind of op are zero.
type answer struct {
	Err     string               `json:"err,omitempty"`
	State   credits.HoldState    `json:"state,omitempty"`
	Op      operation            `json:"op,omitempty"`
	Amount  int64                `json:"amount,omitempty"` // held, needed, written off, or expired in all
	Holder  int                  `json:"holder,omitempty"`
	Fence   int64                `json:"fence,omitempty"`
	Print   int                  `json:"print,omitempty"`
	Pin     int64                `json:"pin,omitempty"` // the op that pinned
	Fresh   bool                 `json:"fresh,omitempty"`
	Lease   int64                `json:"lease,omitempty"`   // when it runs out, in microseconds since epoch
	Expires int64                `json:"expires,omitempty"` // as Lease
	Entry   int64                `json:"entry,omitempty"`
	Charged int64                `json:"charged,omitempty"`
	Result  int64                `json:"result,omitempty"` // the op that settled
	Posted  int64                `json:"posted,omitempty"` // of a cap that refused, its limit
	Held    int64                `json:"held,omitempty"`   // of a cap that refused, what it counts
	Cap     int                  `json:"cap,omitempty"`    // that refused
	Caps    [maxCaps]capUse      `json:"caps,omitzero"`
	Lots    [maxLots]lot         `json:"lots,omitzero"`
	Tried   [maxAttempts]attempt `json:"tried,omitzero"`
}

// capUse is a cap and what it counts.
type capUse struct {
	Set   bool  `json:"set,omitempty"`
	Limit int64 `json:"limit,omitempty"`
	Used  int64 `json:"used,omitempty"`
}

// lot is credits of a bucket: of a hold, of an entry, or what remains of it.
type lot struct {
	Bucket int32 `json:"b,omitempty"` // the number of the entry that made it; 0 is debt
	Amount int32 `json:"n,omitempty"`
	Pinned int32 `json:"p,omitempty"` // of what remains
}

// maxLots is how many buckets an answer can name.
const maxLots = maxBuckets + 1

// What an answer's Err may be. Anything else is the text of an error that no ledger should return.
const (
	errInsufficient = "insufficient"
	errCap          = "cap"
	errRefund       = "refund above the charge"
	errInvalid      = "invalid"
	errInProgress   = "in progress"
	errKeyReused    = "key reused"
	errNotFound     = "not found"
	errNotHolder    = "not the holder"
	errClosed       = "closed"
	errSettled      = "settled"
	errContext      = "context"   // the call may have had its effect, or may still have it
	errNoEffect     = "no effect" // the store could not write, and says that nothing happened
	errDoubt        = "doubt"     // the store could not write, and does not say whether something happened
	errPending      = "pending"   // there was no answer: the process died
)

var knownErrors = []struct {
	err  error
	name string
}{
	{credits.ErrKeyReused, errKeyReused},
	{credits.ErrRefund, errRefund},
	{credits.ErrInvalid, errInvalid},
	{credits.ErrNotHolder, errNotHolder},
	{credits.ErrClosed, errClosed},
	{credits.ErrSettled, errSettled},
	{credits.ErrNotFound, errNotFound},
	{context.Canceled, errContext},
	{context.DeadlineExceeded, errContext},
	{sqlite.ErrFull, errNoEffect},
	{sqlite.ErrReadOnly, errNoEffect},
	{sqlite.ErrBusy, errNoEffect},
	{sqlite.ErrIO, errDoubt},
	{postgres.ErrBusy, errNoEffect},
	{postgres.ErrUnavailable, errDoubt},
}

// epoch is where fake clocks begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func accountName(prefix string, account int) credits.Account {
	return credits.Account(prefix + "/" + strconv.Itoa(account))
}

func (o op) account(prefix string) credits.Account { return accountName(prefix, o.Account) }

func keyName(key int64) credits.Key { return credits.Key("k" + strconv.FormatInt(key, 36)) }

// keyNumber is the inverse of keyName, -1 for what is none.
func keyNumber(key credits.Key) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(string(key), "k"), 36, 64)
	if err != nil || keyName(n) != key {
		return -1
	}
	return n
}

func holderName(holder int) string { return "h" + strconv.Itoa(holder) }

func (o op) holder() credits.Holder {
	return credits.Holder{ID: holderName(o.Holder), Fence: o.Fence, Lease: o.Lease}
}

func fingerprint(n int) (sum [32]byte) {
	sum[0], sum[31] = byte(n), 1
	return sum
}

// content is a text of some length that belongs to a number, so that the number tells every byte of it.
func content(id int64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(id))
	x := uint64(id)*2862933555777941757 + 3037000493
	for range x >> 32 % 40 { // up to 320 bytes
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}

// contentID is the inverse of content, -1 for what is none.
func contentID(b []byte) int64 {
	if len(b) < 8 {
		return -1
	}
	id := int64(binary.LittleEndian.Uint64(b))
	if string(content(id)) != string(b) {
		return -1
	}
	return id
}

// attempt is the attempt that the op names, with something in every field that the caller may fill.
func (o op) attempt() credits.Attempt {
	if o.Attempt == 0 {
		return credits.Attempt{}
	}
	a := credits.Attempt{ID: strconv.Itoa(o.Attempt), Provider: "openai", Model: "m" + strconv.Itoa(o.Print), KeyID: "key"}
	if o.Kind == hold || o.Kind == begin {
		return a
	}
	a.Fate, a.RequestID = fateNames[o.Fate], "r"+strconv.FormatInt(o.ID, 36)
	a.Usage = usage.Tokens(o.ID%1000, o.Amount)
	a.Cost = decimal.NewNullDecimal(decimal.New(o.ID%100_000, -7))
	if o.Fate == rejected {
		a.Error, a.JobID = "overloaded", "j"+strconv.FormatInt(o.ID, 36)
		a.Cost = decimal.NullDecimal{}
	}
	return a
}

// call makes the call and returns what the ledger said. Sequences are collected.
func (o op) call(ctx context.Context, l credits.Ledger, prefix string) (any, error) {
	account, key := o.account(prefix), keyName(o.Key)
	switch o.Kind {
	case grant, renew:
		return l.Grant(ctx, credits.Grant{Account: account, Key: key, Kind: classNames[o.Terms.Class], Amount: credits.Amount(o.Amount),
			Priority: int(o.Terms.Priority), ExpiresAt: o.Terms.expiresAt(), Renew: o.Kind == renew, Note: "top-up"})
	case adjust:
		return l.Adjust(ctx, credits.Adjust{Account: account, Key: key, Amount: credits.Amount(o.Amount), Who: who, Why: why})
	case charge:
		return l.Charge(ctx, credits.Charge{Account: account, Key: key, Operation: operationNames[o.Op], Scope: "run", Amount: credits.Amount(o.Amount),
			Fingerprint: fingerprint(o.Print), Record: o.record(""), Result: content(o.ID)})
	case refund:
		return l.Refund(ctx, credits.Refund{Account: account, Key: key, Charge: keyName(o.Charge), Amount: credits.Amount(o.Amount), Who: who, Why: why})
	case hold:
		return l.Hold(ctx, credits.HoldRequest{Account: account, Key: key, Operation: operationNames[o.Op], Scope: "run", Amount: credits.Amount(o.Amount),
			Fingerprint: fingerprint(o.Print), Holder: o.holder(), Pinned: content(o.ID), First: o.attempt(), TTL: o.TTL})
	case extend:
		return l.Extend(ctx, credits.ExtendRequest{Account: account, Key: key, Holder: o.holder(), Total: credits.Amount(o.Amount), TTL: o.TTL})
	case settle:
		last := o.attempt()
		return l.Settle(ctx, credits.SettleRequest{Account: account, Key: key, Amount: credits.Amount(o.Amount), Last: last, Result: content(o.ID),
			Record: o.record(last.ID)})
	case release:
		return nil, l.Release(ctx, credits.ReleaseRequest{Account: account, Key: key, Holder: o.holder(), Last: o.attempt()})
	case begin:
		return nil, l.Begin(ctx, credits.BeginRequest{Account: account, Key: key, Holder: o.holder(), Attempt: o.attempt()})
	case finish:
		return nil, l.Finish(ctx, credits.FinishRequest{Account: account, Key: key, Attempt: o.attempt()})
	case setCap:
		return nil, l.SetCap(ctx, o.cap(prefix))
	case removeCap:
		return nil, l.RemoveCap(ctx, credits.RemoveCap{Account: account, Name: capNames[o.Cap-1]})
	case lookup:
		return l.Lookup(ctx, account, key)
	case balance:
		return l.Balance(ctx, account)
	case buckets:
		return l.Buckets(ctx, account)
	case caps:
		return l.Caps(ctx, account)
	case statement:
		return collect(l.Entries(ctx, credits.EntryQuery{Account: account}))
	case attempts:
		return collect(l.Attempts(ctx, credits.AttemptQuery{Account: account, Key: key}))
	}
	return nil, fmt.Errorf("%q is no call", o.Kind)
}

// who and why are of what is done by hand.
const who, why = "ann", "she said so"

// record is what the op was for, with something in every field that the caller may fill.
func (o op) record(attempt string) credits.UsageRecord {
	return credits.UsageRecord{Provider: "openai", Model: "m", Attempt: attempt, Usage: usage.Tokens(o.ID%1000, o.Amount),
		Exact: decimal.New(o.Amount, -1), Cost: decimal.New(o.ID%100_000, -7), PriceVersion: 3}
}

func collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// do makes the call and returns its answer.
func (o op) do(ctx context.Context, l credits.Ledger, prefix string) answer {
	said, err := o.call(ctx, l, prefix)
	if err != nil {
		return refusal(err)
	}
	switch v := said.(type) {
	case credits.Entry:
		return o.entry(v)
	case credits.Held:
		if v.Receipt != nil {
			return receipt(*v.Receipt)
		}
		return held(*v.Hold)
	case credits.Hold:
		return held(v)
	case credits.Receipt:
		return receipt(v)
	case credits.Balance:
		if v.Available != v.Posted-v.Held {
			return answer{Err: fmt.Sprintf("balance does not add up: %+v", v)}
		}
		return answer{Posted: int64(v.Posted), Held: int64(v.Held)}
	case []credits.Bucket:
		return answer{Lots: remains(v)}
	case []credits.CapUse:
		return inUse(v)
	case []credits.Entry:
		return sum(v)
	case []credits.Attempt:
		return answer{Tried: tried(v)}
	}
	return answer{}
}

func refusal(err error) answer {
	var insufficient *credits.InsufficientError
	var inProgress *credits.InProgressError
	var capped *credits.CapError
	switch {
	case errors.As(err, &insufficient):
		return answer{Err: errInsufficient, Amount: int64(insufficient.Need), Held: int64(insufficient.Held),
			Posted: int64(insufficient.Available + insufficient.Held)}
	case errors.As(err, &inProgress):
		return answer{Err: errInProgress, Holder: holderNumber(inProgress.Holder), Lease: micros(inProgress.Until)}
	case errors.As(err, &capped):
		return answer{Err: errCap, Cap: 1 + slices.Index(capNames[:], capped.Cap), Amount: int64(capped.Need),
			Posted: int64(capped.Limit), Held: int64(capped.Used)}
	}
	for _, known := range knownErrors {
		if errors.Is(err, known.err) {
			return answer{Err: known.name}
		}
	}
	return answer{Err: err.Error()}
}

func micros(t time.Time) int64 { return t.Sub(epoch).Microseconds() }

func holderNumber(name string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "h"))
	if err != nil {
		return -1
	}
	return n
}

// entryKinds are the entries that ops make.
var entryKinds = map[kind]credits.EntryKind{grant: credits.EntryGrant, renew: credits.EntryRenew, adjust: credits.EntryAdjust, refund: credits.EntryRefund,
	settle: credits.EntrySettle, charge: credits.EntrySettle}

func (o op) entry(e credits.Entry) answer {
	want := credits.Entry{Kind: entryKinds[o.Kind], Amount: credits.Amount(o.Amount), Key: keyName(o.Key), Note: why, Who: who}
	switch o.Kind {
	case grant, renew:
		want.Who, want.Note = "", "top-up"
	case refund:
		want.Charge = keyName(o.Charge)
	}
	if e.Kind != want.Kind || e.Amount != want.Amount || e.Key != want.Key || e.Charge != want.Charge || e.Who != want.Who || e.Note != want.Note {
		return answer{Err: fmt.Sprintf("entry of another call: %+v", e)}
	}
	return answer{Entry: e.Number, Posted: int64(e.BalanceAfter), Lots: parts(e.Lots)}
}

// parts are the lots of a hold or an entry, as far as an answer has room for them.
func parts(list []credits.Lot) (out [maxLots]lot) {
	for i, l := range list[:min(len(list), maxLots)] {
		out[i] = lot{Bucket: int32(l.Bucket), Amount: int32(l.Amount)}
	}
	return out
}

func remains(list []credits.Bucket) (out [maxLots]lot) {
	for i, b := range list[:min(len(list), maxLots)] {
		out[i] = lot{int32(b.Number), int32(b.Remaining()), int32(b.Pinned)}
	}
	return out
}

func inUse(list []credits.CapUse) (a answer) {
	for _, c := range list {
		i := slices.Index(capNames[:], c.Name)
		if i < 0 {
			return answer{Err: fmt.Sprintf("a cap that nobody set: %+v", c)}
		}
		a.Caps[i] = capUse{true, int64(c.Limit), int64(c.Used)}
	}
	return a
}

func operationNumber(name string) operation { return operation(slices.Index(operationNames[:], name)) }

// withoutStaleLots is for a defect of all stores: a look-up of a hold that has expired, but that no mutation has written
// as expired yet, still names the buckets that it took from. Once that is mended, delete this and its one call.
func withoutStaleLots(h credits.Hold) credits.Hold {
	if h.State == credits.Expired {
		h.Lots = nil
	}
	return h
}

func held(h credits.Hold) answer {
	h = withoutStaleLots(h)
	return answer{State: h.State, Op: operationNumber(h.Operation), Lots: parts(h.Lots), Amount: int64(h.Amount), Holder: holderNumber(h.Holder.ID), Fence: h.Holder.Fence,
		Print: int(h.Fingerprint[0]), Pin: contentID(h.Pinned), Fresh: h.Fresh, Lease: micros(h.LeaseUntil), Expires: micros(h.ExpiresAt),
		Tried: tried(h.OpenAttempts)}
}

func receipt(r credits.Receipt) answer {
	if r.Record.Entry != r.Entry || r.Record.Charged != r.Charged || r.Record.Key != r.Key {
		return answer{Err: fmt.Sprintf("receipt and record differ: %+v", r)}
	}
	return answer{State: credits.Settled, Op: operationNumber(r.Record.Operation), Print: int(r.Fingerprint[0]), Entry: r.Entry, Charged: int64(r.Charged),
		Amount: int64(r.Record.WrittenOff), Result: contentID(r.Result)}
}

// sum is what a statement comes to.
func sum(entries []credits.Entry) answer {
	var a answer
	for _, e := range entries {
		a.Entry++
		a.Posted += int64(e.Amount)
		if e.Kind == credits.EntryExpired {
			a.Amount -= int64(e.Amount)
		}
		if e.Number != a.Entry || int64(e.BalanceAfter) != a.Posted {
			return answer{Err: fmt.Sprintf("statement does not add up at %+v", e)}
		}
	}
	return a
}

// tried is a set: attempts that were begun at once have no order.
func tried(list []credits.Attempt) (out [maxAttempts]attempt) {
	for _, a := range list {
		n, err := strconv.Atoi(a.ID)
		if err != nil || n < 1 || n > maxAttempts || out[n-1].Fate != absent {
			return [maxAttempts]attempt{{Fate: -1}}
		}
		for f := open; f <= rejected; f++ {
			if fateNames[f] == a.Fate {
				out[n-1] = attempt{Fate: f, Holder: int16(holderNumber(a.Holder))}
			}
		}
	}
	return out
}
