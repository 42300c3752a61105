package main

import (
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

type accountsCommands struct {
	Show  accountsShowCommand  `cmd:"" help:"Show an account's own settings, which go before the system's."`
	Reset accountsResetCommand `cmd:"" help:"Take an account's own settings away, so that the system's hold for it."`
}

type accountsShowCommand struct {
	Account credits.Account `arg:"" help:"The account."`
}

func (c *accountsShowCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		s, err := db.models.Account(a.ctx, c.Account)
		if err != nil {
			return err
		}
		return a.settings(s)
	})
}

type accountsResetCommand struct {
	Account credits.Account `arg:"" help:"The account."`
	signature
}

func (c *accountsResetCommand) Run(a *app) error {
	who, err := c.who(a)
	if err != nil {
		return err
	}
	return a.with(writing, func(db *database) error {
		now, err := db.models.Account(a.ctx, c.Account)
		if err != nil {
			return err
		}
		if now.Number == 0 { // a slip of the pen must not pass for done
			return fmt.Errorf("account %.80q has no settings of its own: is it written as in the ledger?", c.Account)
		}
		next, err := db.models.SaveAccount(a.ctx, registry.AccountChange{Account: c.Account, Base: now.Number, Who: who, Why: c.Why})
		if err != nil {
			return err
		}
		return a.settings(next)
	})
}

// settings prints what an account sets for itself.
func (a *app) settings(s registry.AccountSettings) error {
	if a.JSON {
		return a.document(s)
	}
	if s.Number == 0 {
		a.say("%s has no settings of its own.", s.Account)
		return nil
	}
	a.say("Settings %d of %s, by %s at %s: %s", s.Number, s.Account, s.Who, s.At.UTC().Format("2006-01-02T15:04:05Z"), s.Why)
	// As a difference to nothing, which has the words of the settings and none of what is not set.
	differences := registry.Diff(registry.Configuration{}, registry.Configuration{Settings: s.Settings})
	for _, d := range differences {
		a.say("  %s", strings.Replace(d.String(), "not set → ", "", 1))
	}
	if len(differences) == 0 {
		a.say("  nothing: the system's hold")
	}
	return nil
}
