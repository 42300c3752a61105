// Package schemaproof holds that a binary of the previous schema goes on to run on the present one: migrations only add.
// testdata/schema1.tar.gz has the sources of the release that made schema 1, as they were; a program over them is built here
// and deals in credits, prices and keys on databases that this release has migrated, on PostgreSQL also while it does.
package schemaproof_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/usage"
)

// previous builds the program, once for all tests.
var previous = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "scrip-schema1-")
	if err != nil {
		return "", err
	}
	if err := unpack("testdata/schema1.tar.gz", dir); err != nil {
		return "", err
	}
	program, err := os.ReadFile("testdata/host/main.go")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "host"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "host", "main.go"), program, 0o644)
	}
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "previous"), "./host")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the previous release: %w\n%s", err, out)
	}
	return filepath.Join(dir, "previous"), nil
})

func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			return err
		}
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := previous(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// host starts the previous release with arguments.
func host(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := previous()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, args...)
}

// once runs a round of the previous release.
func once(t *testing.T, args ...string) {
	t.Helper()
	if out, err := host(t, append(args, "once")...).CombinedOutput(); err != nil || !strings.Contains(string(out), "round 0") {
		t.Fatalf("the previous release on the present schema: %v\n%s", err, out)
	}
}

// handle is what both databases have.
type handle interface {
	Migrate(context.Context) error
}

// present deals in what the previous release does not know.
func present(t *testing.T, name string, db handle, ledger credits.Ledger, models registry.ModelStore, keys secret.KeyStore) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(nil, db.Migrate(ctx))
	v, err := models.Load(ctx, 0)
	must(v, err)
	next := v.Configuration
	next.Settings.Images.QualityTier = "premium"
	next.Settings.Images.Format = registry.JPEG
	base, err := models.Latest(ctx)
	must(base, err)
	must(models.Save(ctx, registry.Change{Base: base, Who: "ada", Why: "by the present release", Next: next}))
	own, err := models.Account(ctx, "acme")
	must(own, err)
	must(models.SaveAccount(ctx, registry.AccountChange{Account: "acme", Base: own.Number, Who: "ada", Why: "test", Next: registry.Settings{Images: registry.ImageSettings{Style: "oil"}}}))
	must(ledger.Grant(ctx, credits.Grant{Account: "acme", Key: credits.Key(name + " grant"), Kind: credits.Bonus, Amount: 50}))
	must(ledger.Charge(ctx, credits.Charge{Account: "acme", Key: credits.Key(name + " charge"), Operation: "clustering", Amount: 2,
		Record: credits.UsageRecord{Provider: "openai", Model: "gpt-5.1", Usage: usage.Tokens(10, 5), Exact: decimal.RequireFromString("1.5"), PriceVersion: 1,
			Shadow: credits.Shadow{Version: shadowed, Credits: 3, Reason: "ratio"}}}))
	ring, err := secret.NewRing("a", map[string][]byte{"a": bytes.Repeat([]byte{7}, 32)})
	must(ring, err)
	vault, err := secret.StoreKeys(keys, ring, nil)
	must(vault, err)
	key, err := vault.Key(ctx, "acme", "openai")
	if err != nil || key.Secret.Reveal() != "sk-of-both-releases" {
		t.Errorf("the key that the previous release sealed: %v", err)
	}
	verifies(t, ledger)
}

// shadowed is the version that the present release's charges are priced beside.
const shadowed = 7

// verifies: the ledger is whole, and of shadows there are the present release's alone.
func verifies(t *testing.T, ledger credits.Ledger) {
	t.Helper()
	report, err := ledger.Verify(t.Context(), "acme")
	if err != nil || !report.OK() || report.Entries == 0 {
		t.Fatalf("%d entries: %v, %v", report.Entries, report.Problems, err)
	}
	shadows, err := ledger.Shadow(t.Context(), credits.ShadowQuery{Version: shadowed})
	if err != nil || len(shadows) != 1 || shadows[0].Difference != credits.Amount(shadows[0].Records) || shadows[0].Current != 2*credits.Amount(shadows[0].Records) {
		t.Errorf("shadows: %+v, %v", shadows, err)
	}
}

// addsUp is verifies while nobody writes: what was used adds up to what was taken.
func addsUp(t *testing.T, ledger credits.Ledger) {
	t.Helper()
	verifies(t, ledger)
	rows, err := ledger.Usage(t.Context(), credits.UsageQuery{Account: "acme"})
	if err != nil || len(rows) != 1 {
		t.Fatalf("usage: %+v, %v", rows, err)
	}
	var charged, refunded credits.Amount
	for e, err := range ledger.Entries(t.Context(), credits.EntryQuery{Account: "acme"}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Kind == credits.EntrySettle:
			charged -= e.Amount
		case e.Kind == credits.EntryRefund:
			refunded += e.Amount
		}
	}
	if rows[0].Charged != charged || rows[0].Refunded != refunded {
		t.Errorf("usage says %d charged and %d refunded, the entries %d and %d", rows[0].Charged, rows[0].Refunded, charged, refunded)
	}
}

func TestThePreviousReleaseRunsOnThePresentSchemaOfSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "scrip.db")
	now := func(do func(*sqlite.DB)) {
		db, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		do(db)
	}
	once(t, "sqlite", path, "", "first") // makes schema 1
	for n := range 2 {
		now(func(db *sqlite.DB) {
			present(t, fmt.Sprint("present ", n), db, db.Ledger(), db.Models(), db.Keys())
		})
		once(t, "sqlite", path, "", fmt.Sprint("previous ", n))
		now(func(db *sqlite.DB) { addsUp(t, db.Ledger()) })
	}
}

func TestThePreviousReleaseRunsOnPostgreSQLWhileItIsMigrated(t *testing.T) {
	t.Parallel()
	d := pgtest.Open(t)
	dsn := d.Pool.Config().ConnString()
	args := []string{"postgres", dsn, d.Schema, "previous", "on"}
	old := host(t, args...)
	input, err := old.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := old.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	complaints := &strings.Builder{}
	old.Stderr = complaints
	if err := old.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	rounds := func(n int) {
		t.Helper()
		for range n {
			if !lines.Scan() {
				t.Fatalf("the previous release stops: %v\n%s", old.Wait(), complaints)
			}
		}
	}
	rounds(5)
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema})
	if err != nil {
		t.Fatal(err)
	}
	present(t, "present 0", db, db.Ledger(), db.Models(), db.Keys())
	rounds(20)
	present(t, "present 1", db, db.Ledger(), db.Models(), db.Keys())
	rounds(5)
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := old.Wait(); err != nil {
		t.Fatalf("the previous release: %v\n%s", err, complaints)
	}
	once(t, "postgres", dsn, d.Schema, "again")
	addsUp(t, db.Ledger())
}
