package runware

import (
	"maps"
	"slices"
)

// Codes returns the error codes that have a row.
func Codes() []string { return slices.Sorted(maps.Keys(codes)) }
