package postgres

import (
	"fmt"

	"github.com/scrip-go/scrip/credits"
)

// storableOp returns a mutation as it can be stored. What names something, or is compared when the key comes again, must
// be storable as it is; what providers said is made so before anything is decided, because the hash of an entry covers
// it. Errors: credits.ErrInvalid.
func storableOp(op credits.Op) (credits.Op, error) {
	ref := op.Ref()
	names := []string{string(ref.Account), string(ref.Key)}
	switch r := op.(type) {
	case credits.Grant:
		names = append(names, string(r.Kind), r.Note)
	case credits.Adjust:
		names = append(names, r.Who, r.Why)
	case credits.Refund:
		names = append(names, string(r.Charge), r.Who, r.Why)
	case credits.Charge:
		names = append(names, r.Operation, r.Scope, r.Record.Attempt)
		r.Record = cleanRecord(r.Record)
		op = r
	case credits.HoldRequest:
		names = append(names, r.Operation, r.Scope, r.Holder.ID, r.First.ID)
		r.First = cleanAttempt(r.First)
		op = r
	case credits.SettleRequest:
		names = append(names, r.Record.Attempt, r.Last.ID)
		r.Record, r.Last = cleanRecord(r.Record), cleanAttempt(r.Last)
		op = r
	case credits.ReleaseRequest:
		names = append(names, r.Holder.ID, r.Last.ID)
		r.Last = cleanAttempt(r.Last)
		op = r
	case credits.BeginRequest:
		names = append(names, r.Holder.ID, r.Attempt.ID)
		r.Attempt = cleanAttempt(r.Attempt)
		op = r
	case credits.FinishRequest:
		names = append(names, r.Attempt.ID)
		r.Attempt = cleanAttempt(r.Attempt)
		op = r
	case credits.ExtendRequest:
		names = append(names, r.Holder.ID)
	case credits.Cap:
		names = append(names, r.Name, r.Operation, r.Scope)
	case credits.RemoveCap:
		names = append(names, r.Name)
	}
	if !storable(names...) {
		return nil, fmt.Errorf("postgres: account %q: key %q: %w: names and notes must be UTF-8 without NUL", ref.Account, ref.Key, credits.ErrInvalid)
	}
	return op, nil
}

func cleanRecord(r credits.UsageRecord) credits.UsageRecord {
	r.Provider, r.Model = clean(r.Provider), clean(r.Model)
	return r
}

func cleanAttempt(a credits.Attempt) credits.Attempt {
	for _, s := range []*string{&a.Provider, &a.Model, &a.KeyID, &a.JobID, &a.RequestID, &a.Fate, &a.Error} {
		*s = clean(*s)
	}
	return a
}
