package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// figures are what an audit counted.
type figures struct {
	requests, billable, attempts, settled int
}

// audit holds the database against the upstream's journal: every billable request is one attempt, every settled key has
// one attempt that won, nothing was sent for a key after it was settled, and the sums agree.
func (p *program) audit(journal []providertest.Entry) figures {
	p.t.Helper()
	t, ctx := p.t, p.t.Context()
	db, err := sqlite.Open(ctx, p.db(), &sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ledger := db.Ledger()

	attempts := map[string]credits.Attempt{}
	for a, err := range ledger.Attempts(ctx, credits.AttemptQuery{Account: account}) {
		if err != nil {
			t.Fatal(err)
		}
		attempts[a.ID] = a
	}
	settled := map[credits.Key]credits.Entry{}
	var charged, granted credits.Amount
	for e, err := range ledger.Entries(ctx, credits.EntryQuery{Account: account}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == credits.EntryGrant {
			granted += e.Amount
			continue
		}
		if _, twice := settled[e.Key]; twice {
			t.Errorf("key %q is settled twice", e.Key)
		}
		settled[e.Key] = e
		charged -= e.Amount
	}
	var used credits.Amount
	records := map[credits.Key]int{}
	for r, err := range ledger.Records(ctx, credits.UsageQuery{Account: account}) {
		if err != nil {
			t.Fatal(err)
		}
		used += r.Charged
		records[r.Key]++
		if a := attempts[r.Attempt]; a.Key != r.Key || a.Fate != string(providers.Executed) {
			t.Errorf("key %q was won by attempt %q, which is of key %q with fate %q", r.Key, r.Attempt, a.Key, a.Fate)
		}
	}
	for key := range settled {
		if records[key] != 1 {
			t.Errorf("key %q is settled with %d usage records, want 1", key, records[key])
		}
	}

	f := figures{attempts: len(attempts), settled: len(settled)}
	billable := map[string]int{}
	for _, e := range journal {
		f.requests++
		if !e.Billable {
			continue
		}
		f.billable++
		if e.Attempt == "" {
			t.Errorf("request %d carries no attempt id", e.Seq)
			continue
		}
		if billable[e.Attempt]++; billable[e.Attempt] > 1 {
			t.Errorf("attempt %s was billed %d times", e.Attempt, billable[e.Attempt])
		}
		a, known := attempts[e.Attempt]
		if !known {
			t.Errorf("request %d was sent for attempt %s, which is not journalled", e.Seq, e.Attempt)
		}
		if s, ok := settled[a.Key]; ok && e.Time.After(s.At) {
			t.Errorf("request %d was sent for key %q at %s, after it was settled at %s", e.Seq, a.Key, e.Time, s.At)
		}
	}

	b, err := ledger.Balance(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	if used != charged || charged != granted-b.Posted || b.Held != 0 || b.Posted < 0 {
		t.Errorf("usage records add up to %d, settle entries to %d, granted − posted is %d, held %d, posted %d: want the first three equal, nothing held, no debt",
			used, charged, granted-b.Posted, b.Held, b.Posted)
	}
	report, err := ledger.Verify(ctx, account)
	if err != nil || !report.OK() {
		t.Errorf("Verify = %+v, %v", report.Problems, err)
	}
	return f
}

// tree returns the digest of every file below a directory.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "unborn" { // where a crash leaves what it was writing; no part of a site
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(b)
		files[filepath.ToSlash(name)] = hex.EncodeToString(sum[:8])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameSite checks that two sites have the same files with the same bytes.
func sameSite(t testing.TB, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("the site differs from the undisturbed run's (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func pages(site map[string]string) (out []string) {
	for name := range site {
		if filepath.Ext(name) == ".html" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
