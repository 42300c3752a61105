package credits_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// Hashes are stored. If one of these changes, every account that there is no longer verifies.
func TestHashesOfEntriesStayWhatTheyWere(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)
	s := credits.NewState()
	for _, op := range []credits.Op{
		credits.Grant{Account: "a", Key: "g", Kind: credits.Plan, Priority: 3, Amount: 100, ExpiresAt: at.Add(time.Hour), Note: "n"},
		credits.Charge{Account: "a", Key: "c", Operation: "op", Scope: "s", Amount: 7, Fingerprint: [32]byte{1, 2}, Result: []byte("result"),
			Record: credits.UsageRecord{Provider: "p", Model: "m", Usage: usage.Tokens(5, 0), Exact: decimal.RequireFromString("6.50"),
				Cost: decimal.RequireFromString("0.0012"), ReportedCost: decimal.NewNullDecimal(decimal.RequireFromString("0.002")), PriceVersion: 4}},
		credits.Refund{Account: "a", Key: "r", Charge: "c", Amount: 2, Who: "w", Why: "y"},
		credits.Adjust{Account: "a", Key: "long", Amount: 5, Who: "w", Why: strings.Repeat("longer than most rows are ", 40)},
	} {
		if _, err := s.Apply(op, at); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"cf63a518ae9558ca7d47eec5368eeee0d49c0d7c846d3165bd4103833831c7b1",
		"d59d725d7349fb514d75958a10a9d326699e46d24618725c2239ea1d25deac9c",
		"8d035d76c654389596dbb7b4754b73233c365d450f9b1792f36f54cd44bd5f53",
		"cdaa3fead4ee2958d9b1d745df56690be3a1db9f2f59a5136ad203989314c1c9",
	}
	entries := s.Changes().Entries
	if len(entries) != len(want) {
		t.Fatalf("there are %d entries, want %d", len(entries), len(want))
	}
	for i, e := range entries {
		if got := hex.EncodeToString(e.Hash[:]); got != want[i] {
			t.Errorf("the hash of entry %d is %s, want %s", e.Number, got, want[i])
		}
	}
}
