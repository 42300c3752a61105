package ledgerproof_test

import "cmp"

// maxBuckets is how many buckets an account of the model has: a key makes at most one, and a hold's makes none.
const maxBuckets = grantKeys + refundKeys

// bucket is credits that were added together.
type bucket struct {
	terms
	number       int64 // of the entry that made it
	left, pinned int64
	renewed      bool // a renewal ended it
}

func (b *bucket) free() int64 { return b.left - b.pinned }

func (b *bucket) isOver(now int64) bool { return b.renewed || b.Until != 0 && b.Until <= now }

// lots are credits by bucket, in the order in which the buckets were made. The last are debt.
type lots [maxBuckets + 1]int16

const inDebt = maxBuckets

// purse is the buckets of an account, the oldest first, and what it owes. Nothing is free while something is owed.
type purse struct {
	buckets [maxBuckets]bucket
	order   [maxBuckets]int8 // in which they are burned
	made    int8
	owed    int64
	expired int64 // in all
}

// posted is what is left, less what is owed.
func (p *purse) posted() int64 {
	sum := -p.owed
	for i := range p.made {
		sum += p.buckets[i].left
	}
	return sum
}

// add makes a bucket. Buckets are burned by priority, then the earliest expiry, then the oldest.
func (p *purse) add(t terms, number, amount int64) {
	at := p.made
	p.buckets[at] = bucket{terms: t, number: number, left: amount}
	p.made++
	for ; at > 0; at-- {
		if before := &p.buckets[p.order[at-1]]; cmp.Or(cmp.Compare(before.Priority, t.Priority), compareUntil(before.Until, t.Until)) <= 0 {
			break
		}
		p.order[at] = p.order[at-1]
	}
	p.order[at] = p.made - 1
}

func compareUntil(a, b int64) int {
	const never = 1 << 62
	if a == 0 {
		a = never
	}
	if b == 0 {
		b = never
	}
	return cmp.Compare(a, b)
}

// free has up to amount of what is free used, in the order in which it is burned, and returns what there was too little.
func (p *purse) free(amount int64, use func(i int8, part int64)) (lacking int64) {
	for _, i := range p.order[:p.made] {
		if part := min(p.buckets[i].free(), amount); part > 0 {
			use(i, part)
			amount -= part
		}
	}
	return amount
}

// settleUp lets go what has expired and is not pinned, and returns how many buckets had such; then it pays debt.
func (p *purse) settleUp(now int64) (entries int64) {
	for i := range p.buckets[:p.made] {
		if b := &p.buckets[i]; b.isOver(now) && b.free() > 0 {
			p.expired += b.free()
			b.left = b.pinned
			entries++
		}
	}
	if p.owed > 0 {
		p.owed = p.free(p.owed, func(i int8, part int64) { p.buckets[i].left -= part })
	}
	return entries
}

// endPlans ends every plan that is not over, also one that is used up: what is refunded to it goes with it.
func (p *purse) endPlans(now int64) {
	for i := range p.buckets[:p.made] {
		if b := &p.buckets[i]; b.Class == plan && !b.isOver(now) {
			b.renewed = true
		}
	}
}

// pin adds to what a hold has pinned. There is enough.
func (p *purse) pin(l *lots, amount int64) {
	p.free(amount, func(i int8, part int64) {
		p.buckets[i].pinned += part
		l[i] += int16(part)
	})
}

func (p *purse) unpin(l *lots) {
	for i, part := range l[:inDebt] {
		p.buckets[i].pinned -= int64(part)
	}
	*l = lots{}
}

// chargePinned charges so much of what a hold has pinned, and lets go of the rest.
func (p *purse) chargePinned(pinned *lots, amount int64) (charged lots) {
	for _, i := range p.order[:p.made] {
		part := min(int64(pinned[i]), amount)
		charged[i] = int16(part)
		p.buckets[i].left -= part
		amount -= part
	}
	p.unpin(pinned)
	return charged
}

// takeOrOwe charges what is free, and owes the rest.
func (p *purse) takeOrOwe(amount int64) (charged lots) {
	lacking := p.free(amount, func(i int8, part int64) {
		p.buckets[i].left -= part
		charged[i] = int16(part)
	})
	p.owed += lacking
	charged[inDebt] = int16(lacking)
	return charged
}

// giveBack refunds so much of a charge, of which a part was refunded before: what was charged last goes back first. What
// was owed pays what still is owed, and is a bucket beyond that. It returns what went back to what there was.
func (p *purse) giveBack(charged *lots, before, amount, number int64) (back lots) {
	part := func(i int8) int64 {
		skip := min(before, int64(charged[i]))
		before -= skip
		n := min(int64(charged[i])-skip, amount)
		amount -= n
		return n
	}
	owed := part(inDebt)
	paid := min(owed, p.owed)
	for at := p.made - 1; at >= 0; at-- {
		i := p.order[at]
		n := part(i)
		back[i] = int16(n)
		p.buckets[i].left += n
	}
	p.owed -= paid
	back[inDebt] = int16(paid)
	if owed > paid {
		p.add(terms{Class: refunded}, number, owed-paid)
	}
	return back
}

// list names lots as an answer does: in the order in which buckets are burned and debt at last, or the other way round.
func (p *purse) list(l *lots, backwards bool) (out [maxLots]lot) {
	n := 0
	add := func(number int64, amount int16) {
		if amount != 0 {
			out[n] = lot{Bucket: int32(number), Amount: int32(amount)}
			n++
		}
	}
	if backwards {
		add(0, l[inDebt])
		for at := p.made - 1; at >= 0; at-- {
			add(p.buckets[p.order[at]].number, l[p.order[at]])
		}
		return out
	}
	for _, i := range p.order[:p.made] {
		add(p.buckets[i].number, l[i])
	}
	add(0, l[inDebt])
	return out
}

// remains names the buckets that are not used up, in the order in which they are burned.
func (p *purse) remains() (out [maxLots]lot) {
	n := 0
	for _, i := range p.order[:p.made] {
		if b := &p.buckets[i]; b.left > 0 {
			out[n] = lot{int32(b.number), int32(b.left), int32(b.pinned)}
			n++
		}
	}
	return out
}
