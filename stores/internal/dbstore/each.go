package dbstore

// Rows is what a query yields, in either driver.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

// Each yields rows until there are no more, one cannot be read, or nobody wants more of them.
func Each[T any](found Rows, fields func(*T) []any, yield func(T, error) bool) {
	for found.Next() {
		var row T
		err := found.Scan(fields(&row)...)
		if !yield(row, err) || err != nil {
			return
		}
	}
	if err := found.Err(); err != nil {
		var none T
		yield(none, err)
	}
}
