package dbstore

import (
	"cmp"
	"iter"
	"math"

	"github.com/scrip-go/scrip/credits"
)

// page is how many rows a sequence reads at once. Between two pages nothing is open: the loop may take its time, or call
// the store.
const page = 500

// Documents is the size of a page of rows that are whole documents: some tens of kilobytes each.
const Documents = 20

// Pages yields the rows of a query page by page. fetch returns at most limit rows behind the last one, nil at first.
func Pages[T any](limit int, fetch func(last *T, limit int) ([]T, error)) iter.Seq2[T, error] {
	return pages(page, limit, fetch)
}

// Descending yields the rows with numbers below before, the highest first, by pages of a size; all of them if before is 0.
// fetch returns at most limit rows with numbers below one.
func Descending[T any](size int, before int64, number func(*T) int64, fetch func(below int64, limit int) ([]T, error)) iter.Seq2[T, error] {
	if before == 0 {
		before = math.MaxInt64
	}
	return pages(size, 0, func(last *T, limit int) ([]T, error) {
		if last != nil {
			return fetch(number(last), limit)
		}
		return fetch(before, limit)
	})
}

func pages[T any](size, limit int, fetch func(last *T, limit int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := limit
		if left <= 0 {
			left = math.MaxInt
		}
		var last *T
		for left > 0 {
			want := min(left, size)
			found, err := fetch(last, want)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range found {
				if !yield(row, nil) {
					return
				}
			}
			if len(found) < want {
				return
			}
			left -= len(found)
			last = &found[len(found)-1]
		}
	}
}

// PageOfEntries says which entries are read behind the last one, nil at first: by which of two statements, and between which
// numbers.
func PageOfEntries(q credits.EntryQuery, last *credits.Entry, ascending, descending string) (text string, after, before int64) {
	text, after, before = ascending, q.After, cmp.Or(q.Before, math.MaxInt64)
	if q.Newest {
		text = descending
	}
	switch {
	case last == nil:
	case q.Newest:
		before = last.Number
	default:
		after = last.Number
	}
	return text, after, before
}
