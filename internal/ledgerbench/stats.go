package main

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

// bar is what a ratio has to reach, or must not pass. The zero bar is none.
type bar struct {
	limit float64
	most  bool // it is the most there may be, and not the least
}

func atLeast(limit float64) bar { return bar{limit: limit} }

func atMost(limit float64) bar { return bar{limit: limit, most: true} }

func (b bar) met(ratio float64) bool {
	if b.most {
		return ratio <= b.limit
	}
	return ratio >= b.limit
}
