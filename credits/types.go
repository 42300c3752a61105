package credits

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/usage"
)

// Account names who pays. It is the host's id, opaque here, at most 200 bytes.
type Account string

// Key names one mutation of one account. It is the caller's, opaque here, at most 400 bytes.
type Key string

// MaxResult is the size limit of a receipt's result, in bytes.
const MaxResult = 1 << 20

// Balance is what an account has.
type Balance struct {
	Posted    Amount `json:"posted"`    // the sum of all entries; negative is debt
	Held      Amount `json:"held"`      // the sum of open, unexpired holds
	Available Amount `json:"available"` // Posted − Held: what a new hold may take
}

// GrantKind says where the credits of a bucket come from.
type GrantKind string

// The kinds of grant.
const (
	Plan     GrantKind = "plan"
	Purchase GrantKind = "purchase"
	Bonus    GrantKind = "bonus"
	Promo    GrantKind = "promo"
)

// The kinds of bucket that the ledger makes by itself; a [Grant] cannot have them.
const (
	Adjustment GrantKind = "adjustment"
	Refunded   GrantKind = "refund" // of what had been charged into debt
)

// Grant adds credits to an account, as a bucket of their own. Debt is paid out of it first.
type Grant struct {
	Account  Account
	Key      Key
	Kind     GrantKind
	Amount   Amount // credits, positive
	Priority int    // the lower, the earlier it is burned; among equals the earliest expiry goes first, and then the oldest
	// ExpiresAt is when what is left of it is gone, to the microsecond; never if zero. What a hold has taken by then stays
	// usable by that hold. The last year that can be kept is 9999.
	ExpiresAt time.Time
	// Renew, which is for the kind Plan only, makes what is left of all earlier plan credits expire in the same decision,
	// and what is refunded to them later expire at once.
	Renew bool
	Note  string // shown on the entry; may be empty
}

// Adjust corrects an account by hand. A positive amount is a bucket that is burned last of its priority, 0, and does not
// expire; a negative one takes what is available and leaves the rest as debt.
type Adjust struct {
	Account Account
	Key     Key
	Amount  Amount // credits, not zero
	Who     string // required
	Why     string // required
}

// Refund gives back a part of a charge, or all of it. The sum of a charge's refunds never passes the charge. The credits
// go back to the buckets that were charged, those that were charged last first; into one that has expired in the meantime
// they go to expire at once. What had been charged into debt pays debt, and is a bucket of its own beyond that.
type Refund struct {
	Account Account
	Key     Key
	Charge  Key    // the settled key
	Amount  Amount // credits, positive
	Who     string // required
	Why     string // required
}

// Charge is a hold and its settle in one decision, for what is known to cost what it costs: nothing is held in between, and
// the account is charged at once or not at all.
type Charge struct {
	Account     Account
	Key         Key
	Operation   string
	Scope       string
	Amount      Amount      // credits, positive
	Fingerprint [32]byte    // as in HoldRequest
	Record      UsageRecord // as in SettleRequest, without an attempt
	Result      []byte      // at most MaxResult bytes
}

// Bucket is credits that were added together, and what became of them.
type Bucket struct {
	Account   Account   `json:"account"`
	Number    int64     `json:"number"` // of the entry that made it
	Key       Key       `json:"key"`    // of that entry
	Kind      GrantKind `json:"kind"`
	Priority  int       `json:"priority"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // never if zero
	RenewedAt time.Time `json:"renewed_at,omitzero"` // when a renewal ended it before that; not if zero
	Amount    Amount    `json:"amount"`              // credits that were added
	Charged   Amount    `json:"charged"`
	Refunded  Amount    `json:"refunded"`  // came back from charges
	Expired   Amount    `json:"expired"`   // is gone
	PaidDebt  Amount    `json:"paid_debt"` // paid what had been charged before there was any of it
	Pinned    Amount    `json:"pinned"`    // of what remains, taken by open holds
}

// Remaining is what is left of the bucket, what is pinned included.
func (b *Bucket) Remaining() Amount {
	return b.Amount + b.Refunded - b.Charged - b.Expired - b.PaidDebt
}

// Free is what a new hold can take of the bucket, unless it has expired.
func (b *Bucket) Free() Amount { return b.Remaining() - b.Pinned }

// Lot is a part of a hold or a charge: so many credits of a bucket.
type Lot struct {
	Bucket int64  `json:"bucket"` // its number; 0 for what was charged into debt
	Amount Amount `json:"amount"` // credits
}

// Holder is who works on a hold.
type Holder struct {
	ID    string        // unique among the holders of a key; the same ID and Fence again is the same holder
	Fence int64         // a higher fence takes the hold over at once
	Lease time.Duration // how long the holder may be silent before another may take over; positive
}

// HoldRequest asks to set credits aside for one operation.
type HoldRequest struct {
	Account     Account
	Key         Key
	Operation   string   // the operation's name in the registry
	Scope       string   // what the charge is counted under besides the account, such as a run; may be empty
	Amount      Amount   // credits, the worst case of the operation; positive
	Fingerprint [32]byte // digest of operation, canonical input and explicit overrides: what must not differ under one key
	Holder      Holder
	Pinned      []byte        // opaque: model, price rows, prompt text, settings. A takeover gets those of the first hold
	First       Attempt       // begun in the hold's own transaction if the hold is fresh; no attempt if its ID is empty
	TTL         time.Duration // after which the hold expires by itself; at least the lease
}

// Held is the answer to a hold or a look-up: exactly one of the two is set.
type Held struct {
	Hold    *Hold
	Receipt *Receipt // the key is settled: this is what it was charged and what came of it
}

// HoldState is the state of a hold. Open goes to any of the others; Released and Expired go to Settled (late) and, by a
// new hold of the same key, to Open. Settled is final.
type HoldState string

// The states of a hold.
const (
	Open     HoldState = "open"
	Settled  HoldState = "settled"
	Released HoldState = "released"
	Expired  HoldState = "expired"
)

// Hold is credits set aside.
type Hold struct {
	Account     Account
	Key         Key
	Operation   string
	Scope       string
	State       HoldState
	Amount      Amount // credits; what the hold took, also after it was closed
	Fingerprint [32]byte
	Holder      Holder
	LeaseUntil  time.Time // when another holder may take over
	ExpiresAt   time.Time // when the hold gives its credits back by itself, not before its lease is over
	Pinned      []byte
	CreatedAt   time.Time // when it took its credits, not before a cap's present window: anew if it was released or had expired
	// Lots are the buckets that an open hold has taken its credits from, in the order in which they will be burned, and
	// those that a settled one was charged to. They add up to Amount, and to the charge.
	Lots     []Lot
	Refunded Amount // credits of the charge that were refunded
	// Fresh says that this very call opened the hold: Pinned is the caller's and First is begun.
	Fresh bool
	// Attempts of this hold that have not been finished, oldest first.
	OpenAttempts []Attempt
}

// AsOf returns the hold as it is at a time: one that is stored as open is expired if its time is over, whether or not a
// mutation has written that yet. Stores that look a hold up return it.
func (h Hold) AsOf(now time.Time) Hold {
	if h.State == Open && !h.ExpiresAt.After(now) {
		h.State, h.Lots = Expired, nil
	}
	return h
}

// ExtendRequest adds to a hold.
type ExtendRequest struct {
	Account Account
	Key     Key
	Holder  Holder
	// Total is what the hold shall amount to, in credits. Naming the total makes a repeated call harmless; a total
	// below what is held changes nothing.
	Total Amount
	TTL   time.Duration // from now; 0 leaves the expiry as it is, unless the renewed lease is longer
}

// SettleRequest charges a hold.
type SettleRequest struct {
	Account Account
	Key     Key
	Amount  Amount // credits, what the operation came to; what passes the hold is written off
	Record  UsageRecord
	Last    Attempt // finished in the same transaction; none if its ID is empty
	Result  []byte  // what the charge bought, opaque, at most MaxResult bytes
}

// ReleaseRequest gives a hold back.
type ReleaseRequest struct {
	Account Account
	Key     Key
	Holder  Holder
	Last    Attempt // finished in the same transaction; none if its ID is empty
}

// BeginRequest journals an attempt.
type BeginRequest struct {
	Account Account
	Key     Key
	Holder  Holder
	Attempt Attempt
}

// FinishRequest records how an attempt ended.
type FinishRequest struct {
	Account Account
	Key     Key
	Attempt Attempt
}

// Attempt is one dispatch to a provider.
type Attempt struct {
	ID        string `json:"id"` // a UUIDv4; at most 200 bytes
	Key       Key    `json:"key"`
	Scope     string `json:"scope,omitempty"`
	Holder    string `json:"holder"` // the ID of the holder that began it
	Provider  string `json:"provider"`
	Model     string `json:"model"`
	KeyID     string `json:"key_id"`               // names the API key, see secret.Key
	JobID     string `json:"job_id,omitempty"`     // the upstream's id of an asynchronous job
	RequestID string `json:"request_id,omitempty"` // the upstream's id of the request
	// Fate is what the upstream did with it, a providers.Fate: not_sent, rejected, executed, unknown. It is empty while
	// the attempt is open.
	Fate         string              `json:"fate,omitempty"`
	Error        string              `json:"error,omitempty"` // the kind of error it ended with, a providers.Kind
	Usage        usage.Usage         `json:"usage,omitzero"`
	Cost         decimal.NullDecimal `json:"cost"`          // USD it cost the operator by the pinned prices; the worst case if the fate is unknown
	ReportedCost decimal.NullDecimal `json:"reported_cost"` // USD as the provider said
	BegunAt      time.Time           `json:"begun_at"`
	FinishedAt   time.Time           `json:"finished_at,omitzero"`
}

// UsageRecord says what a charge was for. The ledger fills in Account, Key, Entry, Operation, Scope, Charged, WrittenOff and
// At; the caller of Settle the rest. Its prices, as those of an attempt, must be [Keepable].
type UsageRecord struct {
	Account   Account     `json:"account"`
	Key       Key         `json:"key"`
	Entry     int64       `json:"entry"` // the number of the settle entry
	Operation string      `json:"operation"`
	Scope     string      `json:"scope,omitempty"`
	Provider  string      `json:"provider"`
	Model     string      `json:"model"`
	Attempt   string      `json:"attempt"` // the id of the attempt whose answer was delivered, which has ended; empty for none
	Usage     usage.Usage `json:"usage,omitzero"`
	// Exact is the price in credits before rounding and before the operation's minimum.
	Exact        decimal.Decimal     `json:"exact"`
	Charged      Amount              `json:"charged"`     // credits
	WrittenOff   Amount              `json:"written_off"` // credits above the hold that were not charged
	Cost         decimal.Decimal     `json:"cost"`        // USD it cost the operator by the pinned prices
	ReportedCost decimal.NullDecimal `json:"reported_cost"`
	PriceVersion int64               `json:"price_version"` // the registry version that priced it
	At           time.Time           `json:"at"`
	Shadow       Shadow              `json:"shadow,omitzero"` // what it would have come to by the version that was to come
	// Refunded is credits of the charge that were given back since. Ledger.Records fills it in; a receipt has what was
	// true when it was made.
	Refunded Amount `json:"refunded"`
}

// Receipt is what a settled key was charged and what came of it.
type Receipt struct {
	Key         Key
	Fingerprint [32]byte
	Entry       int64  // the number of the settle entry
	Charged     Amount // credits
	Record      UsageRecord
	Result      []byte
	Digest      [32]byte // SHA-256 of the result
	Pruned      bool     // the result was let go; the charge and its record stay
}

// EntryKind says what an entry did.
type EntryKind string

// The kinds of entry.
const (
	EntryGrant   EntryKind = "grant"
	EntryRenew   EntryKind = "renew" // a grant with Renew
	EntrySettle  EntryKind = "settle"
	EntryRefund  EntryKind = "refund"
	EntryAdjust  EntryKind = "adjust"
	EntryExpired EntryKind = "expired"
)

// Entry is an immutable line of an account.
type Entry struct {
	Account      Account   `json:"account"`
	Number       int64     `json:"number"` // 1, 2, 3 … without gaps in an account
	Kind         EntryKind `json:"kind"`
	Amount       Amount    `json:"amount"`           // credits: positive if it adds to the account
	BalanceAfter Amount    `json:"balance_after"`    // Posted after this entry
	Key          Key       `json:"key"`              // of the mutation; of an expired entry, the key that made the bucket
	Charge       Key       `json:"charge,omitempty"` // the key that a refund is of
	Operation    string    `json:"operation,omitempty"`
	Scope        string    `json:"scope,omitempty"`
	Who          string    `json:"who,omitempty"`  // who adjusted or refunded
	Note         string    `json:"note,omitempty"` // of a grant; why something was adjusted or refunded
	At           time.Time `json:"at"`
	// Lots are the buckets that credits were charged to, expired of, or were refunded to. The bucket that a grant, or an
	// adjustment that adds, makes has the entry's number and is not among them.
	Lots []Lot `json:"lots,omitempty"`
	// Hash covers the entry, the hash of the one before it, and the digests of its usage record and its result; see [Audit]. The
	// JSON of an entry, which is for people, is without it: a store that keeps JSON keeps it beside.
	Hash [32]byte `json:"-"`
}

// EntryQuery selects entries of one account.
type EntryQuery struct {
	Account Account
	After   int64 // entries with a higher number
	Before  int64 // entries with a lower number; 0 for all
	Newest  bool  // in descending order: the last ones first, as a page of an account shows them
	Limit   int   // at most so many; 0 for all
}

// AttemptQuery selects attempts of one account.
type AttemptQuery struct {
	Account Account
	Key     Key    // of this key; empty for all
	Scope   string // of this scope; empty for all
}

// Dimension is something usage can be grouped by.
type Dimension string

// The dimensions of usage.
const (
	ByAccount   Dimension = "account"
	ByOperation Dimension = "operation"
	ByModel     Dimension = "model"
	ByProvider  Dimension = "provider"
	ByScope     Dimension = "scope"
	ByDay       Dimension = "day" // the local day in the query's zone on which it was charged
)

// UsageQuery selects usage records of one account, or of all.
type UsageQuery struct {
	Account     Account
	AllAccounts bool      // for [Ledger.Usage] only, and without an account: an account that was forgotten is not all of them
	Scope       string    // of this scope; empty for all
	From, To    time.Time // charged at or after From and before To; a zero time does not bound
	GroupBy     []Dimension
	Zone        string // IANA name of the zone whose days ByDay groups by; UTC if empty
}

// UsageGroup says which records a row adds up. The fields that the query did not group by are empty.
type UsageGroup struct {
	Account   Account `json:"account,omitempty"`
	Operation string  `json:"operation,omitempty"`
	Model     string  `json:"model,omitempty"`
	Provider  string  `json:"provider,omitempty"`
	Scope     string  `json:"scope,omitempty"`
	Day       string  `json:"day,omitempty"` // 2006-01-02
}

// UsageRow is a total over usage records.
type UsageRow struct {
	UsageGroup
	Records    int64           `json:"records"`
	Charged    Amount          `json:"charged"`     // credits
	WrittenOff Amount          `json:"written_off"` // credits
	Refunded   Amount          `json:"refunded"`    // credits of these charges that were given back, whenever that was
	Cost       decimal.Decimal `json:"cost"`        // USD
	Usage      usage.Usage     `json:"usage,omitzero"`
}
