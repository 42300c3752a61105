package ledgerproof_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
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
		Exact: decimal.New(o.Amount, -1), Cost: decimal.New(o.ID%100_000, -7), PriceVersion: 3, Shadow: shadows[o.ID%int64(len(shadows))]}
}

// shadows are of every form that there is.
var shadows = []credits.Shadow{{}, {Version: 4}, {Version: 4, Credits: 5, Reason: "ratio"}, {Version: 4, Reason: credits.ShadowMissing}, {Version: 5, Credits: 6, Reason: "ratio+minimum"}}

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
