package main

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/secret"
)

type keysDocument struct{ Keys []keyLine }

func TestKeys(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		old := ring(t, "2025")
		both := ring(t, "2026") + "," + old
		s.env["SCRIP_KEY_RING"] = old

		s.stdin = "sk-first\r\n" // before there is a configuration
		if out := s.must("keys", "set", "house", "--why", "the first"); out != "The key \"main\" of provider \"house\" is added, sealed with \"2025\" of the ring.\n" {
			t.Errorf("keys set prints %q", out)
		}
		s.stocked()
		s.terminal = &person{answer: "sk-second"}
		if out := s.must("keys", "set", "house", "--why", "a better one"); !strings.Contains(out, "is replaced") {
			t.Errorf("keys set prints %q", out)
		}
		if p := s.terminal.(*person); len(p.asked) != 1 || !strings.Contains(p.asked[0], "not shown") {
			t.Errorf("it asks %q", p.asked)
		}
		s.terminal = nil
		s.stdin = "sk-of-alice"
		added := decoded[keyLine](s, "keys", "set", "house", "--account", "alice", "--id", "k2", "--why", "her own", "--who", "pavel")
		if added.Provider != "house" || added.Account != "alice" || added.ID != "k2" || !added.Active || added.RingKey != "2025" || added.Who != "pavel" || added.Version != added.Added {
			t.Errorf("keys set = %+v", added)
		}
		s.wantKey(old, "bob", "sk-second")
		s.wantKey(old, "alice", "sk-of-alice")

		file := filepath.Join(t.TempDir(), "ring")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(both, ",", "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		want := rotated{secret.Resealed{Resealed: 2}, map[string]int{"2026": 2}}
		if got := decoded[rotated](s, "keys", "rotate", "--ring-file", file, "--why", "a new year"); got.Resealed != want.Resealed || len(got.RingKeys) != 1 || got.RingKeys["2026"] != 2 {
			t.Errorf("keys rotate = %+v", got)
		}
		s.env["SCRIP_KEY_RING"] = both
		if out := s.must("keys", "rotate", "--why", "again"); out != "0 sealed anew, 2 were already, 0 could not be opened.\nRING KEY  SEALS\n2026      2\n" {
			t.Errorf("keys rotate prints\n%s", out)
		}
		s.wantKey(both, "alice", "sk-of-alice")
		if out := s.must("keys", "list"); !strings.Contains(out, "\nhouse     -        main  yes     2026      ") || !strings.Contains(out, "\nhouse     alice    k2    yes     2026      ") {
			t.Errorf("keys list:\n%s", out)
		}
		if keys := decoded[keysDocument](s, "keys", "list").Keys; len(keys) != 2 || keys[1].Account != "alice" || keys[1].Why != "a new year" {
			t.Errorf("keys list = %+v", keys)
		}

		// A key is revoked without a ring, and there is the one before it to go back to.
		s.env["SCRIP_KEY_RING"] = ""
		for range 2 { // the second time changes nothing
			if got := decoded[keyLine](s, "keys", "deactivate", "house", "--account", "alice", "--id", "k2", "--why", "it leaked"); got.Active || got.Version != 6 || got.Why != "it leaked" {
				t.Errorf("keys deactivate = %+v", got)
			}
		}
		s.wantKey(both, "alice", "sk-second")
		if out := s.must("keys", "activate", "house", "--account", "alice", "--id", "k2", "--why", "it did not"); out != "The key \"k2\" of provider \"house\" and account \"alice\" is active.\n" {
			t.Errorf("keys activate prints %q", out)
		}
		s.wantKey(both, "alice", "sk-of-alice")
		if out := s.must("keys", "deactivate", "house", "--why", "x"); !strings.Contains(out, "is not active") {
			t.Errorf("keys deactivate prints %q", out)
		}
		s.must("keys", "activate", "house", "--why", "x")
		s.refused(failed, "there is no API key at this place", "keys", "deactivate", "house", "--id", "k3", "--why", "x")
		s.refused(failed, "say who and why", "keys", "deactivate", "house", "--why", " ")

		// A ring without what the keys are sealed with.
		s.env["SCRIP_KEY_RING"] = ring(t, "2027")
		r := s.refused(failed, `ring key is missing: "2026"`, "keys", "rotate", "--why", "lost")
		if !strings.Contains(r.out, "2 could not be opened") || strings.Count(r.err, "\n") != 2 {
			t.Errorf("keys rotate without the ring key:\n%s%s", r.out, r.err)
		}
		r = s.refused(failed, "ring key is missing", "keys", "rotate", "--why", "lost", "--json")
		if got := decode[rotated](t, r.out); got.Failed != 2 || got.RingKeys["2026"] != 2 {
			t.Errorf("keys rotate without the ring key = %+v", got)
		}
		s.wantKey(both, "bob", "sk-second")

		// More keys than a page has.
		s.env["SCRIP_KEY_RING"] = both
		parsed, err := secret.ParseRing(both)
		if err != nil {
			t.Fatal(err)
		}
		s.open(writing, func(db *database) {
			v, err := secret.StoreKeys(db.keys, parsed, nil)
			for i := range 100 {
				if err == nil {
					_, err = v.Set(t.Context(), secret.Place{Provider: "other", ID: "k" + strings.Repeat("x", i%50) + string(rune('a'+i/50))}, secret.New("sk"), secret.By{Who: "w", Why: "y"})
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if keys := decoded[keysDocument](s, "keys", "list").Keys; len(keys) != 102 {
			t.Errorf("keys list has %d, want 102", len(keys))
		}
	})
}

// wantKey fails unless calls of an account are made with a key.
func (s *shop) wantKey(text string, account, want string) {
	s.t.Helper()
	parsed, err := secret.ParseRing(text)
	if err != nil {
		s.t.Fatal(err)
	}
	s.open(reading, func(db *database) {
		v, err := secret.StoreKeys(db.keys, parsed, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		key, err := v.Key(s.t.Context(), account, "house")
		if err != nil || key.Secret.Reveal() != want {
			s.t.Errorf("the key of %s is not the one that was set (%v)", account, err)
		}
	})
}

// TestNoOutputHasAKey gives a key and a ring in every place where they belong and in many where they do not.
func TestNoOutputHasAKey(t *testing.T) {
	const key = "sk-proj-Zr8QmVw3"
	onEach(t, func(t *testing.T, s *shop) {
		text := ring(t, "2026", "2025")
		s.env["SCRIP_KEY_RING"] = text
		s.stocked()
		s.stdin = key
		s.must("keys", "set", "house", "--why", "x")
		s.must("keys", "set", "house", "--why", "x", "--json")
		for _, args := range [][]string{
			{"keys", "set", "house", key, "--why", "x"}, {"keys", "set", key, "--why", "x"}, {"keys", "set", "house", "--key", key, "--why", "x"},
			{"keys", "set", "house", "--key=" + key, "--why", "x"}, {"keys", "set", "house", "--id", key, "--why", "x"}, {"keys", "set", "house", "--why", key},
			{"keys", "set", "house", "--account", "a" + key, "--why", "x"}, {"keys", "set", "house", "--who", key, "--why", "x"}, {"keys", key}, {"keys", "rotate", key, "--why", "x"},
			{"keys", "activate", "house", "--id", key, "--why", "x"}, {"keys", "deactivate", key, "--why", "x"}, {"keys", "deactivate", "house", "--why", "x", key},
			{"keys", "set", "house", "--ring-file", "none", "--why", "x"}, {"keys", "set", "--" + key, "house"},
		} {
			if r := s.run(args...); r.code == done {
				t.Errorf("scrip %q is done", args)
			}
		}
		for _, given := range []string{"", "  " + key, key + "\n" + key, key + "\x00", strings.Repeat(key, 1000)} {
			s.stdin = given
			s.refused(failed, "", "keys", "set", "house", "--why", "x")
		}
		s.terminal = &person{answer: key, err: errors.New("hung up")}
		s.refused(failed, "hung up", "keys", "set", "house", "--why", "x")
		s.terminal = nil
		for _, broken := range []string{text[:60], text + "," + text, strings.ReplaceAll(text, ":", ";"), "x", ""} {
			s.env["SCRIP_KEY_RING"] = broken
			if r := s.run("keys", "rotate", "--why", "x"); r.code == done {
				t.Errorf("keys rotate with a broken ring is done: %s", r.out)
			}
		}
		s.env["SCRIP_KEY_RING"] = ring(t, "2026") // another one of the id
		s.refused(failed, "", "keys", "set", "nobody", "--why", "x")
		s.env["SCRIP_KEY_RING"] = text
		s.must("keys", "rotate", "--why", "x")
		for _, args := range [][]string{{"keys", "list"}, {"keys", "list", "--json"}, {"snapshot"}, {"models", "history", "--json"}, {"models", "list", "provider", "--json"}, {"verify"}} {
			s.must(args...)
		}
		said := s.said.String()
		for _, entry := range strings.Split(text, ",") {
			_, encoded, _ := strings.Cut(entry, ":")
			raw, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{encoded, encoded[:12], strings.ToUpper(encoded), string(raw)} {
				if strings.Contains(said, part) {
					t.Errorf("an output has a key of the ring, or a part of one")
				}
			}
		}
		if i := strings.Index(said, "Zr8QmVw3"); i >= 0 {
			t.Errorf("an output has the key: …%s…", said[max(i-200, 0):i+20])
		}
		if !strings.Contains(said, "an API key is never one") || !strings.Contains(said, "the registry has no provider of this name") {
			t.Errorf("the outputs do not say what to do:\n%s", said)
		}
	})
}
