package dbstore

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// FuzzScan reads whatever may be in a column: what somebody edited must be an error or a value, and never a panic, and
// what was read is written as it is read.
func FuzzScan(f *testing.F) {
	f.Add("", int64(0), 0)
	f.Add(`[{"bucket":1,"amount":5}]`, int64(-1), 1)
	f.Add(`[{"bucket":1,"amount":9223372036854775808}]`, int64(1<<62), 2)
	f.Add(`{"bucket":`, int64(7), 1)
	f.Add("0123456789abcdef0123456789abcdef", int64(7), 2)
	f.Fuzz(func(t *testing.T, text string, n int64, kind int) {
		var stored any
		switch kind & 3 {
		case 0:
			stored = n
		case 1:
			stored = text
		case 2:
			stored = []byte(text)
		}
		var span, span2 time.Duration
		var count, count2 usage.Count
		var digest, digest2 [32]byte
		var optional, optional2 string
		var lots, lots2 []credits.Lot
		var version, version2 credits.Shadow
		amount, amount2 := credits.Shadow{Version: 1}, credits.Shadow{Version: 1} // one without a version has none
		for _, c := range []struct {
			column, again sql.Scanner
			read, reread  any
		}{
			{Span{&span}, Span{&span2}, &span, &span2},
			{Count{&count}, Count{&count2}, &count, &count2},
			{Digest{&digest}, Digest{&digest2}, &digest, &digest2},
			{Optional{&optional}, Optional{&optional2}, &optional, &optional2},
			{Lots{&lots}, Lots{&lots2}, &lots, &lots2},
			{shadowVersion{&version}, shadowVersion{&version2}, &version, &version2},
			{shadowCredits{&amount}, shadowCredits{&amount2}, &amount, &amount2},
		} {
			if c.column.Scan(stored) != nil {
				continue
			}
			written, err := c.column.(driver.Valuer).Value()
			if err != nil {
				t.Fatalf("%T was read as %v and cannot be written: %v", c.column, c.read, err)
			}
			if err := c.again.Scan(written); err != nil || !reflect.DeepEqual(c.read, c.reread) {
				t.Fatalf("%T was read as %v, and then as %v, %v", c.column, c.read, c.reread, err)
			}
		}
		var line AuditLine
		for _, field := range line.Fields(func(at *time.Time) any { return &sql.NullInt64{} }) {
			if s, ok := field.(sql.Scanner); ok {
				_ = s.Scan(stored)
			}
		}
		line.holdState = sql.NullString{String: text, Valid: true}
		line.holdLots = sql.NullString{String: text, Valid: true}
		audit := credits.NewAudit(credits.AccountRow{})
		audit.Line(line.Line())
		audit.Report()
	})
}
