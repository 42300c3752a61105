package dbstore

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

func TestAShadowIsNullWhereThereIsNone(t *testing.T) {
	for _, c := range []struct {
		shadow credits.Shadow
		want   []any
	}{
		{credits.Shadow{}, []any{nil, nil, nil}},
		{credits.Shadow{Version: 7, Credits: 5}, []any{int64(7), int64(5), nil}},
		{credits.Shadow{Version: 7, Reason: "ratio"}, []any{int64(7), int64(0), "ratio"}}, // nothing is an amount
		{credits.Shadow{Version: 7, Reason: credits.ShadowMissing}, []any{int64(7), nil, credits.ShadowMissing}},
	} {
		read := credits.Shadow{Version: 9, Credits: 9, Reason: "what was read there before"}
		into := shadowFields(&read)
		for i, field := range shadowFields(&c.shadow) {
			got, err := field.(driver.Valuer).Value()
			if err != nil || !reflect.DeepEqual(got, c.want[i]) {
				t.Errorf("column %d of %+v is %v, %v, want %v", i, c.shadow, got, err, c.want[i])
			}
			if err := into[i].(sql.Scanner).Scan(got); err != nil {
				t.Errorf("column %d of %+v: %v", i, c.shadow, err)
			}
		}
		if read != c.shadow {
			t.Errorf("%+v is read as %+v", c.shadow, read)
		}
	}
}
