package dbstore

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

// Lots are written and read by hand, and must come out as encoding/json has them.

func TestLotsAreWrittenAsJSON(t *testing.T) {
	for _, lots := range [][]credits.Lot{
		nil, {}, {{}}, {{Bucket: 1, Amount: 7}}, {{Bucket: 1, Amount: 7}, {Bucket: 12, Amount: -30}},
		{{Bucket: math.MaxInt64, Amount: math.MinInt64}, {Bucket: math.MinInt64, Amount: math.MaxInt64}, {Bucket: 0, Amount: 10}},
	} {
		want, err := json.Marshal(lots)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Lots{&lots}.Value()
		if err != nil || got != string(want) {
			t.Errorf("Value of %v = %v, %v, want %s", lots, got, err, want)
		}
		if _, byHand := parseLots(string(want)); byHand != (len(lots) > 0) {
			t.Errorf("%s is read by hand: %t, want that of all that have a lot", want, byHand)
		}
		sameAsJSON(t, string(want))
	}
}

func FuzzLots(f *testing.F) {
	for _, text := range []string{
		`[{"bucket":1,"amount":5}]`, `[{"bucket":1,"amount":5},{"bucket":-20,"amount":0}]`, `[]`, `null`, ``, `[`, `[{}]`,
		`[{"bucket":1,"amount":5},]`, `[{"bucket":1,"amount":5}`, `[{"bucket":1,"amount":5}]]`, `[{"bucket":1,"amount":5}] `,
		`[{"bucket":01,"amount":5}]`, `[{"bucket":-01,"amount":5}]`, `[{"bucket":-0,"amount":5}]`, `[{"bucket":-,"amount":5}]`,
		`[{"bucket":1-1,"amount":5}]`, `[{"bucket":--1,"amount":5}]`, `[{"bucket":1.5,"amount":5}]`, `[{"bucket":1e3,"amount":5}]`,
		`[{"bucket":9223372036854775808,"amount":5}]`, `[{"amount":5,"bucket":1}]`, `[{"bucket":1,"amount":5,"more":2}]`,
		`[ {"bucket": 1, "amount": 5} ]`, `[{"bucket":,"amount":5}]`, `[{"bucket":1,"amount":`,
	} {
		f.Add(text)
	}
	f.Fuzz(sameAsJSON)
}

func sameAsJSON(t *testing.T, text string) {
	var want []credits.Lot
	wantErr := json.Unmarshal([]byte(text), &want)
	for _, stored := range []any{text, []byte(text)} {
		before := []credits.Lot{{Bucket: 3, Amount: 4}}
		got := before
		err := Lots{&got}.Scan(stored)
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read from %T as %#v, %v, want %#v, %v", text, stored, got, err, want, wantErr)
		}
		if before[0] != (credits.Lot{Bucket: 3, Amount: 4}) {
			t.Errorf("%q was read over the list that was there before", text)
		}
	}
}
