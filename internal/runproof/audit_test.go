//go:build linux || darwin

package runproof_test

import (
	"context"
	"crypto/sha256"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// outcome is what a run leaves that must be the same however often its processes died.
type outcome struct {
	Charged  map[credits.Key]credits.Amount
	Posts    map[string]post // by key
	Stages   []automation.StageCount
	Pictures int
}

// figures are what depends on the kills.
type figures struct {
	requests, billable, attempts, settles, puts int

	late int // requests that were sent for a key that was charged already
}

// audit holds what a run has left against itself, the upstream's journal and the site. A process that was frozen with an
// attempt begun may send it late.
func audit(t *testing.T, db *database, journal []providertest.Entry, s *site, frozen bool) (outcome, figures) {
	t.Helper()
	ctx := context.Background()
	out := outcome{Charged: map[credits.Key]credits.Amount{}}
	f := figures{requests: len(journal), puts: s.seen()}

	run, stages, err := db.runs.Run(ctx, runID)
	if err != nil || run.State != automation.Done {
		t.Fatalf("the run is %s because of %q, %q, %v: %+v", run.State, run.Reason, run.Detail, err, stages)
	}
	out.Stages = stages
	var counted credits.Amount
	for _, st := range stages {
		counted += st.Credits
		if st.Done != st.Total || st.Failed != 0 || st.Leased != 0 {
			t.Errorf("stage %+v, want every item done", st)
		}
	}

	attempts := map[string]credits.Attempt{}
	for a, err := range db.ledger.Attempts(ctx, credits.AttemptQuery{Account: account}) {
		must(t, err)
		attempts[a.ID] = a
	}
	var charged, granted, used credits.Amount
	settled := map[credits.Key]credits.Entry{}
	for e, err := range db.ledger.Entries(ctx, credits.EntryQuery{Account: account}) {
		must(t, err)
		switch _, twice := settled[e.Key]; {
		case e.Kind == credits.EntryGrant:
			granted += e.Amount
			continue
		case e.Kind != credits.EntrySettle:
			t.Errorf("entry %d is %q: there is nothing but a grant and charges", e.Number, e.Kind)
		case twice:
			t.Errorf("key %q is charged twice", e.Key)
		}
		settled[e.Key] = e
		out.Charged[e.Key] = -e.Amount
		charged -= e.Amount
		held, err := db.ledger.Lookup(ctx, account, e.Key)
		switch {
		case err != nil || held.Receipt == nil || len(held.Receipt.Result) == 0:
			t.Errorf("key %q is charged and has no answer: %+v, %v", e.Key, held.Receipt, err)
		case held.Receipt.Digest != sha256.Sum256(held.Receipt.Result) || held.Receipt.Charged != -e.Amount:
			t.Errorf("key %q is charged %d, and has an answer for %d, or another one than was settled", e.Key, -e.Amount, held.Receipt.Charged)
		}
	}
	for r, err := range db.ledger.Records(ctx, credits.UsageQuery{Account: account}) {
		must(t, err)
		used += r.Charged
		if a := attempts[r.Attempt]; a.Key != r.Key || a.Fate != string(providers.Executed) {
			t.Errorf("key %q was won by attempt %q, which is of key %q with fate %q", r.Key, r.Attempt, a.Key, a.Fate)
		}
	}
	f.attempts, f.settles = len(attempts), len(settled)

	billed := map[string]int{}
	for _, e := range journal {
		if !e.Billable {
			continue
		}
		f.billable++
		a, known := attempts[e.Attempt]
		if billed[e.Attempt]++; !known || billed[e.Attempt] > 1 {
			t.Errorf("request %d is number %d that was billed for attempt %q; journalled: %v", e.Seq, billed[e.Attempt], e.Attempt, known)
		}
		if s, ok := settled[a.Key]; ok && e.Time.After(s.At) {
			if f.late++; frozen {
				continue
			}
			t.Errorf("request %d was sent for key %q at %s, after it was charged at %s", e.Seq, a.Key, e.Time, s.At)
		}
	}

	b, err := db.ledger.Balance(ctx, account)
	must(t, err)
	if used != charged || counted != charged || charged != granted-b.Posted || b.Held != 0 {
		t.Errorf("charges add up to %d, usage records to %d, the stages' counts to %d, granted − posted is %d, held %d: want the first four equal and nothing held",
			charged, used, counted, granted-b.Posted, b.Held)
	}
	report, err := db.ledger.Verify(ctx, account)
	if err != nil || !report.OK() {
		t.Errorf("Verify = %+v, %v", report.Problems, err)
	}

	s.mu.Lock()
	out.Posts = maps.Clone(s.posts)
	s.mu.Unlock()
	slugs := map[string]string{}
	for key, p := range out.Posts {
		if other, twice := slugs[p.Slug]; twice {
			t.Errorf("article %q is on the site twice, as %q and as %q", p.Slug, key, other)
		}
		slugs[p.Slug] = key
	}
	articles := 0
	for a, err := range db.content.Articles().List(ctx, content.Query{Site: siteID}) {
		must(t, err)
		articles++
		if a.Status != content.Approved || a.SiteStatus != content.SitePublished || a.ExternalID != a.ID || slugs[a.Slug] != a.ID {
			t.Errorf("article %q is %s and %s as %q; on the site it is %q", a.ID, a.Status, a.SiteStatus, a.ExternalID, slugs[a.Slug])
		}
	}
	if articles != len(out.Posts) || articles == 0 {
		t.Errorf("there are %d articles, and %d posts on the site", articles, len(out.Posts))
	}
	for i, err := range db.content.Images().List(ctx, content.Query{Site: siteID}) {
		must(t, err)
		out.Pictures++
		if i.Status != content.Generated {
			t.Errorf("picture %q is %s", i.ID, i.Status)
		}
	}
	return out, f
}

// same checks that two runs have left the same.
func same(t *testing.T, got, want outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the run has left something else than the undisturbed one (-want +got):\n%s", diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
