package sqlite

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// The types of this file say how a field is kept in a column. Each points at the field and serves both ways, so that one
// list of a row's fields is the arguments of its insert and the destinations of its select.

// instant is a time as microseconds since 1970 in UTC, NULL for the zero time.
type instant struct{ at *time.Time }

func (c instant) Value() (driver.Value, error) {
	if c.at.IsZero() {
		return nil, nil
	}
	return c.at.UnixMicro(), nil
}

func (c instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.at = time.Time{}
	case int64:
		*c.at = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("sqlite: a time is stored as %T", v)
	}
	return nil
}

// span is a duration as microseconds, rounded up so that a positive one stays positive.
type span struct{ d *time.Duration }

func (c span) Value() (driver.Value, error) {
	return int64((*c.d + time.Microsecond - 1) / time.Microsecond), nil
}

func (c span) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("sqlite: a duration is stored as %T", v)
	}
	*c.d = time.Duration(us) * time.Microsecond
	return nil
}

// count is a measured number, NULL if it is unknown.
type count struct{ n *usage.Count }

func (c count) Value() (driver.Value, error) {
	if !c.n.Known {
		return nil, nil
	}
	return c.n.N, nil
}

func (c count) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.n = usage.Count{}
	case int64:
		*c.n = usage.Exactly(v)
	default:
		return fmt.Errorf("sqlite: a count is stored as %T", v)
	}
	return nil
}

const usageColumns = `input, cached_input, cache_write, image_input, cached_image_input, output, reasoning, image_output, images`

func usageFields(u *usage.Usage) []any {
	return []any{count{&u.Input}, count{&u.CachedInput}, count{&u.CacheWrite}, count{&u.ImageInput}, count{&u.CachedImageInput},
		count{&u.Output}, count{&u.Reasoning}, count{&u.ImageOutput}, count{&u.Images}}
}

// digest is 32 bytes.
type digest struct{ sum *[32]byte }

func (c digest) Value() (driver.Value, error) { return c.sum[:], nil }

func (c digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(c.sum) {
		return fmt.Errorf("sqlite: a digest is stored as %T of %d bytes", v, len(b))
	}
	copy(c.sum[:], b)
	return nil
}

// optional is a text whose absence is NULL, because a foreign key looks past NULL.
type optional struct{ text *string }

func (c optional) Value() (driver.Value, error) {
	if *c.text == "" {
		return nil, nil
	}
	return *c.text, nil
}

func (c optional) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.text = ""
	case string:
		*c.text = v
	default:
		return fmt.Errorf("sqlite: a text is stored as %T", v)
	}
	return nil
}

// list is anything as JSON.
type list struct{ v any }

func (c list) Value() (driver.Value, error) {
	b, err := json.Marshal(c.v)
	return string(b), err
}

func (c list) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("sqlite: a list is stored as %T", v)
	}
	return json.Unmarshal([]byte(s), c.v)
}

// freshList reads a list where the same place is read into again and again: what was there before stays its reader's.
type freshList[T any] struct{ v *[]T }

func (c freshList[T]) Scan(v any) error {
	*c.v = nil
	return list{c.v}.Scan(v)
}

// clone copies an answer's bytes, which may be the ones that the caller put in or shares with another caller.
func clone(h credits.Held) credits.Held {
	if h.Hold != nil {
		h.Hold.Pinned = bytes.Clone(h.Hold.Pinned)
	}
	if h.Receipt != nil {
		r := *h.Receipt
		r.Result = bytes.Clone(r.Result)
		h.Receipt = &r
	}
	return h
}

// ceilMicro is a bound of a time column that has the same rows on either side as the time itself: columns have whole
// microseconds, and a caller's time may lie between two.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
