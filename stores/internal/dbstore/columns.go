package dbstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/usage"
)

// The types of this file say how a field is kept in a column. Each points at the field and serves both ways, so that one
// list of a row's fields is the arguments of its insert and the destinations of its select.

// Instant returns how a store keeps a time, which is a matter of its database: a Scanner and Valuer that points at the time.
type Instant func(*time.Time) any

// Micros is a duration as microseconds, rounded up so that a positive one stays positive.
func Micros(d time.Duration) int64 {
	us := int64(d / time.Microsecond)
	if d%time.Microsecond > 0 {
		us++
	}
	return us
}

// Span is a duration as Micros.
type Span struct{ D *time.Duration }

// Value implements [driver.Valuer].
func (c Span) Value() (driver.Value, error) { return Micros(*c.D), nil }

// Scan implements sql.Scanner.
func (c Span) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", v)
	}
	d := time.Duration(us) * time.Microsecond
	if int64(d/time.Microsecond) != us {
		return fmt.Errorf("a duration is stored as %d microseconds, more than can be", us)
	}
	*c.D = d
	return nil
}

// Count is a measured number, NULL if it is unknown.
type Count struct{ N *usage.Count }

// Value implements [driver.Valuer].
func (c Count) Value() (driver.Value, error) {
	if !c.N.Known {
		return nil, nil
	}
	return c.N.N, nil
}

// Scan implements sql.Scanner.
func (c Count) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.N = usage.Count{}
	case int64:
		*c.N = usage.Exactly(v)
	default:
		return fmt.Errorf("a count is stored as %T", v)
	}
	return nil
}

// Digest is 32 bytes.
type Digest struct{ Sum *[32]byte }

// Value implements [driver.Valuer].
func (c Digest) Value() (driver.Value, error) { return c.Sum[:], nil }

// Scan implements sql.Scanner.
func (c Digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(c.Sum) {
		return fmt.Errorf("a digest is stored as %T of %d bytes", v, len(b))
	}
	copy(c.Sum[:], b)
	return nil
}

// Optional is a text whose absence is NULL, because a foreign key looks past NULL.
type Optional struct{ Text *string }

// Value implements [driver.Valuer].
func (c Optional) Value() (driver.Value, error) {
	if *c.Text == "" {
		return nil, nil
	}
	return *c.Text, nil
}

// Scan implements sql.Scanner.
func (c Optional) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.Text = ""
	case string:
		*c.Text = v
	default:
		return fmt.Errorf("a text is stored as %T", v)
	}
	return nil
}

// List is anything as JSON.
type List struct{ V any }

// Value implements [driver.Valuer].
func (c List) Value() (driver.Value, error) {
	b, err := json.Marshal(c.V)
	return string(b), err
}

// Scan implements sql.Scanner. A driver has a column of text as a string and one of JSON as bytes.
func (c List) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), c.V)
	case []byte:
		return json.Unmarshal(v, c.V)
	}
	return fmt.Errorf("a list is stored as %T", v)
}
