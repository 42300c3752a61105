package credits_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
)

func TestParseAmount(t *testing.T) {
	for s, want := range map[string]credits.Amount{
		"0": 0, "42": 42, "-42": -42, "007": 7, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		if got, err := credits.ParseAmount(s); got != want || err != nil {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", " ", "1 ", "1.0", "1e3", "1_000", "1,000", "0x10", "--1", "9223372036854775808", "-9223372036854775809", "١", strings.Repeat("9", 1000)} {
		got, err := credits.ParseAmount(s)
		if got != 0 || err == nil {
			t.Errorf("ParseAmount(%q) = %d, %v; want an error", s, got, err)
			continue
		}
		wantError(t, err, credits.ErrInvalid)
		wantText(t, err, "credits: amount", "want a whole number of credits")
		if len(err.Error()) > 150 {
			t.Errorf("the error for %d bytes has %d", len(s), len(err.Error()))
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"0", "-1", "+1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e3", "1_0", "", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := credits.ParseAmount(s)
		if err != nil {
			wantError(t, err, credits.ErrInvalid)
			return
		}
		n, ok := new(big.Int).SetString(s, 10)
		if !ok || !n.IsInt64() || n.Int64() != int64(a) {
			t.Fatalf("ParseAmount(%q) = %d, which is not what it says", s, a)
		}
		if b, err := credits.ParseAmount(a.String()); b != a || err != nil {
			t.Fatalf("ParseAmount(%q) = %d, %v; want %d again", a.String(), b, err, a)
		}
	})
}

func TestAmountArithmeticIsExactOrAnError(t *testing.T) {
	edges := []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}
	check := func(fatalf func(string, ...any), a, b int64) {
		for sign, f := range map[int64]func(credits.Amount) (credits.Amount, error){1: credits.Amount(a).Add, -1: credits.Amount(a).Sub} {
			want := new(big.Int).Mul(big.NewInt(b), big.NewInt(sign))
			want.Add(want, big.NewInt(a))
			got, err := f(credits.Amount(b))
			if want.IsInt64() != (err == nil) || err == nil && int64(got) != want.Int64() || err != nil && got != 0 {
				fatalf("%d and %d with sign %d come to %d, %v; want %s", a, b, sign, got, err, want)
			}
		}
	}
	for _, a := range edges {
		for _, b := range edges {
			check(t.Errorf, a, b)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt.Fatalf, rapid.Int64().Draw(rt, "a"), rapid.Int64().Draw(rt, "b"))
	})
	_, err := credits.Amount(math.MaxInt64).Add(1)
	wantError(t, err, credits.ErrOverflow)
	wantText(t, err, "9223372036854775807 + 1")
	_, err = credits.Amount(math.MinInt64).Sub(1)
	wantError(t, err, credits.ErrOverflow)
	wantText(t, err, "-9223372036854775808 - 1")
}
