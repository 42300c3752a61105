package secret_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/internal/reach"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

const text = "sk-live-7f3a"

// forms are the things that a careless line may print.
func forms(t *testing.T) map[string]any {
	s := secret.New(text)
	type hidden struct{ key secret.Secret }
	r := ring(t, 1)
	v := vault(t, memory.New(nil).Keys(), r, nil)
	row := set(t, v, home, text)
	key, err := v.Key(t.Context(), "acme", "openai") // which the vault keeps
	if err != nil {
		t.Fatal(err)
	}
	chain, err := secret.Chain(func(context.Context, secret.Fallback) {}, v, secret.Static{"p": {ID: "main", Secret: s}})
	if err != nil {
		t.Fatal(err)
	}
	_, moved := r.Open(row.Sealed, secret.Place{Provider: "runware", ID: "main"})
	_, missing := ring(t, 2).Open(row.Sealed, home)
	generated := secret.New(entry(1))
	return map[string]any{
		"Ring": r, "RingByValue": *r, "Sealed": row.Sealed, "StoredKey": row, "Vault": v, "KeyOfTheVault": key, "Chain": chain,
		"ErrorOfAnotherPlace": moved, "ErrorOfAnotherRing": missing, "KeyPut": secret.KeyPut{Place: home, Sealed: row.Sealed}, "RingEntry": generated,
		"Secret": s, "Pointer": &s, "Slice": []secret.Secret{s}, "Map": map[string]secret.Secret{"k": s},
		"Key": secret.Key{ID: "main", Secret: s}, "PointerToKey": &secret.Key{ID: "main", Secret: s}, "Static": secret.Static{"p": {ID: "main", Secret: s}},
		"UnexportedField": hidden{s}, "Interface": any(s), "Error": fmt.Errorf("refused %v", s),
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	for name, v := range forms(t) {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%c", "%U", "%e", "%b", "%10v", "%-10.2s", "%T", "%p", "%w", "%!"} {
				silent(t, verb, fmt.Sprintf(verb, v))
			}
			silent(t, "Print", fmt.Sprint(v))
			silent(t, "Println", fmt.Sprintln(v))

			b, err := json.Marshal(v)
			silent(t, "JSON", string(b)+fmt.Sprint(err))
			b, err = json.MarshalIndent(map[string]any{"v": v}, "", " ")
			silent(t, "JSON", string(b)+fmt.Sprint(err))
			b, err = xml.Marshal(v)
			silent(t, "XML", string(b)+fmt.Sprint(err))
			var buf bytes.Buffer
			err = gob.NewEncoder(&buf).Encode(v)
			silent(t, "gob", buf.String()+fmt.Sprint(err))

			for kind, handler := range map[string]func(*bytes.Buffer) slog.Handler{
				"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
				"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			} {
				var buf bytes.Buffer
				log := slog.New(handler(&buf)).With("with", v)
				log.Info("m", "v", v, slog.Group("g", "v", v))
				silent(t, kind, buf.String())
			}
			for _, canary := range canaries() {
				if reach.Reaches(v, canary) {
					t.Error("a walk by reflection finds the text or the ring key")
				}
			}
		})
	}
}

// canaries are the texts that must not be found: the API key, and a ring key in bytes and as the environment has it.
func canaries() []string { return []string{text, text[3:], string(ringKey(1)), entry(1)[3:]} }

func silent(t *testing.T, how, printed string) {
	t.Helper()
	for _, c := range canaries() {
		for _, form := range []string{c, fmt.Sprintf("%x", c), fmt.Sprintf("%X", c), fmt.Sprintf("%v", []byte(c)), fmt.Sprintf("%o", []byte(c))} {
			if strings.Contains(printed, form) || strings.Contains(printed, strings.Trim(form, "[]")) {
				t.Errorf("%s prints %q", how, printed)
			}
		}
	}
}

// TestTheWalkWouldFindIt shows that the walk finds what is there to be found.
func TestTheWalkWouldFindIt(t *testing.T) {
	type plain struct{ m map[string][]any }
	if !reach.Reaches(&plain{map[string][]any{"k": {1, text}}}, text) {
		t.Error("the walk does not find a plain string")
	}
}

func TestASecretSaysWhatItIs(t *testing.T) {
	for _, s := range []secret.Secret{{}, secret.New(""), secret.New(text)} {
		printed, _ := s.MarshalText()
		if s.String() != "[secret]" || string(printed) != "[secret]" || s.LogValue().String() != "[secret]" || fmt.Sprintf("%v|%d|%#v", s, s, s) != "[secret]|[secret]|[secret]" {
			t.Errorf("it prints %q and %q", s, printed)
		}
	}
	if b, err := json.Marshal(secret.Key{ID: "main", Secret: secret.New(text)}); err != nil || string(b) != `{"ID":"main","Secret":"[secret]"}` {
		t.Errorf("a key is %s in JSON, %v: its name may be shown", b, err)
	}
}

func TestReveal(t *testing.T) {
	for _, c := range []struct {
		s    secret.Secret
		want string
	}{{secret.New(text), text}, {secret.New(""), ""}, {secret.Secret{}, ""}, {secret.New(" "), " "}} {
		if got := c.s.Reveal(); got != c.want || c.s.IsZero() != (c.want == "") {
			t.Errorf("Reveal = %q and IsZero = %t, want %q", got, c.s.IsZero(), c.want)
		}
	}
	var k secret.Key
	if err := json.Unmarshal([]byte(`{"Secret":"[secret]"}`), &k); err == nil {
		t.Errorf("a printed secret is read as one: %q", k.Secret.Reveal())
	}
}

func TestStatic(t *testing.T) {
	keys := secret.Static{"openai": {ID: "main", Secret: secret.New(text)}, "empty": {ID: "main"}}
	if k, err := keys.Key(t.Context(), "any account", "openai"); err != nil || k.ID != "main" || k.Secret.Reveal() != text {
		t.Errorf("Key = %+v, %v; want the provider's", k, err)
	}
	for _, c := range []struct {
		keys     secret.Static
		provider string
	}{{keys, "runware"}, {keys, "empty"}, {keys, ""}, {nil, "openai"}} {
		k, err := c.keys.Key(t.Context(), "", c.provider)
		if !errors.Is(err, secret.ErrNoKey) || !strings.Contains(err.Error(), fmt.Sprintf("provider %q", c.provider)) || !k.Secret.IsZero() || k.ID != "" {
			t.Errorf("Key(%q) = %+v, %v; want ErrNoKey and no key", c.provider, k, err)
		}
	}
}
