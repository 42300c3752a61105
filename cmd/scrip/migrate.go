package main

import "fmt"

type migrateCommand struct {
	Check bool `help:"Only look, and exit with 1 if something is missing."`
}

// migrated is what migrate prints.
type migrated struct {
	Applied []string `json:"applied"` // migrations, in order
	Missing []string `json:"missing"` // what was not applied: by --check, or after a failure
}

func (c *migrateCommand) Run(a *app) error {
	as := making
	if c.Check {
		as = reading
	}
	return a.with(as, func(db *database) error {
		missing, err := db.schema.Missing(a.ctx)
		if err != nil {
			return err
		}
		if c.Check {
			return a.migrated(migrated{Applied: []string{}, Missing: append([]string{}, missing...)})
		}
		failed, left := db.schema.Migrate(a.ctx), []string{}
		if failed != nil { // each migration is a transaction of its own: those before it are applied
			if left, err = db.schema.Missing(a.ctx); err != nil {
				return failed
			}
		}
		done := migrated{Applied: append([]string{}, missing[:len(missing)-len(left)]...), Missing: left}
		err = a.migrated(done)
		if failed != nil {
			return fmt.Errorf("%w; %w", failed, err)
		}
		return err
	})
}

func (a *app) migrated(m migrated) error {
	if a.JSON {
		if err := a.document(m); err != nil {
			return err
		}
	} else {
		for _, name := range m.Applied {
			a.say("applied %s", name)
		}
		for _, name := range m.Missing {
			a.say("missing %s", name)
		}
		if len(m.Applied)+len(m.Missing) == 0 {
			a.say("the schema is current")
		}
	}
	if n := len(m.Missing); n > 0 {
		return fmt.Errorf("the schema lacks %d of this release's migrations: scrip migrate applies them", n)
	}
	return nil
}
