package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// migration is the host and what the phases keep of each other.
type migration struct {
	out    io.Writer
	week   week
	sample week                       // its beginning, where a few calls are enough
	models map[registry.Kind][]string // what the week's calls name

	db       *sqlite.DB
	registry *registry.Registry
	vault    *secret.Vault
	replayer *replayer
	fellBack atomic.Int64 // keys that the store did not have
	keys     keySwitch
}

// keySwitch is a key source that can be replaced under a running engine.
type keySwitch struct {
	now atomic.Pointer[secret.KeySource]
}

func (s *keySwitch) set(k secret.KeySource) { s.now.Store(&k) }

// Key implements [secret.KeySource].
func (s *keySwitch) Key(ctx context.Context, account, provider string) (secret.Key, error) {
	return (*s.now.Load()).Key(ctx, account, provider)
}

// environment has the keys of the old system.
func environment(name string) (string, bool) {
	return "sk-of-the-old-system-" + name, name == "OPENAI_API_KEY" || name == "RUNWARE_API_KEY"
}

func open(ctx context.Context, path string, w week, out io.Writer) (*migration, error) {
	m := &migration{out: out, week: w, sample: week{max(w.calls/10, 1), w.accounts}, models: map[registry.Kind][]string{}}
	err := m.setUp(ctx, path)
	if err != nil {
		m.close()
	}
	return m, err
}

// setUp makes a system like the old one: its prices, its keys in the environment, accounts with credits.
func (m *migration) setUp(ctx context.Context, path string) (err error) {
	if m.db, err = sqlite.Open(ctx, path, nil); err != nil {
		return err
	}
	if err := m.db.Migrate(ctx); err != nil {
		return err
	}
	first, err := legacy()
	if err != nil {
		return err
	}
	if _, err := m.db.Models().Save(ctx, registry.Change{Who: "migration", Why: "the old system's prices", Next: first}); err != nil {
		return err
	}
	for _, model := range first.Models {
		m.models[model.Kind] = append(m.models[model.Kind], model.Name)
	}
	if m.registry, err = registry.Open(ctx, m.db.Models(), nil); err != nil {
		return err
	}
	sealing, err := secret.NewRing("2026", map[string][]byte{"2026": []byte("thirty-two bytes, from a safe place")[:32]})
	if err != nil {
		return err
	}
	if m.vault, err = secret.StoreKeys(m.db.Keys(), sealing, nil); err != nil {
		return err
	}
	m.keys.set(secret.EnvKeys(environment))
	if m.replayer, err = newReplayer(engine.Config{Ledger: m.db.Ledger(), Registry: m.registry, Keys: &m.keys}); err != nil {
		return err
	}
	for n := range m.week.accounts {
		account := credits.Account(fmt.Sprintf("account-%d", n+1))
		if _, err := m.db.Ledger().Grant(ctx, credits.Grant{Account: account, Key: "grant", Kind: credits.Purchase, Amount: 1 << 40}); err != nil {
			return err
		}
	}
	return nil
}

func (m *migration) close() {
	if m.registry != nil {
		m.registry.Close()
	}
	if m.db != nil {
		_ = m.db.Close()
	}
}

func (m *migration) say(format string, args ...any) { fmt.Fprintf(m.out, format+"\n", args...) }

// walk goes through the phases. Any difference that there should not be is an error.
func (m *migration) walk(ctx context.Context, baseline string) error {
	m.say("Before: a baseline")
	old, _, err := m.replay(ctx, "before", m.sample)
	if err != nil {
		return err
	}
	if err := m.capture(ctx, baseline); err != nil {
		return err
	}

	m.say("\nPhase 1: new fields, which cost nothing")
	next, err := described()
	if err != nil {
		return err
	}
	fields, err := m.save(ctx, "tiers of models", time.Time{}, next)
	if err != nil {
		return err
	}
	got, _, err := m.replay(ctx, "phase 1", m.sample)
	if err != nil {
		return err
	}
	if err := m.same("the baseline", old, got); err != nil {
		return err
	}

	m.say("\nPhase 2: the new prices in the dark")
	if next, err = candidate(); err != nil {
		return err
	}
	shadow, err := m.save(ctx, "prices of models", farOff(), next)
	if err != nil {
		return err
	}
	if old, _, err = m.replay(ctx, "phase 2", m.week); err != nil { // it is charged as before
		return err
	}
	dark, missing, err := m.report(ctx, shadow.Number)
	if err != nil {
		return err
	}

	m.say("\nPhase 3: keys move from the environment into the store")
	if err := m.moveKeys(ctx); err != nil {
		return err
	}

	m.say("\nPhase 4: the switch")
	if _, err := m.save(ctx, "the switch to prices of models", time.Time{}, next); err != nil {
		return err
	}
	got, gone, err := m.replay(ctx, "phase 4", m.week)
	if err != nil {
		return err
	}
	if err := m.same("what the dark week said", dark, got); err != nil {
		return err
	}
	if gone != missing {
		return fmt.Errorf("%d calls found their model gone, and %d were missing in the dark week", gone, missing)
	}
	m.say("  %d calls found their model gone, as many as were missing in the dark week", gone)

	m.say("\nPhase 7: the environment has no keys any more")
	before, _, err := m.replay(ctx, "before phase 7", m.sample)
	if err != nil {
		return err
	}
	m.keys.set(m.vault)
	if got, _, err = m.replay(ctx, "phase 7", m.sample); err != nil {
		return err
	}
	if err := m.same("the calls before", before, got); err != nil {
		return err
	}

	m.say("\nThe way back: version %d again", fields.Number)
	back, err := m.registry.Rollback(ctx, fields.Number, "ada", "the old prices again")
	if err != nil {
		return err
	}
	m.say("  version %d is what version %d was", back.Number, fields.Number)
	if got, _, err = m.replay(ctx, "back", m.week); err != nil {
		return err
	}
	if err := m.same("what was charged in the dark week", old, got); err != nil {
		return err
	}
	return m.verify(ctx)
}

// save saves a version, after its differences were shown.
func (m *migration) save(ctx context.Context, why string, effective time.Time, next registry.Configuration) (registry.Version, error) {
	latest, err := m.db.Models().Latest(ctx)
	if err != nil {
		return registry.Version{}, err
	}
	changes := registry.Diff(*m.registry.Snapshot().Configuration, next)
	v, err := m.registry.Save(ctx, registry.Change{Base: latest, EffectiveAt: effective, Who: "ada", Why: why, Next: next})
	if err != nil {
		return registry.Version{}, err
	}
	m.say("  version %d, %s: %d changes to what is in force, such as", v.Number, why, len(changes))
	for _, d := range changes[:min(3, len(changes))] {
		m.say("    %s", d)
	}
	return v, nil
}

// replay makes the calls of a week and returns what was charged for them.
func (m *migration) replay(ctx context.Context, name string, w week) (charged totals, gone int64, err error) {
	begun := time.Now()
	if gone, err = m.replayer.replay(ctx, name, w, m.models); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	charged = totals{}
	sum := total{}
	rows, err := m.db.Ledger().Usage(ctx, credits.UsageQuery{AllAccounts: true, Scope: name, GroupBy: []credits.Dimension{credits.ByAccount, credits.ByOperation}})
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		t := total{r.Records, r.Charged + r.WrittenOff}
		charged[[2]string{string(r.Account), r.Operation}] = t
		sum.calls, sum.credits = sum.calls+t.calls, sum.credits+t.credits
	}
	m.say("  replayed: %d calls, %d credits, by version %d, in %s", sum.calls, sum.credits, m.registry.Snapshot().Version, time.Since(begun).Round(time.Millisecond))
	return charged, gone, nil
}

func (m *migration) same(what string, want, got totals) error {
	if d := differences(want, got); d != "" {
		return fmt.Errorf("it is not %s:\n%s", what, d)
	}
	m.say("  difference from %s, over %d accounts and operations: 0", what, len(want))
	return nil
}

// capture writes what the plan calls the baseline: the configuration, what was used last, and what accounts have.
func (m *migration) capture(ctx context.Context, path string) error {
	configuration, err := m.registry.Snapshot().Configuration.Canonical()
	if err != nil {
		return err
	}
	baseline := struct {
		Configuration json.RawMessage                     `json:"configuration"`
		Balances      map[credits.Account]credits.Balance `json:"balances"`
		Recent        []credits.UsageRecord               `json:"recent"`
	}{configuration, map[credits.Account]credits.Balance{}, nil}
	for n := range min(5, m.week.accounts) {
		account := credits.Account(fmt.Sprintf("account-%d", n+1))
		if baseline.Balances[account], err = m.db.Ledger().Balance(ctx, account); err != nil {
			return err
		}
		for r, err := range m.db.Ledger().Records(ctx, credits.UsageQuery{Account: account}) {
			if err != nil {
				return err
			}
			if baseline.Recent = append(baseline.Recent, r); len(baseline.Recent)%4 == 0 {
				break
			}
		}
	}
	text, err := json.MarshalIndent(baseline, "", "  ")
	if err != nil {
		return err
	}
	m.say("  configuration, balances and %d records are in baseline.json", len(baseline.Recent))
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// report prints what the dark week says, by reason, and returns what the candidate comes to.
func (m *migration) report(ctx context.Context, version int64) (candidate totals, missing int64, err error) {
	rows, err := m.db.Ledger().Shadow(ctx, credits.ShadowQuery{Version: version})
	if err != nil {
		return nil, 0, err
	}
	candidate = totals{}
	type line struct {
		calls              int64
		current, candidate credits.Amount
	}
	lines := map[string]line{}
	for _, r := range rows {
		l := lines[r.Reason]
		lines[r.Reason] = line{l.calls + r.Records, l.current + r.Current, l.candidate + r.Candidate}
		if r.Reason == credits.ShadowMissing {
			missing += r.Records
			continue
		}
		key := [2]string{string(r.Account), r.Operation}
		candidate[key] = total{candidate[key].calls + r.Records, candidate[key].credits + r.Candidate}
	}
	table := tabwriter.NewWriter(m.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\treason\tcalls\tcurrent\tcandidate\tdifference\t")
	for _, reason := range slices.Sorted(maps.Keys(lines)) {
		l := lines[reason]
		switch reason {
		case credits.ShadowMissing: // there is nothing to compare
			fmt.Fprintf(table, "\t%s\t%d\t%d\t–\t–\t\n", reason, l.calls, l.current)
			continue
		case string(registry.ReasonNone):
			reason = "the same"
		}
		fmt.Fprintf(table, "\t%s\t%d\t%d\t%d\t%d\t\n", reason, l.calls, l.current, l.candidate, l.candidate-l.current)
	}
	return candidate, missing, table.Flush()
}

// moveKeys asks the store first and the environment after it, until the store has every key.
func (m *migration) moveKeys(ctx context.Context) error {
	chain, err := secret.Chain(func(context.Context, secret.Fallback) { m.fellBack.Add(1) }, m.vault, secret.EnvKeys(environment))
	if err != nil {
		return err
	}
	m.keys.set(chain)
	some := week{min(50, m.week.calls), m.week.accounts}
	if _, err := m.replayer.replay(ctx, "phase 3, first", some, m.models); err != nil {
		return err
	}
	m.say("  the store is asked first: of %d calls, keys were found in the environment %d times", some.calls, m.fellBack.Swap(0))
	for provider, variable := range map[string]string{"openai": "OPENAI_API_KEY", "runware": "RUNWARE_API_KEY"} {
		text, _ := environment(variable)
		if _, err := m.vault.Set(ctx, secret.Place{Provider: provider, ID: "main"}, secret.New(text), secret.By{Who: "ada", Why: "from the environment"}); err != nil {
			return err
		}
	}
	if _, err := m.replayer.replay(ctx, "phase 3, then", some, m.models); err != nil {
		return err
	}
	n := m.fellBack.Load()
	m.say("  the keys are in the store, sealed: of %d calls, keys were found in the environment %d times", some.calls, n)
	if n != 0 {
		return errors.New("a key is still missing in the store")
	}
	return nil
}

// verify replays the ledger and reads the history from its beginning.
func (m *migration) verify(ctx context.Context) error {
	entries := int64(0)
	for n := range m.week.accounts {
		report, err := m.db.Ledger().Verify(ctx, credits.Account(fmt.Sprintf("account-%d", n+1)))
		if err != nil {
			return err
		}
		if !report.OK() {
			return fmt.Errorf("the ledger does not verify: %v", report.Problems)
		}
		entries += report.Entries
	}
	m.say("\nThe ledger verifies: %d accounts, %d entries. The history:", m.week.accounts, entries)
	for v, err := range m.db.Models().History(ctx, 0) {
		if err != nil {
			return err
		}
		m.say("  version %d by %s: %s", v.Number, v.Who, v.Why)
	}
	return nil
}
