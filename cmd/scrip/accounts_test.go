package main

import (
	"strings"
	"testing"

	"github.com/scrip-go/scrip/registry"
)

// TestAnOperatorGetsPastAnAccountsChoice: a rollback that an account's settings forbid says whose they are, and goes through
// when they are taken away.
func TestAnOperatorGetsPastAnAccountsChoice(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.must("models", "apply", "--catalogue", "current", "--why", "the first prices", "--yes")
		s.must("models", "set", "--new", "new", "kind=text", "provider=openai", "active=true", "prices.input=1", "prices.output=2", "max_output_tokens=100", "--why", "a new one", "--yes")
		s.choose("acme", registry.Settings{Functions: map[string]registry.FunctionSettings{"write": {Model: "new"}}})

		s.refused(failed, `account "acme": settings of function "write": invalid configuration: model "new" does not exist`, "models", "rollback", "1", "--why", "too dear", "--yes")
		if out := s.must("accounts", "show", "acme"); !strings.Contains(out, "Settings 1 of acme, by acme at ") || !strings.Contains(out, `function "write": added: {model: "new"}`) {
			t.Errorf("accounts show prints\n%s", out)
		}
		if got := decoded[registry.AccountSettings](s, "accounts", "show", "acme"); got.Number != 1 || got.Settings.Functions["write"].Model != "new" {
			t.Errorf("accounts show = %+v", got)
		}
		if got := decoded[registry.AccountSettings](s, "accounts", "reset", "acme", "--why", "the rollback"); got.Number != 2 || got.Who != "olga" || got.Settings.Functions != nil {
			t.Errorf("accounts reset = %+v", got)
		}
		s.must("models", "rollback", "1", "--why", "too dear", "--yes")
		if out := s.must("accounts", "show", "acme"); !strings.Contains(out, "nothing: the system's hold") {
			t.Errorf("accounts show prints\n%s", out)
		}
		if out := s.must("accounts", "show", "nobody"); out != "nobody has no settings of its own.\n" {
			t.Errorf("accounts show prints %q", out)
		}
		s.refused(failed, "is it written as in the ledger?", "accounts", "reset", "nobody", "--why", "x")
	})
}
