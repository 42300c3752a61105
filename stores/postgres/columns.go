package postgres

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// instant is a column of a time, in UTC, NULL for the zero time.
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

// at is how a time is kept here.
func at(t *time.Time) any { return instant{t} }

// The fields of the rows of the ledger, with the times as they are kept here.

func bucketFields(b *credits.Bucket) []any { return dbstore.BucketFields(b, at) }

func holdFields(h *credits.Hold) []any { return dbstore.HoldFields(h, at) }

func entryFields(e *credits.Entry) []any { return dbstore.EntryFields(e, at) }

func recordFields(r *credits.UsageRecord) []any { return dbstore.RecordFields(r, at) }

func capFields(c *credits.CapRow) []any { return dbstore.CapFields(c, at) }

func totalFields(t *credits.UsageTotal) []any { return dbstore.TotalFields(t, at) }

func eventFields(e *credits.Event) []any { return dbstore.EventFields(e, at) }

func auditHoldFields(h *credits.Hold) []any { return dbstore.AuditHoldFields(h, at) }

func lineFields(l *dbstore.AuditLine) []any { return l.Fields(at) }

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
		case dbstore.Optional:
			if *f.Text != "" {
				out[i] = clean(*f.Text)
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
