package postgres

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/scrip-go/scrip/usage"
)

// The types of this file say how a field is kept in a column. Each points at the field and serves both ways, so that one
// list of a row's fields is the values of its insert and the destinations of its select.

// instant is a time in UTC, NULL for the zero time.
type instant struct{ at *time.Time }

func (c instant) Value() (driver.Value, error) {
	if c.at.IsZero() {
		return nil, nil
	}
	return *c.at, nil
}

func (c instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.at = time.Time{}
	case time.Time:
		*c.at = v.UTC()
	default:
		return fmt.Errorf("postgres: a time is stored as %T", v)
	}
	return nil
}

// span is a duration as microseconds, rounded up so that a positive one stays positive.
type span struct{ d *time.Duration }

func (c span) Value() (driver.Value, error) { return micros(*c.d), nil }

func micros(d time.Duration) int64 { return int64((d + time.Microsecond - 1) / time.Microsecond) }

func (c span) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("postgres: a duration is stored as %T", v)
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
		return fmt.Errorf("postgres: a count is stored as %T", v)
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
		return fmt.Errorf("postgres: a digest is stored as %T of %d bytes", v, len(b))
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
		return fmt.Errorf("postgres: a text is stored as %T", v)
	}
	return nil
}

// list is anything as JSON. Its column is json and not jsonb, which does not take every text that Go writes.
type list struct{ v any }

func (c list) Value() (driver.Value, error) {
	b, err := json.Marshal(c.v)
	return string(b), err
}

func (c list) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), c.v)
	case []byte:
		return json.Unmarshal(v, c.v)
	}
	return fmt.Errorf("postgres: a list is stored as %T", v)
}

// values returns what the fields of a row hold, as the driver sends it. Texts are made storable; a caller refuses those
// that name something before.
func values(fields []any) ([]any, error) {
	out := make([]any, len(fields))
	for i, f := range fields {
		switch f := f.(type) {
		case *string:
			out[i] = clean(*f)
		case *int64:
			out[i] = *f
		case *[]byte:
			if *f != nil {
				out[i] = *f
			}
		case optional:
			if *f.text != "" {
				out[i] = clean(*f.text)
			}
		case driver.Valuer:
			v, err := f.Value()
			if err != nil {
				return nil, err
			}
			out[i] = v
		default:
			v := reflect.ValueOf(f).Elem()
			switch v.Kind() {
			case reflect.String:
				out[i] = clean(v.String())
			case reflect.Int, reflect.Int64:
				out[i] = v.Int()
			default:
				out[i] = v.Interface()
			}
		}
	}
	return out, nil
}
