package main

import (
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/secret"
)

type keysActivateCommand struct {
	placeFlags
	signature
}

func (c *keysActivateCommand) Run(a *app) error { return c.setActive(a, c.signature, true) }

type keysDeactivateCommand struct {
	placeFlags
	signature
}

func (c *keysDeactivateCommand) Run(a *app) error { return c.setActive(a, c.signature, false) }

// setActive needs no ring, which may not be at hand when a key has to be revoked: what is sealed stays as it is.
func (p placeFlags) setActive(a *app, s signature, active bool) error {
	who, err := s.who(a)
	if err != nil {
		return err
	}
	return a.with(writing, func(db *database) error {
		stored, err := db.keys.Get(a.ctx, p.place())
		switch {
		case errors.Is(err, secret.ErrNoKey): // whose error shows the id, which may be a key in the wrong place
			return fmt.Errorf("there is %w at this place: scrip keys list names those that there are", secret.ErrNoKey)
		case err != nil:
			return err
		}
		if stored.Active != active {
			put := secret.KeyPut{Place: stored.Place, Base: stored.Version, Active: active, Sealed: stored.Sealed, Who: who, Why: s.Why}
			if stored, err = db.keys.Put(a.ctx, put); err != nil {
				return err
			}
		}
		if a.JSON {
			return a.document(keyLineOf(stored))
		}
		state := "active"
		if !active {
			state = "not active"
		}
		a.say("The %s is %s.", stored.Name(), state)
		return nil
	})
}
