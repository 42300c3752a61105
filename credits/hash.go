package credits

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/shopspring/decimal"
)

// digester collects fields so that no two different rows come to the same bytes: every text has its length before it. They
// are hashed at once, which takes less time than field by field. It is handed from call to call, as append does it,
// because a row that is no longer than most are then needs no memory but the stack's.
type digester []byte

// usual is a capacity that most rows do not pass.
const usual = 512

func (d digester) write(b [32]byte) digester { return append(d, b[:]...) }

func (d digester) num(n int64) digester { return binary.BigEndian.AppendUint64(d, uint64(n)) }

func (d digester) text(s string) digester { return append(d.num(int64(len(s))), s...) }

// time is to the microsecond, as every store keeps it.
func (d digester) time(t time.Time) digester {
	if t.IsZero() {
		return d.num(math.MinInt64)
	}
	return d.num(t.UnixMicro())
}

func (d digester) decimal(n decimal.NullDecimal) digester {
	if !n.Valid {
		return d.text("null")
	}
	return d.text(n.Decimal.String())
}

func (d digester) sum() [32]byte { return sha256.Sum256(d) }

// hash is what an entry's Hash must be, after the entry with the hash prev. made is the digest of the bucket that it made,
// or of its usage record; kept is that of its receipt.
func (e *Entry) hash(prev, made, kept [32]byte) [32]byte {
	d := make(digester, 0, usual)
	d = d.write(prev)
	d = d.text(string(e.Account))
	d = d.num(e.Number)
	d = d.text(string(e.Kind))
	d = d.num(int64(e.Amount))
	d = d.num(int64(e.BalanceAfter))
	d = d.text(string(e.Key))
	d = d.text(string(e.Charge))
	d = d.text(e.Operation)
	d = d.text(e.Scope)
	d = d.text(e.Who)
	d = d.text(e.Note)
	d = d.time(e.At)
	for _, l := range e.Lots {
		d = d.num(l.Bucket)
		d = d.num(int64(l.Amount))
	}
	d = d.write(made)
	d = d.write(kept)
	return d.sum()
}

// digest covers what a bucket is from its beginning on. What becomes of it is in later entries.
func (b *Bucket) digest() [32]byte {
	d := make(digester, 0, usual)
	d = d.num(b.Number)
	d = d.text(string(b.Key))
	d = d.text(string(b.Kind))
	d = d.num(int64(b.Priority))
	d = d.time(b.ExpiresAt)
	d = d.num(int64(b.Amount))
	return d.sum()
}

// digest covers every field of a usage record but two. Refunded is in later entries. Shadow is no part of what was charged:
// a release that does not know it must find what it verifies unchanged.
func (r *UsageRecord) digest() [32]byte {
	d := make(digester, 0, usual)
	d = d.text(string(r.Account))
	d = d.text(string(r.Key))
	d = d.num(r.Entry)
	for _, s := range []string{r.Operation, r.Scope, r.Provider, r.Model, r.Attempt} {
		d = d.text(s)
	}
	for _, c := range r.Usage.Classes() {
		if c.Known {
			d = d.num(1)
			d = d.num(c.N)
		} else {
			d = d.num(0)
		}
	}
	d = d.decimal(decimal.NewNullDecimal(r.Exact))
	d = d.num(int64(r.Charged))
	d = d.num(int64(r.WrittenOff))
	d = d.decimal(decimal.NewNullDecimal(r.Cost))
	d = d.decimal(r.ReportedCost)
	d = d.num(r.PriceVersion)
	d = d.time(r.At)
	return d.sum()
}

// chain is the digest that a receipt adds to the hash of its entry: what it says, and what it keeps.
func (r *Receipt) chain() [32]byte {
	d := make(digester, 0, usual)
	d = d.text(string(r.Key))
	d = d.write(r.Fingerprint)
	d = d.write(r.Digest)
	return d.sum()
}
