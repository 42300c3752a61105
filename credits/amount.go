package credits

import (
	"fmt"
	"math"
	"strconv"
)

// Amount is a number of whole credits. The zero Amount is no credits; a debt is negative.
type Amount int64

// ParseAmount reads a decimal integer such as "-42". It returns an error that matches [ErrInvalid] for anything else,
// and for what does not fit an int64.
func ParseAmount(s string) (Amount, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("credits: amount %.40q: %w: want a whole number of credits", s, ErrInvalid)
	}
	return Amount(n), nil
}

// String returns the amount as a decimal integer.
func (a Amount) String() string { return strconv.FormatInt(int64(a), 10) }

// Add returns a + b, or an error that matches [ErrOverflow] if the sum does not fit.
func (a Amount) Add(b Amount) (Amount, error) {
	if (b > 0 && a > math.MaxInt64-b) || (b < 0 && a < math.MinInt64-b) {
		return 0, fmt.Errorf("credits: %d + %d: %w", a, b, ErrOverflow)
	}
	return a + b, nil
}

// Sub returns a − b, or an error that matches [ErrOverflow] if the difference does not fit.
func (a Amount) Sub(b Amount) (Amount, error) {
	if (b < 0 && a > math.MaxInt64+b) || (b > 0 && a < math.MinInt64+b) {
		return 0, fmt.Errorf("credits: %d - %d: %w", a, b, ErrOverflow)
	}
	return a - b, nil
}

// saturated returns a + b, or the nearest amount if the sum does not fit.
func (a Amount) saturated(b Amount) Amount {
	sum, err := a.Add(b)
	switch {
	case err == nil:
		return sum
	case b > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}
