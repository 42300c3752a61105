package postgres_test

import (
	"errors"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// columnsOfBefore are those of a usage record that the release before shadows names when it writes one.
const columnsOfBefore = `account, key, entry, operation, scope, provider, model, attempt, input, cached_input, cache_write, image_input, cached_image_input,
	output, reasoning, image_output, images, exact, charged, written_off, cost, reported_cost, price_version, at`

func TestASchemaOfBeforeShadows(t *testing.T) {
	d := pgtest.Open(t)
	grant(t, handle(t, d, nil, nil).Ledger(), "acme", "g", 100)
	buy(t, handle(t, d, nil, nil).Ledger(), "before", credits.Shadow{})
	execute(t, d, `ALTER TABLE usage_records DROP COLUMN shadow_version, DROP COLUMN shadow_credits, DROP COLUMN shadow_reason`)
	execute(t, d, `DELETE FROM migrations WHERE number > 1`)

	pool := d.NewPool(t, nil) // a connection that prepared its statements for the other schema is the other release's
	db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Ledger().Balance(t.Context(), "acme"); !errors.Is(err, postgres.ErrSchema) {
		t.Errorf("Balance before Migrate = %v, want ErrSchema", err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	shadow := credits.Shadow{Version: 7, Credits: 15, Reason: "ratio"}
	buy(t, db.Ledger(), "after", shadow)
	wantShadows(t, db.Ledger(), credits.Shadow{}, shadow)

	// The release before goes on to write, and to verify what this one has written.
	for _, statement := range []string{
		`ALTER TABLE receipts DROP CONSTRAINT receipts_account_entry_fkey`,
		`CREATE TABLE kept AS SELECT ` + columnsOfBefore + ` FROM usage_records WHERE key = 'after'`,
		`DELETE FROM usage_records WHERE key = 'after'`,
		`INSERT INTO usage_records (` + columnsOfBefore + `) SELECT * FROM kept`,
	} {
		execute(t, d, statement)
	}
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
