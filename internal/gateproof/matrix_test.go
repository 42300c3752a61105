package gateproof_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/memory"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// page is where the matrix is kept.
const page = "../../docs/faults.md"

// trial is a fault as it strikes: a row of the page for each way in which functions take it.
type trial struct {
	kind    providertest.FaultKind // none if empty
	variant string                 // tells trials of one kind apart
	route   string                 // of the requests that it strikes
	once    bool
	waits   bool                 // it is about time: it runs on a machine that does nothing else
	fault   providertest.Fault   // the rest of the rule
	before  *providertest.Fault  // what must go wrong first, so that a task is asked about
	change  func(*engine.Config) // may be nil
}

func (t trial) String() string {
	s := string(t.kind)
	if s == "" {
		return "none"
	}
	if t.variant != "" {
		s += ", " + t.variant
	}
	if t.once {
		return s + ", once"
	}
	return s + ", always"
}

// trials returns how a route is struck, in the order of the kinds.
func trials(route string) (out []trial) {
	if route != providertest.RouteFile && route != providertest.RoutePoll {
		out = append(out, trial{route: route})
	}
	for _, kind := range providertest.Kinds() {
		if !slices.Contains(kind.Routes(), route) {
			continue
		}
		for _, t := range variants(kind, route) {
			for _, once := range []bool{false, true} {
				t.kind, t.route, t.once = kind, route, once
				t.fault.Kind, t.fault.Route = kind, route
				if once {
					t.fault.Count = 1
				}
				if route == providertest.RoutePoll { // nobody asks about a task whose answer came
					t.before = &providertest.Fault{Kind: providertest.DropAfter, Route: providertest.RouteRunware, Count: 1}
					t.waits, t.change = true, impatient
				}
				out = append(out, t)
			}
		}
	}
	return out
}

// variants are the ways of a kind that has more than one on a route.
func variants(kind providertest.FaultKind, route string) []trial {
	switch kind {
	case providertest.Status429:
		return []trial{
			{variant: "without Retry-After"},
			{variant: "Retry-After 10 ms", fault: providertest.Fault{RetryAfter: 10 * time.Millisecond}},
			{variant: "Retry-After 1 h", fault: providertest.Fault{RetryAfter: time.Hour}},
		}
	case providertest.Status503:
		return []trial{{fault: providertest.Fault{RetryAfter: 10 * time.Millisecond}}}
	case providertest.Slow, providertest.SlowBody:
		soon := trial{waits: true, change: impatient, fault: providertest.Fault{Delay: impatience + 700*time.Millisecond}}
		if route != providertest.RouteRunware {
			return []trial{soon}
		}
		late := soon
		soon.variant, late.variant, late.fault.Delay = "ready soon after", "not ready in time", time.Minute
		return []trial{soon, late}
	}
	return []trial{{}}
}

// impatience is how long a request may take where that matters: what a machine that is busy does in time.
const impatience = 5 * time.Second

func impatient(c *engine.Config) { c.TextTimeout, c.ImageTimeout = impatience, impatience }

func patient(c *engine.Config) { c.TextTimeout, c.ImageTimeout = 4*impatience, 4*impatience }

// hasty: it strikes the first question only, and not by being slow, so that a good answer follows which a machine that is
// busy may not get through in time.
func (t trial) hasty() bool { return t.before != nil && t.once && t.fault.Delay == 0 }

// verdict is what became of an operation: a row.
type verdict struct {
	outcome  string
	requests int
	billed   int
	fates    string // of the attempts, in order
	attempts int
	charge   credits.Amount
}

// host is what an operation of the matrix runs on.
type host struct {
	up     *server
	ledger credits.Ledger
	engine *engine.Engine
	log    *logbook
	rested func() (*engine.Engine, error) // another engine, which knows nothing of what happened
}

const account = credits.Account("acme")

func newHost(tb testing.TB, change func(*engine.Config)) (*host, error) {
	tb.Helper()
	h := &host{up: serve(tb, upstream(0)), log: &logbook{}}
	db := memory.New(nil)
	h.ledger = db.Ledger()
	if _, err := db.Models().Save(tb.Context(), registry.Change{Who: "test", Why: "test", Next: configuration()}); err != nil {
		return nil, err
	}
	models, err := registry.Open(tb.Context(), db.Models(), nil)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(models.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	tb.Cleanup(client.CloseIdleConnections)
	blobs := &shelf{}
	another := func(change func(*engine.Config)) (*engine.Engine, error) {
		return newEngine(h.ledger, models, h.up.base(), client, blobs, func(c *engine.Config) {
			c.Attempts, c.Observer = 2, h.log
			if change != nil {
				change(c)
			}
		})
	}
	h.rested = func() (*engine.Engine, error) { return another(nil) }
	if h.engine, err = another(change); err != nil {
		return nil, err
	}
	_, err = h.ledger.Grant(tb.Context(), credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1_000_000})
	return h, err
}

// run makes a trial of a dish and returns its row. Whatever is not as it must be fails the test.
func (t trial) run(tb testing.TB, d dish) (v verdict) {
	bad := func(format string, args ...any) {
		tb.Errorf("%s, %s on %s: %s", d.label(), t, t.route, fmt.Sprintf(format, args...))
	}
	h, err := newHost(tb, t.change)
	if err != nil {
		bad("%v", err)
		return v
	}
	var faults []providertest.Fault
	if t.before != nil {
		faults = append(faults, *t.before)
	}
	if t.kind != "" {
		faults = append(faults, t.fault)
	}
	if err := h.up.SetFaults(faults...); err != nil {
		bad("%v", err)
		return v
	}
	before, err := h.ledger.Balance(tb.Context(), account)
	if err != nil {
		bad("%v", err)
	}
	b := books{delivered: map[credits.Key]credits.Amount{}, failed: map[credits.Key]bool{}}
	got, err := h.engine.Execute(tb.Context(), d.name, d.call(account, "k"), d.input(1))
	v.outcome = outcome(err)
	if v.outcome == "" {
		bad("the error has no type: %v", err)
	}
	if found := leaksOf(err); found != nil {
		bad("the error gives %q away", found)
	}
	if v.charge = got.Charged; err == nil {
		b.delivered["k"] = got.Charged
		if !json.Valid(got.Out) {
			bad("it brought %q", got.Out)
		}
	} else if b.failed["k"] = true; v.charge != 0 {
		bad("it failed and says that it charged %d", v.charge)
	}
	after, err := h.ledger.Balance(tb.Context(), account)
	if err != nil || after != (credits.Balance{Posted: before.Posted - v.charge, Available: before.Available - v.charge}) {
		bad("balance %+v after %+v and a charge of %d, %v", after, before, v.charge, err)
	}
	b.invoice = h.up.invoice()
	if err := collect(tb.Context(), h.ledger, account, &b); err != nil {
		bad("%v", err)
	}
	for _, broken := range judge(b) {
		bad("%s", broken)
	}
	for _, e := range b.invoice {
		if v.requests++; e.Billable {
			v.billed++
		}
	}
	v.fates, v.attempts = fates(b.attempts), len(b.attempts)
	h.again(tb, d, b, bad)
	if found := append(h.log.leaks(), h.up.leaks()...); found != nil {
		bad("the log and the journal give %q away", found)
	}
	return v
}

// again makes the same call when the fault has passed: what was bought is not bought again, and what failed may be.
func (h *host) again(tb testing.TB, d dish, first books, bad func(string, ...any)) {
	if err := h.up.SetFaults(); err != nil {
		bad("%v", err)
	}
	e, err := h.rested() // the other one may have been told to wait for an hour
	if err != nil {
		bad("%v", err)
		return
	}
	got, err := e.Execute(tb.Context(), d.name, d.call(account, "k"), d.input(1))
	charged, bought := first.delivered["k"]
	switch {
	case err != nil:
		bad("the same key after the fault: %v", err)
		return
	case bought && (!got.Replayed || got.Charged != charged || len(h.up.invoice()) != len(first.invoice)):
		bad("it was bought, and the same key again is replayed %t, charged %d, with %d requests after %d", got.Replayed, got.Charged, len(h.up.invoice()), len(first.invoice))
	case !bought && got.Replayed:
		bad("it failed, and the same key again says that it is a replay")
	}
	b := books{invoice: h.up.invoice(), delivered: map[credits.Key]credits.Amount{"k": got.Charged}, several: map[credits.Key]bool{"k": true}}
	if err := collect(tb.Context(), h.ledger, account, &b); err != nil {
		bad("%v", err)
	}
	for _, broken := range judge(b) {
		bad("after the fault: %s", broken)
	}
}

// outcome names how a call ended by the type of its error; it is empty for an error without one.
func outcome(err error) string {
	var failure *providers.Error
	switch {
	case err == nil:
		return "delivered"
	case errors.As(err, &failure):
		return "fails: " + failure.Kind.Error()
	case errors.Is(err, engine.ErrAnswer):
		return "fails: unusable answer"
	}
	return ""
}

// fates prints attempts as "rejected (rate limited), executed".
func fates(attempts []credits.Attempt) string {
	var list []string
	for _, a := range attempts {
		s := strings.ReplaceAll(a.Fate, "_", " ")
		if a.Error != "" {
			s += " (" + providers.Kind(a.Error).Error() + ")"
		}
		if n := len(list); n > 0 && list[n-1] == s {
			s += " × 2"
			list = list[:n-1]
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

// cell is a trial of a dish, and what came of it.
type cell struct {
	dish  dish
	trial trial
	verdict
}

// TestTheFaultMatrixIsTheOneOnThePage runs every function into every fault, checks the rules in each row, and compares
// the rows with docs/faults.md.
func TestTheFaultMatrixIsTheOneOnThePage(t *testing.T) {
	complete(t)
	begun := time.Now()
	sections := sections()
	var quick, timed []*cell
	for _, s := range sections {
		for _, c := range s.cells {
			if c.trial.waits {
				timed = append(timed, c)
			} else {
				quick = append(quick, c)
			}
		}
	}
	runAll(t, quick, 100) // most of their time is back-off, and more at once would time out on a machine that is busy
	runAll(t, timed, 24)
	t.Logf("%d operations in %s", len(quick)+len(timed), time.Since(begun).Round(time.Millisecond))
	want := makePage(sections)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if line, here, there := differs(string(want), string(got)); line > 0 {
		t.Errorf("docs/faults.md, line %d\n  says    %q\n  must be %q\nmake faults writes it anew", line, there, here)
	}
}

func runAll(t *testing.T, cells []*cell, atOnce int) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, c := range cells {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c.verdict = c.trial.run(t, c.dish)
			if c.trial.hasty() && c.outcome != "delivered" {
				calm := c.trial
				calm.change = patient
				c.verdict = calm.run(t, c.dish)
			}
		})
	}
	wg.Wait()
}

// complete fails if the set has a function that is not on the menu, or providertest a kind that has no words.
func complete(t *testing.T) {
	t.Helper()
	for _, f := range set.All() {
		if !slices.ContainsFunc(menu, func(d dish) bool { return d.name == f.Name() }) {
			t.Errorf("function %q is not on the menu", f.Name())
		}
	}
	for _, kind := range providertest.Kinds() {
		if meaning[kind] == "" {
			t.Errorf("fault %q is not described", kind)
		}
	}
}

// differs returns the first line in which two pages differ, from 1, or 0.
func differs(here, there string) (line int, a, b string) {
	h, t := strings.Split(here, "\n"), strings.Split(there, "\n")
	for i := range max(len(h), len(t)) {
		a, b = "", ""
		if i < len(h) {
			a = h[i]
		}
		if i < len(t) {
			b = t[i]
		}
		if a != b {
			return i + 1, a, b
		}
	}
	return 0, "", ""
}
