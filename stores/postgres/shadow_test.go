package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

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
	execute(t, d, `DELETE FROM migrations WHERE number = 2`)

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

// TestACandidateIsSeenByAnotherProcess within a second, and its end too.
func TestACandidateIsSeenByAnotherProcess(t *testing.T) {
	d := pgtest.Open(t)
	writer := handle(t, d, nil, nil).Models()
	save := func(base int64, after time.Duration) {
		t.Helper()
		c := styled(t, base, fmt.Sprint("style ", base+1))
		if after > 0 {
			c.EffectiveAt = time.Now().Add(after)
		}
		if _, err := writer.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	save(0, 0)
	r, _ := follow(t, d)
	for _, step := range []struct {
		says      string
		after     time.Duration
		candidate int64
	}{
		{"a pending version", 48 * time.Hour, 2},
		{"one that comes before it, in its place", 24 * time.Hour, 3},
		{"one at once, which cancels them", 0, 0},
	} {
		latest, err := writer.Latest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		save(latest, step.after)
		soon(t, step.says, func() bool {
			candidate := int64(0)
			if c := r.Snapshot().Candidate(); c != nil {
				candidate = c.Version
			}
			return candidate == step.candidate
		})
	}
	if v := r.Snapshot().Version; v != 4 {
		t.Errorf("version %d is in force, want 4", v)
	}
}
