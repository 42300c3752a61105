package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/registry"
)

// named is a host whose engine knows both functions by name.
func named(t *testing.T) *host {
	return newHost(t, setup{engine: func(c *engine.Config) { c.Functions = []engine.AnyFunction{sketching, echoing} }})
}

func TestExecuteIsRunByName(t *testing.T) {
	h := named(t)
	input := json.RawMessage(`{"Text":"` + prompt + `"}`)
	quote, err := h.Quote(t.Context(), "echo", engine.Call{Account: account, Key: "k"}, input)
	if err != nil || quote.Model != textModel || quote.Provider != "openai" || len(h.up.Journal()) != 0 || h.balance().Held != 0 {
		t.Errorf("Quote = %+v, %v; want the model's, and nothing called or held", quote, err)
	}
	got, err := h.Execute(t.Context(), "echo", engine.Call{Account: account, Key: "k"}, input)
	if err != nil || got.Replayed || string(got.Out) != `{"echo":"`+prompt+`"}` || got.Charged > quote.Hold || got.Charged < 1 {
		t.Errorf("Execute = %+v, %v; want the echo, for at most %d", got, err, quote.Hold)
	}
	again, err := h.echo("k") // the same call with its types
	if err != nil || !again.Replayed || again.Charged != got.Charged || again.Out.Echo != prompt {
		t.Errorf("Run under the same key = %+v, %v; want what Execute bought", again, err)
	}
	typed, err := engine.Quote(t.Context(), h.Engine, echoing, engine.Call{Account: account, Key: "k"}, ask{prompt})
	if err != nil || typed.Hold != quote.Hold || !typed.USD.Equal(quote.USD) {
		t.Errorf("Quote = %+v, %v; want %+v", typed, err, quote)
	}
	h.sound()
	var names []string
	for _, f := range h.Functions() {
		names = append(names, f.Name()+" "+f.Operation())
	}
	if strings.Join(names, ", ") != "echo idea_generation, sketch image_generation" {
		t.Errorf("Functions are %v", names)
	}
}

func TestAQuoteIsWhatIsHeld(t *testing.T) {
	h := named(t)
	for _, c := range []struct{ name, input string }{{"echo", `{"Text":"x"}`}, {"sketch", `{"Prompt":"x","N":3}`}} {
		quote, err := h.Quote(t.Context(), c.name, engine.Call{Account: account, Key: "k"}, json.RawMessage(c.input))
		if err != nil {
			t.Fatal(err)
		}
		h.fatal(h.ledger.Adjust(t.Context(), credits.Adjust{Account: account, Key: credits.Key("to the quote, " + c.name),
			Amount: quote.Hold - 1 - h.balance().Posted, Who: "test", Why: "to hold one too few"}))
		var need *credits.InsufficientError
		_, err = h.Execute(t.Context(), c.name, engine.Call{Account: account, Key: credits.Key(c.name)}, json.RawMessage(c.input))
		if !errors.As(err, &need) || need.Need != quote.Hold {
			t.Errorf("%s: Execute = %v, want to hear that %d are needed", c.name, err, quote.Hold)
		}
	}
}

func TestAnInputThatDoesNotFitIsRefused(t *testing.T) {
	h := named(t)
	for _, c := range []struct{ rule, name, input, want string }{
		{"no such function", "ecko", `{}`, `"ecko": unknown function: there are echo, sketch`},
		{"not JSON", "echo", `{"Text":` + prompt, "it is not JSON: byte"},
		{"half of it", "echo", `{"Text":"`, "it ends too early"},
		{"nothing", "echo", ``, "it ends too early"},
		{"two values", "echo", `{"Text":"x"}{}`, "more than one JSON value"},
		{"another type", "echo", `{"Text":["` + prompt + `"]}`, `field "Text": want a string`},
		{"not an object", "echo", `"` + prompt + `"`, "want a engine_test.ask"},
		{"a field too many", "echo", `{"Text":"x","` + prompt + `":1}`, "a field that the function does not have"},
		{"refused by the function", "echo", `{"Text":""}`, "the text is empty"},
	} {
		for _, do := range []func() error{
			func() error {
				_, err := h.Execute(t.Context(), c.name, engine.Call{Account: account, Key: "k"}, json.RawMessage(c.input))
				return err
			},
			func() error {
				_, err := h.Quote(t.Context(), c.name, engine.Call{Account: account, Key: "k"}, json.RawMessage(c.input))
				return err
			},
		} {
			err := do()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), prompt) {
				t.Errorf("%s: %v, want %q and not the input", c.rule, err, c.want)
			}
			if !errors.Is(err, engine.ErrInput) && !errors.Is(err, engine.ErrUnknownFunction) {
				t.Errorf("%s: %v is of no kind", c.rule, err)
			}
		}
	}
	if len(h.up.Journal()) != 0 {
		t.Error("something was called")
	}
}

func TestAQuoteOfAModelThatIsNotThereIsRefused(t *testing.T) {
	h := named(t)
	if _, err := h.Quote(t.Context(), "echo", engine.Call{Account: account, Key: "k", Model: "gpt-9"}, json.RawMessage(`{"Text":"x"}`)); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Quote = %v, want ErrNotFound", err)
	}
}
