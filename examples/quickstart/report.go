package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
)

// summary is what -json prints. Its totals are those of the run, over all processes that worked on it; the credits are
// the account's.
type summary struct {
	Run            string         `json:"run"`
	Status         string         `json:"status"` // done, paused, failed, running (stopped halfway), refused
	Reason         string         `json:"reason"` // empty if done
	Stages         []stageSummary `json:"stages"`
	Credits        creditSummary  `json:"credits"`
	ProviderCalls  callSummary    `json:"provider_calls"`
	Published      int64          `json:"published"`
	LedgerVerified bool           `json:"ledger_verified"`
}

type stageSummary struct {
	Name      string         `json:"name"`
	Processed int64          `json:"processed"`
	Created   int64          `json:"created"`
	Failed    int64          `json:"failed"`
	Credits   credits.Amount `json:"credits"`
}

type creditSummary struct {
	Granted   credits.Amount `json:"granted"`
	Used      credits.Amount `json:"used"`
	Held      credits.Amount `json:"held"`
	Available credits.Amount `json:"available"`
}

// callSummary counts dispatches that may have reached a provider.
type callSummary struct {
	Text  int64 `json:"text"`
	Image int64 `json:"image"`
}

// report prints how the run stands and returns the exit code.
func (h *host) report(stdout, stderr io.Writer) int {
	// The caller's context may have ended; what is there can still be read.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, problems, err := h.summary(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitOther
	}
	for _, p := range problems {
		fmt.Fprintf(stderr, "quickstart: ledger: %s: %s\n", p.Row, p.Rule)
	}
	if h.o.json {
		writeJSON(stdout, s)
	} else {
		h.print(stdout, s)
	}
	switch {
	case !s.LedgerVerified:
		return exitOther
	case h.run.State == automation.Done:
		return exitDone
	case h.run.State == automation.Paused && h.run.Reason == automation.ByCredits:
		return exitCredits
	}
	return exitOther
}

func (h *host) summary(ctx context.Context) (s summary, problems []credits.Problem, err error) {
	var stages []automation.StageCount
	if h.run, stages, err = h.db.Runs().Run(ctx, h.run.ID); err != nil {
		return s, nil, err
	}
	s.Run, s.Status, s.Reason = h.run.ID, string(h.run.State), reason(h.run)
	for _, c := range stages {
		s.Stages = append(s.Stages, stageSummary{c.Stage, c.Done, c.Created, c.Failed, c.Credits})
	}
	b, err := h.db.Ledger().Balance(ctx, account)
	if err != nil {
		return s, nil, err
	}
	granted, err := h.granted(ctx)
	if err != nil {
		return s, nil, err
	}
	s.Credits = creditSummary{Granted: granted, Used: granted - b.Posted, Held: b.Held, Available: b.Available}
	if s.ProviderCalls, err = h.calls(ctx); err != nil {
		return s, nil, err
	}
	if s.Published, err = h.published(ctx); err != nil {
		return s, nil, err
	}
	found, err := h.db.Ledger().Verify(ctx, account)
	s.LedgerVerified = err == nil && found.OK()
	return s, found.Problems, err
}

// reason says in words why a run is not done.
func reason(run automation.Run) string {
	if run.State == automation.Done {
		return ""
	}
	text := string(run.Reason)
	if run.Detail != "" {
		text += ": " + run.Detail
	}
	return text
}

func (h *host) calls(ctx context.Context) (c callSummary, err error) {
	pictures := h.run.ID + "/" + pipeline.Images + "/" // how the keys of that stage begin, see automation.Call.Key
	for a, err := range h.db.Ledger().Attempts(ctx, credits.AttemptQuery{Account: account, Scope: h.run.ID}) {
		switch {
		case err != nil:
			return c, err
		case a.Fate == string(providers.NotSent):
		case strings.HasPrefix(string(a.Key), pictures):
			c.Image++
		default:
			c.Text++
		}
	}
	return c, nil
}

func writeJSON(w io.Writer, s summary) {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // numbers and texts always fit
	}
	fmt.Fprintf(w, "%s\n", b)
}

// print writes the summary for a person.
func (h *host) print(w io.Writer, s summary) {
	fmt.Fprintf(w, "\n%s is %s", s.Run, s.Status)
	if s.Reason != "" {
		fmt.Fprintf(w, ": %s", s.Reason)
	}
	fmt.Fprintf(w, "\n\n%-14s %9s %8s %7s %8s\n", "stage", "processed", "created", "failed", "credits")
	for _, st := range s.Stages {
		fmt.Fprintf(w, "%-14s %9d %8d %7d %8d\n", st.Name, st.Processed, st.Created, st.Failed, st.Credits)
	}
	fmt.Fprintf(w, "\n%d text calls and %d picture calls\n", s.ProviderCalls.Text, s.ProviderCalls.Image)
	fmt.Fprintf(w, "%d credits granted, %d used, %d held, %d available; the ledger %s\n",
		s.Credits.Granted, s.Credits.Used, s.Credits.Held, s.Credits.Available, verified(s.LedgerVerified))
	switch {
	case h.run.State == automation.Paused && h.run.Reason == automation.ByCredits:
		fmt.Fprintf(w, "\nOut of credits. What was paid for is saved; the same command with a higher -credits goes on.\n")
	case h.run.State == automation.Paused:
		fmt.Fprintf(w, "\nPaused. What was paid for is saved; once that is mended, the same command goes on.\n")
	case h.run.State == automation.Done:
		fmt.Fprintf(w, "\n%d articles: open %s\n", s.Published, cmp.Or(h.o.site, filepath.Join(h.o.out, "index.html")))
	}
}

func verified(ok bool) string {
	if ok {
		return "verifies"
	}
	return "DOES NOT VERIFY"
}
