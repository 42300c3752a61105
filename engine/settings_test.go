package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// setOwn changes the settings of an account.
func (h *host) setOwn(of credits.Account, next registry.Settings) {
	h.tb.Helper()
	s, err := h.registry.Account(h.tb.Context(), of)
	h.fatal(s, err)
	h.fatal(h.registry.SaveAccount(h.tb.Context(), registry.AccountChange{Account: of, Base: s.Number, Who: "test", Why: "test", Next: next}))
}

// TestAnAccountIsServedByItsOwnSettings and charged by the model that they name; another account is not.
func TestAnAccountIsServedByItsOwnSettings(t *testing.T) {
	heard := &recorder{}
	h := newHost(t, setup{upstream: providertest.Config{Responder: heard}})
	h.fatal(h.ledger.Grant(t.Context(), credits.Grant{Account: "other", Key: "grant", Kind: credits.Purchase, Amount: 1000}))
	h.setOwn(account, registry.Settings{
		Functions: map[string]registry.FunctionSettings{"echo": {Model: "gpt-4o-mini", Prompt: "Echo in rhyme.", MaxTokens: 50}},
		Images:    registry.ImageSettings{QualityTier: "basic"}})
	for _, tt := range []struct {
		account       credits.Account
		text, picture string
		prompt        string
		bound         int64
		each          credits.Amount // for a picture
	}{{account, "gpt-4o-mini", runwareModel, "Echo in rhyme.", 50, 1}, {"other", textModel, dalleModel, "Echo.", 100, 5}} {
		got, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: tt.account, Key: "text"}, ask{prompt})
		if err != nil || got.Record.Model != tt.text {
			t.Errorf("%s: the text is of %q, %v, want %q", tt.account, got.Record.Model, err, tt.text)
		}
		sent := heard.texts[len(heard.texts)-1]
		if sent.Messages[0].Text != tt.prompt || sent.MaxOutput != tt.bound {
			t.Errorf("%s: sent is %+v, want the prompt %q and the bound %d", tt.account, sent, tt.prompt, tt.bound)
		}
		drawn, err := engine.Run(t.Context(), h.Engine, sketching, engine.Call{Account: tt.account, Key: "picture"}, sketch{prompt, 2})
		if err != nil || drawn.Record.Model != tt.picture || drawn.Charged != 2*tt.each {
			t.Errorf("%s: two pictures of %q cost %d, %v, want %q and %d", tt.account, drawn.Record.Model, drawn.Charged, err, tt.picture, 2*tt.each)
		}
	}
}

// TestNewSettingsStrandNothing: what a key was begun with is pinned, whatever the account sets since.
func TestNewSettingsStrandNothing(t *testing.T) {
	h := newHost(t, setup{})
	first, err := h.echo("k")
	h.fatal(first, err)
	h.setOwn(account, registry.Settings{Functions: map[string]registry.FunctionSettings{"echo": {Model: "gpt-4o-mini"}}})
	again, err := h.echo("k")
	if err != nil || !again.Replayed || again.Record.Model != textModel || again.Charged != first.Charged {
		t.Errorf("%+v, %v, want the receipt of %+v", again, err, first)
	}
}

// TestAnAccountsModelThatIsGoneIsNotReplacedInSilence. The rules keep it from being written; a shutdown by the clock may
// bring it about.
func TestAnAccountsModelThatIsGoneIsNotReplacedInSilence(t *testing.T) {
	h := newHost(t, setup{})
	_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Model: "gpt-4o"}, ask{prompt})
	if !errors.Is(err, registry.ErrInactive) || !strings.Contains(err.Error(), "it is named by the call") || strings.Contains(err.Error(), prompt) {
		t.Errorf("%v, want %v by the call", err, registry.ErrInactive)
	}
	if h.balance().Held != 0 || len(h.up.Journal()) != 0 {
		t.Error("something was held or sent")
	}
}

func TestSettingsAreExplained(t *testing.T) {
	h := newHost(t, setup{})
	h.setOwn(account, registry.Settings{Images: registry.ImageSettings{QualityTier: "premium"}})
	s, err := h.Settings(t.Context(), sketching, engine.Call{Account: account})
	if err != nil || s.Model.Name != "google:4@2" {
		t.Fatalf("%v, %v", s, err)
	}
	if got := s.Explain()[0]; got.Setting != "model" || got.Values[0] != (registry.Value{Level: registry.AccountLevel, Value: "google:4@2"}) {
		t.Errorf("%+v", got)
	}
	if n, err := engine.Estimate(t.Context(), h.Engine, sketching, engine.Call{Account: account}, usage.Images(3)); err != nil || n != 45 {
		t.Errorf("an estimate of three pictures is %d, %v, want 45", n, err)
	}
	quote, err := engine.Quote(t.Context(), h.Engine, sketching, engine.Call{Account: account, Key: "k"}, sketch{prompt, 2})
	if err != nil || quote.Hold != 30 || quote.Model != "google:4@2" {
		t.Errorf("a quote is %+v, %v, want 30", quote, err)
	}
}
