package ledgerproof_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/scrip-go/scrip/credits"
)

// frame is a state in the search for an order: the account, and which calls have their place. It lets the model see what
// else could go next.
type frame struct {
	account
	placed [maxHistory / 64]uint64
}

// maxHistory is how many calls of one account a history may have.
const maxHistory = 512

// model explains calls of one account, which are sorted by their beginning; the clock began at start. An op's Account is
// its place among them.
//
// Calls that changed nothing make a search explode: each fits anywhere in a stretch of the order, and so does each subset
// of them. But if there is an order at all, there is one in which such a call stands as early as it fits. So the model lets
// nothing pass while one fits, and of several takes the first. Whether a call changes nothing depends on where it stands: a
// grant may be the first of its key or not, and also a refusal is a decision, which begins with what expires. But what
// changes nothing in one place and says the same in a later one changes nothing there either, until the clock goes on.
func model(calls []porcupine.Operation, start int64) porcupine.Model {
	observes := make([]bool, len(calls))
	var answered [maxHistory / 64]uint64
	for i, c := range calls {
		observes[i] = observer(c.Input.(op), c.Output.(answer))
		if c.Output.(answer).Err != errContext {
			answered[i/64] |= 1 << (i % 64)
		}
	}
	over := func(f *frame) bool { // only calls without an answer are left
		for word, placed := range f.placed {
			if answered[word]&^placed != 0 {
				return false
			}
		}
		return true
	}
	// ahead reports whether a call that changes nothing has to come before the one at the given place.
	ahead := func(f *frame, at int) bool {
		first := int64(math.MaxInt64) // the end of a call without a place: what began after it cannot be next
		for word, placed := range f.placed {
			for free := ^placed; free != 0; free &= free - 1 {
				i := word*64 + bits.TrailingZeros64(free)
				if i >= len(calls) || calls[i].Call > first {
					return false
				}
				if observes[i] && i == at {
					return false
				}
				if observes[i] {
					if next := f.account; next.apply(calls[i].Input.(op)) == calls[i].Output.(answer) && next == f.account {
						return true
					}
				}
				first = min(first, calls[i].Return)
			}
		}
		return false
	}
	return porcupine.Model{
		Init: func() any { return &frame{account: account{now: start}} },
		Step: func(state, input, output any) (bool, any) {
			f, o, said := state.(*frame), input.(op), output.(answer)
			next := *f
			want := next.apply(o)
			next.placed[o.Account/64] |= 1 << (o.Account % 64)
			switch {
			case said.Err == errContext && next.account == f.account:
				return over(f), &next // it may as well stand at the end
			case said != want && said.Err != errContext, ahead(f, o.Account):
				return false, nil
			}
			return true, &next
		},
		Equal:             func(a, b any) bool { return *a.(*frame) == *b.(*frame) },
		DescribeOperation: describe,
	}
}

// observer reports whether a call can be one that changed nothing and would not later, to judge by what it said.
func observer(o op, said answer) bool {
	if !o.writes() {
		return o.Kind != advance
	}
	switch o.Kind {
	case grant, renew, adjust, refund:
		return said.Err != errContext
	}
	return said.Err != "" && said.Err != errContext || o.Kind == hold && said.State == credits.Settled ||
		(o.Kind == settle && o.Attempt == 0 || o.Kind == charge) && said.Result != o.ID
}

func describe(input, output any) string {
	return strings.ReplaceAll(text(input)+" → "+text(output), `"`, "")
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// partition splits a history.
func partition(ops []porcupine.Operation, by func(op) int64) [][]porcupine.Operation {
	parts := map[int64][]porcupine.Operation{}
	for _, o := range ops {
		at := by(o.Input.(op))
		parts[at] = append(parts[at], o)
	}
	out := make([][]porcupine.Operation, 0, len(parts))
	for _, at := range slices.Sorted(maps.Keys(parts)) {
		out = append(out, parts[at])
	}
	return out
}

// patience is how long one history may be thought about. What is not decided then is a failure too.
const patience = 20 * time.Second

// check returns why the history of any number of accounts has no explanation, or "".
func check(ops []porcupine.Operation, start int64) string {
	for _, part := range partition(ops, func(o op) int64 { return int64(o.Account) }) {
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		for i := range part {
			o := part[i].Input.(op)
			o.Account = i
			part[i].Input = o
		}
		m := model(part, start)
		if result := porcupine.CheckOperationsTimeout(m, part, patience); result != porcupine.Ok {
			return fmt.Sprintf("%s:\n%s", result, explain(m, part))
		}
	}
	return ""
}

// explain tells the longest explanation that was found, and what does not fit behind it.
func explain(m porcupine.Model, part []porcupine.Operation) string {
	_, info := porcupine.CheckOperationsVerbose(m, part, patience)
	var longest []porcupine.Operation
	for _, partial := range info.PartialLinearizationsOperations()[0] {
		if len(partial) > len(longest) {
			longest = partial
		}
	}
	var b strings.Builder
	tell := func(o porcupine.Operation) {
		fmt.Fprintf(&b, "  [%d, %d] %s\n", o.Call, o.Return, m.DescribeOperation(o.Input, o.Output))
	}
	fmt.Fprintf(&b, "%d of %d calls have an order; its end:\n", len(longest), len(part))
	for _, o := range longest[max(0, len(longest)-20):] {
		tell(o)
	}
	b.WriteString("none of these fits next:\n")
	told := 0
	for _, o := range part {
		placed := slices.ContainsFunc(longest, func(l porcupine.Operation) bool { return l.Call == o.Call })
		if !placed && told < 20 {
			tell(o)
			told++
		}
	}
	return b.String()
}
