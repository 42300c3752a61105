package main

import (
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

type importCommand struct {
	List     string            `arg:"" enum:"litellm,models.dev" help:"Which list it is: litellm for LiteLLM's model_prices_and_context_window.json, models.dev for the api.json of models.dev."`
	File     string            `arg:"" help:"The list as a file; - for standard input."`
	Add      []string          `placeholder:"MODEL,..." help:"Models to add that are not there yet, by name or as provider/name. They are added inactive."`
	Provider map[string]string `placeholder:"THEIRS=OURS;..." help:"Providers that the list has under another id."`
	review
}

// imported is what a list has, and what becomes of it in the configuration.
type imported struct {
	Source    string                   `json:"source"`
	Read      int                      `json:"read"`       // entries of the list
	Usable    int                      `json:"usable"`     // that can be priced exactly
	RefusedBy map[pricelist.Reason]int `json:"refused_by"` // the others, by reason
	Taken     []string                 `json:"taken"`      // models that change or are added
	Unchanged []string                 `json:"unchanged"`
	Unlisted  []string                 `json:"unlisted"`
	Refused   []pricelist.Refusal      `json:"refused"` // models of the configuration, or asked for, that stay as they are
	Notes     []pricelist.Note         `json:"notes"`
}

func (c *importCommand) Run(a *app) error {
	text, err := a.text(c.File)
	if err != nil {
		return err
	}
	parse := pricelist.ParseLiteLLM
	if c.List == "models.dev" {
		parse = pricelist.ParseModelsDev
	}
	list, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return c.change(a, func(_ *database, next registry.Configuration) (registry.Configuration, error) {
		p, err := list.Propose(next, &pricelist.Options{Add: c.Add, Providers: c.Provider})
		if err != nil {
			return next, err
		}
		c.imported = &imported{list.Source, list.Read, list.Taken(), list.RefusedBy(), p.Taken, p.Unchanged, p.Unlisted, p.Refused, p.Notes}
		if !a.JSON {
			a.imported(c.imported)
		}
		return p.Next, nil
	})
}

// imported shows people what a list has, before what would change by it.
func (a *app) imported(i *imported) {
	a.say("%s: %d entries read, %d can be priced exactly, %d are refused:", i.Source, i.Read, i.Usable, i.Read-i.Usable)
	t := a.table("  REASON", "ENTRIES", "WHAT IT IS")
	for _, r := range pricelist.Reasons() {
		if n := i.RefusedBy[r]; n > 0 {
			t.row("  "+r, n, r.Words())
		}
	}
	_ = t.end() // the output remembers a failure
	for _, l := range []struct {
		what  string
		names []string
	}{{"New or changed", i.Taken}, {"As the list has them", i.Unchanged}, {"Not in the list", i.Unlisted}} {
		if len(l.names) > 0 {
			a.say("%s: %s", l.what, strings.Join(l.names, ", "))
		}
	}
	for _, r := range i.Refused {
		a.say("Not taken: %s", r)
	}
	for _, n := range i.Notes {
		a.say("Note: %s", n)
	}
}
