package ledgerproof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

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

func held(h credits.Hold) answer {
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
