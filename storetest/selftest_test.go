package storetest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/memory"
)

// recorder is a tb that keeps a failure to itself.
type recorder struct {
	ctx context.Context

	mu    sync.Mutex
	fails []string // guarded by mu
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Logf(string, ...any)      {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = append(r.fails, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(string, ...any) { runtime.Goexit() }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.fails) > 0
}

// failures runs a case against a ledger and returns what it complains of.
func failures(ctx context.Context, c testCase[*ledgerTest], open func(now func() time.Time) credits.Ledger) []string {
	clk := newClock()
	return complaints(ctx, func(r *recorder) {
		c.do(&ledgerTest{tb: r, Ledger: open(clk.now), clock: clk}, (*ledgerTest).audit)
	})
}

// complaints runs a case and returns what it complains of.
func complaints(ctx context.Context, run func(*recorder)) []string {
	r := &recorder{ctx: ctx}
	done := make(chan struct{})
	go func() { // a case that gives up ends its goroutine
		defer close(done)
		run(r)
	}()
	<-done
	return r.fails
}

// wantCaught checks that the case with the given name complains.
func wantCaught[T tb](t *testing.T, cases []testCase[T], by string, failures func(testCase[T]) []string) {
	t.Helper()
	for _, c := range cases {
		if c.name != by {
			continue
		}
		got := failures(c)
		if len(got) == 0 {
			t.Errorf("case %s does not catch it", by)
		}
		t.Logf("%q", got)
		return
	}
	t.Errorf("there is no case %s", by)
}

func sound(now func() time.Time) credits.Ledger {
	return memory.New(&memory.Options{Now: now}).Ledger()
}

func TestPassesASoundLedger(t *testing.T) {
	for _, c := range ledgerCases() {
		if got := failures(t.Context(), c, sound); len(got) > 0 {
			t.Errorf("case %s fails with the memory ledger: %q", c.name, got)
		}
	}
}

func TestCatchesBrokenLedgers(t *testing.T) {
	for _, broken := range brokenLedgers {
		t.Run(broken.name, func(t *testing.T) {
			caught := map[string][]string{}
			for _, c := range ledgerCases() {
				got := failures(t.Context(), c, func(now func() time.Time) credits.Ledger { return broken.open(sound(now)) })
				if len(got) > 0 {
					caught[c.name] = got
				}
			}
			if len(caught[broken.by]) == 0 {
				t.Errorf("case %s does not catch it; %d others do: %q", broken.by, len(caught), caught)
			}
			t.Logf("%d cases catch it; %s: %q", len(caught), broken.by, caught[broken.by])
		})
	}
}

func TestTheLedgerPageListsTheBrokenLedgers(t *testing.T) {
	page, err := os.ReadFile("../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range brokenLedgers {
		if row := fmt.Sprintf("| %s | `%s` |\n", broken.name, broken.by); !strings.Contains(string(page), row) {
			t.Errorf("docs/ledger.md lacks the row %s", row)
		}
	}
}

func TestNamesCasesOnce(t *testing.T) {
	suites := map[string][]string{}
	add := func(suite, name, rule string) {
		if rule == "" {
			t.Errorf("case %s of %s has no rule", name, suite)
		}
		for _, known := range suites[suite] {
			if known == name {
				t.Errorf("case %s of %s is there twice", name, suite)
			}
		}
		suites[suite] = append(suites[suite], name)
	}
	for _, c := range ledgerCases() {
		add("ledger", c.name, c.rule)
	}
	for _, c := range modelCases() {
		add("models", c.name, c.rule)
	}
	for _, c := range keyCases() {
		add("keys", c.name, c.rule)
	}
	for _, c := range automationCases() {
		add("automation", c.name, c.rule)
	}
	for _, c := range scheduleCases() {
		add("schedules", c.name, c.rule)
	}
	for _, c := range contentCases() {
		add("content", c.name, c.rule)
	}
}
