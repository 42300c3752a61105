package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/registry"
)

// A small configuration: two models of which one is the default, one provider, one operation.
const small = `{
  "models": [
    {"name": "writer", "kind": "text", "provider": "house", "active": true, "default": true, "sort_order": 1,
     "prices": {"input": "1.25", "output": "10"}, "max_output_tokens": 1000},
    {"name": "house:2@1", "kind": "text", "provider": "house", "active": true, "sort_order": 2,
     "prices": {"input": "0.25", "output": "2"}, "max_output_tokens": 1000}
  ],
  "providers": [{"id": "house", "active": true}],
  "operations": [{"operation": "clustering", "tokens_per_credit": 150, "min_credits": 2, "price_per_credit_usd": "0.01", "active": true}],
  "settings": {"functions": {"write": {"model": "writer", "temperature": "0.7"}}, "images": {"per_article": 2}}
}`

// stocked saves the small configuration as the first version.
func (s *shop) stocked() *shop {
	s.t.Helper()
	s.stdin = small
	s.must("models", "apply", "-", "--why", "the first prices", "--yes")
	s.stdin = ""
	return s
}

func (s *shop) version(number int64) registry.Version {
	s.t.Helper()
	var v registry.Version
	s.open(reading, func(db *database) {
		var err error
		if v, err = db.models.Load(s.t.Context(), number); err != nil {
			s.t.Fatal(err)
		}
	})
	return v
}

func (s *shop) latest() (number int64) {
	s.t.Helper()
	s.open(reading, func(db *database) {
		var err error
		if number, err = db.models.Latest(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	})
	return number
}

func TestChangesAreShownBeforeTheyAreWritten(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.refused(failed, "scrip models apply --catalogue", "models", "list")
		s.stocked()
		dearer := []string{"models", "set", "writer", "prices.input=1.5", "operation:clustering", "min_credits=3", "--why", "dearer"}
		const difference = "To version 1:\n  model \"writer\": prices.input: 1.25 → 1.5\n  operation \"clustering\": min_credits: 2 → 3\nIt would take effect at once.\n"

		if r := s.refused(failed, "there is no terminal to ask at; --yes", dearer...); r.out != difference {
			t.Errorf("without a terminal it prints\n%swant\n%s", r.out, difference)
		}
		for _, answer := range []string{"n\n", "", "yess"} {
			s.terminal = &person{answer: answer}
			if r := s.refused(failed, "scrip: nothing was written\n", dearer...); r.out != difference {
				t.Errorf("before it asks it prints\n%swant\n%s", r.out, difference)
			}
		}
		if n := s.latest(); n != 1 {
			t.Fatalf("there are %d versions, though nobody agreed", n)
		}
		p := &person{answer: " Y \n"}
		s.terminal = p
		if out := s.must(dearer...); out != difference+"Version 2 is written and takes effect at once.\n" || len(p.asked) != 1 {
			t.Errorf("when somebody agrees it prints\n%s", out)
		}
		v := s.version(0)
		if v.Number != 2 || v.Who != "olga" || v.Why != "dearer" || v.Configuration.Operations[0].MinCredits != 3 {
			t.Errorf("version in force = %+v", v)
		}

		// --yes asks nobody, and the same again is no change.
		s.terminal = &person{err: errors.New("nobody must be asked")}
		if out := s.must(append(dearer, "--yes")...); !strings.Contains(out, "nothing was written") || s.latest() != 2 {
			t.Errorf("the same again prints %q", out)
		}
		s.must("models", "set", "images", "per_article=", "--why", "no pictures", "--who", "pavel", "--yes")
		if v := s.version(0); v.Number != 3 || v.Who != "pavel" || v.Configuration.Settings.Images.PerArticle != nil {
			t.Errorf("version in force = %+v", v)
		}

		// What is not valid is refused with every rule, one on a line, before anybody is asked.
		r := s.refused(failed, "exactly one active model must be the default: 0 are", "models", "set", "writer", "default=false", "prices.output=-1", "--why", " ")
		for _, rule := range []string{"why must be set", "prices.output is negative"} {
			if !strings.Contains(r.err, rule) || strings.Count(r.err, "\n") != 3 || r.out != "" {
				t.Errorf("%q is not a line of its own in\n%s%s", rule, r.out, r.err)
			}
		}
		s.refused(failed, "prices.input has the exponent 21", "models", "set", "writer", "prices.input=1e21", "--why", "no slip either")
		s.must("models", "set", "writer", "default=false", "house:2@1", "default=true", "--why", "another default", "--yes")
		if out := s.must("models", "list"); !strings.Contains(out, "house:2@1  text  house     yes     yes ") {
			t.Errorf("models list:\n%s", out)
		}
	})
}

func TestAChangeIsMadeOfWhatWillBeInForce(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.stocked()
		month := time.Now().Add(30 * 24 * time.Hour).UTC().Truncate(time.Second)
		day := func(d int) string { return month.Add(time.Duration(d) * 24 * time.Hour).Format(time.RFC3339) }
		out := s.must("models", "set", "writer", "prices.input=2", "--why", "next month", "--effective-at", day(0), "--yes")
		if !strings.HasSuffix(out, "Version 2 is written and takes effect at "+day(0)+".\n") {
			t.Errorf("models set prints\n%s", out)
		}
		// Behind it: made of version 2, which stays.
		got := decoded[changed](s, "models", "set", "writer", "prices.output=20", "--why", "and after", "--effective-at", day(2), "--yes")
		if got.MadeOf != 2 || got.Cancels != nil || !got.Written || got.Version.Number != 3 || len(got.Differences) != 1 {
			t.Errorf("a change behind a pending one = %+v", got)
		}
		// Between them: made of version 2, and version 3 is over.
		got = decoded[changed](s, "models", "set", "writer", "display_name=W", "--why", "between", "--effective-at", day(1), "--yes")
		if got.MadeOf != 2 || !slices.Equal(got.Cancels, []int64{3}) || !got.EffectiveAt.Equal(month.Add(24*time.Hour)) {
			t.Errorf("a change between pending ones = %+v", got)
		}
		// At once: made of what is in force, so that next month's price is not charged today; and what is over for good is not told again.
		r := s.refused(failed, "nothing was written", "models", "set", "writer", "sort_order=7", "--why", "now")
		if !strings.Contains(r.out, "To version 1:\n  model \"writer\": sort_order: 1 → 7\nVersion 4, which is still to come, will never take effect.\nVersion 2, which is still to come, will never take effect.\n") {
			t.Errorf("a change at once prints\n%s", r.out)
		}
		states := map[int64]string{}
		for _, l := range decoded[struct{ Versions []historyLine }](s, "models", "history").Versions {
			states[l.Number] = l.State
		}
		if want := map[int64]string{1: "in force", 2: "pending", 3: "cancelled", 4: "pending"}; !reflect.DeepEqual(states, want) {
			t.Errorf("states = %v, want %v", states, want)
		}
		// The same configuration again cancels what is pending, which is a change.
		s.must("models", "rollback", "1", "--why", "as it was", "--yes")
		if v := s.version(0); v.Number != 5 {
			t.Errorf("version %d is in force after the rollback", v.Number)
		}
		if out := s.must("models", "history", "--limit", "2", "--before", "5"); !strings.Contains(out, "\n4        cancelled  ") || !strings.Contains(out, "\n3        cancelled  ") || strings.Count(out, "\n") != 3 {
			t.Errorf("models history:\n%s", out)
		}
		if out := s.must("models", "history"); !strings.Contains(out, "\n1        past ") {
			t.Errorf("models history:\n%s", out)
		}
		s.refused(failed, "has passed", "models", "set", "writer", "sort_order=9", "--why", "late", "--effective-at", "2020-01-01")
		s.refused(misused, "is no time", "models", "set", "writer", "sort_order=9", "--why", "late", "--effective-at", "tomorrow")
	})
}

// TestAChangeAtTheTimeOfAPendingOneTakesItsPlace, and says so; the same again is no change.
func TestAChangeAtTheTimeOfAPendingOneTakesItsPlace(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.stocked()
		for _, at := range []string{"2099-01-01", "2099-01-01T00:00:00Z"} {
			s.must("models", "set", "writer", "prices.input=2", "--why", "next century", "--effective-at", at, "--yes")
		}
		got := decoded[changed](s, "models", "set", "writer", "prices.output=20", "--why", "and more", "--effective-at", "2099-01-01", "--yes")
		if got.MadeOf != 2 || !slices.Equal(got.Cancels, []int64{2}) || len(got.Differences) != 1 || got.Version.Number != 3 {
			t.Errorf("a change at the time of version 2 = %+v", got)
		}
		// Less than a microsecond before is at that time, because no store keeps less.
		got = decoded[changed](s, "models", "set", "writer", "sort_order=7", "--why", "a hair", "--effective-at", "2098-12-31T23:59:59.9999999Z", "--yes")
		if got.MadeOf != 3 || !slices.Equal(got.Cancels, []int64{3}) || len(got.Differences) != 1 {
			t.Errorf("a change just before the time of version 3 = %+v", got)
		}
		if out := s.must("models", "history"); !strings.Contains(out, "\n4        pending ") || !strings.Contains(out, "\n3        cancelled ") || !strings.Contains(out, "\n2        cancelled ") {
			t.Errorf("models history:\n%s", out)
		}
	})
}

func TestASaveInBetweenIsAConflict(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.stocked()
		s.terminal = &person{answer: "y", thought: func() {
			other := *s
			other.terminal = nil
			other.must("models", "set", "writer", "sort_order=5", "--why", "first", "--yes")
		}}
		r := s.refused(failed, "somebody else saved a version in the meantime", "models", "set", "writer", "sort_order=6", "--why", "second")
		if v := s.version(0); v.Number != 2 || v.Why != "first" || !strings.Contains(r.err, "the latest is 2") {
			t.Errorf("version %d, %q, is in force: %s", v.Number, v.Why, r.err)
		}
	})
}

func TestAnInterruptWritesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.stocked()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.terminal = &person{answer: "y", thought: cancel}
		r := s.runUnder(ctx, "models", "set", "writer", "sort_order=6", "--why", "never")
		if r.code != failed || r.err != "scrip: interrupted\n" || s.latest() != 1 {
			t.Errorf("scrip = %d, %q, and there are %d versions", r.code, r.err, s.latest())
		}
	})
}

func TestSnapshotsAreReadBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.stocked()
		file := filepath.Join(t.TempDir(), "baseline.json")
		if err := os.WriteFile(file, []byte(s.must("snapshot")), 0o600); err != nil {
			t.Fatal(err)
		}
		s.must("models", "set", "writer", "prices.input=3", "--why", "x", "--yes")
		s.must("models", "diff", "1", file)
		for _, args := range [][]string{{file}, {"1"}, {"1", "2"}, {file, "0"}} {
			if r := s.run(append([]string{"models", "diff"}, args...)...); r.code != 1 || r.err != "" || r.out != "model \"writer\": prices.input: 1.25 → 3\n" {
				t.Errorf("models diff %q = %+v", args, r)
			}
		}
		s.stdin = s.must("snapshot", "--version", "2")
		s.must("models", "diff", "-", "2")
		if r := s.run("models", "diff", registry.Seed, registry.Current, "--json"); r.code != 1 || len(decode[struct{ Differences []registry.Difference }](t, r.out).Differences) == 0 {
			t.Errorf("models diff of the catalogues = %+v", r)
		}
		s.must("models", "apply", file, "--why", "back", "--yes")
		s.must("models", "diff", "1", "3")
		for _, args := range [][]string{{"7"}, {"none.json"}, {"1", "--bad"}, {}} {
			if r := s.run(append([]string{"models", "diff"}, args...)...); r.code != 2 || r.err == "" || r.out != "" {
				t.Errorf("models diff %q = %+v, want trouble", args, r)
			}
		}
		s.stdin = `{"models": [], "modles": []}`
		s.refused(failed, `unknown field "modles"`, "models", "apply", "-", "--why", "x")
		s.refused(failed, "there are current, seed-2026-01", "models", "apply", "--catalogue", "none", "--why", "x")
		s.refused(misused, "either a file or --catalogue", "models", "apply", "--why", "x")
		s.refused(failed, "roll back: ", "models", "rollback", "9", "--why", "x")
		s.refused(misused, "an earlier version", "models", "rollback", "0", "--why", "x")
	})
}

func TestRowsAreListedAndShown(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stocked()
	models := decoded[struct {
		Version int64
		Models  []registry.Model
	}](s, "models", "list")
	if models.Version != 1 || len(models.Models) != 2 || models.Models[0].Name != "writer" {
		t.Errorf("models list = %+v", models)
	}
	for kind, want := range map[string]string{
		"provider":  "PROVIDER  NAME  ACTIVE  BASE URL\nhouse     -     yes     -\n",
		"operation": "OPERATION   ACTIVE  TOKENS/CREDIT  MIN CREDITS  USD/CREDIT\nclustering  yes     150            2            0.01\n",
		"function":  "FUNCTION  MODEL   FALLBACKS  TEMPERATURE  MAX TOKENS  PROMPT\nwrite     writer  -          0.7          -           -\n",
	} {
		if out := s.must("models", "list", kind); out != want {
			t.Errorf("models list %s:\n%swant\n%s", kind, out, want)
		}
		doc := decoded[map[string]any](s, "models", "list", kind)
		if rows, ok := doc[kind+"s"].([]any); !ok || len(rows) != 1 || len(doc) != 2 {
			t.Errorf("models list %s --json = %v", kind, doc)
		}
	}
	if out := s.must("models", "show", "house:2@1"); !strings.Contains(out, "\nprices.input       0.25\n") {
		t.Errorf("models show:\n%s", out)
	}
	if f := decoded[registry.FunctionSettings](s, "models", "show", "function:write"); f.Model != "writer" {
		t.Errorf("models show function:write = %+v", f)
	}
	s.must("models", "set", "function:write", "prompt=Be brief.", "fallbacks=house:2@1", "--why", "x", "--yes")
	if out := s.must("models", "list", "function"); !strings.Contains(out, "of 9 bytes") || !strings.Contains(out, "house:2@1") {
		t.Errorf("models list function:\n%s", out)
	}
	if o := decoded[registry.OperationCost](s, "models", "show", "operation:clustering", "--version", "1"); o.MinCredits != 2 {
		t.Errorf("models show operation:clustering = %+v", o)
	}
	s.refused(failed, `model "reader": not in the registry`, "models", "show", "reader")
	s.refused(failed, `function "read": not in the registry`, "models", "show", "function:read")
	s.refused(failed, "--new adds one", "models", "set", "provider:other", "active=true", "--why", "x")
	s.must("models", "set", "--new", "provider:other", "active=true", "reader", "kind=text", "provider=other", "operation:reading", "active=true",
		"tokens_per_credit=10", "price_per_credit_usd=0.5", "function:read", "model=writer", "--why", "new rows", "--yes")
	if c := s.version(0).Configuration; len(c.Models) != 3 || len(c.Providers) != 2 || len(c.Operations) != 2 || c.Settings.Functions["read"].Model != "writer" {
		t.Errorf("after models set --new: %+v", c)
	}
	for _, args := range [][]string{{"writer"}, {"active=true"}, {"writer", "house:2@1", "active=true"}, {"writer", "price=1"}, {"writer", "active=maybe"}} {
		s.refused(misused, "", append(append([]string{"models", "set"}, args...), "--why", "x")...)
	}
}

func TestJSONOfAChangeIsOneDocument(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.stocked()
	args := []string{"models", "set", "writer", "sort_order=6", "--why", "x", "--json"}
	r := s.refused(failed, "--yes writes the change", args...)
	if got := decode[changed](t, r.out); got.Written || got.Version != nil || got.MadeOf != 1 || len(got.Differences) != 1 {
		t.Errorf("what was not written = %s", r.out)
	}
	s.terminal = &person{answer: "y"}
	r = s.run(args...)
	if got := decode[changed](t, r.out); r.code != done || !got.Written || got.Version.Number != 2 || got.Version.Who != "olga" {
		t.Errorf("what was written = %+v", r)
	}
	if !strings.Contains(r.err, "sort_order: 1 → 6") {
		t.Errorf("who is asked sees %q", r.err)
	}
	if got := decode[changed](t, s.must(args...)); got.Written || got.Differences == nil {
		t.Errorf("no change = %+v", got)
	}
	s.user = ""
	s.refused(misused, "--who", "models", "set", "writer", "sort_order=7", "--why", "x")
	s.refused(misused, "--who", "keys", "rotate", "--why", "x")
	s.refused(misused, "--who", "keys", "set", "house", "--why", "x")
}
