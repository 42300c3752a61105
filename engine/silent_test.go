package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/internal/reach"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// TestNoErrorGivesAnythingAway looks for the API key, the prompt and a header in the errors of every way to fail.
func TestNoErrorGivesAnythingAway(t *testing.T) {
	kinds := []providertest.FaultKind{providertest.Status401, providertest.Status403, providertest.Status429, providertest.Status500,
		providertest.Status502, providertest.Quota, providertest.Redirect, providertest.DropBefore, providertest.DropAfter, providertest.CutBody,
		providertest.InvalidBody, providertest.ErrorIn200, providertest.Refusal, providertest.NotJSON, providertest.WrongShape,
		providertest.Length, providertest.NoUsage, providertest.AbsurdUsage, providertest.BadPicture}
	for _, f := range []flow{{}, {model: dalleModel}, {model: runwareModel}} {
		for _, kind := range kinds {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true})
				h.faults(providertest.Fault{Kind: kind})
				_, _, err := f.run(h, h.Engine, credits.Holder{})
				silent(t, err)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true, grant: 2})
		_, _, err := flow{}.run(h, h.Engine, credits.Holder{})
		silent(t, err)
		_, err = engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{})
		silent(t, err)
		_, _, err = flow{model: "gpt-9"}.run(h, h.Engine, credits.Holder{})
		silent(t, err)
		dead := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 1} })
		_, _, err = flow{}.run(h, dead, credits.Holder{})
		silent(t, err)
	})
}

func TestAnAdapterThatBreaksItsContractGivesNothingAway(t *testing.T) {
	careless := text(func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
		return providers.TextResult{}, fmt.Errorf("Authorization: Bearer %s: %s", r.Attempt.Key.Secret.Reveal(), r.Messages[1].Text)
	})
	none := 0
	h := newHost(t, setup{engine: func(c *engine.Config) { c.Providers, c.AmbiguousRepeats = []providers.Provider{careless}, &none }})
	_, err := h.echo("k")
	silent(t, err)
	if !errors.Is(err, providers.Upstream) || fates(h.attempts("k")) != "unknown/upstream" {
		t.Errorf("%v, attempts %q; want an unknown fate, parked", err, fates(h.attempts("k")))
	}
	h.sound()
}

// TestTheKeyNeverReachesTheLedger walks over what is journalled and pinned.
func TestTheKeyNeverReachesTheLedger(t *testing.T) {
	h := newHost(t, setup{})
	m := &mortal{Ledger: h.ledger, dieAt: 2}
	if _, _, err := (flow{}).run(h, h.another(func(c *engine.Config) { c.Ledger = m }), credits.Holder{}); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	held, err := h.ledger.Lookup(t.Context(), account, "k")
	if err != nil || !reach.Reaches(held.Hold.Pinned, prompt) || reach.Reaches(held, apiKey) || reach.Reaches(h.attempts(""), apiKey) || reach.Reaches(h.attempts(""), prompt) {
		t.Errorf("%v: want the prompt pinned on the hold and nowhere else, and the API key nowhere", err)
	}
}

func silent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return // some of these faults are survived
	}
	asJSON, _ := json.Marshal(err)
	for _, text := range []string{apiKey, prompt, "lighthouse", "Bearer", "Authorization"} {
		for _, printed := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), string(asJSON)} {
			if strings.Contains(printed, text) {
				t.Errorf("the error printed as %s contains %q", printed, text)
			}
		}
		if reach.Reaches(err, text) {
			t.Errorf("%v reaches %q by reflection", err, text)
		}
	}
}
