package dbstore

import (
	"database/sql/driver"
	"fmt"

	"github.com/scrip-go/scrip/credits"
)

// What a usage record says of a candidate is in columns of their own, which were added to the table: a row without a
// shadow has NULL in all of them, as those have that a release wrote which does not know them.

const shadowColumns = `shadow_version, shadow_credits, shadow_reason`

func shadowFields(s *credits.Shadow) []any {
	return []any{shadowVersion{s}, shadowCredits{s}, Optional{&s.Reason}}
}

// shadowVersion is the version of a shadow, NULL if there is none.
type shadowVersion struct{ s *credits.Shadow }

// Value implements [driver.Valuer].
func (c shadowVersion) Value() (driver.Value, error) {
	if c.s.Version == 0 {
		return nil, nil
	}
	return c.s.Version, nil
}

// Scan implements sql.Scanner.
func (c shadowVersion) Scan(v any) error { return scanNumber(v, &c.s.Version) }

// shadowCredits is the amount of a shadow, NULL if it has none.
type shadowCredits struct{ s *credits.Shadow }

// Value implements [driver.Valuer].
func (c shadowCredits) Value() (driver.Value, error) {
	if c.s.Version == 0 || c.s.Reason == credits.ShadowMissing {
		return nil, nil
	}
	return int64(c.s.Credits), nil
}

// Scan implements sql.Scanner.
func (c shadowCredits) Scan(v any) error { return scanNumber(v, &c.s.Credits) }

// scanNumber reads a number of which NULL is 0.
func scanNumber[N ~int64](v any, n *N) error {
	switch v := v.(type) {
	case nil:
		*n = 0
	case int64:
		*n = N(v)
	default:
		return fmt.Errorf("a number is stored as %T", v)
	}
	return nil
}
