package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// TestKeysFromAStoreWithAFallback runs calls on their way from the environment's key to a store's: every attempt's journal
// says which key it was made with, and every fallback is reported.
func TestKeysFromAStoreWithAFallback(t *testing.T) {
	entry := must(secret.GenerateRingKey("k1"))
	ring := must(secret.ParseRing(entry.Reveal()))
	store := memory.New(nil).Keys()
	vault := must(secret.StoreKeys(store, ring, nil))
	environment := secret.EnvKeys(func(name string) (string, bool) { return apiKey, name == "OPENAI_API_KEY" })
	var fell []secret.Fallback
	h := newHost(t, setup{engine: func(c *engine.Config) {
		c.Keys = must(secret.Chain(func(_ context.Context, f secret.Fallback) { fell = append(fell, f) }, vault, environment))
	}})
	by := secret.By{Who: "ada", Why: "the keys move into the store"}
	run := func(name, keyID string, fallbacks ...secret.Fallback) {
		t.Helper()
		fell = nil
		if _, err := h.echo(credits.Key(name)); err != nil {
			t.Fatal(err)
		}
		if a := h.attempts(credits.Key(name)); len(a) != 1 || a[0].KeyID != keyID {
			t.Errorf("%s: the journal has %+v, want one attempt with the key %q", name, a, keyID)
		}
		if got := slices.Compact(fell); !slices.Equal(got, fallbacks) { // a key may be asked for more than once
			t.Errorf("%s: reported are %+v, want %+v", name, fell, fallbacks)
		}
	}

	run("without a row", "env:OPENAI_API_KEY", secret.Fallback{Provider: "openai", Account: string(account), Source: 1, KeyID: "env:OPENAI_API_KEY"})
	system, own := secret.Place{Provider: "openai", ID: "main"}, secret.Place{Provider: "openai", Account: string(account), ID: "own"}
	must(vault.Set(t.Context(), system, secret.New(apiKey), by))
	run("with the system's", "main")
	must(vault.Set(t.Context(), own, secret.New(apiKey), by))
	run("with the account's own", string(account)+"/own")
	must(vault.SetActive(t.Context(), own, false, by))
	run("after that was revoked", "main")

	// A key that does not open is no reason to use another one, and nothing is sent.
	sent, _ := h.requests()
	other := must(secret.StoreKeys(store, must(secret.ParseRing(must(secret.GenerateRingKey("k2")).Reveal())), nil))
	e := h.another(func(c *engine.Config) {
		c.Keys = must(secret.Chain(func(context.Context, secret.Fallback) { t.Error("a key that does not open is fallen back from") }, other, environment))
	})
	_, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: "without the ring"}, ask{prompt})
	if !errors.Is(err, secret.ErrNoRingKey) || h.balance().Held != 0 {
		t.Errorf("Run without the ring key = %v, with %d held, want ErrNoRingKey and nothing", err, h.balance().Held)
	}
	if now, _ := h.requests(); now != sent {
		t.Errorf("%d requests were sent, want none", now-sent)
	}
	if report, err := h.ledger.Verify(t.Context(), account); err != nil || !report.OK() {
		t.Errorf("Verify: %v %+v", err, report.Problems)
	}
}
