package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// rounding rounds again what was rounded before, to the next ten credits.
type rounding struct{ credits.Ledger }

func (l *rounding) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	if r.Amount > 0 && r.Amount%10 != 0 {
		r.Amount += 10 - r.Amount%10
	}
	return l.Ledger.Settle(ctx, r)
}

// levelling has no column for the priority.
type levelling struct{ credits.Ledger }

func (l *levelling) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	g.Priority = 0
	return l.Ledger.Grant(ctx, g)
}

// lastIn burns what came last first.
type lastIn struct {
	credits.Ledger
	n atomic.Int64
}

func (l *lastIn) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	g.Priority = -int(l.n.Add(1))
	return l.Ledger.Grant(ctx, g)
}

// sweeping finds out at the next decision only that something has expired, and reads its rows as they are.
type sweeping struct{ credits.Ledger }

func (l *sweeping) Balance(ctx context.Context, account credits.Account) (credits.Balance, error) {
	r, err := l.Verify(ctx, account)
	return credits.Balance{Posted: r.Posted, Held: r.Held, Available: r.Posted - r.Held}, err
}

// hoarding shows all of a bucket as long as somebody holds some of it.
type hoarding struct{ credits.Ledger }

func (l *hoarding) Buckets(ctx context.Context, account credits.Account) ([]credits.Bucket, error) {
	buckets, err := l.Ledger.Buckets(ctx, account)
	for i := range buckets {
		buckets[i].Expired = 0
	}
	return buckets, err
}

// lasting has no column for the expiry.
type lasting struct{ credits.Ledger }

func (l *lasting) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	g.ExpiresAt = time.Time{}
	return l.Ledger.Grant(ctx, g)
}

// piling adds the new plan to the old one.
type piling struct{ credits.Ledger }

func (l *piling) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	g.Renew = g.Renew && g.Kind != credits.Plan
	return l.Ledger.Grant(ctx, g)
}

// shortsighted looks for plans to end among the buckets of which something remains.
type shortsighted struct{ credits.Ledger }

func (l *shortsighted) Grant(ctx context.Context, g credits.Grant) (credits.Entry, error) {
	buckets, err := l.Buckets(ctx, g.Account)
	if err == nil {
		g.Renew = g.Renew && slices.ContainsFunc(buckets, func(b credits.Bucket) bool { return b.Kind == credits.Plan })
	}
	return l.Ledger.Grant(ctx, g)
}

// obliging gives back what was never charged.
type obliging struct{ credits.Ledger }

func (l *obliging) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	e, err := l.Ledger.Refund(ctx, r)
	if errors.Is(err, credits.ErrRefund) {
		return l.Adjust(ctx, credits.Adjust{Account: r.Account, Key: r.Key, Amount: r.Amount, Who: r.Who, Why: r.Why})
	}
	return e, err
}

// apologetic takes every refund for a new one.
type apologetic struct {
	credits.Ledger
	n atomic.Int64
}

func (l *apologetic) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	if r.Key != "" && r.Key != r.Charge {
		r.Key = credits.Key(fmt.Sprintf("%.390s#%d", r.Key, l.n.Add(1)))
	}
	return l.Ledger.Refund(ctx, r)
}

// unhurried reads what is left of a charge, and refunds afterwards, whatever happened in between.
type unhurried struct {
	credits.Ledger
	mu   sync.Mutex
	left map[credits.Key]credits.Amount // guarded by mu
}

func (l *unhurried) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	held, lookup := l.Lookup(ctx, r.Account, r.Charge)
	if r.Validate() != nil || lookup != nil || held.Receipt == nil {
		return l.Ledger.Refund(ctx, r)
	}
	l.mu.Lock()
	left, seen := l.left[r.Charge]
	l.mu.Unlock()
	if !seen {
		left = held.Receipt.Charged
	}
	time.Sleep(time.Millisecond) // as long as a query to a database takes
	e, err := l.Ledger.Refund(ctx, r)
	if errors.Is(err, credits.ErrRefund) && r.Amount <= left {
		e, err = l.Adjust(ctx, credits.Adjust{Account: r.Account, Key: r.Key, Amount: r.Amount, Who: r.Who, Why: r.Why})
	}
	if err == nil {
		l.mu.Lock()
		l.left[r.Charge] = left - r.Amount
		l.mu.Unlock()
	}
	return e, err
}

// unbound gives credits back as new ones.
type unbound struct{ credits.Ledger }

func (l *unbound) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	held, err := l.Lookup(ctx, r.Account, r.Charge)
	if err != nil || held.Receipt == nil || held.Receipt.Charged < r.Amount || r.Validate() != nil {
		return l.Ledger.Refund(ctx, r)
	}
	return l.Adjust(ctx, credits.Adjust{Account: r.Account, Key: r.Key, Amount: r.Amount, Who: r.Who, Why: r.Why})
}

// tabular keeps refunds in a table of their own, with keys of their own.
type tabular struct{ credits.Ledger }

func (l *tabular) Refund(ctx context.Context, r credits.Refund) (credits.Entry, error) {
	if r.Validate() == nil {
		r.Key = "refund/" + r.Key
	}
	return l.Ledger.Refund(ctx, r)
}

// forgiving lets a charge go that cannot be paid.
type forgiving struct {
	credits.Ledger
	n atomic.Int64
}

func (l *forgiving) Settle(ctx context.Context, r credits.SettleRequest) (credits.Receipt, error) {
	receipt, err := l.Ledger.Settle(ctx, r)
	if err != nil {
		return receipt, err
	}
	if b, err := l.Balance(ctx, r.Account); err == nil && b.Posted < 0 {
		_, err = l.Adjust(ctx, credits.Adjust{Account: r.Account, Key: credits.Key(fmt.Sprint("forgive/", l.n.Add(1))), Amount: -b.Posted, Who: "the ledger", Why: "debt"})
		return receipt, err
	}
	return receipt, nil
}

// trusting lends who is in debt another credit.
type trusting struct {
	credits.Ledger
	n atomic.Int64
}

func (l *trusting) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	held, err := l.Ledger.Hold(ctx, r)
	var short *credits.InsufficientError
	if errors.As(err, &short) && short.Available < 0 {
		if _, err := l.Adjust(ctx, credits.Adjust{Account: r.Account, Key: credits.Key(fmt.Sprint("lend/", l.n.Add(1))), Amount: r.Amount - short.Available, Who: "the ledger", Why: "trust"}); err != nil {
			return held, err
		}
		return l.Ledger.Hold(ctx, r)
	}
	return held, err
}

// silent keeps no usage records of charges.
type silent struct {
	credits.Ledger
	charged sync.Map
}

func (l *silent) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	receipt, err := l.Ledger.Charge(ctx, r)
	if err == nil {
		l.charged.Store(r.Key, true)
	}
	return receipt, err
}

func (l *silent) Records(ctx context.Context, q credits.UsageQuery) iter.Seq2[credits.UsageRecord, error] {
	return func(yield func(credits.UsageRecord, error) bool) {
		for r, err := range l.Ledger.Records(ctx, q) {
			if _, charged := l.charged.Load(r.Key); charged {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// twoStep holds what there is, and finds out then that it is not enough.
type twoStep struct{ credits.Ledger }

func (l *twoStep) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	receipt, err := l.Ledger.Charge(ctx, r)
	var short *credits.InsufficientError
	if errors.As(err, &short) && short.Available > 0 {
		_, hold := l.Hold(ctx, credits.HoldRequest{Account: r.Account, Key: r.Key, Operation: r.Operation, Amount: short.Available, Fingerprint: r.Fingerprint,
			Holder: credits.Holder{ID: "two-step", Lease: time.Minute}, TTL: time.Minute})
		return receipt, errors.Join(err, hold)
	}
	return receipt, err
}

// impatient reads the balance and charges afterwards, whatever happened in between.
type impatient struct {
	credits.Ledger
	n atomic.Int64
}

func (l *impatient) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	b, err := l.Balance(ctx, r.Account)
	if err != nil || r.Validate() != nil || b.Available < r.Amount {
		return l.Ledger.Charge(ctx, r)
	}
	time.Sleep(time.Millisecond) // as long as a query to a database takes
	receipt, err := l.Ledger.Charge(ctx, r)
	if errors.Is(err, credits.ErrInsufficient) {
		if _, err := l.Grant(ctx, credits.Grant{Account: r.Account, Key: credits.Key(fmt.Sprint("impatient/", l.n.Add(1))), Kind: credits.Bonus, Amount: r.Amount}); err != nil {
			return receipt, err
		}
		return l.Ledger.Charge(ctx, r)
	}
	return receipt, err
}

// edited shows entries otherwise than they are.
func edited(entries iter.Seq2[credits.Entry, error], edit func(*credits.Entry)) iter.Seq2[credits.Entry, error] {
	return func(yield func(credits.Entry, error) bool) {
		for e, err := range entries {
			edit(&e)
			if !yield(e, err) {
				return
			}
		}
	}
}

// anonymous has no column for who did it.
type anonymous struct{ credits.Ledger }

func (l *anonymous) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return edited(l.Ledger.Entries(ctx, q), func(e *credits.Entry) { e.Who = "" })
}

// lotless has no table for the lots of an entry.
type lotless struct{ credits.Ledger }

func (l *lotless) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return edited(l.Ledger.Entries(ctx, q), func(e *credits.Entry) { e.Lots = nil })
}

// chainless has no column for the hash.
type chainless struct{ credits.Ledger }

func (l *chainless) Entries(ctx context.Context, q credits.EntryQuery) iter.Seq2[credits.Entry, error] {
	return edited(l.Ledger.Entries(ctx, q), func(e *credits.Entry) { e.Hash = [32]byte{} })
}

// careless takes a key whose result is gone for a new one.
type careless struct{ credits.Ledger }

func (l *careless) Charge(ctx context.Context, r credits.Charge) (credits.Receipt, error) {
	receipt, err := l.Ledger.Charge(ctx, r)
	if errors.Is(err, credits.ErrResultPruned) {
		r.Key += "/again"
		return l.Ledger.Charge(ctx, r)
	}
	return receipt, err
}
