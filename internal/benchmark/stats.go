package benchmark

import "slices"

// median returns the middle value, or the mean of the two in the middle; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	return (low + high) / 2
}

// ratios divides round by round, so that both sides of a ratio were measured beside each other.
func ratios(scrip, against []float64) (out []float64) {
	for i := range min(len(scrip), len(against)) {
		if against[i] != 0 {
			out = append(out, scrip[i]/against[i])
		}
	}
	return out
}

// Bar is what a ratio has to reach, or must not pass. The zero Bar is none.
type Bar struct {
	limit float64
	most  bool // it is the most there may be, and not the least
}

// AtLeast is a bar that a ratio has to reach.
func AtLeast(limit float64) Bar { return Bar{limit: limit} }

// AtMost is a bar that a ratio must not pass.
func AtMost(limit float64) Bar { return Bar{limit: limit, most: true} }

func (b Bar) met(ratio float64) bool {
	if b.most {
		return ratio <= b.limit
	}
	return ratio >= b.limit
}
