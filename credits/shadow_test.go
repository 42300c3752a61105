package credits_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// A release that does not know shadows reads the row without it, and has to find the same digest.
func TestTheHashChainDoesNotCoverTheShadow(t *testing.T) {
	heads := map[string]bool{}
	for _, shadow := range []credits.Shadow{{}, {Version: 4, Credits: 50, Reason: "ratio"}, {Version: 5, Reason: credits.ShadowMissing}} {
		l := opened(t, 100)
		l.must(hold(60, me))
		s := settle(40)
		s.Record = credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(10, 20), Exact: decimal.New(395, -1), PriceVersion: 3, Shadow: shadow}
		if got := l.must(s).Receipt.Record.Shadow; got != shadow {
			t.Errorf("the receipt has the shadow %+v, want %+v", got, shadow)
		}
		rows := l.rows(acme)
		if r := rows.audit(); !r.OK() {
			t.Errorf("with the shadow %+v the audit finds %+v", shadow, r.Problems)
		}
		for i := range rows.lines {
			if r := rows.lines[i].Record; r != nil {
				r.Shadow = credits.Shadow{Version: -1, Credits: -1, Reason: credits.ShadowMissing}
			}
		}
		r := rows.audit()
		if !r.OK() {
			t.Errorf("the audit judges the shadow: %+v", r.Problems)
		}
		heads[r.Head] = true
	}
	if len(heads) != 1 {
		t.Errorf("the same charge has %d heads with different shadows, want 1", len(heads))
	}
}

func TestARecordWithoutAShadowIsWrittenAsBefore(t *testing.T) {
	var r credits.UsageRecord
	if err := json.Unmarshal([]byte(`{"account":"a","key":"k","entry":2,"operation":"writing","provider":"p","model":"m","attempt":"","exact":"1.5","charged":2,
		"written_off":0,"cost":"0","reported_cost":null,"price_version":3,"at":"2026-03-01T12:00:00Z","refunded":0}`), &r); err != nil || r.Shadow != (credits.Shadow{}) {
		t.Errorf("a record of before reads as %+v, %v", r, err)
	}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text), "shadow") {
		t.Errorf("it is written as %s, %v, want no word of a shadow", text, err)
	}
	r.Shadow = credits.Shadow{Version: 4, Reason: credits.ShadowMissing}
	text, err = json.Marshal(r)
	var again credits.UsageRecord
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil || again.Shadow != r.Shadow || !strings.Contains(string(text), `"shadow":{"version":4,"credits":0,"reason":"missing"}`) {
		t.Errorf("%s reads as %+v, %v", text, again.Shadow, err)
	}
}
