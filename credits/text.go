package credits

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// AsText returns a mutation as a store can keep it whose texts are UTF-8 without NUL: that of a database that refuses other
// bytes, or would put something else in their place. A name or a note that is not such a text is refused, because two names
// must not become one; the error matches [ErrInvalid]. What a provider said of a call has U+FFFD in place of what is not text,
// because an answer that was paid for is not to be lost for a byte that came with it. Such a store calls it before
// [State.Apply] and not when it saves: the hash of an entry covers what was decided on. Results and pins are bytes, and stay
// as they are.
func AsText(op Op) (Op, error) {
	ref := op.Ref()
	names := []string{string(ref.Account), string(ref.Key)}
	switch r := op.(type) {
	case Grant:
		names = append(names, string(r.Kind), r.Note)
	case Adjust:
		names = append(names, r.Who, r.Why)
	case Refund:
		names = append(names, string(r.Charge), r.Who, r.Why)
	case Charge:
		names = append(names, r.Operation, r.Scope, r.Record.Attempt)
		r.Record.asText()
		op = r
	case HoldRequest:
		names = append(names, r.Operation, r.Scope, r.Holder.ID, r.First.ID)
		r.First.asText()
		op = r
	case SettleRequest:
		names = append(names, r.Record.Attempt, r.Last.ID)
		r.Record.asText()
		r.Last.asText()
		op = r
	case ReleaseRequest:
		names = append(names, r.Holder.ID, r.Last.ID)
		r.Last.asText()
		op = r
	case BeginRequest:
		names = append(names, r.Holder.ID, r.Attempt.ID)
		r.Attempt.asText()
		op = r
	case FinishRequest:
		names = append(names, r.Attempt.ID)
		r.Attempt.asText()
		op = r
	case ExtendRequest:
		names = append(names, r.Holder.ID)
	case Cap:
		names = append(names, r.Name, r.Operation, r.Scope)
	case RemoveCap:
		names = append(names, r.Name)
	}
	for _, name := range names {
		if !isText(name) {
			return nil, fmt.Errorf("credits: account %q: key %q: %w: names and notes must be UTF-8 without NUL here", ref.Account, ref.Key, ErrInvalid)
		}
	}
	return op, nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func (r *UsageRecord) asText() { asText(&r.Provider, &r.Model, &r.Shadow.Reason) }

func (a *Attempt) asText() {
	asText(&a.Provider, &a.Model, &a.KeyID, &a.JobID, &a.RequestID, &a.Fate, &a.Error)
}

func asText(texts ...*string) {
	for _, s := range texts {
		if !isText(*s) {
			*s = strings.ReplaceAll(strings.ToValidUTF8(*s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
}
