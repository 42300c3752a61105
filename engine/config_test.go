package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

type nameless struct{ text }

func (nameless) Describe() providers.Descriptor { return providers.Descriptor{Text: true} }

func TestAllMistakesOfAConfigurationAreJoined(t *testing.T) {
	_, err := engine.New(engine.Config{})
	for _, says := range []string{"Ledger must be set", "Registry must be set", "Keys must be set", "Providers must name at least one"} {
		if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q in it", err, says)
		}
	}
	h := newHost(t, setup{})
	minus := -1
	for name, change := range map[string]func(*engine.Config){
		"a limit is negative":                      func(c *engine.Config) { c.TextTimeout = -time.Second },
		"AmbiguousRepeats is negative":             func(c *engine.Config) { c.AmbiguousRepeats = &minus },
		"Describe returned no name":                func(c *engine.Config) { c.Providers = append(c.Providers, nameless{}) },
		`"opnai", which no provider is called`:     func(c *engine.Config) { c.Limits = map[string]engine.Limits{"opnai": {Concurrent: 1}} },
		"function 0 is nil":                        func(c *engine.Config) { c.Functions = []engine.AnyFunction{nil} },
		"registered twice for the same capability": func(c *engine.Config) { c.Providers = append(c.Providers, text(nil)) },
	} {
		cfg := h.cfg
		change(&cfg)
		if e, err := engine.New(cfg); e != nil || !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}

// both is an adapter of two capabilities under the name of the pictures' one.
type both struct {
	text
	images
}

func (both) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "openai", Text: true, Image: true}
}

func TestTwoAdaptersShareANameIfTheirCapabilitiesDoNotOverlap(t *testing.T) {
	answer := text(func(context.Context, providers.TextRequest) (providers.TextResult, error) {
		return says(`{"echo":"a"}`)
	})
	draw := delivers(providers.Image{Data: picture(0)})
	for _, list := range [][]providers.Provider{{answer, draw}, {draw, answer}} {
		h := newHost(t, setup{engine: func(c *engine.Config) { c.Providers = list }})
		_, errText := h.echo("t")
		_, errPicture := h.sketch("p", dalleModel, 1)
		if errText != nil || errPicture != nil {
			t.Errorf("%v, %v", errText, errPicture)
		}
	}
	h := newHost(t, setup{})
	cfg := h.cfg
	for _, list := range [][]providers.Provider{{answer, both{answer, draw}}, {both{answer, draw}, draw}, {answer, answer}, {draw, draw}} {
		cfg.Providers = list
		if _, err := engine.New(cfg); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("%v, want %v", err, engine.ErrConfig)
		}
	}
}

func TestWhatCannotBeResolvedIsNotHeld(t *testing.T) {
	noKey := secret.Static{}
	for _, tt := range []struct {
		name      string
		model     string
		configure func(*registry.Configuration)
		engine    func(*engine.Config)
		want      error
	}{
		{"AModelThatDoesNotExist", "gpt-9", nil, nil, registry.ErrNotFound},
		{"AModelThatIsSwitchedOff", "gpt-4o", nil, nil, registry.ErrInactive},
		{"AModelOfTheWrongKind", dalleModel, nil, nil, registry.ErrInvalid},
		{"AModelOfTheWrongKindInTheSettings", "", func(c *registry.Configuration) {
			c.Settings.Functions = map[string]registry.FunctionSettings{"echo": {Model: dalleModel}}
		}, nil, registry.ErrInvalid},
		{"AProviderWithoutAnAdapter", "", nil, with(delivers()), engine.ErrConfig},
		{"AnOperationWithoutACost", "", func(c *registry.Configuration) { c.Operations = c.Operations[:3] }, nil, registry.ErrNotFound},
		{"AnOperationThatIsSwitchedOff", "", func(c *registry.Configuration) { c.Operations[3].Active = false }, nil, registry.ErrInactive},
		{"NoKey", "", nil, func(c *engine.Config) { c.Keys = noKey }, secret.ErrNoKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, setup{configure: tt.configure, engine: tt.engine})
			_, err := engine.Run(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k", Model: tt.model}, ask{prompt})
			if !errors.Is(err, tt.want) || len(h.up.Journal()) != 0 || len(h.attempts("")) != 0 || h.balance().Held != 0 {
				t.Errorf("%v, want %v and nothing held", err, tt.want)
			}
			if _, err := h.ledger.Lookup(t.Context(), account, "k"); !errors.Is(err, credits.ErrNotFound) {
				t.Errorf("the ledger knows the key: %v", err)
			}
		})
	}
}

func TestSettingsThatNameAMissingModelCannotBeSaved(t *testing.T) {
	h := newHost(t, setup{})
	next := configuration()
	next.Settings.Functions = map[string]registry.FunctionSettings{"echo": {Model: "gpt-9"}}
	_, err := h.registry.Save(t.Context(), registry.Change{Base: 1, Who: "test", Why: "test", Next: next})
	if !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "gpt-9") {
		t.Errorf("%v, want %v that names the model", err, registry.ErrInvalid)
	}
}

func TestAnInputThatTheFunctionRefusesIsNotHeld(t *testing.T) {
	h := newHost(t, setup{})
	call := engine.Call{Account: account, Key: "k"}
	_, err := engine.Run(t.Context(), h.Engine, echoing, call, ask{""})
	if !errors.Is(err, engine.ErrInput) || !strings.Contains(err.Error(), "the text is empty") {
		t.Errorf("%v, want %v", err, engine.ErrInput)
	}
	if _, err := h.sketch("k", dalleModel, 0); !errors.Is(err, engine.ErrInput) {
		t.Errorf("no pictures: %v, want %v", err, engine.ErrInput)
	}
	for _, call := range []engine.Call{{Key: "k"}, {Account: account}, {Account: account, Key: credits.Key(strings.Repeat("k", 401))},
		{Account: account, Key: "k", Holder: credits.Holder{ID: "x", Fence: -1}}} {
		if _, err := engine.Run(t.Context(), h.Engine, echoing, call, ask{prompt}); !errors.Is(err, credits.ErrInvalid) {
			t.Errorf("%+v: %v, want %v", call, err, credits.ErrInvalid)
		}
	}
	if len(h.up.Journal()) != 0 || len(h.attempts("")) != 0 {
		t.Error("something was held or sent")
	}
}

func TestADefinitionThatLacksSomethingIsRefused(t *testing.T) {
	for name, change := range map[string]func(*engine.Definition[ask, echo]){
		"Name and Operation must be set":                   func(d *engine.Definition[ask, echo]) { d.Name = "" },
		"exactly one of Text and Image":                    func(d *engine.Definition[ask, echo]) { d.Text = nil },
		"Text.Messages and Text.MaxOutput must be set":     func(d *engine.Definition[ask, echo]) { d.Text = &engine.Text[ask, echo]{} },
		"Image.Draw and Image.Result must be set":          func(d *engine.Definition[ask, echo]) { d.Text, d.Image = nil, &engine.Image[ask, echo]{} },
		"want at most 64 of A-Z a-z 0-9 _ -":               func(d *engine.Definition[ask, echo]) { d.Name = "my function" },
		"Name is sent as the schema's: want at most 64 of": func(d *engine.Definition[ask, echo]) { d.Name = strings.Repeat("a", 65) },
	} {
		d := askDefinition
		change(&d)
		if f, err := engine.Define(d); f != nil || !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	d := engine.Definition[ask, struct{ M map[string]string }]{Name: "f", Operation: "o", Text: &engine.Text[ask, struct{ M map[string]string }]{
		Messages:  func(engine.Env, ask) ([]providers.Message, error) { return nil, nil },
		MaxOutput: func(ask) int64 { return 1 }}}
	if _, err := engine.Define(d); !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), ".M: ") {
		t.Errorf("%v, want the field named", err)
	}
	if echoing.Name() != "echo" || echoing.Operation() != "idea_generation" {
		t.Errorf("%q, %q", echoing.Name(), echoing.Operation())
	}
}

func TestAnEstimateIsWhatTheCallIsCharged(t *testing.T) {
	h := newHost(t, setup{})
	got, err := h.echo("k")
	h.fatal(nil, err)
	if estimate, err := engine.Estimate(t.Context(), h.Engine, echoing, engine.Call{Account: account}, got.Record.Usage); err != nil || estimate != got.Charged {
		t.Errorf("%d, %v; the call was charged %d", estimate, err, got.Charged)
	}
	if estimate, err := engine.Estimate(t.Context(), h.Engine, sketching, engine.Call{Account: account, Model: runwareModel}, usage.Images(3)); err != nil || estimate != 3 {
		t.Errorf("three pictures: %d, %v; want 3", estimate, err)
	}
	if _, err := engine.Estimate(t.Context(), h.Engine, echoing, engine.Call{Account: account, Model: "gpt-9"}, usage.Tokens(1, 1)); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v, want %v", err, registry.ErrNotFound)
	}
	if _, err := engine.Estimate(t.Context(), h.Engine, echoing, engine.Call{Account: account, Model: dalleModel}, usage.Tokens(1, 1)); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("%v, want %v", err, engine.ErrConfig)
	}
}

func TestAnEstimateOfPicturesPricedBySize(t *testing.T) {
	h := newHost(t, setup{configure: func(c *registry.Configuration) {
		m := model(c, dalleModel)
		m.ImagePrices, m.CostPerImage = []registry.ImagePrice{{Size: m.SquareSize, USD: *m.CostPerImage}, {Size: m.LandscapeSize, USD: *m.CostPerImage}}, nil
	}})
	if _, err := h.sketch("k", dalleModel, 1); err != nil {
		t.Fatal(err)
	}
	if estimate, err := engine.Estimate(t.Context(), h.Engine, sketching, engine.Call{Account: account, Model: dalleModel}, usage.Images(2)); err != nil || estimate != 10 {
		t.Errorf("%d, %v; want 10", estimate, err)
	}
}

func TestTheBoundOnAnAnswerIsTheSettingsOrTheFunctionsAndAtMostTheModels(t *testing.T) {
	for _, tt := range []struct{ settings, model, want int64 }{{0, 1000, 100}, {90, 1000, 90}, {500, 1000, 500}, {500, 300, 300}, {0, 50, 50}} {
		var bound int64
		h := newHost(t, setup{
			engine: with(text(func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
				bound = r.MaxOutput
				if r.Attempt.BaseURL != "https://proxy.test/v1" || r.Model != textModel || r.Attempt.Key.Secret.Reveal() != apiKey {
					t.Errorf("attempt %+v for %q, want the registry's address and model", r.Attempt, r.Model)
				}
				return says(`{"echo":"a"}`)
			})),
			configure: func(c *registry.Configuration) {
				model(c, textModel).MaxOutputTokens = tt.model
				c.Providers[0].BaseURL = "https://proxy.test/v1"
				c.Settings.Functions = map[string]registry.FunctionSettings{"echo": {MaxTokens: tt.settings}}
			},
		})
		if _, err := h.echo("k"); err != nil || bound != tt.want {
			t.Errorf("settings %d, model %d: the bound is %d, %v; want %d", tt.settings, tt.model, bound, err, tt.want)
		}
	}
}
