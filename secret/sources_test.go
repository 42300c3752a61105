package secret_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// env is an environment of the test's own.
func env(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, ok := variables[name]
		return text, ok
	}
}

func TestEnvKeys(t *testing.T) {
	keys := secret.EnvKeys(env(map[string]string{
		"OPENAI_API_KEY": text, "MY_OWN_2_API_KEY": " sk-with-space\n", "EMPTY_API_KEY": "", "BLANK_API_KEY": " \n", "_API_KEY": "sk-of-nobody", "_I_API_KEY": "sk-of-a-dotless-i",
	}))
	for _, c := range []struct{ provider, id, plain string }{
		{"openai", "env:OPENAI_API_KEY", text},
		{"OpenAI", "env:OPENAI_API_KEY", text},
		{"my-own.2", "env:MY_OWN_2_API_KEY", "sk-with-space"},
		{"ıi", "env:_I_API_KEY", "sk-of-a-dotless-i"}, // whose upper case is an I of ASCII to Unicode
		{"runware", "", ""}, {"empty", "", ""}, {"blank", "", ""}, {"", "", ""},
	} {
		wantKey(t, keys, "any account", c.provider, c.id, c.plain)
	}
	if _, err := keys.Key(t.Context(), "", "my-own.3"); err == nil || !strings.Contains(err.Error(), "set MY_OWN_3_API_KEY") {
		t.Errorf("the error does not say what to set: %v", err)
	}
	wantKey(t, secret.EnvKeys(nil), "acme", "openai", "", "")
}

// told are the fallbacks that a chain reports.
type told []secret.Fallback

func (f *told) note(_ context.Context, fell secret.Fallback) { *f = append(*f, fell) }

type broken struct{ error }

func (b broken) Key(context.Context, string, string) (secret.Key, error) {
	return secret.Key{}, b.error
}

func TestChainReportsEveryFallback(t *testing.T) {
	v := vault(t, memory.New(nil).Keys(), ring(t, 1), nil)
	var fell told
	keys, err := secret.Chain(fell.note, v, secret.EnvKeys(env(map[string]string{"OPENAI_API_KEY": "sk-of-the-environment"})), secret.Static{"runware": {ID: "static", Secret: secret.New("sk-static")}})
	if err != nil {
		t.Fatal(err)
	}
	wantTold := func(want ...secret.Fallback) {
		t.Helper()
		if !slices.Equal(fell, want) {
			t.Errorf("it reports %+v, want %+v", fell, want)
		}
		fell = nil
	}
	wantKey(t, keys, "acme", "openai", "env:OPENAI_API_KEY", "sk-of-the-environment")
	wantKey(t, keys, "acme", "openai", "env:OPENAI_API_KEY", "sk-of-the-environment")
	wantKey(t, keys, "acme", "runware", "static", "sk-static")
	one := secret.Fallback{Provider: "openai", Account: "acme", Source: 1, KeyID: "env:OPENAI_API_KEY"}
	wantTold(one, one, secret.Fallback{Provider: "runware", Account: "acme", Source: 2, KeyID: "static"})
	wantKey(t, keys, "acme", "other", "", "")
	wantTold()
	_, err = keys.Key(t.Context(), "acme", "other")
	if err == nil || !strings.Contains(err.Error(), "set OTHER_API_KEY") || !strings.Contains(err.Error(), "into the store") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error does not say on one line what each source wants: %v", err)
	}
	set(t, v, secret.Place{Provider: "openai", ID: "main"}, text)
	wantKey(t, keys, "acme", "openai", "main", text)
	wantTold()
}

func TestChainDoesNotFallBackFromAnotherError(t *testing.T) {
	store := memory.New(nil).Keys()
	set(t, vault(t, store, ring(t, 1), nil), home, text)
	spare := secret.Static{"openai": {ID: "spare", Secret: secret.New("sk-spare")}}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	down := errors.New("the store is down")
	for name, c := range map[string]struct {
		ctx   context.Context
		first secret.KeySource
		want  error
	}{
		"AStoreThatIsDown":    {t.Context(), broken{down}, down},
		"ARingKeyThatIsGone":  {t.Context(), vault(t, store, ring(t, 2), nil), secret.ErrNoRingKey},
		"AContextThatIsOver":  {over, vault(t, store, ring(t, 1), nil), context.Canceled},
		"AKeyThatDoesNotOpen": {t.Context(), broken{secret.ErrSealed}, secret.ErrSealed},
	} {
		t.Run(name, func(t *testing.T) {
			var fell told
			keys, err := secret.Chain(fell.note, c.first, spare)
			if err != nil {
				t.Fatal(err)
			}
			k, err := keys.Key(c.ctx, "acme", "openai")
			if !errors.Is(err, c.want) || errors.Is(err, secret.ErrNoKey) || !k.Secret.IsZero() || len(fell) > 0 {
				t.Errorf("Key = %+v, %v, with %d reports, want %v and none", k, err, len(fell), c.want)
			}
		})
	}
}

func TestChainRefuses(t *testing.T) {
	var fell told
	for name, make := range map[string]func() (secret.KeySource, error){
		"ASilentFallback": func() (secret.KeySource, error) { return secret.Chain(nil, secret.Static{}) },
		"NoSource":        func() (secret.KeySource, error) { return secret.Chain(fell.note) },
		"ANilSource":      func() (secret.KeySource, error) { return secret.Chain(fell.note, secret.Static{}, nil) },
	} {
		if keys, err := make(); !errors.Is(err, secret.ErrInvalid) || keys != nil {
			t.Errorf("%s: Chain = %v, %v, want ErrInvalid", name, keys, err)
		}
	}
}
