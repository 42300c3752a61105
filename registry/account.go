package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// AccountSettings are the settings of an account's own, as they are since a change: whole, not what was changed.
type AccountSettings struct {
	Number   int64           `json:"number"` // 1, 2, 3 … over all accounts; 0 for an account that never had any
	Account  credits.Account `json:"account"`
	At       time.Time       `json:"at"` // when they were written and took effect, by the store's clock
	Who      string          `json:"who"`
	Why      string          `json:"why"`
	Settings Settings        `json:"settings"`
}

// AccountChange asks for new settings of an account, in force at once.
type AccountChange struct {
	Account credits.Account // required
	Base    int64           // the number of the account's newest settings, that it was made from; 0 for the first
	Who     string          // required
	Why     string          // required
	Next    Settings        // what is not set is left to the system
}

// Validate checks a change that is saved at the given time against the versions of the configuration, newest first as
// [ModelStore.History] yields them: what it names must be in the one in force, and in each that will take force. It reads
// no further than the one in force. All mistakes are joined; each matches [ErrInvalid]. How many bytes they are is looked at if
// there is no other. Errors: also ErrNotFound if there is no version yet, and those of versions.
func (c AccountChange) Validate(now time.Time, versions iter.Seq2[Version, error]) error {
	var errs []error
	if err := c.Account.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("registry: change of settings: %w: %w", ErrInvalid, err))
	}
	if strings.TrimSpace(c.Who) == "" {
		errs = append(errs, invalid("change of settings", "", "who must be set: say who changes them"))
	}
	if strings.TrimSpace(c.Why) == "" {
		errs = append(errs, invalid("change of settings", "", "why must be set: say what the change is for"))
	}
	known := false
	var succession Succession
	for v, err := range versions {
		if err != nil {
			return err
		}
		known = true
		if !succession.Takes(v) {
			continue // cancelled
		}
		at, pending := now, v.EffectiveAt.After(now)
		if pending {
			at = v.EffectiveAt
		}
		err := v.Configuration.accountRules(at)(AccountSettings{Account: c.Account, Settings: c.Next})
		if err != nil && pending {
			err = fmt.Errorf("as of version %d, in force from %s: %w", v.Number, instantText(v.EffectiveAt), err)
		}
		if errs = append(errs, err); !pending {
			break
		}
	}
	if !known {
		errs = append(errs, fmt.Errorf("registry: settings of account %q: no configuration: %w: save one first", c.Account, ErrNotFound))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Last, because a decimal may be a gigabyte of digits until a rule refuses it.
	if text, err := json.Marshal(c.Next); err == nil && len(text) > maxSettings {
		return invalid("change of settings", "", "they have %d bytes, at most %d are allowed: shorten the prompts", len(text), maxSettings)
	}
	return nil
}

// accountRules returns what an account's settings are held to as of a time.
func (c *Configuration) accountRules(now time.Time) func(AccountSettings) error {
	models := map[string]*Model{}
	for i := range c.Models {
		models[c.Models[i].Name] = &c.Models[i]
	}
	return func(s AccountSettings) error {
		v := validator{c: c, now: now, models: models}
		v.checkSettings(fmt.Sprintf("account %q: ", s.Account), &s.Settings)
		return errors.Join(v.errs...)
	}
}

// maxSettings is how many bytes an account's settings may have as JSON: they are kept in memory, and anybody may write them.
const maxSettings = 64 << 10

// accountsTold is how many accounts are told of that a change leaves without what they name.
const accountsTold = 10

// validateAccounts looks at what the configuration leaves accounts without. What a provider has shut down the clock took away:
// if it counted, one account that still names such a model would hold up every change of prices, and none could mend it.
func (c *Configuration) validateAccounts(accounts iter.Seq2[AccountSettings, error]) error {
	check := c.accountRules(time.Time{}) // before any shutdown
	var errs []error
	for s, err := range accounts {
		if err != nil {
			return err
		}
		if err := check(s); err != nil {
			if len(errs) == accountsTold {
				return errors.Join(append(errs, invalid("accounts", "", "there are more than these %d", accountsTold))...)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
