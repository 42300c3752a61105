package gateproof_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/usage"
)

// books is what there is to compare once operations are over: what the upstream billed, what the ledger says, and what
// the callers were told. Keys are unique over all accounts here.
type books struct {
	invoice   []providertest.Entry // requests that could have cost something, oldest first
	attempts  []credits.Attempt
	records   []credits.UsageRecord
	settles   []credits.Entry
	delivered map[credits.Key]credits.Amount // operations that brought a result, with the charge that the caller was told
	failed    map[credits.Key]bool           // operations that ended in an error
	several   map[credits.Key]bool           // operations that were asked for more than once, though no process had ended
	ends      []time.Time                    // when processes ended that ran operations, in order
	found     []string                       // what was wrong already when the books were collected
}

// The rules that campaigns count by name.
const (
	ruleOnce = "a key is settled once"
	ruleNeed = "no picture is made twice without need"
)

// judge returns every rule that the books break, with what breaks it. No books that are in order break one.
func judge(b books) []string {
	j := &judgement{books: b, found: b.found, attempts: map[string]*credits.Attempt{}, lines: map[string]*providertest.Entry{}, settled: map[credits.Key]*credits.UsageRecord{}}
	j.index()
	for i := range b.attempts {
		j.attempt(&b.attempts[i])
	}
	j.charges()
	j.pictures()
	j.repeats()
	return j.found
}

type judgement struct {
	books
	found    []string
	attempts map[string]*credits.Attempt          // by id
	lines    map[string]*providertest.Entry       // billable, by the attempt's id
	settled  map[credits.Key]*credits.UsageRecord // by key
}

func (j *judgement) breaks(rule, format string, args ...any) {
	j.found = append(j.found, rule+": "+fmt.Sprintf(format, args...))
}

// index matches requests with attempts.
func (j *judgement) index() {
	for i := range j.books.attempts {
		a := &j.books.attempts[i]
		if j.attempts[a.ID] != nil {
			j.breaks("an attempt is journalled once", "%s", said(a))
		}
		j.attempts[a.ID] = a
	}
	requests := map[string]int{}
	for i := range j.invoice {
		e := &j.invoice[i]
		a := j.attempts[e.Attempt]
		if a == nil {
			j.breaks("every request is a journalled attempt", "%s", told(e))
			continue
		}
		if a.Model != e.Model {
			j.breaks("a request is its attempt's", "%s is %s", told(e), said(a))
		}
		if requests[e.Attempt]++; requests[e.Attempt] == 2 {
			j.breaks("an attempt is sent once", "%s, of %s", told(e), said(a))
		}
		if !e.Billable {
			continue
		}
		if j.lines[e.Attempt] != nil {
			j.breaks("an attempt is billed once", "%s, of %s", told(e), said(a))
		}
		j.lines[e.Attempt] = e
	}
	for i := range j.records {
		r := &j.records[i]
		if j.settled[r.Key] != nil {
			j.breaks(ruleOnce, "%+v", *r)
		}
		j.settled[r.Key] = r
	}
}

// attempt compares an attempt with its line of the invoice.
func (j *judgement) attempt(a *credits.Attempt) {
	line := j.lines[a.ID]
	switch providers.Fate(a.Fate) {
	case providers.Executed:
		if line == nil {
			j.breaks("what was executed is on the invoice", "%s", said(a))
			return
		}
		j.measured(a, line)
	case providers.Unknown:
		if line != nil && !covers(a, line) {
			j.breaks("an unknown fate costs at least what was billed", "%s, %s", said(a), told(line))
		}
	case providers.NotSent, providers.Rejected:
		if line != nil {
			j.breaks("what was not sent or was rejected is not on the invoice", "%s, %s", said(a), told(line))
		}
		if !a.Cost.Valid || !a.Cost.Decimal.IsZero() {
			j.breaks("what was not sent or was rejected cost nothing", "%s", said(a))
		}
	default:
		j.breaks("no attempt stays open", "%s", said(a))
	}
	if a.KeyID != "main" {
		j.breaks("an attempt names its API key", "%s", said(a))
	}
	if a.Fate != string(providers.Executed) || a.Error != "" {
		return
	}
	switch r := j.settled[a.Key]; {
	case r == nil:
		j.breaks("nothing delivered is free", "%s", said(a))
	case r.Attempt != a.ID:
		j.breaks("what is delivered is delivered once", "%s, and %s", said(a), r.Attempt)
	}
}

// measured compares what was journalled of an attempt that ran with what the upstream billed for it.
func (j *judgement) measured(a *credits.Attempt, line *providertest.Entry) {
	if a.Usage.IsZero() { // it was not told: the worst case is on the attempt
		if !covers(a, line) {
			j.breaks("an attempt whose usage is not known costs at least what was billed", "%s, %s", said(a), told(line))
		}
		return
	}
	tokens := a.Usage
	tokens.Images = usage.Count{}
	if tokens.IsZero() && line.InputTokens+line.OutputTokens > 0 { // a picture came without its tokens
		if !covers(a, line) || int(a.Usage.Images.N) != line.Images {
			j.breaks("a picture whose tokens are not known costs at least what was billed", "%s, %s", said(a), told(line))
		}
		return
	}
	input, output, err := a.Usage.TokenSums()
	if err != nil || input != line.InputTokens || output != line.OutputTokens || int(a.Usage.Images.N) != line.Images {
		j.breaks("what was used is what was billed", "%s, %s", said(a), told(line))
	}
	if !a.Cost.Valid || !a.Cost.Decimal.Equal(billed(line)) {
		j.breaks("what an attempt cost is what was billed", "%s, %s", said(a), told(line))
	}
	if a.ReportedCost.Valid && !a.ReportedCost.Decimal.Equal(billed(line)) {
		j.breaks("the cost that was reported is what was billed", "%s, %s", said(a), told(line))
	}
}

// charges compares what was charged with what was delivered.
func (j *judgement) charges() {
	entries := map[credits.Key]credits.Amount{}
	var posted, recorded, told credits.Amount
	for _, e := range j.settles {
		if _, twice := entries[e.Key]; twice {
			j.breaks(ruleOnce, "%+v", e)
		}
		entries[e.Key] = -e.Amount
		posted -= e.Amount
	}
	for _, r := range j.records {
		recorded += r.Charged
		if charged, there := entries[r.Key]; !there || charged != r.Charged || charged <= 0 {
			j.breaks("a charge is recorded as it was posted, and is not nothing", "%+v, posted %d", r, charged)
		}
		if a := j.attempts[r.Attempt]; a == nil || a.Key != r.Key || a.Fate != string(providers.Executed) || a.Error != "" {
			j.breaks("a charge is for an answer that was delivered", "%+v, of %s", r, said(a))
		}
		if charged, there := j.delivered[r.Key]; !there || charged != r.Charged {
			j.breaks("what is charged is what the caller was told", "%+v, told %d", r, charged)
		}
		if j.failed[r.Key] {
			j.breaks("a failed operation is not charged", "%+v", r)
		}
	}
	for key, charged := range j.delivered {
		told += charged
		if j.settled[key] == nil {
			j.breaks("nothing delivered is free", "key %s, told %d", key, charged)
		}
	}
	if posted != recorded || posted != told {
		j.breaks("the charges are the sum over the operations that succeeded", "posted %d, recorded %d, told %d", posted, recorded, told)
	}
}

// pictures looks for pictures that Runware made without need: it can be asked what became of an attempt, so a second one
// is made only after one that is of no use, or by a call that begins anew because the one before had given up.
func (j *judgement) pictures() {
	last := map[credits.Key]*credits.Attempt{}
	for i := range j.invoice {
		e := &j.invoice[i]
		a := j.attempts[e.Attempt]
		if e.Route != providertest.RouteRunware || !e.Billable || a == nil {
			continue
		}
		before := last[a.Key]
		last[a.Key] = a
		if before == nil || before.ID == a.ID {
			continue
		}
		unasked := before.Fate == string(providers.Unknown) && !j.anew(before, a)
		if before.Holder == a.Holder || before.Error == "" || unasked {
			j.breaks(ruleNeed, "%s after %s", said(a), said(before))
		}
	}
}

// repeats looks for calls that send more than once again what may have run.
func (j *judgement) repeats() {
	type pass struct {
		key    credits.Key
		holder string
	}
	unknown := map[pass]int{}
	for i := range j.books.attempts {
		a := &j.books.attempts[i]
		if a.Fate != string(providers.Unknown) || j.several[a.Key] {
			continue
		}
		p := pass{a.Key, a.Holder}
		if unknown[p]++; unknown[p] == 3 {
			j.breaks("what may have run is repeated once", "%s is the third of its call", said(a))
		}
	}
}

// anew reports whether an attempt is a later call's than one that had ended: the call before gave up, and its process
// ended before it could say so, or the operation was asked for again.
func (j *judgement) anew(before, a *credits.Attempt) bool {
	if j.several[a.Key] {
		return true
	}
	return slices.ContainsFunc(j.ends, func(end time.Time) bool { return !end.Before(before.FinishedAt) && !end.After(a.BegunAt) })
}

// said is an attempt in words.
func said(a *credits.Attempt) string {
	if a == nil {
		return "an attempt that there is not"
	}
	return fmt.Sprintf("attempt %s of %s by %s on %s: %q (%s), cost %s, reported %s, usage %+v", a.ID, a.Key, a.Holder, a.Model, a.Fate, a.Error,
		a.Cost.Decimal, a.ReportedCost.Decimal, a.Usage)
}

// told is a request in words, as the upstream saw it.
func told(e *providertest.Entry) string {
	return fmt.Sprintf("request %d (%s, attempt %s, %s, fault %q, billable %t): %d and %d tokens, %d pictures, $%s", e.Seq, e.Route, e.Attempt, e.Model,
		e.Fault, e.Billable, e.InputTokens, e.OutputTokens, e.Images, e.Cost)
}

// covers reports whether the worst case that is on an attempt is at least what was billed for it. What an upstream bills
// beyond the bound that it was sent is nobody's worst case: if its answer is lost as well, that is not known.
func covers(a *credits.Attempt, line *providertest.Entry) bool {
	return line.Fault == string(providertest.ExcessUsage) || a.Cost.Valid && !a.Cost.Decimal.LessThan(billed(line))
}

func billed(line *providertest.Entry) decimal.Decimal {
	d, err := decimal.NewFromString(line.Cost)
	if err != nil {
		return decimal.NewFromInt(1 << 40) // a line without a price equals no cost
	}
	return d
}
