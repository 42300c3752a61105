package credits

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/shopspring/decimal"
)

// digester collects fields so that no two different rows come to the same bytes: every text has its length before it. They
// are hashed at once, which takes less time than field by field.
type digester struct{ bytes []byte }

func newDigester() *digester { return &digester{make([]byte, 0, 512)} }

func (d *digester) write(b []byte) { d.bytes = append(d.bytes, b...) }

func (d *digester) num(n int64) { d.bytes = binary.BigEndian.AppendUint64(d.bytes, uint64(n)) }

func (d *digester) text(s string) {
	d.num(int64(len(s)))
	d.bytes = append(d.bytes, s...)
}

// time is to the microsecond, as every store keeps it.
func (d *digester) time(t time.Time) {
	if t.IsZero() {
		d.num(math.MinInt64)
		return
	}
	d.num(t.UnixMicro())
}

func (d *digester) decimal(n decimal.NullDecimal) {
	if !n.Valid {
		d.text("null")
		return
	}
	d.text(n.Decimal.String())
}

func (d *digester) sum() [32]byte { return sha256.Sum256(d.bytes) }

// hash is what an entry's Hash must be, after the entry with the hash prev. made is the digest of the bucket that it made,
// or of its usage record; kept is that of its receipt.
func (e *Entry) hash(prev, made, kept [32]byte) [32]byte {
	d := newDigester()
	d.write(prev[:])
	d.text(string(e.Account))
	d.num(e.Number)
	d.text(string(e.Kind))
	d.num(int64(e.Amount))
	d.num(int64(e.BalanceAfter))
	d.text(string(e.Key))
	d.text(string(e.Charge))
	d.text(e.Operation)
	d.text(e.Scope)
	d.text(e.Who)
	d.text(e.Note)
	d.time(e.At)
	for _, l := range e.Lots {
		d.num(l.Bucket)
		d.num(int64(l.Amount))
	}
	d.write(made[:])
	d.write(kept[:])
	return d.sum()
}

// digest covers what a bucket is from its beginning on. What becomes of it is in later entries.
func (b *Bucket) digest() [32]byte {
	d := newDigester()
	d.num(b.Number)
	d.text(string(b.Key))
	d.text(string(b.Kind))
	d.num(int64(b.Priority))
	d.time(b.ExpiresAt)
	d.num(int64(b.Amount))
	return d.sum()
}

// digest covers every field of a usage record but two. Refunded is in later entries. Shadow is no part of what was charged:
// a release that does not know it must find what it verifies unchanged.
func (r *UsageRecord) digest() [32]byte {
	d := newDigester()
	d.text(string(r.Account))
	d.text(string(r.Key))
	d.num(r.Entry)
	for _, s := range []string{r.Operation, r.Scope, r.Provider, r.Model, r.Attempt} {
		d.text(s)
	}
	for _, c := range r.Usage.Classes() {
		if c.Known {
			d.num(1)
			d.num(c.N)
		} else {
			d.num(0)
		}
	}
	d.decimal(decimal.NewNullDecimal(r.Exact))
	d.num(int64(r.Charged))
	d.num(int64(r.WrittenOff))
	d.decimal(decimal.NewNullDecimal(r.Cost))
	d.decimal(r.ReportedCost)
	d.num(r.PriceVersion)
	d.time(r.At)
	return d.sum()
}

// chain is the digest that a receipt adds to the hash of its entry: what it says, and what it keeps.
func (r *Receipt) chain() [32]byte {
	d := newDigester()
	d.text(string(r.Key))
	d.write(r.Fingerprint[:])
	d.write(r.Digest[:])
	return d.sum()
}
