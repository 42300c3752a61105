package sqlite

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"reflect"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// instant is a column of a time, as microseconds since 1970 in UTC, NULL for the zero time.
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

// values replaces the fields of a row by what they hold, as the driver takes it. database/sql would find it out too, at
// several times the cost: a charge has a hundred of them.
func values(row []any) error {
	for i, field := range row {
		switch f := field.(type) {
		case driver.Valuer:
			v, err := f.Value()
			if err != nil {
				return err
			}
			row[i] = v
		case *[]byte:
			row[i] = *f
		default:
			switch v := reflect.ValueOf(f).Elem(); v.Kind() {
			case reflect.String:
				row[i] = v.String()
			case reflect.Int64:
				row[i] = v.Int()
			default:
				row[i] = v.Interface()
			}
		}
	}
	return nil
}

// hexed is a text as it stands in a list of JSON that a statement gets, where it is CAST(unhex(…) AS TEXT) again. As itself
// it would not survive JSON if it is not UTF-8: the row that has it would not be found.
func hexed[T ~string](text T) string { return hex.EncodeToString([]byte(text)) }

// at is how a time is kept here.
func at(t *time.Time) any { return instant{t} }

// The fields of the rows of the ledger, with the times as they are kept here.

func bucketFields(b *credits.Bucket) []any { return dbstore.BucketFields(b, at) }

func holdFields(h *credits.Hold) []any { return dbstore.HoldFields(h, at) }

func entryFields(e *credits.Entry) []any { return dbstore.EntryFields(e, at) }

func recordFields(r *credits.UsageRecord) []any { return dbstore.RecordFields(r, at) }

func lineFields(l *dbstore.AuditLine) []any { return l.Fields(at) }

func capFields(c *credits.CapRow) []any { return dbstore.CapFields(c, at) }

func totalFields(t *credits.UsageTotal) []any { return dbstore.TotalFields(t, at) }

func eventFields(e *credits.Event) []any { return dbstore.EventFields(e, at) }

func auditHoldFields(h *credits.Hold) []any { return dbstore.AuditHoldFields(h, at) }

func attemptFields(a *credits.Attempt) []any { return dbstore.AttemptFields(a, at) }

// ceilMicro is a bound of a time column that has the same rows on either side as the time itself: columns have whole
// microseconds, and a caller's time may lie between two.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
