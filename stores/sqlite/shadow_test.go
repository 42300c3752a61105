package sqlite_test

import (
	"errors"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// columnsOfBefore are those of a usage record that the release before shadows names when it writes one.
const columnsOfBefore = `account, key, entry, operation, scope, provider, model, attempt, input, cached_input, cache_write, image_input, cached_image_input,
	output, reasoning, image_output, images, exact, charged, written_off, cost, reported_cost, price_version, at`

func TestASchemaOfBeforeShadows(t *testing.T) {
	path := tempFile(t)
	db := open(t, path, nil)
	grant(t, db.Ledger(), "acme", "g", 100)
	buy(t, db.Ledger(), "before", credits.Shadow{})
	db.Close()
	execute(t, raw(t, path, ""), `DROP INDEX scrip_usage_records_shadow;
		ALTER TABLE scrip_usage_records DROP COLUMN shadow_version; ALTER TABLE scrip_usage_records DROP COLUMN shadow_credits; ALTER TABLE scrip_usage_records DROP COLUMN shadow_reason;
		DELETE FROM scrip_migrations WHERE number = 2`)

	db, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Ledger().Balance(t.Context(), "acme"); !errors.Is(err, sqlite.ErrSchema) {
		t.Errorf("Balance before Migrate = %v, want ErrSchema", err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	shadow := credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}
	buy(t, db.Ledger(), "after", shadow)
	wantShadows(t, db.Ledger(), credits.Shadow{}, shadow)
	db.Close()

	// The release before goes on to write, and to verify what this one has written.
	execute(t, raw(t, path, ""), `CREATE TEMP TABLE row AS SELECT `+columnsOfBefore+` FROM scrip_usage_records WHERE key = 'after';
		DELETE FROM scrip_usage_records WHERE key = 'after';
		INSERT INTO scrip_usage_records (`+columnsOfBefore+`) SELECT * FROM row`)
	db = open(t, path, nil)
	wantShadows(t, db.Ledger(), credits.Shadow{}, credits.Shadow{})
}

// buy charges 10 credits with a shadow.
func buy(t *testing.T, l credits.Ledger, key credits.Key, shadow credits.Shadow) {
	t.Helper()
	_, err := l.Charge(t.Context(), credits.Charge{Account: "acme", Key: key, Operation: "clustering", Amount: 10, Record: credits.UsageRecord{Model: "m", Shadow: shadow}})
	if err != nil {
		t.Fatalf("Charge(%q) = %v", key, err)
	}
}

// wantShadows checks the shadows of acme's records, and that the account verifies.
func wantShadows(t *testing.T, l credits.Ledger, want ...credits.Shadow) {
	t.Helper()
	i := 0
	for r, err := range l.Records(t.Context(), credits.UsageQuery{Account: "acme"}) {
		if err != nil || i >= len(want) || r.Shadow != want[i] {
			t.Errorf("record %d = %+v, %v, want the shadows %+v", i, r, err, want)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("there are %d records, want %d", i, len(want))
	}
	verify(t, l, "acme")
}
