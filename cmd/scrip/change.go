package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// signature is who changes something and why, which are kept with the change.
type signature struct {
	Who string `placeholder:"NAME" help:"Who makes the change; the login name if it is not given."`
	Why string `required:"" placeholder:"TEXT" help:"What the change is for."`
}

func (s signature) who(a *app) (string, error) {
	who := s.Who
	if who == "" {
		who = a.user()
	}
	if strings.TrimSpace(who) == "" {
		return "", misuse("nobody is known to be logged in here: say with --who who makes the change")
	}
	return who, nil
}

// review is how a change of the configuration is made: shown first, and written when somebody agrees.
type review struct {
	signature
	EffectiveAt string `placeholder:"TIME" help:"When the change takes effect: 2026-05-01 (in UTC) or 2026-05-01T08:00:00+02:00. At once if it is not given."`
	Yes         bool   `help:"Write the change without asking."`

	imported *imported // what a list proposed, if the change is of one
}

// changed is what a command that changes the configuration prints.
type changed struct {
	Written     bool                  `json:"written"`
	Version     *versionLine          `json:"version,omitempty"`     // that was written
	MadeOf      int64                 `json:"made_of"`               // the version that the change is made of; 0 if there is none
	EffectiveAt time.Time             `json:"effective_at,omitzero"` // at once if zero
	Differences []registry.Difference `json:"differences"`           // to the version that it is made of
	Cancels     []int64               `json:"cancels,omitempty"`     // versions that were to take effect no earlier, and now never will
	Import      *imported             `json:"import,omitempty"`      // of the list that the change is of
}

// versionLine is a version without its configuration.
type versionLine struct {
	Number      int64     `json:"number"`
	At          time.Time `json:"at"`
	EffectiveAt time.Time `json:"effective_at"`
	Who         string    `json:"who"`
	Why         string    `json:"why"`
}

func lineOf(v registry.Version) versionLine {
	return versionLine{v.Number, v.At, v.EffectiveAt, v.Who, v.Why}
}

// change makes a new version. next returns it, from a copy of what will be in force when the change takes effect: a change
// at once does not carry into force early what is announced for next month. Before it asks, everything is read from a
// handle that only reads, so that looking needs no lock and asking holds none; that nobody saves in between is the store's to
// see.
func (r *review) change(a *app, next func(db *database, c registry.Configuration) (registry.Configuration, error)) error {
	who, err := r.who(a)
	if err != nil {
		return err
	}
	at, err := parseTime(r.EffectiveAt, time.UTC)
	if err != nil {
		return misuse("--effective-at: %w", err)
	}
	c := registry.Change{EffectiveAt: at, Who: who, Why: r.Why}
	at = c.EffectiveFrom(time.Time{}) // to the microsecond, as it will be kept; zero stays at once
	shown := changed{EffectiveAt: at}
	err = a.with(reading, func(db *database) error {
		from, err := foundationOf(a.ctx, db.models, at)
		if err != nil {
			return err
		}
		old, err := canonical(from.version.Configuration)
		if err != nil {
			return err
		}
		if c.Next, err = canonical(old); err != nil { // a copy
			return err
		}
		if c.Next, err = next(db, c.Next); err != nil {
			return err
		}
		// Before anything is shown: a price may be thousands of digits, until a rule refuses it. What accounts name is the
		// store's to see, when it writes.
		if err := c.Validate(a.now().UTC(), nil); err != nil {
			return err
		}
		c.Base, shown.Import = from.latest, r.imported
		shown.MadeOf, shown.Cancels = from.version.Number, from.cancels
		shown.Differences = append([]registry.Difference{}, registry.Diff(old, c.Next)...)
		if from.replaced && len(shown.Differences) > 0 { // without any, nothing would take its place
			shown.Cancels = append(shown.Cancels, from.version.Number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(shown.Differences)+len(shown.Cancels) == 0 {
		return a.unchanged(shown)
	}
	if !a.JSON {
		shown.print(a.stdout)
	}
	if err := r.agree(a, shown); err != nil {
		if a.JSON {
			err = errors.Join(a.document(shown), err)
		}
		return err
	}
	return a.with(writing, func(db *database) error {
		v, err := db.models.Save(a.ctx, c)
		if err != nil {
			return err
		}
		line := lineOf(v)
		shown.Written, shown.Version, shown.EffectiveAt = true, &line, v.EffectiveAt
		if a.JSON {
			return a.document(shown)
		}
		a.say("Version %d is written and takes effect %s.", v.Number, effect(at, v.EffectiveAt))
		return nil
	})
}

func (a *app) unchanged(shown changed) error {
	if a.JSON {
		return a.document(shown)
	}
	a.say("Nothing would change, and nothing was written.")
	return nil
}

// errNotWritten is a change that nobody agreed to.
var errNotWritten = errors.New("nothing was written")

// agree returns nil if the change is to be written.
func (r *review) agree(a *app, shown changed) error {
	switch {
	case r.Yes:
		return nil
	case a.terminal == nil:
		return fmt.Errorf("%w: there is no terminal to ask at; --yes writes the change", errNotWritten)
	}
	if a.JSON { // which comes when all is done
		shown.print(a.stderr)
	}
	answer, err := a.terminal.ask(a.ctx, "Write this? [y/N] ")
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if a.ctx.Err() != nil {
		return err
	}
	return errNotWritten
}

// print shows people what would change.
func (c *changed) print(w io.Writer) {
	line := func(format string, args ...any) { fmt.Fprintln(w, plain(fmt.Sprintf(format, args...))) }
	if c.MadeOf == 0 {
		line("To nothing, as there is no version yet:")
	} else {
		line("To version %d:", c.MadeOf)
	}
	for _, d := range c.Differences {
		line("  %s", d)
	}
	if len(c.Differences) == 0 {
		line("  no difference")
	}
	for _, n := range c.Cancels {
		line("Version %d, which is still to come, will never take effect.", n)
	}
	line("It would take effect %s.", effect(c.EffectiveAt, c.EffectiveAt))
}

func effect(asked, at time.Time) string {
	if asked.IsZero() {
		return "at once"
	}
	return "at " + at.UTC().Format(time.RFC3339Nano)
}

// foundation is what a change is made of.
type foundation struct {
	version  registry.Version // in force when the change takes effect; without a number if none is
	replaced bool             // the version is still to come, and the change takes effect when it would
	latest   int64            // the number of the newest version
	cancels  []int64          // later pending versions that the change cancels, the newest first
}

// foundationOf finds what a change that takes effect at a time is made of; at once if that is zero.
func foundationOf(ctx context.Context, models registry.ModelStore, at time.Time) (f foundation, err error) {
	if f.latest, err = models.Latest(ctx); err != nil || f.latest == 0 {
		return f, err
	}
	inForce, err := models.InForce(ctx) // by the store's clock, which decides
	if err != nil {
		return f, err
	}
	var succession registry.Succession
	for v, err := range models.History(ctx, 0) {
		if err != nil {
			return f, err
		}
		if v.Number == inForce || !at.IsZero() && !v.EffectiveAt.After(at) {
			f.version, f.replaced = v, v.Number > inForce && v.EffectiveAt.Equal(at)
			return f, nil
		}
		if succession.Takes(v) {
			f.cancels = append(f.cancels, v.Number)
		}
	}
	return f, nil
}

// canonical returns the configuration in canonical form, sharing nothing with c.
func canonical(c registry.Configuration) (registry.Configuration, error) {
	text, err := c.Canonical()
	if err != nil {
		return registry.Configuration{}, err
	}
	return registry.ParseConfiguration(text)
}

// parseTime reads a time, or a day as its first moment in the zone; no time from an empty text.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		// Where clocks are set at midnight, that day has no 0:00, or two: the ledger knows which moment it begins at.
		return credits.Cap{Window: credits.PerDay, Zone: zone.String()}.Start(day.Add(12 * time.Hour)).In(zone), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no time: want 2026-05-01 or 2026-05-01T08:00:00+02:00", text)
	}
	return at, nil
}
