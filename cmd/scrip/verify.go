package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/scrip-go/scrip/credits"
)

type verifyCommand struct {
	Accounts []credits.Account `arg:"" optional:"" help:"The accounts to verify; all if none is given."`
}

// verified counts what verify saw.
type verified struct {
	accounts, entries, broken, problems int64
}

func (c *verifyCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		accounts := db.ledger.Accounts(a.ctx)
		if len(c.Accounts) > 0 {
			accounts = func(yield func(credits.Account, error) bool) {
				for _, account := range c.Accounts {
					if !yield(account, nil) {
						return
					}
				}
			}
		}
		// Reports are printed as they come: there may be more accounts than memory.
		var sum verified
		a.begin()
		for account, err := range accounts {
			if err != nil {
				return err
			}
			report, err := db.ledger.Verify(a.ctx, account)
			switch {
			case err != nil:
				return err
			case report.OK() && report.Entries == 0 && len(c.Accounts) > 0: // a slip of the pen must not pass for verified
				return fmt.Errorf("account %.80q has no entries: is it written as in the ledger?", account)
			}
			if err := a.report(report, sum.accounts == 0); err != nil {
				return err
			}
			sum.add(report)
		}
		a.end(sum)
		if sum.broken > 0 {
			return fmt.Errorf("%d of %d accounts break a rule", sum.broken, sum.accounts)
		}
		return nil
	})
}

func (v *verified) add(r credits.Report) {
	v.accounts++
	v.entries += r.Entries
	v.problems += int64(len(r.Problems))
	if !r.OK() {
		v.broken++
	}
}

func (a *app) begin() {
	if a.JSON {
		fmt.Fprint(a.stdout, `{"reports": [`)
	}
}

func (a *app) report(r credits.Report, first bool) error {
	if a.JSON {
		text, err := encode(r)
		comma := ","
		if first {
			comma = ""
		}
		fmt.Fprintf(a.stdout, "%s\n  %s", comma, text)
		return err
	}
	state := "ok "
	if !r.OK() {
		state = "BAD"
	}
	head := r.Head
	if r.Entries == 0 {
		head = "-"
	}
	a.say("%s  %s  entries %d  head %s", state, r.Account, r.Entries, head)
	for _, p := range r.Problems {
		a.say("     %s: %s", p.Row, p.Rule)
	}
	return nil
}

func (a *app) end(v verified) {
	if a.JSON {
		fmt.Fprintf(a.stdout, "\n], \"accounts\": %d, \"entries\": %d, \"problems\": %d}\n", v.accounts, v.entries, v.problems)
		return
	}
	a.say("accounts %d, entries %d, problems %d", v.accounts, v.entries, v.problems)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
