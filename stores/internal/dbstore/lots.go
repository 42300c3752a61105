package dbstore

import (
	"database/sql/driver"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/scrip-go/scrip/credits"
)

// Lots is a list of lots, as List keeps one. Every entry and every hold has one, nearly always of one lot, and for
// encoding/json it is a quarter of the work to read them. What is not exactly as it is written here is left to
// encoding/json. Reading makes a new list: the one that was there before stays its reader's.
type Lots struct{ V *[]credits.Lot }

const (
	lotBucket = `{"bucket":`
	lotAmount = `,"amount":`
)

// Value implements [driver.Valuer].
func (c Lots) Value() (driver.Value, error) {
	if *c.V == nil {
		return "null", nil
	}
	b := make([]byte, 0, 48)
	b = append(b, '[')
	for i, l := range *c.V {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, lotBucket...), l.Bucket, 10)
		b = strconv.AppendInt(append(b, lotAmount...), int64(l.Amount), 10)
		b = append(b, '}')
	}
	return string(append(b, ']')), nil
}

// Scan implements sql.Scanner.
func (c Lots) Scan(v any) error {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return List{c.V}.Scan(v)
	}
	lots, ok := parseLots(text)
	*c.V = lots
	if ok {
		return nil
	}
	return json.Unmarshal([]byte(text), c.V)
}

// parseLots reads what Value writes of one lot or more, and nothing else.
func parseLots(text string) ([]credits.Lot, bool) {
	rest, ok := strings.CutPrefix(text, "[")
	if !ok {
		return nil, false
	}
	lots := make([]credits.Lot, 0, 1)
	for {
		var bucket, amount int64
		if bucket, rest, ok = cutNumber(rest, lotBucket); !ok {
			return nil, false
		}
		if amount, rest, ok = cutNumber(rest, lotAmount); !ok {
			return nil, false
		}
		lots = append(lots, credits.Lot{Bucket: bucket, Amount: credits.Amount(amount)})
		if rest == "}]" {
			return lots, true
		}
		if rest, ok = strings.CutPrefix(rest, "},"); !ok {
			return nil, false
		}
	}
}

// cutNumber takes a prefix and the whole number after it off a text. JSON has no numbers that begin with 0, but 0 itself.
func cutNumber(text, prefix string) (n int64, rest string, ok bool) {
	if text, ok = strings.CutPrefix(text, prefix); !ok {
		return 0, "", false
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r != '-' && (r < '0' || r > '9') })
	if end < 1 || end > 1 && strings.TrimPrefix(text, "-")[0] == '0' {
		return 0, "", false
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	return n, text[end:], err == nil
}
