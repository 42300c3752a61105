package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/registry"
)

// numbers reads a history up to a length.
func (t *modelTest) numbers(before int64, upTo int) (out []int64) {
	t.Helper()
	for v, err := range t.History(t.Context(), before) {
		must(t, err, fmt.Sprintf("History(%d)", before))
		if out = append(out, v.Number); len(out) == upTo {
			break
		}
	}
	return out
}

func (t *modelTest) wantNumbers(got []int64, call string, newest, oldest int64) {
	t.Helper()
	var want []int64
	for n := newest; n >= oldest; n-- {
		want = append(want, n)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s yields the versions %v, want %v", call, got, want)
	}
}

var historyCases = []testCase[*modelTest]{
	{"ListsHistoryNewestFirst", "History yields every version whole, newest first, with when, who, why and the effective time",
		func(t *modelTest) {
			at := t.clock.now()
			t.save(0, "a")
			t.save(1, "b")
			number, styles := int64(2), []string{"", "a", "b"}
			for v, err := range t.History(t.Context(), 0) {
				must(t, err, "History(0)")
				if number < 1 {
					t.Fatalf("History(0) yields version %d after the first", v.Number)
				}
				t.wantVersion(v, number, styles[number], at)
				number--
			}
			if number != 0 {
				t.Errorf("History(0) ends before version %d", number)
			}
		}},
	{"ListsWhatIsPendingAndWhatWasCancelled", "History has the versions that are still to come and those that never took force",
		func(t *modelTest) {
			t.save(0, "a")
			t.saveAt(1, "cancelled", t.clock.now().Add(time.Hour))
			t.save(2, "b")
			t.saveAt(3, "pending", t.clock.now().Add(time.Hour))
			t.wantNumbers(t.numbers(0, 9), "History(0)", 4, 1)
		}},
	{"ContinuesAHistory", "History yields the versions below a number, and may be left at any",
		func(t *modelTest) {
			for n := range int64(5) {
				t.save(n, "a")
			}
			t.wantNumbers(t.numbers(4, 9), "History(4)", 3, 1)
			t.wantNumbers(t.numbers(4, 2), "History(4), left after two,", 3, 2)
			t.wantNumbers(t.numbers(9, 9), "History(9)", 5, 1)
			t.wantNumbers(t.numbers(1, 9), "History(1)", 0, 1)
			t.wantNumbers(t.numbers(-1, 9), "History(-1)", 0, 1)
		}},
	{"ListsALongHistory", "a history of several pages has no gap and no version twice, and the loop may write between two",
		func(t *modelTest) {
			const long = 45
			for n := range int64(long) {
				t.save(n, "a")
			}
			var got []int64
			for v, err := range t.History(t.Context(), 0) {
				must(t, err, "History(0)")
				if got = append(got, v.Number); v.Number == long {
					t.save(long, "in the loop")
				}
			}
			t.wantNumbers(got, "History(0)", long, 1)
		}},
	{"ListsNothingWithACancelledContext", "a history under a context that is over yields the context's error and ends",
		func(t *modelTest) {
			for saved := range int64(2) { // also where there is nothing to list
				var got []error
				for v, err := range t.History(cancelled(t), 0) {
					if got = append(got, err); v.Number != 0 || len(got) > 1 {
						break
					}
				}
				if len(got) != 1 {
					t.Fatalf("History of %d versions yields %d elements, want the error", saved, len(got))
				}
				wantErr(t, got[0], context.Canceled, "History")
				t.save(saved, "a")
			}
		}},
	{"GoesBackToAnEarlierVersion", "after a rollback, the configuration in force is the earlier one, with no difference, and what was pending is cancelled",
		func(t *modelTest) {
			first := t.save(0, "a")
			t.save(1, "b")
			t.saveAt(2, "pending", t.clock.now().Add(time.Hour))
			r, err := registry.Open(t.Context(), t.ModelStore, &registry.Options{Poll: time.Hour, Now: t.clock.now})
			must(t, err, "Open")
			defer r.Close()
			v, err := r.Rollback(t.Context(), 1, "eve", "b was wrong")
			must(t, err, "Rollback(1)")
			if v.Number != 4 || v.Who != "eve" || v.Why != "b was wrong" {
				t.Errorf("Rollback(1) = version %d by %q, %q, want 4 by eve, b was wrong", v.Number, v.Who, v.Why)
			}
			t.wantInForce(4)
			t.clock.advance(2 * time.Hour)
			t.wantInForce(4)
			v, err = t.Load(t.Context(), 0)
			must(t, err, "Load(0)")
			for _, d := range registry.Diff(first.Configuration, v.Configuration) {
				t.Errorf("after Rollback(1): %v", d)
			}
		}},
}
