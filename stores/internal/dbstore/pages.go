package dbstore

import (
	"iter"
	"math"
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

// PagesOf is Pages without a limit, by pages of a size.
func PagesOf[T any](size int, fetch func(last *T, limit int) ([]T, error)) iter.Seq2[T, error] {
	return pages(size, 0, fetch)
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
