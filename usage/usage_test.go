package usage_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/usage"
)

func TestUnknownIsNotZero(t *testing.T) {
	if (usage.Count{}) == usage.Exactly(0) || !(usage.Count{}).IsZero() || usage.Exactly(0).IsZero() {
		t.Error("an unknown count and a count of zero are the same")
	}
	if !(usage.Usage{}).IsZero() || usage.Tokens(0, 0).IsZero() || usage.Images(0).IsZero() {
		t.Error("a usage of nothing known and a usage of zero are the same")
	}
}

func TestJSON(t *testing.T) {
	all := usage.Usage{Input: usage.Exactly(1), CachedInput: usage.Exactly(2), CacheWrite: usage.Exactly(3), ImageInput: usage.Exactly(4),
		CachedImageInput: usage.Exactly(5), Output: usage.Exactly(6), Reasoning: usage.Exactly(7), ImageOutput: usage.Exactly(8), Images: usage.Exactly(9)}
	for _, c := range []struct {
		rule string
		u    usage.Usage
		json string
	}{
		{"NothingKnownIsAnEmptyObject", usage.Usage{}, `{}`},
		{"ZeroIsWritten", usage.Tokens(0, 0), `{"input":0,"output":0}`},
		{"PicturesAreWritten", usage.Images(2), `{"images":2}`},
		{"EveryClassHasItsName", all, `{"input":1,"cached_input":2,"cache_write":3,"image_input":4,"cached_image_input":5,"output":6,"reasoning":7,"image_output":8,"images":9}`},
		{"TheLargestIsExact", usage.Tokens(math.MaxInt64, 0), `{"input":9223372036854775807,"output":0}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b, err := json.Marshal(c.u)
			if err != nil || string(b) != c.json {
				t.Errorf("JSON of %+v is %s, %v; want %s", c.u, b, err, c.json)
			}
			var got usage.Usage
			if err := json.Unmarshal(b, &got); err != nil || got != c.u {
				t.Errorf("%s is read as %+v, %v; want %+v", b, got, err, c.u)
			}
		})
	}
	t.Run("NullIsUnknown", func(t *testing.T) {
		got := usage.Tokens(1, 2)
		if err := json.Unmarshal([]byte(`{"input":null}`), &got); err != nil || got != (usage.Usage{Output: usage.Exactly(2)}) {
			t.Errorf("read as %+v, %v; want the input unknown", got, err)
		}
		b, err := json.Marshal([]usage.Count{{}, usage.Exactly(0)})
		if string(b) != "[null,0]" || err != nil {
			t.Errorf("JSON is %s, %v; want [null,0]", b, err)
		}
	})
	t.Run("WhatIsNoCountIsRefused", func(t *testing.T) {
		for _, bad := range []string{`1.5`, `"1"`, `true`, `{}`, `9223372036854775808`} {
			var got usage.Usage
			if err := json.Unmarshal([]byte(`{"input":`+bad+`}`), &got); err == nil {
				t.Errorf("%s is read as %+v", bad, got)
			}
		}
	})
}

func TestSumsAreOverTheClassesThatAreKnown(t *testing.T) {
	u := usage.Usage{Input: usage.Exactly(1), CachedInput: usage.Exactly(10), CacheWrite: usage.Exactly(100), ImageInput: usage.Exactly(1000),
		CachedImageInput: usage.Exactly(10_000), Output: usage.Exactly(2), Reasoning: usage.Exactly(20), ImageOutput: usage.Exactly(200), Images: usage.Exactly(7)}
	if in, out, err := u.TokenSums(); in != 11_111 || out != 222 || err != nil {
		t.Errorf("TokenSums = %d, %d, %v; want 11111 and 222: pictures are no tokens", in, out, err)
	}
	if in, out, err := (usage.Usage{Input: usage.Count{N: 7}}).TokenSums(); in != 0 || out != 0 || err != nil {
		t.Errorf("TokenSums of an unknown count = %d, %d, %v; want nothing", in, out, err)
	}
}

func TestTheClassesAreThoseOfTheFields(t *testing.T) {
	var u usage.Usage
	fields := reflect.ValueOf(&u).Elem()
	for i := range fields.NumField() {
		fields.Field(i).Set(reflect.ValueOf(usage.Exactly(int64(i))))
	}
	classes := u.Classes()
	if len(classes) != fields.NumField() {
		t.Fatalf("there are %d classes and %d fields", len(classes), fields.NumField())
	}
	for i, c := range classes {
		if c != usage.Exactly(int64(i)) {
			t.Errorf("class %d is %+v, want that of the field %s", i, c, fields.Type().Field(i).Name)
		}
	}
}

func TestWhatCannotBeTrueIsRefused(t *testing.T) {
	most := usage.Exactly(math.MaxInt64)
	for rule, u := range map[string]usage.Usage{
		"ANegativeCount":                 {Output: usage.Exactly(-1)},
		"ANegativeNumberOfPictures":      usage.Images(-1),
		"InputThatDoesNotFit":            {Input: most, CachedInput: usage.Exactly(1)},
		"OutputThatDoesNotFit":           {Output: most, Reasoning: usage.Exactly(1)},
		"InputAndOutputThatDoNotFit":     {Input: most, Output: usage.Exactly(1)},
		"TheLargestBesideTheSmallestOne": {Input: most, CachedInput: usage.Exactly(math.MinInt64)},
	} {
		t.Run(rule, func(t *testing.T) {
			if err := u.Validate(); !errors.Is(err, usage.ErrInvalid) || !strings.HasPrefix(err.Error(), "usage: ") {
				t.Errorf("Validate(%+v) = %v, want ErrInvalid", u, err)
			}
		})
	}
	for _, u := range []usage.Usage{{}, usage.Tokens(math.MaxInt64, 0), {Images: most, Input: most}, {Input: usage.Count{N: -1}}} {
		if err := u.Validate(); err != nil {
			t.Errorf("Validate(%+v) = %v", u, err)
		}
	}
}

func TestASaturatedSumStaysAtTheLargest(t *testing.T) {
	for _, c := range []struct {
		rule       string
		a, b, want usage.Usage
	}{
		{"WhatFitsIsAdded", usage.Tokens(1, 2), usage.Tokens(10, 20), usage.Tokens(11, 22)},
		{"WhatJustFitsToo", usage.Tokens(math.MaxInt64-1, 0), usage.Tokens(1, 0), usage.Tokens(math.MaxInt64, 0)},
		{"WhatDoesNotStays", usage.Tokens(math.MaxInt64, 2), usage.Tokens(1, 20), usage.Tokens(math.MaxInt64, 22)},
		{"AClassKnownOnOneSideStays", usage.Tokens(1, 2), usage.Images(3), usage.Usage{Input: usage.Exactly(1), Output: usage.Exactly(2), Images: usage.Exactly(3)}},
		{"AnUnknownCountAddsNothing", usage.Tokens(1, 2), usage.Usage{Input: usage.Count{N: 99}}, usage.Tokens(1, 2)},
		{"WhatBothDoNotKnowStaysUnknown", usage.Usage{}, usage.Usage{}, usage.Usage{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := c.a.Saturated(c.b); got != c.want {
				t.Errorf("%+v.Saturated(%+v) = %+v, want %+v", c.a, c.b, got, c.want)
			}
			if got := c.b.Saturated(c.a); got != c.want && c.rule != "AnUnknownCountAddsNothing" {
				t.Errorf("%+v.Saturated(%+v) = %+v, want %+v", c.b, c.a, got, c.want)
			}
		})
	}
	t.Run("OfEveryClass", func(t *testing.T) {
		for i := range reflect.TypeFor[usage.Usage]().NumField() {
			var a, want usage.Usage
			reflect.ValueOf(&a).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(math.MaxInt64 - 1)))
			reflect.ValueOf(&want).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(math.MaxInt64)))
			if got := a.Saturated(a); got != want {
				t.Errorf("%+v.Saturated(itself) = %+v", a, got)
			}
		}
	})
}

func TestAddIsByClass(t *testing.T) {
	for _, c := range []struct {
		rule       string
		a, b, want usage.Usage
	}{
		{"KnownCountsAreAdded", usage.Tokens(1, 2), usage.Tokens(10, 20), usage.Tokens(11, 22)},
		{"AClassKnownOnOneSideStays", usage.Tokens(1, 2), usage.Images(3), usage.Usage{Input: usage.Exactly(1), Output: usage.Exactly(2), Images: usage.Exactly(3)}},
		{"WhatBothDoNotKnowStaysUnknown", usage.Usage{}, usage.Usage{}, usage.Usage{}},
		{"AnUnknownCountAddsNothing", usage.Tokens(1, 2), usage.Usage{Input: usage.Count{N: 99}}, usage.Tokens(1, 2)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got, err := c.a.Add(c.b); got != c.want || err != nil {
				t.Errorf("%+v.Add(%+v) = %+v, %v; want %+v", c.a, c.b, got, err, c.want)
			}
		})
	}
	for _, b := range []usage.Usage{usage.Tokens(math.MaxInt64, 0), usage.Tokens(-1, 0)} {
		if got, err := usage.Tokens(1, 1).Add(b); !errors.Is(err, usage.ErrInvalid) || !got.IsZero() {
			t.Errorf("Add(%+v) = %+v, %v; want ErrInvalid", b, got, err)
		}
	}
	t.Run("OfEveryClass", func(t *testing.T) {
		for i := range reflect.TypeFor[usage.Usage]().NumField() {
			var a, b, want usage.Usage
			reflect.ValueOf(&a).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(2)))
			reflect.ValueOf(&b).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(3)))
			reflect.ValueOf(&want).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(5)))
			if got, err := a.Add(b); got != want || err != nil {
				t.Errorf("%+v.Add(%+v) = %+v, %v", a, b, got, err)
			}
		}
	})
	rapid.Check(t, func(rt *rapid.T) { // the order does not matter, and no token is lost
		draw := func() (u usage.Usage) {
			for i := range reflect.TypeFor[usage.Usage]().NumField() {
				if rapid.Bool().Draw(rt, "known") {
					reflect.ValueOf(&u).Elem().Field(i).Set(reflect.ValueOf(usage.Exactly(rapid.Int64Range(0, 1e9).Draw(rt, "n"))))
				}
			}
			return u
		}
		a, b := draw(), draw()
		ab, err1 := a.Add(b)
		ba, err2 := b.Add(a)
		in, out, err3 := ab.TokenSums()
		ain, aout, _ := a.TokenSums()
		bin, bout, _ := b.TokenSums()
		if err := errors.Join(err1, err2, err3); err != nil || ab != ba || in != ain+bin || out != aout+bout {
			rt.Fatalf("%+v and %+v come to %+v and %+v, %v", a, b, ab, ba, err)
		}
	})
}
