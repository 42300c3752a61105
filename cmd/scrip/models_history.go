package main

import (
	"time"

	"github.com/scrip-go/scrip/registry"
)

type historyCommand struct {
	Limit  int   `default:"20" placeholder:"N" help:"At most so many; 0 for all. 20 if it is not given."`
	Before int64 `placeholder:"N" help:"Only versions with lower numbers."`
}

// historyLine is a version in the history.
type historyLine struct {
	versionLine
	// State is "in force", "pending", "cancelled" (it never took force, because a later one forestalled it) or "past".
	State string `json:"state"`
}

func (c *historyCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		inForce, err := db.models.InForce(a.ctx)
		if err != nil {
			return err
		}
		lines := []historyLine{}
		var succession registry.Succession
		for v, err := range db.models.History(a.ctx, 0) { // all the later ones say whether one took force
			if err != nil {
				return err
			}
			takesForce := succession.Takes(v)
			if c.Before > 0 && v.Number >= c.Before {
				continue
			}
			if c.Limit > 0 && len(lines) == c.Limit {
				break
			}
			line := historyLine{lineOf(v), "past"}
			switch {
			case v.Number == inForce:
				line.State = "in force"
			case !takesForce:
				line.State = "cancelled"
			case v.Number > inForce:
				line.State = "pending"
			}
			lines = append(lines, line)
		}
		if a.JSON {
			return a.document(map[string]any{"versions": lines})
		}
		t := a.table("VERSION", "STATE", "WRITTEN", "EFFECTIVE", "WHO", "WHY")
		for _, l := range lines {
			t.row(l.Number, l.State, l.At.UTC().Format(time.RFC3339), l.EffectiveAt.UTC().Format(time.RFC3339), l.Who, l.Why)
		}
		return t.end()
	})
}
